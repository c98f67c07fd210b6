/*
 * go_test.h - what the tests that pair with Go's own share, and which of Go's have no pair here.
 *
 * The files test_go_*.c check by behaviour what Go's own tests check: the scenario and what must hold are the same, the
 * code is ours. A function go_TestX pairs with Go's TestX; go_chan_x with the script test/chan/x.go, go_x with test/x.go.
 * Where Go starts with a panic, here the process ends with a sentence: such pairs are in test_go_crash.c.
 *
 * What a broken runtime would do to a case is said in its comment. Where it says "hangs", the alarm of sync_test_begin
 * turns that into a dump and a failure. No bound on time is absolute, but for that alarm.
 *
 * A case is a G and uses CHECK (see sync_test.h). EACH runs it with 1, 2 and 4 Ps.
 *
 * Without a pair:
 *
 *	Go's test                                         why not
 *	---------                                         -------
 *	*GC* but GCFairness, Finalizer*, Cleanup*, Weak*  no garbage collector
 *	StackGrowth*, StackMem, ShrinkStack*,             stacks have a fixed size and never move; overflow, guards and
 *	NoShrinkStackWhileParking, SelectStackAdjust,     reuse are in test_stack.c
 *	StackCache, peano
 *	PreemptionGC                                      no collector; that the world stops amid who computes: go_TestAsyncPreempt
 *	LockOSThread*, YieldLocked*, BlockLocked,         a G cannot be bound to a thread
 *	LockedDeadlock*, TemplateThreadRace, MexitSTW
 *	StopTheWorldDeadlock                              paired with gr_stop, which needs every P; gr_set_procs stops the world
 *	                                                  in test_procs.c
 *	TraceSTW, SchedPauseMetrics, pprof labels         no tracer, no profiler
 *	GOMAXPROCS while running                          test_procs.c
 *	live cgroup update                                the program calls gr_set_procs(0)
 *	Panic*, Recover*, RecursivePanic, OncePanic,      no panics: a bug of the caller ends the process; fn of gr_once_do must
 *	OnceFunc/Value, CondCopy, WaitGroup.Go            return; copying a struct cannot be noticed in C
 *	SignalM                                           threads are sent one signal, by what test_preempt.c tests
 *	Cgroup: at least 2 Ps                             here at least 1 (gr.h)
 *	InitDeadlock                                      no initialization code of packages
 *	ThreadExhaustion (fatal)                          a cap on threads delays only (gr.h): the pair checks that
 *	TimerGC, ChanBlockedGC, asynctimerchan            no garbage collector; there is one kind of timer channels
 *	ZeroTimer*, NewTickerLtZero*, TickerResetLtZero   a timer is made by gr_timer_new; times are unsigned, a period of 0 is
 *	                                                  "once"
 *	perm (directions), select8 (break), sendstmt,     what a compiler checks or parses; of perm the rules at run time are here
 *	ChanSendInterface, ChanSendSelectBarrier
 *	SemaHandoff* on a semaphore                       no hand-off in the public semaphore: paired with the mutex that uses it
 */
#ifndef GO_TEST_H
#define GO_TEST_H

#include "sync_test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#include "models/base/atomic.h"
#include "san.h"

#define MS ((uint64_t)1000 * 1000)

/* Gs that may exist at once: ThreadSanitizer allows about 8000 and takes milliseconds to make one. */
#define GS(n) (GR_TSAN ? ((n) + 19) / 20 : GR_ASAN ? ((n) + 3) / 4 : (n))

/* clang-format off */
#define EACH(fn) ON(1, fn), ON(2, fn), ON(4, fn)
/* clang-format on */

/* The number of Ps that the case runs on: of a G whose argument is the struct sync_case. */
static inline unsigned procs_of(const void *arg)
{
	return ((const struct sync_case *)arg)->procs;
}

static inline void spawn(void (*fn)(void *), void *arg)
{
	CHECK(gr_go(fn, arg) == 0);
}

static inline gr_chan *chan_of(size_t elem_bytes, size_t capacity)
{
	gr_chan *c = NULL;

	if (gr_chan_new(elem_bytes, capacity, &c) != 0)
		abort();
	return c;
}

static inline gr_chan *chan_of_ints(size_t capacity)
{
	return chan_of(sizeof(int), capacity);
}

static inline void send_int(gr_chan *c, int v)
{
	gr_chan_send(c, &v);
}

/* What was received; -1 from a closed, drained channel: no test sends that. */
static inline int recv_int(gr_chan *c)
{
	int v;

	return gr_chan_recv(c, &v) ? v : -1;
}

/*
 * Give others the chance to run, on whatever P, before something is looked at that they must not do. Not enough of it
 * can only hide a bug in one run, never fail a test.
 */
static inline void let_others_run(void)
{
	for (int i = 0; i < 20; i++)
		gr_yield();
}

/* Wait until an _Atomic has at least the value. Hangs if it never has. */
static inline void await_int(_Atomic int *at, int value)
{
	for (unsigned i = 0; atomic_load(at) < value; i++) {
		if (i % 64 == 63)
			gr_sleep_ns(20 * 1000); /* the others may be on other Ps */
		else
			gr_yield();
	}
}

/*
 * Wait until there are no more than n Gs: the last steps of one come after what others can see of it. That is a number and
 * no more: what they have used is freed by who has got their last word by a channel or a wait group.
 */
static inline void await_gs(uint64_t n)
{
	for (unsigned i = 0; gr_count() > n; i++) {
		if (i % 64 == 63)
			gr_sleep_ns(20 * 1000);
		else
			gr_yield();
	}
}

/* Lines of one dump, one per G, that have `text` and `other` in them and not `without`. NULL: any. */
static inline int dumped_without(const char *text, const char *other, const char *without)
{
	int fd = memfd_create("dump", MFD_CLOEXEC), n = 0;
	char *line = NULL;
	size_t cap = 0;
	FILE *f;

	gr_dump(fd);
	lseek(fd, 0, SEEK_SET);
	f = fdopen(fd, "r");
	if (!f)
		abort();
	while (getline(&line, &cap, f) > 0)
		n += !strncmp(line, "goroutine ", 10) && (!text || strstr(line, text)) &&
		     (!other || strstr(line, other)) && !(without && strstr(line, without));
	free(line);
	fclose(f);
	return n;
}

static inline int dumped(const char *text, const char *other)
{
	return dumped_without(text, other, NULL);
}

/*
 * Wait until a G of that name is neither running nor runnable: until it is blocked in what it was said to do next. By one
 * dump: between two it may just be beginning, and be in neither.
 */
static inline void await_blocked(const char *name)
{
	while (dumped_without(name, NULL, "[runn") != 1)
		gr_sleep_ns(MS / 10);
}

/* CPU time of this process: what other processes do does not count. */
static inline int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Something to compute that the compiler keeps. */
static inline void compute(unsigned rounds)
{
	for (volatile unsigned i = 0; i < rounds; i++)
		;
}

#endif
