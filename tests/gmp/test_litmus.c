/*
 * test_litmus.c - the scheduler's protocols in tight loops, without the monitor: publish against going idle, parking
 * against readying, calls against retaking, deadlines against the poller.
 *
 * The monitor would find what has been forgotten and hide the loss, so gr__sysmon_start starts none here (--wrap): a
 * wake-up that is lost stays lost. Where one is missing for longer than any machine is busy, the loss is counted, the
 * state is dumped, and the G is looked for again, so that the loop goes on. What the design leaves to the monitor (a G
 * in runnext while its P computes; calls that last) is not done here, or by the test itself.
 *
 * SEED=n repeats a run's choices, not its interleaving.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "runq.h"
#include "san.h"

enum {
	LOST_AFTER_S = 10, /* far beyond what a thread has to wait for a CPU */
	ROUNDS = GR_TSAN   ? 2000
		 : GR_ASAN ? 5000
			   : 10000,
	MAX_WORKERS = 4,
};

static uint32_t seed;
static _Atomic uint64_t losses, twice;

int __wrap_gr__sysmon_start(void);
void __wrap_gr__sysmon_stop(void);

int __wrap_gr__sysmon_start(void)
{
	return 0;
}

void __wrap_gr__sysmon_stop(void)
{
}

static void start(unsigned procs, const char *knobs)
{
	const struct gr_config config = {.procs = procs, .knobs = knobs, .reap_ns = UINT64_MAX};

	store_relaxed(&losses, 0);
	store_relaxed(&twice, 0);
	assert_int_equal(gr_start(&config), 0);
}

static void stop_and_check(const char *what, unsigned procs)
{
	gr_stop();
	if (load_relaxed(&losses) || load_relaxed(&twice))
		fail_msg("SEED=%u, %s, %u Ps: %llu lost, %llu twice", seed, what, procs,
			 (unsigned long long)load_relaxed(&losses), (unsigned long long)load_relaxed(&twice));
}

static void pause_random(uint32_t *rng)
{
	/* Mostly short, now and then long enough for the other side to have fallen asleep. */
	uint32_t r = gr__random(rng), n = r >> 8 & (r & 15 ? 0x3f : 0x1fff);

	while (n--)
		gr_pause();
}

/* Wait, without calling the runtime, until *word is not `was`. A loss is counted and undone. */
static void await_change(_Atomic uint32_t *word, uint32_t was)
{
	int64_t until = 0;

	for (uint32_t i = 1; load_acquire(word) == was; i++) {
		gr_pause();
		if (i % 1024)
			continue;
		if (!until)
			until = gr__now_ns() + (int64_t)LOST_AFTER_S * 1000000000;
		if (gr__now_ns() < until)
			continue;
		fprintf(stderr, "SEED=%u: a wake-up was lost\n", seed);
		gr_dump(STDERR_FILENO);
		fetch_add_relaxed(&losses, 1);
		gr__wake_p();
		until = 0;
	}
}

/* ---- publish against going idle -------------------------------------------------------------------------------- */

/*
 * A publisher computes all the time, so that what it makes runnable must be fetched by another M, which has just run
 * the one before and is on its way to sleep.
 */
struct worker {
	struct gr_g *g;
	_Atomic uint32_t parked, ran; /* counts */
	_Atomic uint32_t stop;
};

static bool tell_parked(struct gr_g *g, void *arg)
{
	struct worker *w = arg;

	(void)g;
	fetch_add_release(&w->parked, 1);
	return true;
}

static void work(void *arg)
{
	struct worker *w = arg;

	w->g = gr__self();
	while (!load_acquire(&w->stop)) {
		gr__park(tell_parked, w, GR__WAIT_TEST);
		fetch_add_release(&w->ran, 1);
	}
}

struct publisher {
	struct worker workers[MAX_WORKERS];
	unsigned n_workers;
	uint32_t rng;
	_Atomic uint32_t done;
};

static void publish(void *arg)
{
	struct publisher *p = arg;

	for (uint32_t round = 1; round <= ROUNDS / p->n_workers; round++) {
		for (unsigned i = 0; i < p->n_workers; i++) {
			pause_random(&p->rng);
			gr__ready_tail(p->workers[i].g);
		}
		for (unsigned i = 0; i < p->n_workers; i++) {
			await_change(&p->workers[i].parked, round);
			if (load_acquire(&p->workers[i].ran) != round)
				fetch_add_relaxed(&twice, 1);
		}
	}
	for (unsigned i = 0; i < p->n_workers; i++)
		store_release(&p->workers[i].stop, 1);
	for (unsigned i = 0; i < p->n_workers; i++)
		gr__ready_tail(p->workers[i].g);
	store_release(&p->done, 1);
}

static void add_workers(struct publisher *p, unsigned n)
{
	p->n_workers = n;
	for (unsigned i = 0; i < n; i++) {
		if (gr_go(work, &p->workers[i]))
			fetch_add_relaxed(&losses, 1);
		while (!load_acquire(&p->workers[i].parked))
			gr_yield();
	}
}

static struct publisher publishers[2];

static void publish_alone(void *arg)
{
	struct publisher *p = &publishers[0];

	add_workers(p, *(unsigned *)arg);
	publish(p);
	while (gr_count() > 1)
		gr_yield();
}

static void publisher_begins(void *arg)
{
	struct publisher *p = arg;
	struct worker *gate = &p->workers[MAX_WORKERS - 1];

	gate->g = gr__self();
	gr__park(tell_parked, gate, GR__WAIT_TEST);
	publish(p);
}

/* Two at the same time: each one's wake-up meets the other's spinner. */
static void publish_together(void *arg)
{
	unsigned n = *(unsigned *)arg;

	for (int i = 0; i < 2; i++)
		add_workers(&publishers[i], n);
	if (gr_go(publisher_begins, &publishers[1]))
		fetch_add_relaxed(&losses, 1);
	while (!load_acquire(&publishers[1].workers[MAX_WORKERS - 1].parked))
		gr_yield();
	gr__ready_tail(publishers[1].workers[MAX_WORKERS - 1].g);
	publish(&publishers[0]);
	while (gr_count() > 1)
		gr_yield();
}

static void reset_publishers(void)
{
	memset(publishers, 0, sizeof(publishers));
	for (uint32_t i = 0; i < 2; i++)
		publishers[i].rng = (seed * 2246822519u + i * 3266489917u) | 1;
}

/* The i-th of the settings that are tried, into text; false behind the last. */
static bool set_knobs(char text[64], unsigned i)
{
	static const char *const all[] = {"", "spin=0", "runnext=0", "seed="};

	if (i >= ARRAY_LEN(all))
		return false;
	snprintf(text, 64, "%s", all[i]);
	if (i == 3)
		snprintf(text, 64, "%s%u", all[i], seed | 1);
	return true;
}

static void publish_against_going_idle(void **state)
{
	char knobs[64];

	(void)state;
	for (unsigned k = 0; set_knobs(knobs, k); k++) {
		for (unsigned procs = 2; procs <= 4; procs++) {
			unsigned n = procs == 3 ? 2 : 1;

			reset_publishers();
			start(procs, knobs);
			gr_run(publish_alone, &n);
			stop_and_check("one publishes", procs);
		}
	}
}

static void publish_against_publish(void **state)
{
	char knobs[64];

	(void)state;
	for (unsigned k = 0; set_knobs(knobs, k); k++) {
		for (unsigned procs = 3; procs <= 4; procs++) {
			unsigned n = procs - 2;

			reset_publishers();
			start(procs, knobs);
			gr_run(publish_together, &n);
			stop_and_check("two publish", procs);
		}
	}
}

/* ---- parking against readying ------------------------------------------------------------------------------------ */

/*
 * The parker's commit puts the G into a box, out of which the waker takes it and makes it runnable at once: while the
 * parker's M is still on its way from the G's stack.
 */
struct box {
	_Atomic(struct gr_g *) g;
	uint32_t rng;
	uint64_t parked, refused, resumed; /* the parker's */
	_Atomic uint64_t readied; /* the waker's */
	_Atomic uint32_t ended;
};

static bool post(struct gr_g *g, void *arg)
{
	struct box *b = arg;

	if (gr__random(&b->rng) % 8 == 0) {
		b->refused++;
		return false;
	}
	store_release(&b->g, g);
	return true;
}

static void park_often(void *arg)
{
	struct box *b = arg;
	volatile uint64_t on_stack[8];

	for (uint32_t i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < 8; k++)
			on_stack[k] = i + (uint64_t)k;
		b->parked++;
		gr__park(post, b, GR__WAIT_TEST);
		b->resumed++;
		for (int k = 0; k < 8; k++)
			if (on_stack[k] != i + (uint64_t)k)
				fetch_add_relaxed(&twice, 1); /* somebody else was on this stack */
	}
	store_release(&b->ended, 1);
}

static struct box boxes[3];

static void wake_often(void *arg)
{
	unsigned n = *(unsigned *)arg, ended;
	uint32_t rng = seed | 1;

	for (unsigned i = 0; i < n; i++)
		if (gr_go(park_often, &boxes[i]))
			fetch_add_relaxed(&losses, 1);
	do {
		ended = 0;
		for (unsigned i = 0; i < n; i++) {
			struct gr_g *g = load_relaxed(&boxes[i].g) ? xchg_acquire(&boxes[i].g, NULL) : NULL;

			ended += load_acquire(&boxes[i].ended);
			if (!g)
				continue;
			fetch_add_relaxed(&boxes[i].readied, 1);
			if (gr__random(&rng) & 1)
				gr__ready(g);
			else
				gr__ready_tail(g);
		}
		/* Also for what is in runnext: the monitor, which would see it, is not there. */
		gr_yield();
	} while (ended < n);
}

static void park_against_ready(void **state)
{
	char knobs[64];

	(void)state;
	for (unsigned k = 0; set_knobs(knobs, k); k++) {
		for (unsigned procs = 1; procs <= 4; procs++) {
			unsigned n = procs > 2 ? 3 : procs;

			memset(boxes, 0, sizeof(boxes));
			for (uint32_t i = 0; i < 3; i++)
				boxes[i].rng = (seed * 40503u + i * 2654435761u) | 1;
			start(procs, knobs);
			gr_run(wake_often, &n);
			for (unsigned i = 0; i < n; i++) {
				struct box *b = &boxes[i];

				if (b->resumed != b->parked || b->refused + load_relaxed(&b->readied) != b->parked)
					fetch_add_relaxed(&twice, 1);
			}
			stop_and_check("park and ready", procs);
		}
	}
}

/* ---- calls against retaking --------------------------------------------------------------------------------------- */

enum { CALLERS = 4 };

/* Which M has the P; to be 0 whenever one comes to have it. */
static _Atomic uint32_t holders[4];
static _Atomic uint32_t callers_left, retaker_stop, retaken;
static _Atomic uint64_t steps;

static void call_often(void *arg)
{
	uint32_t rng = (seed * 3266489917u + (uint32_t)(uintptr_t)arg) | 1;

	/* With few CPUs all may be through before the other thread has begun. */
	for (uint32_t i = 0; i < ROUNDS || !load_relaxed(&retaken); i++) {
		struct gr_p *p;

		gr_syscall_enter();
		pause_random(&rng);
		gr_syscall_exit();
		p = gr__self_p();
		/* Nobody else may have it until this one calls again. */
		if (fetch_add_seq_cst(&holders[p->id], 1) != 0 || p->m != gr__m() ||
		    GR__P_STATE(load_relaxed(&p->status)) != GR__P_RUNNING)
			fetch_add_relaxed(&twice, 1);
		for (int k = 0; k < 10; k++)
			gr_pause();
		fetch_sub_seq_cst(&holders[p->id], 1);
		fetch_add_relaxed(&steps, 1);
		if (gr__random(&rng) % 4 == 0)
			gr_yield();
	}
	fetch_sub_release(&callers_left, 1);
}

/* What the monitor does, without its patience. */
static void *retake_often(void *arg)
{
	uint32_t rng = (seed * 2246822519u) | 1;

	(void)arg;
	while (!load_acquire(&retaker_stop)) {
		for (unsigned i = 0; i < gr__sched.nprocs; i++) {
			struct gr_p *p = gr__sched.ps[i];
			uint64_t status = load_acquire(&p->status);

			if (GR__P_STATE(status) != GR__P_SYSCALL)
				continue;
			pause_random(&rng);
			if (gr__retake(p, status))
				store_relaxed(&retaken, 1);
		}
	}
	return NULL;
}

static void call_all(void *arg)
{
	(void)arg;
	for (uintptr_t i = 1; i <= CALLERS; i++)
		if (gr_go(call_often, (void *)i))
			fetch_add_relaxed(&losses, 1);
	while (load_acquire(&callers_left))
		gr_yield();
}

static void on_alarm(int sig)
{
	(void)sig;
	fprintf(stderr, "SEED=%u: does not end\n", seed);
	gr_dump(STDERR_FILENO);
	abort();
}

static void calls_against_retaking(void **state)
{
	static const char *const knobs[] = {"", "spin=0", "max_ms=2", "max_ms=3,runnext=0"};
	struct gr_stats s;
	pthread_t retaker;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(knobs); k++) {
		for (unsigned procs = 1; procs <= 3; procs++) {
			memset(holders, 0, sizeof(holders));
			store_relaxed(&callers_left, CALLERS);
			store_relaxed(&retaker_stop, 0);
			store_relaxed(&retaken, 0);
			store_relaxed(&steps, 0);
			start(procs, knobs[k]);
			assert_int_equal(pthread_create(&retaker, NULL, retake_often, NULL), 0);
			gr_run(call_all, NULL);
			store_release(&retaker_stop, 1);
			pthread_join(retaker, NULL);
			gr_stats_read(&s);
			assert_true(load_relaxed(&steps) >= CALLERS * ROUNDS);
			assert_true(s.handoffs > 0); /* else nothing was shown */
			stop_and_check("calls", procs);
		}
	}
}

/* ---- a P that is taken from a call, and who has waited for it -------------------------------------------------------- */

static struct {
	int early[2], late[2]; /* what the G reads that lost its P, and the one from whose call it gets one */
	_Atomic uint32_t early_calls, late_calls; /* they are about to */
	_Atomic uint32_t seq, third_at, early_at; /* who went first */
	gr_wg wg;
} taken;

static void call_early(void *arg)
{
	char byte;

	(void)arg;
	store_release(&taken.early_calls, 1);
	gr_syscall_enter();
	if (read(taken.early[0], &byte, 1) != 1)
		abort();
	gr_syscall_exit();
	store_relaxed(&taken.early_at, fetch_add_relaxed(&taken.seq, 1) + 1);
	if (write(taken.late[1], &byte, 1) != 1)
		abort();
	gr_wg_done(&taken.wg);
}

static void be_third(void *arg)
{
	(void)arg;
	store_relaxed(&taken.third_at, fetch_add_relaxed(&taken.seq, 1) + 1);
	gr_wg_done(&taken.wg);
}

static void call_late(void *arg)
{
	char byte;

	(void)arg;
	gr_go(be_third, NULL);
	store_release(&taken.late_calls, 1);
	gr_syscall_enter();
	if (read(taken.late[0], &byte, 1) != 1)
		abort();
	gr_syscall_exit();
	gr_wg_done(&taken.wg);
}

/* The P goes from the first call to the G of the second one by hand; then the first call ends. */
static void *move_p(void *arg)
{
	struct gr_p *p = gr__sched.ps[0];

	(void)arg;
	while (!load_acquire(&taken.late_calls)) {
		uint64_t status = load_acquire(&p->status);

		if (load_acquire(&taken.early_calls) && GR__P_STATE(status) == GR__P_SYSCALL &&
		    !load_acquire(&taken.late_calls))
			gr__retake(p, status);
		sched_yield();
	}
	while (GR__P_STATE(load_acquire(&p->status)) != GR__P_SYSCALL)
		sched_yield();
	if (write(taken.early[1], "x", 1) != 1)
		abort();
	return NULL;
}

static void start_both(void *arg)
{
	pthread_t mover;

	(void)arg;
	gr_wg_add(&taken.wg, 3);
	gr_go(call_late, NULL);
	gr_go(call_early, NULL); /* the newest begins first */
	if (pthread_create(&mover, NULL, move_p, NULL))
		abort();
	gr_wg_wait(&taken.wg);
	pthread_join(mover, NULL);
}

/* Who takes a P from a call is not before those who have waited for that P: without the monitor they would have no other. */
static void who_waits_goes_before_who_takes(void **state)
{
	(void)state;
	memset(&taken, 0, sizeof(taken));
	assert_int_equal(pipe(taken.early), 0);
	assert_int_equal(pipe(taken.late), 0);
	start(1, "");
	gr_run(start_both, NULL);
	stop_and_check("a P taken from a call", 1);
	for (int i = 0; i < 2; i++) {
		close(taken.early[i]);
		close(taken.late[i]);
	}
	assert_int_equal(load_relaxed(&taken.third_at), 1);
	assert_int_equal(load_relaxed(&taken.early_at), 2);
}

/* ---- a deadline against a poller that waits for a later one ----------------------------------------------------------- */

static _Atomic uint32_t timed_waits_done, begun;

static void sleep_for_an_hour(void *arg)
{
	(void)arg;
	gr_sleep_ns(3600 * 1000000000ull);
}

static void end_at_once(void *arg)
{
	(void)arg;
}

/* By turns a sleeper, a wait with a time-out, and a timer. */
static void wait_a_little(void *arg)
{
	_Atomic uint32_t none = 0;

	/* Who computes is next here, without having been offered to anybody: whom that woke would look at all timers. */
	gr_sema_release(&begun);
	if ((uintptr_t)arg % 2)
		gr_sleep_ns(50000);
	else
		gr_sema_acquire_timeout(&none, 50000);
	fetch_add_relaxed(&timed_waits_done, 1);
}

static void ring(void *arg)
{
	(void)arg;
	fetch_add_relaxed(&timed_waits_done, 1);
}

/*
 * The other M waits in the poller for the hour's sleeper. A deadline is set here, and this M goes on with a G that computes:
 * only if the poller is told does anybody come for it.
 */
static void compute_beside_a_poller(void *arg)
{
	gr_timer *t = NULL;

	(void)arg;
	if (gr_timer_new(ring, NULL, &t))
		abort();
	gr_go(sleep_for_an_hour, NULL);
	for (uint32_t i = 0; i < ROUNDS / 40; i++) {
		const int64_t limit = gr__now_ns() + LOST_AFTER_S * 1000000000ll;

		store_relaxed(&timed_waits_done, 0);
		/* The other M comes for one of them, and then has nothing to do. */
		gr_go(end_at_once, NULL);
		gr_go(end_at_once, NULL);
		for (int64_t end = gr__now_ns() + 100000; gr__now_ns() < end;)
			gr_pause();
		if (i % 3 == 2) {
			gr_timer_start(t, 50000, 0);
		} else {
			gr_go(wait_a_little, (void *)(uintptr_t)i);
			gr_sema_acquire(&begun);
		}
		while (!load_relaxed(&timed_waits_done) && gr__now_ns() < limit)
			gr_pause();
		if (!load_relaxed(&timed_waits_done)) {
			fetch_add_relaxed(&losses, 1);
			break;
		}
	}
	gr_timer_free(t);
}

static void deadline_against_poller(void **state)
{
	(void)state;
	for (unsigned procs = 2; procs <= 3; procs++) {
		start(procs, "");
		gr_run(compute_beside_a_poller, NULL);
		stop_and_check("deadline and poller", procs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publish_against_going_idle), cmocka_unit_test(publish_against_publish),
		cmocka_unit_test(park_against_ready),         cmocka_unit_test(calls_against_retaking),
		cmocka_unit_test(deadline_against_poller),    cmocka_unit_test(who_waits_goes_before_who_takes),
	};
	const char *given = getenv("SEED");

	seed = given ? (uint32_t)strtoul(given, NULL, 10) : (uint32_t)time(NULL);
	printf("SEED=%u\n", seed);
	fflush(stdout);
	signal(SIGALRM, on_alarm);
	alarm(110);
	return cmocka_run_group_tests_name("gmp/litmus", tests, NULL, NULL);
}
