/*
 * Select. Each case names the Go test or script that it mirrors in behaviour, where there is one.
 */
#include "sync_test.h"

#include <errno.h>
#include <time.h>

#include "chan.h"

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

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void yield_often(void)
{
	for (int i = 0; i < 50; i++)
		gr_yield();
}

/* ---- the rules (select3: which operations block, and what the others do) ----------------------------- */

static void rules_without_blocking(void *arg)
{
	gr_chan *empty = chan_of_ints(1), *full = chan_of_ints(1), *meet = chan_of_ints(0), *closed = chan_of_ints(1);
	gr_case cases[3];
	int v = 7, w = 8;

	(void)arg;
	send_int(full, 1);
	send_int(closed, 2);
	gr_chan_close(closed);

	/* nothing can be done */
	gr_case_recv(&cases[0], empty, &v);
	gr_case_send(&cases[1], full, &w);
	gr_case_recv(&cases[2], NULL, &v);
	CHECK(gr_select_try(cases, 3) == -EAGAIN && v == 7);
	gr_case_send(&cases[2], meet, &w);
	CHECK(gr_select_try(cases, 3) == -EAGAIN);
	gr_case_send(&cases[2], NULL, &w);
	CHECK(gr_select_timeout(cases, 3, 0) == -ETIMEDOUT);
	CHECK(gr_select_try(cases, 0) == -EAGAIN);

	/* exactly one can */
	gr_case_recv(&cases[2], full, &v);
	CHECK(gr_select(cases, 3) == 2 && v == 1 && cases[2].ok && gr_chan_len(full) == 0);
	CHECK(gr_select(cases, 2) == 1 && gr_chan_len(full) == 1);
	gr_case_recv(&cases[1], closed, &v);
	CHECK(gr_select(cases, 2) == 1 && v == 2 && cases[1].ok);
	CHECK(gr_select(cases, 2) == 1 && v == 0 && !cases[1].ok); /* drained: zero, and again */
	v = 9;
	CHECK(gr_select_try(cases, 2) == 1 && v == 0 && !cases[1].ok);
	gr_chan_free(empty);
	gr_chan_free(full);
	gr_chan_free(meet);
	gr_chan_free(closed);
}

struct one {
	gr_case cases[3];
	int values[3];
	_Atomic int result; /* -1: still waiting */
	gr_wg done;
};

static void select_once(void *arg)
{
	struct one *o = arg;

	atomic_store(&o->result, gr_select(o->cases, 3));
	gr_wg_done(&o->done);
}

static bool is_waited_on(const gr_case *c)
{
	return c->chan && load_relaxed(c->is_send ? &c->chan->sendq.first : &c->chan->recvq.first);
}

/* Start a select that has to wait, and be sure that it does. Nobody waits on its first case's channel before. */
static void start_one(struct one *o)
{
	atomic_store(&o->result, -1);
	gr_wg_add(&o->done, 1);
	gr_go(select_once, o);
	while (!is_waited_on(&o->cases[0]))
		gr_yield();
	yield_often();
	CHECK(atomic_load(&o->result) == -1);
}

/* Blocks until somebody comes to any of its channels; then that case is done, and it is in no other list any more. */
static void waits_for_any(void *arg)
{
	gr_chan *a = chan_of_ints(0), *b = chan_of_ints(2), *c = chan_of_ints(0);
	struct one o = {.result = 0};
	const int five = 5;
	int v = -1;

	(void)arg;
	gr_case_recv(&o.cases[0], a, &o.values[0]);
	gr_case_recv(&o.cases[1], b, &o.values[1]);
	gr_case_send(&o.cases[2], c, &five);
	for (int round = 0; round < 20; round++) {
		start_one(&o);
		send_int(a, 10 + round);
		gr_wg_wait(&o.done);
		CHECK(o.result == 0 && o.values[0] == 10 + round && o.cases[0].ok);
		CHECK(!gr_chan_try_send(a, &five) && !gr_chan_try_recv(c, &v, NULL));

		start_one(&o);
		send_int(b, 20 + round);
		gr_wg_wait(&o.done);
		CHECK(o.result == 1 && o.values[1] == 20 + round && gr_chan_len(b) == 0);

		start_one(&o);
		CHECK(gr_chan_recv(c, &v) && v == 5);
		gr_wg_wait(&o.done);
		CHECK(o.result == 2 && o.cases[2].ok);
		CHECK(!gr_chan_try_recv(c, &v, NULL));
	}
	start_one(&o);
	gr_chan_close(b);
	gr_wg_wait(&o.done);
	CHECK(o.result == 1 && !o.cases[1].ok && o.values[1] == 0);
	gr_chan_free(a);
	gr_chan_free(b);
	gr_chan_free(c);
}

static void wait_on(void *arg)
{
	gr_case c;
	int v;

	(void)arg;
	gr_case_recv(&c, NULL, &v);
	gr_select(&c, arg ? 1 : 0);
	CHECK(!"a select without channels has returned");
}

/* Whether a dump says of two Gs that they wait for no case. */
static bool two_are_said_to_wait(void)
{
	char said[2048] = "";
	const char *first;
	int fds[2];

	if (pipe(fds) != 0)
		abort();
	gr_dump(fds[1]);
	if (read(fds[0], said, sizeof(said) - 1) <= 0)
		abort();
	close(fds[0]);
	close(fds[1]);
	first = strstr(said, "[select (no cases)");
	return first && strstr(first + 1, "[select (no cases)");
}

/* `select {}`, and one with nil channels only: forever, and dumps say so. */
static void without_channels(void *arg)
{
	int tries = 0, something;

	(void)arg;
	gr_go(wait_on, NULL);
	gr_go(wait_on, &something);
	while (!two_are_said_to_wait() && tries++ < 5000)
		gr_sleep_ns(1000000);
	CHECK(tries < 5000);
}

/* ---- SelfSelect: sends and receives the same channel, in one select ------------------------------------ */

struct self {
	gr_chan *c;
	gr_wg done;
	int cap;
	_Atomic int sent, received;
};

struct self_g {
	struct self *s;
	int id;
};

static void self_select(void *arg)
{
	struct self_g *g = arg;
	gr_case cases[2];
	int mine = g->id, got = -1;

	for (int i = 0; i < TIMES(20000); i++) {
		bool swap = i & 1;

		gr_case_send(&cases[swap], g->s->c, &mine);
		gr_case_recv(&cases[!swap], g->s->c, &got);
		if (gr_select(cases, 2) == swap) {
			atomic_fetch_add(&g->s->sent, 1);
		} else {
			atomic_fetch_add(&g->s->received, 1);
			CHECK(g->s->cap > 0 || got != mine); /* never from itself */
		}
	}
	gr_wg_done(&g->s->done);
}

static void drain(void *arg)
{
	struct self *s = arg;
	int v;

	while (gr_chan_recv(s->c, &v))
		atomic_fetch_add(&s->received, 1);
	gr_wg_done(&s->done);
}

/* Two of them, and one who helps out the last; with capacity 0 they meet each other, never themselves. */
static void self_selects(void *arg)
{
	(void)arg;
	for (int cap = 0; cap <= 10; cap += 5) {
		struct self s = {.c = chan_of_ints((size_t)cap), .cap = cap};
		struct self_g g[2] = {{&s, 0}, {&s, 1}};

		gr_wg_add(&s.done, 2);
		gr_go(self_select, &g[0]);
		gr_go(self_select, &g[1]);
		if (cap == 0) {
			/* With the other gone, the last one is alone with itself: it must wait, and is helped out. */
			int v, left = 0;

			for (unsigned i = 1; atomic_load(&s.sent) + atomic_load(&s.received) < 2 * TIMES(20000); i++) {
				if (i % 64 == 0 && gr_chan_try_recv(s.c, &v, NULL))
					left++;
				gr_yield();
			}
			gr_wg_wait(&s.done);
			CHECK(s.sent == s.received + left);
		} else {
			gr_wg_wait(&s.done);
			CHECK(s.sent == s.received + (int)gr_chan_len(s.c));
			gr_wg_add(&s.done, 1);
			gr_chan_close(s.c);
			gr_go(drain, &s);
			gr_wg_wait(&s.done);
			CHECK(s.sent == s.received);
		}
		gr_chan_free(s.c);
	}
}

/* A close serves the receive case of such a select, which lives, and not the send case. */
static void close_meets_both_directions(void *arg)
{
	struct one o = {.result = 0};
	gr_chan *c = chan_of_ints(0);
	const int v = 1;

	(void)arg;
	gr_case_send(&o.cases[0], c, &v);
	gr_case_recv(&o.cases[1], c, &o.values[1]);
	gr_case_send(&o.cases[2], c, &v);
	start_one(&o);
	gr_chan_close(c);
	gr_wg_wait(&o.done);
	CHECK(o.result == 1 && !o.cases[1].ok);
	gr_chan_free(c);
}

/* ---- SelectStress: four channels, plain operations and selects mixed ---------------------------------- */

enum { STRESS_CHANS = 4 };

struct stress {
	gr_chan *c[STRESS_CHANS];
	gr_wg done;
	int n;
	_Atomic uint64_t sum;
};

struct stress_g {
	struct stress *s;
	int i;
};

static void stress_send(void *arg)
{
	struct stress_g *g = arg;

	for (int i = 0; i < g->s->n; i++)
		send_int(g->s->c[g->i], i);
	gr_wg_done(&g->s->done);
}

static void stress_recv(void *arg)
{
	struct stress_g *g = arg;
	uint64_t sum = 0;
	int v;

	for (int i = 0; i < g->s->n; i++) {
		CHECK(gr_chan_recv(g->s->c[g->i], &v));
		sum += (uint64_t)v;
	}
	atomic_fetch_add(&g->s->sum, sum);
	gr_wg_done(&g->s->done);
}

static void stress_select(struct stress *s, bool sends)
{
	gr_case cases[STRESS_CHANS];
	int values[STRESS_CHANS] = {0}, left[STRESS_CHANS];
	uint64_t sum = 0;

	for (int k = 0; k < STRESS_CHANS; k++) {
		left[k] = s->n;
		if (sends)
			gr_case_send(&cases[k], s->c[k], &values[k]);
		else
			gr_case_recv(&cases[k], s->c[k], &values[k]);
	}
	for (int i = 0; i < STRESS_CHANS * s->n; i++) {
		int k = gr_select(cases, STRESS_CHANS);

		CHECK(cases[k].ok);
		if (sends)
			values[k]++;
		else
			sum += (uint64_t)values[k];
		if (--left[k] == 0)
			cases[k].chan = NULL;
	}
	atomic_fetch_add(&s->sum, sum);
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

static void select_stress(void *arg)
{
	static const size_t caps[STRESS_CHANS] = {0, 2, 3, 0};
	struct stress s = {.n = TIMES(50000)};
	struct stress_g g[STRESS_CHANS];

	(void)arg;
	for (int k = 0; k < STRESS_CHANS; k++)
		s.c[k] = chan_of_ints(caps[k]);
	gr_wg_add(&s.done, 2 * STRESS_CHANS + 2);
	for (int k = 0; k < STRESS_CHANS; k++) {
		g[k] = (struct stress_g){&s, k};
		gr_go(stress_send, &g[k]);
		gr_go(stress_recv, &g[k]);
	}
	gr_go(stress_select_send, &s);
	gr_go(stress_select_recv, &s);
	gr_wg_wait(&s.done);
	/* everything that was sent: each value from 0 up to n, twice on each channel */
	CHECK(s.sum == (uint64_t)STRESS_CHANS * (uint64_t)s.n * (uint64_t)(s.n - 1));
	for (int k = 0; k < STRESS_CHANS; k++) {
		CHECK(gr_chan_len(s.c[k]) == 0);
		gr_chan_free(s.c[k]);
	}
}

/* ---- SelectFairness, PseudoRandomSend, SelectDuplicateChannel ---------------------------------------- */

/* Of three cases that are always ready, each is chosen a third of the times: within 10 sigma. */
static void fairness(void *arg)
{
	enum { N = 9000 };
	gr_chan *c = chan_of_ints(1);
	gr_case cases[4];
	int counts[4] = {0}, v;

	(void)arg;
	gr_chan_close(c);
	for (int k = 0; k < 4; k++)
		gr_case_recv(&cases[k], k == 1 ? NULL : c, &v);
	for (int i = 0; i < N; i++)
		counts[gr_select(cases, 4)]++;
	CHECK(counts[1] == 0);
	for (int k = 0; k < 4; k++) /* sigma: 45 */
		CHECK(k == 1 || (counts[k] > N / 3 - 450 && counts[k] < N / 3 + 450));
	gr_chan_free(c);
}

struct random_send {
	gr_chan *c;
	gr_wg done;
	int n, ones;
};

static void count_ones(void *arg)
{
	struct random_send *r = arg;
	int v;

	while (gr_chan_recv(r->c, &v)) {
		r->ones += v;
		gr_yield();
	}
	gr_wg_done(&r->done);
}

/* A select that sends 0 or 1 on one channel sends both. */
static void pseudo_random_send(void *arg)
{
	enum { N = 1000 };
	const int zero = 0, one = 1;

	(void)arg;
	for (size_t cap = 0; cap < 3; cap++) {
		struct random_send r = {.c = chan_of_ints(cap)};
		gr_case cases[2];

		gr_wg_add(&r.done, 1);
		gr_go(count_ones, &r);
		gr_case_send(&cases[0], r.c, &zero);
		gr_case_send(&cases[1], r.c, &one);
		for (int i = 0; i < N; i++) {
			gr_yield();
			gr_select(cases, 2);
		}
		gr_chan_close(r.c);
		gr_wg_wait(&r.done);
		CHECK(r.ones > N / 10 && r.ones < N - N / 10);
		gr_chan_free(r.c);
	}
}

/* The same channel twice in each of two selects that wait: each is served once, and nothing is left in the lists. */
static void duplicate_channel(void *arg)
{
	gr_chan *c = chan_of_ints(0), *own[2] = {chan_of_ints(0), chan_of_ints(0)};
	struct one o[2] = {{.result = 0}, {.result = 0}};
	int chosen[3] = {0};

	(void)arg;
	for (int i = 0; i < 2; i++) {
		gr_case_recv(&o[i].cases[0], own[i], &o[i].values[0]);
		gr_case_recv(&o[i].cases[1], c, &o[i].values[1]);
		gr_case_recv(&o[i].cases[2], c, &o[i].values[2]);
		start_one(&o[i]);
	}
	send_int(own[0], 3);
	gr_wg_wait(&o[0].done);
	CHECK(o[0].result == 0 && o[0].values[0] == 3);
	send_int(c, 4);
	gr_wg_wait(&o[1].done);
	CHECK(o[1].result > 0 && o[1].values[o[1].result] == 4);
	CHECK(!gr_chan_try_send(c, &(int){1}) && !gr_chan_try_send(own[1], &(int){1}));
	/* Which of a channel's two cases it is, is left to chance: once in 2^99 runs it is the same one each time. */
	for (int i = 0; i < 100; i++) {
		start_one(&o[0]);
		send_int(c, 5);
		gr_wg_wait(&o[0].done);
		chosen[o[0].result]++;
	}
	CHECK(chosen[0] == 0 && chosen[1] > 0 && chosen[2] > 0);
	gr_chan_free(c);
	gr_chan_free(own[0]);
	gr_chan_free(own[1]);
}

/* ---- NonblockSelectRace, NonblockSelectRace2 ---------------------------------------------------------- */

struct race {
	gr_chan *c1, *c2; /* of this round */
	gr_wg done;
	int rounds;
	_Atomic int round, looked; /* rounds that have been started, ended */
	_Atomic int found;
};

/* A short time that is different in each round, so that the two meet at every step. */
static void dawdle(int round, int step)
{
	for (volatile int i = 0; i < (round * step) % 41; i++)
		;
}

static void race_look(void *arg)
{
	struct race *r = arg;
	gr_case cases[2];
	int v;

	for (int i = 1; i <= r->rounds; i++) {
		while (atomic_load(&r->round) < i)
			gr_yield();
		dawdle(i, 7);
		gr_case_recv(&cases[i % 2], r->c1, &v);
		gr_case_recv(&cases[1 - i % 2], r->c2, &v);
		if (gr_select_try(cases, 2) != -EAGAIN)
			atomic_fetch_add(&r->found, 1);
		atomic_store(&r->looked, i);
	}
	gr_wg_done(&r->done);
}

/* c1 has an element, then c2 is closed (or gets one), and only then c1 is emptied: at no moment neither is ready. */
static void nonblock_race(bool closes)
{
	struct race r = {.rounds = TIMES(20000)};
	int v;

	gr_wg_add(&r.done, 1);
	gr_go(race_look, &r);
	for (int i = 1; i <= r.rounds; i++) {
		r.c1 = chan_of_ints(1);
		r.c2 = chan_of_ints(closes ? 0 : 1);
		send_int(r.c1, 1);
		atomic_store(&r.round, i);
		dawdle(i, 5);
		if (closes)
			gr_chan_close(r.c2);
		else
			send_int(r.c2, 1);
		gr_chan_try_recv(r.c1, &v, NULL);
		while (atomic_load(&r.looked) < i)
			gr_yield();
		gr_chan_free(r.c1);
		gr_chan_free(r.c2);
	}
	gr_wg_wait(&r.done);
	CHECK(r.found == r.rounds);
}

static void nonblock_select_races(void *arg)
{
	(void)arg;
	nonblock_race(false);
	nonblock_race(true);
}

/* ---- doubleselect: two cases never both run ----------------------------------------------------------- */

enum { DOUBLE_CHANS = 4 };

struct twice {
	gr_chan *c[DOUBLE_CHANS], *out;
	gr_wg done;
	int n;
};

static void twice_send(void *arg)
{
	struct twice *t = arg;
	gr_case cases[DOUBLE_CHANS];
	int v;

	for (int k = 0; k < DOUBLE_CHANS; k++)
		gr_case_send(&cases[k], t->c[k], &v);
	for (v = 0; v < t->n; v++)
		gr_select(cases, DOUBLE_CHANS);
	for (int k = 0; k < DOUBLE_CHANS; k++)
		gr_chan_close(t->c[k]);
	gr_wg_done(&t->done);
}

struct mux {
	struct twice *t;
	int k;
};

static void twice_mux(void *arg)
{
	struct mux *m = arg;
	int v;

	while (gr_chan_recv(m->t->c[m->k], &v))
		send_int(m->t->out, v);
	gr_wg_done(&m->t->done);
}

static void twice_check(void *arg)
{
	struct twice *t = arg;
	unsigned char *seen = calloc((size_t)t->n, 1);
	int v;

	for (int i = 0; i < t->n; i++) {
		gr_chan_recv(t->out, &v);
		CHECK(v >= 0 && v < t->n && !seen[v]);
		seen[v] = 1;
	}
	free(seen);
	gr_wg_done(&t->done);
}

static void double_select(void *arg)
{
	struct twice t = {.n = TIMES(40000), .out = chan_of_ints(0)};
	struct mux m[DOUBLE_CHANS];

	(void)arg;
	gr_wg_add(&t.done, DOUBLE_CHANS + 2);
	for (int k = 0; k < DOUBLE_CHANS; k++) {
		t.c[k] = chan_of_ints(0);
		m[k] = (struct mux){&t, k};
		gr_go(twice_mux, &m[k]);
	}
	gr_go(twice_check, &t);
	gr_go(twice_send, &t);
	gr_wg_wait(&t.done);
	for (int k = 0; k < DOUBLE_CHANS; k++)
		gr_chan_free(t.c[k]);
	gr_chan_free(t.out);
}

/* ---- MultiConsumer: with a shared `done` in every select (issue 20351's shape) ------------------------ */

enum { WORKERS = 23 };

struct consumers {
	gr_chan *in, *out, *done;
	gr_wg wg;
};

static void consume(void *arg)
{
	struct consumers *m = arg;
	gr_case cases[2], reply[2];
	int v, d;

	gr_case_recv(&cases[0], m->done, &d);
	gr_case_recv(&cases[1], m->in, &v);
	gr_case_recv(&reply[0], m->done, &d);
	gr_case_send(&reply[1], m->out, &v);
	while (gr_select(cases, 2) == 1) {
		if (v % 7 == 0)
			gr_yield();
		CHECK(gr_select(reply, 2) == 1);
	}
	gr_wg_done(&m->wg);
}

static void produce(void *arg)
{
	struct consumers *m = arg;

	for (int i = 1; i <= TIMES(100000); i++)
		send_int(m->in, i);
	gr_wg_done(&m->wg);
}

static void multi_consumer(void *arg)
{
	const int n = TIMES(100000);
	struct consumers m = {chan_of_ints(WORKERS), chan_of_ints(WORKERS), chan_of_ints(0), {0}};
	int64_t sum = 0;
	int v;

	(void)arg;
	gr_wg_add(&m.wg, WORKERS + 1);
	for (int i = 0; i < WORKERS; i++)
		gr_go(consume, &m);
	gr_go(produce, &m);
	for (int i = 0; i < n; i++) {
		CHECK(gr_chan_recv(m.out, &v));
		sum += v;
	}
	CHECK(sum == (int64_t)n * (n + 1) / 2);
	gr_chan_close(m.done);
	gr_wg_wait(&m.wg);
	gr_chan_free(m.in);
	gr_chan_free(m.out);
	gr_chan_free(m.done);
}

/* ---- like select5: random selects against a model ----------------------------------------------------- */

enum { MODEL_CHANS = 5, MODEL_CASES = 40 };

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* One G alone with channels of which it knows what is in them: a select does what can be done, and only that. */
static void random_selects(void *arg)
{
	gr_chan *c[MODEL_CHANS];
	int len[MODEL_CHANS] = {0}, cap[MODEL_CHANS] = {0, 1, 2, 3, 8}, in[MODEL_CASES], out[MODEL_CASES];
	gr_case cases[MODEL_CASES];
	uint32_t seed = 12345;

	(void)arg;
	for (int k = 0; k < MODEL_CHANS; k++)
		c[k] = chan_of_ints((size_t)cap[k]);
	for (int round = 0; round < TIMES(40000); round++) {
		int n = (int)(next_random(&seed) % MODEL_CASES) + 1, of[MODEL_CASES], ready = 0, did;

		for (int i = 0; i < n; i++) {
			int k = of[i] = (int)(next_random(&seed) % (MODEL_CHANS + 1)) - 1; /* -1: no channel */

			in[i] = round;
			out[i] = -1;
			if (next_random(&seed) % 2) {
				gr_case_send(&cases[i], k < 0 ? NULL : c[k], &in[i]);
				ready += k >= 0 && len[k] < cap[k];
			} else {
				gr_case_recv(&cases[i], k < 0 ? NULL : c[k], &out[i]);
				ready += k >= 0 && len[k] > 0;
			}
		}
		did = round % 2 && ready ? gr_select(cases, (size_t)n) : gr_select_try(cases, (size_t)n);
		CHECK(ready ? did >= 0 && did < n : did == -EAGAIN);
		if (did < 0)
			continue;
		CHECK(of[did] >= 0 && (cases[did].is_send ? len[of[did]] < cap[of[did]] : len[of[did]] > 0));
		len[of[did]] += cases[did].is_send ? 1 : -1;
		for (int i = 0; i < n; i++)
			CHECK((out[i] != -1) == (i == did && !cases[i].is_send));
		for (int k = 0; k < MODEL_CHANS; k++)
			CHECK((int)gr_chan_len(c[k]) == len[k]);
	}
	for (int k = 0; k < MODEL_CHANS; k++)
		gr_chan_free(c[k]);
}

/* A thousand cases that all have to wait, the array on the heap. */
static void many_cases(void *arg)
{
	enum { N = 1000 };
	gr_case *cases = calloc(N, sizeof(*cases));
	gr_chan **c = calloc(N, sizeof(*c));
	int v;

	(void)arg;
	for (int i = 0; i < N; i++) {
		c[i] = chan_of_ints(0);
		gr_case_recv(&cases[(i * 7) % N], c[i], &v);
	}
	CHECK(gr_select_timeout(cases, N, 1000000) == -ETIMEDOUT);
	CHECK(gr_select_try(cases, N) == -EAGAIN);
	gr_chan_close(c[500]);
	CHECK(gr_select(cases, N) == 500 * 7 % N);
	for (int i = 0; i < N; i++)
		gr_chan_free(c[i]); /* fatal if a waiter had been left */
	free(c);
	free(cases);
}

/* ---- with a time-out ---------------------------------------------------------------------------------- */

static void timeout_is_never_early(void *arg)
{
	gr_chan *a = chan_of_ints(0), *b = chan_of_ints(1);
	gr_case cases[2];
	int v, w = 1;

	(void)arg;
	send_int(b, 0);
	gr_case_recv(&cases[0], a, &v);
	gr_case_send(&cases[1], b, &w);
	for (int i = 0; i < 20; i++) {
		uint64_t ns = (uint64_t)(20 - i) * 100000 + 1;
		int64_t began = now_ns();

		CHECK(gr_select_timeout(cases, 2, ns) == -ETIMEDOUT);
		CHECK(now_ns() - began >= (int64_t)ns);
		CHECK(!gr_chan_try_send(a, &w) && gr_chan_len(b) == 1);
	}
	cases[0].chan = cases[1].chan = NULL;
	int64_t began = now_ns();
	CHECK(gr_select_timeout(cases, 2, 500000) == -ETIMEDOUT);
	CHECK(gr_select_timeout(cases, 0, 500000) == -ETIMEDOUT);
	CHECK(now_ns() - began >= 1000000);
	gr_chan_free(a);
	gr_chan_free(b);
}

enum { SLEEPERS = 400 };

struct timed {
	gr_chan *c, *never;
	gr_wg done;
	_Atomic int served, timed_out;
};

struct timed_g {
	struct timed *t;
	uint64_t ns;
};

static void timed_wait(void *arg)
{
	struct timed_g *g = arg;
	gr_case cases[2];
	int64_t began = now_ns();
	int v, r;

	gr_case_recv(&cases[0], g->t->never, &v);
	gr_case_recv(&cases[1], g->t->c, &v);
	r = gr_select_timeout(cases, 2, g->ns);
	if (r == 1) {
		atomic_fetch_add(&g->t->served, 1);
	} else {
		CHECK(r == -ETIMEDOUT && now_ns() - began >= (int64_t)g->ns);
		atomic_fetch_add(&g->t->timed_out, 1);
	}
	gr_wg_done(&g->t->done);
}

/* Many of random lengths while others are served: each ends in exactly one way, and what is sent is not lost. */
static void timeouts_race_with_sends(void *arg)
{
	uint32_t seed = 99;

	(void)arg;
	for (int round = 0; round < 3; round++) {
		struct timed t = {.c = chan_of_ints(0), .never = chan_of_ints(0)};
		struct timed_g *g = calloc(SLEEPERS, sizeof(*g));
		int sent = 0;

		gr_wg_add(&t.done, SLEEPERS);
		for (int i = 0; i < SLEEPERS; i++) {
			g[i] = (struct timed_g){&t, 1 + next_random(&seed) % 10000000};
			CHECK(gr_go(timed_wait, &g[i]) == 0);
		}
		while (atomic_load(&t.served) + atomic_load(&t.timed_out) < SLEEPERS) {
			if (gr_chan_try_send(t.c, &(int){1}))
				sent++;
			gr_sleep_ns(next_random(&seed) % 50000);
		}
		gr_wg_wait(&t.done);
		CHECK(t.served == sent && t.served + t.timed_out == SLEEPERS);
		CHECK(sent > 0 && t.timed_out > 0);
		gr_chan_free(t.c);
		gr_chan_free(t.never);
		free(g);
	}
}

static void answer(void *arg)
{
	struct timed *t = arg;

	for (int i = 0; i < 2000; i++)
		send_int(t->c, i);
	gr_wg_done(&t->done);
}

/*
 * All time-outs end at the moment at which somebody begins to serve them, so that some Gs have been woken by the one and
 * have not left the other when that one comes to them. Woken twice, they would do anything.
 */
static void timeouts_meet_sends(void *arg)
{
	(void)arg;
	for (int round = 0; round < 10; round++) {
		struct timed t = {.c = chan_of_ints(0), .never = chan_of_ints(0)};
		struct timed_g g = {&t, 3000000};
		int64_t began = now_ns();
		int sent = 0;

		gr_wg_add(&t.done, SLEEPERS);
		for (int i = 0; i < SLEEPERS; i++)
			CHECK(gr_go(timed_wait, &g) == 0);
		while (now_ns() - began < 2000000)
			gr_yield();
		while (now_ns() - began < 3500000)
			;
		for (int i = 0; i < 350; i++)
			sent += gr_chan_try_send(t.c, &(int){1});
		gr_wg_wait(&t.done);
		CHECK(t.served == sent && t.served + t.timed_out == SLEEPERS);
		gr_chan_free(t.c);
		gr_chan_free(t.never);
	}
}

/* Long time-outs that are not reached leave nothing behind. */
static void cancelled_timeouts_are_cheap(void *arg)
{
	struct timed t = {.c = chan_of_ints(0), .never = chan_of_ints(0)};
	gr_case cases[2];
	uint64_t before = gr_count();
	int v;

	(void)arg;
	gr_case_recv(&cases[0], t.never, &v);
	gr_case_recv(&cases[1], t.c, &v);
	for (int round = 0; round < 2; round++) {
		gr_wg_add(&t.done, 1);
		gr_go(answer, &t);
		for (int i = 0; i < 2000; i++)
			CHECK(gr_select_timeout(cases, 2, round ? 3600000000000 : UINT64_MAX - (unsigned)i % 2) == 1 &&
			      v == i);
		gr_wg_wait(&t.done);
		yield_often();
		CHECK(gr_count() <= before);
	}
	gr_chan_free(t.c);
	gr_chan_free(t.never);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_1_AND_2(rules_without_blocking),
		ON_1_AND_2(waits_for_any),
		ON_1_AND_2(without_channels),
		ON_1_AND_2(self_selects),
		ON_1_AND_2(close_meets_both_directions),
		ON_1_AND_2(select_stress),
		ON(4, select_stress),
		ON_1_AND_2(fairness),
		ON_1_AND_2(pseudo_random_send),
		ON_1_AND_2(duplicate_channel),
		ON_1_AND_2(nonblock_select_races),
		ON_1_AND_2(double_select),
		ON_1_AND_2(multi_consumer),
		ON_1_AND_2(random_selects),
		ON_1_AND_2(many_cases),
		ON_1_AND_2(timeout_is_never_early),
		ON_1_AND_2(timeouts_race_with_sends),
		ON_1_AND_2(timeouts_meet_sends),
		ON_1_AND_2(cancelled_timeouts_are_cheap),
	};

	sync_test_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
