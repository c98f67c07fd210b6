/*
 * Timers and sleeping, paired with Go's time tests. What the names mean, and what has no pair: go_test.h.
 *
 * Where Go's test bounds how late something may be, here it is only that it comes (else it hangs) and that it is not too
 * early: how late depends on what else the machine does.
 */
#include "go_test.h"

#define HOUR (3600 * 1000 * MS)
#define US ((uint64_t)1000)

static gr_timer *timer_of(void (*fn)(void *), void *arg)
{
	gr_timer *t = NULL;

	if (gr_timer_new(fn, arg, &t) != 0)
		abort();
	return t;
}

/* What was received: a time at which the timer was due. */
static int64_t recv_time(gr_timer *t)
{
	uint64_t due = 0;

	CHECK(gr_chan_recv(gr_timer_chan(t), &due));
	return (int64_t)due;
}

static bool has_time(gr_timer *t)
{
	uint64_t due;

	return gr_chan_try_recv(gr_timer_chan(t), &due, NULL);
}

static void count_up(void *arg)
{
	atomic_fetch_add((_Atomic int *)arg, 1);
}

/* ---- TestSleep, TestOverflowSleep ------------------------------------------------------------------------- */

static void on_signal(int sig)
{
	(void)sig;
}

static void interrupt(void *arg)
{
	(void)arg;
	gr_sleep_ns(10 * MS);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
}

/* Catches: a sleep that a signal ends. */
static void go_TestSleep(void *arg)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
	int64_t begin = clock_ns();

	(void)arg;
	sigaction(SIGUSR1, &action, NULL);
	spawn(interrupt, NULL);
	gr_sleep_ns(20 * MS);
	CHECK(clock_ns() - begin >= (int64_t)(20 * MS));
	await_gs(1);
}

/* Catches: a deadline beyond the clock's end that becomes one in the past. */
static void go_TestOverflowSleep(void *arg)
{
	static const uint64_t lengths[] = {UINT64_MAX, UINT64_MAX - 1, INT64_MAX, (uint64_t)INT64_MAX + 1};
	_Atomic int rung = 0;

	(void)arg;
	for (int i = 0; i < 4; i++) {
		gr_timer *t = timer_of(NULL, NULL), *f = timer_of(count_up, &rung);

		gr_timer_start(t, lengths[i], 0);
		gr_timer_start(f, lengths[i], lengths[i]);
		CHECK(gr_chan_recv_timeout(gr_timer_chan(t), &(uint64_t){0}, 2 * MS) == -ETIMEDOUT);
		CHECK(gr_timer_stop(t) == (i != 0) && gr_timer_stop(f) == (i != 0)); /* the first means never */
		gr_timer_free(t);
		gr_timer_free(f);
	}
	CHECK(atomic_load(&rung) == 0);
}

/* ---- TestAfter, TestAfterTick, TestAfterTimes, TestTickTimes ----------------------------------------------- */

static void go_TestAfter(void *arg)
{
	int64_t begin = clock_ns(), due;
	gr_timer *t = timer_of(NULL, NULL);

	(void)arg;
	CHECK(!gr_timer_start(t, 20 * MS, 0));
	due = recv_time(t);
	CHECK(due - begin >= (int64_t)(20 * MS) && clock_ns() >= due);
	CHECK(!gr_timer_stop(t));
	gr_timer_free(t);
}

static void go_TestAfterTick(void *arg)
{
	enum { N = 5 };
	int64_t begin = clock_ns();
	gr_timer *t = timer_of(NULL, NULL);

	(void)arg;
	for (int i = 0; i < N; i++) {
		CHECK(!gr_timer_start(t, 5 * MS, 0));
		recv_time(t);
	}
	CHECK(clock_ns() - begin >= (int64_t)(N * 5 * MS));
	gr_timer_free(t);
}

/* The time sent is the one at which it was due, however late it is received. */
static void go_TestAfterTimes(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++) {
		gr_timer *t = timer_of(NULL, NULL);
		int64_t begin = clock_ns(), end, due;

		gr_timer_start(t, 2 * MS, 0);
		end = clock_ns();
		gr_sleep_ns(20 * MS);
		due = recv_time(t);
		CHECK(due >= begin + (int64_t)(2 * MS) && due <= end + (int64_t)(2 * MS));
		gr_timer_free(t);
	}
}

/* The first tick that was not received stays; those after it are dropped. */
static void go_TestTickTimes(void *arg)
{
	gr_timer *t = timer_of(NULL, NULL);
	int64_t begin = clock_ns(), end, first, second;

	(void)arg;
	gr_timer_start(t, 3 * MS, 3 * MS);
	end = clock_ns();
	gr_sleep_ns(20 * MS);
	first = recv_time(t);
	CHECK(first >= begin + (int64_t)(3 * MS) && first <= end + (int64_t)(3 * MS));
	second = recv_time(t);
	CHECK(second > first && (second - first) % (int64_t)(3 * MS) == 0);
	gr_timer_free(t);
}

/* ---- TestAfterFunc: each call starts the next ----------------------------------------------------------------- */

struct chain {
	gr_timer *t;
	gr_chan *end;
	int left;
};

static void next_link(void *arg)
{
	struct chain *c = arg;

	if (--c->left >= 0) {
		CHECK(!gr_timer_start(c->t, 0, 0));
		gr_sleep_ns(MS / 2);
	} else {
		send_int(c->end, 1);
	}
}

static void go_TestAfterFunc(void *arg)
{
	struct chain c = {.end = chan_of_ints(0), .left = 10};

	(void)arg;
	c.t = timer_of(next_link, &c);
	CHECK(gr_timer_chan(c.t) == NULL);
	gr_timer_start(c.t, 0, 0);
	CHECK(recv_int(c.end) == 1);
	gr_timer_free(c.t);
	await_gs(1);
	gr_chan_free(c.end);
}

/* ---- TestAfterFuncStarvation: a timer fires amid a channel ping-pong that fills the P --------------------------- */

struct ping_pong {
	gr_chan *c;
	_Atomic int stop;
	gr_wg done;
};

static void ping(void *arg)
{
	struct ping_pong *p = arg;

	for (;;) {
		int v = recv_int(p->c);

		if (v < 0)
			break;
		if (atomic_load(&p->stop)) {
			gr_chan_close(p->c);
			break;
		}
		send_int(p->c, v);
	}
	gr_wg_done(&p->done);
}

static void go_TestAfterFuncStarvation(void *arg)
{
	struct ping_pong p = {.c = chan_of_ints(0)};
	gr_timer *t = timer_of(count_up, &p.stop);

	(void)arg;
	gr_wg_add(&p.done, 2);
	spawn(ping, &p);
	spawn(ping, &p);
	gr_timer_start(t, 5 * MS, 0);
	send_int(p.c, 1);
	gr_wg_wait(&p.done);
	gr_timer_free(t);
	gr_chan_free(p.c);
}

/* ---- TestAfterStress, TestTimerStopStress: many timers made, fired and stopped while others run ------------------ */

static void go_TestAfterStress(void *arg)
{
	_Atomic int stop = 0;
	gr_timer *f = timer_of(count_up, &stop);

	(void)arg;
	gr_timer_start(f, 30 * MS, 0);
	for (int i = 0; !atomic_load(&stop); i++) {
		gr_timer *t = timer_of(NULL, NULL);

		gr_timer_start(t, (uint64_t)(i % 7) * 100 * US, 0);
		if (i % 2)
			recv_time(t);
		gr_timer_free(t);
		gr_yield();
	}
	gr_timer_free(f);
}

struct stopper {
	_Atomic int *fired;
	gr_wg *done;
};

static void stop_after_half(void *arg)
{
	struct stopper *s = arg;
	gr_timer *t = timer_of(count_up, s->fired);

	gr_timer_start(t, HOUR, 0);
	gr_sleep_ns(20 * MS);
	CHECK(gr_timer_stop(t) && !gr_timer_stop(t));
	gr_timer_free(t);
	gr_wg_done(s->done);
}

static void go_TestTimerStopStress(void *arg)
{
	enum { N = 100 };
	_Atomic int fired = 0;
	gr_wg done = {0};
	struct stopper s = {&fired, &done};

	(void)arg;
	gr_wg_add(&done, N);
	for (int i = 0; i < N; i++)
		spawn(stop_after_half, &s);
	gr_wg_wait(&done);
	CHECK(atomic_load(&fired) == 0);
}

/* ---- TestAfterStop ------------------------------------------------------------------------------------------------ */

static void go_TestAfterStop(void *arg)
{
	_Atomic int rung = 0;
	gr_timer *f = timer_of(count_up, &rung), *c = timer_of(NULL, NULL);

	(void)arg;
	gr_timer_start(f, HOUR, 0);
	gr_timer_start(c, HOUR, 0);
	CHECK(gr_timer_stop(f) && gr_timer_stop(c));
	CHECK(!gr_timer_stop(f) && !gr_timer_stop(c));
	gr_timer_start(f, 2 * MS, 0);
	gr_timer_start(c, 2 * MS, 0);
	gr_sleep_ns(10 * MS);
	await_int(&rung, 1);
	/* One that has not been received can still be called off, and is. */
	while (gr_chan_len(gr_timer_chan(c)) == 0)
		gr_sleep_ns(MS / 10);
	CHECK(gr_timer_stop(c) && !has_time(c));
	CHECK(!gr_timer_stop(f));
	gr_sleep_ns(5 * MS);
	CHECK(atomic_load(&rung) == 1 && !has_time(c));
	gr_timer_free(f);
	gr_timer_free(c);
}

/* ---- TestAfterQueuing: they come in the order of their times -------------------------------------------------------- */

struct slot {
	gr_chan *out;
	int slot;
	int64_t began;
};

static void await_slot(void *arg)
{
	struct slot *s = arg;
	gr_timer *t = timer_of(NULL, NULL);

	s->began = clock_ns();
	gr_timer_start(t, (uint64_t)s->slot * 10 * MS, 0);
	recv_time(t);
	gr_chan_send(s->out, &s);
	gr_timer_free(t);
}

static void go_TestAfterQueuing(void *arg)
{
	static const int slots[] = {5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0};
	enum { N = sizeof(slots) / sizeof(slots[0]) };
	gr_chan *out = chan_of(sizeof(struct slot *), N);
	struct slot s[N], *got[N];

	(void)arg;
	for (int i = 0; i < N; i++) {
		s[i] = (struct slot){out, slots[i], 0};
		spawn(await_slot, &s[i]);
	}
	for (int i = 0; i < N; i++)
		gr_chan_recv(out, &got[i]);
	/* Those whose times are a machine's hiccup apart are not compared. */
	for (int i = 0; i < N; i++)
		for (int k = i + 1; k < N; k++)
			CHECK(got[i]->began + got[i]->slot * (int64_t)(10 * MS) <
			      got[k]->began + got[k]->slot * (int64_t)(10 * MS) + (int64_t)(200 * MS));
	await_gs(1);
	gr_chan_free(out);
}

/* ---- TestReset, TestTimerModifiedEarlier ------------------------------------------------------------------------------ */

static void go_TestReset(void *arg)
{
	gr_timer *t = timer_of(NULL, NULL);

	(void)arg;
	gr_timer_start(t, HOUR, 0);
	CHECK(gr_timer_start(t, HOUR / 2, 0)); /* earlier */
	CHECK(gr_timer_start(t, HOUR, 0)); /* later */
	CHECK(!has_time(t));
	CHECK(gr_timer_start(t, MS, 0));
	recv_time(t);
	CHECK(!gr_timer_start(t, MS, 0)); /* it had fired */
	recv_time(t);
	CHECK(!has_time(t));
	gr_timer_free(t);
}

/* Catches: a timer that is moved earlier and waits for its old time (hangs). */
static void go_TestTimerModifiedEarlier(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES(200); i++) {
		gr_timer *t = timer_of(NULL, NULL);

		gr_timer_start(t, HOUR, 0);
		if (i % 2)
			gr_yield();
		CHECK(gr_timer_start(t, 0, 0));
		recv_time(t);
		gr_timer_free(t);
	}
}

/* ---- TestStopResult, TestResetResult: stopped, or received, never both or neither -------------------------------------- */

static void stop_result(gr_timer *t, uint32_t after_ns)
{
	bool stopped, received;

	gr_timer_start(t, after_ns, 0);
	if (after_ns % 3 == 0)
		compute(after_ns % 1000);
	received = has_time(t);
	stopped = gr_timer_stop(t);
	CHECK(stopped != received);
	CHECK(!has_time(t));
}

static void go_TestStopResetResult(void *arg)
{
	gr_timer *t = timer_of(NULL, NULL);
	uint32_t x = 12345;

	(void)arg;
	for (int i = 0; i < TIMES(20000); i++) {
		bool was, received;

		x = x * 1664525u + 1013904223u;
		stop_result(t, (x >> 8) % 3000);
		gr_timer_start(t, (x >> 8) % 3000, 0);
		if (i % 2)
			gr_yield();
		received = has_time(t);
		was = gr_timer_start(t, HOUR, 0);
		CHECK(was != received);
		CHECK(!has_time(t)); /* nothing of before */
	}
	gr_timer_free(t);
}

/* With a function: it has been called as often as stop said that it was too late. */
static void go_TestStopResultFunc(void *arg)
{
	_Atomic int rung = 0;
	gr_timer *t = timer_of(count_up, &rung);
	int late = 0;

	(void)arg;
	for (int i = 0; i < TIMES(10000); i++) {
		gr_timer_start(t, (uint64_t)(i * 37 % 2000), 0);
		compute((unsigned)(i * 53 % 700));
		if (i % 4 == 0)
			gr_yield();
		late += !gr_timer_stop(t);
	}
	await_gs(1);
	CHECK(atomic_load(&rung) == late);
	gr_timer_free(t);
}

/* ---- TestConcurrentTimerReset, TestConcurrentTimerResetStop -------------------------------------------------------------- */

struct shared {
	gr_timer *t;
	gr_wg done;
	_Atomic int rung;
};

static void reset_it(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < TIMES(3000); i++)
		gr_timer_start(s->t, (uint64_t)(i % 3) * 500, i % 5 ? 0 : 1000);
	gr_wg_done(&s->done);
}

static void stop_it(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < TIMES(3000); i++) {
		gr_timer_stop(s->t);
		if (i % 16 == 0)
			gr_yield();
	}
	gr_wg_done(&s->done);
}

/* Catches: a heap that is torn by two who change the timer at once; an act that outlives the timer (asan). */
static void concurrent(void (*fn)(void *))
{
	struct shared s = {0};

	s.t = timer_of(fn, &s.rung);
	gr_wg_add(&s.done, 8);
	for (int i = 0; i < 4; i++) {
		spawn(reset_it, &s);
		spawn(stop_it, &s);
	}
	gr_wg_wait(&s.done);
	gr_timer_stop(s.t);
	CHECK(fn || !has_time(s.t));
	gr_timer_free(s.t);
	await_gs(1);
}

static void go_TestConcurrentTimerResetStop(void *arg)
{
	(void)arg;
	concurrent(NULL);
	concurrent(count_up);
}

/* ---- TestTicker, TestTickerStop, TestTickerReset, TestTeardownTicker, TestMultiWakeupTicker -------------------------------- */

static void go_TestTicker(void *arg)
{
	enum { N = 10 };
	gr_timer *t = timer_of(NULL, NULL);
	int64_t begin = clock_ns(), last = 0;

	(void)arg;
	gr_timer_start(t, 2 * MS, 2 * MS);
	for (int i = 0; i < N; i++) {
		int64_t due = recv_time(t);

		CHECK(due > last);
		last = due;
	}
	CHECK(clock_ns() - begin >= (int64_t)(N * 2 * MS)); /* never ahead of its time */
	CHECK(gr_timer_stop(t));
	gr_sleep_ns(6 * MS);
	CHECK(!has_time(t));
	/* Another period */
	begin = clock_ns();
	CHECK(!gr_timer_start(t, 4 * MS, 4 * MS));
	for (int i = 0; i < 3; i++)
		recv_time(t);
	CHECK(clock_ns() - begin >= (int64_t)(3 * 4 * MS));
	CHECK(gr_timer_start(t, HOUR, 0));
	gr_timer_free(t);
}

static void go_TestTeardownTicker(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES(500); i++) {
		gr_timer *t = timer_of(NULL, NULL);

		gr_timer_start(t, 1 + (uint64_t)i % 20 * US, 1 + (uint64_t)i % 3);
		if (i % 3 == 0)
			gr_yield();
		gr_timer_free(t);
	}
}

/* A function is called each time, and not after the stop. */
static void go_TestTickerFunc(void *arg)
{
	_Atomic int rung = 0;
	gr_timer *t = timer_of(count_up, &rung);
	int n;

	(void)arg;
	gr_timer_start(t, MS, MS);
	await_int(&rung, 5);
	CHECK(gr_timer_stop(t));
	await_gs(1); /* those that have been started */
	n = atomic_load(&rung);
	gr_sleep_ns(5 * MS);
	CHECK(atomic_load(&rung) == n);
	gr_timer_free(t);
}

/* A period that is shorter than what it takes: ticks are dropped, nothing else stops. */
static void go_TestMultiWakeupTicker(void *arg)
{
	gr_timer *t = timer_of(NULL, NULL);
	int64_t end = clock_ns() + (int64_t)(10 * MS);

	(void)arg;
	gr_timer_start(t, 1, 1);
	while (clock_ns() < end) {
		gr_sleep_ns(100 * US);
		recv_time(t);
	}
	gr_timer_free(t);
}

/* ---- TestTickerStress ---------------------------------------------------------------------------------------------------------- */

static void tick_through(void *arg)
{
	struct shared *s = arg;
	gr_timer *t = timer_of(NULL, NULL);

	gr_timer_start(t, 200 * US, 200 * US);
	for (int i = 0; i < 20; i++) {
		recv_time(t);
		if (i % 5 == 4)
			gr_timer_start(t, (uint64_t)i * 10 * US, 100 * US);
	}
	gr_timer_free(t);
	gr_wg_done(&s->done);
}

static void go_TestTickerStress(void *arg)
{
	const int n = GS(200);
	struct shared s = {0};

	(void)arg;
	gr_wg_add(&s.done, n);
	for (int i = 0; i < n; i++)
		spawn(tick_through, &s);
	gr_wg_wait(&s.done);
}

/* ---- TestAdjustTimers: timers in all states, moved to and fro -------------------------------------------------------------------- */

static void go_TestAdjustTimers(void *arg)
{
	enum { N = 40 };
	gr_timer *t[N];
	int state[N] = {0}; /* 0: stopped; 1: far; 2: near */
	uint32_t x = 4711;

	(void)arg;
	for (int i = 0; i < N; i++)
		t[i] = timer_of(NULL, NULL);
	for (int round = 0; round < TIMES(20000); round++) {
		int i;

		x = x * 1664525u + 1013904223u;
		i = (int)((x >> 8) % N);
		switch ((x >> 20) % 4) {
		case 0:
			CHECK(state[i] == 2 || gr_timer_stop(t[i]) == (state[i] == 1));
			gr_timer_stop(t[i]);
			CHECK(!has_time(t[i]));
			state[i] = 0;
			break;
		case 1:
			gr_timer_start(t[i], HOUR + (x >> 10), 0);
			CHECK(!has_time(t[i]));
			state[i] = 1;
			break;
		case 2:
			gr_timer_start(t[i], (x >> 10) % (50 * US), 0);
			state[i] = 2;
			break;
		default:
			if (state[i] == 2) {
				recv_time(t[i]); /* hangs if it has been lost */
				state[i] = 0;
			} else {
				CHECK(!has_time(t[i]));
			}
		}
	}
	for (int i = 0; i < N; i++)
		gr_timer_free(t[i]);
}

/* ---- TestMultiWakeupTimer: while others keep coming and going, none is forgotten --------------------------------------------------- */

static void nap_often(void *arg)
{
	struct shared *s = arg;
	gr_timer *t = timer_of(NULL, NULL);

	for (int i = 0; i < TIMES(400); i++) {
		gr_timer_start(t, (uint64_t)(i % 9) * 20 * US, 0);
		if (i % 4 == 0)
			gr_sleep_ns((uint64_t)(i % 5) * 10 * US);
		recv_time(t);
	}
	gr_timer_free(t);
	gr_wg_done(&s->done);
}

static void go_TestMultiWakeupTimer(void *arg)
{
	struct shared s = {0};

	(void)arg;
	gr_wg_add(&s.done, 20);
	for (int i = 0; i < 20; i++)
		spawn(nap_often, &s);
	gr_wg_wait(&s.done);
}

/* ---- TestSleepZeroDeadlock ------------------------------------------------------------------------------------------------------------ */

static void sleep_for_nothing(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < TIMES(2000); i++) {
		gr_sleep_ns(0);
		if (i % 100 == 0)
			gr_sleep_ns(1);
	}
	gr_wg_done(&s->done);
}

static void go_TestSleepZeroDeadlock(void *arg)
{
	struct shared s = {0};

	(void)arg;
	gr_wg_add(&s.done, 4);
	for (int i = 0; i < 4; i++)
		spawn(sleep_for_nothing, &s);
	gr_wg_wait(&s.done);
}

/* ---- TestChan (Go 1.23): after stop and start nothing of before is in the channel, whoever receives ------------------------------------- */

struct receiver {
	struct shared *s;
	_Atomic int stop, got;
};

static void receive_all(void *arg)
{
	struct receiver *r = arg;
	uint64_t due;

	while (!atomic_load(&r->stop)) {
		if (gr_chan_recv_timeout(gr_timer_chan(r->s->t), &due, 50 * US) == 0)
			atomic_fetch_add(&r->got, 1);
	}
	gr_wg_done(&r->s->done);
}

/* One receiver, one who starts and stops: as many received as were not pending any more. */
static void go_TestChan(void *arg)
{
	struct shared s = {0};
	struct receiver r = {.s = &s};
	int gone = 0;

	(void)arg;
	s.t = timer_of(NULL, NULL);
	gr_wg_add(&s.done, 1);
	spawn(receive_all, &r);
	for (int i = 0; i < TIMES(5000); i++) {
		gr_timer_start(s.t, (uint64_t)(i * 37 % 3000), 0);
		if (i % 8 == 0)
			gr_sleep_ns((uint64_t)(i % 5) * US);
		else
			compute((unsigned)(i * 53 % 500));
		gone += !gr_timer_stop(s.t);
	}
	while (atomic_load(&r.got) < gone)
		gr_sleep_ns(10 * US); /* hangs if one was lost */
	gr_sleep_ns(MS);
	CHECK(atomic_load(&r.got) == gone);
	atomic_store(&r.stop, 1);
	gr_wg_wait(&s.done);
	gr_timer_free(s.t);
}

/* ---- a select with a timer's channel, Go's way of a time-out ------------------------------------------------------------------------------ */

static void go_select_after(void *arg)
{
	gr_chan *c = chan_of_ints(0);
	gr_timer *t = timer_of(NULL, NULL);
	gr_case cases[2];
	uint64_t due;
	int v;

	(void)arg;
	gr_timer_start(t, 2 * MS, 0);
	gr_case_recv(&cases[0], c, &v);
	gr_case_recv(&cases[1], gr_timer_chan(t), &due);
	CHECK(gr_select(cases, 2) == 1);
	gr_timer_free(t);
	gr_chan_free(c);
}

/* ---- timers whose P is taken away, and which outlive the runtime ---------------------------------------------------------------------------- */

static void go_timers_follow_procs(void *arg)
{
	enum { N = 30 };
	gr_timer *t[N];
	_Atomic int rung = 0;

	(void)arg;
	for (int round = 0; round < 4; round++) {
		atomic_store(&rung, 0);
		CHECK(gr_set_procs(round % 2 ? 1 : 4) == 0);
		for (int i = 0; i < N; i++) {
			t[i] = timer_of(i % 2 ? count_up : NULL, &rung);
			gr_timer_start(t[i], (uint64_t)i * 300 * US, 0);
			gr_sleep_ns(10 * US); /* on another P next, maybe */
		}
		CHECK(gr_set_procs(round % 2 ? 3 : 1) == 0);
		for (int i = 0; i < N; i += 2)
			recv_time(t[i]);
		await_int(&rung, N / 2);
		for (int i = 0; i < N; i++)
			gr_timer_free(t[i]);
	}
}

static gr_timer *left_behind;

static void leave_behind(void *arg)
{
	static _Atomic int never;

	(void)arg;
	left_behind = timer_of(count_up, &never);
	gr_timer_start(left_behind, HOUR, 1);
}

static void freed_after_the_runtime(void **state)
{
	const struct gr_config config = {.procs = 2};

	(void)state;
	assert_int_equal(gr_start(&config), 0);
	gr_run(leave_behind, NULL);
	gr_stop();
	gr_timer_free(left_behind);
	gr_timer_free(NULL);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		EACH(go_TestSleep),
		EACH(go_TestOverflowSleep),
		EACH(go_TestAfter),
		EACH(go_TestAfterTick),
		EACH(go_TestAfterTimes),
		EACH(go_TestTickTimes),
		EACH(go_TestAfterFunc),
		EACH(go_TestAfterFuncStarvation),
		EACH(go_TestAfterStress),
		EACH(go_TestTimerStopStress),
		EACH(go_TestAfterStop),
		EACH(go_TestAfterQueuing),
		EACH(go_TestReset),
		EACH(go_TestTimerModifiedEarlier),
		EACH(go_TestStopResetResult),
		EACH(go_TestStopResultFunc),
		EACH(go_TestConcurrentTimerResetStop),
		EACH(go_TestTicker),
		EACH(go_TestTeardownTicker),
		EACH(go_TestTickerFunc),
		EACH(go_TestMultiWakeupTicker),
		EACH(go_TestTickerStress),
		EACH(go_TestAdjustTimers),
		EACH(go_TestMultiWakeupTimer),
		EACH(go_TestSleepZeroDeadlock),
		EACH(go_TestChan),
		EACH(go_select_after),
		EACH(go_timers_follow_procs),
		cmocka_unit_test(freed_after_the_runtime),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
