/*
 * gr_grow.h - put before everything that is compiled for stacks that grow (-include, by gr-grow.pc).
 *
 * A call of memcpy and the like, which compilers make by themselves too, is one of foreign code: the function that makes it
 * would take 16 KiB of stack each time, and keep it while it waits. These need next to no stack, so they go by other names
 * here, of thunks that the linker knows to be harmless. Declarations and types are as they were.
 */
#ifndef GR_GROW_H_INCLUDED
#define GR_GROW_H_INCLUDED

#if defined(__x86_64__) && defined(__LP64__)
#define GR_STACKS_GROW 1
#define GR_GROW_FIRST_BYTES 960 /* of the stack that such a G begins with */
#ifndef __ASSEMBLER__
__asm__(".set memcpy, gr__grow_memcpy\n\t"
	".set memmove, gr__grow_memmove\n\t"
	".set memset, gr__grow_memset\n\t"
	".set memcmp, gr__grow_memcmp\n\t"
	".set strlen, gr__grow_strlen\n\t"
	".set longjmp, gr__grow_longjmp\n\t"
	".set _longjmp, gr__grow_longjmp\n\t"
	".set siglongjmp, gr__grow_longjmp\n\t"
	".set __longjmp_chk, gr__grow_longjmp");
#endif
#endif

#endif
