/*
 * Sleeping. Each case names the Go test that it mirrors in behaviour, where there is one. No case fails because
 * the machine is slow: what is checked is order, "not too early", and that things end at all (the program's alarm).
 */
#include "internal.h"
#include "sync_test.h"

#include <sys/prctl.h>
#include <time.h>

#define MS ((uint64_t)1000 * 1000)

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* ---- TestSleep: never too early -------------------------------------------------------------------- */

static void not_too_early(void *arg)
{
	static const uint64_t lengths[] = {0, 1, 1000, 50 * 1000, 200 * 1000, 1500 * 1000, 20 * MS};

	(void)arg;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint64_t begin = now_ns();

		gr_sleep_ns(lengths[i]);
		CHECK(now_ns() - begin >= lengths[i]);
	}
}

/* ---- sleepers wake in the order of their deadlines ------------------------------------------------- */

enum { SLEEPERS = 40 }; /* fewer than one pass makes ready at once */

struct sleeper {
	uint64_t ns, began;
	struct sleepers *all;
	int turn;
};

struct sleepers {
	struct sleeper each[SLEEPERS];
	gr_wg done;
	int begun, next_turn; /* on one P */
};

static void sleep_once(void *arg)
{
	struct sleeper *s = arg;

	s->all->begun++;
	s->began = now_ns();
	gr_sleep_ns(s->ns);
	s->turn = s->all->next_turn++;
	gr_wg_done(&s->all->done);
}

/*
 * The caller holds the P until all are due, and so all are due in the same pass. False: some were due before all slept.
 * Two whose deadlines, as far as can be said from outside, may be the other way round are not compared.
 */
static bool wake_in_order(uint64_t shortest_ns)
{
	struct sleepers all = {0};
	uint64_t asleep;

	gr_wg_add(&all.done, SLEEPERS);
	for (int i = 0; i < SLEEPERS; i++) {
		all.each[i] = (struct sleeper){shortest_ns + (uint64_t)(i * 17 % SLEEPERS) * 3 * MS, 0, &all, -1};
		CHECK(gr_go(sleep_once, &all.each[i]) == 0);
	}
	while (all.begun < SLEEPERS)
		gr_yield();
	asleep = now_ns();
	while (now_ns() < asleep + shortest_ns + (uint64_t)SLEEPERS * 3 * MS)
		;
	gr_wg_wait(&all.done);
	for (int i = 0; i < SLEEPERS; i++)
		if (all.each[i].began + all.each[i].ns <= asleep)
			return false;
	for (int i = 0; i < SLEEPERS * SLEEPERS; i++) {
		const struct sleeper *s = &all.each[i / SLEEPERS], *t = &all.each[i % SLEEPERS];

		CHECK(asleep + s->ns >= t->began + t->ns || s->turn < t->turn);
	}
	return true;
}

/*
 * What is due in one pass runs in the order of the deadlines. Nothing is promised of several passes: who is due alone runs
 * next, before those that an earlier pass has put into the queue, where they may be behind much else.
 */
static void order_of_deadlines(void *arg)
{
	uint64_t shortest_ns = 10 * MS;

	(void)arg;
	while (!wake_in_order(shortest_ns))
		shortest_ns *= 2; /* a slow machine, that it takes so long to start them */
}

/* ---- many sleepers --------------------------------------------------------------------------------- */

struct many {
	gr_wg done;
	_Atomic int early;
	_Atomic uint32_t seed;
};

static void sleep_some(void *arg)
{
	struct many *m = arg;
	uint32_t x = atomic_fetch_add(&m->seed, 0x9e3779b9u);

	for (int i = 0; i < 4; i++) {
		uint64_t ns, begin = now_ns();

		x = x * 1664525u + 1013904223u;
		ns = (x >> 8) % (20 * MS);
		gr_sleep_ns(ns);
		if (now_ns() - begin < ns)
			atomic_fetch_add(&m->early, 1);
	}
	gr_wg_done(&m->done);
}

static void many_sleepers(void *arg)
{
	const int n = TIMES(50000);
	struct gr_stats before, after;
	struct many m = {.seed = 1};

	(void)arg;
	gr_stats_read(&before);
	gr_wg_add(&m.done, n);
	for (int i = 0; i < n; i++)
		CHECK(gr_go(sleep_some, &m) == 0);
	gr_wg_wait(&m.done);
	gr_stats_read(&after);
	CHECK(atomic_load(&m.early) == 0);
	CHECK(after.timers_fired - before.timers_fired >= (uint64_t)n * 4 - 100); /* a length of 0 sets no timer */
	CHECK(after.m_created < 20); /* nobody slept on a thread */
}

/* ---- TestAfterFuncStarvation: a timer fires although others keep the P busy ------------------------ */

struct busy {
	gr_chan *ping, *pong;
	_Atomic bool stop;
	gr_wg done;
};

static void play(void *arg)
{
	struct busy *b = arg;
	int v;

	while (gr_chan_recv(b->ping, &v))
		gr_chan_send(b->pong, &v);
	gr_wg_done(&b->done);
}

static void stop_later(void *arg)
{
	struct busy *b = arg;

	gr_sleep_ns(5 * MS);
	atomic_store(&b->stop, true);
	gr_wg_done(&b->done);
}

static void timer_amid_ping_pong(void *arg)
{
	struct busy b = {0};
	int v = 0;

	(void)arg;
	CHECK(gr_chan_new(sizeof(int), 0, &b.ping) == 0 && gr_chan_new(sizeof(int), 0, &b.pong) == 0);
	gr_wg_add(&b.done, 2);
	gr_go(play, &b);
	gr_go(stop_later, &b);
	while (!atomic_load(&b.stop)) {
		gr_chan_send(b.ping, &v);
		gr_chan_recv(b.pong, &v);
	}
	gr_chan_close(b.ping);
	gr_wg_wait(&b.done);
	gr_chan_free(b.ping);
	gr_chan_free(b.pong);
}

static void timer_amid_yields(void *arg)
{
	struct busy b = {0};

	(void)arg;
	gr_wg_add(&b.done, 1);
	gr_go(stop_later, &b);
	while (!atomic_load(&b.stop)) {
		for (volatile int work = 0; work < 1000; work++)
			;
		gr_yield();
	}
	gr_wg_wait(&b.done);
}

/* A timer of a P whose G computes without yielding is run by the other P. */
static void timer_is_stolen(void *arg)
{
	struct busy b = {0};

	(void)arg;
	gr_wg_add(&b.done, 1);
	gr_go(stop_later, &b);
	gr_yield(); /* it goes to sleep, here or on the other P */
	while (!atomic_load(&b.stop))
		;
	gr_wg_wait(&b.done);
}

/* ---- a sleeper among Gs that yield, but seldom ----------------------------------------------------- */

/*
 * Gs that run for a tenth of a millisecond between two yields: a sleeper that is due waits for a few of them at most, not for
 * so many switches as there are between two looks when switches are short. In turns, not in time: so a busy machine may
 * make the turns longer, and changes nothing.
 */
struct seldom {
	uint64_t due; /* the sleeper's; 0: it has ended */
	int turns; /* of the others since then */
	gr_wg done;
};

static void yield_seldom(void *arg)
{
	struct seldom *s = arg;

	while (s->due) {
		uint64_t begin = now_ns(), now;

		while ((now = now_ns()) - begin < MS / 10)
			;
		s->turns += s->due && now >= s->due;
		gr_yield();
	}
	gr_wg_done(&s->done);
}

static void sleeper_amid_seldom_yields(void *arg)
{
	enum { N = 60, OTHERS = 8, TURNS = 3 };
	struct seldom s = {.due = now_ns() + MS};
	int prompt = 0;

	(void)arg;
	gr_wg_add(&s.done, OTHERS);
	for (int i = 0; i < OTHERS; i++)
		gr_go(yield_seldom, &s);
	for (int i = 0; i < N; i++) {
		s.due = now_ns() + MS;
		s.turns = 0;
		gr_sleep_ns(MS);
		prompt += s.turns <= TURNS; /* at the ring's tail it would be one of each */
	}
	s.due = 0;
	gr_wg_wait(&s.done);
	CHECK(prompt > N * 3 / 4);
}

/* ---- TestMultiWakeup: an earlier deadline shortens the wait of a poller that waits for a later one ---- */

struct late {
	_Atomic bool long_one_woke;
	_Atomic bool short_one_woke;
	gr_wg done;
};

static void sleep_for_an_hour(void *arg)
{
	struct late *l = arg;

	gr_sleep_ns((uint64_t)3600 * 1000 * MS);
	atomic_store(&l->long_one_woke, true);
}

static void sleep_after_a_call(void *arg)
{
	struct late *l = arg;

	gr_syscall_enter();
	usleep(30 * 1000); /* long enough for the other Ms to go to sleep */
	gr_syscall_exit();
	gr_sleep_ns(MS);
	CHECK(!atomic_load(&l->long_one_woke));
	atomic_store(&l->short_one_woke, true);
	gr_wg_done(&l->done);
}

static void earlier_deadline_is_seen(void *arg)
{
	static struct late l; /* the hour's sleeper is dropped by gr_stop and never touches it */

	(void)arg;
	memset(&l, 0, sizeof(l));
	gr_go(sleep_for_an_hour, &l);
	gr_wg_add(&l.done, 1);
	gr_go(sleep_after_a_call, &l);
	gr_wg_wait(&l.done);
	CHECK(atomic_load(&l.short_one_woke));
}

/* ---- TestOverflowSleep: what does not fit in the clock sleeps for good ----------------------------- */

static _Atomic int overflowed;

static void sleep_forever(void *arg)
{
	gr_sleep_ns(*(uint64_t *)arg);
	atomic_fetch_add(&overflowed, 1);
}

static void overflow(void *arg)
{
	static uint64_t lengths[] = {UINT64_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1000};

	(void)arg;
	atomic_store(&overflowed, 0);
	for (int i = 0; i < 4; i++)
		gr_go(sleep_forever, &lengths[i]);
	for (int i = 0; i < 5; i++)
		gr_sleep_ns(2 * MS);
	CHECK(atomic_load(&overflowed) == 0);
}

/* ---- a P whose G computes ------------------------------------------------------------------------------------ */

static _Atomic uint32_t napped, compute_on;

static void nap(void *arg)
{
	(void)arg;
	gr_sleep_ns(2000000);
	if (fetch_add_relaxed(&napped, 1) + 1 == 20)
		store_relaxed(&compute_on, 0);
}

static void keep_busy(void *arg)
{
	(void)arg;
	while (load_relaxed(&compute_on))
		gr_yield();
}

/* Its sleepers' timers are on its heap; the other P is never idle. Without the monitor's help this ends by the limit. */
static void compute_beside_sleepers(void *arg)
{
	const int64_t limit = gr__now_ns() + 20000000000;

	for (int i = 0; i < 20; i++)
		gr_go(nap, NULL);
	gr_sleep_ns(200000); /* all have fallen asleep */
	for (int i = 0; i < 3; i++)
		gr_go(keep_busy, NULL);
	while (load_relaxed(&compute_on) && gr__now_ns() < limit)
		;
	*(bool *)arg = !load_relaxed(&compute_on);
	store_relaxed(&compute_on, 0);
}

static void computing_does_not_hold_up_sleepers(void **state)
{
	struct gr_config c = {.procs = 2};
	bool woken = false;

	(void)state;
	store_relaxed(&napped, 0);
	store_relaxed(&compute_on, 1);
	assert_int_equal(gr_start(&c), 0);
	gr_run(compute_beside_sleepers, &woken);
	gr_stop();
	assert_true(woken);
}

/* ---- the slack of Ms ------------------------------------------------------------------------------------------ */

static int slack_seen[2];

static void read_slack(void *arg)
{
	*(int *)arg = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
}

/* On two Ms, the second one made by the monitor, whose own is another. */
static void slack_of_two(void *arg)
{
	(void)arg;
	read_slack(&slack_seen[0]);
	CHECK(gr_go(read_slack, &slack_seen[1]) == 0);
	gr_syscall_enter();
	usleep(20 * 1000);
	gr_syscall_exit();
	while (gr_count() > 1)
		gr_yield();
}

static void ms_have_the_starters_slack(void **state)
{
	int before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);

	(void)state;
	prctl(PR_SET_TIMERSLACK, 33000, 0, 0, 0);
	for (int knob = 0; knob < 2; knob++) {
		struct gr_config c = {.procs = 1, .knobs = knob ? "slack_us=7" : NULL};

		assert_int_equal(gr_start(&c), 0);
		gr_run(slack_of_two, NULL);
		gr_stop();
		assert_int_equal(slack_seen[0], knob ? 7000 : 33000);
		assert_int_equal(slack_seen[1], knob ? 7000 : 33000);
	}
	assert_int_equal(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), 33000);
	prctl(PR_SET_TIMERSLACK, before, 0, 0, 0);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(computing_does_not_hold_up_sleepers),
		cmocka_unit_test(ms_have_the_starters_slack),
		ON_1_AND_2(not_too_early),
		ON(1, order_of_deadlines),
		ON_1_AND_2(many_sleepers),
		ON_1_AND_2(timer_amid_ping_pong),
		ON_1_AND_2(timer_amid_yields),
		ON(1, sleeper_amid_seldom_yields),
		ON(2, timer_is_stolen),
		ON_1_AND_2(earlier_deadline_is_seen),
		ON_1_AND_2(overflow),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
