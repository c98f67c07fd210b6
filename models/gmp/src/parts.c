/*
 * parts.c - see parts.h.
 *
 * The code is what gr_yield and gr__park_inline are made of (switch.h, runq.h), inlined here as it is there, and nothing is
 * copied. The queues are of a P that nobody else knows: so no thief finds Gs there that are none, while all that decides which
 * way the code goes (how many Ps there are, streaks, the tick) is as it is for a real one.
 */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>

#include "switch.h"

enum { STACK_BYTES = 64 << 10 };

struct gr__parts {
	struct gr_p p; /* not one of gr__sched.ps */
	struct gr_g g[2]; /* names of what is queued; never run */

	void *sp[2]; /* of whoever is switched off: the caller, the second stack */
	void *fake[2]; /* the sanitizers' */
	void *fibers[2];
	const void *lo; /* the calling G's stack */
	size_t bytes;
	uint64_t left; /* turns of the second stack; its own while it runs */
	uint64_t *done;
	_Alignas(64) char stack[STACK_BYTES];
};

int gr__parts_make(struct gr__parts **out)
{
	struct gr__parts *s = aligned_alloc(_Alignof(struct gr__parts), sizeof(*s));

	*out = s;
	if (!s)
		return -ENOMEM;
	*s = (struct gr__parts){.p.due_at = UINT64_MAX};
	return 0;
}

void gr__parts_free(struct gr__parts *s)
{
	free(s);
}

/* ---- registers ------------------------------------------------------------------------------------------------- */

/* On the second stack: count, and back. */
static void second(void *arg)
{
	struct gr__parts *s = arg;

	for (s->fake[1] = NULL;;) {
		gr__san_arrive(s->fake[1]);
		s->done[1]++;
		gr__san_leave(--s->left ? &s->fake[1] : NULL, s->lo, s->bytes, s->fibers[0]);
		gr__ctx_switch(&s->sp[1], s->sp[0]);
	}
}

void gr__part_swap(struct gr__parts *s, uint64_t ops, uint64_t done[2])
{
	struct gr_g *g = gr__m()->curg;
	uint64_t stack_id = gr__san_stack_known(s->stack, s->stack + STACK_BYTES);

	s->done = done;
	s->left = ops - ops / 2;
	s->lo = g->stack_lo;
	s->bytes = (size_t)(g->stack_hi - g->stack_lo);
	s->fibers[0] = gr__san_fiber_self();
	s->fibers[1] = gr__san_fiber_make();
	s->sp[1] = gr__ctx_make(s->stack + STACK_BYTES, second, s);
	for (uint64_t left = s->left; left > 0; left--) {
		done[0]++;
		gr__san_leave(&s->fake[0], s->stack, STACK_BYTES, s->fibers[1]);
		gr__ctx_switch(&s->sp[0], s->sp[1]);
		gr__san_arrive(s->fake[0]);
	}
	done[1] -= ops % 2; /* the way back from an odd last one is none of them */
	gr__san_fiber_free(s->fibers[1]);
	gr__san_stack_forgotten(stack_id);
}

/* ---- run queues -------------------------------------------------------------------------------------------------- */

void gr__part_queue(struct gr__parts *s, uint64_t ops, uint64_t done[2])
{
	struct gr_g *next = &s->g[0];

	gr__runq_put(&s->p, &s->g[1]);
	for (; ops > 0; ops--) {
		done[next == &s->g[1]]++;
		gr__runq_put(&s->p, next);
		owner_add(&s->p.tick, 1);
		next = gr__pick_local(&s->p);
	}
	gr__pick_local(&s->p);
}

void gr__part_runnext(struct gr__parts *s, uint64_t ops, uint64_t done[2])
{
	for (uint64_t i = 0; i < ops; i++) {
		gr__runq_put_next(&s->p, &s->g[i % 2]);
		owner_add(&s->p.tick, 1);
		done[gr__pick_local(&s->p) == &s->g[1]]++;
	}
}
