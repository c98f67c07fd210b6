/*
 * grow.h - stacks that grow: what the rest of the runtime needs of grow.c.
 */
#ifndef GR_GROW_H
#define GR_GROW_H

#include "internal.h"
#include "san.h"

/*
 * Sanitizers have stacks and frames of their own, other architectures' compilers no checks that could be served. What the
 * runtime itself uses of a small stack is known of its optimized form only, and of what gcc makes of it.
 */
#if defined(__x86_64__) && defined(__LP64__) && !GR_ASAN && !GR_TSAN && defined(__OPTIMIZE__) &&                       \
	!defined(__clang__) && !(defined(GR_CHECK) && GR_CHECK)
#define GR_GROWS 1
#else
#define GR_GROWS 0
#endif

/* The calling thread runs a G with that limit now. */
static inline __attribute__((always_inline)) void gr__limit_set(uintptr_t limit)
{
#if GR_GROWS
	__asm__ volatile("movq %0, %%fs:0x70" ::"r"(limit) : "memory");
#else
	(void)limit;
#endif
}

/* What it is; not 0: the stack may be small. */
static inline uintptr_t gr__limit(void)
{
	uintptr_t limit = 0;

#if GR_GROWS
	__asm__ volatile("movq %%fs:0x70, %0" : "=r"(limit));
#endif
	return limit;
}

/*
 * An object file of ours that says this may be called on a small stack: the linker then does not have its callers ask for
 * the room of foreign code first. tests/gmp/test_grow_bound.sh holds its public functions to GR__OWN_BYTES.
 */
#if GR_GROWS
#define GR__FITS_SMALL_STACKS                                                                                          \
	__asm__(".pushsection .note.GNU-split-stack,\"\",@progbits\n\t.popsection\n\t"                                 \
		".pushsection .note.GNU-no-split-stack,\"\",@progbits\n\t.popsection")
#else
#define GR__FITS_SMALL_STACKS _Static_assert(1, "")
#endif

/* Decide whether stacks grow in this program; after the pools have been made. */
void gr__grow_start(void);
/* "1", or "0" and why not, for gr_knobs. */
const char *gr__grow_state(void);
/* Whether they do. */
bool gr__grow_is_on(void);
/* Whether a G that begins with fn may have a small stack: fn asks whether there is room for it. */
bool gr__grow_fits(void (*fn)(void *));
/* The limit on the stack of g. */
uintptr_t gr__grow_limit(const struct gr_g *g);
/* g ends: give back what it has grown by. On g0. */
void gr__grow_drop(void *g);
/* The same where another begins on the stack without a switch. */
static inline void gr__grow_next_life(struct gr_g *g)
{
	if (unlikely(g->seg != NULL))
		gr__on_g0(gr__grow_drop, g);
	gr__limit_set(g->stack_limit); /* it may have been raised */
}
/* m ends: give back the segment that it keeps. With a P or without. */
void gr__grow_m_ends(struct gr_m *m);
/* The G that uses the segment `seg`, NULL: it is none, or free. For signal handlers. */
struct gr_g *gr__grow_owner(const struct gr_g *seg);

/* Where a frame of __morestack returns to, for back-traces: with a new segment, and without. */
extern const char gr__grow_back[], gr__grow_back_fits[];

/* gr_go and its like, as code that is built with checks calls them (gr.h). */
int gr_go_grow(void (*fn)(void *), void *arg);
int gr_go_named_grow(const char *name, void (*fn)(void *), void *arg);
int gr_go_with_grow(const struct gr_attr *attr, void (*fn)(void *), void *arg);

#endif
