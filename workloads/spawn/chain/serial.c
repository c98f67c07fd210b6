/*
 * spawn/chain without tasks: a call for each.
 */
#include <errno.h>
#include <stdlib.h>

#include "workloads/spawn/chain/chain.h"

static __attribute__((noinline)) int be_a_link(struct chain_link *link)
{
	return chain_step(link);
}

static int run_chain(struct bench *b)
{
	uint64_t n = (uint64_t)bench_param(b, "chains"), left = n;
	struct chain_link *links = aligned_alloc(_Alignof(struct chain_link), n * sizeof *links);
	struct bench_cert cert = {0};

	if (!links)
		return bench_fail(b, -ENOMEM, "out of memory for %llu chains", (unsigned long long)n);
	for (uint64_t i = 0; i < n; i++)
		links[i] = (struct chain_link){.left = b->ops / n};
	if (b->ops < n)
		left = 0;
	bench_begin(b);
	while (left > 0)
		for (uint64_t i = 0; i < n; i++)
			left -= !be_a_link(&links[i]); /* all chains end in the same round */
	bench_end(b);
	for (uint64_t i = 0; i < n; i++)
		chain_count(&cert, &links[i], i);
	free(links);
	b->cert = cert;
	return 0;
}

const struct bench_body spawn_chain_serial = {.run = run_chain};
