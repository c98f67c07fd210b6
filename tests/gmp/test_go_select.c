/*
 * Select, paired with Go's chan_test.go and test/chan. What the names mean, and what has no pair: go_test.h.
 */
#include "go_test.h"

/* ---- TestNonblockSelectRace, TestNonblockSelectRace2 ------------------------------------------------- */

struct look {
	gr_chan *full, *closing, *done;
};

/* At any moment one of the two is ready: first `full` has its element, and `closing` is closed before that is taken. */
static void look_at_both(void *arg)
{
	struct look *l = arg;
	gr_case two[2];
	int v, w, ok;

	gr_case_recv(&two[0], l->full, &v);
	gr_case_recv(&two[1], l->closing, &w);
	ok = gr_select_try(two, 2) >= 0;
	send_int(l->done, ok);
}

static void race_looks(bool closes)
{
	for (int i = 0; i < TIMES(20000); i++) {
		struct look l = {chan_of_ints(1), chan_of_ints(1), chan_of_ints(1)};

		send_int(l.full, 1);
		spawn(look_at_both, &l);
		if (i % 3)
			gr_yield();
		if (closes)
			gr_chan_close(l.closing);
		else
			send_int(l.closing, 1);
		gr_chan_try_recv(l.full, &(int){0}, NULL);
		CHECK(recv_int(l.done) == 1);
		gr_chan_free(l.full);
		gr_chan_free(l.closing);
		gr_chan_free(l.done);
	}
}

/* Catches: a non-blocking select that looks at one channel after the other and sees neither as ready. */
static void go_TestNonblockSelectRace(void *arg)
{
	(void)arg;
	race_looks(false);
}

static void go_TestNonblockSelectRace2(void *arg)
{
	(void)arg;
	race_looks(true);
}

/* ---- TestSelfSelect: send and receive of one channel in one select ------------------------------------ */

struct self {
	gr_chan *c;
	gr_wg done;
	bool is_buffered;
	int rounds;
	_Atomic int sent, received;
};

struct self_one {
	struct self *s;
	int id;
};

static void select_both_ways(void *arg)
{
	struct self_one *o = arg;
	struct self *s = o->s;
	gr_case two[2];

	for (int i = 0; i < s->rounds; i++) {
		const int send_at = (o->id + i) % 2;
		int v = -1;

		gr_case_send(&two[send_at], s->c, &o->id);
		gr_case_recv(&two[!send_at], s->c, &v);
		if (gr_select(two, 2) == send_at) {
			atomic_fetch_add(&s->sent, 1);
			CHECK(v == -1);
			continue;
		}
		atomic_fetch_add(&s->received, 1);
		/* Without a buffer it comes from the other: a select never meets itself. */
		CHECK(s->is_buffered ? v == 0 || v == 1 : v == !o->id);
	}
	gr_wg_done(&s->done);
}

/*
 * Catches: a select that is its own partner, and one that waits although it could exchange with the other (hangs). Without
 * a buffer each exchange is a round of both, so they end together.
 */
static void go_TestSelfSelect(void *arg)
{
	(void)arg;
	for (size_t cap = 0; cap <= 10; cap += 5) {
		struct self s = {.c = chan_of_ints(cap), .is_buffered = cap > 0, .rounds = TIMES(20000)};
		struct self_one ones[2] = {{&s, 0}, {&s, 1}};

		gr_wg_add(&s.done, 2);
		for (int i = 0; i < 2; i++)
			spawn(select_both_ways, &ones[i]);
		gr_wg_wait(&s.done);
		CHECK(atomic_load(&s.sent) + atomic_load(&s.received) == 2 * s.rounds);
		CHECK(atomic_load(&s.sent) - atomic_load(&s.received) == (int)gr_chan_len(s.c));
		gr_chan_free(s.c);
	}
}

/* ---- TestSelectStress: four channels, plain operations and selects mixed ------------------------------- */

struct stress {
	gr_chan *c[4];
	gr_wg done;
	int n;
};

struct stress_one {
	struct stress *s;
	int channel;
};

static void stress_send(void *arg)
{
	struct stress_one *o = arg;

	for (int i = 0; i < o->s->n; i++) {
		send_int(o->s->c[o->channel], i);
		if (i % 1000 == 0)
			gr_yield();
	}
	gr_wg_done(&o->s->done);
}

static void stress_recv(void *arg)
{
	struct stress_one *o = arg;

	for (int i = 0; i < o->s->n; i++)
		CHECK(recv_int(o->s->c[o->channel]) >= 0);
	gr_wg_done(&o->s->done);
}

/* n operations on each of the four; a channel that has had its n takes part no more. */
static void stress_select(struct stress *s, bool sends)
{
	int counts[4] = {0}, values[4] = {-1, -1, -1, -1};
	gr_case four[4];

	for (int k = 0; k < 4; k++) {
		if (sends)
			gr_case_send(&four[k], s->c[k], &counts[k]);
		else
			gr_case_recv(&four[k], s->c[k], &values[k]);
	}
	for (int i = 0; i < 4 * s->n; i++) {
		int k = gr_select(four, 4);

		if (!sends) {
			CHECK(four[k].ok && values[k] >= 0);
			values[k] = -1;
		}
		if (++counts[k] == s->n)
			four[k].chan = NULL;
	}
	for (int k = 0; k < 4; k++)
		CHECK(counts[k] == s->n);
	gr_wg_done(&s->done);
}

static void stress_select_send(void *arg)
{
	stress_select(arg, true);
}

static void stress_select_recv(void *arg)
{
	stress_select(arg, false);
}

/* Catches: elements lost or doubled between plain operations and selects, and wake-ups that get lost (hangs). */
static void go_TestSelectStress(void *arg)
{
	struct stress s = {.c = {chan_of_ints(0), chan_of_ints(0), chan_of_ints(2), chan_of_ints(3)},
			   .n = TIMES(20000)};
	struct stress_one ones[4];

	(void)arg;
	gr_wg_add(&s.done, 10);
	for (int k = 0; k < 4; k++) {
		ones[k] = (struct stress_one){&s, k};
		spawn(stress_send, &ones[k]);
		spawn(stress_recv, &ones[k]);
	}
	spawn(stress_select_send, &s);
	spawn(stress_select_recv, &s);
	gr_wg_wait(&s.done);
	for (int k = 0; k < 4; k++) {
		CHECK(gr_chan_len(s.c[k]) == 0);
		gr_chan_free(s.c[k]);
	}
}

/* ---- TestSelectFairness -------------------------------------------------------------------------------- */

/* |2k - n| for n throws of a coin is above 10 standard deviations, sqrt(n) each, in one of 10^23 runs. */
static bool is_fair(long k, long n)
{
	const double distance = 2.0 * (double)k - (double)n;

	return distance * distance <= 100.0 * (double)n;
}

/* Catches: a choice among ready cases that prefers one, by its place or by the order of the channels. */
static void go_TestSelectFairness(void *arg)
{
	const long n = TIMES(20000);
	gr_chan *c1 = chan_of_ints((size_t)n), *c2 = chan_of_ints((size_t)n);
	long first = 0;
	gr_case two[2];
	int v = 1;

	(void)arg;
	gr_case_send(&two[0], c1, &v);
	gr_case_send(&two[1], c2, &v);
	for (long i = 0; i < n; i++)
		first += gr_select(two, 2) == 0;
	CHECK(is_fair(first, n));
	CHECK(gr_chan_len(c1) == (size_t)first && gr_chan_len(c2) == (size_t)(n - first));
	while (gr_chan_try_send(c1, &v))
		;
	while (gr_chan_try_send(c2, &v))
		;
	gr_case_recv(&two[0], c1, &v);
	gr_case_recv(&two[1], c2, &v);
	first = 0;
	for (long i = 0; i < n; i++)
		first += gr_select(two, 2) == 0;
	CHECK(is_fair(first, n));
	CHECK(gr_chan_len(c1) == (size_t)(n - first) && gr_chan_len(c2) == (size_t)first);
	gr_chan_free(c1);
	gr_chan_free(c2);
}

/* ---- TestPseudoRandomSend ------------------------------------------------------------------------------ */

struct bits {
	gr_chan *c, *done;
	int n;
};

static void count_bits(void *arg)
{
	struct bits *b = arg;
	int n = b->n, ones = 0;
	gr_chan *c = b->c, *done = b->done;

	for (int i = 0; i < n; i++) {
		gr_yield();
		ones += recv_int(c);
	}
	send_int(done, ones);
}

/* Catches: two sends on one channel of which always, or mostly, the same one is done; at once and after waiting. */
static void go_TestPseudoRandomSend(void *arg)
{
	(void)arg;
	for (size_t cap = 0; cap <= 10000; cap += 10000) {
		struct bits b = {chan_of_ints(cap), chan_of_ints(0), TIMES(10000)};
		const int zero = 0, one = 1;
		gr_case two[2];
		int ones;

		spawn(count_bits, &b);
		gr_case_send(&two[0], b.c, &zero);
		gr_case_send(&two[1], b.c, &one);
		for (int i = 0; i < b.n; i++)
			gr_select(two, 2);
		ones = recv_int(b.done);
		CHECK(is_fair(ones, b.n));
		gr_chan_free(b.c);
		gr_chan_free(b.done);
	}
}

/* ---- TestSelectDuplicateChannel ------------------------------------------------------------------------- */

struct dup {
	gr_chan *c, *d;
	_Atomic int waiting;
	gr_wg done;
};

static void wait_twice_on_c(void *arg)
{
	struct dup *x = arg;
	gr_case three[3];
	int v;

	gr_case_recv(&three[0], x->c, &v);
	gr_case_recv(&three[1], x->c, &v);
	gr_case_recv(&three[2], x->d, &v);
	atomic_fetch_add(&x->waiting, 1);
	CHECK(gr_select(three, 3) == 2);
	gr_wg_done(&x->done);
}

static void wait_on_c(void *arg)
{
	struct dup *x = arg;

	atomic_fetch_add(&x->waiting, 1);
	CHECK(recv_int(x->c) == 7);
	gr_wg_done(&x->done);
}

/*
 * Catches: of a channel that is named twice only one entry is taken out of the line when the select is over: then the
 * send below reaches a select that has ended, and who waits behind it never gets anything (hangs).
 */
static void go_TestSelectDuplicateChannel(void *arg)
{
	(void)arg;
	for (int i = 0; i < 100; i++) {
		struct dup x = {.c = chan_of_ints(0), .d = chan_of_ints(0)};

		gr_wg_add(&x.done, 2);
		spawn(wait_twice_on_c, &x);
		await_int(&x.waiting, 1);
		let_others_run();
		spawn(wait_on_c, &x);
		await_int(&x.waiting, 2);
		let_others_run();
		send_int(x.d, 1); /* ends the select */
		send_int(x.c, 7);
		gr_wg_wait(&x.done);
		gr_chan_free(x.c);
		gr_chan_free(x.d);
	}
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		EACH(go_TestNonblockSelectRace),
		EACH(go_TestNonblockSelectRace2),
		EACH(go_TestSelfSelect),
		EACH(go_TestSelectStress),
		ON(1, go_TestSelectFairness),
		ON(2, go_TestSelectFairness),
		EACH(go_TestPseudoRandomSend),
		EACH(go_TestSelectDuplicateChannel),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/go_select", tests, NULL, NULL);
}
