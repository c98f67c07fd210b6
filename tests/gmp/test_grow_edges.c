/*
 * test_grow_edges.c - stacks that grow: edges that are met often, and ways out of a segment that are no return (grow.c, W6 and W7).
 *
 * Compiled with checks where the build can (tests/CMakeLists.txt), as test_grow.c is. Exceptions of C++: test_install.sh.
 */
#include <alloca.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "grow_test.h"

/* ---- edges ----------------------------------------------------------------------------------------------------------- */

static long seams; /* calls that have met an edge */

/* A tree of calls. Each tells whether it is on another segment than its caller. */
static __attribute__((noinline)) long tree(int depth, const struct gr_g *callers)
{
	const struct gr_g *seg = gr__self()->seg;
	volatile long calls = 1;

	seams += seg != callers;
	if (depth > 0) {
		calls += tree(depth - 1, seg);
		calls += tree(depth - 1, seg);
	}
	return calls;
}

static __attribute__((noinline)) void trees(int n)
{
	for (int i = 0; i < n; i++)
		CHECK(tree(7, gr__self()->seg) == 255);
}

static __attribute__((noinline)) void trees_below(int levels, int n)
{
	volatile int here = levels;

	if (levels)
		trees_below(levels - 1, n);
	else
		trees(n);
	CHECK(here == levels);
}

/*
 * Wherever the edge lies when trees begin that are called again and again: in the end it is met once by each, at the most. It
 * takes some calls to move it by a level. At the leaves it would be met 128 times by each, and one or two levels above still 32.
 */
static void edges_move(void)
{
	enum { TREES = 60, TO_MOVE = 12 * 32 };
	int met = 0;

	for (int levels = 500; levels < 2500; levels += 10) {
		seams = 0;
		trees_below(levels, TREES);
		met += seams > 1;
		CHECK(seams <= TREES * 2 + TO_MOVE);
		CHECK(gr__self()->seg == NULL);
	}
	CHECK(met > 0);
}

static void an_edge_at_the_leaves(void **state)
{
	(void)state;
	on_small(edges_move, NULL);
}

static __attribute__((noinline)) int wide(int n)
{
	volatile char room[700];

	room[n % 700] = 1;
	return room[n % 700];
}

static __attribute__((noinline)) int calls_wide(int n)
{
	volatile int below = wide(n);

	return below;
}

static _Atomic uint32_t stop;

static void yield_on(void *arg)
{
	(void)arg;
	while (!load_relaxed(&stop))
		gr_yield();
	gr_wg_done(&wg);
}

static __attribute__((noinline)) int wide_and_waits(int n)
{
	volatile char room[700];

	room[n % 700] = 1;
	gr_sleep_ns(1000000);
	return room[n % 700];
}

/* Raised while the G computes; the real one as soon as another G has run, wherever it has waited. */
static void waiting_ends_it(void)
{
	struct gr_g *g = gr__self();

	CHECK(gr__limit() == g->stack_limit);
	for (int i = 0; i < 150; i++)
		CHECK(calls_wide(i) == 1);
	CHECK(gr__limit() > g->stack_limit + 7);
	store_relaxed(&stop, 0);
	gr_wg_add(&wg, 1);
	CHECK(gr_go(yield_on, NULL) == 0);
	gr_sleep_ns(1000000);
	CHECK(gr__limit() == g->stack_limit && gr__self() == g && g->seg == NULL);
	for (int i = 0; i < 150; i++)
		CHECK(calls_wide(i) == 1);
	CHECK(gr__limit() > g->stack_limit + 7);
	CHECK(wide_and_waits(5) == 1); /* on a segment */
	CHECK(gr__limit() == g->stack_limit && g->seg == NULL);
	store_relaxed(&stop, 1);
}

static void a_limit_is_raised_until_it_waits(void **state)
{
	(void)state;
	on_small(waiting_ends_it, NULL);
}

static void meets_often(void *arg)
{
	CHECK(gr__limit() == gr__self()->stack_limit);
	for (int i = 0; i < 150; i++)
		CHECK(calls_wide(i) == 1);
	gr_wg_done(arg);
}

static void the_next_life(void)
{
	gr_wg done = {0};

	gr_wg_add(&done, 100);
	for (int i = 0; i < 100; i++)
		CHECK(gr_go(meets_often, &done) == 0);
	gr_wg_wait(&done);
}

static void a_limit_is_not_inherited(void **state)
{
	(void)state;
	on_small(the_next_life, NULL);
}

/* ---- jumps ----------------------------------------------------------------------------------------------------------- */

static jmp_buf out;
static volatile int value = 7;
static gr_wg ended;

static __attribute__((noinline)) unsigned n_segments(void)
{
	unsigned n = 0;

	for (const struct gr_g *seg = gr__self()->seg; seg; seg = seg->link)
		n++;
	return n;
}

static __attribute__((noinline)) int jump_below(int depth, int yield_at)
{
	volatile char room[300];

	room[depth % 300] = (char)depth;
	if (depth == yield_at)
		gr_yield();
	if (depth == 0)
		longjmp(out, value);
	return depth > 0 ? jump_below(depth - 1, yield_at) + room[depth % 300] : 0;
}

/* Where it comes back to: no call of its own that asks, so its own return is the first to find out. */
static __attribute__((noinline)) int jump_and_return(int depth, int yield_at)
{
	volatile int kept = depth;

	if (setjmp(out) == 0)
		jump_below(depth, yield_at);
	return kept;
}

static __attribute__((noinline)) int grow_by(int depth)
{
	volatile char room[300];

	room[depth % 300] = 1;
	return depth ? grow_by(depth - 1) + room[depth % 300] : 0;
}

/* Where it comes back to, it asks; the piece that it is on is the newest then. */
static __attribute__((noinline)) int jump_and_go_on(int depth, int yield_at)
{
	volatile unsigned before = n_segments();
	volatile int kept = depth;

	if (setjmp(out) == 0)
		jump_below(depth, yield_at);
	CHECK(n_segments() == before); /* the first that asks */
	CHECK(grow_by(3) == 3);
	CHECK(n_segments() == before);
	CHECK(grow_by(1000) == 1000);
	CHECK(n_segments() == before);
	return kept;
}

/* The same, where the first that asks is an alloca. */
static __attribute__((noinline)) int jump_and_alloca(int depth, size_t bytes)
{
	const struct gr_g *volatile before = gr__self()->seg;
	volatile int kept = depth;
	volatile char *block;

	if (setjmp(out) == 0)
		jump_below(depth, -1);
	block = alloca(bytes);
	CHECK(gr__self()->seg == before); /* and n_segments() would ask */
	block[0] = 1;
	block[bytes - 1] = 2;
	CHECK(grow_by(1000) == 1000);
	CHECK(gr__self()->seg == before && block[0] + block[bytes - 1] == 3);
	return kept;
}

/* Not in who calls the cases: it would have a segment from the beginning. */
static __attribute__((noinline)) uint64_t mapped(void)
{
	struct gr_stats s;

	gr_stats_read(&s);
	return s.stacks_mapped;
}

static void jumps(void)
{
	uint64_t first = mapped();

	CHECK(gr__self()->seg == NULL);
	for (int depth = 0; depth < 1200; depth += 13) {
		CHECK(jump_and_return(depth, -1) == depth);
		CHECK(gr__self()->seg == NULL && gr__limit() == gr__self()->stack_limit);
		CHECK(jump_and_return(depth, depth / 2) == depth);
		CHECK(gr__self()->seg == NULL && gr__limit() == gr__self()->stack_limit);
		CHECK(jump_and_go_on(depth, depth % 2 ? depth / 3 : -1) == depth);
		CHECK(gr__self()->seg == NULL);
		CHECK(jump_and_alloca(depth, 100 + (size_t)depth) == depth);
		CHECK(gr__self()->seg == NULL && gr__self()->dyn == NULL);
	}
	CHECK(mapped() - first < 100); /* they come back */
}

static void jumps_over_segments(void **state)
{
	(void)state;
	on_small(jumps, NULL);
}

static __attribute__((noinline)) void end_after_jump(void)
{
	if (setjmp(out) == 0)
		jump_below(1000, 500);
	gr_wg_done(&ended);
	gr_exit();
}

static void jump_and_end(void *arg)
{
	(void)arg;
	end_after_jump();
	not_true(__FILE__, __LINE__, "it has ended");
}

static void ends(void)
{
	uint64_t first = 0;

	for (int i = 0; i < 200; i++) {
		gr_wg_add(&ended, 1);
		CHECK(gr_go(jump_and_end, NULL) == 0);
		gr_wg_wait(&ended); /* one at a time: `out` is everybody's */
		if (i == 20)
			first = mapped();
	}
	CHECK(mapped() - first < 20); /* what it had grown by comes back */
}

static void ends_after_a_jump(void **state)
{
	(void)state;
	on_small(ends, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edge_at_the_leaves),    cmocka_unit_test(a_limit_is_raised_until_it_waits),
		cmocka_unit_test(a_limit_is_not_inherited), cmocka_unit_test(jumps_over_segments),
		cmocka_unit_test(ends_after_a_jump),
	};

	return cmocka_run_group_tests_name("grow_edges", tests, NULL, NULL);
}
