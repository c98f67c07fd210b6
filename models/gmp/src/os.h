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

/* Reserve address space for stacks: committed page by page at first touch, no huge pages. NULL: refused. */
void *gr__os_reserve(size_t bytes);
void gr__os_unreserve(void *base, size_t bytes);
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

/* Give the calling thread a stack of its own for signal handlers; returns it, NULL if there is no memory. */
void *gr__os_altstack_on(void);
void gr__os_altstack_off(void *altstack);

/*
 * Have `is_ours` called with the address of every invalid memory access, on the altstack; it does not return if the
 * address is its business. Otherwise what was set before happens. 0 or -errno.
 */
int gr__os_fault_handler_on(void (*is_ours)(const void *addr));
void gr__os_fault_handler_off(void);

#endif
