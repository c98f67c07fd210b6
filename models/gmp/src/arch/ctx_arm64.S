/*
 * ctx_arm64.S - switch between stacks on arm64 (AAPCS64).
 *
 * The saved context is a frame on the stack that is left; the G holds only its stack pointer:
 *
 *	sp + 160  FPCR, unused
 *	sp +  96  d8 .. d15 (the ABI saves the low 64 bits only)
 *	sp +  16  x19 .. x28
 *	sp +   0  x29 (frame pointer), x30 (where to go on)
 *
 * - `br x16` to the saved link register and not ret: the return predictor holds the other stack's calls. With branch
 *   target identification a br through x16 may land on "bti c" or "bti j" pads only in guarded pages; the callers are C
 *   functions compiled without it, and this file carries no property note, so a linked program is not marked for it.
 * - The shadow stack of arm64 (GCS) is not supported either: for the same reason the kernel does not turn it on.
 * - FPCR holds rounding mode and exception masks; writing it is slow, so it is written only when it differs.
 * - x18 is the platform's and untouched; tpidr_el0 (thread-local storage) stays with the thread.
 */
#if defined(__aarch64__)
	.text

	.globl	gr__ctx_switch
	.hidden	gr__ctx_switch
	.type	gr__ctx_switch, %function
	.p2align 4
gr__ctx_switch:				/* x0: where to save sp, x1: sp to load */
	.cfi_startproc
	stp	x29, x30, [sp, #-176]!
	.cfi_adjust_cfa_offset 176
	.cfi_rel_offset x29, 0
	.cfi_rel_offset x30, 8
	stp	x19, x20, [sp, #16]
	.cfi_rel_offset x19, 16
	.cfi_rel_offset x20, 24
	stp	x21, x22, [sp, #32]
	.cfi_rel_offset x21, 32
	.cfi_rel_offset x22, 40
	stp	x23, x24, [sp, #48]
	.cfi_rel_offset x23, 48
	.cfi_rel_offset x24, 56
	stp	x25, x26, [sp, #64]
	.cfi_rel_offset x25, 64
	.cfi_rel_offset x26, 72
	stp	x27, x28, [sp, #80]
	.cfi_rel_offset x27, 80
	.cfi_rel_offset x28, 88
	stp	d8, d9, [sp, #96]
	.cfi_rel_offset d8, 96
	.cfi_rel_offset d9, 104
	stp	d10, d11, [sp, #112]
	.cfi_rel_offset d10, 112
	.cfi_rel_offset d11, 120
	stp	d12, d13, [sp, #128]
	.cfi_rel_offset d12, 128
	.cfi_rel_offset d13, 136
	stp	d14, d15, [sp, #144]
	.cfi_rel_offset d14, 144
	.cfi_rel_offset d15, 152
	mrs	x9, fpcr
	str	x9, [sp, #160]
	mov	x10, sp
	str	x10, [x0]
	mov	sp, x1			/* the other stack has the same frame here, so the CFI stays true */
	ldr	x10, [sp, #160]
	cmp	x9, x10
	b.eq	1f
	msr	fpcr, x10
1:	ldp	d14, d15, [sp, #144]
	ldp	d12, d13, [sp, #128]
	ldp	d10, d11, [sp, #112]
	ldp	d8, d9, [sp, #96]
	ldp	x27, x28, [sp, #80]
	ldp	x25, x26, [sp, #64]
	ldp	x23, x24, [sp, #48]
	ldp	x21, x22, [sp, #32]
	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #176
	.cfi_adjust_cfa_offset -176
	.cfi_restore x29
	.cfi_restore x30
	.cfi_restore x19
	.cfi_restore x20
	.cfi_restore x21
	.cfi_restore x22
	.cfi_restore x23
	.cfi_restore x24
	.cfi_restore x25
	.cfi_restore x26
	.cfi_restore x27
	.cfi_restore x28
	.cfi_restore d8
	.cfi_restore d9
	.cfi_restore d10
	.cfi_restore d11
	.cfi_restore d12
	.cfi_restore d13
	.cfi_restore d14
	.cfi_restore d15
	mov	x16, x30
	br	x16
	.cfi_endproc
	.size	gr__ctx_switch, .-gr__ctx_switch

	.globl	gr__ctx_entry
	.hidden	gr__ctx_entry
	.type	gr__ctx_entry, %function
	.p2align 4
gr__ctx_entry:				/* x19: fn, x20: arg, x29: 0 */
	.cfi_startproc
	.cfi_undefined x30		/* back-traces end here */
	mov	x0, x20
	adr	x30, 1f			/* a jump and not a call: see ctx_amd64.S */
	mov	x16, x19
	br	x16
1:	brk	#0
	.cfi_endproc
	.size	gr__ctx_entry, .-gr__ctx_entry

	.globl	gr__ctx_make
	.hidden	gr__ctx_make
	.type	gr__ctx_make, %function
	.p2align 4
gr__ctx_make:				/* x0: top, x1: fn, x2: arg */
	.cfi_startproc
	sub	x0, x0, #176
	adrp	x9, gr__ctx_entry
	add	x9, x9, :lo12:gr__ctx_entry
	stp	xzr, x9, [x0]		/* x29: the end of the frame chain; x30 */
	stp	x1, x2, [x0, #16]	/* x19, x20 */
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	stp	xzr, xzr, [x0, #64]
	stp	xzr, xzr, [x0, #80]
	stp	xzr, xzr, [x0, #96]
	stp	xzr, xzr, [x0, #112]
	stp	xzr, xzr, [x0, #128]
	stp	xzr, xzr, [x0, #144]
	stp	xzr, xzr, [x0, #160]	/* FPCR at process start: 0 */
	ret
	.cfi_endproc
	.size	gr__ctx_make, .-gr__ctx_make

	.globl	gr__ctx_call
	.hidden	gr__ctx_call
	.type	gr__ctx_call, %function
	.p2align 4
gr__ctx_call:				/* x0: sp, x1: fn, x2: arg, x3: at */
	.cfi_startproc
	stp	x29, x30, [sp, #-16]!
	.cfi_def_cfa_offset 16
	.cfi_offset x29, -16
	.cfi_offset x30, -8
	mov	x29, sp
	.cfi_def_cfa_register x29
	str	x29, [x3]
	mov	sp, x0
	mov	x0, x2
	blr	x1
	mov	sp, x29
	.cfi_def_cfa_register sp
	ldp	x29, x30, [sp], #16
	.cfi_def_cfa_offset 0
	.cfi_restore x29
	.cfi_restore x30
	ret
	.cfi_endproc
	.size	gr__ctx_call, .-gr__ctx_call
#endif

	.section .note.GNU-stack, "", %progbits
