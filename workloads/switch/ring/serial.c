/*
 * switch/ring without tasks: the same visits in the same order, in one loop.
 */
#include "workloads/switch/ring/ring.h"

static int run_ring(struct bench *b)
{
	const struct ring_data *d = b->data;
	struct ring_token token = {.hops_left = b->ops};
	uint64_t visits = 0, self = 0;

	bench_begin(b);
	while (token.hops_left > 0) {
		token.sum += ring_visit(d, self);
		__asm__ volatile("" : "+r"(token.sum)); /* a hop at a time, also where a hop is one addition */
		token.hops_left--;
		visits++;
		self = self + 1 < d->tasks ? self + 1 : 0;
	}
	bench_end(b);
	b->cert = (struct bench_cert){.ops = visits, .max_live = d->tasks, .messages = visits, .checksum = token.sum};
	return 0;
}

const struct bench_body switch_ring_serial = {.run = run_ring};
