/*
 * switch/ring in the blocking style: a task per place, a mailbox in front of each.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/switch/ring/ring.h"

struct ring;

struct place {
	struct ring *ring;
	dx_task task;
	dx_chan mailbox; /* holds the token or nothing */
	uint64_t visits; /* the task's: made so far */
};

struct ring {
	const struct ring_data *data;
	struct place *places;
	uint64_t ready; /* places with a mailbox */
	uint64_t live; /* places with a task */
	dx_wg arrived; /* tasks that are not yet at their mailbox */
	dx_chan arrival; /* the token, when it has made its last hop */
};

static void pass_on(void *arg)
{
	struct place *p = arg;
	struct ring *r = p->ring;
	uint64_t self = (uint64_t)(p - r->places);
	struct place *next = &r->places[self + 1 < r->data->tasks ? self + 1 : 0];
	struct ring_token token;

	dx_wg_done(&r->arrived);
	while (dx_recv(&p->mailbox, &token)) {
		token.sum += ring_visit(r->data, self);
		p->visits++;
		dx_send(--token.hops_left > 0 ? &next->mailbox : &r->arrival, &token);
	}
}

static int make_places(struct ring *r)
{
	uint64_t n = r->data->tasks;
	int status = 0;

	for (; r->ready < n; r->ready++) {
		struct place *p = &r->places[r->ready];

		*p = (struct place){.ring = r};
		status = dx_chan_init(&p->mailbox, sizeof(struct ring_token), 1);
		if (status < 0)
			return status;
	}
	for (; r->live < n; r->live++) {
		struct place *p = &r->places[r->live];

		dx_wg_add(&r->arrived, 1);
		status = dx_spawn(&p->task, pass_on, p);
		if (status < 0) {
			dx_wg_done(&r->arrived);
			break;
		}
	}
	dx_wg_wait(&r->arrived);
	return status;
}

/* A closed mailbox ends its task. */
static void end_places(struct ring *r)
{
	for (uint64_t i = 0; i < r->live; i++)
		dx_chan_close(&r->places[i].mailbox);
	for (uint64_t i = 0; i < r->live; i++)
		dx_join(&r->places[i].task);
	for (uint64_t i = 0; i < r->ready; i++)
		dx_chan_destroy(&r->places[i].mailbox);
}

static int run_places(struct bench *b, struct ring *r)
{
	struct ring_token token = {.hops_left = b->ops};
	int status = make_places(r);

	if (status < 0) {
		end_places(r);
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)r->data->tasks, (unsigned long long)r->live, strerror(-status));
	}
	bench_begin(b);
	if (token.hops_left > 0) {
		dx_send(&r->places[0].mailbox, &token);
		dx_recv(&r->arrival, &token);
	}
	bench_end(b);
	end_places(r);

	b->cert = (struct bench_cert){.max_live = r->live, .checksum = token.sum};
	for (uint64_t i = 0; i < r->live; i++)
		b->cert.ops += r->places[i].visits;
	b->cert.messages = b->cert.ops;
	return 0;
}

static int run_ring(struct bench *b)
{
	const struct ring_data *data = b->data;
	struct ring r = {.data = data, .places = calloc(data->tasks, sizeof *r.places)};
	int status = r.places ? dx_wg_init(&r.arrived) : -ENOMEM;

	if (status < 0)
		goto no_wg;
	status = dx_chan_init(&r.arrival, sizeof(struct ring_token), 1);
	if (status < 0)
		goto no_chan;
	status = run_places(b, &r);
	dx_chan_destroy(&r.arrival);
	dx_wg_destroy(&r.arrived);
	free(r.places);
	return status;
no_chan:
	dx_wg_destroy(&r.arrived);
no_wg:
	free(r.places);
	return bench_fail(b, status, "cannot prepare a ring of %llu places: %s", (unsigned long long)data->tasks,
			  strerror(-status));
}

const struct bench_body switch_ring_direct = {.run = run_ring};
