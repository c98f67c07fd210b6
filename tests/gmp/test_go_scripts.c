/*
 * Programs of channels and selects, paired with the scripts of Go's test/chan. What the names mean, and what has no
 * pair: go_test.h.
 */
#include "go_test.h"

/* ---- test/chan/doubleselect: never two cases of one select ----------------------------------------------- */

enum { MUXED = 4 };

struct twice {
	gr_chan *c[MUXED], *out;
	gr_wg done;
	int n;
};

struct twice_one {
	struct twice *t;
	gr_chan *from;
};

/* Offer each number on all channels at once: it must come out of exactly one. */
static void offer_numbers(void *arg)
{
	struct twice *t = arg;
	gr_case offers[MUXED];
	int i;

	for (int k = 0; k < MUXED; k++)
		gr_case_send(&offers[k], t->c[k], &i);
	for (i = 0; i < t->n; i++)
		gr_select(offers, MUXED);
	for (int k = 0; k < MUXED; k++)
		gr_chan_close(t->c[k]);
	gr_wg_done(&t->done);
}

static void forward(void *arg)
{
	struct twice_one *o = arg;
	int v;

	while (gr_chan_recv(o->from, &v))
		gr_chan_send(o->t->out, &v);
	gr_wg_done(&o->t->done);
}

static void close_out(void *arg)
{
	struct twice *t = arg;

	gr_wg_wait(&t->done);
	gr_chan_close(t->out);
}

/* Catches: a select of which two cases are done, by two receivers at once, and one of which none is done. */
static void go_chan_doubleselect(void *arg)
{
	struct twice t = {.out = chan_of_ints(0), .n = TIMES(40000)};
	struct twice_one ones[MUXED];
	char *seen = calloc((size_t)t.n, 1);
	int v, n = 0;

	(void)arg;
	gr_wg_add(&t.done, MUXED + 1);
	for (int k = 0; k < MUXED; k++) {
		t.c[k] = chan_of_ints(0);
		ones[k] = (struct twice_one){&t, t.c[k]};
		spawn(forward, &ones[k]);
	}
	spawn(offer_numbers, &t);
	spawn(close_out, &t);
	for (; gr_chan_recv(t.out, &v); n++)
		CHECK(v >= 0 && v < t.n && seen[v]++ == 0);
	CHECK(n == t.n);
	await_gs(1);
	for (int k = 0; k < MUXED; k++)
		gr_chan_free(t.c[k]);
	gr_chan_free(t.out);
	free(seen);
}

/* ---- test/chan/select2: selects that wait leave nothing behind ------------------------------------------- */

struct leak {
	gr_chan *c, *never, *done;
	int n;
};

static void select_recv_often(void *arg)
{
	struct leak *l = arg;
	gr_chan *done = l->done;
	gr_case two[2];
	int v;

	gr_case_recv(&two[0], l->c, &v);
	gr_case_recv(&two[1], l->never, &v);
	for (int i = 0, n = l->n; i < n; i++)
		CHECK(gr_select(two, 2) == 0);
	send_int(done, 1);
}

static size_t bytes_in_use(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long total, resident = 0;

	if (f) {
		if (fscanf(f, "%lu %lu", &total, &resident) != 2)
			resident = 0;
		fclose(f);
	}
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void exchange(struct leak *l)
{
	gr_case two[2];
	const int v = 1;
	int w;

	spawn(select_recv_often, l);
	gr_case_send(&two[0], l->c, &v);
	gr_case_recv(&two[1], l->never, &w);
	for (int i = 0; i < l->n; i++)
		CHECK(gr_select(two, 2) == 0);
	CHECK(recv_int(l->done) == 1);
}

/* Catches: memory per select, or an entry that stays in the line of the channel that is never served. */
static void go_chan_select2(void *arg)
{
	struct leak l = {chan_of_ints(0), chan_of_ints(0), chan_of_ints(0), TIMES(100000)};
	size_t before, after;

	(void)arg;
	exchange(&l);
	before = bytes_in_use();
	exchange(&l);
	after = bytes_in_use();
	/* One leaked waiter per select would be 10 MB. Sanitizers keep what was freed for a while. */
	CHECK(IS_SANITIZED || after < before + (2u << 20));
	gr_chan_free(l.c);
	gr_chan_free(l.never); /* fatal if somebody was still in its line */
	gr_chan_free(l.done);
}

/* ---- test/chan/select3: what blocks, and what does not ---------------------------------------------------- */

struct op {
	gr_chan *c;
	_Atomic int returned;
	gr_wg done;
	int kind;
};

enum { PLAIN_SEND, PLAIN_RECV, SELECT_SEND, SELECT_RECV, SELECT_BOTH, KINDS };

static void do_op(void *arg)
{
	struct op *o = arg;
	const int one = 1;
	gr_case two[2];
	int v;

	gr_case_send(&two[0], o->c, &one);
	gr_case_recv(&two[1], o->c, &v);
	switch (o->kind) {
	case PLAIN_SEND:
		gr_chan_send(o->c, &one);
		break;
	case PLAIN_RECV:
		gr_chan_recv(o->c, &v);
		break;
	case SELECT_SEND:
		gr_select(two, 1);
		break;
	case SELECT_RECV:
		gr_select(two + 1, 1);
		break;
	default:
		gr_select(two, 2);
	}
	atomic_fetch_add(&o->returned, 1);
	gr_wg_done(&o->done);
}

/* Whether the operation blocks; if it does, `undo` sends or receives what lets it go. */
static bool blocks(gr_chan *c, int kind)
{
	struct op o = {.c = c, .kind = kind};
	bool is_blocked;

	gr_wg_add(&o.done, 1);
	spawn(do_op, &o);
	/* One that must not block is waited for; one that must is given the chance to return. */
	for (int i = 0; i < 200 && !atomic_load(&o.returned); i++)
		gr_yield();
	if (!atomic_load(&o.returned))
		gr_sleep_ns(2 * MS);
	is_blocked = !atomic_load(&o.returned);
	if (is_blocked) {
		/* SELECT_BOTH does either. */
		if (kind == PLAIN_SEND || kind == SELECT_SEND)
			gr_chan_recv(c, &(int){0});
		else
			send_int(c, 1);
	}
	gr_wg_wait(&o.done);
	return is_blocked;
}

/* One that has to return: then slow scheduling is no failure. */
static void returns(gr_chan *c, int kind)
{
	struct op o = {.c = c, .kind = kind};

	gr_wg_add(&o.done, 1);
	spawn(do_op, &o);
	gr_wg_wait(&o.done);
}

/* Catches: any operation that passes where it has to wait, or waits (hangs) where it has to pass. */
static void go_chan_select3(void *arg)
{
	gr_chan *sync = chan_of_ints(0), *buffered = chan_of_ints(1), *closed = chan_of_ints(1);
	gr_case c[1];
	int v = 5;

	(void)arg;
	for (int kind = 0; kind < KINDS; kind++)
		CHECK(blocks(sync, kind));
	CHECK(blocks(buffered, PLAIN_RECV) && blocks(buffered, SELECT_RECV));
	returns(buffered, SELECT_BOTH); /* sends */
	CHECK(gr_chan_len(buffered) == 1);
	CHECK(blocks(buffered, PLAIN_SEND));
	CHECK(blocks(buffered, SELECT_SEND));
	returns(buffered, SELECT_BOTH); /* receives */
	CHECK(gr_chan_len(buffered) == 0);
	returns(buffered, SELECT_SEND);
	returns(buffered, SELECT_RECV);
	gr_chan_close(closed);
	returns(closed, PLAIN_RECV);
	returns(closed, SELECT_RECV);
	/* nil channels are never ready */
	gr_case_recv(&c[0], NULL, &v);
	CHECK(gr_select_try(c, 1) == -EAGAIN);
	CHECK(gr_select_timeout(c, 1, MS) == -ETIMEDOUT);
	gr_case_send(&c[0], NULL, &v);
	CHECK(gr_select_try(c, 1) == -EAGAIN);
	CHECK(gr_select_try(c, 0) == -EAGAIN);
	CHECK(v == 5);
	gr_chan_free(sync);
	gr_chan_free(buffered);
	gr_chan_free(closed);
}

/* ---- test/chan/select4: what is not chosen is not touched -------------------------------------------------- */

/* Catches: an element that is written although its case was not chosen; the memory of a nil channel's case touched. */
static void go_chan_select4(void *arg)
{
	gr_chan *ready = chan_of_ints(1), *idle = chan_of_ints(1), *full = chan_of_ints(1);
	int v = -1, w = -2;
	gr_case c[5];

	(void)arg;
	send_int(full, 9);
	for (int i = 0; i < 100; i++) {
		send_int(ready, i);
		gr_case_recv(&c[0], NULL, (void *)8); /* would crash */
		gr_case_send(&c[1], NULL, (void *)8);
		gr_case_recv(&c[2], idle, &w);
		gr_case_recv(&c[3], ready, &v);
		gr_case_send(&c[4], full, (void *)8);
		CHECK((i % 2 ? gr_select(c, 5) : gr_select_try(c, 5)) == 3);
		CHECK(c[3].ok && v == i && w == -2);
	}
	CHECK(recv_int(full) == 9);
	gr_chan_free(ready);
	gr_chan_free(idle);
	gr_chan_free(full);
}

/* ---- test/chan/select5: selects of random shape, against a model -------------------------------------------- */

enum { SHAPED = 6 };

/* Catches: a result that belongs to another case: the wrong index, element, channel or `ok`. */
static void go_chan_select5(void *arg)
{
	gr_chan *c[SHAPED];
	int model[SHAPED] = {0}, next_in[SHAPED] = {0}, next_out[SHAPED] = {0};
	uint32_t seed = 12345;

	(void)arg;
	for (int k = 0; k < SHAPED; k++)
		c[k] = chan_of_ints(3);
	for (int i = 0; i < TIMES(20000); i++) {
		gr_case cases[2 * SHAPED];
		int of[2 * SHAPED], sent[2 * SHAPED], got[2 * SHAPED], n = 0, ready = 0, chosen;

		for (int at = 0; at < 2 * SHAPED; at++) {
			int k = (int)(seed >> 8) % SHAPED, what = (int)(seed >> 16) % 4;

			seed = seed * 1664525u + 1013904223u;
			if (what == 3)
				continue;
			of[n] = what == 2 ? -1 : k;
			got[n] = -1;
			sent[n] = next_in[k];
			if (what == 1) {
				gr_case_send(&cases[n], c[k], &sent[n]);
				ready += model[k] < 3;
			} else {
				gr_case_recv(&cases[n], what == 2 ? NULL : c[k], &got[n]);
				ready += what == 0 && model[k] > 0;
			}
			n++;
		}
		chosen = ready && i % 2 ? gr_select(cases, (size_t)n) : gr_select_try(cases, (size_t)n);
		CHECK((chosen >= 0) == (ready > 0));
		for (int at = 0; at < n; at++)
			CHECK(at == chosen || got[at] == -1);
		if (chosen < 0)
			continue;
		int k = of[chosen];

		CHECK(k >= 0);
		if (cases[chosen].is_send) {
			next_in[k]++;
			model[k]++;
		} else {
			CHECK(cases[chosen].ok && got[chosen] == next_out[k]);
			next_out[k]++;
			model[k]--;
		}
		CHECK(gr_chan_len(c[k]) == (size_t)model[k]);
	}
	for (int k = 0; k < SHAPED; k++)
		gr_chan_free(c[k]);
}

/* ---- test/chan/select6: one that leaves the middle of a line leaves the others in it --------------------------- */

struct six {
	gr_chan *c1, *c2, *out;
	_Atomic int waiting;
};

static void receive_c1(void *arg)
{
	struct six *s = arg;

	atomic_fetch_add(&s->waiting, 1);
	send_int(s->out, recv_int(s->c1));
}

static void select_c1_c2(void *arg)
{
	struct six *s = arg;
	gr_case two[2];
	int v = -1;

	atomic_fetch_add(&s->waiting, 1);
	gr_case_recv(&two[0], s->c1, &v);
	gr_case_recv(&two[1], s->c2, &v);
	CHECK(gr_select(two, 2) == 1);
	send_int(s->out, v);
}

/* Catches: a select that is over takes its neighbours out of another channel's line with it (hangs), or stays in it. */
static void go_chan_select6(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++) {
		struct six s = {chan_of_ints(0), chan_of_ints(0), chan_of_ints(0), 0};
		int sum = 0;

		/* In c1's line: a receiver, the select, a receiver. */
		for (int k = 0; k < 3; k++) {
			spawn(k == 1 ? select_c1_c2 : receive_c1, &s);
			await_int(&s.waiting, k + 1);
			let_others_run();
		}
		send_int(s.c2, 1);
		CHECK(recv_int(s.out) == 1);
		send_int(s.c1, 2);
		sum += recv_int(s.out);
		send_int(s.c1, 3);
		sum += recv_int(s.out);
		CHECK(sum == 5);
		CHECK(!gr_chan_try_send(s.c1, &sum)); /* nobody is left */
		await_gs(1);
		gr_chan_free(s.c1);
		gr_chan_free(s.c2);
		gr_chan_free(s.out);
	}
}

/* ---- test/chan/select7: every way of receiving meets every way of sending --------------------------------------- */

struct seven {
	gr_chan *c, *never, *done;
	int how;
};

static int receive_by(gr_chan *c, gr_chan *never, int how)
{
	gr_case two[2];
	int v = -1;

	gr_case_recv(&two[0], never, &v);
	gr_case_recv(&two[1], c, &v);
	switch (how) {
	case 0:
		gr_chan_recv(c, &v);
		break;
	case 1:
		while (!gr_chan_try_recv(c, &v, NULL))
			gr_yield();
		break;
	case 2:
		gr_select(two, 2);
		break;
	case 3:
		while (gr_select_try(two, 2) < 0)
			gr_yield();
		break;
	case 4:
		gr_select(two + 1, 1);
		break;
	default:
		CHECK(gr_select_timeout(two, 2, 3600 * 1000 * MS) == 1);
	}
	return v;
}

static void receive_as_told(void *arg)
{
	struct seven *s = arg;

	send_int(s->done, receive_by(s->c, s->never, s->how));
}

static void send_by(gr_chan *c, gr_chan *never, int how, int v)
{
	gr_case two[2];

	gr_case_send(&two[0], c, &v);
	gr_case_recv(&two[1], never, &(int){0});
	switch (how) {
	case 0:
		gr_chan_send(c, &v);
		break;
	case 1:
		while (!gr_chan_try_send(c, &v))
			gr_yield();
		break;
	case 2:
		gr_select(two, 2);
		break;
	case 3:
		while (gr_select_try(two, 2) < 0)
			gr_yield();
		break;
	case 4:
		gr_select(two, 1);
		break;
	default:
		CHECK(gr_select_timeout(two, 2, 3600 * 1000 * MS) == 0);
	}
}

/* Catches: a pair of operations that do not find each other (hangs), or of which one is done without the other. */
static void go_chan_select7(void *arg)
{
	enum { HOWS = 6 };
	gr_chan *never = chan_of_ints(0), *done = chan_of_ints(0);

	(void)arg;
	for (int pair = 0; pair < HOWS * HOWS * 2; pair++) {
		const int sends = pair % HOWS, receives = pair / HOWS % HOWS;
		struct seven s = {chan_of_ints((size_t)(pair / HOWS / HOWS)), never, done, receives};

		/* Two that only try, on an unbuffered channel, never meet: neither ever waits. */
		if (pair < HOWS * HOWS && (sends == 1 || sends == 3) && (receives == 1 || receives == 3)) {
			gr_chan_free(s.c);
			continue;
		}
		spawn(receive_as_told, &s);
		if (pair % 3)
			let_others_run();
		send_by(s.c, never, sends, pair);
		CHECK(recv_int(done) == pair);
		CHECK(gr_chan_len(s.c) == 0);
		gr_chan_free(s.c);
	}
	gr_chan_free(never);
	gr_chan_free(done);
}

/* ---- test/chan/sieve1 -------------------------------------------------------------------------------------------- */

struct sieve {
	struct sieve *next;
	gr_chan *in, *out;
	int prime;
};

static void count_up(void *arg)
{
	struct sieve *s = arg;

	for (int i = 2;; i++) {
		gr_case two[2];

		gr_case_send(&two[0], s->out, &i);
		gr_case_recv(&two[1], s->in, NULL); /* is closed when there is enough */
		if (gr_select(two, 2) == 1)
			break;
	}
	gr_chan_close(s->out);
}

static void drop_multiples(void *arg)
{
	struct sieve *s = arg;
	int v;

	while (gr_chan_recv(s->in, &v))
		if (v % s->prime)
			gr_chan_send(s->out, &v);
	gr_chan_close(s->out);
}

/* Catches: numbers that get lost, doubled or out of order in a chain that grows while it works. */
static void go_chan_sieve1(void *arg)
{
	const int last = IS_SANITIZED ? 97 : 997;
	gr_chan *enough = chan_of(0, 0);
	struct sieve *all = calloc(1, sizeof(*all));
	int n = 0, sum = 0, prime = 0, left;

	(void)arg;
	*all = (struct sieve){NULL, enough, chan_of_ints(0), 0};
	spawn(count_up, all);
	while (prime < last) {
		struct sieve *s = calloc(1, sizeof(*s));

		prime = recv_int(all->out);
		CHECK(prime > 1);
		for (int d = 2; d * d <= prime; d++)
			CHECK(prime % d);
		n++;
		sum += prime;
		*s = (struct sieve){all, all->out, chan_of_ints(0), prime};
		all = s;
		spawn(drop_multiples, s);
	}
	CHECK(prime == last);
	CHECK(n == (IS_SANITIZED ? 25 : 168) && sum == (IS_SANITIZED ? 1060 : 76127));
	gr_chan_close(enough);
	while (gr_chan_recv(all->out, &left))
		CHECK(left > last);
	await_gs(1);
	while (all) {
		struct sieve *next = all->next;

		gr_chan_free(all->out);
		free(all);
		all = next;
	}
	gr_chan_free(enough);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		EACH(go_chan_doubleselect),
		EACH(go_chan_select2),
		EACH(go_chan_select3),
		ON(1, go_chan_select4),
		ON(2, go_chan_select4),
		ON(1, go_chan_select5),
		ON(2, go_chan_select5),
		EACH(go_chan_select6),
		EACH(go_chan_select7),
		EACH(go_chan_sieve1),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/go_scripts", tests, NULL, NULL);
}
