/*
 * test_preempt_registers.c - a G that is stopped in the middle of its computing has every register afterwards that it had,
 * on whatever thread it goes on: not only those that a call keeps, as test_registers.c has it for switches.
 *
 * A function in assembly, in the marked section, fills all registers with a pattern, spins without touching any of them,
 * and stores what it finds. Flags are looked at in the spin itself. Gs with other patterns do the same on the same Ps, in
 * C code that uses as many registers as it likes, so that what gets lost is overwritten.
 */
#include "preempt_test.h"

/* What the spin ends by; how often it has found the carry flag changed. Read from assembly. */
_Atomic int spin_end __attribute__((used));
_Atomic int spin_flags_lost __attribute__((used));

#if defined(__x86_64__)
enum { GENERAL = 15, VECTORS = 16, X87 = 8 }; /* all but rsp */
static const char *const names[GENERAL] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8",
					   "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
#elif defined(__aarch64__)
enum { GENERAL = 29, VECTORS = 32, X87 = 0 }; /* x0 to x30 but x16 and x17, with which the flag is read */
#endif

struct registers {
	uint64_t general[32];
	uint64_t vector[32][2];
	uint8_t x87[8][16]; /* 10 bytes each */
};
_Static_assert(offsetof(struct registers, vector) == 256 && offsetof(struct registers, x87) == 768, "as in assembly");

/* Load all from *in, spin until spin_end, store all to *out. */
void spin_with(const struct registers *in, struct registers *out);
/* The high halves of ymm0 to ymm15, from and to `vector`. amd64 with AVX only. */
void spin_with_wide(const struct registers *in, struct registers *out);

#if defined(__x86_64__)
__asm__(".pushsection gr_preemptible, \"ax\", @progbits\n"
	".globl spin_with\n.type spin_with, @function\n"
	"spin_with:\n\t"
	"pushq %rbx\n\tpushq %rbp\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\tpushq %rsi\n\t"
	".irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\tmovups 256+16*\\i(%rdi), %xmm\\i\n\t.endr\n\t"
	".irp i, 7,6,5,4,3,2,1,0\n\tfldt 768+16*\\i(%rdi)\n\t.endr\n\t"
	"movq 0(%rdi), %rax\n\tmovq 8(%rdi), %rbx\n\tmovq 16(%rdi), %rcx\n\tmovq 24(%rdi), %rdx\n\t"
	"movq 32(%rdi), %rsi\n\tmovq 48(%rdi), %rbp\n\tmovq 56(%rdi), %r8\n\tmovq 64(%rdi), %r9\n\t"
	"movq 72(%rdi), %r10\n\tmovq 80(%rdi), %r11\n\tmovq 88(%rdi), %r12\n\tmovq 96(%rdi), %r13\n\t"
	"movq 104(%rdi), %r14\n\tmovq 112(%rdi), %r15\n\tmovq 40(%rdi), %rdi\n"
	"1:\n\t"
	"stc\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tjnc 3f\n\t"
	"clc\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tjc 3f\n"
	"2:\n\t"
	"cmpl $0, spin_end(%rip)\n\tje 1b\n\t"
	"pushq %rax\n\tmovq 8(%rsp), %rax\n\tpopq 0(%rax)\n\t"
	"movq %rbx, 8(%rax)\n\tmovq %rcx, 16(%rax)\n\tmovq %rdx, 24(%rax)\n\tmovq %rsi, 32(%rax)\n\t"
	"movq %rdi, 40(%rax)\n\tmovq %rbp, 48(%rax)\n\tmovq %r8, 56(%rax)\n\tmovq %r9, 64(%rax)\n\t"
	"movq %r10, 72(%rax)\n\tmovq %r11, 80(%rax)\n\tmovq %r12, 88(%rax)\n\tmovq %r13, 96(%rax)\n\t"
	"movq %r14, 104(%rax)\n\tmovq %r15, 112(%rax)\n\t"
	".irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\tmovups %xmm\\i, 256+16*\\i(%rax)\n\t.endr\n\t"
	".irp i, 0,1,2,3,4,5,6,7\n\tfstpt 768+16*\\i(%rax)\n\t.endr\n\t"
	"popq %rsi\n\tpopq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbp\n\tpopq %rbx\n\tret\n"
	"3:\n\tlock incl spin_flags_lost(%rip)\n\tjmp 2b\n"
	".size spin_with, .-spin_with\n"
	".globl spin_with_wide\n.type spin_with_wide, @function\n"
	"spin_with_wide:\n\t"
	".irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
	"vbroadcastf128 256+16*\\i(%rdi), %ymm\\i\n\t.endr\n"
	"1:\n\tcmpl $0, spin_end(%rip)\n\tje 1b\n\t"
	".irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
	"vextractf128 $1, %ymm\\i, 256+16*\\i(%rsi)\n\t.endr\n\t"
	"vzeroupper\n\tret\n"
	".size spin_with_wide, .-spin_with_wide\n"
	".popsection\n");
#elif defined(__aarch64__)
#define PAIRS(op, base)                                                                                                \
	op " x2, x3, [" base ", #16]\n\t" op " x4, x5, [" base ", #32]\n\t" op " x6, x7, [" base ", #48]\n\t" op       \
	   " x8, x9, [" base ", #64]\n\t" op " x10, x11, [" base ", #80]\n\t" op " x12, x13, [" base ", #96]\n\t" op   \
	   " x14, x15, [" base ", #112]\n\t" op " x18, x19, [" base ", #144]\n\t" op " x20, x21, [" base               \
	   ", #160]\n\t" op " x22, x23, [" base ", #176]\n\t" op " x24, x25, [" base ", #192]\n\t" op                  \
	   " x26, x27, [" base ", #208]\n\t" op " x28, x29, [" base ", #224]\n\t"
__asm__(".pushsection gr_preemptible, \"ax\", @progbits\n"
	".globl spin_with\n.type spin_with, %function\n"
	"spin_with:\n\t"
	"stp x29, x30, [sp, #-192]!\n\t"
	"stp x19, x20, [sp, #16]\n\tstp x21, x22, [sp, #32]\n\tstp x23, x24, [sp, #48]\n\t"
	"stp x25, x26, [sp, #64]\n\tstp x27, x28, [sp, #80]\n\t"
	"stp d8, d9, [sp, #96]\n\tstp d10, d11, [sp, #112]\n\tstp d12, d13, [sp, #128]\n\tstp d14, d15, [sp, #144]\n\t"
	"stp x1, x18, [sp, #160]\n\t"
	".irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n\t"
	"ldr q\\i, [x0, #256+16*\\i]\n\t.endr\n\t"
	"ldr x30, [x0, #240]\n\t" PAIRS(
		"ldp",
		"x0") "ldp x0, x1, [x0]\n"
		      "1:\n\t"
		      "adrp x16, spin_end\n\tldr w17, [x16, #:lo12:spin_end]\n\t"
		      "cmp x16, x16\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tb.ne 3f\n"
		      "2:\n\t"
		      "cbz w17, 1b\n\t"
		      "ldr x16, [sp, #160]\n\t"
		      "stp x0, x1, [x16]\n\t" PAIRS(
			      "stp",
			      "x16") "str x30, [x16, #240]\n\t"
				     ".irp i, "
				     "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,"
				     "30,31\n\t"
				     "str q\\i, [x16, #256+16*\\i]\n\t.endr\n\t"
				     "ldr x18, [sp, #168]\n\t"
				     "ldp d8, d9, [sp, #96]\n\tldp d10, d11, [sp, #112]\n\tldp d12, d13, [sp, "
				     "#128]\n\tldp d14, d15, [sp, #144]\n\t"
				     "ldp x19, x20, [sp, #16]\n\tldp x21, x22, [sp, #32]\n\tldp x23, x24, [sp, #48]\n\t"
				     "ldp x25, x26, [sp, #64]\n\tldp x27, x28, [sp, #80]\n\t"
				     "ldp x29, x30, [sp], #192\n\tret\n"
				     "3:\n\tadrp x16, spin_flags_lost\n\tadd x16, x16, #:lo12:spin_flags_lost\n\t"
				     "mov w17, #1\n\tstr w17, [x16]\n\tb 1b\n"
				     ".size spin_with, .-spin_with\n"
				     ".popsection\n");
#endif

enum { SPINNERS = 5 };

static struct registers in[SPINNERS], out[SPINNERS];
static struct striker striker;
static void (*spin)(const struct registers *, struct registers *);

/* Different for each register, G and byte; x87: finite numbers, for a load changes others. */
static void fill(struct registers *r, uint64_t g)
{
	uint64_t *words = (uint64_t *)r;

	for (size_t i = 0; i < sizeof(*r) / 8; i++)
		words[i] = 0x9e3779b97f4a7c15u * (g * 1000 + i + 1);
#if defined(__x86_64__)
	for (int i = 0; i < X87; i++) {
		long double v = (long double)(g * 100 + (uint64_t)i + 1) / 3;

		memset(r->x87[i], 0, sizeof(r->x87[i]));
		memcpy(r->x87[i], &v, 10);
	}
#endif
}

static void spinner(void *arg)
{
	uintptr_t i = (uintptr_t)arg;

	spin(&in[i], &out[i]);
	gr_wg_done(&hogs);
}

/* Uses the vector registers for something else. */
GR_PREEMPTIBLE static double mix(double x, int rounds)
{
	double a[8] = {x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7};

	for (int i = 0; i < rounds; i++)
		for (int k = 0; k < 8; k++)
			a[k] = a[k] * 0.5 + (double)i;
	return a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];
}

static void spin_beside_each_other(void *arg)
{
	volatile double sink = 0;

	(void)arg;
	for (uintptr_t i = 0; i < SPINNERS; i++) {
		gr_wg_add(&hogs, 1);
		spawn(spinner, (void *)i);
	}
	while (!load_relaxed(&striker.is_done))
		sink = mix(sink, 1000);
	store_relaxed(&spin_end, 1);
	gr_wg_wait(&hogs);
}

static void run_spinners(unsigned procs)
{
	const struct gr_config config = {.procs = procs};

	store_relaxed(&spin_end, 0);
	store_relaxed(&spin_flags_lost, 0);
	memset(out, 0, sizeof(out));
	for (uint64_t i = 0; i < SPINNERS; i++)
		fill(&in[i], i);
	assert_int_equal(gr_start(&config), 0);
	striker_start(&striker, is_slow() ? 300 : 3000);
	gr_run(spin_beside_each_other, NULL);
	striker_end(&striker);
	gr_stop();
	gr__on_strike = NULL;
	assert_int_equal(load_relaxed(&bad_strikes), 0);
	assert_int_equal(load_relaxed(&spin_flags_lost), 0);
}

static void all_registers_are_kept(void **state)
{
	(void)state;
	if (!has_preemption())
		skip();
	spin = spin_with;
	for (unsigned procs = 1; procs <= 3; procs++) {
		run_spinners(procs);
		for (int g = 0; g < SPINNERS; g++) {
			for (int i = 0; i < 31; i++) {
#if defined(__x86_64__)
				if (i >= GENERAL)
					break;
				if (out[g].general[i] != in[g].general[i])
					fail_msg("%s was lost", names[i]);
#else
				if (i != 16 && i != 17 && out[g].general[i] != in[g].general[i])
					fail_msg("x%d was lost", i);
#endif
			}
			for (int i = 0; i < VECTORS; i++)
				if (memcmp(out[g].vector[i], in[g].vector[i], 16))
					fail_msg("vector register %d was lost", i);
			for (int i = 0; i < X87; i++)
				if (memcmp(out[g].x87[i], in[g].x87[i], 10))
					fail_msg("x87 register %d was lost", i);
		}
	}
}

static void wide_registers_are_kept(void **state)
{
	(void)state;
	if (!has_preemption())
		skip();
#if defined(__x86_64__)
	if (!__builtin_cpu_supports("avx"))
		skip();
	spin = spin_with_wide;
	run_spinners(2);
	for (int g = 0; g < SPINNERS; g++)
		for (int i = 0; i < VECTORS; i++)
			if (memcmp(out[g].vector[i], in[g].vector[i], 16))
				fail_msg("the high half of ymm%d was lost", i);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_registers_are_kept),
		cmocka_unit_test(wide_registers_are_kept),
	};

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/preempt_registers", tests, NULL, NULL);
}
