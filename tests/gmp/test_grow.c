/*
 * test_grow.c - stacks that grow: who gets one, what calls look like over the edge of one, what is given back, how it ends.
 *
 * Compiled with checks where the build can (tests/CMakeLists.txt); where stacks do not grow (a sanitizer, clang, another
 * architecture, valgrind) only the cases are left that say so.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>

#include "child.h"
#include "grow_stress.h"
#include "grow_test.h"

static gr_chan *gate;

/* ---- who ------------------------------------------------------------------------------------------------------------- */

static bool is_small(void)
{
	return gr__stack_is_small(gr__self());
}

static _Atomic uint32_t seen_small, seen_pages;

static void look(void *arg)
{
	fetch_add_relaxed(is_small() ? &seen_small : &seen_pages, 1);
	gr_wg_done(arg);
}

/* As code of another build has them. */
static __attribute__((no_split_stack, noinline)) void look_unchecked(void *arg)
{
	look(arg);
}

int plain_gr_go(void (*fn)(void *), void *arg) __asm__("gr_go");

static void kinds(void)
{
	const struct gr_attr large = {.stack_bytes = 100000}, usual = {.name = "usual"};
	gr_timer *t = NULL;
	gr_wg done = {0};

	CHECK(is_small());
	store_relaxed(&seen_small, 0);
	store_relaxed(&seen_pages, 0);
	gr_wg_add(&done, 7);
	CHECK(gr_go(look, &done) == 0);
	CHECK(gr_go_named("named", look, &done) == 0);
	CHECK(gr_go_with(&usual, look, &done) == 0);
	CHECK(gr_go_with(&large, look, &done) == 0); /* pages */
	CHECK(gr_go(look_unchecked, &done) == 0); /* pages */
	CHECK(plain_gr_go(look, &done) == 0); /* pages */
	CHECK(gr_timer_new(look, &done, &t) == 0);
	gr_timer_start(t, 1000, 0); /* pages */
	gr_wg_wait(&done);
	gr_timer_free(t);
	CHECK(load_relaxed(&seen_small) == 3);
	CHECK(load_relaxed(&seen_pages) == 4);
	CHECK(!gr__grow_fits(NULL) && !gr__grow_fits(free) && gr__grow_fits(look));
}

static void the_kind_of_stack(void **state)
{
	(void)state;
	on_small(kinds, NULL);
	on_small(kinds, "seed=7");
	on_small(kinds, "global=1");
}

static void run_pages(void *arg)
{
	(void)arg;
	CHECK(!is_small());
	gr_wg_add(&wg, 1);
	CHECK(gr_go(look, &wg) == 0);
	gr_wg_wait(&wg);
}

/* GRDEBUG=grow=0, and wherever they cannot: as ever, and told by gr_knobs. */
static void can_be_turned_off(void **state)
{
	struct gr_config c = {.knobs = "grow=0"};
	const char *names[32];
	char values[32][32];
	size_t n;
	int told = 0;

	(void)state;
	store_relaxed(&seen_pages, 0);
	assert_int_equal(gr_start(&c), 0);
	gr_run(run_pages, NULL);
	n = gr_knobs(names, values, 32);
	for (size_t i = 0; i < n; i++)
		told += !strcmp(names[i], "grow") && values[i][0] == '0';
	gr_stop();
	assert_int_equal(told, 1);
	assert_int_equal(load_relaxed(&seen_pages), 1);
}

/* What a sample says of a build whose stacks cannot grow (subjects give gr_knobs). */
static void says_why_not(void **state)
{
	const char *names[32], *why = NULL;
	char values[32][32];
	size_t n;

	(void)state;
	assert_int_equal(gr_start(NULL), 0);
	n = gr_knobs(names, values, 32);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], "grow"))
			why = values[i];
	gr_stop();
	assert_non_null(why);
	if (gr__san_is_valgrind())
		assert_string_equal(why, "0 (valgrind)");
	else if (GR_ASAN)
		assert_string_equal(why, "0 (address sanitizer)");
	else if (GR_TSAN)
		assert_string_equal(why, "0 (thread sanitizer)");
#if !defined(__x86_64__)
	else
		assert_string_equal(why, "0 (not amd64)");
#elif defined(__clang__)
	else
		assert_string_equal(why, "0 (runtime built by clang)");
#elif defined(GR_STACKS_GROW) && defined(__OPTIMIZE__)
	else
		assert_string_equal(why, "1");
#endif
}

/* ---- calls over the edge ------------------------------------------------------------------------------------------------ */

struct wide {
	long v[5];
};

static __attribute__((noinline)) int sum_of(int n, ...)
{
	va_list args;
	int sum = 0;

	va_start(args, n);
	for (int i = 0; i < n; i++)
		sum += i % 3 == 2 ? (int)va_arg(args, double) : va_arg(args, int);
	va_end(args);
	return sum;
}

static __attribute__((noinline)) struct wide many(long a, double b, long c, double d, long e, long f, long g, long h,
						  struct wide w, double i, double j, double k, double l, double m,
						  double n, double o)
{
	w.v[0] += a + c + e + f + g + h;
	w.v[1] += (long)(b + d + i + j + k + l + m + n + o);
	return w;
}

static __attribute__((noinline)) long double half(long double x)
{
	return x / 2;
}

static __attribute__((noinline)) unsigned __int128 twice(unsigned __int128 x)
{
	return x * 2;
}

static __attribute__((noinline)) double times(double x, float y)
{
	return x * y;
}

static void call_all(int depth)
{
	struct wide w = many(1, 2, 3, 4, 5, 6, 7, 8, (struct wide){{9, 10, 11, 12, 13}}, 1, 2, 3, 4, 5, 6, 7);
#if !defined(__clang__)
	int k = depth;

	int nested(int x) /* gcc's: with the address of this frame in a register */
	{
		return x + k;
	}

	CHECK(nested(1) == depth + 1);
#else
	(void)depth;
#endif
	CHECK(sum_of(12, 1, 2, 3.0, 4, 5, 6.0, 7, 8, 9.0, 10, 11, 12.0) == 78);
	CHECK(w.v[0] == 1 + 3 + 5 + 6 + 7 + 8 + 9 && w.v[1] == 2 + 4 + 28 + 10 && w.v[4] == 13);
	CHECK(half(3) == 1.5L);
	CHECK(twice((unsigned __int128)1 << 100) == (unsigned __int128)1 << 101);
	CHECK(times(2.5, 4) == 10);
}

static __attribute__((noinline)) int dig(int depth, int park_at)
{
	volatile char room[24];
	int below;

	room[depth % 24] = (char)depth;
	call_all(depth);
	if (depth == park_at)
		gr_yield();
	below = depth ? dig(depth - 1, park_at) : 0;
	if (room[depth % 24] != (char)depth)
		fetch_add_relaxed(&errors, 1);
	return below + 1;
}

/* Each depth up to where even the segment has ended: each of the calls meets the edge at some depth. */
static void dig_everywhere(void)
{
	for (int depth = 0; depth < 60; depth++)
		for (int park_at = 0; park_at <= depth; park_at += 7)
			CHECK(dig(depth, park_at) == depth + 1);
	CHECK(dig(5000, 0) == 5001);
	CHECK(gr__self()->seg == NULL);
}

static void calls_at_each_depth(void **state)
{
	(void)state;
	on_small(dig_everywhere, NULL);
}

static __attribute__((noinline)) int big_frame(int n)
{
	volatile char room[200000];

	room[n] = 1;
	room[sizeof(room) - 1 - n] = 2;
	gr_yield();
	return room[n] + room[sizeof(room) - 1 - n] + (n ? big_frame(n - 1) : 0);
}

static void big_frames(void)
{
	CHECK(big_frame(5) == 18);
	CHECK(gr__self()->seg == NULL);
}

static void frames_larger_than_a_segment(void **state)
{
	(void)state;
	on_small(big_frames, NULL);
}

/* ---- the libc, pointers, copies ------------------------------------------------------------------------------------------ */

static void print_through_pointer(void *arg)
{
	int (*volatile print)(char *, size_t, const char *, ...) = snprintf;

	print(arg, 64, "%.6f %d", 1.25, 7);
}

static __attribute__((noinline)) void copy_unchecked(void *arg)
{
	void (*volatile call)(void *) = print_through_pointer;

	gr_foreign(call, arg);
}

static __attribute__((noinline)) uint64_t use_libc(void)
{
	uint32_t rng = 12345;

	return stress_libc(&rng) + stress_libc(&rng) + stress_libc(&rng);
}

struct copied {
	char bytes[200];
};
static struct copied source_of_copies = {.bytes = {1, 2, 3}};

static __attribute__((noinline)) int park_with_copy(size_t n)
{
	char copy[64];

	memcpy(copy, source_of_copies.bytes, n); /* calls, as n is not known here */
	memset(copy + n, 5, sizeof(copy) - n);
	gr_yield();
	CHECK(gr__self()->seg == NULL); /* of all that it has asked for nothing is left */
	return copy[2] + copy[63] + memcmp(copy, source_of_copies.bytes, n);
}

static __attribute__((noinline)) bool is_same(const char *a, const char *b)
{
	return !strcmp(a, b);
}

static void calls_of_foreign_code(void)
{
	char text[64] = "";

	CHECK(use_libc() == 0);
	CHECK(gr__self()->seg == NULL);
	gr_yield();
	copy_unchecked(text);
	CHECK(is_same(text, "1.250000 7"));
	CHECK(gr__self()->seg == NULL);
}

static volatile size_t ten = 10;

static void copy_at_the_top(void)
{
	if (park_with_copy(ten) != 8)
		not_true(__FILE__, __LINE__, "park_with_copy");
}

static void the_libc(void **state)
{
	(void)state;
	on_small(calls_of_foreign_code, NULL);
	on_small(copy_at_the_top, NULL);
}

/* ---- alloca -------------------------------------------------------------------------------------------------------------- */

static __attribute__((noinline)) int sum_block(size_t n)
{
	unsigned char *block = alloca(n);
	int sum = 0;

	memset(block, 1, n);
	gr_yield();
	for (size_t i = 0; i < n; i++)
		sum += block[i];
	return sum;
}

struct chained {
	struct chained *next;
	size_t value;
	char room[500];
};

/* All of them live until the function returns. */
static __attribute__((noinline)) size_t chain_blocks(size_t n)
{
	struct chained *head = NULL;
	size_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		struct chained *c = alloca(sizeof(*c));

		memset(c->room, (int)i, sizeof(c->room));
		c->value = i;
		c->next = head;
		head = c;
		if (i % 16 == 0)
			gr_yield();
	}
	for (; head; head = head->next)
		sum += head->room[0] == (char)head->value && head->room[499] == (char)head->value ? head->value
												  : 100000;
	return sum;
}

static void allocas(void)
{
	for (size_t n = 1; n < 3000; n += 13) {
		CHECK(sum_block(n) == (int)n);
		CHECK(gr__self()->dyn == NULL); /* given back on return, or a loop would have it all */
	}
	CHECK(sum_block(1 << 20) == 1 << 20);
	CHECK(chain_blocks(100) == 99 * 100 / 2);
	CHECK(gr__self()->dyn == NULL);
}

static void blocks_beside_the_stack(void **state)
{
	(void)state;
	on_small(allocas, NULL);
}

/* ---- ends ------------------------------------------------------------------------------------------------------------------ */

static volatile bool always = true;

static __attribute__((noinline)) void exit_below(int depth, size_t n)
{
	unsigned char *block = alloca(n);

	memset(block, 1, n);
	if (depth > 0)
		exit_below(depth - 1, n + block[n / 2]);
	gr_wg_done(&stress_wg);
	if (always)
		gr_exit();
}

static void exit_deep(void *arg)
{
	exit_below(20, 2000 + (size_t)(uintptr_t)arg % 100);
}

static void ends_in_the_deep(void)
{
	struct gr_stats first, last;

	for (int i = 0; i < 2000; i++) {
		gr_wg_add(&stress_wg, 1);
		CHECK(gr_go(exit_deep, (void *)(uintptr_t)i) == 0);
		gr_wg_wait(&stress_wg);
		if (i == 100)
			gr_stats_read(&first);
	}
	gr_stats_read(&last);
	CHECK(last.stacks_mapped - first.stacks_mapped < 100); /* they come back */
}

static void what_a_dead_one_had(void **state)
{
	(void)state;
	on_small(ends_in_the_deep, NULL);
}

static void recurse_for_ever(void *arg)
{
	volatile char room[1000];

	room[0] = 1;
	if (always)
		recurse_for_ever((char *)arg + room[0]);
	room[1] = room[0];
}

static __attribute__((no_split_stack, noinline)) void take_all(void *arg)
{
	volatile char room[100000];

	for (size_t i = sizeof(room); i-- > 0;)
		room[i] = (char)(uintptr_t)arg;
}

static void take_all_with_foreign(void *arg)
{
	void (*volatile call)(void *) = take_all;

	gr_foreign(call, arg);
	fetch_add_relaxed(&errors, 1); /* no tail call, which would leave no frame */
}

static void (*dying)(void *);

static void start_dying(void *arg)
{
	gr_go_named("victim", dying, arg);
	gr_sleep_ns(10000000000);
}

static void die(const void *arg)
{
	struct gr_config c = {.procs = 1, .knobs = "grow_mib=1"};

	(void)arg;
	if (gr_start(&c) == 0)
		gr_run(start_dying, NULL);
}

static void dies_of(void (*fn)(void *), const char *wanted, const char *frame)
{
	char said[32768];
	int status;

	assert_int_equal(gr_start(NULL), 0);
	gr_stop();
	if (!grows())
		skip();
	dying = fn;
	status = child_says(die, NULL, said, sizeof(said));
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || !strstr(said, wanted) || !strstr(said, frame))
		fail_msg("status %#x, said: %s", (unsigned)status, said);
}

static void grown_too_far(void **state)
{
	(void)state;
	dies_of(recurse_for_ever, "it has grown to", "more, of 1048576 at most");
}

static void more_than_foreign_code_may(void **state)
{
	(void)state;
	dies_of(take_all_with_foreign, "(victim); code without checks wanted more than the 65536 bytes",
		"take_all_with_foreign+");
}

/* ---- looking at one -------------------------------------------------------------------------------------------------------- */

static __attribute__((noinline)) int park_below(int depth)
{
	volatile char room[100];
	char c;

	room[depth] = 1;
	if (depth == 0)
		gr_chan_recv(gate, &c);
	else
		room[0] = (char)park_below(depth - 1);
	return room[depth];
}

static void park_on_segments(void *arg)
{
	(void)arg;
	use_libc();
	park_below(20);
	gr_wg_done(&stress_wg);
}

static void dump_one(const void *arg)
{
	(void)arg;
	gr_dump(STDERR_FILENO);
}

static void dump_it(void)
{
	char said[65536], *at;
	int frames = 0;

	CHECK(gr_chan_new(1, 0, &gate) == 0);
	gr_wg_add(&stress_wg, 1);
	CHECK(gr_go_named("parked", park_on_segments, NULL) == 0);
	gr_sleep_ns(1000000);
	child_says(dump_one, NULL, said, sizeof(said));
	at = strstr(said, "(parked)");
	CHECK(at != NULL);
	for (; at && (at = strstr(at, "park_below+")); at++)
		frames++;
	CHECK(frames == 21 && strstr(said, "park_on_segments+"));
	gr_chan_close(gate);
	gr_wg_wait(&stress_wg);
	gr_chan_free(gate);
}

static void a_dump_crosses_segments(void **state)
{
	(void)state;
	on_small(dump_it, NULL);
}

/* ---- preemption ------------------------------------------------------------------------------------------------------------ */

static _Atomic uint32_t stop_computing;

GR_PREEMPTIBLE static uint64_t compute_below(int depth, uint64_t x)
{
	volatile uint64_t canary[8] = {x};

	for (int i = 0; i < 50; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	if (depth)
		x ^= compute_below(depth - 1, x);
	return x + canary[0];
}

static void compute(void *arg)
{
	uint64_t wanted = compute_below(40, 1);

	(void)arg;
	while (!load_relaxed(&stop_computing))
		CHECK(compute_below(40, 1) == wanted);
	gr_wg_done(&stress_wg);
}

static void struck(void)
{
	struct gr_stats stats;

	store_relaxed(&stop_computing, 0);
	gr_wg_add(&stress_wg, 4);
	for (int i = 0; i < 4; i++)
		CHECK(gr_go(compute, NULL) == 0);
	do {
		gr_sleep_ns(1000000);
		gr_stats_read(&stats);
	} while (stats.preemptions < 100);
	store_relaxed(&stop_computing, 1);
	gr_wg_wait(&stress_wg);
}

static void preempted_anywhere(void **state)
{
	(void)state;
	on_small(struck, "slice_us=200");
}

/* ---- memory ---------------------------------------------------------------------------------------------------------------- */

static long resident_kb(void)
{
	char line[256];
	long kb = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

static void wait_at_gate(void *arg)
{
	char c;

	gr_wg_done(arg);
	gr_chan_recv(gate, &c);
	gr_wg_done(&stress_wg);
}

static void many_parked(void)
{
	enum { N = 50000 };
	long before = resident_kb(), with;
	gr_wg arrived = {0};

	CHECK(gr_chan_new(1, 0, &gate) == 0);
	gr_wg_add(&arrived, N);
	gr_wg_add(&stress_wg, N);
	for (int i = 0; i < N; i++)
		CHECK(gr_go(wait_at_gate, &arrived) == 0);
	gr_wg_wait(&arrived);
	with = resident_kb() - before;
	CHECK(with * 1024 / N < 1228);
	gr_chan_close(gate);
	gr_wg_wait(&stress_wg);
	CHECK(resident_kb() - before < with / 2); /* above the watermark pages go back */
	gr_chan_free(gate);
}

static void little_memory_and_given_back(void **state)
{
	(void)state;
	on_small(many_parked, NULL);
}

static void lives(void)
{
	uint32_t seed = getenv("SEED") ? (uint32_t)atol(getenv("SEED")) : 4711;

	store_relaxed(&stress_errors, 0);
	stress_lives(seed, 2000);
	CHECK(load_relaxed(&stress_errors) == 0);
}

static void a_little_stress(void **state)
{
	(void)state;
	on_small(lives, NULL);
	on_small(lives, "seed=3");
}

/* ---- for test_gdb_grow.sh --------------------------------------------------------------------------------------------------- */

static __attribute__((noinline)) void stop_here(void)
{
	__asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) int run_below(int depth)
{
	volatile char room[200];

	room[depth] = 1;
	if (depth == 0)
		stop_here();
	else
		room[0] = (char)run_below(depth - 1);
	return room[depth];
}

static void run_on_segments(void *arg)
{
	run_below(10);
	gr_wg_done(arg);
}

static void be_looked_at(void *arg)
{
	(void)arg;
	if (gr_chan_new(1, 0, &gate))
		abort();
	gr_wg_add(&stress_wg, 1);
	gr_go_named("parked", park_on_segments, NULL);
	gr_yield();
	gr_wg_add(&wg, 1);
	gr_go_named("runner", run_on_segments, &wg);
	gr_wg_wait(&wg);
	gr_chan_close(gate);
	gr_wg_wait(&stress_wg);
}

static int be_a_victim(void)
{
	const struct gr_config c = {.procs = 1};

	alarm(110);
	if (gr_start(&c))
		return 1;
	if (!grows())
		return 77;
	gr_run(be_looked_at, NULL);
	gr_stop();
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kind_of_stack),
		cmocka_unit_test(can_be_turned_off),
		cmocka_unit_test(says_why_not),
		cmocka_unit_test(calls_at_each_depth),
		cmocka_unit_test(frames_larger_than_a_segment),
		cmocka_unit_test(the_libc),
		cmocka_unit_test(blocks_beside_the_stack),
		cmocka_unit_test(what_a_dead_one_had),
		cmocka_unit_test(grown_too_far),
		cmocka_unit_test(more_than_foreign_code_may),
		cmocka_unit_test(a_dump_crosses_segments),
		cmocka_unit_test(preempted_anywhere),
		cmocka_unit_test(little_memory_and_given_back),
		cmocka_unit_test(a_little_stress),
	};

	if (argc > 1 && !strcmp(argv[1], "stop"))
		return be_a_victim();
	return cmocka_run_group_tests_name("grow", tests, NULL, NULL);
}
