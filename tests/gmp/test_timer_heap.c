/*
 * The heap of timers (timer.h) against a model: a plain array. Random arming, disarming and moving, with time that passes in
 * jumps; what fires, when, and in which order is compared.
 *
 * It runs on a G of a runtime with one P, on that P's heap, and its times lie an hour ahead, so that the runtime does not
 * see them: what is due is run by hand.
 */
#include "timer.h"
#include "sync_test.h"

enum { N = 200, STEPS = 60000, SPAN = 1000 };

/* A timer, and what the model knows of it. */
struct entry {
	struct gr__timer timer;
	int64_t wanted; /* where the owner keeps when_ns: INT64_MAX: nowhere */
	int64_t in_heap; /* model: where it lies in the heap; INT64_MAX: not in it */
	int64_t period; /* 0: once */
	int fired, expected; /* how often it has been due */
	int acted;
};

static struct entry entries[N];
static int64_t last_fired, base;
static int wrong;

/* As a deadline of a descriptor does: one that has been moved later is not due yet. */
static struct gr_g *fire(struct gr__timer *t, int64_t now_ns)
{
	struct entry *e = container_of(t, struct entry, timer);

	wrong += t->is_armed || t->when_ns > now_ns || t->when_ns < last_fired;
	last_fired = t->when_ns;
	if (e->wanted > now_ns) {
		gr__timer_again_locked(t, e->wanted);
		return NULL;
	}
	e->fired++;
	if (e->period) {
		e->wanted = now_ns + e->period;
		gr__timer_again_locked(t, e->wanted);
	} else {
		e->wanted = INT64_MAX;
	}
	return NULL;
}

static void act(struct gr__timer *t)
{
	container_of(t, struct entry, timer)->acted++;
}

static uint32_t random_of(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* The earliest of the model. */
static int64_t earliest(void)
{
	int64_t first = INT64_MAX;

	for (int i = 0; i < N; i++)
		first = entries[i].in_heap < first ? entries[i].in_heap : first;
	return first;
}

/* Run all that is due at `now`, in the model and in the heap. */
static void pass_to(struct gr_p *p, int64_t now)
{
	unsigned ran = 0;

	for (int i = 0; i < N; i++) {
		struct entry *e = &entries[i];

		if (e->in_heap > now)
			continue;
		e->in_heap = e->wanted;
		if (e->wanted <= now) {
			e->expected++;
			e->in_heap = e->period ? now + e->period : INT64_MAX;
		}
	}
	last_fired = INT64_MIN;
	while (gr__timers_run(p, now, &ran) <= now)
		; /* batch by batch, in order over all of them */
}

static void arm_or_disarm(struct entry *e, int64_t when)
{
	if (e->in_heap != INT64_MAX) {
		CHECK(gr__timer_disarm(&e->timer));
		CHECK(!gr__timer_disarm(&e->timer));
		e->in_heap = e->wanted = INT64_MAX;
		return;
	}
	e->in_heap = e->wanted = when;
	gr__timer_arm(&e->timer, when);
}

/* Later stays in its place, earlier and nowhere do not. */
static void move(struct entry *e, int64_t when)
{
	if (e->in_heap == INT64_MAX || when < e->in_heap || when == INT64_MAX)
		e->in_heap = when;
	gr__timer_move(&e->timer, &e->wanted, when);
}

static void heap_is_as_the_model(void *arg)
{
	struct gr_p *p = gr__self_p();
	uint32_t x = 20261;
	int64_t now;

	(void)arg;
	base = now = gr__now_ns() + 3600 * (int64_t)1000000000;
	memset(entries, 0, sizeof(entries));
	wrong = 0;
	for (int i = 0; i < N; i++) {
		entries[i].timer.fire = fire;
		entries[i].timer.act = i % 3 ? NULL : act;
		entries[i].period = i % 5 ? 0 : 1 + i;
		entries[i].wanted = entries[i].in_heap = INT64_MAX;
	}
	for (int step = 0; step < TIMES(STEPS); step++) {
		struct entry *e = &entries[random_of(&x) % N];
		int64_t when = now + 1 + random_of(&x) % SPAN;

		switch (random_of(&x) % 8) {
		case 0:
		case 1:
		case 2:
			arm_or_disarm(e, when);
			break;
		case 3:
		case 4:
			move(e, when);
			break;
		case 5:
			move(e, random_of(&x) % 4 ? e->wanted : INT64_MAX); /* to where it is, or nowhere */
			break;
		default:
			now += random_of(&x) % (random_of(&x) % 16 ? 20 : SPAN);
			pass_to(p, now);
		}
		CHECK(gr__timers_next(p) == earliest());
	}
	pass_to(p, now + SPAN);
	for (int i = 0; i < N; i++) {
		CHECK(entries[i].fired == entries[i].expected);
		CHECK(entries[i].acted == 0 || entries[i].timer.act);
		CHECK(!entries[i].timer.act || entries[i].acted >= entries[i].fired);
		CHECK(entries[i].timer.acting == 0);
		gr__timer_disarm(&entries[i].timer);
	}
	CHECK(wrong == 0);
	CHECK(!p->timers.root && gr__timers_next(p) == INT64_MAX);
}

/* Ascending, descending, all the same; out from the first, the last, the middle. */
static void shapes(void *arg)
{
	struct gr_p *p = gr__self_p();
	unsigned ran;

	(void)arg;
	base = gr__now_ns() + 3600 * (int64_t)1000000000;
	for (int shape = 0; shape < 9; shape++) {
		int fired = 0;

		memset(entries, 0, sizeof(entries));
		wrong = 0;
		for (int i = 0; i < N; i++) {
			entries[i].timer.fire = fire;
			entries[i].wanted = base + (shape % 3 == 0 ? i : shape % 3 == 1 ? N - i : 7);
			gr__timer_arm(&entries[i].timer, entries[i].wanted);
		}
		for (int i = 0; i < N; i += 2)
			CHECK(gr__timer_disarm(&entries[shape / 3 == 0   ? i
							: shape / 3 == 1 ? N - 1 - i
									 : (i + N / 2) % N]
							.timer));
		last_fired = INT64_MIN;
		ran = 0;
		while (gr__timers_run(p, base + 2 * N, &ran) <= base + 2 * N)
			;
		for (int i = 0; i < N; i++)
			fired += entries[i].fired;
		CHECK(fired == N / 2 && ran == N / 2 && wrong == 0);
		CHECK(!p->timers.root && gr__timers_next(p) == INT64_MAX);
	}
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		ON(1, heap_is_as_the_model),
		ON(1, shapes),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
