/*
 * test_stack.c - stacks: reuse, many at once, what a G may use of its own, and what an overflow says.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "internal.h"
#include "os.h"
#include "san.h"

/* ThreadSanitizer allows about 8000 stacks, and each is dear under both. */
enum { MANY = GR_TSAN ? 500 : GR_ASAN ? 3000 : 100000 };

static _Atomic uint32_t ended, errors;
static gr_wg wg;

static void start(unsigned procs, size_t stack_bytes)
{
	struct gr_config c = {.procs = procs, .stack_bytes = stack_bytes};

	store_relaxed(&ended, 0);
	store_relaxed(&errors, 0);
	memset(&wg, 0, sizeof(wg));
	assert_int_equal(gr_start(&c), 0);
}

/* ---- batches ---------------------------------------------------------------------------------------- */

static void done(void *arg)
{
	gr_wg_done(arg);
}

static void batches(void *arg)
{
	for (uintptr_t i = 0; i < (uintptr_t)arg; i++) {
		gr_wg_add(&wg, 300);
		for (int j = 0; j < 300; j++)
			if (gr_go(done, &wg))
				gr_wg_done(&wg);
		gr_wg_wait(&wg);
	}
}

static void batches_reuse_stacks(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 3; procs++) {
		struct gr_stats first, last;

		start(procs, 0);
		gr_run(batches, (void *)(uintptr_t)1);
		gr_stats_read(&first);
		gr_run(batches, (void *)(uintptr_t)50);
		gr_stats_read(&last);
		gr_stop();
		assert_int_equal(last.spawns, 51 * 300 + 2);
		/* No batch needs more than one batch's worth, and what one P has cached another one may lack. */
		assert_true(first.stacks_mapped >= 1);
		assert_true(last.stacks_mapped <= 300 + procs * 200);
	}
}

/* ---- many --------------------------------------------------------------------------------------------- */

static gr_chan *gate;

static void wait_at_gate(void *arg)
{
	char c;

	(void)arg;
	fetch_add_relaxed(&ended, 1);
	if (gr_chan_recv(gate, &c))
		fetch_add_relaxed(&errors, 1);
	gr_wg_done(&wg);
}

static void park_many(void *arg)
{
	uint32_t n = 0;

	(void)arg;
	if (gr_chan_new(1, 0, &gate))
		return;
	for (int i = 0; i < MANY; i++) {
		gr_wg_add(&wg, 1);
		if (gr_go(wait_at_gate, NULL)) {
			gr_wg_done(&wg);
			fetch_add_relaxed(&errors, 1);
			break;
		}
		n++;
		if (i % 256 == 0)
			gr_yield();
	}
	while (load_relaxed(&ended) < n)
		gr_yield();
	gr_chan_close(gate);
	gr_wg_wait(&wg);
	gr_chan_free(gate);
}

static void many_wait_at_once_and_again(void **state)
{
	(void)state;
	start(2, 0);
	gr_run(park_many, NULL);
	assert_int_equal(load_relaxed(&errors), 0);
	assert_int_equal(load_relaxed(&ended), MANY);
	store_relaxed(&ended, 0);
	gr_run(park_many, NULL); /* now partly from stacks whose pages had gone back */
	gr_stop();
	assert_int_equal(load_relaxed(&errors), 0);
	assert_int_equal(load_relaxed(&ended), MANY);
}

/* More stacks than there are mappings for guards: the rest does without, and says so. */
static void guards_run_out(void **state)
{
	struct gr_config c = {.procs = 2, .knobs = "guard=1"};
	const char *names[16], *expected = MANY > 50000 ? "canary" : "mprotect";
	char values[16][32];
	size_t n;
	int seen = 0;

	(void)state;
	store_relaxed(&ended, 0);
	store_relaxed(&errors, 0);
	memset(&wg, 0, sizeof(wg));
	assert_int_equal(gr_start(&c), 0);
	gr_run(park_many, NULL);
	n = gr_knobs(names, values, 16);
	for (size_t i = 0; i < n; i++)
		seen += !strcmp(names[i], "guard") && !strcmp(values[i], expected);
	gr_stop();
	assert_int_equal(load_relaxed(&errors), 0);
	assert_int_equal(load_relaxed(&ended), MANY);
	if (gr__os_max_mappings() < 100000)
		assert_int_equal(seen, 1);
}

/* ---- what is kept over a switch -------------------------------------------------------------------------- */

/* Rounding up or to nearest, without libm. */
static void round_up(bool up)
{
#if defined(__x86_64__)
	__builtin_ia32_ldmxcsr((__builtin_ia32_stmxcsr() & ~0x6000u) | (up ? 0x4000u : 0));
#elif defined(__aarch64__)
	__asm__ volatile("msr fpcr, %0" ::"r"(up ? 1ul << 22 : 0ul));
#endif
}

static bool rounds_up(void)
{
#if defined(__x86_64__)
	return (__builtin_ia32_stmxcsr() & 0x6000u) == 0x4000u;
#elif defined(__aarch64__)
	uint64_t fpcr;

	__asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
	return (fpcr >> 22 & 3) == 1;
#endif
}

static void keep_values(void *arg)
{
	volatile double scale = 1.0 + (double)(uintptr_t)arg;
	uint64_t a = (uintptr_t)arg, b = a * 3, c = a ^ 0x55, d = a + 9, e = ~a;
	double x = scale, y = scale / 3;

	if ((uintptr_t)arg % 2)
		round_up(true);
	for (int i = 0; i < 200; i++) {
		gr_yield();
		a += b, b ^= c, c += d, d ^= e, e += 1;
		x = x * 1.0 + 0.0;
		if (rounds_up() != ((uintptr_t)arg % 2 == 1))
			fetch_add_relaxed(&errors, 1);
	}
	for (int i = 0; i < 200; i++)
		e -= 1, d ^= e, c -= d, b ^= c, a -= b;
	if (a != (uintptr_t)arg || b != a * 3 || c != (a ^ 0x55) || d != a + 9 || e != ~a || x != scale)
		fetch_add_relaxed(&errors, 1);
	if ((uintptr_t)arg % 2 == 0 && y != scale / 3)
		fetch_add_relaxed(&errors, 1);
	fetch_add_release(&ended, 1);
}

static void keep_values_beside_each_other(void *arg)
{
	(void)arg;
	for (uintptr_t i = 0; i < 20; i++)
		gr_go(keep_values, (void *)i);
	while (load_acquire(&ended) < 20)
		gr_yield();
}

static void registers_and_rounding_survive(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 3; procs++) {
		start(procs, 0);
		gr_run(keep_values_beside_each_other, NULL);
		gr_stop();
		assert_int_equal(load_relaxed(&errors), 0);
		assert_int_equal(load_relaxed(&ended), 20);
	}
}

/* printf of a double uses vector registers with aligned accesses: dies if the entry is misaligned. */
static void print(void *arg)
{
	char text[64];

	snprintf(text, sizeof(text), "%.3f %d", 1.0 / 3, 7);
	if (strcmp(text, "0.333 7"))
		fetch_add_relaxed(&errors, 1);
	*(int *)arg = 1;
}

static void libc_works_on_a_g_stack(void **state)
{
	int ran = 0;

	(void)state;
	start(1, 64 * 1024);
	gr_run(print, &ran);
	gr_stop();
	assert_int_equal(load_relaxed(&errors), 0);
	assert_int_equal(ran, 1);
}

/* ---- overflow ------------------------------------------------------------------------------------------------- */

static uint64_t __attribute__((noinline)) recurse(uint64_t n)
{
	volatile char frame[200];

	frame[0] = (char)n;
	return n ? recurse(n - 1) + (uint64_t)frame[0] : 0;
}

static void recurse_too_deep(void *arg)
{
	(void)arg;
	recurse(100000);
}

static void start_deep(void *arg)
{
	gr_go_named("digger", recurse_too_deep, NULL);
	for (;;)
		gr_yield();
	(void)arg;
}

static void run_child(const void *arg)
{
	void (*const *fn)(void) = arg;

	signal(SIGABRT, SIG_DFL); /* cmocka catches it */
	signal(SIGSEGV, SIG_DFL);
	(*fn)();
}

/* What a child process that runs fn says on stderr before it ends; its wait status in *status. */
static void say_in_child(void (*fn)(void), char *said, size_t cap, int *status)
{
	*status = child_says(run_child, &fn, said, cap);
}

static void overflow(void)
{
	struct gr_config c = {.procs = 2};

	if (!gr_start(&c))
		gr_run(start_deep, NULL);
}

static void overflow_into_mapping(void)
{
	struct gr_config c = {.procs = 2, .knobs = "guard=1"};

	if (!gr_start(&c))
		gr_run(start_deep, NULL);
}

static void overflow_names_the_goroutine(void **state)
{
	char said[4096];
	int status;

	(void)state;
	say_in_child(overflow_into_mapping, said, sizeof(said), &status);
	assert_non_null(strstr(said, "stack overflow of goroutine"));
	assert_non_null(strstr(said, "(digger)"));
	say_in_child(overflow, said, sizeof(said), &status);
	assert_non_null(strstr(said, "stack overflow of goroutine"));
	assert_non_null(strstr(said, "(digger)"));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* One frame that is larger than the whole slot: it must meet the guard and not the neighbour. */
static uint64_t __attribute__((noinline)) use_large_frame(void)
{
	volatile char frame[GR_ASAN || GR_TSAN ? 1 << 20 : 200 * 1024];

	__asm__ volatile("" ::"r"(frame) : "memory"); /* else a compiler may keep no more of it than it uses */
	frame[0] = 1;
	return (uint64_t)frame[0];
}

static void step_over_the_guard(void *arg)
{
	(void)arg;
	use_large_frame();
}

static void start_strider(void *arg)
{
	(void)arg;
	/* Others below and above, so that there is memory where the frame would end. */
	for (int i = 0; i < 40; i++)
		gr_go_named(i == 39 ? "strider" : "beside", i == 39 ? step_over_the_guard : start_deep, NULL);
	gr_yield();
}

static void overflow_by_one_frame(void)
{
	struct gr_config c = {.procs = 1};

	if (!gr_start(&c))
		gr_run(start_strider, NULL);
}

static void large_frame_meets_the_guard(void **state)
{
	char said[4096];
	int status;

	(void)state;
	say_in_child(overflow_by_one_frame, said, sizeof(said), &status);
	assert_non_null(strstr(said, "stack overflow of goroutine"));
	assert_non_null(strstr(said, "(strider)"));
}

/* Goes down to the last part of its stack and yields there: what is run first after the switch back has no room. */
static void __attribute__((noinline)) yield_deep_down(void)
{
	volatile char frame[100];

	frame[0] = 1;
	if ((char *)__builtin_frame_address(0) - gr__self()->stack_lo > 4096 + 2048)
		yield_deep_down();
	else
		while (!load_relaxed(&ended))
			gr_yield();
	frame[1] = frame[0];
}

static void be_deep_down(void *arg)
{
	(void)arg;
	yield_deep_down();
}

static bool commit_that_digs(struct gr_g *g, void *arg)
{
	(void)g;
	(void)arg;
	return recurse(100000) == 1;
}

static void park_onto_it(void *arg)
{
	(void)arg;
	gr_go_named("deep", be_deep_down, NULL);
	gr_yield(); /* it goes down and yields to us */
	gr__park(commit_that_digs, NULL, GR__WAIT_TEST);
}

static void overflow_in_a_switch(void)
{
	struct gr_config c = {.procs = 1};

	if (!gr_start(&c))
		gr_run(park_onto_it, NULL);
}

/* No G is current then; the one whose stack it is gets named all the same. */
static void overflow_in_a_switch_is_told(void **state)
{
	char said[4096];
	int status;

	(void)state;
	say_in_child(overflow_in_a_switch, said, sizeof(said), &status);
	assert_non_null(strstr(said, "stack overflow of goroutine"));
	assert_non_null(strstr(said, "(deep)"));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* What an overflow leaves behind that nothing has stopped. */
static void touch_lowest_word(void *arg)
{
	(void)arg;
	*(volatile uint64_t *)(void *)gr__self()->stack_lo = 1;
}

static void overflow_unseen(void)
{
	struct gr_config c = {.procs = 1, .knobs = "guard=2"};

	if (gr_start(&c))
		return;
	gr_run(touch_lowest_word, NULL);
	gr_stop();
}

static void canary_is_looked_at_in_the_end(void **state)
{
	char said[4096];
	int status;

	(void)state;
	say_in_child(overflow_unseen, said, sizeof(said), &status);
	assert_non_null(strstr(said, "stack overflow of goroutine"));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void write_to_nowhere(void *arg)
{
	*(volatile int *)arg = 1;
}

static void fault(void)
{
	struct gr_config c = {.procs = 1};

	if (!gr_start(&c))
		gr_run(write_to_nowhere, (void *)16);
}

static void other_faults_are_left_alone(void **state)
{
	char said[4096];
	int status;

	(void)state;
	say_in_child(fault, said, sizeof(said), &status);
	assert_null(strstr(said, "stack overflow of goroutine"));
	/* sanitizers report and exit their own way */
	assert_true(GR_ASAN || GR_TSAN || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- deadlock and dump -------------------------------------------------------------------------------- */

static void recv_forever(void *arg)
{
	char c;

	gr_chan_recv(arg, &c);
}

static void all_wait(void *arg)
{
	gr_chan *c;

	(void)arg;
	if (gr_chan_new(1, 0, &c))
		return;
	for (int i = 0; i < 3; i++)
		gr_go_named("waiter", recv_forever, c);
	recv_forever(c);
}

static void deadlock(void)
{
	struct gr_config c = {.procs = 3};

	if (!gr_start(&c))
		gr_run(all_wait, NULL);
}

static void deadlock_is_told(void **state)
{
	char said[4096], *at;
	int status, waiters = 0;

	(void)state;
	say_in_child(deadlock, said, sizeof(said), &status);
	assert_non_null(strstr(said, "all goroutines are asleep - deadlock"));
	assert_non_null(strstr(said, "(main) [chan receive"));
	for (at = said; (at = strstr(at, "(waiter) [chan receive")); at++)
		waiters++;
	assert_int_equal(waiters, 3);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
}

struct two_runs {
	gr_chan *c;
	int ran;
};

static void recv_for_run(void *arg)
{
	struct two_runs *r = arg;
	char c;

	r->ran += gr_chan_recv(r->c, &c);
}

static void *run_and_wait(void *arg)
{
	gr_run(recv_for_run, arg);
	return NULL;
}

static void send_for_run(void *arg)
{
	char c = 1;

	gr_chan_send(arg, &c);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* All Gs wait in one thread's run, and another thread's wakes them. */
static void wait_for_another_run_is_no_deadlock(void **state)
{
	struct timespec t = {0, 20 * 1000 * 1000};
	struct two_runs r = {NULL, 0};
	pthread_t thread;

	(void)state;
	start(2, 0);
	assert_int_equal(gr_chan_new(1, 0, &r.c), 0);
	gr_run(nothing, NULL); /* from here on the runtime knows that there are two */
	assert_int_equal(pthread_create(&thread, NULL, run_and_wait, &r), 0);
	nanosleep(&t, NULL);
	gr_run(send_for_run, r.c);
	assert_int_equal(pthread_join(thread, NULL), 0);
	gr_stop();
	gr_chan_free(r.c);
	assert_int_equal(r.ran, 1);
}

static void sleep_then_end(void *arg)
{
	(void)arg;
	gr_sleep_ns(30 * 1000 * 1000);
}

static void sleeping_is_no_deadlock(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 3; procs++) {
		start(procs, 0);
		gr_run(sleep_then_end, NULL);
		gr_stop();
	}
}

static void parked_outside_a_run_is_no_deadlock(void **state)
{
	struct timespec t = {0, 20 * 1000 * 1000};

	(void)state;
	start(2, 0);
	assert_int_equal(gr_chan_new(1, 0, &gate), 0);
	gr_run(batches, (void *)(uintptr_t)1);
	nanosleep(&t, NULL);
	gr_run(batches, (void *)(uintptr_t)1);
	gr_stop();
	gr_chan_free(gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_reuse_stacks),
		cmocka_unit_test(many_wait_at_once_and_again),
		cmocka_unit_test(guards_run_out),
		cmocka_unit_test(registers_and_rounding_survive),
		cmocka_unit_test(libc_works_on_a_g_stack),
		cmocka_unit_test(overflow_names_the_goroutine),
		cmocka_unit_test(large_frame_meets_the_guard),
		cmocka_unit_test(overflow_in_a_switch_is_told),
		cmocka_unit_test(canary_is_looked_at_in_the_end),
		cmocka_unit_test(other_faults_are_left_alone),
		cmocka_unit_test(deadlock_is_told),
		cmocka_unit_test(wait_for_another_run_is_no_deadlock),
		cmocka_unit_test(sleeping_is_no_deadlock),
		cmocka_unit_test(parked_outside_a_run_is_no_deadlock),
	};

	return cmocka_run_group_tests_name("gmp/stack", tests, NULL, NULL);
}
