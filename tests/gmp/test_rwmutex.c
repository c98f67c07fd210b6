/*
 * The lock for many readers or one writer. Each case names the Go test that it mirrors, where there is one.
 */
#include "sync_test.h"

static gr_rwmutex *new_lock(void)
{
	gr_rwmutex *rw = NULL;

	if (gr_rwmutex_new(&rw) != 0)
		abort();
	return rw;
}

static void yield_often(void)
{
	for (int i = 0; i < 50; i++)
		gr_yield();
}

/* ---- ParallelReaders: n readers have it at the same time ---------------------------------------------- */

struct parallel {
	gr_rwmutex *rw;
	gr_chan *locked, *unlock, *done;
};

static void read_until_told(void *arg)
{
	struct parallel *p = arg;
	char v = 0;

	gr_rwmutex_rlock(p->rw);
	gr_chan_send(p->locked, &v);
	gr_chan_recv(p->unlock, &v);
	gr_rwmutex_runlock(p->rw);
	gr_chan_send(p->done, &v);
}

static void parallel_readers(void *arg)
{
	(void)arg;
	for (int n = 1; n <= 27; n *= 3) {
		struct parallel p = {new_lock(), NULL, NULL, NULL};
		char v = 0;

		gr_chan_new(1, 0, &p.locked);
		gr_chan_new(1, 0, &p.unlock);
		gr_chan_new(1, 0, &p.done);
		for (int i = 0; i < n; i++)
			gr_go(read_until_told, &p);
		for (int i = 0; i < n; i++)
			gr_chan_recv(p.locked, &v);
		CHECK(!gr_rwmutex_try_lock(p.rw));
		CHECK(gr_rwmutex_try_rlock(p.rw));
		gr_rwmutex_runlock(p.rw);
		for (int i = 0; i < n; i++)
			gr_chan_send(p.unlock, &v);
		for (int i = 0; i < n; i++)
			gr_chan_recv(p.done, &v);
		CHECK(gr_rwmutex_try_lock(p.rw));
		CHECK(!gr_rwmutex_try_lock(p.rw) && !gr_rwmutex_try_rlock(p.rw));
		gr_rwmutex_unlock(p.rw);
		gr_chan_free(p.locked);
		gr_chan_free(p.unlock);
		gr_chan_free(p.done);
		gr_rwmutex_free(p.rw);
	}
}

/* ---- RWMutex: the hammer ------------------------------------------------------------------------------ */

struct hammer {
	gr_rwmutex *rw;
	gr_wg done;
	_Atomic int32_t activity; /* readers, and 10000 per writer */
	int plain; /* what the lock protects: for the thread sanitizer */
	int n;
};

static void hammer_read(void *arg)
{
	struct hammer *h = arg;

	for (int i = 0; i < h->n; i++) {
		if (i % 5 == 4) {
			if (!gr_rwmutex_try_rlock(h->rw))
				continue;
		} else {
			gr_rwmutex_rlock(h->rw);
		}
		int32_t now = atomic_fetch_add(&h->activity, 1) + 1;
		int before = h->plain;

		CHECK(now >= 1 && now < 10000);
		if (i % 3 == 0)
			gr_yield(); /* lock on one P, unlock on another */
		CHECK(h->plain == before);
		atomic_fetch_sub(&h->activity, 1);
		gr_rwmutex_runlock(h->rw);
	}
	gr_wg_done(&h->done);
}

static void hammer_write(void *arg)
{
	struct hammer *h = arg;

	for (int i = 0; i < h->n; i++) {
		if (i % 5 == 4) {
			if (!gr_rwmutex_try_lock(h->rw))
				continue;
		} else {
			gr_rwmutex_lock(h->rw);
		}
		CHECK(atomic_fetch_add(&h->activity, 10000) == 0);
		h->plain++;
		if (i % 3 == 0)
			gr_yield();
		CHECK(atomic_fetch_sub(&h->activity, 10000) == 10000);
		gr_rwmutex_unlock(h->rw);
	}
	gr_wg_done(&h->done);
}

static void hammer(void *arg)
{
	static const int readers[] = {1, 3, 10, 50};

	(void)arg;
	for (size_t k = 0; k < sizeof(readers) / sizeof(readers[0]); k++) {
		struct hammer h = {.rw = new_lock(), .n = TIMES(4000)};

		gr_wg_add(&h.done, readers[k] + 2);
		gr_go(hammer_write, &h);
		for (int i = 0; i < readers[k]; i++) {
			gr_go(hammer_read, &h);
			if (i == readers[k] / 2)
				gr_go(hammer_write, &h);
		}
		gr_wg_wait(&h.done);
		CHECK(h.activity == 0);
		gr_rwmutex_free(h.rw); /* fatal if a reader had been counted wrongly */
	}
}

/* ---- like RLocker: the reader's half used where a lock is expected ------------------------------------- */

struct locker {
	void (*lock)(gr_rwmutex *);
	void (*unlock)(gr_rwmutex *);
};

struct lockers {
	gr_rwmutex *rw;
	gr_chan *to_write, *locked;
	gr_wg done;
};

static void write_and_tell(void *arg)
{
	struct lockers *l = arg;
	char v = 0;

	for (int i = 0; i < 10; i++) {
		gr_chan_recv(l->to_write, &v);
		gr_rwmutex_lock(l->rw);
		gr_chan_send(l->locked, &v);
		gr_rwmutex_unlock(l->rw);
	}
	gr_wg_done(&l->done);
}

static void reader_as_locker(void *arg)
{
	const struct locker rl = {gr_rwmutex_rlock, gr_rwmutex_runlock};
	struct lockers l = {.rw = new_lock()};
	char v = 0;

	(void)arg;
	gr_chan_new(1, 1, &l.to_write);
	gr_chan_new(1, 0, &l.locked);
	gr_wg_add(&l.done, 1);
	gr_go(write_and_tell, &l);
	for (int i = 0; i < 10; i++) {
		rl.lock(l.rw);
		rl.lock(l.rw); /* no writer can have come in between: it has not been told to */
		gr_chan_send(l.to_write, &v);
		yield_often();
		CHECK(!gr_chan_try_recv(l.locked, &v, NULL)); /* two readers keep it out */
		rl.unlock(l.rw);
		yield_often();
		CHECK(!gr_chan_try_recv(l.locked, &v, NULL)); /* and so does one */
		rl.unlock(l.rw);
		gr_chan_recv(l.locked, &v);
	}
	gr_wg_wait(&l.done);
	gr_rwmutex_free(l.rw);
	gr_chan_free(l.to_write);
	gr_chan_free(l.locked);
}

/* ---- order: writers first, then all readers that waited (issue 76808) ---------------------------------- */

struct order {
	gr_rwmutex *rw;
	gr_wg done;
	_Atomic int turn;
	int wrote[2]; /* turn at which each writer had it */
	_Atomic int read[4]; /* the same of readers */
};

struct order_g {
	struct order *o;
	int i;
};

static void order_write(void *arg)
{
	struct order_g *g = arg;

	gr_rwmutex_lock(g->o->rw);
	g->o->wrote[g->i] = atomic_fetch_add(&g->o->turn, 1);
	gr_rwmutex_unlock(g->o->rw);
	gr_wg_done(&g->o->done);
}

static void order_read(void *arg)
{
	struct order_g *g = arg;

	gr_rwmutex_rlock(g->o->rw);
	atomic_store(&g->o->read[g->i], atomic_fetch_add(&g->o->turn, 1));
	yield_often();
	gr_rwmutex_runlock(g->o->rw);
	gr_wg_done(&g->o->done);
}

/* A reader has it; a writer, four readers and a second writer come: writer, the four readers, writer. */
static void phases_alternate(void *arg)
{
	const struct sync_case *self = arg;

	for (int round = 0; round < 50; round++) {
		struct order o = {.rw = new_lock()};
		struct order_g w[2] = {{&o, 0}, {&o, 1}}, r[4] = {{&o, 0}, {&o, 1}, {&o, 2}, {&o, 3}};

		gr_wg_add(&o.done, 6);
		gr_rwmutex_rlock(o.rw);
		gr_go(order_write, &w[0]);
		while (gr_rwmutex_try_rlock(o.rw)) { /* until the writer has announced itself */
			gr_rwmutex_runlock(o.rw);
			gr_yield();
		}
		for (int i = 0; i < 4; i++)
			gr_go(order_read, &r[i]);
		yield_often();
		/* They need not have come yet with two Ps: give them the time to. */
		gr_sleep_ns(100000);
		CHECK(atomic_load(&o.turn) == 0); /* readers that came after the writer wait */
		gr_go(order_write, &w[1]);
		gr_sleep_ns(100000);
		gr_rwmutex_runlock(o.rw);
		gr_wg_wait(&o.done);
		CHECK(o.turn == 6 && (o.wrote[0] == 0 || o.wrote[1] == 0));
		/* With one P it is known that all readers had come before the first writer unlocked. */
		CHECK(self->procs > 1 || (o.wrote[0] == 0 && o.wrote[1] == 5));
		gr_rwmutex_free(o.rw);
	}
}

struct starving {
	gr_rwmutex *rw;
	gr_wg done;
	_Atomic bool stop;
	_Atomic int got; /* by the side that could starve */
	_Atomic uint64_t others;
};

static void keep_reading(void *arg)
{
	struct starving *s = arg;

	while (!atomic_load(&s->stop)) {
		gr_rwmutex_rlock(s->rw);
		gr_yield(); /* so that it is never free of readers */
		gr_rwmutex_runlock(s->rw);
		atomic_fetch_add(&s->others, 1);
	}
	gr_wg_done(&s->done);
}

static void keep_writing(void *arg)
{
	struct starving *s = arg;

	while (!atomic_load(&s->stop)) {
		gr_rwmutex_lock(s->rw);
		gr_yield();
		gr_rwmutex_unlock(s->rw);
		atomic_fetch_add(&s->others, 1);
	}
	gr_wg_done(&s->done);
}

static void write_100(void *arg)
{
	struct starving *s = arg;

	for (int i = 0; i < 100; i++) {
		gr_rwmutex_lock(s->rw);
		atomic_fetch_add(&s->got, 1);
		gr_rwmutex_unlock(s->rw);
		gr_yield();
	}
	atomic_store(&s->stop, true);
	gr_wg_done(&s->done);
}

static void read_100(void *arg)
{
	struct starving *s = arg;

	for (int i = 0; i < 100; i++) {
		gr_rwmutex_rlock(s->rw);
		atomic_fetch_add(&s->got, 1);
		gr_rwmutex_runlock(s->rw);
		gr_yield();
	}
	atomic_store(&s->stop, true);
	gr_wg_done(&s->done);
}

/* One against eight that always want it. Would hang, until the alarm, if it were starved. */
static void one_against(void (*one)(void *), void (*many)(void *))
{
	struct starving s = {.rw = new_lock()};

	gr_wg_add(&s.done, 9);
	for (int i = 0; i < 8; i++)
		gr_go(many, &s);
	yield_often();
	gr_go(one, &s);
	gr_wg_wait(&s.done);
	CHECK(s.got == 100);
	gr_rwmutex_free(s.rw);
}

static void writer_is_not_starved(void *arg)
{
	(void)arg;
	one_against(write_100, keep_reading);
}

static void reader_is_not_starved(void *arg)
{
	(void)arg;
	one_against(read_100, keep_writing);
}

/* Lock here, unlock in another G: the lock does not know who has it. */
static void unlock_for(void *arg)
{
	struct hammer *h = arg;

	gr_rwmutex_unlock(h->rw);
	gr_rwmutex_rlock(h->rw);
	gr_wg_done(&h->done);
}

static void not_tied_to_a_g(void *arg)
{
	struct hammer h = {.rw = new_lock()};

	(void)arg;
	for (int i = 0; i < 100; i++) {
		gr_wg_add(&h.done, 1);
		gr_rwmutex_lock(h.rw);
		gr_go(unlock_for, &h);
		gr_wg_wait(&h.done);
		gr_rwmutex_runlock(h.rw);
	}
	gr_rwmutex_free(h.rw);
	gr_rwmutex_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_1_AND_2(parallel_readers),      ON_1_AND_2(hammer),           ON(4, hammer),
		ON_1_AND_2(reader_as_locker),      ON_1_AND_2(phases_alternate), ON_1_AND_2(writer_is_not_starved),
		ON_1_AND_2(reader_is_not_starved), ON_1_AND_2(not_tied_to_a_g),
	};

	sync_test_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
