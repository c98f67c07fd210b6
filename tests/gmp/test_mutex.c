/*
 * Mutexes. Each case names the Go test that it mirrors in behaviour, where there is one.
 */
#include "sync_test.h"

/* ---- TestMutex: many Gs hammer one lock, with try_lock between ------------------------------------- */

struct hammer {
	gr_mutex m;
	gr_wg done;
	int inside; /* under m: plain, so that a second owner shows (and the sanitizers see it) */
	long total; /* under m */
	int rounds;
};

static void hammer(void *arg)
{
	struct hammer *h = arg;

	for (int i = 0; i < h->rounds; i++) {
		if (i % 3 == 0) {
			if (gr_mutex_try_lock(&h->m)) {
				CHECK(h->inside++ == 0);
				h->inside--;
				gr_mutex_unlock(&h->m);
			}
			continue;
		}
		gr_mutex_lock(&h->m);
		CHECK(h->inside++ == 0);
		h->total++;
		if (i % 17 == 0)
			gr_yield(); /* the lock is held over a switch, so that others queue */
		h->inside--;
		gr_mutex_unlock(&h->m);
	}
	gr_wg_done(&h->done);
}

static void hammered(void *arg)
{
	enum { GS = 10 };
	struct hammer h = {.rounds = TIMES(3000) / 3 * 3};

	(void)arg;
	CHECK(gr_mutex_try_lock(&h.m));
	CHECK(!gr_mutex_try_lock(&h.m));
	gr_mutex_unlock(&h.m);
	gr_wg_add(&h.done, GS);
	for (int i = 0; i < GS; i++)
		gr_go(hammer, &h);
	gr_wg_wait(&h.done);
	CHECK(h.total == (long)GS * h.rounds / 3 * 2);
	CHECK(h.m.state == 0 && h.m.sema == 0);
}

/* ---- TestMutexFairness: who holds it nearly all the time lets a sleeper have it -------------------- */

struct hog {
	gr_mutex m;
	_Atomic bool stop;
	gr_wg done;
};

static void hog(void *arg)
{
	struct hog *h = arg;

	while (!atomic_load(&h->stop)) {
		gr_mutex_lock(&h->m);
		gr_sleep_ns(100 * 1000);
		gr_mutex_unlock(&h->m);
	}
	gr_wg_done(&h->done);
}

/* Were the lock unfair, the tenth turn would never come, and the program's alarm would. */
static void fairness(void *arg)
{
	struct hog h = {0};

	(void)arg;
	gr_wg_add(&h.done, 1);
	gr_go(hog, &h);
	for (int i = 0; i < 10; i++) {
		gr_sleep_ns(100 * 1000);
		gr_mutex_lock(&h.m);
		gr_mutex_unlock(&h.m);
	}
	atomic_store(&h.stop, true);
	gr_wg_wait(&h.done);
}

/* ---- starvation mode hands over in the order of arrival -------------------------------------------- */

struct starved {
	gr_mutex *m;
	gr_wg *done;
	_Atomic int *next;
	int turn;
};

static void take_a_turn(void *arg)
{
	struct starved *s = arg;

	gr_mutex_lock(s->m);
	s->turn = atomic_fetch_add(s->next, 1);
	gr_mutex_unlock(s->m);
	gr_wg_done(s->done);
}

/*
 * On one P, where the order of arrival is the order of starting. The lock is held for 5 ms, so each sleeper has
 * waited for longer than the millisecond; a barger that comes and goes must not bring the order into disarray.
 */
static void starved_in_order(void *arg)
{
	enum { GS = 8 };
	struct starved s[GS];
	gr_mutex m = {0};
	gr_wg done = {0};
	_Atomic int next = 0;

	(void)arg;
	gr_mutex_lock(&m);
	gr_wg_add(&done, GS);
	for (int i = 0; i < GS; i++) {
		s[i] = (struct starved){&m, &done, &next, -1};
		gr_go(take_a_turn, &s[i]);
		gr_yield();
	}
	gr_sleep_ns(5 * 1000 * 1000);
	gr_mutex_unlock(&m);
	gr_wg_wait(&done);
	for (int i = 0; i < GS; i++)
		CHECK(s[i].turn == i);
	CHECK(m.state == 0 && m.sema == 0);
}

/* ---- the last user frees the object that holds the lock (I3 of mutex.c) ---------------------------- */

struct object {
	gr_mutex m;
	int refs; /* under m */
	gr_wg *done;
};

static void drop_reference(void *arg)
{
	struct object *o = arg;
	gr_wg *done = o->done;
	bool is_last;

	gr_mutex_lock(&o->m);
	is_last = --o->refs == 0;
	if (!is_last)
		gr_yield();
	gr_mutex_unlock(&o->m);
	if (is_last) {
		memset(o, 0xff, sizeof(*o)); /* who touches it afterwards meets an impossible state */
		free(o);
	}
	gr_wg_done(done);
}

static void freed_by_last_user(void *arg)
{
	enum { USERS = 3 };
	gr_wg done = {0};

	(void)arg;
	for (int i = 0; i < TIMES(20000); i++) {
		struct object *o = calloc(1, sizeof(*o));

		o->refs = USERS;
		o->done = &done;
		gr_wg_add(&done, USERS);
		for (int k = 0; k < USERS; k++)
			gr_go(drop_reference, o);
		gr_wg_wait(&done);
	}
}

/* ---- not tied to the G that locked it -------------------------------------------------------------- */

static void unlock_it(void *arg)
{
	gr_mutex_unlock(arg);
}

static void unlocked_by_another(void *arg)
{
	gr_mutex m = {0};

	(void)arg;
	for (int i = 0; i < 1000; i++) {
		gr_mutex_lock(&m);
		gr_go(unlock_it, &m);
		gr_mutex_lock(&m);
		gr_mutex_unlock(&m);
	}
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		ON_1_AND_2(hammered),
		ON_1_AND_2(fairness),
		ON(1, starved_in_order),
		ON_1_AND_2(freed_by_last_user),
		ON_1_AND_2(unlocked_by_another),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
