/*
 * What ends the process, and what must not: deadlocks and misuse, paired with Go's crash_test.go and the misuse tests of
 * sync and chan. What the names mean, and what has no pair: go_test.h.
 *
 * Each case is a G in a process of its own (started by exec, for the sanitizers), and what that has to end with: the exit
 * status of a deadlock, an abort with a sentence, or 0. Each catches: a wrong end, or none (the process hangs until its
 * alarm, which is another signal's end), or one without its sentence.
 */
#include "child.h"
#include "go_test.h"

enum end {
	DEADLOCKS, /* exit status 2 and the sentence of a deadlock */
	ABORTS, /* SIGABRT and the case's sentence */
	SURVIVES, /* exit status 0, and no sentence at all */
};

struct crash {
	const char *name;
	void (*fn)(void *);
	enum end end;
	const char *sentence; /* ABORTS: the one; DEADLOCKS: a further one, or NULL */
};

/* ---- deadlocks --------------------------------------------------------------------------------------------------- */

static void wait_for_nothing(void *arg)
{
	gr_chan_recv(arg ? arg : chan_of_ints(0), &(int){0});
}

static void go_TestSimpleDeadlock(void *arg)
{
	wait_for_nothing(arg);
}

static void go_TestSimpleDeadlock_nil(void *arg)
{
	(void)arg;
	gr_chan_send(NULL, &(int){0});
}

static void go_TestSimpleDeadlock_select(void *arg)
{
	(void)arg;
	gr_select(NULL, 0);
}

static void go_TestSimpleDeadlock_mutex(void *arg)
{
	gr_mutex m = {0};

	(void)arg;
	gr_mutex_lock(&m);
	gr_mutex_lock(&m);
}

static void go_TestSimpleDeadlock_wg(void *arg)
{
	gr_wg wg = {0};

	(void)arg;
	gr_wg_add(&wg, 1);
	gr_wg_wait(&wg);
}

static void go_TestSimpleDeadlock_rwmutex(void *arg)
{
	gr_rwmutex *rw;

	(void)arg;
	if (gr_rwmutex_new(&rw))
		return;
	gr_rwmutex_rlock(rw);
	gr_rwmutex_lock(rw);
}

/* Each of a ring of Gs waits for the next one. */
static void pass_on(void *arg)
{
	gr_chan **c = arg;

	send_int(c[1], recv_int(c[0]));
}

static void go_TestDeadlock_ring(void *arg)
{
	static gr_chan *c[6];

	(void)arg;
	for (int i = 0; i < 5; i++)
		c[i] = chan_of_ints(0);
	c[5] = c[0];
	for (int i = 1; i < 5; i++)
		spawn(pass_on, &c[i]);
	pass_on(&c[0]);
}

/* The one that could have gone on has ended: what gr_exit skips does not happen. */
static void exit_before_sending(void *arg)
{
	gr_yield();
	if (arg)
		gr_exit();
	send_int(arg, 1);
}

static void go_TestGoexitDeadlock(void *arg)
{
	gr_chan *c = chan_of_ints(0);

	(void)arg;
	spawn(exit_before_sending, c);
	recv_int(c);
}

/* The G of a gr_run may end before the others: then the run is over, and who is left waiting is no deadlock. */
static void go_TestGoexitInMain(void *arg)
{
	(void)arg;
	spawn(wait_for_nothing, NULL);
	let_others_run();
	gr_exit();
}

/* All names in the message. */
static void go_TestCrashDumpsAllThreads(void *arg)
{
	static const char *const names[] = {"first of all", "second of all", "third of all"};

	(void)arg;
	for (int i = 0; i < 3; i++)
		gr_go_named(names[i], wait_for_nothing, NULL);
	wait_for_nothing(NULL);
}

/* ---- what looks like a deadlock and is none ------------------------------------------------------------------------ */

static int late_fds[2];

static void *write_late(void *arg)
{
	const struct timespec t = {0, 200 * 1000 * 1000};

	(void)arg;
	nanosleep(&t, NULL);
	if (write(late_fds[1], "x", 1) != 1)
		abort();
	return NULL;
}

/* All Gs wait, one of them for a pipe: only the kernel knows that somebody will write. */
static void read_late(bool in_call)
{
	gr_sock *s = NULL;
	pthread_t thread;
	char byte = 0;

	if (pipe(late_fds) || pthread_create(&thread, NULL, write_late, NULL))
		abort();
	spawn(wait_for_nothing, NULL);
	if (in_call) {
		if (gr_read_blocking(late_fds[0], &byte, 1) != 1)
			abort();
		close(late_fds[0]);
	} else {
		if (gr_sock_adopt(late_fds[0], &s) || gr_sock_read(s, &byte, 1) != 1)
			abort();
		gr_sock_close(s);
	}
	pthread_join(thread, NULL);
	close(late_fds[1]);
	if (byte != 'x')
		abort();
}

static void go_TestNetpollDeadlock(void *arg)
{
	(void)arg;
	read_late(false);
}

static void go_TestNetpollDeadlock_syscall(void *arg)
{
	(void)arg;
	read_late(true);
}

static void go_TestSleepIsNoDeadlock(void *arg)
{
	(void)arg;
	spawn(wait_for_nothing, NULL);
	gr_sleep_ns(200 * MS);
}

/* Who has waited for I/O, and for time, is not counted as waiting for it any more: then a deadlock is seen again. */
static void go_TestNetpollWaiters(void *arg)
{
	read_late(false);
	gr_sleep_ns(MS);
	wait_for_nothing(arg);
}

/* ---- a bug while the others are busy -------------------------------------------------------------------------------- */

static void yield_for_good(void *arg)
{
	(void)arg;
	for (;;)
		gr_yield();
}

static void call_for_good(void *arg)
{
	(void)arg;
	for (;;) {
		gr_syscall_enter();
		getppid();
		gr_syscall_exit();
		gr_yield();
	}
}

static void err_among(void (*fn)(void *))
{
	for (int i = 0; i < 6; i++)
		spawn(fn, NULL);
	gr_sleep_ns(5 * MS);
	gr_chan_close(NULL);
}

static void go_TestPanicDeadlockGosched(void *arg)
{
	(void)arg;
	err_among(yield_for_good);
}

static void go_TestPanicDeadlockSyscall(void *arg)
{
	(void)arg;
	err_among(call_for_good);
}

/* ---- misuse of locks ----------------------------------------------------------------------------------------------------- */

static void go_TestMutexMisuse_unlock(void *arg)
{
	(void)arg;
	gr_mutex_unlock(&(gr_mutex){0});
}

static void go_TestMutexMisuse_unlock_twice(void *arg)
{
	gr_mutex m = {0};

	(void)arg;
	gr_mutex_lock(&m);
	gr_mutex_unlock(&m);
	gr_mutex_unlock(&m);
}

static gr_rwmutex *new_rwmutex(void)
{
	gr_rwmutex *rw = NULL;

	if (gr_rwmutex_new(&rw))
		_exit(5);
	return rw;
}

static void go_TestMutexMisuse_rwunlock(void *arg)
{
	(void)arg;
	gr_rwmutex_unlock(new_rwmutex());
}

static void go_TestMutexMisuse_rwunlock_read(void *arg)
{
	gr_rwmutex *rw = new_rwmutex();

	(void)arg;
	gr_rwmutex_rlock(rw);
	gr_rwmutex_unlock(rw);
}

static void go_TestMutexMisuse_rwunlock_twice(void *arg)
{
	gr_rwmutex *rw = new_rwmutex();

	(void)arg;
	gr_rwmutex_lock(rw);
	gr_rwmutex_unlock(rw);
	gr_rwmutex_unlock(rw);
}

/* Told at the next writer, or by the free (gr.h). */
static void go_TestMutexMisuse_runlock(void *arg)
{
	gr_rwmutex *rw = new_rwmutex();

	(void)arg;
	gr_rwmutex_runlock(rw);
	gr_rwmutex_lock(rw);
}

static void go_TestMutexMisuse_runlock_twice(void *arg)
{
	gr_rwmutex *rw = new_rwmutex();

	(void)arg;
	gr_rwmutex_rlock(rw);
	gr_rwmutex_runlock(rw);
	gr_rwmutex_runlock(rw);
	gr_rwmutex_lock(rw);
}

static void go_TestMutexMisuse_runlock_free(void *arg)
{
	gr_rwmutex *rw = new_rwmutex();

	(void)arg;
	gr_rwmutex_runlock(rw);
	gr_rwmutex_free(rw);
}

static void go_TestMutexMisuse_runlock_written(void *arg)
{
	gr_rwmutex *rw = new_rwmutex();

	(void)arg;
	gr_rwmutex_lock(rw);
	gr_rwmutex_runlock(rw);
}

static void go_TestCondWaitUnlocked(void *arg)
{
	gr_mutex m = {0};
	gr_cond c = {0};

	(void)arg;
	gr_cond_wait(&c, &m);
}

/* ---- misuse of wait groups --------------------------------------------------------------------------------------------------- */

static void go_TestWaitGroupMisuse(void *arg)
{
	gr_wg wg = {0};

	(void)arg;
	gr_wg_add(&wg, 1);
	gr_wg_done(&wg);
	gr_wg_done(&wg);
}

static void wait_in_group(void *arg)
{
	gr_wg_wait(arg);
}

/* The group is used for the next round before those who wait for the last one have returned. */
static void go_TestWaitGroupMisuse_reuse(void *arg)
{
	static gr_wg wg;

	(void)arg;
	for (;;) {
		gr_wg_add(&wg, 1);
		for (int i = 0; i < 3; i++)
			spawn(wait_in_group, &wg);
		let_others_run();
		gr_wg_done(&wg);
		gr_wg_add(&wg, 1);
		let_others_run();
		gr_wg_done(&wg);
		await_gs(1);
	}
}

/* ---- misuse of channels ---------------------------------------------------------------------------------------------------------- */

static gr_chan *closed_chan(size_t cap)
{
	gr_chan *c = chan_of_ints(cap);

	gr_chan_close(c);
	return c;
}

static void go_chan_close_nil(void *arg)
{
	(void)arg;
	gr_chan_close(NULL);
}

static void go_chan_close_closed(void *arg)
{
	(void)arg;
	gr_chan_close(closed_chan(1));
}

static void go_chan_send_closed(void *arg)
{
	(void)arg;
	send_int(closed_chan(0), 1);
}

static void go_chan_send_closed_buffered(void *arg)
{
	(void)arg;
	send_int(closed_chan(1), 1);
}

static void go_chan_try_send_closed(void *arg)
{
	(void)arg;
	gr_chan_try_send(closed_chan(0), &(int){1});
}

static void select_send(gr_chan *c, bool blocks)
{
	const int one = 1;
	gr_case two[2];

	gr_case_recv(&two[0], chan_of_ints(0), &(int){0});
	gr_case_send(&two[1], c, &one);
	if (blocks)
		gr_select(two, 2);
	else
		gr_select_try(two, 2);
}

static void go_chan_select_send_closed(void *arg)
{
	(void)arg;
	select_send(closed_chan(0), true);
}

static void go_chan_select_try_send_closed(void *arg)
{
	(void)arg;
	select_send(closed_chan(0), false);
}

/* Not before the G of the gr_run waits in its send. */
static void close_it(void *arg)
{
	await_blocked("(main)");
	gr_chan_close(arg);
}

static void go_chan_close_under_sender(void *arg)
{
	gr_chan *c = chan_of_ints(0);

	(void)arg;
	spawn(close_it, c);
	send_int(c, 1);
}

static void go_chan_close_under_select(void *arg)
{
	gr_chan *c = chan_of_ints(0);

	(void)arg;
	spawn(close_it, c);
	select_send(c, true);
}

/* ---- the processes ----------------------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define DEADLOCK(fn) {#fn, fn, DEADLOCKS, NULL}
#define FATAL(fn, sentence) {#fn, fn, ABORTS, sentence}
#define LIVES(fn) {#fn, fn, SURVIVES, NULL}
/* clang-format on */

static const struct crash crashes[] = {
	DEADLOCK(go_TestSimpleDeadlock),
	DEADLOCK(go_TestSimpleDeadlock_nil),
	DEADLOCK(go_TestSimpleDeadlock_select),
	DEADLOCK(go_TestSimpleDeadlock_mutex),
	DEADLOCK(go_TestSimpleDeadlock_wg),
	DEADLOCK(go_TestSimpleDeadlock_rwmutex),
	DEADLOCK(go_TestDeadlock_ring),
	DEADLOCK(go_TestGoexitDeadlock),
	LIVES(go_TestGoexitInMain),
	{"go_TestCrashDumpsAllThreads", go_TestCrashDumpsAllThreads, DEADLOCKS, "(first of all) [chan receive"},
	{"go_TestCrashDumpsAllThreads", go_TestCrashDumpsAllThreads, DEADLOCKS, "(second of all) [chan receive"},
	{"go_TestCrashDumpsAllThreads", go_TestCrashDumpsAllThreads, DEADLOCKS, "(third of all) [chan receive"},
	LIVES(go_TestNetpollDeadlock),
	LIVES(go_TestNetpollDeadlock_syscall),
	LIVES(go_TestSleepIsNoDeadlock),
	DEADLOCK(go_TestNetpollWaiters),
	FATAL(go_TestPanicDeadlockGosched, "gr_chan_close: the channel is NULL"),
	FATAL(go_TestPanicDeadlockSyscall, "gr_chan_close: the channel is NULL"),
	FATAL(go_TestMutexMisuse_unlock, "gr_mutex_unlock: the mutex is not locked"),
	FATAL(go_TestMutexMisuse_unlock_twice, "gr_mutex_unlock: the mutex is not locked"),
	FATAL(go_TestMutexMisuse_rwunlock, "gr_rwmutex_unlock: the lock is not held for writing"),
	FATAL(go_TestMutexMisuse_rwunlock_read, "gr_rwmutex_unlock: the lock is not held for writing"),
	FATAL(go_TestMutexMisuse_rwunlock_twice, "gr_rwmutex_unlock: the lock is not held for writing"),
	FATAL(go_TestMutexMisuse_runlock, "gr_rwmutex_runlock: was called more often"),
	FATAL(go_TestMutexMisuse_runlock_twice, "gr_rwmutex_runlock: was called more often"),
	FATAL(go_TestMutexMisuse_runlock_free, "gr_rwmutex_runlock: was called more often"),
	FATAL(go_TestMutexMisuse_runlock_written, "gr_rwmutex_runlock: was called more often"),
	FATAL(go_TestCondWaitUnlocked, "gr_cond_wait: the mutex is not locked"),
	FATAL(go_TestWaitGroupMisuse, "gr_wg_add: the counter has become negative"),
	FATAL(go_TestWaitGroupMisuse_reuse, "gr_wg_wait: the group was used again"),
	FATAL(go_chan_close_nil, "gr_chan_close: the channel is NULL"),
	FATAL(go_chan_close_closed, "gr_chan_close: the channel is closed already"),
	FATAL(go_chan_send_closed, "gr_chan_send: the channel is closed"),
	FATAL(go_chan_send_closed_buffered, "gr_chan_send: the channel is closed"),
	FATAL(go_chan_try_send_closed, "gr_chan_try_send: the channel is closed"),
	FATAL(go_chan_select_send_closed, "gr_select: the channel of a send case is closed"),
	FATAL(go_chan_select_try_send_closed, "gr_select: the channel of a send case is closed"),
	FATAL(go_chan_close_under_sender, "gr_chan_send: the channel was closed while"),
	FATAL(go_chan_close_under_select, "gr_select: the channel of a send case was closed while"),
};

enum { CRASHES = sizeof(crashes) / sizeof(crashes[0]) };

/* In the process that `ends_as_told` has started: run the case of that name, on so many Ps. */
static void be_child(const char *name, const char *procs)
{
	const struct gr_config config = {.procs = (unsigned)atoi(procs)};

	signal(SIGALRM, SIG_DFL);
	alarm(60);
	for (int i = 0; i < CRASHES; i++) {
		if (strcmp(crashes[i].name, name) != 0)
			continue;
		if (gr_start(&config))
			_exit(3);
		gr_run(crashes[i].fn, NULL);
		gr_stop();
		_exit(atomic_load(&sync_failures) ? 5 : 0); /* not exit: what dropped Gs had is no leak to report */
	}
	_exit(4);
}

static bool is_as_told(const struct crash *c, int status, const char *said)
{
	switch (c->end) {
	case DEADLOCKS:
		return WIFEXITED(status) && WEXITSTATUS(status) == 2 &&
		       strstr(said, "all goroutines are asleep - deadlock") &&
		       (!c->sentence || strstr(said, c->sentence));
	case ABORTS:
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(said, c->sentence);
	default:
		return WIFEXITED(status) && WEXITSTATUS(status) == 0 && !strstr(said, "gr:");
	}
}

struct life {
	const struct crash *crash;
	char procs[16];
};

static void begin_child(const void *arg)
{
	const struct life *l = arg;

	become_anew(l->crash->name, l->procs);
}

static void ends_as_told(void **state)
{
	struct life l = {.crash = *state};

	/* ThreadSanitizer takes a quarter of a second for each process. */
	for (int procs = GR_TSAN ? 2 : 1; procs <= (GR_TSAN ? 2 : 4); procs *= 2) {
		char said[8192];
		int status;

		snprintf(l.procs, sizeof(l.procs), "%d", procs);
		status = child_says(begin_child, &l, said, sizeof(said));
		if (!is_as_told(l.crash, status, said))
			fail_msg("%s on %d Ps: status %#x, said: %s", l.crash->name, procs, (unsigned)status, said);
	}
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[CRASHES];

	if (argc == 3)
		be_child(argv[1], argv[2]);
	sync_test_begin();
	for (int i = 0; i < CRASHES; i++)
		tests[i] =
			(struct CMUnitTest){crashes[i].name, ends_as_told, NULL, NULL, (void *)(uintptr_t)&crashes[i]};
	return cmocka_run_group_tests_name("gmp/go_crash", tests, NULL, NULL);
}
