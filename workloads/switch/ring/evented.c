/*
 * switch/ring in the callback style: a record per place, and the token's arrival is a posted callback.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/switch/ring/ring.h"

struct ring;

struct place {
	ex_work work; /* posted while the token is in the mailbox */
	struct ring *ring;
	struct ring_token mailbox;
	uint64_t visits; /* made so far */
};

struct ring {
	struct bench *b;
	const struct ring_data *data;
	struct place places[]; /* data->tasks */
};

static void finish(struct ring *r, const struct ring_token *token)
{
	struct bench *b = r->b;

	bench_end(b);
	b->cert = (struct bench_cert){.max_live = r->data->tasks, .checksum = token->sum};
	for (uint64_t i = 0; i < r->data->tasks; i++)
		b->cert.ops += r->places[i].visits;
	b->cert.messages = b->cert.ops;
	free(r);
	bench_done(b, 0);
}

static void token_came(ex_work *work)
{
	struct place *p = EX_CONTAINER(work, struct place, work);
	struct ring *r = p->ring;
	uint64_t self = (uint64_t)(p - r->places);
	struct place *next = &r->places[self + 1 < r->data->tasks ? self + 1 : 0];
	struct ring_token token = p->mailbox;

	token.sum += ring_visit(r->data, self);
	p->visits++;
	if (--token.hops_left == 0) {
		finish(r, &token);
		return;
	}
	next->mailbox = token;
	ex_post(ex_loop_of(r->b), &next->work, token_came);
}

static int run_ring(struct bench *b)
{
	const struct ring_data *data = b->data;
	struct ring *r = calloc(1, sizeof *r + data->tasks * sizeof r->places[0]);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %llu places", (unsigned long long)data->tasks);
	r->b = b;
	r->data = data;
	for (uint64_t i = 0; i < data->tasks; i++)
		r->places[i].ring = r;
	bench_begin(b);
	r->places[0].mailbox = (struct ring_token){.hops_left = b->ops};
	if (b->ops > 0)
		ex_post(ex_loop_of(b), &r->places[0].work, token_came);
	else
		finish(r, &r->places[0].mailbox);
	return 0;
}

const struct bench_body switch_ring_evented = {.run = run_ring};
