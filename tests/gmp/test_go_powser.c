/*
 * Power series as networks of Gs that ask each other for coefficients, paired with Go's test/chan/powser1. What the names
 * mean, and what has no pair: go_test.h.
 *
 * A series is a pair of channels: who wants the next coefficient sends a request on `req` and receives it from `dat`. Who
 * wants no more closes `req`; then the G that makes the series closes the ones that it asked itself, and ends. So a
 * network ends from its outlet backwards, and nothing may be left: that is checked too. Coefficients are integers modulo
 * a prime, so that everything has an exact answer.
 */
#include "go_test.h"

enum { PRIME = 1000003 };

struct series {
	gr_chan *req, *dat;
	struct series *next; /* all of a test, to be freed in the end */
};

/* All series of a test. One G at a time makes them but for `times`, hence the lock. */
struct network {
	gr_mutex m;
	struct series *all;
	_Atomic int gs; /* that make a series and have not ended */
};

static struct network net;

static struct series *new_series(void)
{
	struct series *s = malloc(sizeof(*s));

	if (!s)
		abort();
	s->req = chan_of(0, 0);
	s->dat = chan_of(sizeof(int64_t), 0);
	gr_mutex_lock(&net.m);
	s->next = net.all;
	net.all = s;
	gr_mutex_unlock(&net.m);
	return s;
}

static int64_t get(struct series *s)
{
	int64_t v = -1;

	gr_chan_send(s->req, NULL);
	CHECK(gr_chan_recv(s->dat, &v));
	return v;
}

static void want_no_more(struct series *s)
{
	gr_chan_close(s->req);
}

static bool is_asked(struct series *s)
{
	return gr_chan_recv(s->req, NULL);
}

static void answer(struct series *s, int64_t v)
{
	v = ((v % PRIME) + PRIME) % PRIME;
	gr_chan_send(s->dat, &v);
}

/* ---- the Gs: each makes one series, or two, of up to two others --------------------------------------------- */

struct op {
	struct series *out, *out2, *a, *b;
	int64_t c;
};

static struct series *start(void (*fn)(void *), struct op op)
{
	struct op *o = malloc(sizeof(*o));

	if (!o)
		abort();
	*o = op;
	o->out = new_series();
	atomic_fetch_add(&net.gs, 1);
	spawn(fn, o);
	return o->out;
}

static void end(struct op *o)
{
	free(o);
	atomic_fetch_sub(&net.gs, 1);
}

/* c, c, c, ... */
static void repeat(void *arg)
{
	struct op *o = arg;

	while (is_asked(o->out))
		answer(o->out, o->c);
	end(o);
}

static void add_up(void *arg)
{
	struct op *o = arg;

	while (is_asked(o->out))
		answer(o->out, get(o->a) + get(o->b));
	want_no_more(o->a);
	want_no_more(o->b);
	end(o);
}

/* c * a */
static void scale(void *arg)
{
	struct op *o = arg;

	while (is_asked(o->out))
		answer(o->out, get(o->a) * o->c);
	want_no_more(o->a);
	end(o);
}

/* c + x * a */
static void shift(void *arg)
{
	struct op *o = arg;
	bool begun = false;

	while (is_asked(o->out)) {
		answer(o->out, begun ? get(o->a) : o->c);
		begun = true;
	}
	want_no_more(o->a);
	end(o);
}

/* The derivative of a. */
static void derive(void *arg)
{
	struct op *o = arg;
	bool begun = false;

	for (int64_t n = 1; is_asked(o->out); n++) {
		if (!begun)
			get(o->a);
		begun = true;
		answer(o->out, n * get(o->a));
	}
	want_no_more(o->a);
	end(o);
}

/*
 * Two copies of a, which may be read at different speeds: what the faster one has had is kept for the other. Ends when
 * neither is wanted any more.
 */
static void copy_twice(void *arg)
{
	struct op *o = arg;
	struct series *outs[2] = {o->out, o->out2};
	int64_t *kept = NULL;
	size_t read[2] = {0, 0}, have = 0, cap = 0;
	gr_case two[2];

	for (int i = 0; i < 2; i++)
		gr_case_recv(&two[i], outs[i]->req, NULL);
	while (two[0].chan || two[1].chan) {
		int i = gr_select(two, 2);

		if (!two[i].ok) {
			two[i].chan = NULL;
			continue;
		}
		if (read[i] == have) {
			if (have == cap) {
				cap = cap ? 2 * cap : 16;
				kept = realloc(kept, cap * sizeof(*kept));
				if (!kept)
					abort();
			}
			kept[have++] = get(o->a);
		}
		answer(outs[i], kept[read[i]++]);
	}
	want_no_more(o->a);
	free(kept);
	end(o);
}

static struct series *split(struct series *a, struct series **second)
{
	*second = new_series();
	return start(copy_twice, (struct op){.a = a, .out2 = *second});
}

/* a * b = a0 b0 + x (a0 B + b0 A + x A B), with A and B the rests: each step starts the next one. */
static void multiply(void *arg)
{
	struct op *o = arg;
	struct series *a2, *b2, *a1, *b1, *rest;
	int64_t a0, b0;

	if (!is_asked(o->out)) {
		want_no_more(o->a);
		want_no_more(o->b);
		end(o);
		return;
	}
	a0 = get(o->a);
	b0 = get(o->b);
	answer(o->out, a0 * b0);
	if (!is_asked(o->out)) {
		want_no_more(o->a);
		want_no_more(o->b);
		end(o);
		return;
	}
	a1 = split(o->a, &a2);
	b1 = split(o->b, &b2);
	rest = start(shift, (struct op){.c = 0, .a = start(multiply, (struct op){.a = a2, .b = b2})});
	a1 = start(scale, (struct op){.a = a1, .c = b0});
	b1 = start(scale, (struct op){.a = b1, .c = a0});
	rest = start(add_up, (struct op){.a = start(add_up, (struct op){.a = a1, .b = b1}), .b = rest});
	do
		answer(o->out, get(rest));
	while (is_asked(o->out));
	want_no_more(rest);
	end(o);
}

static struct series *ones(void)
{
	return start(repeat, (struct op){.c = 1});
}

static struct series *times(struct series *a, struct series *b)
{
	return start(multiply, (struct op){.a = a, .b = b});
}

/* ---- what must come out ------------------------------------------------------------------------------------------ */

static void begin(void)
{
	net = (struct network){.all = NULL};
}

/* The first n of s are `expected`(i); then s and all behind it must end. */
static void check(struct series *s, int n, int64_t (*expected)(int64_t i))
{
	for (int i = 0; i < n; i++)
		CHECK(get(s) == expected(i) % PRIME);
	want_no_more(s);
	await_gs(1);
	CHECK(atomic_load(&net.gs) == 0);
	while (net.all) {
		struct series *next = net.all->next;

		gr_chan_free(net.all->req);
		gr_chan_free(net.all->dat);
		free(net.all);
		net.all = next;
	}
}

static int64_t one(int64_t i)
{
	(void)i;
	return 1;
}

static int64_t three(int64_t i)
{
	return 3 * one(i);
}

static int64_t successor(int64_t i)
{
	return i + 1;
}

static int64_t triangle(int64_t i)
{
	return (i + 1) * (i + 2) / 2;
}

static int64_t tetrahedron(int64_t i)
{
	return (i + 1) * (i + 2) * (i + 3) / 6;
}

/*
 * With 1 / (1-x) = 1 + x + x^2 + ..., whose powers are the columns of Pascal's triangle. Catches: requests or answers
 * that get lost, doubled or go to another's network, among hundreds of Gs that wait in selects and in plain operations;
 * a close that does not reach all (hangs).
 */
static void go_chan_powser1(void *arg)
{
	const int n = IS_SANITIZED ? 15 : 60;
	struct series *a, *b;

	(void)arg;
	begin();
	check(ones(), 100, one);
	begin();
	check(start(add_up, (struct op){.a = ones(), .b = start(scale, (struct op){.a = ones(), .c = 2})}), 100, three);
	begin();
	check(start(derive, (struct op){.a = ones()}), 100, successor);
	begin();
	check(start(derive, (struct op){.a = start(shift, (struct op){.c = 77, .a = ones()})}), 100, successor);
	begin();
	a = split(ones(), &b);
	check(times(a, b), n, successor);
	begin();
	check(times(times(ones(), ones()), ones()), n, triangle);
	begin();
	a = split(times(ones(), ones()), &b);
	check(times(a, b), n / 2, tetrahedron);
	begin();
	/* Nothing is asked of it at all. */
	check(times(ones(), ones()), 0, one);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		EACH(go_chan_powser1),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/go_powser", tests, NULL, NULL);
}
