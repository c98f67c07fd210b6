/*
 * Channels. Each case names the Go test or script that it mirrors in behaviour, where there is one.
 */
#include "sync_test.h"

#include <errno.h>

static gr_chan *chan_of_ints(size_t capacity)
{
	gr_chan *c = NULL;

	if (gr_chan_new(sizeof(int), capacity, &c) != 0)
		abort();
	return c;
}

static void send_int(gr_chan *c, int v)
{
	gr_chan_send(c, &v);
}

static int recv_int(gr_chan *c)
{
	int v = -1;

	gr_chan_recv(c, &v);
	return v;
}

static void yield_often(void)
{
	for (int i = 0; i < 50; i++)
		gr_yield();
}

/* ---- TestChan: the basic rules, for each capacity -------------------------------------------------- */

struct rule {
	gr_chan *c;
	gr_wg done;
	_Atomic int passed; /* the operation that has to block has returned */
	bool ok;
	int value;
	int n;
};

static void recv_once(void *arg)
{
	struct rule *r = arg;

	r->ok = gr_chan_recv(r->c, &r->value);
	atomic_fetch_add(&r->passed, 1);
	gr_wg_done(&r->done);
}

static void send_once(void *arg)
{
	struct rule *r = arg;

	send_int(r->c, r->value);
	atomic_fetch_add(&r->passed, 1);
	gr_wg_done(&r->done);
}

static void send_ascending(void *arg)
{
	struct rule *r = arg;

	for (int i = 0; i < r->n; i++)
		send_int(r->c, i);
	gr_wg_done(&r->done);
}

static void empty_blocks(size_t cap)
{
	struct rule r = {.c = chan_of_ints(cap), .value = -1};
	int v = 7;
	bool closed = true;

	CHECK(!gr_chan_try_recv(r.c, &v, &closed) && v == 7 && !closed);
	gr_wg_add(&r.done, 1);
	gr_go(recv_once, &r);
	yield_often();
	CHECK(atomic_load(&r.passed) == 0);
	send_int(r.c, 5);
	gr_wg_wait(&r.done);
	CHECK(r.ok && r.value == 5);
	gr_chan_free(r.c);
}

static void full_blocks(size_t cap)
{
	struct rule r = {.c = chan_of_ints(cap), .value = 1000};
	const int v = 1;

	for (size_t i = 0; i < cap; i++) {
		CHECK(gr_chan_len(r.c) == i);
		CHECK(gr_chan_try_send(r.c, &(int){(int)i}));
	}
	CHECK(!gr_chan_try_send(r.c, &v));
	gr_wg_add(&r.done, 1);
	gr_go(send_once, &r);
	yield_often();
	CHECK(atomic_load(&r.passed) == 0);
	for (size_t i = 0; i < cap; i++)
		CHECK(recv_int(r.c) == (int)i);
	CHECK(recv_int(r.c) == 1000); /* the one that waited comes last */
	gr_wg_wait(&r.done);
	CHECK(gr_chan_len(r.c) == 0);
	gr_chan_free(r.c);
}

static void closed_gives_zero(size_t cap)
{
	struct rule r = {.c = chan_of_ints(cap), .value = -1};
	bool closed = false;
	int v = -1;

	/* A receiver that waits is woken by the close. */
	gr_wg_add(&r.done, 1);
	gr_go(recv_once, &r);
	yield_often();
	gr_chan_close(r.c);
	gr_wg_wait(&r.done);
	CHECK(!r.ok && r.value == 0);
	CHECK(!gr_chan_recv(r.c, &v) && v == 0);
	v = -1;
	CHECK(!gr_chan_try_recv(r.c, &v, &closed) && v == 0 && closed);
	gr_chan_free(r.c);

	/* What was sent before the close is drained first. */
	r.c = chan_of_ints(cap);
	for (size_t i = 0; i < cap; i++)
		send_int(r.c, (int)i + 1);
	gr_chan_close(r.c);
	for (size_t i = 0; i < cap; i++)
		CHECK(gr_chan_recv(r.c, &v) && v == (int)i + 1);
	CHECK(!gr_chan_recv(r.c, &v) && v == 0);
	gr_chan_free(r.c);
}

static void order_is_kept(size_t cap)
{
	struct rule r = {.c = chan_of_ints(cap), .n = 100};

	gr_wg_add(&r.done, 1);
	gr_go(send_ascending, &r);
	for (int i = 0; i < r.n; i++)
		CHECK(recv_int(r.c) == i);
	gr_wg_wait(&r.done);
	gr_chan_free(r.c);
}

static void basic_rules(void *arg)
{
	(void)arg;
	for (size_t cap = 0; cap < (is_slow() ? 8 : 100); cap++) {
		empty_blocks(cap);
		full_blocks(cap);
		closed_gives_zero(cap);
		order_is_kept(cap);
	}
}

/* Several senders and receivers on one channel: each value arrives once per sender. */
enum { SENDERS = 4, PER_SENDER = 1000 };

struct crowd {
	gr_chan *c;
	gr_wg senders, receivers;
	_Atomic int seen[PER_SENDER];
};

static void crowd_send(void *arg)
{
	struct crowd *w = arg;

	for (int i = 0; i < PER_SENDER; i++)
		send_int(w->c, i);
	gr_wg_done(&w->senders);
}

static void crowd_recv(void *arg)
{
	struct crowd *w = arg;
	int v;

	while (gr_chan_recv(w->c, &v))
		atomic_fetch_add(&w->seen[v], 1);
	gr_wg_done(&w->receivers);
}

static void crowds_lose_nothing(void *arg)
{
	const size_t caps[] = {0, 1, 7, 128};
	static struct crowd w; /* too large for a G's stack */

	(void)arg;
	for (size_t k = 0; k < 4; k++) {
		memset(&w, 0, sizeof(w));
		w.c = chan_of_ints(caps[k]);
		gr_wg_add(&w.senders, SENDERS);
		gr_wg_add(&w.receivers, SENDERS);
		for (int i = 0; i < SENDERS; i++) {
			gr_go(crowd_send, &w);
			gr_go(crowd_recv, &w);
		}
		gr_wg_wait(&w.senders);
		gr_chan_close(w.c);
		gr_wg_wait(&w.receivers);
		for (int i = 0; i < PER_SENDER; i++)
			CHECK(atomic_load(&w.seen[i]) == SENDERS);
		gr_chan_free(w.c);
	}
}

/* ---- nil channels ---------------------------------------------------------------------------------- */

static _Atomic int nil_passed;

static void nil_send(void *arg)
{
	(void)arg;
	send_int(NULL, 1);
	atomic_fetch_add(&nil_passed, 1);
}

static void nil_recv(void *arg)
{
	(void)arg;
	recv_int(NULL);
	atomic_fetch_add(&nil_passed, 1);
}

static void nil_blocks_forever(void *arg)
{
	int v = 3;
	bool closed = true;

	(void)arg;
	CHECK(!gr_chan_try_send(NULL, &v));
	CHECK(!gr_chan_try_recv(NULL, &v, &closed) && !closed && v == 3);
	CHECK(gr_chan_len(NULL) == 0);
	gr_chan_free(NULL);
	atomic_store(&nil_passed, 0);
	gr_go(nil_send, NULL);
	gr_go(nil_recv, NULL);
	yield_often();
	gr_sleep_ns(1000 * 1000);
	CHECK(atomic_load(&nil_passed) == 0);
}

/* ---- TestNonblockRecvRace -------------------------------------------------------------------------- */

static void try_once(void *arg)
{
	struct rule *r = arg;
	bool closed;

	r->ok = gr_chan_try_recv(r->c, &r->value, &closed) || closed;
	gr_wg_done(&r->done);
}

/* One element, then a close: a non-blocking receive finds one or the other, never "would block". */
static void nonblock_recv_race(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES(20000); i++) {
		struct rule r = {.c = chan_of_ints(1)};
		int v;

		send_int(r.c, 1);
		gr_wg_add(&r.done, 1);
		gr_go(try_once, &r);
		gr_chan_close(r.c);
		gr_chan_recv(r.c, &v);
		gr_wg_wait(&r.done);
		CHECK(r.ok);
		gr_chan_free(r.c);
	}
}

/* ---- TestMultiConsumer ----------------------------------------------------------------------------- */

enum { CONSUMERS = 23 };

struct multi {
	gr_chan *q, *r;
	gr_wg workers;
	int items;
	uint64_t sum_sent;
};

static void consume(void *arg)
{
	struct multi *m = arg;
	int v;

	while (gr_chan_recv(m->q, &v)) {
		if (v % 7 == 0)
			gr_yield(); /* not all at the same pace */
		send_int(m->r, v);
	}
	gr_wg_done(&m->workers);
}

static void feed(void *arg)
{
	static const int primes[] = {2, 3, 7, 31, 61, 127, 251, 1021, 4093, 10007};
	struct multi *m = arg;

	for (int i = 0; i < m->items; i++) {
		int v = primes[i % 10] * (i % 1000);

		m->sum_sent += (uint64_t)v;
		send_int(m->q, v);
	}
	gr_chan_close(m->q);
	gr_wg_wait(&m->workers);
	gr_chan_close(m->r);
}

static void multi_consumer(void *arg)
{
	struct multi m = {.items = TIMES(100000)};
	uint64_t sum = 0;
	int v, n = 0;

	(void)arg;
	m.q = chan_of_ints(CONSUMERS * 3);
	m.r = chan_of_ints(CONSUMERS * 3);
	gr_wg_add(&m.workers, CONSUMERS);
	for (int i = 0; i < CONSUMERS; i++)
		gr_go(consume, &m);
	gr_go(feed, &m);
	while (gr_chan_recv(m.r, &v)) {
		n++;
		sum += (uint64_t)v;
	}
	CHECK(n == m.items);
	CHECK(sum == m.sum_sent);
	gr_chan_free(m.q);
	gr_chan_free(m.r);
}

/* ---- waiters are served in the order of their arrival ---------------------------------------------- */

enum { QUEUED = 20 };

struct queued {
	gr_chan *c;
	int id, got;
	gr_wg *done;
};

static void queued_send(void *arg)
{
	struct queued *q = arg;

	send_int(q->c, q->id);
	gr_wg_done(q->done);
}

static void queued_recv(void *arg)
{
	struct queued *q = arg;

	q->got = recv_int(q->c);
	gr_wg_done(q->done);
}

/* Start one and let it block before the next: on two Ps that needs more than one yield. */
static void start_in_order(void (*fn)(void *), struct queued *q, gr_chan *c, gr_wg *done)
{
	gr_wg_add(done, QUEUED);
	for (int i = 0; i < QUEUED; i++) {
		struct gr_stats before, now;
		int turns = 0;

		q[i] = (struct queued){.c = c, .id = i, .got = -1, .done = done};
		gr_stats_read(&before);
		gr_go(fn, &q[i]);
		do {
			gr_yield();
			gr_stats_read(&now);
		} while (now.parks == before.parks && ++turns < 1000000);
	}
}

static void waiters_are_fifo(void *arg)
{
	struct queued q[QUEUED];
	gr_chan *c = chan_of_ints(0);
	gr_wg done = {0};

	(void)arg;
	start_in_order(queued_send, q, c, &done);
	for (int i = 0; i < QUEUED; i++)
		CHECK(recv_int(c) == i);
	gr_wg_wait(&done);
	start_in_order(queued_recv, q, c, &done);
	for (int i = 0; i < QUEUED; i++)
		send_int(c, i);
	gr_wg_wait(&done);
	for (int i = 0; i < QUEUED; i++)
		CHECK(q[i].got == i);
	gr_chan_free(c);
}

/* ---- test/chan/fifo: a chain of Gs in which each waits for the one before -------------------------- */

struct link {
	gr_chan *in, *out;
	_Atomic int *turn;
	int id;
};

static void pass_turn(void *arg)
{
	struct link *l = arg;

	CHECK(recv_int(l->in) == 0);
	CHECK(atomic_fetch_add(l->turn, 1) == l->id);
	send_int(l->out, 0);
}

static void chain_keeps_order(void *arg)
{
	enum { N = 10 };
	struct link l[N];
	gr_chan *c[N + 1];
	_Atomic int turn = 0;

	(void)arg;
	for (int i = 0; i <= N; i++)
		c[i] = chan_of_ints(0);
	for (int i = N - 1; i >= 0; i--) {
		l[i] = (struct link){c[i], c[i + 1], &turn, i};
		gr_go(pass_turn, &l[i]);
	}
	send_int(c[0], 0);
	CHECK(recv_int(c[N]) == 0);
	CHECK(atomic_load(&turn) == N);
	for (int i = 0; i <= N; i++)
		gr_chan_free(c[i]);
}

/* ---- test/chan/goroutines: a long daisy chain ------------------------------------------------------ */

struct daisy {
	gr_chan *left, *right;
};

static void add_one(void *arg)
{
	struct daisy *d = arg;

	send_int(d->left, recv_int(d->right) + 1);
}

static void daisy_chain(void *arg)
{
	enum { N = 1000 };
	struct daisy *d = calloc(N, sizeof(*d));
	gr_chan *leftmost = chan_of_ints(0), *left = leftmost;

	(void)arg;
	for (int i = 0; i < N; i++) {
		d[i] = (struct daisy){left, chan_of_ints(0)};
		CHECK(gr_go(add_one, &d[i]) == 0);
		left = d[i].right;
	}
	send_int(left, 0);
	CHECK(recv_int(leftmost) == N);
	for (int i = 0; i < N; i++)
		gr_chan_free(d[i].left);
	gr_chan_free(left);
	free(d);
}

/* ---- test/chan/sieve1: primes by a growing chain of filters ---------------------------------------- */

enum { PRIMES = 60 };

struct filter {
	gr_chan *in, *out;
	int prime;
	gr_wg *done;
};

static void generate(void *arg)
{
	struct filter *f = arg;

	for (int i = 2; i <= 281; i++) /* the 60th prime */
		send_int(f->out, i);
	gr_chan_close(f->out);
	gr_wg_done(f->done);
}

static void filter(void *arg)
{
	struct filter *f = arg;
	int v;

	while (gr_chan_recv(f->in, &v)) {
		if (v % f->prime != 0)
			send_int(f->out, v);
	}
	gr_chan_close(f->out);
	gr_wg_done(f->done);
}

static bool is_prime(int n)
{
	for (int d = 2; d * d <= n; d++) {
		if (n % d == 0)
			return false;
	}
	return n > 1;
}

static void sieve(void *arg)
{
	struct filter f[PRIMES + 1] = {0};
	gr_wg done = {0};
	int v, want = 2;

	(void)arg;
	gr_wg_add(&done, PRIMES + 1);
	f[0] = (struct filter){.out = chan_of_ints(0), .done = &done};
	gr_go(generate, &f[0]);
	for (int i = 1; i <= PRIMES; i++) {
		while (!is_prime(want))
			want++;
		CHECK(gr_chan_recv(f[i - 1].out, &v) && v == want);
		want++;
		f[i] = (struct filter){f[i - 1].out, chan_of_ints(0), v, &done};
		gr_go(filter, &f[i]);
	}
	CHECK(!gr_chan_recv(f[PRIMES].out, &v));
	gr_wg_wait(&done);
	for (int i = 0; i <= PRIMES; i++)
		gr_chan_free(f[i].out);
}

/* ---- elements of all kinds of sizes ---------------------------------------------------------------- */

struct blob {
	gr_chan *c;
	size_t bytes;
	gr_wg done;
};

static void send_blobs(void *arg)
{
	struct blob *b = arg;
	unsigned char *elem = malloc(b->bytes + 1);

	for (int i = 0; i < 20; i++) {
		memset(elem, i + 1, b->bytes + 1);
		gr_chan_send(b->c, elem);
	}
	gr_chan_close(b->c);
	free(elem);
	gr_wg_done(&b->done);
}

static void sizes_of_elements(void *arg)
{
	static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 8, 9, 16, 100, 4096, 65535};
	unsigned char *got = malloc(65536);
	gr_chan *c = NULL;

	(void)arg;
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]) * 2; k++) {
		struct blob b = {.bytes = sizes[k / 2]};
		int n = 0;

		CHECK(gr_chan_new(b.bytes, k % 2 * 3, &b.c) == 0);
		gr_wg_add(&b.done, 1);
		gr_go(send_blobs, &b);
		memset(got, 0xee, 65536);
		while (gr_chan_recv(b.c, got)) {
			n++;
			for (size_t i = 0; i < b.bytes; i += b.bytes / 7 + 1)
				CHECK(got[i] == n);
			CHECK(got[b.bytes] == 0xee); /* not one byte more */
		}
		CHECK(n == 20);
		CHECK(b.bytes == 0 || (got[0] == 0 && got[b.bytes - 1] == 0));
		gr_wg_wait(&b.done);
		gr_chan_free(b.c);
	}
	free(got);
	CHECK(gr_chan_new(65536, 0, &c) == -EINVAL);
	CHECK(gr_chan_new(8, SIZE_MAX / 4, &c) == -ENOMEM);
	CHECK(c == NULL);
}

/* ---- ping-pong: the channel may be freed by who receives the last element -------------------------- */

static void send_and_forget(void *arg)
{
	send_int(arg, 42);
}

static void freed_by_receiver(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES(20000); i++) {
		gr_chan *c = chan_of_ints((size_t)i % 2);

		gr_go(send_and_forget, c);
		CHECK(recv_int(c) == 42);
		gr_chan_free(c);
	}
}

/* ---- the P moves between Ms: without locks, its writes must reach the next holder ---- */

struct mover {
	gr_chan *c;
	int *sum; /* plain: the channel orders it */
	int n;
	_Atomic bool stop;
	gr_wg done, keeper;
};

/* Keeps the P wanted: nobody takes it away from a blocked M otherwise. */
static void keep_busy(void *arg)
{
	struct mover *m = arg;

	while (!atomic_load(&m->stop))
		gr_yield();
	gr_wg_done(&m->keeper);
}

static void move_and_add(void *arg)
{
	struct mover *m = arg;
	int token;

	for (int i = 0; i < m->n; i++) {
		token = recv_int(m->c);
		*m->sum += token;
		if (i % 25 == 0) {
			gr_syscall_enter();
			usleep(25 * 1000); /* also a monitor that has become slow takes the P away */
			gr_syscall_exit();
		}
		send_int(m->c, token);
	}
	gr_wg_done(&m->done);
}

static void between_threads(void *arg)
{
	const struct sync_case *sc = arg;
	enum { GS = 4 };
	int sum = 0;
	struct mover m = {.c = chan_of_ints(1), .sum = &sum, .n = 100};
	struct gr_stats before, after;

	gr_stats_read(&before);
	gr_wg_add(&m.keeper, 1);
	gr_go(keep_busy, &m);
	gr_wg_add(&m.done, GS);
	for (int i = 0; i < GS; i++)
		gr_go(move_and_add, &m);
	send_int(m.c, 1);
	gr_wg_wait(&m.done);
	CHECK(recv_int(m.c) == 1);
	CHECK(sum == GS * m.n);
	atomic_store(&m.stop, true);
	gr_wg_wait(&m.keeper);
	gr_stats_read(&after);
	if (sc->procs == 1) /* else the case has shown nothing */
		CHECK(after.handoffs > before.handoffs);
	gr_chan_free(m.c);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		ON_1_AND_2(basic_rules),
		ON_1_AND_2(crowds_lose_nothing),
		ON_1_AND_2(nil_blocks_forever),
		ON_1_AND_2(nonblock_recv_race),
		ON_1_AND_2(multi_consumer),
		ON_1_AND_2(waiters_are_fifo),
		ON_1_AND_2(chain_keeps_order),
		ON_1_AND_2(daisy_chain),
		ON_1_AND_2(sieve),
		ON_1_AND_2(sizes_of_elements),
		ON_1_AND_2(freed_by_receiver),
		ON_1_AND_2(between_threads),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
