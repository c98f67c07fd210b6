/*
 * grow.h - numbers that grow_amd64.S shares with the C code. Macros only: the assembler reads it too.
 */
#ifndef GR_ARCH_GROW_H
#define GR_ARCH_GROW_H

/* A slot of a small stack, its descriptor included. 32 of them are 9 pages. */
#define GR__SMALL_BYTES 1152
/* What the runtime may use of a G's stack, with what it calls there: tests/gmp/test_grow_bound.sh. */
#define GR__OWN_BYTES 504
/*
 * Below the limit there is room for a function that has not asked (a compiler lets frames of less than 256 bytes begin
 * anywhere above the limit), for the call, and for the runtime.
 */
#define GR__SLACK (256 + 8 + GR__OWN_BYTES)
/* What foreign code may use that is called from code with checks, beside the callers' frames; libraries of the system want it. */
#define GR__FOREIGN_BYTES 16384
/* A segment of the usual size, and what can be had of it at the least: without guard, slack, colour and descriptor. */
#define GR__SEG_BYTES 65536
#define GR__SEG_ROOM (GR__SEG_BYTES - 4096 - GR__SLACK - 1024 - 192 - 64)
/* Room for what XSAVE writes: all but AMX. */
#define GR__XSAVE_BYTES 2816

/*
 * What a limit may be beside an address (they are multiples of 8). At %fs:0x70: the G has not waited since it came onto this
 * segment; it has met this edge often. There and in the G: look where the stack pointer is.
 */
#define GR__LIMIT_IS_OWN 1
#define GR__LIMIT_IS_HOT 2
#define GR__LIMIT_LOST -1

/* Offsets in struct gr_g and struct gr_m: checked in grow.c. */
#define GR__G_LINK 8
#define GR__G_OWNER 24
#define GR__G_LIMIT 40
#define GR__G_LO 104
#define GR__G_USUAL 123
#define GR__G_SEG 168
#define GR__G_DYN 176
#define GR__M_CURG 8
#define GR__M_G0_SP 56
#define GR__M_ON_G0 64
#define GR__M_SEG 80
#define GR__M_SPLITS 88

#endif
