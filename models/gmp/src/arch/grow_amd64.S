/*
 * grow_amd64.S - what code that is compiled with -fsplit-stack calls when its stack may not do: see grow.c.
 *
 * A function F with checks begins like this (gcc and clang):
 *
 *	cmp %fs:0x70, %rsp (or %rsp less its frame)	the limit is that of the G that runs
 *	jae body
 *	mov $frame, %r10d; mov $args, %r11d		bytes of its frame and of its arguments on the stack
 *	call __morestack
 *	ret
 * body:	...
 *
 * __morestack takes a segment, copies the arguments, and calls `body` there, with the arguments' registers as they were. So
 * body returns to it; it gives the segment back and returns to the `ret`. Each call is left by a return, as the CPU predicts.
 * The usual way needs no C: the M keeps a segment. All else is done in C on the scheduler's stack, below what is saved
 * there, with all registers kept (XSAVE) that may hold arguments or results.
 *
 * On the old stack, from rbp: 16 the return address into F's caller, 8 that of F's `ret`, 0 the caller's rbp, -8 rax,
 * -16 rdi, -24 rdx, -32 rcx, -40 the limit at %fs:0x70 as it was, -48 the G's. Compilers know the part above rbp. gdb knows the
 * name and lets the stack go on elsewhere. Unwinders see the frame of `body`, this one, and F's caller's.
 *
 * Where the stack pointer is on none of the G's pieces of stack the function goes on where it is: a signal handler on a
 * stack of its own, or no G at all. So a handler may interrupt any of this.
 */
#include "grow.h"
#if defined(__x86_64__) && defined(__LP64__)
	.text

/* reg: the calling thread's M, or 0. */
.macro CURRENT_M reg
	movq	gr__tls_m@gottpoff(%rip), \reg
	movq	%fs:(\reg), \reg
.endm

/*
 * Go on with F where it is. A function with a variable number of arguments looks for those on the stack by our frame, with
 * an instruction at the beginning of `body`, lea 24(%rbp), %r11: where there is none, that is done for it.
 */
#define LEA_ARGS 0x185d8d4c
.macro GO_ON
	popq	%r10
	.cfi_adjust_cfa_offset -8
	incq	%r10
	cmpl	$LEA_ARGS, (%r10)
	jne	805f
	addq	$4, %r10
	leaq	8(%rsp), %r11
805:	jmp	*%r10
	.cfi_adjust_cfa_offset 8
.endm

/* rax: M. To its scheduler's stack, with the vector registers kept. rax and rdx are lost. */
.macro TO_G0
	movb	$1, GR__M_ON_G0(%rax)		/* first: a signal handler must not come to use it too */
	movq	GR__M_G0_SP(%rax), %rsp
	andq	$-64, %rsp
	subq	$GR__XSAVE_BYTES, %rsp
	xorl	%edx, %edx
	movl	gr__grow_xmask(%rip), %eax
	testl	%eax, %eax
	je	801f
	movq	%rdx, 512(%rsp)			/* the header must be zeros */
	movq	%rdx, 520(%rsp)
	movq	%rdx, 528(%rsp)
	movq	%rdx, 536(%rsp)
	movq	%rdx, 544(%rsp)
	movq	%rdx, 552(%rsp)
	movq	%rdx, 560(%rsp)
	movq	%rdx, 568(%rsp)
	xsave	(%rsp)
	jmp	802f
801:	fxsave	(%rsp)
802:
.endm

/* The vector registers again, and rsp = back. rax and rdx are lost. */
.macro FROM_G0 back
	xorl	%edx, %edx
	movl	gr__grow_xmask(%rip), %eax
	testl	%eax, %eax
	je	803f
	xrstor	(%rsp)
	jmp	804f
803:	fxrstor	(%rsp)
804:	leaq	\back, %rsp
	CURRENT_M %rax
	movb	$0, GR__M_ON_G0(%rax)
.endm

	/* F calls foreign code: the linker (gold, lld) has it ask always, and call this. */
	.globl	__morestack_non_split
	.hidden	__morestack_non_split
	.type	__morestack_non_split, @function
	.p2align 4
__morestack_non_split:
	.cfi_startproc
	.cfi_def_cfa_offset 16			/* as in __morestack */
	addq	$GR__FOREIGN_BYTES, %r10
	negq	%r10
	addq	%rsp, %r10			/* how far down that would be */
	cmpq	%fs:0x70, %r10
	jb	2f
	/* There is room. */
	movq	(%rsp), %r10
	incq	%r10
	testq	%r11, %r11
	jne	1f
	cmpl	$LEA_ARGS, (%r10)
	je	1f
	call	*%r10
	.globl	gr__grow_back_fits
	.hidden	gr__grow_back_fits
gr__grow_back_fits:
	ret
1:	/* Arguments on the stack: nothing may be put below them, so one return will be mispredicted. */
	GO_ON
2:	subq	%rsp, %r10
	negq	%r10
	jmp	__morestack
	.cfi_endproc
	.size	__morestack_non_split, .-__morestack_non_split

	.globl	__morestack
	.hidden	__morestack
	.type	__morestack, @function
	.p2align 4
__morestack:
	.cfi_startproc
	.cfi_personality 0x1b, gr__grow_personality
	.cfi_def_cfa_offset 16			/* F's caller: what is left of F here may not be known to its tables of exceptions */
	pushq	%rbp
	.cfi_def_cfa_offset 24
	.cfi_offset %rbp, -24
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq	%rax
	pushq	%rdi
	pushq	%rdx
	pushq	%rcx
	CURRENT_M %rax
	testq	%rax, %rax
	je	.Lstay
	movq	GR__M_CURG(%rax), %rcx
	testq	%rcx, %rcx
	je	.Lstay
	movq	GR__G_SEG(%rcx), %rdx
	testq	%rdx, %rdx
	cmoveq	%rcx, %rdx			/* the newest piece; its descriptor is where its stack ends */
	cmpq	GR__G_LO(%rdx), %rsp
	jb	.Lelsewhere
	cmpq	%rdx, %rsp
	jae	.Lelsewhere
	movq	GR__G_LIMIT(%rcx), %rdi
	pushq	%fs:0x70
	pushq	%rdi
	cmpq	$GR__LIMIT_LOST, %rdi
	je	.Llost
	movq	GR__M_SEG(%rax), %rdi
	testq	%rdi, %rdi
	je	.Lslow
	leaq	(%r10, %r11), %rdx
	cmpq	$GR__SEG_ROOM, %rdx
	ja	.Lslow
	movq	$0, GR__M_SEG(%rax)
	movq	GR__G_SEG(%rcx), %rdx
	movq	%rdx, GR__G_LINK(%rdi)
	movq	%rcx, GR__G_OWNER(%rdi)
	movq	%rdi, GR__G_SEG(%rcx)
	subl	$1, GR__M_SPLITS(%rax)
	js	.Lhot
.Lgot:						/* rcx: G, rdi: the segment, r11: bytes of arguments */
	movq	GR__G_LIMIT(%rdi), %rdx
	movq	%rdx, GR__G_LIMIT(%rcx)
	orq	$GR__LIMIT_IS_OWN, %rdx
	movq	%rdx, %fs:0x70
	movq	%rdi, %rsp
	testq	%r11, %r11
	jne	.Lcopy
.Lgo:
	movq	8(%rbp), %r11
	incq	%r11
	movq	-8(%rbp), %rax
	movq	-16(%rbp), %rdi
	movq	-24(%rbp), %rdx
	movq	-32(%rbp), %rcx
	call	*%r11
	.globl	gr__grow_back
	.hidden	gr__grow_back
gr__grow_back:					/* rax, rdx and the vector registers hold the result */
	CURRENT_M %rcx				/* another one, maybe */
	movq	GR__M_CURG(%rcx), %rsi
	movq	GR__G_SEG(%rsi), %rdi
	movq	-40(%rbp), %r9
	movq	-48(%rbp), %r8
	movq	%rbp, %rsp
	cmpq	$GR__LIMIT_LOST, GR__G_LIMIT(%rsi)
	je	.Lback_lost
	testb	$GR__LIMIT_IS_OWN, %fs:0x70
	cmoveq	%r8, %r9			/* it has waited meanwhile: W6 */
	movq	%r8, GR__G_LIMIT(%rsi)
	movq	%r9, %fs:0x70
	movq	GR__G_LINK(%rdi), %r8
	movq	%r8, GR__G_SEG(%rsi)
	cmpq	$0, GR__M_SEG(%rcx)
	jne	.Lput
	cmpb	$0, GR__G_USUAL(%rdi)
	je	.Lput
	cmpq	$0, GR__G_DYN(%rsi)
	jne	.Lput
	movq	%rdi, GR__M_SEG(%rcx)
	popq	%rbp
	.cfi_remember_state
	.cfi_def_cfa %rsp, 16
	ret
	.cfi_restore_state

.Lcopy:						/* to the top of the segment, which is 64-aligned */
	addq	$15, %r11
	andq	$-16, %r11
	subq	%r11, %rsp
	shrq	$3, %r11
	xorl	%eax, %eax
1:	movq	24(%rbp, %rax, 8), %rdx
	movq	%rdx, (%rsp, %rax, 8)
	incq	%rax
	cmpq	%r11, %rax
	jb	1b
	jmp	.Lgo

.Lhot:						/* every so often, and here on the G's stack */
	pushq	%rsi
	pushq	%r8
	pushq	%r9
	pushq	%r11
	pushq	%rdi				/* 16-aligned now */
	movq	%rax, %rdi
	movq	%rcx, %rsi
	leaq	-40(%rbp), %rdx
	leaq	16(%rbp), %rcx
	movq	(%rbp), %r8
	call	gr__grow_hot			/* M, G, the old limit, the stack and frame pointers of F's caller */
	popq	%rdi
	jmp	.Lagain

.Lslow:
	pushq	%rsi
	pushq	%r8
	pushq	%r9
	pushq	%r11
	movq	%r10, %rdi
	movq	%r11, %rsi
	TO_G0
	call	gr__grow_slow			/* frame, args: the segment, which is g's newest now */
	movq	%rax, %rdi
	FROM_G0	-80(%rbp)
.Lagain:
	popq	%r11
	popq	%r9
	popq	%r8
	popq	%rsi
	CURRENT_M %rcx
	movq	GR__M_CURG(%rcx), %rcx
	jmp	.Lgot

.Lput:						/* rdi: the segment */
	pushq	%rax
	pushq	%rdx
	movq	%rcx, %rax
	TO_G0
	call	gr__grow_put
	jmp	.Lback

.Lback_lost:					/* as .Llost: neither the newest segment nor the limits are what they look like */
	pushq	%rax
	pushq	%rdx
	movq	%rcx, %rax
	TO_G0
	movq	%rbp, %rdi
	call	gr__grow_lost
.Lback:
	FROM_G0	-16(%rbp)
	popq	%rdx
	popq	%rax
	popq	%rbp
	.cfi_remember_state
	.cfi_def_cfa %rsp, 16
	ret
	.cfi_restore_state

.Lelsewhere:					/* on an older piece (rcx: G, rdx: the newest), or on none */
	cmpq	%rcx, %rdx
	je	.Lstay
	movq	GR__G_LINK(%rdx), %rdx
	testq	%rdx, %rdx
	cmoveq	%rcx, %rdx
	cmpq	GR__G_LO(%rdx), %rsp
	jb	.Lelsewhere
	cmpq	%rdx, %rsp
	jae	.Lelsewhere
	pushq	%fs:0x70
	pushq	%rdi
.Llost:						/* after a jump over seams: W7. Then F asks anew. */
	pushq	%rsi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	TO_G0
	movq	%rbp, %rdi
	call	gr__grow_lost
	FROM_G0	-88(%rbp)
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rsi
	addq	$16, %rsp
	popq	%rcx
	popq	%rdx
	popq	%rdi
	popq	%rax
	popq	%rbp
	.cfi_remember_state
	.cfi_def_cfa %rsp, 16
	negq	%r10
	addq	%rsp, %r10
	cmpq	%fs:0x70, %r10
	jae	1f
	subq	%rsp, %r10
	negq	%r10
	jmp	__morestack
1:	GO_ON
	.cfi_restore_state

.Lstay:
	leaq	-32(%rbp), %rsp
	popq	%rcx
	popq	%rdx
	popq	%rdi
	popq	%rax
	popq	%rbp
	.cfi_def_cfa %rsp, 16
	GO_ON
	.cfi_endproc
	.size	__morestack, .-__morestack

	/* void *(size_t bytes): alloca, where the stack has not so much. F has a frame pointer then. */
	.globl	__morestack_allocate_stack_space
	.hidden	__morestack_allocate_stack_space
	.type	__morestack_allocate_stack_space, @function
	.p2align 4
__morestack_allocate_stack_space:
	.cfi_startproc
	movq	%rbp, %rsi
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	movq	%rsp, %rdx			/* is this the G's stack at all? */
	CURRENT_M %rax
	testq	%rax, %rax
	je	1f
	movq	GR__M_CURG(%rax), %rcx
	testq	%rcx, %rcx
	je	1f
	movq	GR__G_SEG(%rcx), %r8
	testq	%r8, %r8
	cmoveq	%rcx, %r8			/* the newest piece */
	jmp	3f
2:	cmpq	%rcx, %r8			/* on an older one, after a jump over seams (W7)? */
	je	1f
	movq	GR__G_LINK(%r8), %r8
	testq	%r8, %r8
	cmoveq	%rcx, %r8
3:	cmpq	GR__G_LO(%r8), %rsp
	jb	2b
	cmpq	%r8, %rsp
	jae	2b
	movb	$1, GR__M_ON_G0(%rax)
	movq	GR__M_G0_SP(%rax), %rsp
	andq	$-64, %rsp
	call	gr__grow_alloca
	CURRENT_M %rcx
	leave
	movb	$0, GR__M_ON_G0(%rcx)
	.cfi_remember_state
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_restore_state
1:	andq	$-16, %rsp
	call	gr__grow_no_alloca
	ud2
	.cfi_endproc
	.size	__morestack_allocate_stack_space, .-__morestack_allocate_stack_space

	/* F, which has had that, returns here in place of its caller: it is given back. rsp - 16 is where F's rbp was. */
	.globl	gr__grow_unalloca
	.hidden	gr__grow_unalloca
	.type	gr__grow_unalloca, @function
	.p2align 4
	nop					/* an unwinder looks at the instruction before */
gr__grow_unalloca:
	.cfi_startproc
	.cfi_undefined %rip
	subq	$8, %rsp
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%rax
	pushq	%rdx
	movq	%rbp, %rdi
	CURRENT_M %rax
	TO_G0
	call	gr__grow_undyn			/* frame: where F has been called from */
	movq	%rax, %rcx
	FROM_G0	-16(%rbp)
	movq	%rcx, 8(%rbp)
	popq	%rdx
	popq	%rax
	popq	%rbp
	ret
	.cfi_endproc
	.size	gr__grow_unalloca, .-gr__grow_unalloca

	/*
	 * gcc that links with -fsplit-stack has the linker put another function for pthread_create, libgcc's, which would
	 * bring its own __morestack along. Threads need nothing here: their limit is 0.
	 */
	.weak	__wrap_pthread_create
	.hidden	__wrap_pthread_create
	.type	__wrap_pthread_create, @function
	.weak	__real_pthread_create
	.p2align 4
__wrap_pthread_create:
	.cfi_startproc
	endbr64
	jmp	*__real_pthread_create@GOTPCREL(%rip)
	.cfi_endproc
	.size	__wrap_pthread_create, .-__wrap_pthread_create

	/* String functions that compilers call by themselves: of the libc's, which use next to nothing of a stack. */
.macro THUNK name
	.globl	gr__grow_\name
	.hidden	gr__grow_\name
	.type	gr__grow_\name, @function
	.p2align 4
gr__grow_\name:
	.cfi_startproc
	endbr64
	jmp	*\name@GOTPCREL(%rip)
	.cfi_endproc
	.size	gr__grow_\name, .-gr__grow_\name
.endm
	THUNK	memcpy
	THUNK	memmove
	THUNK	memset
	THUNK	memcmp
	THUNK	strlen

	/*
	 * The program's longjmp (gr_grow.h): it leads to some older piece of the stack, maybe. The next function that asks
	 * there, whichever it is, or the end of a piece, then finds out. Of its callers it wants no more than the libc's itself.
	 */
	.globl	gr__grow_longjmp
	.hidden	gr__grow_longjmp
	.type	gr__grow_longjmp, @function
	.p2align 4
gr__grow_longjmp:
	.cfi_startproc
	endbr64
	CURRENT_M %rax
	testq	%rax, %rax
	je	1f
	movq	GR__M_CURG(%rax), %rcx
	testq	%rcx, %rcx
	je	1f
	cmpq	$0, GR__G_SEG(%rcx)
	je	1f
	movq	$GR__LIMIT_LOST, GR__G_LIMIT(%rcx)
	movq	$GR__LIMIT_LOST, %fs:0x70
1:	jmp	*longjmp@GOTPCREL(%rip)
	.cfi_endproc
	.size	gr__grow_longjmp, .-gr__grow_longjmp

	.section .note.GNU-split-stack, "", %progbits
	.section .note.GNU-no-split-stack, "", %progbits
#endif

	.section .note.GNU-stack, "", %progbits
