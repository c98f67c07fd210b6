/*
 * ctx_amd64.S - the first frame of a new stack on amd64 (System V ABI). The switch itself is inline: ctx.h.
 *
 * Shadow stacks (CET) are not supported: this file carries no property note, so a linked program is not marked for
 * them and the kernel does not turn them on.
 */
#if defined(__x86_64__)
	.text

	.globl	gr__ctx_entry
	.hidden	gr__ctx_entry
	.type	gr__ctx_entry, @function
	.p2align 4
gr__ctx_entry:				/* rsp: fn, arg; rbp: 0 */
	.cfi_startproc
	.cfi_undefined %rip		/* back-traces end here */
	endbr64
	movq	(%rsp), %rax
	movq	8(%rsp), %rdi
	/* A jump with a return address below it, not a call: fn does not return, and the return predictor is left as it is. */
	leaq	1f(%rip), %rcx
	pushq	%rcx			/* rsp was 16-aligned, as the ABI wants it before a call */
	.cfi_adjust_cfa_offset 8
	jmp	*%rax
1:	ud2
	.cfi_endproc
	.size	gr__ctx_entry, .-gr__ctx_entry

	.globl	gr__ctx_make
	.hidden	gr__ctx_make
	.type	gr__ctx_make, @function
	.p2align 4
gr__ctx_make:				/* rdi: top, rsi: fn, rdx: arg */
	.cfi_startproc
	endbr64
	movq	%rsi, -16(%rdi)		/* rsp at the entry: top - 16 */
	movq	%rdx, -8(%rdi)
	/* The frame of gr__ctx_switch, 152 bytes below that: 24 used, 128 skipped. */
	leaq	-168(%rdi), %rax
	leaq	gr__ctx_entry(%rip), %rcx
	movl	$0x1f80, (%rax)		/* MXCSR at process start: all exceptions masked */
	movl	$0x037f, 4(%rax)	/* x87 control word at process start */
	movq	%rcx, 8(%rax)
	movq	$0, 16(%rax)		/* rbp: the end of the frame chain */
	ret
	.cfi_endproc
	.size	gr__ctx_make, .-gr__ctx_make

	.globl	gr__ctx_call
	.hidden	gr__ctx_call
	.type	gr__ctx_call, @function
	.p2align 4
gr__ctx_call:				/* rdi: sp, rsi: fn, rdx: arg, rcx: at */
	.cfi_startproc
	endbr64
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	movq	%rsp, (%rcx)
	movq	%rdi, %rsp
	andq	$-16, %rsp
	movq	%rdx, %rdi
	call	*%rsi
	leave
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size	gr__ctx_call, .-gr__ctx_call
#endif

	.section .note.GNU-stack, "", %progbits
