/*
 * Channels, paired with Go's chan_test.go and test/chan. What the names mean, and what has no pair: go_test.h.
 */
#include "go_test.h"

/* ---- TestChan: what each operation does, for every capacity ---------------------------------------- */

struct one_op {
	gr_chan *c;
	gr_wg done;
	_Atomic int passed; /* the operation has returned */
	int value;
	bool ok;
};

static void recv_once(void *arg)
{
	struct one_op *o = arg;

	o->ok = gr_chan_recv(o->c, &o->value);
	atomic_fetch_add(&o->passed, 1);
	gr_wg_done(&o->done);
}

static void send_once(void *arg)
{
	struct one_op *o = arg;

	gr_chan_send(o->c, &o->value);
	atomic_fetch_add(&o->passed, 1);
	gr_wg_done(&o->done);
}

static void start_op(struct one_op *o, void (*fn)(void *))
{
	atomic_store(&o->passed, 0);
	gr_wg_add(&o->done, 1);
	spawn(fn, o);
	let_others_run();
}

static void empty_blocks(int cap)
{
	struct one_op o = {.c = chan_of_ints((size_t)cap), .value = -1};
	bool closed;
	int v = 17;

	CHECK(!gr_chan_try_recv(o.c, &v, &closed) && v == 17 && !closed);
	start_op(&o, recv_once);
	CHECK(atomic_load(&o.passed) == 0);
	send_int(o.c, 42);
	gr_wg_wait(&o.done);
	CHECK(o.ok && o.value == 42);
	gr_chan_free(o.c);
}

static void full_blocks(int cap)
{
	struct one_op o = {.c = chan_of_ints((size_t)cap), .value = cap};

	for (int i = 0; i < cap; i++)
		send_int(o.c, i);
	CHECK(gr_chan_len(o.c) == (size_t)cap);
	CHECK(!gr_chan_try_send(o.c, &(int){99}));
	start_op(&o, send_once);
	CHECK(atomic_load(&o.passed) == 0);
	for (int i = 0; i <= cap; i++)
		CHECK(recv_int(o.c) == i); /* who waited comes last */
	gr_wg_wait(&o.done);
	gr_chan_free(o.c);
}

static void close_drains(int cap)
{
	struct one_op o = {.c = chan_of_ints((size_t)cap), .value = -1};
	bool closed;
	int v;

	for (int i = 0; i < cap; i++)
		send_int(o.c, i + 1);
	gr_chan_close(o.c);
	for (int i = 0; i < cap; i++) {
		if (i % 2)
			CHECK(gr_chan_recv(o.c, &v));
		else
			CHECK(gr_chan_try_recv(o.c, &v, &closed) && !closed);
		CHECK(v == i + 1);
	}
	for (int i = 0; i < 3; i++) {
		v = -1;
		CHECK(!gr_chan_recv(o.c, &v) && v == 0);
		v = -1;
		CHECK(!gr_chan_try_recv(o.c, &v, &closed) && v == 0 && closed);
	}
	gr_chan_free(o.c);

	o.c = chan_of_ints((size_t)cap);
	start_op(&o, recv_once);
	CHECK(atomic_load(&o.passed) == 0);
	gr_chan_close(o.c); /* wakes who waits */
	gr_wg_wait(&o.done);
	CHECK(!o.ok && o.value == 0);
	gr_chan_free(o.c);
}

struct stream {
	gr_chan *c, *results;
	int n;
};

static void send_ascending(void *arg)
{
	const struct stream s = *(struct stream *)arg; /* it is gone once the last element has arrived */

	for (int i = 0; i < s.n; i++)
		send_int(s.c, i);
}

static void order_is_kept(int cap)
{
	struct stream s = {.c = chan_of_ints((size_t)cap), .n = 100};

	spawn(send_ascending, &s);
	for (int i = 0; i < s.n; i++)
		CHECK(recv_int(s.c) == i);
	gr_chan_free(s.c);
}

enum { STREAMS = 4 };

/* How often each value came, added up in the end. */
struct histogram {
	gr_chan *c;
	gr_wg *done;
	int n;
	int *counts;
};

static void count_values(void *arg)
{
	struct histogram *h = arg;

	for (int i = 0; i < h->n; i++) {
		int v = recv_int(h->c);

		CHECK(v >= 0 && v < h->n);
		if (v >= 0 && v < h->n)
			h->counts[v]++;
	}
	gr_wg_done(h->done);
}

static void nothing_is_lost(int cap)
{
	struct stream s = {.c = chan_of_ints((size_t)cap), .n = TIMES(1000)};
	struct histogram h[STREAMS];
	gr_wg done = {0};

	gr_wg_add(&done, STREAMS);
	for (int i = 0; i < STREAMS; i++) {
		h[i] = (struct histogram){s.c, &done, s.n, calloc((size_t)s.n, sizeof(int))};
		spawn(send_ascending, &s);
		spawn(count_values, &h[i]);
	}
	gr_wg_wait(&done);
	for (int v = 0; v < s.n; v++) {
		int sum = 0;

		for (int i = 0; i < STREAMS; i++)
			sum += h[i].counts[v];
		CHECK(sum == STREAMS);
	}
	for (int i = 0; i < STREAMS; i++)
		free(h[i].counts);
	gr_chan_free(s.c);
}

/* Catches: a wrong answer of any operation; an operation that passes where it has to block; lost or doubled elements. */
static void go_TestChan(void *arg)
{
	(void)arg;
	for (int cap = 0; cap < TIMES(100); cap += cap < 5 ? 1 : 19) {
		empty_blocks(cap);
		full_blocks(cap);
		close_drains(cap);
		order_is_kept(cap);
		nothing_is_lost(cap);
	}
}

/* ---- TestNonblockRecvRace -------------------------------------------------------------------------- */

static void must_recv_now(void *arg)
{
	struct one_op *o = arg;
	bool closed;

	/* It is full, or closed after having been full: in no moment does a receive have to wait. */
	o->ok = gr_chan_try_recv(o->c, &o->value, &closed) || closed;
	gr_wg_done(&o->done);
}

/* Catches: a non-blocking receive that is refused although an element, then the close, has been there all the time. */
static void go_TestNonblockRecvRace(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES(10000); i++) {
		struct one_op o = {.c = chan_of_ints(1)};

		send_int(o.c, 1);
		gr_wg_add(&o.done, 1);
		spawn(must_recv_now, &o);
		if (i % 3)
			gr_yield();
		gr_chan_close(o.c);
		if (i % 2)
			gr_chan_recv(o.c, &(int){0});
		gr_wg_wait(&o.done);
		CHECK(o.ok);
		gr_chan_free(o.c);
	}
}

/* ---- TestMultiConsumer ----------------------------------------------------------------------------- */

enum { WORKERS = 23 };

struct pool {
	gr_chan *jobs, *results;
	gr_wg workers;
	int n;
};

static void work(void *arg)
{
	struct pool *p = arg;
	int v;

	for (unsigned i = 0; gr_chan_recv(p->jobs, &v); i++) {
		if (i % 7 == 0)
			gr_yield();
		gr_chan_send(p->results, &v);
	}
	gr_wg_done(&p->workers);
}

static void feed(void *arg)
{
	static const int primes[] = {2, 3, 7, 11, 13, 19, 23, 29, 31};
	struct pool *p = arg;

	for (int i = 0; i < p->n; i++)
		send_int(p->jobs, primes[i % 9]);
	gr_chan_close(p->jobs);
	gr_wg_wait(&p->workers);
	gr_chan_close(p->results);
}

/* Catches: elements lost or doubled with many on either side, and workers that a close does not reach (hangs). */
static void go_TestMultiConsumer(void *arg)
{
	struct pool p = {.jobs = chan_of_ints(3), .results = chan_of_ints(5), .n = TIMES(271828) / 9 * 9};
	long n = 0, sum = 0;
	int v;

	(void)arg;
	gr_wg_add(&p.workers, WORKERS);
	for (int i = 0; i < WORKERS; i++)
		spawn(work, &p);
	spawn(feed, &p);
	while (gr_chan_recv(p.results, &v)) {
		n++;
		sum += v;
	}
	CHECK(n == p.n);
	CHECK(sum == (long)p.n / 9 * (2 + 3 + 7 + 11 + 13 + 19 + 23 + 29 + 31));
	gr_chan_free(p.jobs);
	gr_chan_free(p.results);
}

/* ---- TestChanSendBarrier: what a blocked sender sends comes over whole ------------------------------ */

enum { BARRIER_GS = 30 };

struct parcel {
	uint64_t words[5];
	uint64_t *memory; /* made by the sender, freed by the receiver */
};

struct barrier {
	gr_chan *c;
	gr_wg *done;
	int rounds;
};

/* Each blocks in a send of an element on its own stack, and ends at once after it. */
static void send_parcels(void *arg)
{
	struct barrier *b = arg;

	for (int i = 0; i < b->rounds; i++) {
		struct parcel p = {.memory = malloc(sizeof(uint64_t))};

		*p.memory = (uint64_t)(uintptr_t)p.memory;
		for (size_t k = 0; k < 5; k++)
			p.words[k] = *p.memory + k;
		gr_chan_send(b->c, &p);
		memset(&p, 0xee, sizeof(p)); /* the element has been copied by now */
	}
	gr_wg_done(b->done);
}

/* Catches: an element that is read from the sender's stack after the sender goes on, or before it is complete. */
static void go_TestChanSendBarrier(void *arg)
{
	(void)arg;
	for (size_t cap = 0; cap <= 2; cap++) {
		gr_wg done = {0};
		struct barrier b = {chan_of(sizeof(struct parcel), cap), &done, TIMES(300)};

		gr_wg_add(&done, BARRIER_GS);
		for (int i = 0; i < BARRIER_GS; i++)
			spawn(send_parcels, &b);
		for (int i = 0; i < BARRIER_GS * b.rounds; i++) {
			struct parcel p = {.memory = NULL};
			uint64_t is;

			CHECK(gr_chan_recv(b.c, &p));
			is = (uint64_t)(uintptr_t)p.memory;
			CHECK(is && *p.memory == is);
			for (size_t k = 0; k < 5; k++)
				CHECK(p.words[k] == is + k);
			free(p.memory);
		}
		gr_wg_wait(&done);
		gr_chan_free(b.c);
	}
}

/* ---- test/chan/fifo -------------------------------------------------------------------------------- */

struct link {
	gr_chan *in, *out, *values;
	int id;
};

static void take_in_turn(void *arg)
{
	struct link *l = arg;

	CHECK(recv_int(l->in) == l->id);
	CHECK(recv_int(l->values) == l->id);
	send_int(l->out, l->id + 1);
}

static void recv_own_id(void *arg)
{
	struct link *l = arg;

	CHECK(recv_int(l->in) == l->id);
	send_int(l->out, l->id);
}

/* Receivers that wait on one channel are served in the order in which they came. */
static void waiters_are_served_in_order(void)
{
	static const char *const names[] = {"waiter a", "waiter b", "waiter c", "waiter d", "waiter e"};
	enum { N = 5 };
	gr_chan *c = chan_of_ints(0), *out = chan_of_ints(N);
	struct link links[N];

	for (int i = 0; i < N; i++) {
		links[i] = (struct link){c, out, NULL, i};
		CHECK(gr_go_named(names[i], recv_own_id, &links[i]) == 0);
		await_blocked(names[i]);
	}
	for (int i = 0; i < N; i++)
		send_int(c, i);
	for (int i = 0; i < N; i++)
		CHECK(recv_int(out) >= 0);
	gr_chan_free(c);
	gr_chan_free(out);
}

/* Catches: elements or waiters that overtake each other, buffered or handed from one to the other. */
static void go_chan_fifo(void *arg)
{
	enum { N = 10 };
	struct link links[N];
	gr_chan *buffered = chan_of_ints(N), *values = chan_of_ints(0), *turns[N + 1];

	(void)arg;
	for (int i = 0; i < N; i++)
		send_int(buffered, i);
	for (int i = 0; i < N; i++)
		CHECK(recv_int(buffered) == i);
	for (int i = 0; i <= N; i++)
		turns[i] = chan_of_ints(0);
	for (int i = 0; i < N; i++) {
		links[i] = (struct link){turns[i], turns[i + 1], values, i};
		spawn(take_in_turn, &links[i]);
	}
	send_int(turns[0], 0);
	for (int i = 0; i < N; i++)
		send_int(values, i);
	CHECK(recv_int(turns[N]) == N);
	for (int i = 0; i <= N; i++)
		gr_chan_free(turns[i]);
	gr_chan_free(values);
	gr_chan_free(buffered);
	waiters_are_served_in_order();
}

/* ---- test/chan/goroutines: a daisy chain of ten thousand ------------------------------------------- */

static void add_one(void *arg)
{
	struct link *l = arg;

	send_int(l->out, recv_int(l->in) + 1);
}

/* Catches: a wake-up lost among many sleepers (hangs), and Gs or stacks that cannot be had in such numbers. */
static void go_chan_goroutines(void *arg)
{
	const int n = GS(10000);
	struct link *links = calloc((size_t)n, sizeof(*links));
	gr_chan *leftmost = chan_of_ints(0), *left = leftmost;

	(void)arg;
	for (int i = 0; i < n; i++) {
		links[i] = (struct link){chan_of_ints(0), left, NULL, i};
		spawn(add_one, &links[i]);
		left = links[i].in;
	}
	send_int(left, 0);
	CHECK(recv_int(leftmost) == n);
	await_gs(1); /* who has passed it on may still look at its channels */
	for (int i = 0; i < n; i++)
		gr_chan_free(links[i].in);
	gr_chan_free(leftmost);
	free(links);
}

/* ---- test/chan/nonblock ----------------------------------------------------------------------------- */

static void recv_and_pass(void *arg)
{
	struct stream *s = arg;

	send_int(s->results, recv_int(s->c));
}

static void send_seven(void *arg)
{
	send_int(((struct stream *)arg)->c, 7);
}

static void nonblock_with(size_t cap)
{
	struct stream s = {chan_of_ints(cap), chan_of_ints(1), 0};
	bool closed;
	int v = 3;

	/* Nobody there: refused, but what fits in the buffer. */
	CHECK(!gr_chan_try_recv(s.c, &v, &closed) && !closed && v == 3);
	CHECK(gr_chan_try_send(s.c, &v) == (cap > 0));
	if (cap > 0) {
		CHECK(!gr_chan_try_send(s.c, &v));
		CHECK(gr_chan_try_recv(s.c, &v, NULL) && v == 3);
	}
	/* A receiver that waits: sooner or later a send goes through, and exactly one. */
	spawn(recv_and_pass, &s);
	v = 5;
	while (!gr_chan_try_send(s.c, &v))
		gr_yield();
	CHECK(recv_int(s.results) == 5);
	CHECK(!gr_chan_try_recv(s.results, &v, NULL));
	/* A sender that waits: the same for a receive. */
	spawn(send_seven, &s);
	while (!gr_chan_try_recv(s.c, &v, NULL))
		gr_yield();
	CHECK(v == 7);
	await_gs(1);
	CHECK(!gr_chan_try_recv(s.c, &v, NULL));
	gr_chan_free(s.c);
	gr_chan_free(s.results);
}

/* Catches: a non-blocking operation that blocks, that passes without a partner, or that never meets one (hangs). */
static void go_chan_nonblock(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20; i++) {
		nonblock_with(0);
		nonblock_with(1);
	}
}

/* ---- test/chan/perm: the rules that are checked at run time ------------------------------------------ */

/* Catches: limits that are not checked, nil channels that are touched, a length that is wrong after a close. */
static void go_chan_perm(void *arg)
{
	gr_chan *c = NULL;
	bool closed = true;
	int v = 1;

	(void)arg;
	CHECK(gr_chan_new(64 * 1024, 1, &c) == -EINVAL);
	CHECK(gr_chan_new(64 * 1024 - 1, 1, &c) == 0);
	gr_chan_free(c);
	CHECK(gr_chan_new(1024, SIZE_MAX / 512, &c) != 0); /* more than there is, and more than a size can say */
	CHECK(!gr_chan_try_send(NULL, &v));
	CHECK(!gr_chan_try_recv(NULL, &v, &closed) && !closed && v == 1);
	CHECK(gr_chan_len(NULL) == 0);
	gr_chan_free(NULL);
	c = chan_of_ints(2);
	send_int(c, 1);
	gr_chan_close(c);
	CHECK(gr_chan_len(c) == 1);
	CHECK(recv_int(c) == 1 && recv_int(c) == -1);
	CHECK(gr_chan_len(c) == 0);
	gr_chan_free(c);
}

/* ---- test/chancap, test/chan/zerosize ---------------------------------------------------------------- */

/* Catches: a length that is not the number of elements in the buffer, at any fill level and after the ring has wrapped. */
static void go_chancap(void *arg)
{
	(void)arg;
	for (size_t cap = 0; cap < 20; cap++) {
		gr_chan *c = chan_of_ints(cap);

		for (int turn = 0; turn < 3; turn++) {
			for (size_t i = 0; i < cap; i++) {
				CHECK(gr_chan_len(c) == i);
				CHECK(gr_chan_try_send(c, &turn));
			}
			CHECK(gr_chan_len(c) == cap);
			CHECK(!gr_chan_try_send(c, &turn));
			for (size_t i = cap; i > (size_t)turn % 2; i--)
				CHECK(gr_chan_try_recv(c, &(int){0}, NULL));
			while (gr_chan_try_recv(c, &(int){0}, NULL))
				;
		}
		CHECK(gr_chan_len(c) == 0);
		gr_chan_free(c);
	}
}

struct signals {
	gr_chan *c;
	int n;
};

static void send_signals(void *arg)
{
	struct signals *s = arg;

	for (int i = 0; i < s->n; i++)
		gr_chan_send(s->c, NULL);
	gr_chan_close(s->c);
}

/* Catches: elements of no size that are not counted, or for which memory is touched. */
static void go_chan_zerosize(void *arg)
{
	(void)arg;
	for (size_t cap = 0; cap < 4; cap++) {
		struct signals s = {chan_of(0, cap), 100};
		int n = 0;

		spawn(send_signals, &s);
		while (gr_chan_recv(s.c, NULL))
			n++;
		CHECK(n == s.n);
		gr_chan_free(s.c);
	}
}

/* ---- test/closedchan: what a closed channel answers, to every way of asking ------------------------- */

static bool ask_recv(gr_chan *c, int *v)
{
	return gr_chan_recv(c, v);
}

static bool ask_try_recv(gr_chan *c, int *v)
{
	bool closed, ok = gr_chan_try_recv(c, v, &closed);

	CHECK(ok || closed);
	return ok;
}

static bool ask_select(gr_chan *c, int *v)
{
	gr_case one[1];

	gr_case_recv(&one[0], c, v);
	CHECK(gr_select(one, 1) == 0);
	return one[0].ok;
}

static bool ask_select_try(gr_chan *c, int *v)
{
	gr_case one[1];

	gr_case_recv(&one[0], c, v);
	CHECK(gr_select_try(one, 1) == 0);
	return one[0].ok;
}

/* A second channel that is never ready makes a select take its general way. */
static bool ask_select_two(gr_chan *c, int *v)
{
	gr_chan *never = chan_of_ints(0);
	gr_case two[2];
	int other;

	gr_case_recv(&two[0], never, &other);
	gr_case_recv(&two[1], c, v);
	CHECK(gr_select(two, 2) == 1);
	gr_chan_free(never);
	return two[1].ok;
}

/* Catches: a way of receiving that sees something else than the others: blocks (hangs), or gives no zero. */
static void go_closedchan(void *arg)
{
	static bool (*const asks[])(gr_chan *, int *) = {ask_recv, ask_try_recv, ask_select, ask_select_try,
							 ask_select_two};

	(void)arg;
	for (size_t cap = 0; cap < 3; cap++) {
		for (size_t a = 0; a < 5; a++) {
			gr_chan *c = chan_of_ints(cap);
			int v;

			for (size_t i = 0; i < cap; i++)
				send_int(c, 100 + (int)i);
			gr_chan_close(c);
			for (size_t i = 0; i < cap; i++)
				CHECK(asks[a](c, &v) && v == 100 + (int)i);
			for (int i = 0; i < 5; i++) {
				v = -1;
				CHECK(!asks[a](c, &v) && v == 0);
			}
			gr_chan_free(c);
		}
	}
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		EACH(go_TestChan),
		EACH(go_TestNonblockRecvRace),
		EACH(go_TestMultiConsumer),
		EACH(go_TestChanSendBarrier),
		EACH(go_chan_fifo),
		EACH(go_chan_goroutines),
		EACH(go_chan_nonblock),
		ON(1, go_chan_perm),
		ON(1, go_chancap),
		EACH(go_chan_zerosize),
		EACH(go_closedchan),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/go_chan", tests, NULL, NULL);
}
