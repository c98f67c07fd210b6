/*
 * Mutexes and semaphores, paired with Go's sync and runtime tests. What the names mean, and what has no pair: go_test.h.
 */
#include "go_test.h"

/* ---- TestSemaphore ------------------------------------------------------------------------------------- */

struct hammer {
	gr_mutex m;
	_Atomic uint32_t sema;
	gr_wg done;
	int rounds;
	long total; /* plain, under what is hammered: a second owner shows, and the sanitizers see it */
	int inside;
};

static void hammer_semaphore(void *arg)
{
	struct hammer *h = arg;

	for (int i = 0; i < h->rounds; i++) {
		gr_sema_acquire(&h->sema);
		CHECK(h->inside++ == 0);
		h->total++;
		if (i % 13 == 0)
			gr_yield();
		h->inside--;
		gr_sema_release(&h->sema);
	}
	gr_wg_done(&h->done);
}

/* Catches: two inside with one permit; a permit lost with its waiter (hangs) or made twice. */
static void go_TestSemaphore(void *arg)
{
	enum { N = 10 };
	struct hammer h = {.sema = 1, .rounds = TIMES(1000)};

	(void)arg;
	gr_wg_add(&h.done, N);
	for (int i = 0; i < N; i++)
		spawn(hammer_semaphore, &h);
	gr_wg_wait(&h.done);
	CHECK(h.total == (long)N * h.rounds);
	CHECK(atomic_load(&h.sema) == 1);
}

/* ---- TestMutex ------------------------------------------------------------------------------------------ */

static void hammer_mutex(void *arg)
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
		if (i % 31 == 1)
			gr_yield(); /* over a switch, so that others queue */
		h->inside--;
		gr_mutex_unlock(&h->m);
	}
	gr_wg_done(&h->done);
}

/* Catches: two inside; a try_lock that takes what is held or refuses what is free; a sleeper never woken (hangs). */
static void go_TestMutex(void *arg)
{
	enum { N = 10 };
	struct hammer h = {.rounds = TIMES(3000) / 3 * 3};

	(void)arg;
	gr_mutex_lock(&h.m);
	CHECK(!gr_mutex_try_lock(&h.m));
	gr_mutex_unlock(&h.m);
	CHECK(gr_mutex_try_lock(&h.m));
	CHECK(!gr_mutex_try_lock(&h.m));
	gr_mutex_unlock(&h.m);
	gr_wg_add(&h.done, N);
	for (int i = 0; i < N; i++)
		spawn(hammer_mutex, &h);
	gr_wg_wait(&h.done);
	CHECK(h.total == (long)N * h.rounds / 3 * 2);
	CHECK(gr_mutex_try_lock(&h.m));
}

/* ---- TestMutexFairness ----------------------------------------------------------------------------------- */

struct hog {
	gr_mutex m;
	gr_wg done;
	_Atomic bool stop;
};

/* Has the lock nearly all the time. */
static void hold_on_and_on(void *arg)
{
	struct hog *h = arg;

	while (!atomic_load(&h->stop)) {
		gr_mutex_lock(&h->m);
		gr_sleep_ns(MS / 10);
		gr_mutex_unlock(&h->m);
	}
	gr_wg_done(&h->done);
}

/* Catches: a lock that who has just released it can always take again before a sleeper that was woken (hangs). */
static void go_TestMutexFairness(void *arg)
{
	struct hog h = {.done = {0}};

	(void)arg;
	gr_wg_add(&h.done, 1);
	spawn(hold_on_and_on, &h);
	for (int i = 0; i < 10; i++) {
		gr_sleep_ns(MS / 10);
		gr_mutex_lock(&h.m);
		gr_mutex_unlock(&h.m);
	}
	atomic_store(&h.stop, true);
	gr_wg_wait(&h.done);
}

/* ---- TestSemaHandoff, TestSemaHandoff1, TestSemaHandoff2: through the mutex that hands over ---------------- */

enum { GUESTS_MAX = 4 };

struct handoff {
	gr_mutex m;
	gr_wg done;
	_Atomic bool stop;
	_Atomic int waiting;
	int n; /* under m: guests that have been in */
};

static void come_in_once(void *arg)
{
	struct handoff *h = arg;

	atomic_fetch_add(&h->waiting, 1);
	gr_mutex_lock(&h->m);
	h->n++;
	gr_mutex_unlock(&h->m);
	gr_wg_done(&h->done);
}

static void yield_on_and_on(void *arg)
{
	struct handoff *h = arg;

	while (!atomic_load(&h->stop))
		gr_yield();
	gr_wg_done(&h->done);
}

/*
 * The host releases the lock only to take it at once again. A guest that has slept for more than a millisecond and been
 * passed over once is given the lock at the next release: it has had it before the host's next lock returns. So a guest
 * costs the host two rounds, or as many as it takes until the guest's thread is on a CPU; a hundred are allowed.
 */
static void hand_over(int guests, int others)
{
	struct handoff h = {.n = 0};
	int rounds = 0;

	gr_mutex_lock(&h.m);
	gr_wg_add(&h.done, guests + others);
	for (int i = 0; i < others; i++)
		spawn(yield_on_and_on, &h);
	for (int i = 0; i < guests; i++) {
		spawn(come_in_once, &h);
		await_int(&h.waiting, i + 1);
		gr_sleep_ns(MS); /* it is on its way into the lock */
	}
	for (; h.n < guests && rounds < 100 * guests; rounds++) {
		gr_sleep_ns(2 * MS);
		gr_mutex_unlock(&h.m);
		gr_mutex_lock(&h.m);
	}
	CHECK(h.n == guests);
	gr_mutex_unlock(&h.m);
	atomic_store(&h.stop, true);
	gr_wg_wait(&h.done);
}

/* Catches: a release that does not give the lock to who starves, and so never does while the host is fast. */
static void go_TestSemaHandoff(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++)
		hand_over(1, 0);
}

/* The same while others are runnable, who would otherwise run before the one that was handed the lock. */
static void go_TestSemaHandoff1(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++)
		hand_over(1, 3);
}

/* The same with several in line. */
static void go_TestSemaHandoff2(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		hand_over(GUESTS_MAX, i);
}

/* ---- TestParallelReaders ---------------------------------------------------------------------------------- */

static gr_rwmutex *new_rwmutex(void)
{
	gr_rwmutex *rw = NULL;

	if (gr_rwmutex_new(&rw) != 0)
		abort();
	return rw;
}

struct readers {
	gr_rwmutex *rw;
	gr_wg done;
	_Atomic int inside;
	_Atomic bool leave;
};

static void read_until_told(void *arg)
{
	struct readers *r = arg;

	gr_rwmutex_rlock(r->rw);
	atomic_fetch_add(&r->inside, 1);
	while (!atomic_load(&r->leave))
		gr_yield();
	gr_rwmutex_runlock(r->rw);
	gr_wg_done(&r->done);
}

/* Catches: readers that keep each other out (hangs). */
static void go_TestParallelReaders(void *arg)
{
	static const int counts[] = {1, 3, 4, 10};

	(void)arg;
	for (int i = 0; i < 4; i++) {
		struct readers r = {.rw = new_rwmutex()};

		gr_wg_add(&r.done, counts[i]);
		for (int k = 0; k < counts[i]; k++)
			spawn(read_until_told, &r);
		await_int(&r.inside, counts[i]); /* all at once */
		CHECK(!gr_rwmutex_try_lock(r.rw));
		CHECK(gr_rwmutex_try_rlock(r.rw));
		gr_rwmutex_runlock(r.rw);
		atomic_store(&r.leave, true);
		gr_wg_wait(&r.done);
		CHECK(gr_rwmutex_try_lock(r.rw));
		gr_rwmutex_unlock(r.rw);
		gr_rwmutex_free(r.rw);
	}
}

/* ---- TestRWMutex -------------------------------------------------------------------------------------------- */

/* The sum of who is inside: a reader counts 1, a writer 10000. */
struct rw_hammer {
	gr_rwmutex *rw;
	gr_wg done;
	_Atomic int activity;
	int rounds;
	long written; /* plain, under the lock */
};

static void hammer_read(void *arg)
{
	struct rw_hammer *h = arg;
	long seen = 0;

	for (int i = 0; i < h->rounds; i++) {
		int n;

		if (i % 5 == 4) {
			if (!gr_rwmutex_try_rlock(h->rw))
				continue;
		} else {
			gr_rwmutex_rlock(h->rw);
		}
		n = atomic_fetch_add(&h->activity, 1) + 1;
		CHECK(n >= 1 && n < 10000);
		CHECK(h->written >= seen);
		seen = h->written;
		if (i % 11 == 0)
			gr_yield();
		CHECK(h->written == seen);
		atomic_fetch_sub(&h->activity, 1);
		gr_rwmutex_runlock(h->rw);
	}
	gr_wg_done(&h->done);
}

static void hammer_write(void *arg)
{
	struct rw_hammer *h = arg;

	for (int i = 0; i < h->rounds; i++) {
		if (i % 5 == 4) {
			if (!gr_rwmutex_try_lock(h->rw))
				continue;
		} else {
			gr_rwmutex_lock(h->rw);
		}
		CHECK(atomic_fetch_add(&h->activity, 10000) == 0);
		h->written++;
		if (i % 7 == 0)
			gr_yield();
		CHECK(atomic_fetch_sub(&h->activity, 10000) == 10000);
		gr_rwmutex_unlock(h->rw);
	}
	gr_wg_done(&h->done);
}

static void hammer_rwmutex(int readers, int writers)
{
	struct rw_hammer h = {.rw = new_rwmutex(), .rounds = TIMES(1000)};

	gr_wg_add(&h.done, readers + writers);
	for (int i = 0; i < readers || i < writers; i++) {
		if (i < writers)
			spawn(hammer_write, &h);
		if (i < readers)
			spawn(hammer_read, &h);
	}
	gr_wg_wait(&h.done);
	CHECK(atomic_load(&h.activity) == 0);
	CHECK(h.written >= (long)writers * h.rounds / 5 * 4);
	gr_rwmutex_free(h.rw); /* fatal if somebody is still counted */
}

struct turns {
	gr_rwmutex *rw;
	gr_wg done;
	_Atomic int next;
	int writer, reader;
};

static void write_in_turn(void *arg)
{
	struct turns *t = arg;

	gr_rwmutex_lock(t->rw);
	t->writer = atomic_fetch_add(&t->next, 1);
	gr_rwmutex_unlock(t->rw);
	gr_wg_done(&t->done);
}

static void read_in_turn(void *arg)
{
	struct turns *t = arg;

	gr_rwmutex_rlock(t->rw);
	t->reader = atomic_fetch_add(&t->next, 1);
	gr_rwmutex_runlock(t->rw);
	gr_wg_done(&t->done);
}

/* While a writer waits for a reader to leave, further readers wait for the writer. One that does not wait is gone. */
static void writer_holds_up_readers(void)
{
	struct turns t = {.rw = new_rwmutex()};

	gr_wg_add(&t.done, 2);
	gr_rwmutex_rlock(t.rw);
	CHECK(gr_go_named("late writer", write_in_turn, &t) == 0);
	await_blocked("late writer");
	CHECK(!gr_rwmutex_try_rlock(t.rw));
	CHECK(gr_go_named("late reader", read_in_turn, &t) == 0);
	await_blocked("late reader");
	CHECK(atomic_load(&t.next) == 0);
	gr_rwmutex_runlock(t.rw);
	gr_wg_wait(&t.done);
	CHECK(t.writer == 0 && t.reader == 1);
	gr_rwmutex_free(t.rw);
}

/* Catches: a writer beside a reader or another writer; one side that starves or is not woken (hangs). */
static void go_TestRWMutex(void *arg)
{
	gr_rwmutex *rw = new_rwmutex();

	(void)arg;
	gr_rwmutex_lock(rw);
	CHECK(!gr_rwmutex_try_lock(rw));
	CHECK(!gr_rwmutex_try_rlock(rw));
	gr_rwmutex_unlock(rw);
	CHECK(gr_rwmutex_try_rlock(rw));
	CHECK(!gr_rwmutex_try_lock(rw));
	CHECK(gr_rwmutex_try_rlock(rw));
	gr_rwmutex_runlock(rw);
	gr_rwmutex_runlock(rw);
	gr_rwmutex_free(rw);
	writer_holds_up_readers();
	hammer_rwmutex(1, 1);
	hammer_rwmutex(3, 1);
	hammer_rwmutex(10, 1);
	hammer_rwmutex(3, 3);
	hammer_rwmutex(10, 5);
}

/* ---- TestRLocker: the reading side behind an interface of two functions ------------------------------------- */

struct locker {
	void (*lock)(gr_rwmutex *rw);
	void (*unlock)(gr_rwmutex *rw);
};

struct rlocker {
	gr_rwmutex *rw;
	gr_chan *wlocked, *rlocked;
	int n;
};

static void write_between_reads(void *arg)
{
	struct rlocker *r = arg;
	const int n = r->n;
	gr_rwmutex *rw = r->rw;
	gr_chan *wlocked = r->wlocked, *rlocked = r->rlocked;

	for (int i = 0; i < n; i++) {
		CHECK(recv_int(rlocked) == 1);
		CHECK(recv_int(rlocked) == 1); /* two readers have it */
		gr_rwmutex_lock(rw);
		send_int(wlocked, 1);
	}
}

/* Catches: a reader that gets in beside the writer, two readers that exclude each other (hangs). */
static void go_TestRLocker(void *arg)
{
	const struct locker rl = {gr_rwmutex_rlock, gr_rwmutex_runlock};
	struct rlocker r = {new_rwmutex(), chan_of_ints(1), chan_of_ints(2), 10};

	(void)arg;
	spawn(write_between_reads, &r);
	for (int i = 0; i < r.n; i++) {
		rl.lock(r.rw);
		rl.lock(r.rw); /* no writer comes between: it waits for the two below */
		send_int(r.rlocked, 1);
		send_int(r.rlocked, 1);
		let_others_run();
		CHECK(!gr_chan_try_recv(r.wlocked, &(int){0}, NULL));
		rl.unlock(r.rw);
		let_others_run();
		CHECK(!gr_chan_try_recv(r.wlocked, &(int){0}, NULL));
		rl.unlock(r.rw);
		CHECK(recv_int(r.wlocked) == 1);
		CHECK(!gr_rwmutex_try_rlock(r.rw));
		gr_rwmutex_unlock(r.rw);
	}
	await_gs(1);
	gr_chan_free(r.wlocked);
	gr_chan_free(r.rlocked);
	gr_rwmutex_free(r.rw);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		EACH(go_TestSemaphore),
		EACH(go_TestMutex),
		EACH(go_TestMutexFairness),
		EACH(go_TestSemaHandoff),
		EACH(go_TestSemaHandoff1),
		EACH(go_TestSemaHandoff2),
		EACH(go_TestParallelReaders),
		EACH(go_TestRWMutex),
		EACH(go_TestRLocker),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/go_sync", tests, NULL, NULL);
}
