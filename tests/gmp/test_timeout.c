/*
 * Waits with a time-out: each kind by itself, then each with time-outs that are about as long as what is waited for takes,
 * where giving up meets being woken. What such a race would break is said at the case: a permit, signal, element or lock
 * that is lost shows as a hang (the alarm) or in the sum at the end.
 *
 * No bound on time is absolute: "not too early" is checked, "not too late" never.
 */
#include "internal.h"
#include "sync_test.h"

#include <errno.h>

#define US ((uint64_t)1000)
#define MS ((uint64_t)1000 * 1000)

static const uint64_t no_limit = UINT64_MAX;

/* Per G, from a seed of its own. */
static uint32_t next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* From nothing to some microseconds: as long as the others take. */
static uint64_t tiny(uint32_t *x)
{
	return next_random(x) % 8 == 0 ? 0 : next_random(x) % 40 * US;
}

/* ---- each by itself ---------------------------------------------------------------------------------------- */

/* X(how to wait for `ns` on the fixture f): what has been taken by somebody else, so that it times out. */
#define WAITS(X)                                                                                                       \
	X(send, gr_chan_send_timeout(f->full, &(int){7}, ns))                                                          \
	X(recv, gr_chan_recv_timeout(f->empty, &(int){0}, ns))                                                         \
	X(send_to_nobody, gr_chan_send_timeout(f->unbuffered, &(int){7}, ns))                                          \
	X(send_nil, gr_chan_send_timeout(NULL, &(int){7}, ns))                                                         \
	X(recv_nil, gr_chan_recv_timeout(NULL, &(int){0}, ns))                                                         \
	X(mutex, gr_mutex_lock_timeout(&f->m, ns))                                                                     \
	X(sema, gr_sema_acquire_timeout(&f->sema, ns))                                                                 \
	X(cond, gr_cond_wait_timeout(&f->c, &f->m, ns))                                                                \
	X(wg, gr_wg_wait_timeout(&f->wg, ns))                                                                          \
	X(rlock, gr_rwmutex_rlock_timeout(f->written, ns))                                                             \
	X(lock_read, gr_rwmutex_lock_timeout(f->read, ns))                                                             \
	X(lock_written, gr_rwmutex_lock_timeout(f->written, ns))

struct fixture {
	gr_chan *full, *empty, *unbuffered;
	gr_mutex m; /* locked */
	_Atomic uint32_t sema; /* 0 */
	gr_cond c;
	gr_wg wg; /* 1 */
	gr_rwmutex *written, *read; /* locked so */
};

#define DEFINE(name, call)                                                                                             \
	static int wait_##name(struct fixture *f, uint64_t ns)                                                         \
	{                                                                                                              \
		(void)f;                                                                                               \
		return call;                                                                                           \
	}
WAITS(DEFINE)
#undef DEFINE

static const struct {
	const char *name;
	int (*wait)(struct fixture *f, uint64_t ns);
} waits[] = {
#define ENTRY(name, call) {#name, wait_##name},
	WAITS(ENTRY)
#undef ENTRY
};
enum { N_WAITS = sizeof(waits) / sizeof(waits[0]) };

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	CHECK(gr_chan_new(sizeof(int), 1, &f->full) == 0 && gr_chan_new(sizeof(int), 1, &f->empty) == 0);
	CHECK(gr_chan_new(sizeof(int), 0, &f->unbuffered) == 0);
	CHECK(gr_rwmutex_new(&f->written) == 0 && gr_rwmutex_new(&f->read) == 0);
	gr_chan_send(f->full, &(int){1});
	gr_mutex_lock(&f->m);
	gr_wg_add(&f->wg, 1);
	gr_rwmutex_lock(f->written);
	gr_rwmutex_rlock(f->read);
}

/* Everything is as set_up has left it: nobody has taken anything, nobody is in a list. */
static void tear_down(struct fixture *f)
{
	int v = 0;

	CHECK(gr_chan_len(f->full) == 1 && gr_chan_len(f->empty) == 0);
	CHECK(gr_chan_try_recv(f->full, &v, NULL) && v == 1);
	CHECK(!gr_chan_try_recv(f->unbuffered, &v, NULL) && !gr_chan_try_send(f->unbuffered, &v));
	gr_mutex_unlock(&f->m);
	CHECK(f->m.state == 0 && f->m.sema == 0 && f->sema == 0);
	CHECK(!f->c.head && !f->c.tail && !f->c.timed);
	gr_wg_done(&f->wg);
	CHECK(f->wg.state == 0 && f->wg.sema == 0);
	gr_rwmutex_unlock(f->written);
	/* The writers that have given up hold up nobody. */
	CHECK(gr_rwmutex_try_rlock(f->read));
	gr_rwmutex_runlock(f->read);
	gr_rwmutex_runlock(f->read);
	CHECK(gr_rwmutex_try_lock(f->read));
	gr_rwmutex_unlock(f->read);
	gr_rwmutex_free(f->written); /* fatal if somebody waits */
	gr_rwmutex_free(f->read);
	gr_chan_free(f->full);
	gr_chan_free(f->empty);
	gr_chan_free(f->unbuffered);
}

static void times_out(void *arg)
{
	static const uint64_t lengths[] = {0, 1, 50 * US, 3 * MS};
	struct fixture f;

	(void)arg;
	set_up(&f);
	for (int i = 0; i < N_WAITS; i++) {
		for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
			int64_t begin = gr__now_ns();
			int err = waits[i].wait(&f, lengths[k]);

			if (err != -ETIMEDOUT)
				fprintf(stderr, "%s: %d\n", waits[i].name, err);
			CHECK(err == -ETIMEDOUT);
			CHECK(gr__now_ns() - begin >= (int64_t)lengths[k]);
		}
	}
	tear_down(&f);
}

struct one_wait {
	struct fixture *f;
	gr_wg *done;
	uint64_t ns;
	int which;
	_Atomic int err;
};

static void wait_once(void *arg)
{
	struct one_wait *w = arg;

	if (waits[w->which].wait == wait_cond)
		gr_mutex_lock(&w->f->m);
	w->err = waits[w->which].wait(w->f, w->ns);
	if (waits[w->which].wait == wait_cond)
		gr_mutex_unlock(&w->f->m);
	gr_wg_done(w->done);
}

/* Several of each kind at once, whose times are up in another order than they came: from the middle of the lists too. */
static void time_out_in_any_order(void *arg)
{
	enum { EACH = 5 };
	static const uint64_t ms[EACH] = {3, 1, 4, 2, 3};
	struct one_wait w[N_WAITS][EACH];
	struct fixture f;
	gr_wg done = {0};

	(void)arg;
	set_up(&f);
	gr_mutex_unlock(&f.m); /* for the condition */
	for (int i = 0; i < N_WAITS; i++) {
		if (waits[i].wait == wait_mutex)
			continue;
		for (int k = 0; k < EACH; k++) {
			w[i][k] = (struct one_wait){&f, &done, ms[k] * MS, i, 0};
			gr_wg_add(&done, 1);
			CHECK(gr_go(wait_once, &w[i][k]) == 0);
			if (k % 2)
				gr_yield();
		}
	}
	gr_wg_wait(&done);
	for (int i = 0; i < N_WAITS; i++)
		for (int k = 0; k < EACH; k++)
			CHECK(waits[i].wait == wait_mutex || w[i][k].err == -ETIMEDOUT);
	gr_mutex_lock(&f.m);
	tear_down(&f);
}

/* What is waited for comes in time, or there is no limit: 0. */
static void comes_in_time(void *arg)
{
	static const uint64_t limits[] = {3600 * 1000 * MS, UINT64_MAX, UINT64_MAX - 1, INT64_MAX};
	struct fixture f;
	gr_wg done = {0};

	(void)arg;
	for (int i = 0; i < N_WAITS; i++) {
		if (waits[i].wait == wait_send_nil || waits[i].wait == wait_recv_nil)
			continue;
		for (size_t k = 0; k < sizeof(limits) / sizeof(limits[0]); k++) {
			struct one_wait w = {&f, &done, limits[k], i, 1};
			int v;

			set_up(&f);
			if (waits[i].wait == wait_cond)
				gr_mutex_unlock(&f.m);
			gr_wg_add(&done, 1);
			CHECK(gr_go(wait_once, &w) == 0);
			for (int n = 0; n < 3; n++)
				gr_sleep_ns(MS / 4); /* until it waits, as a rule */
			gr_chan_recv(f.full, &v);
			gr_chan_send(f.empty, &v);
			if (waits[i].wait != wait_cond)
				gr_mutex_unlock(&f.m);
			gr_sema_release(&f.sema);
			gr_wg_done(&f.wg);
			gr_rwmutex_unlock(f.written);
			gr_rwmutex_runlock(f.read);
			while (waits[i].wait == wait_cond && w.err == 1) {
				gr_cond_signal(&f.c);
				gr_yield();
			}
			if (waits[i].wait == wait_send_to_nobody)
				gr_chan_recv(f.unbuffered, &v);
			gr_wg_wait(&done);
			CHECK(w.err == 0);
			/* The locks that have been got stay locked; nothing of a wait is left behind. */
			CHECK(!f.c.head && !f.c.timed && f.m.sema == 0 && f.wg.sema == 0);
			gr_chan_free(f.full);
			gr_chan_free(f.empty);
			gr_chan_free(f.unbuffered);
			if (waits[i].wait == wait_lock_written)
				gr_rwmutex_unlock(f.written);
			else if (waits[i].wait == wait_rlock)
				gr_rwmutex_runlock(f.written);
			if (waits[i].wait == wait_lock_read)
				gr_rwmutex_unlock(f.read);
			gr_rwmutex_free(f.written);
			gr_rwmutex_free(f.read);
		}
	}
}

static void closed_channel(void *arg)
{
	gr_chan *c;
	int v = 5;

	(void)arg;
	CHECK(gr_chan_new(sizeof(int), 2, &c) == 0);
	CHECK(gr_chan_send_timeout(c, &v, MS) == 0);
	gr_chan_close(c);
	v = 0;
	CHECK(gr_chan_recv_timeout(c, &v, MS) == 0 && v == 5);
	for (int i = 0; i < 3; i++) {
		v = 9;
		CHECK(gr_chan_recv_timeout(c, &v, i == 0 ? 0 : i == 1 ? MS : no_limit) == -EPIPE && v == 0);
	}
	gr_chan_free(c);
}

struct closing {
	gr_chan *c;
	gr_wg done;
	_Atomic int closed, late;
};

static void recv_until_closed(void *arg)
{
	struct closing *k = arg;
	int v = 3, err = gr_chan_recv_timeout(k->c, &v, atomic_load(&k->late) ? 2 * MS : no_limit - 1);

	if (err == -EPIPE && v == 0)
		atomic_fetch_add(&k->closed, 1);
	gr_wg_done(&k->done);
}

/* A close wakes those who wait with a time-out; those whose time is up at that moment are told one or the other. */
static void close_wakes_them(void *arg)
{
	(void)arg;
	for (int round = 0; round < TIMES(40); round++) {
		struct closing k = {.late = round % 2};

		CHECK(gr_chan_new(sizeof(int), 0, &k.c) == 0);
		gr_wg_add(&k.done, 4);
		for (int i = 0; i < 4; i++)
			CHECK(gr_go(recv_until_closed, &k) == 0);
		gr_sleep_ns(2 * MS);
		gr_chan_close(k.c);
		gr_wg_wait(&k.done);
		CHECK(k.late || atomic_load(&k.closed) == 4);
		gr_chan_free(k.c);
	}
}

/* ---- a wait that ends in time leaves no timer behind: with all asleep a deadlock would be seen again ------------ */

static void timers_are_gone(void *arg)
{
	struct gr_p *p = gr__self_p();
	struct fixture f;

	(void)arg;
	set_up(&f);
	gr_sema_release(&f.sema);
	CHECK(gr_sema_acquire_timeout(&f.sema, MS) == 0);
	for (int i = 0; i < N_WAITS; i++)
		(void)waits[i].wait(&f, i % 2 ? 0 : 20 * US);
	CHECK(gr__timers_next(p) == INT64_MAX && !p->timers.root);
	tear_down(&f);
}

/* ---- channels: every element that was sent is received once ------------------------------------------------------ */

struct flow {
	gr_chan *c;
	gr_wg done, senders;
	_Atomic uint64_t sent, received;
	_Atomic uint32_t gave_up, seed;
	int rounds;
};

static void send_some(void *arg)
{
	struct flow *f = arg;
	uint32_t x = atomic_fetch_add(&f->seed, 0x9e3779b9u) | 1;

	for (int i = 0; i < f->rounds; i++) {
		uint64_t v = next_random(&x);

		if (gr_chan_send_timeout(f->c, &v, tiny(&x)) == 0)
			atomic_fetch_add(&f->sent, v);
		else
			atomic_fetch_add(&f->gave_up, 1);
	}
	gr_wg_done(&f->senders);
	gr_wg_done(&f->done);
}

static void recv_some(void *arg)
{
	struct flow *f = arg;
	uint32_t x = atomic_fetch_add(&f->seed, 0x9e3779b9u) | 1;

	for (;;) {
		uint64_t v;
		int err = gr_chan_recv_timeout(f->c, &v, tiny(&x));

		if (err == -EPIPE)
			break;
		if (err == 0)
			atomic_fetch_add(&f->received, v);
		else
			gr_yield(); /* on one P the senders have their turn */
	}
	gr_wg_done(&f->done);
}

static void channels_lose_nothing(void *arg)
{
	(void)arg;
	for (size_t cap = 0; cap <= 2; cap++) {
		struct flow f = {.seed = 77, .rounds = TIMES(3000)};

		CHECK(gr_chan_new(sizeof(uint64_t), cap, &f.c) == 0);
		gr_wg_add(&f.senders, 4);
		gr_wg_add(&f.done, 7);
		for (int i = 0; i < 4; i++)
			CHECK(gr_go(send_some, &f) == 0);
		for (int i = 0; i < 3; i++)
			CHECK(gr_go(recv_some, &f) == 0);
		gr_wg_wait(&f.senders);
		gr_chan_close(f.c);
		gr_wg_wait(&f.done);
		CHECK(atomic_load(&f.sent) == atomic_load(&f.received));
		CHECK(atomic_load(&f.gave_up) > 0);
		gr_chan_free(f.c);
	}
}

/* ---- mutex ----------------------------------------------------------------------------------------------------- */

struct contest {
	gr_mutex m;
	gr_wg done;
	int inside; /* under m */
	long total; /* under m */
	_Atomic long got, gave_up;
	_Atomic uint32_t seed;
	int rounds;
};

/*
 * Short time-outs and long ones, short holds and holds that bring on starvation mode. A count that is wrong by one makes an
 * unlock wake nobody, or wait for a sleeper that is not there: a hang. A hand-off that is lost: a hang too.
 */
static void contend(void *arg)
{
	struct contest *k = arg;
	uint32_t x = atomic_fetch_add(&k->seed, 0x9e3779b9u) | 1;

	for (int i = 0; i < k->rounds; i++) {
		uint32_t kind = next_random(&x) % 16;

		if (kind == 0)
			gr_mutex_lock(&k->m);
		else if (gr_mutex_lock_timeout(&k->m, kind == 1 ? 3 * MS : tiny(&x)) != 0) {
			atomic_fetch_add(&k->gave_up, 1);
			continue;
		}
		CHECK(k->inside++ == 0);
		k->total++;
		if (kind < 6)
			gr_yield();
		else if (next_random(&x) % 64 == 0)
			gr_sleep_ns(next_random(&x) % 2 ? 1500 * US : 20 * US);
		k->inside--;
		gr_mutex_unlock(&k->m);
		atomic_fetch_add(&k->got, 1);
	}
	gr_wg_done(&k->done);
}

static void mutex_is_not_lost(void *arg)
{
	enum { GS = 8 };
	struct contest k = {.seed = 99, .rounds = TIMES(4000)};

	(void)arg;
	gr_wg_add(&k.done, GS);
	for (int i = 0; i < GS; i++)
		CHECK(gr_go(contend, &k) == 0);
	gr_wg_wait(&k.done);
	CHECK(k.total == atomic_load(&k.got));
	CHECK(k.m.state == 0 && k.m.sema == 0);
	CHECK(atomic_load(&k.gave_up) > 0);
}

struct sleeper {
	gr_mutex *m;
	gr_wg *done;
	_Atomic int *turns;
	uint64_t ns;
	int err, turn;
};

static void sleep_on_mutex(void *arg)
{
	struct sleeper *s = arg;

	s->err = gr_mutex_lock_timeout(s->m, s->ns);
	if (!s->err) {
		s->turn = atomic_fetch_add(s->turns, 1);
		gr_sleep_ns(2 * MS); /* those behind starve */
		gr_mutex_unlock(s->m);
	}
	gr_wg_done(s->done);
}

/* In starvation mode the lock is handed to the first one who still waits: those that gave up between are passed over. */
static void starvation_passes_over_the_dead(void *arg)
{
	enum { GS = 8 };
	struct sleeper s[GS];
	gr_mutex m = {0};
	gr_wg done = {0};
	_Atomic int turns = 0;

	(void)arg;
	gr_mutex_lock(&m);
	gr_wg_add(&done, GS);
	for (int i = 0; i < GS; i++) {
		s[i] = (struct sleeper){&m, &done, &turns, i % 2 ? MS : 3600 * 1000 * MS, 1, -1};
		CHECK(gr_go(sleep_on_mutex, &s[i]) == 0);
		gr_yield();
	}
	gr_sleep_ns(5 * MS);
	gr_mutex_unlock(&m);
	gr_wg_wait(&done);
	for (int i = 0; i < GS; i++) {
		CHECK(s[i].err == (i % 2 ? -ETIMEDOUT : 0));
		CHECK(s[i].turn == (i % 2 ? -1 : i / 2));
	}
	CHECK(m.state == 0 && m.sema == 0);
}

struct hungry {
	gr_mutex m;
	gr_wg done;
	int err;
};

static void be_hungry(void *arg)
{
	struct hungry *h = arg;

	h->err = gr_mutex_lock_timeout(&h->m, 15 * MS);
	gr_wg_done(&h->done);
}

/*
 * On one P: a sleeper that starves is woken, finds the lock taken again, and turns starvation mode on. It is the only one,
 * and it gives up: the mode must end with it, or the next unlock gives the lock to nobody.
 */
static void mode_ends_with_the_last(void *arg)
{
	struct hungry h = {.err = 1};

	(void)arg;
	gr_mutex_lock(&h.m);
	gr_wg_add(&h.done, 1);
	CHECK(gr_go(be_hungry, &h) == 0);
	gr_sleep_ns(5 * MS);
	gr_mutex_unlock(&h.m);
	if (gr_mutex_try_lock(&h.m)) { /* it is awake, and has not run */
		gr_wg_wait(&h.done);
		CHECK(h.err == -ETIMEDOUT);
		gr_mutex_unlock(&h.m);
	}
	CHECK(h.m.state == 0 && h.m.sema == 0);
	CHECK(gr_mutex_try_lock(&h.m));
}

struct object {
	gr_mutex m;
	int refs; /* under m */
	gr_wg *done;
	_Atomic uint32_t *seed;
};

/* Whoever is last frees it: an unlock that touches it after a sleeper has given up meets what cannot be (asan: the heap). */
static void drop_reference(void *arg)
{
	struct object *o = arg;
	uint32_t x = atomic_fetch_add(o->seed, 0x9e3779b9u) | 1;
	gr_wg *done = o->done;
	bool is_last;

	while (gr_mutex_lock_timeout(&o->m, tiny(&x)) != 0)
		gr_yield();
	is_last = --o->refs == 0;
	if (!is_last)
		gr_yield();
	gr_mutex_unlock(&o->m);
	if (is_last) {
		memset(o, 0xff, sizeof(*o));
		free(o);
	}
	gr_wg_done(done);
}

static void freed_by_last_user(void *arg)
{
	_Atomic uint32_t seed = 3;
	gr_wg done = {0};

	(void)arg;
	for (int i = 0; i < TIMES(5000); i++) {
		struct object *o = calloc(1, sizeof(*o));

		o->refs = 3;
		o->done = &done;
		o->seed = &seed;
		gr_wg_add(&done, 3);
		for (int k = 0; k < 3; k++)
			CHECK(gr_go(drop_reference, o) == 0);
		gr_wg_wait(&done);
	}
}

/* ---- semaphore ---------------------------------------------------------------------------------------------------- */

enum { PERMITS = 2 };

struct permits {
	_Atomic uint32_t sema;
	gr_wg done;
	_Atomic int inside, gave_up;
	_Atomic uint32_t seed;
	int rounds;
};

static void take_permits(void *arg)
{
	struct permits *p = arg;
	uint32_t x = atomic_fetch_add(&p->seed, 0x9e3779b9u) | 1;

	for (int i = 0; i < p->rounds; i++) {
		if (next_random(&x) % 8 == 0) {
			gr_sema_acquire(&p->sema);
		} else if (gr_sema_acquire_timeout(&p->sema, tiny(&x)) != 0) {
			atomic_fetch_add(&p->gave_up, 1);
			continue;
		}
		CHECK(atomic_fetch_add(&p->inside, 1) < PERMITS);
		if (next_random(&x) % 2)
			gr_yield();
		atomic_fetch_sub(&p->inside, 1);
		gr_sema_release(&p->sema);
	}
	gr_wg_done(&p->done);
}

/* A permit that goes to a dead waiter is lost: at last all that wait without a limit hang, or the word ends below 2. */
static void permits_are_not_lost(void *arg)
{
	struct permits p = {.sema = PERMITS, .seed = 5, .rounds = TIMES(4000)};

	(void)arg;
	gr_wg_add(&p.done, 8);
	for (int i = 0; i < 8; i++)
		CHECK(gr_go(take_permits, &p) == 0);
	gr_wg_wait(&p.done);
	CHECK(p.sema == PERMITS);
	CHECK(atomic_load(&p.gave_up) > 0);
}

/* ---- condition ---------------------------------------------------------------------------------------------------- */

struct tokens {
	gr_mutex m;
	gr_cond c;
	gr_wg done;
	int n; /* under m */
	_Atomic int left, gave_up;
	_Atomic uint32_t seed;
};

/* One signal per token. A dead waiter that swallows one leaves a token and somebody who waits for it for good: a hang. */
static void take_tokens(void *arg)
{
	struct tokens *t = arg;
	uint32_t x = atomic_fetch_add(&t->seed, 0x9e3779b9u) | 1;
	bool is_patient = next_random(&x) % 2;

	while (atomic_fetch_sub(&t->left, 1) > 0) {
		gr_mutex_lock(&t->m);
		while (t->n == 0) {
			if (is_patient) {
				gr_cond_wait(&t->c, &t->m);
			} else if (gr_cond_wait_timeout(&t->c, &t->m, tiny(&x)) == -ETIMEDOUT) {
				atomic_fetch_add(&t->gave_up, 1);
				gr_mutex_unlock(&t->m);
				gr_yield();
				gr_mutex_lock(&t->m);
			}
		}
		t->n--;
		gr_mutex_unlock(&t->m);
		gr_yield();
	}
	gr_wg_done(&t->done);
}

static void signals_are_not_lost(void *arg)
{
	const int n = TIMES(6000);

	(void)arg;
	for (int broadcasts = 0; broadcasts < 2; broadcasts++) {
		struct tokens t = {.left = n, .seed = 11};

		gr_wg_add(&t.done, 8);
		for (int i = 0; i < 8; i++)
			CHECK(gr_go(take_tokens, &t) == 0);
		for (int i = 0; i < n; i++) {
			gr_mutex_lock(&t.m);
			t.n++;
			if (broadcasts)
				gr_cond_broadcast(&t.c);
			else
				gr_cond_signal(&t.c);
			gr_mutex_unlock(&t.m);
			if (i % 3 == 0)
				gr_sleep_ns(5 * US);
		}
		gr_wg_wait(&t.done);
		CHECK(t.n == 0 && !t.c.head && !t.c.tail && !t.c.timed);
		CHECK(t.m.state == 0 && t.m.sema == 0);
		CHECK(atomic_load(&t.gave_up) > 0);
	}
}

/* ---- rwmutex ------------------------------------------------------------------------------------------------------ */

struct shared {
	gr_rwmutex *rw;
	gr_wg done;
	int a, b; /* under rw; equal */
	_Atomic int gave_up;
	_Atomic uint32_t seed;
	int rounds;
};

static void read_and_write(void *arg)
{
	struct shared *s = arg;
	uint32_t x = atomic_fetch_add(&s->seed, 0x9e3779b9u) | 1;

	for (int i = 0; i < s->rounds; i++) {
		uint32_t kind = next_random(&x) % 16;

		if (kind < 8) {
			if (kind == 0)
				gr_rwmutex_rlock(s->rw);
			else if (gr_rwmutex_rlock_timeout(s->rw, tiny(&x)) != 0) {
				atomic_fetch_add(&s->gave_up, 1);
				continue;
			}
			CHECK(s->a == s->b);
			if (kind < 6)
				gr_yield();
			gr_rwmutex_runlock(s->rw);
			continue;
		}
		if (kind == 8)
			gr_rwmutex_lock(s->rw);
		else if (gr_rwmutex_lock_timeout(s->rw, tiny(&x)) != 0) {
			atomic_fetch_add(&s->gave_up, 1);
			continue;
		}
		s->a++;
		if (kind < 12)
			gr_yield();
		s->b++;
		gr_rwmutex_unlock(s->rw);
	}
	gr_wg_done(&s->done);
}

/* A writer that gives up and takes nobody along leaves readers in the queue: a hang. A count that is wrong: fatal. */
static void readers_and_writers_give_up(void *arg)
{
	struct shared s = {.seed = 17, .rounds = TIMES(3000)};

	(void)arg;
	CHECK(gr_rwmutex_new(&s.rw) == 0);
	gr_wg_add(&s.done, 8);
	for (int i = 0; i < 8; i++)
		CHECK(gr_go(read_and_write, &s) == 0);
	gr_wg_wait(&s.done);
	CHECK(s.a == s.b);
	CHECK(atomic_load(&s.gave_up) > 0);
	CHECK(gr_rwmutex_try_lock(s.rw));
	gr_rwmutex_unlock(s.rw);
	gr_rwmutex_free(s.rw);
}

struct behind {
	gr_rwmutex *rw;
	gr_wg done;
	int writer, reader;
};

static void write_for_a_while(void *arg)
{
	struct behind *b = arg;

	b->writer = gr_rwmutex_lock_timeout(b->rw, 3 * MS);
	gr_wg_done(&b->done);
}

static void read_behind(void *arg)
{
	struct behind *b = arg;

	gr_sleep_ns(MS); /* the writer has announced itself, as a rule */
	gr_rwmutex_rlock(b->rw);
	b->reader = 0;
	gr_rwmutex_runlock(b->rw);
	gr_wg_done(&b->done);
}

/* A reader has it all the time. The writer gives up, and the one that queued behind it goes on: else a hang. */
static void readers_behind_go_on(void *arg)
{
	struct behind b = {.writer = 1, .reader = 1};

	(void)arg;
	CHECK(gr_rwmutex_new(&b.rw) == 0);
	gr_rwmutex_rlock(b.rw);
	gr_wg_add(&b.done, 2);
	CHECK(gr_go(write_for_a_while, &b) == 0);
	CHECK(gr_go(read_behind, &b) == 0);
	gr_wg_wait(&b.done);
	CHECK(b.writer == -ETIMEDOUT && b.reader == 0);
	gr_rwmutex_runlock(b.rw);
	gr_rwmutex_free(b.rw);
}

/* ---- wait group ---------------------------------------------------------------------------------------------------- */

struct round {
	gr_wg wg;
	gr_wg *done;
	_Atomic uint32_t *seed;
	_Atomic int *gave_up, finished;
};

static void wait_a_little(void *arg)
{
	struct round *r = arg;
	uint32_t x = atomic_fetch_add(r->seed, 0x9e3779b9u) | 1;

	if (gr_wg_wait_timeout(&r->wg, tiny(&x)) == 0)
		CHECK(atomic_load(&r->finished) == 2);
	else
		atomic_fetch_add(r->gave_up, 1);
	gr_wg_done(r->done);
}

static void finish(void *arg)
{
	struct round *r = arg;
	uint32_t x = atomic_fetch_add(r->seed, 0x9e3779b9u) | 1;

	if (next_random(&x) % 4 == 0)
		gr_sleep_ns(tiny(&x));
	atomic_fetch_add(&r->finished, 1);
	gr_wg_done(&r->wg);
	gr_wg_done(r->done);
}

/* A waiter that gives up and stays counted makes the last done give a permit too many (state, sema at the end); one that
 * leaves its permit behind likewise; one that waits for a permit that was not meant for it hangs. */
static void groups_count_right(void *arg)
{
	_Atomic uint32_t seed = 23;
	_Atomic int gave_up = 0;

	(void)arg;
	for (int i = 0; i < TIMES(8000); i++) {
		gr_wg done = {0};
		struct round r = {.done = &done, .seed = &seed, .gave_up = &gave_up};

		gr_wg_add(&r.wg, 2);
		gr_wg_add(&done, 5);
		for (int k = 0; k < 3; k++)
			CHECK(gr_go(wait_a_little, &r) == 0);
		for (int k = 0; k < 2; k++)
			CHECK(gr_go(finish, &r) == 0);
		gr_wg_wait(&done);
		CHECK(r.wg.state == 0 && r.wg.sema == 0);
	}
	CHECK(atomic_load(&gave_up) > 0);
}

/* ---- dead waiters, made by hand ------------------------------------------------------------------------------------- */

struct dead_and_alive {
	struct fixture f;
	gr_wg done;
	struct one_wait w[3];
};

/*
 * On one P: three wait, the first and the last with a time-out that passes. Then the timers are run from here, so those two
 * are dead, and have not run to leave their lists. What comes now is for the one between.
 */
static void make_dead(struct dead_and_alive *d, int (*wait)(struct fixture *, uint64_t))
{
	unsigned ran = 0;
	int which = 0;

	while (waits[which].wait != wait)
		which++;
	memset(d, 0, sizeof(*d));
	set_up(&d->f);
	gr_mutex_unlock(&d->f.m); /* for conditions */
	gr_wg_add(&d->done, 3);
	for (int i = 0; i < 3; i++) {
		d->w[i] = (struct one_wait){&d->f, &d->done, i == 1 ? no_limit - 1 : MS, which, 1};
		CHECK(gr_go(wait_once, &d->w[i]) == 0);
		gr_yield();
	}
	for (int64_t end = gr__now_ns() + (int64_t)(2 * MS); gr__now_ns() < end;)
		;
	gr__timers_run(gr__self_p(), gr__now_ns(), &ran);
}

static void check_dead(struct dead_and_alive *d)
{
	gr_wg_wait(&d->done); /* hangs if what came went to a dead one */
	/* If the machine stood still while they were made, they had gone by themselves before. */
	CHECK(d->w[0].err == -ETIMEDOUT && d->w[1].err == 0 && d->w[2].err == -ETIMEDOUT);
	CHECK(!d->f.c.head && !d->f.c.tail && !d->f.c.timed);
}

/* Free what set_up has made, in whatever state; `written` is locked for writing. */
static void drop(struct fixture *f)
{
	gr_rwmutex_unlock(f->written);
	gr_rwmutex_runlock(f->read);
	gr_rwmutex_free(f->written);
	gr_rwmutex_free(f->read);
	gr_chan_free(f->full);
	gr_chan_free(f->empty);
	gr_chan_free(f->unbuffered);
}

static void nothing_goes_to_the_dead(void *arg)
{
	struct dead_and_alive d;
	int v = 0;

	(void)arg;
	make_dead(&d, wait_sema);
	gr_sema_release(&d.f.sema);
	check_dead(&d);
	CHECK(d.f.sema == 0);
	drop(&d.f);

	for (int broadcast = 0; broadcast < 2; broadcast++) {
		make_dead(&d, wait_cond);
		if (broadcast)
			gr_cond_broadcast(&d.f.c);
		else
			gr_cond_signal(&d.f.c);
		check_dead(&d);
		drop(&d.f);
	}

	make_dead(&d, wait_rlock);
	gr_rwmutex_unlock(d.f.written);
	check_dead(&d);
	gr_rwmutex_runlock(d.f.written);
	CHECK(gr_rwmutex_try_lock(d.f.written)); /* only the one between has been counted */
	drop(&d.f);

	make_dead(&d, wait_wg);
	gr_wg_done(&d.f.wg);
	gr_wg_wait(&d.done);
	/* The counter became 0 before the dead had left: they are told that, unless the machine stood still, see above. */
	CHECK(d.w[1].err == 0 && d.w[0].err <= 0 && d.w[2].err <= 0);
	CHECK(d.f.wg.state == 0 && d.f.wg.sema == 0);
	drop(&d.f);

	make_dead(&d, wait_recv);
	gr_chan_send(d.f.empty, &v);
	check_dead(&d);
	drop(&d.f);

	make_dead(&d, wait_send);
	gr_chan_recv(d.f.full, &v);
	check_dead(&d);
	CHECK(gr_chan_len(d.f.full) == 1);
	drop(&d.f);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		ON_1_AND_2(times_out),
		ON_1_AND_2(time_out_in_any_order),
		ON_1_AND_2(comes_in_time),
		ON_1_AND_2(closed_channel),
		ON_1_AND_2(close_wakes_them),
		ON(1, timers_are_gone),
		ON_1_AND_2(channels_lose_nothing), ON(4, channels_lose_nothing),
		ON_1_AND_2(mutex_is_not_lost), ON(4, mutex_is_not_lost),
		ON(1, starvation_passes_over_the_dead),
		ON(1, mode_ends_with_the_last),
		ON(1, nothing_goes_to_the_dead),
		ON_1_AND_2(freed_by_last_user),
		ON_1_AND_2(permits_are_not_lost), ON(4, permits_are_not_lost),
		ON_1_AND_2(signals_are_not_lost), ON(4, signals_are_not_lost),
		ON_1_AND_2(readers_and_writers_give_up), ON(4, readers_and_writers_give_up),
		ON_1_AND_2(readers_behind_go_on),
		ON_1_AND_2(groups_count_right), ON(4, groups_count_right),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
