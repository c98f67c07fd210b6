/*
 * Scheduling, paired with Go's proc_test.go and runtime_test.go. What the names mean, and what has no pair: go_test.h.
 *
 * The two CPUs of a small machine are enough: who computes until somebody else has done something calls sched_yield, so
 * that the kernel, not the runtime, lets more threads than CPUs take turns.
 */
#include "go_test.h"

#include <signal.h>

/* ---- TestYieldProgress ------------------------------------------------------------------------------------- */

struct progress {
	_Atomic int turns;
	_Atomic bool stop;
	gr_wg done;
};

static void yield_until_told(void *arg)
{
	struct progress *p = arg;

	while (!atomic_load(&p->stop)) {
		atomic_fetch_add(&p->turns, 1);
		gr_yield();
	}
	gr_wg_done(&p->done);
}

/* Catches: a yield that comes straight back although another G is runnable (hangs). */
static void go_TestYieldProgress(void *arg)
{
	struct progress p[3] = {{.turns = 0}};

	(void)arg;
	for (int i = 0; i < 3; i++) {
		gr_wg_add(&p[i].done, 1);
		spawn(yield_until_told, &p[i]);
	}
	for (int i = 0; i < 3; i++)
		while (atomic_load(&p[i].turns) < 100)
			gr_yield();
	for (int i = 0; i < 3; i++) {
		atomic_store(&p[i].stop, true);
		gr_wg_wait(&p[i].done);
	}
}

/* ---- TestGoroutineParallelism, TestGoroutineParallelism2 ------------------------------------------------------ */

enum { TEAM = 4, TEAM_ROUNDS = 10, TEAM_TRIES = 10 };

struct team {
	_Atomic unsigned turn;
	gr_wg done;
};

struct member {
	struct team *team;
	unsigned id;
};

/* Without a call of the runtime: all the others must be running now. */
static void pass_the_turn(void *arg)
{
	struct member *m = arg;

	for (unsigned i = 0; i < TEAM_ROUNDS; i++) {
		while (atomic_load(&m->team->turn) != TEAM * i + m->id)
			sched_yield();
		atomic_store(&m->team->turn, TEAM * i + m->id + 1);
	}
	gr_wg_done(&m->team->done);
}

static void play_together(void)
{
	struct team team = {.turn = 0};
	struct member members[TEAM];

	gr_wg_add(&team.done, TEAM);
	for (unsigned i = 0; i < TEAM; i++) {
		members[i] = (struct member){&team, i};
		spawn(pass_the_turn, &members[i]);
	}
	gr_wg_wait(&team.done);
	CHECK(atomic_load(&team.turn) == TEAM * TEAM_ROUNDS);
}

/* Catches: a runnable G that is left queued while a P is idle (hangs). */
static void go_TestGoroutineParallelism(void *arg)
{
	(void)arg;
	for (int i = 0; i < TEAM_TRIES; i++)
		play_together();
}

static void compute_a_while(void *arg)
{
	compute(20000);
	gr_wg_done(arg);
}

/* Bring all Ps to work, so that their Ms park, or are about to, when the team starts. */
static void load_all_ps(void)
{
	gr_wg done = {0};

	gr_wg_add(&done, 4 * TEAM);
	for (int i = 0; i < 4 * TEAM; i++)
		spawn(compute_a_while, &done);
	gr_wg_wait(&done);
}

static void read_byte(void *arg)
{
	char byte;

	gr_sock_read(arg, &byte, 1);
}

static void parallel_after(bool load, bool poll)
{
	int fds[2];
	gr_sock *s = NULL;

	if (poll) { /* one M is away, in the poller */
		CHECK(pipe(fds) == 0);
		CHECK(gr_sock_adopt(fds[0], &s) == 0);
		CHECK(gr_go_named("reader", read_byte, s) == 0);
		await_blocked("reader");
	}
	for (int i = 0; i < TEAM_TRIES; i++) {
		if (load)
			load_all_ps();
		if (i % 2)
			gr_sleep_ns(MS / 20);
		play_together();
	}
	if (poll) {
		gr_sock_close(s);
		close(fds[1]);
		await_gs(1);
	}
}

/* Catches: the same right after the Ms have had work and go to sleep, and while one of them is the poller (hangs). */
static void go_TestGoroutineParallelism2(void *arg)
{
	(void)arg;
	for (int variant = 0; variant < 4; variant++)
		parallel_after(variant & 1, variant & 2);
}

/* ---- TestTimerFairness, TestTimerFairness2, TestAfterFuncStarvation ------------------------------------------------ */

struct busy {
	gr_chan *c, *quit;
	_Atomic bool stop;
	_Atomic unsigned turns;
	int fds[2];
	gr_wg done;
};

static void send_and_receive(void *arg)
{
	struct busy *b = arg;
	const int one = 1;
	gr_case three[3];
	int v;

	gr_case_send(&three[0], b->c, &one);
	gr_case_recv(&three[1], b->c, &v);
	gr_case_recv(&three[2], b->quit, NULL);
	while (gr_select(three, 3) != 2)
		atomic_fetch_add(&b->turns, 1);
	gr_wg_done(&b->done);
}

/*
 * Catches: timers that are looked at only when a queue is empty, which it never is here (hangs). Unbuffered, so that the
 * two block: operations that never have to wait do not switch, in a cooperative runtime.
 */
static void go_TestTimerFairness(void *arg)
{
	struct busy b = {.c = chan_of_ints(0), .quit = chan_of(0, 0)};

	(void)arg;
	gr_wg_add(&b.done, 2);
	for (int i = 0; i < 2; i++)
		spawn(send_and_receive, &b);
	for (int i = 0; i < 5; i++) {
		unsigned before = atomic_load(&b.turns);

		gr_sleep_ns(2 * MS);
		while (atomic_load(&b.turns) == before) /* nor the other way round */
			gr_sleep_ns(MS / 10);
	}
	gr_chan_close(b.quit);
	gr_wg_wait(&b.done);
	gr_chan_free(b.c);
	gr_chan_free(b.quit);
}

static void call_kernel(void *arg)
{
	struct busy *b = arg;
	char byte = 1;

	while (!atomic_load(&b->stop)) {
		gr_syscall_enter();
		if (write(b->fds[1], &byte, 1) == 1 && read(b->fds[0], &byte, 1) == 1)
			atomic_fetch_add(&b->turns, 1);
		gr_syscall_exit();
		gr_yield();
	}
	gr_wg_done(&b->done);
}

/* Catches: the same with Gs that are in calls most of the time (hangs). */
static void go_TestTimerFairness2(void *arg)
{
	struct busy b = {.c = NULL};

	(void)arg;
	CHECK(pipe(b.fds) == 0);
	gr_wg_add(&b.done, 2);
	for (int i = 0; i < 2; i++)
		spawn(call_kernel, &b);
	for (int i = 0; i < 5; i++)
		gr_sleep_ns(2 * MS);
	await_int((_Atomic int *)&b.turns, 10);
	atomic_store(&b.stop, true);
	gr_wg_wait(&b.done);
	close(b.fds[0]);
	close(b.fds[1]);
}

struct table {
	gr_chan *there, *back;
	_Atomic bool stop;
	gr_wg done;
};

static void return_balls(void *arg)
{
	struct table *t = arg;
	int v;

	while (gr_chan_recv(t->there, &v))
		gr_chan_send(t->back, &v);
	gr_wg_done(&t->done);
}

static void serve_balls(void *arg)
{
	struct table *t = arg;

	for (int i = 0; !atomic_load(&t->stop); i++) {
		send_int(t->there, i);
		CHECK(recv_int(t->back) == i);
	}
	gr_chan_close(t->there);
	gr_wg_done(&t->done);
}

/* Catches: a pair that hands the P to each other without an end, past everything that is due (hangs). */
static void go_TestAfterFuncStarvation(void *arg)
{
	struct table t = {.there = chan_of_ints(0), .back = chan_of_ints(0)};

	(void)arg;
	gr_wg_add(&t.done, 2);
	spawn(serve_balls, &t);
	spawn(return_balls, &t);
	for (int i = 0; i < 10; i++)
		gr_sleep_ns(MS);
	atomic_store(&t.stop, true);
	gr_wg_wait(&t.done);
	gr_chan_free(t.there);
	gr_chan_free(t.back);
}

/* ---- TestPingPongHog: a pair that computes between its turns, and one that does not, share one P ------------------- */

enum { HOG_TURNS = GR_TSAN || GR_ASAN ? 200 : 1000, HOG_WORK = 5000, SHARE = 20 };

struct players {
	gr_chan *ball;
	unsigned work;
	int count; /* turns of this pair; one P */
	int cap; /* at so many the match is over */
	bool *over;
	gr_wg *done;
};

static void play(void *arg)
{
	struct players *p = arg;
	int v;

	while (gr_chan_recv(p->ball, &v)) {
		compute(p->work);
		p->count++;
		if (p->count >= p->cap)
			*p->over = true;
		if (*p->over) {
			gr_chan_close(p->ball); /* ends the partner, who waits for the ball */
			break;
		}
		gr_chan_send(p->ball, &v);
	}
	gr_wg_done(p->done);
}

/*
 * Both pairs switch by handing on the P. Catches: that the pair which has it keeps it. Then one of the two has no turns,
 * or many times the other's, when the first one reaches its end.
 */
static void go_TestPingPongHog(void *arg)
{
	bool over = false;
	gr_wg done = {0};
	struct players hogs = {chan_of_ints(0), HOG_WORK, 0, HOG_TURNS, &over, &done};
	struct players light = {chan_of_ints(0), 0, 0, HOG_TURNS * SHARE * 2, &over, &done};

	(void)arg;
	gr_wg_add(&done, 4);
	for (int i = 0; i < 2; i++) {
		spawn(play, &hogs);
		spawn(play, &light);
	}
	send_int(hogs.ball, 1);
	send_int(light.ball, 1);
	gr_wg_wait(&done);
	CHECK(hogs.count > 0 && light.count > 0);
	CHECK(light.count < hogs.count * SHARE);
	CHECK(hogs.count < light.count * SHARE);
	gr_chan_free(hogs.ball);
	gr_chan_free(light.ball);
}

/* ---- TestNumGoroutine, TestNoHelperGoroutines, TestGoroutineProfileTrivial ----------------------------------------- */

struct waiting {
	gr_chan *c;
	gr_wg done;
};

static void wait_for_close(void *arg)
{
	struct waiting *w = arg;

	gr_chan_recv(w->c, NULL);
	gr_wg_done(&w->done);
}

static void start_waiting(struct waiting *w, int n)
{
	*w = (struct waiting){.c = chan_of(0, 0)};
	gr_wg_add(&w->done, n);
	for (int i = 0; i < n; i++)
		spawn(wait_for_close, w);
}

static void end_waiting(struct waiting *w)
{
	gr_chan_close(w->c);
	gr_wg_wait(&w->done);
	gr_chan_free(w->c);
	await_gs(1);
}

/* Catches: Gs that are not counted, counted twice, or counted after their end; a dump that has others than these. */
static void go_TestNumGoroutine(void *arg)
{
	(void)arg;
	for (int n = 1; n <= 1000; n *= 10) {
		const int gs = n == 1000 ? GS(1000) : n;
		struct waiting w;

		CHECK(gr_count() == 1);
		start_waiting(&w, gs);
		CHECK(gr_count() == (uint64_t)gs + 1);
		let_others_run();
		CHECK(gr_count() == (uint64_t)gs + 1);
		end_waiting(&w);
	}
}

static void go_TestGoroutineProfileTrivial(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20; i++) {
		struct waiting w;

		start_waiting(&w, i);
		/* The world is not stopped for a dump: while they begin it may miss one, or see it twice. */
		for (int k = 0; k < 10000 && dumped("[chan receive", NULL) != i; k++)
			gr_sleep_ns(MS / 10);
		CHECK(dumped(NULL, NULL) == (int)gr_count());
		CHECK(dumped(NULL, NULL) == i + 1);
		end_waiting(&w);
	}
}

/* Catches: a runtime that keeps Gs of its own and counts them: for timers, I/O, locks. */
static void go_TestNoHelperGoroutines(void *arg)
{
	gr_mutex m = {0};
	gr_chan *c = chan_of_ints(1);
	gr_sock *s = NULL;
	int fds[2];

	(void)arg;
	gr_sleep_ns(MS);
	send_int(c, 1);
	CHECK(recv_int(c) == 1);
	gr_mutex_lock(&m);
	gr_mutex_unlock(&m);
	CHECK(pipe(fds) == 0);
	CHECK(gr_sock_adopt(fds[1], &s) == 0);
	CHECK(gr_sock_write(s, "x", 1) == 1);
	CHECK(gr_count() == 1);
	gr_sock_close(s);
	close(fds[0]);
	gr_chan_free(c);
}

/* ---- TestSleepZeroDeadlock, TestSleep, TestOverflowSleep ------------------------------------------------------------- */

struct sleeper {
	uint64_t ns;
	_Atomic int *returned;
};

static void sleep_shortly(void *arg)
{
	for (int i = 0; i < 1000; i++)
		gr_sleep_ns(i % 3 == 0);
	gr_wg_done(arg);
}

/* Catches: a sleep of nothing, or of next to nothing, that is never ended: its time is over before it is noted (hangs). */
static void go_TestSleepZeroDeadlock(void *arg)
{
	gr_wg done = {0};

	(void)arg;
	gr_wg_add(&done, 4);
	for (int i = 0; i < 4; i++)
		spawn(sleep_shortly, &done);
	gr_wg_wait(&done);
}

/* Catches: a sleep that ends too early. */
static void go_TestSleep(void *arg)
{
	(void)arg;
	for (uint64_t ns = 1; ns <= 10 * MS; ns *= 10) {
		const int64_t start = clock_ns();

		gr_sleep_ns(ns);
		CHECK(clock_ns() - start >= (int64_t)ns);
	}
}

static void sleep_long(void *arg)
{
	struct sleeper *s = arg;

	gr_sleep_ns(s->ns);
	atomic_fetch_add(s->returned, 1);
}

/* Catches: a deadline beyond the end of the clock that comes out in the past. */
static void go_TestOverflowSleep(void *arg)
{
	static _Atomic int returned;
	static struct sleeper sleepers[] = {
		{UINT64_MAX, &returned},
		{(uint64_t)INT64_MAX, &returned},
		{(uint64_t)INT64_MAX - 1, &returned},
		{(uint64_t)INT64_MAX + 1, &returned},
	};

	(void)arg;
	atomic_store(&returned, 0);
	for (int i = 0; i < 4; i++)
		spawn(sleep_long, &sleepers[i]);
	gr_sleep_ns(5 * MS); /* and they do not keep this one from ending */
	let_others_run();
	CHECK(atomic_load(&returned) == 0);
}

/* ---- TestSpuriousWakeupsNeverHangSemasleep: signals reach threads that sleep ------------------------------------------ */

static _Atomic int signals_seen;

static void see_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&signals_seen, 1);
}

struct storm {
	_Atomic bool stop;
	_Atomic int sent;
	pthread_t thread;
};

static void *send_signals(void *arg)
{
	struct storm *s = arg;
	const struct timespec pause = {0, 50000};

	while (!atomic_load(&s->stop)) {
		kill(getpid(), SIGUSR1);
		atomic_fetch_add(&s->sent, 1);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void sleep_and_meet(void *arg)
{
	struct table *t = arg;

	for (int i = 0; i < 50; i++) {
		const int64_t start = clock_ns();

		gr_sleep_ns(MS / 5);
		CHECK(clock_ns() - start >= (int64_t)MS / 5);
		send_int(t->there, i);
		CHECK(recv_int(t->back) == i);
	}
	gr_chan_close(t->there);
	gr_wg_done(&t->done);
}

/* Catches: a thread's sleep that ends by a signal and is taken for a wake-up, or is not resumed (hangs). */
static void go_TestSpuriousWakeupsNeverHangSemasleep(void *arg)
{
	struct table t = {.there = chan_of_ints(0), .back = chan_of_ints(0)};
	struct sigaction sa = {.sa_handler = see_signal, .sa_flags = SA_ONSTACK | SA_RESTART}, old;
	struct storm storm = {.stop = false};

	(void)arg;
	atomic_store(&signals_seen, 0);
	sigaction(SIGUSR1, &sa, &old);
	CHECK(pthread_create(&storm.thread, NULL, send_signals, &storm) == 0);
	gr_wg_add(&t.done, 2);
	spawn(sleep_and_meet, &t);
	spawn(return_balls, &t);
	gr_wg_wait(&t.done);
	await_int(&storm.sent, 10);
	atomic_store(&storm.stop, true);
	pthread_join(storm.thread, NULL);
	/* ThreadSanitizer calls handlers when a thread comes to it, which one that sleeps in the kernel does not. */
	CHECK(GR_TSAN || atomic_load(&signals_seen) > 0);
	gr_sleep_ns(MS); /* those that are still pending */
	sigaction(SIGUSR1, &old, NULL);
	gr_chan_free(t.there);
	gr_chan_free(t.back);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		EACH(go_TestYieldProgress),
		ON(4, go_TestGoroutineParallelism),
		ON(4, go_TestGoroutineParallelism2),
		EACH(go_TestTimerFairness),
		EACH(go_TestTimerFairness2),
		EACH(go_TestAfterFuncStarvation),
		ON(1, go_TestPingPongHog),
		EACH(go_TestNumGoroutine),
		EACH(go_TestGoroutineProfileTrivial),
		EACH(go_TestNoHelperGoroutines),
		EACH(go_TestSleepZeroDeadlock),
		EACH(go_TestSleep),
		EACH(go_TestOverflowSleep),
		EACH(go_TestSpuriousWakeupsNeverHangSemasleep),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/go_sched", tests, NULL, NULL);
}
