/*
 * ctx.h - the machine's part of a switch. ctx_<arch>.S has the rest.
 *
 * A context is a small frame on the stack that is left; the G holds only its stack pointer.
 */
#ifndef GR_CTX_H
#define GR_CTX_H

#include <stdint.h>

/*
 * Lay out a stack that grows down from top (16-aligned) so that switching to the returned stack pointer calls
 * fn(arg) with nothing below it on the call chain. fn must not return.
 */
void *gr__ctx_make(void *top, void (*fn)(void *arg), void *arg);

/*
 * Call fn(arg) on the stack that ends at sp, below what is saved there, and come back. *at becomes where the caller's frame
 * pointer and return address lie, in that order, for debuggers.
 */
void gr__ctx_call(void *sp, void (*fn)(void *arg), void *arg, void **at);

/* Where a new context begins. Never called. */
void gr__ctx_entry(void);

/* A saved context, from the stack pointer up: its size, where it goes on and the frame pointer there. For back-traces. */
#if defined(__x86_64__)
enum { GR__CTX_BYTES = 24, GR__CTX_PC_AT = 8, GR__CTX_FP_AT = 16 };
#else
enum { GR__CTX_BYTES = 176, GR__CTX_PC_AT = 8, GR__CTX_FP_AT = 0 };
#endif

/*
 * void gr__ctx_switch(void **save_sp, void *load_sp): save what the ABI calls callee-saved on the own stack, store the
 * stack pointer in *save_sp, and go on where load_sp's context was saved. No system call, no signal mask.
 */
#if defined(__x86_64__)

/*
 * Inline, for two reasons. The compiler saves only the registers that are live (in its function's prologue, which it
 * has anyway), and nothing is called: a `ret` after a switch finds the other stack's calls in the return predictor, so
 * it would be mispredicted whenever the two sides were left from different places (7 ns), and a jump in place of the
 * ret of a called function would leave the predictor one entry off for all returns that follow. The jump is predicted
 * by the history of branches. Both forms were measured.
 *
 *	sp + 16	  rbp (the compiler does not let an asm say that it changes the frame pointer)
 *	sp +  8	  where to go on
 *	sp +  4	  x87 control word (2 bytes)
 *	sp +  0	  MXCSR
 *
 * - The 128 bytes below the stack pointer belong to a leaf function, hence the first instruction.
 * - The ABI makes the control bits of MXCSR and the x87 control word callee-saved, not the status flags. Loading MXCSR
 *   with other sticky flags than it has costs about 60 ns, so it is loaded only if control bits differ.
 * - Unwinding: rsp and rbp are the function's own before the asm and at its end, so the compiler's CFI holds there and
 *   for every stack that is switched off. Within these few instructions rsp is off by the frame.
 * - Everything else of a thread stays with the thread: signal mask, alternate stack, fs base (thread-local storage).
 * - Shadow stacks (CET) are not supported; see ctx_amd64.S.
 * - Everything that the compiler may keep a value in is named as changed, also what the usual flags do not use: x87
 *   and, if they are compiled for, the registers of AVX-512. The wide parts of xmm0-15 go with their names.
 */
#if defined(__AVX512F__)
#define GR__CTX_AVX512                                                                                                 \
	, "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27",  \
		"xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define GR__CTX_AVX512
#endif

static inline __attribute__((always_inline)) void gr__ctx_switch(void **save_sp, void *load_sp)
{
	__asm__ volatile("leaq	-128(%%rsp), %%rsp\n\t"
			 "pushq	%%rbp\n\t"
			 "leaq	3f(%%rip), %%rax\n\t"
			 "pushq	%%rax\n\t"
			 "subq	$8, %%rsp\n\t"
			 "stmxcsr (%%rsp)\n\t"
			 "fnstcw	4(%%rsp)\n\t"
			 "movl	(%%rsp), %%eax\n\t"
			 "movzwl	4(%%rsp), %%edx\n\t"
			 "movq	%%rsp, (%%rdi)\n\t"
			 "movq	%%rsi, %%rsp\n\t"
			 "movq	8(%%rsp), %%rcx\n\t"
			 "movq	16(%%rsp), %%rbp\n\t"
			 "xorl	(%%rsp), %%eax\n\t"
			 "testl	$0xffffffc0, %%eax\n\t"
			 "je	1f\n\t"
			 "ldmxcsr (%%rsp)\n"
			 "1:\n\t"
			 "cmpw	4(%%rsp), %%dx\n\t"
			 "je	2f\n\t"
			 "fldcw	4(%%rsp)\n"
			 "2:\n\t"
			 "leaq	152(%%rsp), %%rsp\n\t"
			 "notrack jmp *%%rcx\n"
			 "3:\n\t"
			 "endbr64"
			 : "+D"(save_sp), "+S"(load_sp)
			 :
			 : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0",
			   "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
			   "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)",
			   "st(6)", "st(7)", "memory", "cc" GR__CTX_AVX512);
}

/* The control words that a new context starts with, for a G that begins on the stack of another. */
static inline void gr__ctx_reset_controls(void)
{
	uint32_t mxcsr;
	uint16_t x87;

	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
	if (__builtin_expect((mxcsr & 0xffffffc0) != 0x1f80, 0)) {
		mxcsr = 0x1f80;
		__asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
	}
	if (__builtin_expect(x87 != 0x037f, 0)) {
		x87 = 0x037f;
		__asm__ volatile("fldcw %0" ::"m"(x87));
	}
}

#else

void gr__ctx_switch(void **save_sp, void *load_sp);

static inline void gr__ctx_reset_controls(void)
{
	uint64_t fpcr;

	__asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
	if (__builtin_expect(fpcr != 0, 0))
		__asm__ volatile("msr fpcr, %0" ::"r"((uint64_t)0));
}

#endif
#endif
