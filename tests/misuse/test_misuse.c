/*
 * test_misuse.c - every sentence with which the runtime ends a process, each provoked in a process of its own.
 *
 * The last case reads the sources: no gr__fatal may be there whose sentence no case of the table expects.
 *
 * A '*' in an expected sentence stands for whatever is there. Some cases need a moment that is hard to meet: those are
 * made by hand (an armed call of tests/fault/inject.h, a word of a wait group, a wrapped function), which their comments
 * say.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gr.h"
#include "grow_cases.h"
#include "inject.h"
#include "tests/gmp/child.h"
#include "netpoll.h"
#include "san.h"

#ifndef GR_CHECK
#define GR_CHECK 0
#endif
#ifndef TEST_HAS_GROW
#define TEST_HAS_GROW 0
#endif

enum { SURVIVED = 5, NOT_SET_UP = 6 }; /* exit codes of a child */

/* What a case needs and cannot get: its own message, no sentence of the runtime's. */
#define NEED(condition)                                                                                                \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                      \
			_exit(NOT_SET_UP);                                                                             \
		}                                                                                                      \
	} while (0)

static gr_chan *chan_of_ints(size_t capacity)
{
	gr_chan *c = NULL;

	NEED(gr_chan_new(sizeof(int), capacity, &c) == 0);
	return c;
}

static gr_rwmutex *new_rwmutex(void)
{
	gr_rwmutex *rw = NULL;

	NEED(gr_rwmutex_new(&rw) == 0);
	return rw;
}

static gr_sock *adopted(int fd)
{
	gr_sock *s = NULL;

	NEED(gr_sock_adopt(fd, &s) == 0);
	return s;
}

static void do_nothing(void *arg)
{
	(void)arg;
}

/* Until all others have gone as far as they can: they wait, or have ended; then all Ps but one are idle. */
static void let_others_run(void)
{
	for (int i = 0; i < 20; i++)
		gr_sleep_ns(1000000);
	for (int i = 0; i < 2000 && load_relaxed(&gr__sched.n_idle_ps) < gr__nprocs() - 1; i++)
		gr_sleep_ns(1000000);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static void run_from_a_g(void *arg)
{
	gr_run(do_nothing, arg);
}

static void run_without_runtime(void *arg)
{
	gr_run(do_nothing, arg);
}

static void stop_from_a_g(void *arg)
{
	(void)arg;
	gr_stop();
}

static void stop_without_runtime(void *arg)
{
	(void)arg;
	gr_stop();
}

static void stop_twice(void *arg)
{
	(void)arg;
	NEED(gr_start(NULL) == 0);
	gr_stop();
	gr_stop();
}

static void exit_outside(void *arg)
{
	(void)arg;
	NEED(gr_start(NULL) == 0);
	gr_exit();
}

static void set_procs_outside(void *arg)
{
	(void)arg;
	gr_set_procs(2);
}

static void yield_outside(void *arg)
{
	(void)arg;
	NEED(gr_start(NULL) == 0);
	gr_yield();
}

static void set_name_outside(void *arg)
{
	(void)arg;
	NEED(gr_start(NULL) == 0);
	gr_set_name("nobody");
}

static void set_label_outside(void *arg)
{
	(void)arg;
	gr_set_label("nothing");
}

static void wait_forever(void *arg)
{
	gr_chan *c = chan_of_ints(0);

	(void)arg;
	gr_chan_recv(c, &(int){0});
}

/* ---- what the environment refuses, where there is nobody to tell it to -------------------------------------- */

/* All threads have ended for want of work, and no new one can be made. */
static void no_threads(void *arg)
{
	const struct gr_config config = {.procs = 2, .reap_ns = 1000000};
	struct gr_stats s;

	NEED(gr_start(&config) == 0);
	do {
		usleep(1000);
		gr_stats_read(&s);
	} while (s.m_reaped < s.m_created);
	inject_arm(INJECT_THREAD, INJECT_FROM, 1, EAGAIN);
	gr_run(do_nothing, arg);
}

static void no_stack(void *arg)
{
	NEED(gr_start(NULL) == 0);
	inject_arm(INJECT_MMAP, INJECT_FROM, 1, ENOMEM);
	gr_run(do_nothing, arg);
}

static void epoll_dies(void *arg)
{
	int fds[2];

	(void)arg;
	NEED(pipe(fds) == 0);
	inject_arm(INJECT_EPOLL_WAIT, INJECT_FROM, 1, EBADF);
	gr_sock_read(adopted(fds[0]), &(char){0}, 1);
}

static void epoll_forgets(void *arg)
{
	int fds[2];
	gr_sock *s;

	(void)arg;
	NEED(pipe(fds) == 0);
	s = adopted(fds[0]);
	inject_arm(INJECT_EPOLL_CTL, INJECT_FROM, 1, EINVAL);
	gr_sock_close(s);
}

/* ---- stacks ------------------------------------------------------------------------------------------------ */

static uint64_t __attribute__((noinline)) recurse(uint64_t n)
{
	volatile char frame[200];

	frame[0] = (char)n;
	return n ? recurse(n - 1) + (uint64_t)frame[0] : 0;
}

static void dig(void *arg)
{
	(void)arg;
	recurse(1000000);
}

static void overflow(void *arg)
{
	NEED(gr_go_named("digger", dig, arg) == 0);
	for (;;)
		gr_yield();
}

/* As an overflow without a guard leaves it; one in earnest would go on into the neighbour. */
static void spoil_canary(void *arg)
{
	(void)arg;
	*(volatile uint64_t *)(void *)gr__self()->stack_lo = 1;
}

static void overflow_unguarded(void *arg)
{
	NEED(gr_go(spoil_canary, arg) == 0);
	let_others_run();
}

/* ---- channels ------------------------------------------------------------------------------------------ */

static void send_and_forget(void *arg)
{
	gr_chan_send(arg, &(int){1});
}

static void send_closed(void *arg)
{
	gr_chan *c = chan_of_ints(1);

	(void)arg;
	gr_chan_close(c);
	gr_chan_send(c, &(int){1});
}

static void try_send_closed(void *arg)
{
	gr_chan *c = chan_of_ints(1);

	(void)arg;
	gr_chan_close(c);
	gr_chan_try_send(c, &(int){1});
}

static void close_twice(void *arg)
{
	gr_chan *c = chan_of_ints(0);

	(void)arg;
	gr_chan_close(c);
	gr_chan_close(c);
}

static void close_nil(void *arg)
{
	(void)arg;
	gr_chan_close(NULL);
}

static void close_under_sender(void *arg)
{
	gr_chan *c = chan_of_ints(0);

	(void)arg;
	gr_go(send_and_forget, c);
	let_others_run();
	gr_chan_close(c);
	let_others_run();
}

static void free_under_sender(void *arg)
{
	gr_chan *c = chan_of_ints(0);

	(void)arg;
	gr_go(send_and_forget, c);
	let_others_run();
	gr_chan_free(c);
}

static void recv_and_forget(void *arg)
{
	gr_chan_recv(arg, &(int){0});
}

static void free_under_receiver(void *arg)
{
	gr_chan *c = chan_of_ints(0);

	(void)arg;
	gr_go(recv_and_forget, c);
	let_others_run();
	gr_chan_free(c);
}

/* ---- select ------------------------------------------------------------------------------------------------ */

static void select_send_closed(void *arg)
{
	gr_chan *c = chan_of_ints(1), *d = chan_of_ints(0);
	gr_case cases[2];
	int v = 1;

	(void)arg;
	gr_case_send(&cases[0], c, &v);
	gr_case_recv(&cases[1], d, &v);
	gr_chan_close(c);
	gr_select_try(cases, 2);
}

static void select_send_or_recv(void *arg)
{
	gr_case cases[2];
	int v = 1, w;

	gr_case_recv(&cases[0], chan_of_ints(0), &w);
	gr_case_send(&cases[1], arg, &v);
	gr_select(cases, 2);
}

static void close_under_select(void *arg)
{
	gr_chan *c = chan_of_ints(0);

	(void)arg;
	gr_go(select_send_or_recv, c);
	let_others_run();
	gr_chan_close(c);
	let_others_run();
}

static void free_under_select(void *arg)
{
	gr_chan *c = chan_of_ints(0);

	(void)arg;
	gr_go(select_send_or_recv, c);
	let_others_run();
	gr_chan_free(c);
}

static void too_many_cases(void *arg)
{
	(void)arg;
	gr_select(NULL, 65537);
}

static void try_too_many_cases(void *arg)
{
	(void)arg;
	gr_select_try(NULL, 65537);
}

/* ---- locks and waiting --------------------------------------------------------------------------------------- */

static void unlock_unlocked(void *arg)
{
	gr_mutex m = {0};

	(void)arg;
	gr_mutex_unlock(&m);
}

static void unlock_twice(void *arg)
{
	gr_mutex m = {0};

	(void)arg;
	gr_mutex_lock(&m);
	gr_mutex_unlock(&m);
	gr_mutex_unlock(&m);
}

static void cond_wait_unlocked(void *arg)
{
	gr_cond c = {0};
	gr_mutex m = {0};

	(void)arg;
	gr_cond_wait(&c, &m);
}

static void wg_negative(void *arg)
{
	gr_wg wg = {0};

	(void)arg;
	gr_wg_add(&wg, 1);
	gr_wg_done(&wg);
	gr_wg_done(&wg);
}

/* The moment between the last gr_wg_done and its reset of the word, by hand: counter 0, one waiter. */
static void wg_add_while_ending(void *arg)
{
	gr_wg wg = {.state = 1};

	(void)arg;
	gr_wg_add(&wg, 1);
}

static void wait_and_use_again(void *arg)
{
	gr_wg_wait(arg);
	gr_wg_add(arg, 1);
}

/* The first of many waiters begins the next round while the others are still in this one. */
static void wg_used_again(void *arg)
{
	gr_wg wg = {0};

	(void)arg;
	gr_wg_add(&wg, 1);
	for (int i = 0; i < 200; i++)
		gr_go(wait_and_use_again, &wg);
	let_others_run();
	gr_wg_done(&wg);
	let_others_run();
}

static gr_once itself;

static void call_again(void *arg)
{
	gr_once_do(&itself, call_again, arg);
}

static void once_recursion(void *arg)
{
	gr_once_do(&itself, call_again, arg);
}

static void rw_unlock_unlocked(void *arg)
{
	(void)arg;
	gr_rwmutex_unlock(new_rwmutex());
}

static void rw_unlock_read_locked(void *arg)
{
	gr_rwmutex *rw = new_rwmutex();

	(void)arg;
	gr_rwmutex_rlock(rw);
	gr_rwmutex_unlock(rw);
}

/* With several Ps the next writer finds it, with one it is found at once. */
static void rw_runlock_unlocked(void *arg)
{
	gr_rwmutex *rw = new_rwmutex();

	(void)arg;
	gr_rwmutex_runlock(rw);
	gr_rwmutex_lock(rw);
}

static void rw_runlock_write_locked(void *arg)
{
	gr_rwmutex *rw = new_rwmutex();

	(void)arg;
	gr_rwmutex_lock(rw);
	gr_rwmutex_runlock(rw);
}

static void rw_runlock_before_free(void *arg)
{
	gr_rwmutex *rw = new_rwmutex();

	(void)arg;
	gr_rwmutex_runlock(rw);
	gr_rwmutex_free(rw);
}

static void rw_free_read_locked(void *arg)
{
	gr_rwmutex *rw = new_rwmutex();

	(void)arg;
	gr_rwmutex_rlock(rw);
	gr_rwmutex_free(rw);
}

static void rw_free_write_locked(void *arg)
{
	gr_rwmutex *rw = new_rwmutex();

	(void)arg;
	gr_rwmutex_lock(rw);
	gr_rwmutex_free(rw);
}

/* ---- calls that block the M ---------------------------------------------------------------------------------- */

static void enter_outside(void *arg)
{
	(void)arg;
	NEED(gr_start(NULL) == 0);
	gr_syscall_enter();
}

static void enter_twice(void *arg)
{
	(void)arg;
	gr_syscall_enter();
	gr_syscall_enter();
}

static void exit_without_enter(void *arg)
{
	(void)arg;
	gr_syscall_exit();
}

static void exit_twice(void *arg)
{
	(void)arg;
	gr_syscall_enter();
	gr_syscall_exit();
	gr_syscall_exit();
}

static void set_procs_in_a_call(void *arg)
{
	(void)arg;
	gr_syscall_enter();
	gr_set_procs(3);
	gr_syscall_exit();
}

static void go_null(void *arg)
{
	(void)gr_go(NULL, arg);
}

static gr_timer *new_timer(void)
{
	gr_timer *t = NULL;

	NEED(gr_timer_new(NULL, NULL, &t) == 0);
	return t;
}

static void timer_started_outside(void *arg)
{
	(void)arg;
	gr_timer_start(new_timer(), 1000000, 0);
}

static void timer_stopped_outside(void *arg)
{
	(void)arg;
	gr_timer_stop(new_timer());
}

static void timer_freed_outside(void *arg)
{
	(void)arg;
	NEED(gr_start(NULL) == 0);
	gr_timer_free(new_timer());
}

static void timer_started_in_a_call(void *arg)
{
	(void)arg;
	gr_syscall_enter();
	gr_timer_start(new_timer(), 1000000, 0);
}

static void await_timer(void *arg)
{
	gr_chan_recv(gr_timer_chan(arg), &(uint64_t){0});
}

static void timer_freed_under_receiver(void *arg)
{
	gr_timer *t = new_timer();

	(void)arg;
	NEED(gr_go(await_timer, t) == 0);
	let_others_run();
	gr_timer_free(t);
}

static void send_timeout_closed(void *arg)
{
	gr_chan *c = chan_of_ints(1);

	(void)arg;
	gr_chan_close(c);
	gr_chan_send_timeout(c, &(int){1}, 1000000);
}

static void send_for_long(void *arg)
{
	gr_chan_send_timeout(arg, &(int){1}, 3600 * 1000000000ull);
}

static void close_under_patient_sender(void *arg)
{
	gr_chan *c = chan_of_ints(0);

	(void)arg;
	NEED(gr_go(send_for_long, c) == 0);
	let_others_run();
	gr_chan_close(c);
	let_others_run();
}

static void cond_wait_timeout_unlocked(void *arg)
{
	gr_cond c = {0};
	gr_mutex m = {0};

	(void)arg;
	gr_cond_wait_timeout(&c, &m, 1000000);
}

static void sleep_outside(void *arg)
{
	(void)arg;
	gr_sleep_ns(1000000);
}

static void nopreempt_enter_outside(void *arg)
{
	(void)arg;
	NEED(gr_start(NULL) == 0);
	gr_nopreempt_enter();
}

static void nopreempt_leave_twice(void *arg)
{
	(void)arg;
	gr_nopreempt_enter();
	gr_nopreempt_leave();
	gr_nopreempt_leave();
}

static void checkpoint_outside(void *arg)
{
	(void)arg;
	NEED(gr_start(NULL) == 0);
	gr_checkpoint();
}

static _Atomic bool sleeps;

static void sleep_long(void *arg)
{
	(void)arg;
	atomic_store(&sleeps, true);
	gr_sleep_ns(20000000000);
}

static void *run_long(void *arg)
{
	gr_run(sleep_long, arg);
	return NULL;
}

static void stop_amid_a_run(void *arg)
{
	const struct gr_config config = {.procs = 1};
	pthread_t thread;

	(void)arg;
	if (gr_start(&config) || pthread_create(&thread, NULL, run_long, NULL))
		return;
	while (!atomic_load(&sleeps))
		usleep(1000);
	gr_stop();
}

static void sleep_in_a_call(void *arg)
{
	(void)arg;
	gr_syscall_enter();
	gr_sleep_ns(1000000);
	gr_syscall_exit();
}

/* ---- sockets ------------------------------------------------------------------------------------------------- */

static void read_and_forget(void *arg)
{
	gr_sock_read(arg, &(char){0}, 1);
}

static void two_readers(void *arg)
{
	int fds[2];
	gr_sock *s;

	(void)arg;
	NEED(pipe2(fds, O_CLOEXEC) == 0);
	s = adopted(fds[0]);
	gr_go(read_and_forget, s);
	gr_go(read_and_forget, s);
	let_others_run();
}

static void write_and_forget(void *arg)
{
	static const char much[256 * 1024];

	gr_sock_write(arg, much, sizeof(much));
}

static void two_writers(void *arg)
{
	int fds[2];
	gr_sock *s;

	(void)arg;
	NEED(pipe2(fds, O_CLOEXEC) == 0);
	s = adopted(fds[1]);
	gr_go(write_and_forget, s);
	gr_go(write_and_forget, s);
	let_others_run();
}

static void sock_closed_twice(void *arg)
{
	int fds[2];
	gr_sock *s;

	(void)arg;
	NEED(pipe2(fds, O_CLOEXEC) == 0);
	s = adopted(fds[0]);
	gr_sock_close(s);
	gr_sock_close(s);
}

/*
 * Two that close at the same time both find the descriptor open. They are made to meet there: the first waits, without
 * calling the runtime, until the second has come as far.
 */
static _Atomic int closers_wanted, closers;

bool __real_gr__np_ref(struct gr_sock *s);
bool __wrap_gr__np_ref(struct gr_sock *s);
bool __wrap_gr__np_ref(struct gr_sock *s)
{
	bool open = __real_gr__np_ref(s);

	if (atomic_load(&closers_wanted)) {
		atomic_fetch_add(&closers, 1);
		while (atomic_load(&closers) < atomic_load(&closers_wanted))
			usleep(100);
	}
	return open;
}

static void close_and_forget(void *arg)
{
	gr_sock_close(arg);
}

static void sock_closed_by_two(void *arg)
{
	int fds[2];
	gr_sock *s;

	(void)arg;
	NEED(pipe2(fds, O_CLOEXEC) == 0);
	s = adopted(fds[0]);
	atomic_store(&closers_wanted, 2);
	gr_go(close_and_forget, s);
	gr_sock_close(s);
	let_others_run();
}

static void closed_behind_our_back(void *arg)
{
	int fds[2];

	(void)arg;
	NEED(pipe2(fds, O_CLOEXEC) == 0);
	adopted(fds[0]);
	close(fds[0]);
	NEED(dup(fds[1]) == fds[0]); /* the number, for something else */
	adopted(fds[0]);
}

static void deadline_outside(void *arg)
{
	gr_sock_set_deadline(arg, GR_SOCK_READ, 1);
}

static void deadline_of_nothing(void *arg)
{
	int fds[2];

	(void)arg;
	NEED(pipe2(fds, O_CLOEXEC) == 0);
	gr_sock_set_deadline(adopted(fds[0]), 4, 1);
}

static void cancel_of_nothing(void *arg)
{
	int fds[2];

	(void)arg;
	NEED(pipe2(fds, O_CLOEXEC) == 0);
	gr_sock_cancel(adopted(fds[0]), 0);
}

/* ---- the table --------------------------------------------------------------------------------------------- */

enum where { ON_MAIN, ON_G, ON_G_ONE_P, ON_G_CANARY, ON_GROWING, ON_MAIN_GROWING }; /* the last: where stacks grow */

struct death {
	const char *name;
	void (*fn)(void *);
	enum where where;
	const char *sentence;
	int exit_code; /* 0: SIGABRT */
	bool needs_check; /* only builds with GR_CHECK look */
};

#define RUNLOCK "gr_rwmutex_runlock: was called more often than the lock was taken for reading (g *)"
#define ON_TWO(name, ...)                                                                                              \
	{#name, name, ON_G, __VA_ARGS__},                                                                              \
	{                                                                                                              \
#name "/1", name, ON_G_ONE_P, __VA_ARGS__                                                              \
	}

static const struct death deaths[] = {
	ON_TWO(run_from_a_g, "gr_run: called from a G (g *)", 0, false),
	{"run_without_runtime", run_without_runtime, ON_MAIN, "gr_run: the runtime does not run", 0, false},
	ON_TWO(stop_from_a_g, "gr_stop: called from a G (g *)", 0, false),
	{"stop_without_runtime", stop_without_runtime, ON_MAIN, "gr_stop: the runtime does not run", 0, false},
	{"stop_twice", stop_twice, ON_MAIN, "gr_stop: the runtime does not run", 0, false},
	{"exit_outside", exit_outside, ON_MAIN, "gr_exit: not called from a G", 0, false},
	{"set_procs_outside", set_procs_outside, ON_MAIN, "gr_set_procs: not called from a G", 0, false},
	{"yield_outside", yield_outside, ON_MAIN, "gr_yield: not called from a G", 0, false},
	{"set_name_outside", set_name_outside, ON_MAIN, "gr_set_name: not called from a G", 0, false},
	{"set_label_outside", set_label_outside, ON_MAIN, "gr_set_label: not called from a G", 0, false},
	ON_TWO(wait_forever,
	       "all goroutines are asleep - deadlock\n1 goroutine waits to receive on channel *"
	       "goroutine * (main) [[]chan receive*",
	       2, false),

	{"no_threads", no_threads, ON_MAIN, "no thread can be created to run Gs on (error 11)", 0, false},
	{"no_stack", no_stack, ON_MAIN, "gr_run: no memory for a stack", 0, false},
	ON_TWO(epoll_dies, "internal error: epoll_wait: errno 9", 0, false),
	ON_TWO(epoll_forgets, "internal error: epoll_ctl(DEL, *): errno 22", 0, false),

	ON_TWO(overflow, "stack overflow of goroutine * (digger); its stack has * bytes, guard included", 0, false),
	{"grow_too_far", grow_too_far, ON_GROWING,
	 "stack overflow of goroutine *: it has grown to * bytes and wants * more, of * at most (g *)", 0, false},
	{"grow_without_memory", grow_without_memory, ON_GROWING,
	 "the stack of goroutine * cannot grow by * bytes: no memory (g *)", 0, false},
	{"alloca_without_memory", alloca_without_memory, ON_GROWING,
	 "the stack of goroutine * cannot grow by * bytes for alloca: no memory (g *)", 0, false},
	{"alloca_on_a_thread", alloca_on_a_thread, ON_MAIN_GROWING,
	 "alloca of more than there is, in code with stack checks on a stack that does not grow", 0, false},
	ON_TWO(foreign_null, "gr_foreign: the function is NULL (g *)", 0, false),
	{"overflow_unguarded", overflow_unguarded, ON_G_CANARY, "stack overflow of goroutine *, found when it ended", 0,
	 false},

	ON_TWO(send_closed, "gr_chan_send: the channel is closed (g *)", 0, false),
	ON_TWO(try_send_closed, "gr_chan_try_send: the channel is closed (g *)", 0, false),
	ON_TWO(close_twice, "gr_chan_close: the channel is closed already (g *)", 0, false),
	ON_TWO(close_nil, "gr_chan_close: the channel is NULL (g *)", 0, false),
	ON_TWO(close_under_sender, "gr_chan_send: the channel was closed while the goroutine waited to send (g *)", 0,
	       false),
	ON_TWO(free_under_sender, "gr_chan_free: a goroutine waits on the channel (g *)", 0, false),
	ON_TWO(free_under_receiver, "gr_chan_free: a goroutine waits on the channel (g *)", 0, false),

	ON_TWO(select_send_closed, "gr_select: the channel of a send case is closed (g *)", 0, false),
	ON_TWO(close_under_select, "gr_select: the channel of a send case was closed while the goroutine waited (g *)",
	       0, false),
	ON_TWO(free_under_select, "gr_chan_free: a goroutine waits on the channel (g *)", 0, false),
	ON_TWO(too_many_cases, "gr_select: 65537 cases are more than 65536 (g *)", 0, false),
	ON_TWO(try_too_many_cases, "gr_select: 65537 cases are more than 65536 (g *)", 0, false),

	ON_TWO(unlock_unlocked, "gr_mutex_unlock: the mutex is not locked (g *)", 0, false),
	ON_TWO(unlock_twice, "gr_mutex_unlock: the mutex is not locked (g *)", 0, false),
	ON_TWO(cond_wait_unlocked, "gr_cond_wait: the mutex is not locked (g *)", 0, false),
	ON_TWO(wg_negative, "gr_wg_add: the counter has become negative (g *)", 0, false),
	ON_TWO(wg_add_while_ending, "gr_wg_add: called while gr_wg_wait was ending (g *)", 0, false),
	ON_TWO(wg_used_again, "gr_wg_wait: the group was used again before all its waiters had returned (g *)", 0,
	       false),
	ON_TWO(once_recursion, "gr_once_do: called by the function that it runs (g *)", 0, false),
	ON_TWO(rw_unlock_unlocked, "gr_rwmutex_unlock: the lock is not held for writing (g *)", 0, false),
	ON_TWO(rw_unlock_read_locked, "gr_rwmutex_unlock: the lock is not held for writing (g *)", 0, false),
	ON_TWO(rw_runlock_unlocked, RUNLOCK, 0, false),
	ON_TWO(rw_runlock_write_locked, RUNLOCK, 0, false),
	ON_TWO(rw_runlock_before_free, RUNLOCK, 0, false),
	ON_TWO(rw_free_read_locked, "gr_rwmutex_free: the lock is held or waited for (g *)", 0, false),
	ON_TWO(rw_free_write_locked, "gr_rwmutex_free: the lock is held or waited for (g *)", 0, false),

	{"enter_outside", enter_outside, ON_MAIN, "gr_syscall_enter: not called from a G", 0, false},
	ON_TWO(enter_twice, "gr_syscall_enter: called twice (g *)", 0, false),
	ON_TWO(exit_without_enter, "gr_syscall_exit: without gr_syscall_enter (g *)", 0, false),
	ON_TWO(exit_twice, "gr_syscall_exit: without gr_syscall_enter (g *)", 0, false),
	ON_TWO(sleep_in_a_call,
	       "a function of the runtime was called between gr_syscall_enter and gr_syscall_exit (g *)", 0, false),
	ON_TWO(set_procs_in_a_call,
	       "a function of the runtime was called between gr_syscall_enter and gr_syscall_exit (g *)", 0, false),
	ON_TWO(go_null, "gr_go: the function is NULL (g *)", 0, false),
	{"timer_started_outside", timer_started_outside, ON_MAIN, "gr_timer_start: not called from a G", 0, false},
	{"timer_stopped_outside", timer_stopped_outside, ON_MAIN, "gr_timer_stop: not called from a G", 0, false},
	{"timer_freed_outside", timer_freed_outside, ON_MAIN, "gr_timer_free: not called from a G", 0, false},
	ON_TWO(timer_started_in_a_call,
	       "a function of the runtime was called between gr_syscall_enter and gr_syscall_exit (g *)", 0, false),
	ON_TWO(timer_freed_under_receiver, "gr_chan_free: a goroutine waits on the channel (g *)", 0, false),
	ON_TWO(send_timeout_closed, "gr_chan_send: the channel is closed (g *)", 0, false),
	ON_TWO(close_under_patient_sender,
	       "gr_chan_send: the channel was closed while the goroutine waited to send (g *)", 0, false),
	ON_TWO(cond_wait_timeout_unlocked, "gr_cond_wait: the mutex is not locked (g *)", 0, false),
	{"sleep_outside", sleep_outside, ON_MAIN, "gr_sleep_ns: not called from a G", 0, false},
	{"nopreempt_enter_outside", nopreempt_enter_outside, ON_MAIN, "gr_nopreempt_enter: not called from a G", 0,
	 false},
	ON_TWO(nopreempt_leave_twice, "gr_nopreempt_leave: without gr_nopreempt_enter (g *)", 0, false),
	{"checkpoint_outside", checkpoint_outside, ON_MAIN, "gr_checkpoint: not called from a G", 0, false},
	{"stop_amid_a_run", stop_amid_a_run, ON_MAIN, "gr_stop: a gr_run has not returned", 0, false},

	ON_TWO(two_readers, "two goroutines read from descriptor * at the same time (g *)", 0, false),
	ON_TWO(two_writers, "two goroutines write to descriptor * at the same time (g *)", 0, false),
	ON_TWO(sock_closed_twice, "gr_sock_close: the descriptor is closed already (g *)", 0, false),
	{"sock_closed_by_two", sock_closed_by_two, ON_G, "gr_sock_close: two goroutines close one descriptor (g *)", 0,
	 false},
	ON_TWO(closed_behind_our_back, "gr_sock_adopt: descriptor * was adopted before and closed by other means (g *)",
	       0, false),
	{"deadline_outside", deadline_outside, ON_MAIN, "gr_sock_set_deadline: not called from a G", 0, false},
	ON_TWO(deadline_of_nothing, "gr_sock_set_deadline: no directions 4 (g *)", 0, false),
	ON_TWO(cancel_of_nothing, "gr_sock_cancel: no directions 0 (g *)", 0, false),
};

enum { DEATHS = sizeof(deaths) / sizeof(deaths[0]) };

/* In the child. */
static void die(const struct death *d)
{
	struct gr_config config = {.procs = 2};

	alarm(60);
	if (d->where == ON_MAIN || d->where == ON_MAIN_GROWING) {
		d->fn(NULL);
		_exit(SURVIVED);
	}
	if (d->where == ON_G_ONE_P)
		config.procs = 1;
	if (d->where == ON_G_CANARY)
		config.knobs = "guard=2";
	NEED(gr_start(&config) == 0);
	gr_run(d->fn, NULL);
	_exit(SURVIVED);
}

static void begin_child(const void *arg)
{
	become_anew(((const struct death *)arg)->name, NULL);
}

/* Test function: the state is a struct death. */
static void dies(void **state)
{
	const struct death *d = *state;
	char said[32768], wanted[256];
	bool as_wanted;
	int status;

	if ((d->needs_check && !GR_CHECK) || (d->where >= ON_GROWING && (!TEST_HAS_GROW || GR_CHECK)))
		skip();
	status = child_says(begin_child, d, said, sizeof(said));
	as_wanted = d->exit_code ? WIFEXITED(status) && WEXITSTATUS(status) == d->exit_code
				 : WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
	snprintf(wanted, sizeof(wanted), "*gr: %s\n*", d->sentence);
	if (!as_wanted || fnmatch(wanted, said, FNM_NOESCAPE) != 0)
		fail_msg("%s: status %#x, said: %s", d->name, (unsigned)status, said);
}

/* ---- no sentence without a case ---------------------------------------------------------------------------------- */

/* The string literal at *text, which is moved behind it; conversions become '*', escapes are left out. */
static void read_literal(const char **text, char *out, size_t cap)
{
	const char *c = *text + 1;
	size_t n = 0;

	while (*c != '"' && n < cap - 1) {
		if (*c == '%') {
			c += strspn(c + 1, "0123456789.lz#") + 2;
			out[n++] = '*';
		} else {
			out[n++] = *c++;
		}
	}
	out[n] = '\0';
	*text = c + 1;
}

/* The first argument of the call at `text`, which may be several literals. False: it is none. */
static bool read_sentence(const char *text, char *out, size_t cap)
{
	size_t n = 0;

	for (;;) {
		while (isspace((unsigned char)*text))
			text++;
		if (*text != '"')
			return n > 0;
		read_literal(&text, out + n, cap - n);
		n += strlen(out + n);
	}
}

static bool is_expected(const char *sentence)
{
	for (size_t i = 0; i < DEATHS; i++) {
		char pattern[512];

		/* The table's may have " (g *)" behind it, which gr__fatal adds. */
		snprintf(pattern, sizeof(pattern), "%s*", sentence);
		if (fnmatch(pattern, deaths[i].sentence, FNM_NOESCAPE) == 0)
			return true;
	}
	return false;
}

/* How many sentences a file has; those that no case expects are told and counted in *missing. */
static int look_through(const char *path, int *missing)
{
	static char text[256 * 1024];
	FILE *f = fopen(path, "re");
	int found = 0;
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	assert_true(n < sizeof(text) - 1);
	for (const char *at = text; (at = strstr(at, "gr__fatal("));) {
		char sentence[400];

		at += strlen("gr__fatal(");
		if (!read_sentence(at, sentence, sizeof(sentence)))
			continue; /* its declaration */
		found++;
		if (!is_expected(sentence)) {
			fprintf(stderr, "%s: no case for: %s\n", path, sentence);
			++*missing;
		}
	}
	return found;
}

static void every_sentence_has_a_case(void **state)
{
	int found = 0, missing = 0;
	glob_t files;

	(void)state;
	assert_int_equal(glob(TEST_SOURCE_DIR "/models/gmp/src/*.[ch]", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		found += look_through(files.gl_pathv[i], &missing);
	globfree(&files);
	assert_int_equal(missing, 0);
	assert_true(found >= 30); /* they were found at all */
	/* And the check finds what is missing. */
	assert_false(is_expected("gr_chan_send: the channel is cold"));
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[DEATHS + 1];

	for (size_t i = 0; i < DEATHS; i++) {
		if (argc > 1 && !strcmp(argv[1], deaths[i].name))
			die(&deaths[i]);
		tests[i] = (struct CMUnitTest){deaths[i].name, dies, NULL, NULL, (void *)(uintptr_t)&deaths[i]};
	}
	tests[DEATHS] = (struct CMUnitTest)cmocka_unit_test(every_sentence_has_a_case);
	return cmocka_run_group_tests_name("misuse", tests, NULL, NULL);
}
