/*
 * spawn/chain in the blocking style: detached tasks that hand a pointer on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/spawn/chain/chain.h"

struct chain {
	struct chain_link link;
	dx_wg *ends; /* chains that have not ended; immutable */
	int status; /* why the model refused a task, which ended the chain; handed on as the link is */
};

static void be_a_link(void *arg)
{
	struct chain *c = arg;

	if (chain_step(&c->link)) {
		int status = dx_go(be_a_link, c);

		if (status == 0)
			return; /* the chain is the next one's now */
		c->status = status;
	}
	dx_wg_done(c->ends); /* from here on the chain may be gone */
}

/* Begin the chains and await their ends. 0, or why the model refused a task. */
static int run_chains(struct chain *chains, uint64_t n, dx_wg *ends)
{
	int status = 0;
	uint64_t i;

	for (i = 0; i < n && status == 0; i++) {
		if (chains[i].link.left == 0)
			continue;
		dx_wg_add(ends, 1);
		status = dx_go(be_a_link, &chains[i]);
		if (status < 0)
			dx_wg_done(ends);
	}
	dx_wg_wait(ends);
	for (i = 0; i < n && status == 0; i++)
		status = chains[i].status;
	return status;
}

static int run_chain(struct bench *b)
{
	uint64_t n = (uint64_t)bench_param(b, "chains");
	struct chain *chains = aligned_alloc(_Alignof(struct chain), n * sizeof *chains);
	struct bench_cert cert = {0};
	dx_wg ends;
	int status = chains ? dx_wg_init(&ends) : -ENOMEM;

	if (status < 0) {
		free(chains);
		return bench_fail(b, status, "cannot prepare %llu chains: %s", (unsigned long long)n,
				  strerror(-status));
	}
	for (uint64_t i = 0; i < n; i++)
		chains[i] = (struct chain){.link.left = b->ops / n, .ends = &ends};
	bench_begin(b);
	status = run_chains(chains, n, &ends);
	bench_end(b);
	for (uint64_t i = 0; i < n; i++)
		chain_count(&cert, &chains[i].link, i);
	dx_wg_destroy(&ends);
	free(chains);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu chains: the model refused a task after %llu (%s)",
				  (unsigned long long)n, (unsigned long long)cert.ops, strerror(-status));
	b->cert = cert;
	return 0;
}

const struct bench_body spawn_chain_direct = {.run = run_chain};
