/*
 * test_registers.c - what the ABI says that a function call keeps is kept over a switch, register by register.
 *
 * A compiler uses what it likes, so a test in C may pass although a register gets lost (tests/gmp/test_stack.c has one
 * of that kind). Here a function in assembly fills every callee-saved register with a pattern of the calling G's, calls
 * something that switches, and stores what it finds afterwards. Between them the Gs use all patterns in turn.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "internal.h"

/* Callee-saved registers of the ABI, in the order in which registers_over uses them. */
#if defined(__x86_64__)
static const char *const names[] = {"rbx", "rbp", "r12", "r13", "r14", "r15"};
#elif defined(__aarch64__)
static const char *const names[] = {"x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28",
				    "x29", "d8",  "d9",  "d10", "d11", "d12", "d13", "d14", "d15"};
#endif
enum { N = ARRAY_LEN(names), GS = 7, ROUNDS = 50 };

/* Fill the registers from in[N], call fn, store them to out[N]. */
void registers_over(void (*fn)(void), const uint64_t *in, uint64_t *out);

#if defined(__x86_64__)
__asm__(".text\n"
	".globl registers_over\n"
	".type registers_over, @function\n"
	"registers_over:\n\t"
	"endbr64\n\t"
	"pushq %rbx\n\tpushq %rbp\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\t"
	"pushq %rdx\n\t" /* seven pushes and the return address: rsp is 16-aligned */
	"movq 0(%rsi), %rbx\n\tmovq 8(%rsi), %rbp\n\tmovq 16(%rsi), %r12\n\t"
	"movq 24(%rsi), %r13\n\tmovq 32(%rsi), %r14\n\tmovq 40(%rsi), %r15\n\t"
	"call *%rdi\n\t"
	"popq %rdx\n\t"
	"movq %rbx, 0(%rdx)\n\tmovq %rbp, 8(%rdx)\n\tmovq %r12, 16(%rdx)\n\t"
	"movq %r13, 24(%rdx)\n\tmovq %r14, 32(%rdx)\n\tmovq %r15, 40(%rdx)\n\t"
	"popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbp\n\tpopq %rbx\n\t"
	"ret\n"
	".size registers_over, .-registers_over\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl registers_over\n"
	".type registers_over, %function\n"
	"registers_over:\n\t"
	"stp x29, x30, [sp, #-176]!\n\t"
	"stp x19, x20, [sp, #16]\n\tstp x21, x22, [sp, #32]\n\tstp x23, x24, [sp, #48]\n\t"
	"stp x25, x26, [sp, #64]\n\tstp x27, x28, [sp, #80]\n\t"
	"stp d8, d9, [sp, #96]\n\tstp d10, d11, [sp, #112]\n\tstp d12, d13, [sp, #128]\n\tstp d14, d15, [sp, #144]\n\t"
	"str x2, [sp, #160]\n\t"
	"ldp x19, x20, [x1, #0]\n\tldp x21, x22, [x1, #16]\n\tldp x23, x24, [x1, #32]\n\t"
	"ldp x25, x26, [x1, #48]\n\tldp x27, x28, [x1, #64]\n\tldr x29, [x1, #80]\n\t"
	"ldp d8, d9, [x1, #88]\n\tldp d10, d11, [x1, #104]\n\tldp d12, d13, [x1, #120]\n\tldp d14, d15, [x1, #136]\n\t"
	"blr x0\n\t"
	"ldr x2, [sp, #160]\n\t"
	"stp x19, x20, [x2, #0]\n\tstp x21, x22, [x2, #16]\n\tstp x23, x24, [x2, #32]\n\t"
	"stp x25, x26, [x2, #48]\n\tstp x27, x28, [x2, #64]\n\tstr x29, [x2, #80]\n\t"
	"stp d8, d9, [x2, #88]\n\tstp d10, d11, [x2, #104]\n\tstp d12, d13, [x2, #120]\n\tstp d14, d15, [x2, #136]\n\t"
	"ldp d8, d9, [sp, #96]\n\tldp d10, d11, [sp, #112]\n\tldp d12, d13, [sp, #128]\n\tldp d14, d15, [sp, #144]\n\t"
	"ldp x19, x20, [sp, #16]\n\tldp x21, x22, [sp, #32]\n\tldp x23, x24, [sp, #48]\n\t"
	"ldp x25, x26, [sp, #64]\n\tldp x27, x28, [sp, #80]\n\t"
	"ldp x29, x30, [sp], #176\n\t"
	"ret\n"
	".size registers_over, .-registers_over\n");
#endif

static gr_wg wg;
static _Atomic uint32_t bad[N], rounds, errors;

/* A pattern that tells register, G and round apart; never a stack address or a small number. */
static uint64_t pattern(uint64_t g, uint64_t i, uint64_t round)
{
	return 0x9e3779b97f4a7c15u * (g * N * ROUNDS + round * N + i + 1);
}

static void sleep_a_little(void)
{
	gr_sleep_ns(1000);
}

/* Comes back on the scheduler's stack in between, and perhaps on another thread. */
static void call_blocking(void)
{
	gr_syscall_enter();
	gr_syscall_exit();
	gr_yield();
}

static void keep(void *arg)
{
	static void (*const ways[])(void) = {gr_yield, sleep_a_little, call_blocking};
	uint64_t g = (uintptr_t)arg, in[N], out[N];

	for (uint64_t round = 0; round < ROUNDS; round++) {
		for (uint64_t i = 0; i < N; i++)
			in[i] = pattern(g, i, round);
		memset(out, 0, sizeof(out));
		registers_over(ways[(g + round) % ARRAY_LEN(ways)], in, out);
		for (uint64_t i = 0; i < N; i++)
			if (out[i] != in[i])
				fetch_add_relaxed(&bad[i], 1);
		fetch_add_relaxed(&rounds, 1);
	}
	gr_wg_done(&wg);
}

static void keep_beside_each_other(void *arg)
{
	(void)arg;
	for (uintptr_t i = 0; i < GS; i++) {
		gr_wg_add(&wg, 1);
		if (gr_go(keep, (void *)i))
			gr_wg_done(&wg);
	}
	gr_wg_wait(&wg);
}

static void callee_saved_registers_are_kept(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config c = {.procs = procs};

		memset(&wg, 0, sizeof(wg));
		store_relaxed(&rounds, 0);
		assert_int_equal(gr_start(&c), 0);
		gr_run(keep_beside_each_other, NULL);
		gr_stop();
		assert_int_equal(load_relaxed(&rounds), GS * ROUNDS);
		for (size_t i = 0; i < N; i++)
			if (load_relaxed(&bad[i]))
				fail_msg("%s was lost %u times", names[i], (unsigned)load_relaxed(&bad[i]));
	}
}

/* ---- the control words of floating point ------------------------------------------------------------------ */

/* What the ABI calls callee-saved: control bits, not status flags. */
struct fp_control {
	uint64_t vector; /* amd64: MXCSR; arm64: FPCR */
	uint64_t x87;
};

static struct fp_control fp_control_read(void)
{
	struct fp_control c = {0, 0};
#if defined(__x86_64__)
	uint16_t word;

	__asm__ volatile("fnstcw %0" : "=m"(word));
	c.x87 = word;
	c.vector = __builtin_ia32_stmxcsr() & ~0x3fu;
#elif defined(__aarch64__)
	__asm__ volatile("mrs %0, fpcr" : "=r"(c.vector));
#endif
	return c;
}

static void fp_control_write(struct fp_control c)
{
#if defined(__x86_64__)
	uint16_t word = (uint16_t)c.x87;

	__asm__ volatile("fldcw %0" ::"m"(word));
	__builtin_ia32_ldmxcsr((uint32_t)c.vector);
#elif defined(__aarch64__)
	__asm__ volatile("msr fpcr, %0" ::"r"(c.vector));
#endif
}

static bool is_same(struct fp_control a, struct fp_control b)
{
	return a.vector == b.vector && a.x87 == b.x87;
}

/* A way i of four to round, with flushing of denormal numbers for some: bits that a switch must not take for flags. */
static struct fp_control fp_control_of(struct fp_control usual, uint64_t i)
{
#if defined(__x86_64__)
	usual.vector =
		(usual.vector & ~0xe040u) | (i % 4) << 13 | (i % 3 == 0 ? 1u << 15 : 0) | (i % 5 == 0 ? 1u << 6 : 0);
	usual.x87 = (usual.x87 & ~0xc00u) | ((i + 1) % 4) << 10;
#elif defined(__aarch64__)
	usual.vector = (i % 4) << 22 | (i % 3 == 0 ? 1ul << 24 : 0);
#endif
	return usual;
}

static struct fp_control at_start;

static void keep_fp_control(void *arg)
{
	const struct fp_control mine = fp_control_of(at_start, (uintptr_t)arg);

	if (!is_same(fp_control_read(), at_start))
		fetch_add_relaxed(&errors, 1);
	fp_control_write(mine);
	for (int round = 0; round < ROUNDS; round++) {
		volatile double third = 1.0;

		third = third / 3; /* sets the flag "inexact": not part of what is kept */
		gr_yield();
		if (!is_same(fp_control_read(), mine))
			fetch_add_relaxed(&errors, 1);
	}
	/* Ends as it is: neither who comes after it on this stack nor the scheduler may notice. */
	gr_wg_done(&wg);
}

static void set_fp_control(void *arg)
{
	(void)arg;
	at_start = fp_control_read();
	for (int batch = 0; batch < 3; batch++) {
		for (uintptr_t i = 0; i < 12; i++) {
			gr_wg_add(&wg, 1);
			if (gr_go(keep_fp_control, (void *)i))
				gr_wg_done(&wg);
		}
		gr_wg_wait(&wg);
		if (!is_same(fp_control_read(), at_start))
			fetch_add_relaxed(&errors, 1);
	}
}

/* Each G has its own control words, and a new one begins with the process's, whoever made it or had its stack. */
static void fp_control_is_a_gs_own(void **state)
{
	struct fp_control before = fp_control_read();

	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config c = {.procs = procs};

		memset(&wg, 0, sizeof(wg));
		store_relaxed(&errors, 0);
		assert_int_equal(gr_start(&c), 0);
		gr_run(set_fp_control, NULL);
		gr_stop();
		assert_int_equal(load_relaxed(&errors), 0);
		assert_true(is_same(at_start, before));
	}
}

static void spawn_from_odd(void *arg)
{
	(void)arg;
	at_start = fp_control_read();
	fp_control_write(fp_control_of(at_start, 1));
	for (uintptr_t i = 0; i < 12; i++) {
		gr_wg_add(&wg, 1);
		if (gr_go(keep_fp_control, (void *)i))
			gr_wg_done(&wg);
	}
	gr_wg_wait(&wg);
	if (!is_same(fp_control_read(), fp_control_of(at_start, 1)))
		fetch_add_relaxed(&errors, 1);
	fp_control_write(at_start);
}

static void a_new_g_does_not_inherit_fp_control(void **state)
{
	const struct gr_config c = {.procs = 1};

	(void)state;
	memset(&wg, 0, sizeof(wg));
	store_relaxed(&errors, 0);
	assert_int_equal(gr_start(&c), 0);
	gr_run(spawn_from_odd, NULL);
	gr_stop();
	assert_int_equal(load_relaxed(&errors), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(callee_saved_registers_are_kept),
		cmocka_unit_test(fp_control_is_a_gs_own),
		cmocka_unit_test(a_new_g_does_not_inherit_fp_control),
	};

	return cmocka_run_group_tests_name("gmp/registers", tests, NULL, NULL);
}
