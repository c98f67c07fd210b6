/* pacer.c - intended start times; see pacer.h. */
#include "harness/base/pacer.h"

#include <math.h>

#include "harness/base/clock.h"
#include "harness/base/err.h"

void pacer_init(struct pacer *p, enum pacer_kind kind, uint64_t rate_per_sec, uint64_t start_ns, uint64_t seed)
{
	if (rate_per_sec == 0)
		err_fatal("pacer_init: the rate is 0");
	*p = (struct pacer){.kind = kind, .start_ns = start_ns, .rate_per_sec = rate_per_sec};
	rng_seed(&p->rng, seed);
}

uint64_t pacer_next(struct pacer *p)
{
	uint64_t index = p->index++;

	if (p->kind == PACER_FIXED) /* I3 */
		return p->start_ns + (uint64_t)((unsigned __int128)index * CLOCK_NS_PER_SEC / p->rate_per_sec);
	/*
	 * The inverse of the exponential distribution. The sum is exact to a nanosecond for 2^53 ns (104 days), and is kept
	 * as a fraction so that rates above 10^9 per second do not round to gaps of 0.
	 */
	p->elapsed_ns += -log(rng_unit(&p->rng)) * ((double)CLOCK_NS_PER_SEC / (double)p->rate_per_sec);
	return p->start_ns + (uint64_t)p->elapsed_ns;
}
