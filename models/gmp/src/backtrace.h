/*
 * backtrace.h - where a G is: its calls, innermost first, and reading memory that may be gone.
 */
#ifndef GR_BACKTRACE_H
#define GR_BACKTRACE_H

#include "internal.h"

enum { GR__FRAMES_FIRST = 24, GR__FRAMES_LAST = 8 };

/* A place in a stack: where it executes, and the frame pointer there. */
struct gr__place {
	uintptr_t pc, fp;
	bool is_return; /* pc is where a call returns to */
};

/* The calls from a place outwards: the first ones and, of more than fit, the last ones. */
struct gr__frames {
	uintptr_t pc[GR__FRAMES_FIRST + GR__FRAMES_LAST]; /* the last ones are a ring from GR__FRAMES_FIRST on */
	size_t n; /* how many there are; more than fit, maybe */
	bool is_return; /* of the first; of all others it is so */
};

/* From a place in g's stack; frames that are not in the stack end it, so it may be called with anything. */
void gr__frames_walk(const struct gr_g *g, const struct gr__place *at, struct gr__frames *out);
/* Where a G is that is switched off. False: it has not begun. If it is not switched off, this is some place or other. */
bool gr__place_of(const struct gr_g *g, struct gr__place *out);
/* The i-th frame (below n); 0: it has been left out. */
uintptr_t gr__frames_pc(const struct gr__frames *f, size_t i);

/* The place of the caller of the function that this is used in. */
#define GR__CALLER()                                                                                                   \
	((struct gr__place){(uintptr_t)__builtin_return_address(0), gr__word((uintptr_t)__builtin_frame_address(0)),   \
			    true})

/* A word of memory that is there, of whoever's it is and whatever is done with it meanwhile. */
uintptr_t gr__word(uintptr_t addr);
/* Copy n bytes (at most a page) of memory that may not be there. False: it is not. */
bool gr__peek(const void *from, void *to, size_t n);
/* A string that may not be there, cut to fit; "?" if it is not. NULL is none: "". */
void gr__peek_text(const char *from, char *to, size_t cap);

#endif
