/*
 * os.h - what the runtime wants from the operating system. Only os_*.c files contain the calls.
 */
#ifndef GR_OS_H
#define GR_OS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CPUs that this process may use: affinity mask and cgroup CPU quota (rounded up); at least 1. */
unsigned gr__os_cpus(void);

/* The same by the affinity mask of the calling thread alone: no file is read. */
unsigned gr__os_affinity(void);

/* The CPU that the calling thread is on, or was a moment ago. */
unsigned gr__os_cpu(void);

size_t gr__os_page_bytes(void);

/*
 * Sleep while *word is `expected`, until woken or until deadline_ns (CLOCK_MONOTONIC; INT64_MAX: no deadline).
 * May return early for no reason. Blocks the thread.
 */
void gr__os_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline_ns);
/* Wake up to n threads that sleep on word. The memory may be gone: then nothing happens. */
void gr__os_futex_wake(_Atomic uint32_t *word, int n);

/* Let other threads that wait for this CPU have it. */
void gr__os_yield(void);
void gr__os_sleep_ns(int64_t ns);

/*
 * How much later than asked for the kernel may end the calling thread's sleeps, so that one interrupt serves several: 50 us as
 * a rule. New threads have their creator's.
 */
uint64_t gr__os_timer_slack(void);
void gr__os_timer_slack_set(uint64_t ns);
/* The calling thread computes for at most about so long at a stretch and wants to be let do so soon; a wish. */
void gr__os_short_slice(uint64_t ns);

/* Reserve address space for stacks: committed page by page at first touch, no huge pages. NULL: refused. */
void *gr__os_reserve(size_t bytes);
void gr__os_unreserve(void *base, size_t bytes);
/* Pages that are about to be written, at once. A kernel that cannot has them come one by one. */
void gr__os_populate(void *base, size_t bytes);
/* Give the pages back, keep the addresses and guards. */
void gr__os_release(void *base, size_t bytes);

/* Whether light guards work here: emulators and old kernels may say yes to what they do not know. */
bool gr__os_guard_light_works(void);
/* Make a page fault on every access, without (light) or with a mapping of its own. 0 or -errno. */
int gr__os_guard_light(void *page, size_t bytes);
int gr__os_guard_mapping(void *page, size_t bytes);
/* How many mappings a process may have. */
size_t gr__os_max_mappings(void);

/* Start a thread with a stack of about that size and all signals as they are. 0 or -errno. */
int gr__os_thread_start(pthread_t *thread, void *(*fn)(void *), void *arg, size_t stack_bytes);
/* Have the calling thread, and those that it starts, take no signals but its own faults; *old is for the undoing. */
void gr__os_signals_block(sigset_t *old);
void gr__os_signals_restore(const sigset_t *old);
/* The bounds of the calling thread's stack. */
void gr__os_thread_stack(const void **lo, size_t *bytes);

/* Take out of an M's mask what the runtime sends to Ms itself. */
void gr__os_signals_for_ms(sigset_t *mask);
/* The kernel's number of the calling thread. Send such a thread the signal of preemption; nothing happens if it has ended. */
uint32_t gr__os_tid(void);
void gr__os_thread_interrupt(uint32_t tid);

/* A stack for signal handlers: a mapping of gr__os_altstack_bytes(), NULL if there is no memory. */
void *gr__os_altstack_map(void);
void gr__os_altstack_unmap(void *altstack);
size_t gr__os_altstack_bytes(void);
/*
 * Have the calling thread's signal handlers run on it; NULL: on whatever stack is in use. Not on the one in use now. 0 or
 * -errno. Or only say so, for the end of a handler.
 */
int gr__os_altstack_set(void *altstack);
void gr__os_altstack_describe(void *altstack, stack_t *out);

/*
 * Have `is_ours` called with the address of every invalid memory access, and where it was made, on the altstack; it does
 * not return if the address is its business. Otherwise what was set before happens. 0 or -errno.
 */
int gr__os_fault_handler_on(void (*is_ours)(const void *addr, uintptr_t pc, uintptr_t fp));
void gr__os_fault_handler_off(void);

/* What a signal has interrupted. In the frame of a handler, so on the alternate stack. */
struct gr__interrupted {
	const void *pc, *sp;
	void *fp; /* frame pointer */
	stack_t *altstack; /* the thread's alternate stack after the handler's return */
	const sigset_t *mask; /* its mask then */
};

/*
 * Have fn called on the alternate stack, with all signals blocked, whenever a thread gets gr__os_thread_interrupt or the
 * same signal from elsewhere; it may return on another thread, errno goes along. 0 or -errno.
 */
int gr__os_preempt_handler_on(void (*fn)(struct gr__interrupted *at));
void gr__os_preempt_handler_off(void);

/*
 * Have `fn` called on SIGQUIT, with where the thread was, unless the program has a handler for it or ignores it.
 */
void gr__os_quit_handler_on(void (*fn)(uintptr_t pc, uintptr_t fp));
void gr__os_quit_handler_off(void);

/* Whether the 8 bytes around addr can be read now. Under an emulator the answer may be yes when it is no. */
bool gr__os_is_readable(uintptr_t addr);
/* Memory of zeros, committed as it is touched, and giving it back. NULL: refused. For signal handlers too. */
void *gr__os_scratch(size_t bytes);
void gr__os_scratch_free(void *mem, size_t bytes);

#endif
