/*
 * test_unwind.c - the stack of a G can be unwound from within, by table and by frame pointer, and ends at its entry.
 *
 * Unwinders that do not know where to stop read on behind the top of the stack and crash, or report nonsense: profilers,
 * exceptions, backtrace() in a crash handler. With an argument, this is the program that test_gdb.sh looks at from
 * outside: Gs in every state, which then stops in `stop_here`.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <execinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#include "arch/ctx.h"
#include "internal.h"

enum { FRAMES = 64, DEPTH = 5, ENTRY_BYTES = 64 }; /* gr__ctx_entry is a few instructions */

/* ---- from within ------------------------------------------------------------------------------------------ */

struct trace {
	uintptr_t ips[FRAMES], cfas[FRAMES];
	int n;
	int verdict; /* _Unwind_Reason_Code */
};

static struct walks {
	struct trace by_table, by_pointer;
	void *by_libc[FRAMES];
	int by_libc_n;
	uintptr_t stack_lo, stack_hi;
} walks;

static _Unwind_Reason_Code one_frame(struct _Unwind_Context *context, void *arg)
{
	struct trace *t = arg;

	if (!_Unwind_GetIP(context))
		return _URC_NO_REASON; /* where libgcc has found the end */
	if (t->n == FRAMES)
		return _URC_NORMAL_STOP;
	t->ips[t->n] = _Unwind_GetIP(context);
	t->cfas[t->n++] = _Unwind_GetCFA(context);
	return _URC_NO_REASON;
}

/* What `perf record --call-graph fp` does: pairs of the caller's frame pointer and the return address. */
static void walk_pointers(struct trace *t, uintptr_t fp)
{
	while (fp && t->n < FRAMES) {
		const uintptr_t *pair = (const uintptr_t *)fp;

		t->cfas[t->n] = fp;
		if (fp < walks.stack_lo || fp >= walks.stack_hi)
			break; /* not read */
		t->ips[t->n++] = pair[1];
		fp = pair[0];
	}
	t->verdict = fp != 0;
}

static __attribute__((noinline)) int walk(int depth)
{
	volatile int below = 0;

	if (depth) {
		below = walk(depth - 1);
		return below + 1;
	}
	gr_yield(); /* also after a switch */
	walks.stack_lo = (uintptr_t)gr__self()->stack_lo;
	walks.stack_hi = (uintptr_t)gr__self()->stack_hi;
	walks.by_table.verdict = (int)_Unwind_Backtrace(one_frame, &walks.by_table);
	walks.by_libc_n = backtrace(walks.by_libc, FRAMES);
	walk_pointers(&walks.by_pointer, (uintptr_t)__builtin_frame_address(0));
	return below;
}

static void walk_down(void *arg)
{
	volatile int depth = walk(DEPTH);

	*(int *)arg = depth;
}

static void yield_beside(void *arg)
{
	(void)arg;
	gr_yield();
	gr_yield();
}

static void walk_in_a_g(void *arg)
{
	gr_go(yield_beside, NULL);
	walk_down(arg);
}

static bool is_entry(uintptr_t ip)
{
	uintptr_t entry = (uintptr_t)gr__ctx_entry;

	return ip > entry && ip <= entry + ENTRY_BYTES;
}

/* The last frame is the entry, none before it is, and the frames lie in order in the stack. */
static void assert_ends_at_the_entry(const struct trace *t)
{
	assert_true(t->n > DEPTH + 2 && t->n < FRAMES);
	for (int i = 0; i < t->n; i++) {
		assert_int_equal(is_entry(t->ips[i]), i == t->n - 1);
		assert_true(t->cfas[i] > walks.stack_lo && t->cfas[i] <= walks.stack_hi);
		assert_true(i == 0 || t->cfas[i] >= t->cfas[i - 1]);
	}
}

static void start_and_walk(void)
{
	const struct gr_config c = {.procs = 1, .stack_bytes = 256 * 1024}; /* unwinders use much */
	int depth = 0;
	void *warm_up[4];

	backtrace(warm_up, 4); /* loads a library the first time */
	memset(&walks, 0, sizeof(walks));
	assert_int_equal(gr_start(&c), 0);
	gr_run(walk_in_a_g, &depth);
	gr_stop();
	assert_int_equal(depth, DEPTH);
}

static void unwind_tables_end_at_the_entry(void **state)
{
	(void)state;
	start_and_walk();
	assert_int_equal(walks.by_table.verdict, _URC_END_OF_STACK);
	assert_ends_at_the_entry(&walks.by_table);
}

static void libc_backtrace_ends_at_the_entry(void **state)
{
	(void)state;
	start_and_walk();
	assert_true(walks.by_libc_n > DEPTH + 2 && walks.by_libc_n < FRAMES);
	for (int i = 0; i < walks.by_libc_n; i++)
		assert_int_equal(is_entry((uintptr_t)walks.by_libc[i]), i == walks.by_libc_n - 1);
}

static void frame_pointers_end_at_the_entry(void **state)
{
	(void)state;
	start_and_walk();
	assert_int_equal(walks.by_pointer.verdict, 0);
	assert_ends_at_the_entry(&walks.by_pointer);
}

/* ---- for a debugger ----------------------------------------------------------------------------------------- */

static gr_chan *never;
static int pipe_fds[2];
static _Atomic uint32_t seen;

static __attribute__((noinline)) int wait_inner(int depth)
{
	volatile int local = depth;
	char c;

	if (depth) {
		local += wait_inner(depth - 1);
		return local;
	}
	fetch_add_relaxed(&seen, 1);
	local += gr_chan_recv(never, &c);
	return local;
}

static void wait_outer(void *arg)
{
	*(volatile int *)arg = wait_inner(2);
}

static void sleep_long(void *arg)
{
	(void)arg;
	gr_set_label("naps");
	fetch_add_relaxed(&seen, 1);
	gr_sleep_ns(3600ull * 1000000000);
	store_relaxed(&seen, 0); /* so that the call is no jump */
}

static void block_long(void *arg)
{
	volatile ssize_t got;
	char c;

	(void)arg;
	gr_syscall_enter();
	fetch_add_relaxed(&seen, 1);
	got = read(pipe_fds[0], &c, 1);
	gr_syscall_exit();
	(void)got;
}

static void yield_on(void *arg)
{
	(void)arg;
	fetch_add_relaxed(&seen, 1);
	for (;;)
		gr_yield();
}

static void never_run(void *arg)
{
	(void)arg;
}

/* The debugger stops here. With "abort" as the argument the kernel does, and writes a core file. */
__attribute__((noinline)) void stop_here(const char *how);
__attribute__((noinline)) void stop_here(const char *how)
{
	__asm__ volatile("" ::"r"(how) : "memory");
	if (!strcmp(how, "abort"))
		abort();
}

static void be_looked_at(void *arg)
{
	static int out;
	const struct gr_attr large = {.name = "fresh",
				      .stack_bytes = gr__sched.knobs.stack_bytes * 2}; /* gets its stack at once */

	gr_go_named("ended", never_run, NULL);
	gr_go_named("waiter", wait_outer, &out);
	gr_go_named("sleeper", sleep_long, NULL);
	gr_go_named("blocker", block_long, NULL);
	gr_go_named("yielder", yield_on, NULL);
	while (load_relaxed(&seen) < 4)
		gr_yield();
	gr_yield(); /* each is where it says that it is */
	gr_go_with(&large, never_run, NULL);
	gr_go_named("unborn", never_run, NULL);
	stop_here(arg);
	store_relaxed(&seen, 0); /* as above */
}

static int be_a_victim(char *how)
{
	const struct gr_config c = {.procs = 1};

	alarm(110);
	if (pipe(pipe_fds) || gr_start(&c) || gr_chan_new(1, 0, &never))
		return 1;
	gr_run(be_looked_at, how);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unwind_tables_end_at_the_entry),
		cmocka_unit_test(libc_backtrace_ends_at_the_entry),
		cmocka_unit_test(frame_pointers_end_at_the_entry),
	};

	if (argc > 1)
		return be_a_victim(argv[1]);
	return cmocka_run_group_tests_name("gmp/unwind", tests, NULL, NULL);
}
