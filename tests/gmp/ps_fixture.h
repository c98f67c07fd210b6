/*
 * ps_fixture.h - a scheduler with Ps and nothing else, for tests of queues by themselves.
 */
#ifndef PS_FIXTURE_H
#define PS_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "runq.h"

enum { FIXTURE_PS_MAX = 16 };

static struct gr_p *ps[FIXTURE_PS_MAX];
static uint16_t fixture_strides[FIXTURE_PS_MAX];

/* gr__sched with ps[0 .. n). */
static inline void make_ps(unsigned n)
{
	memset(&gr__sched, 0, sizeof(gr__sched));
	list_init(&gr__sched.spill);
	list_init(&gr__sched.spare_chunks);
	for (unsigned i = 0; i < n; i++) {
		ps[i] = aligned_alloc(CACHE_LINE_BYTES, align_up(sizeof(struct gr_p), CACHE_LINE_BYTES));
		assert_non_null(ps[i]);
		memset(ps[i], 0, sizeof(struct gr_p));
		ps[i]->id = i;
	}
	gr__sched.ps = ps;
	gr__sched.nprocs = n;
	gr__sched.coprimes = fixture_strides;
	gr__sched.n_coprimes = gr__order_strides(n, fixture_strides);
}

static inline void free_ps(unsigned n)
{
	gr__spill_destroy();
	for (unsigned i = 0; i < n; i++)
		free(ps[i]);
	memset(&gr__sched, 0, sizeof(gr__sched));
}

#endif
