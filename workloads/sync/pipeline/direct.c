/*
 * sync/pipeline in the blocking style: a task per stage, a channel before each and before the sink.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/gate.h"
#include "workloads/sync/pipeline/pipeline.h"

struct pipeline {
	struct gate gate;
	uint64_t messages; /* root's until the gate opens: what the source sends */
	/* immutable while tasks exist */
	uint64_t stages;
	struct stage *stage; /* stages + 2: the source, the stages, the sink */
	struct link *link; /* stages + 1: link[i] leads from stage[i] to stage[i + 1] */
	/* the sink's until it is joined */
	uint64_t received, in_turn, sum;
};

struct stage {
	_Alignas(128) dx_task task;
	struct pipeline *pipeline;
	uint64_t place; /* in the row */
	uint64_t passed; /* messages passed on; the task's until it is joined */
};

struct link {
	_Alignas(128) dx_chan chan;
};

static void run_source(void *arg)
{
	struct stage *s = arg;
	dx_chan *out = &s->pipeline->link[0].chan;

	gate_pass(&s->pipeline->gate);
	for (uint64_t i = 0; i < s->pipeline->messages; i++)
		dx_send(out, &i);
	dx_chan_close(out);
}

static void run_stage(void *arg)
{
	struct stage *s = arg;
	dx_chan *in = &s->pipeline->link[s->place - 1].chan, *out = &s->pipeline->link[s->place].chan;
	uint64_t value, passed = 0;

	gate_pass(&s->pipeline->gate);
	while (dx_recv(in, &value)) {
		value = pipeline_stage(value, s->place - 1);
		dx_send(out, &value);
		passed++;
	}
	dx_chan_close(out);
	s->passed = passed;
}

static void run_sink(void *arg)
{
	struct stage *s = arg;
	struct pipeline *p = s->pipeline;
	struct pipeline_series due = pipeline_series(p->stages);
	uint64_t value, received = 0, in_turn = 0, sum = 0;

	gate_pass(&p->gate);
	while (dx_recv(&p->link[p->stages].chan, &value)) {
		in_turn += value == due.first;
		due.first += due.step;
		sum += value;
		received++;
	}
	p->received = received;
	p->in_turn = in_turn;
	p->sum = sum;
}

/* Create the tasks from the sink backwards, until the model refuses one. Returns how many, and why in *status. */
static uint64_t create(struct pipeline *p, int *status)
{
	uint64_t tasks = p->stages + 2, n;

	*status = 0;
	for (n = 0; n < tasks; n++) {
		struct stage *s = &p->stage[tasks - 1 - n];
		void (*fn)(void *) = n == 0 ? run_sink : n == tasks - 1 ? run_source : run_stage;

		s->pipeline = p;
		s->place = tasks - 1 - n;
		*status = gate_spawn(&p->gate, &s->task, fn, s);
		if (*status < 0)
			break;
	}
	gate_gather(&p->gate);
	return n;
}

static int run_tasks(struct bench *b, struct pipeline *p)
{
	uint64_t tasks = p->stages + 2, passed = 0;
	int status;
	uint64_t live = create(p, &status);

	p->messages = b->ops;
	if (status == 0)
		bench_begin(b);
	else if (live > 0)
		dx_chan_close(&p->link[tasks - live - 1].chan); /* nobody stands before it who would */
	gate_open(&p->gate);
	for (uint64_t i = tasks - live; i < tasks; i++)
		dx_join(&p->stage[i].task);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)tasks, (unsigned long long)live, strerror(-status));
	bench_end(b);
	for (uint64_t i = 1; i <= p->stages; i++)
		passed += p->stage[i].passed;
	b->cert = (struct bench_cert){
		.ops = p->received, .max_live = live, .messages = p->in_turn + passed, .checksum = p->sum};
	return 0;
}

/* Make all channels, or none. */
static int make_links(struct pipeline *p, size_t capacity)
{
	for (uint64_t i = 0; i <= p->stages; i++) {
		int status = dx_chan_init(&p->link[i].chan, sizeof(uint64_t), capacity);

		if (status == 0)
			continue;
		while (i-- > 0)
			dx_chan_destroy(&p->link[i].chan);
		return status;
	}
	return 0;
}

static int run_pipeline(struct bench *b)
{
	struct pipeline p = {.stages = (uint64_t)bench_param(b, "stages")};
	int status = -ENOMEM;

	p.stage = aligned_alloc(128, (p.stages + 2) * sizeof p.stage[0]);
	p.link = aligned_alloc(128, (p.stages + 1) * sizeof p.link[0]);
	if (!p.stage || !p.link)
		goto out;
	status = gate_init(&p.gate);
	if (status < 0)
		goto out;
	status = make_links(&p, (size_t)bench_param(b, "capacity"));
	if (status == 0) {
		status = run_tasks(b, &p);
		for (uint64_t i = 0; i <= p.stages; i++)
			dx_chan_destroy(&p.link[i].chan);
	}
	gate_destroy(&p.gate);
out:
	free(p.link);
	free(p.stage);
	if (status < 0 && !b->why[0])
		return bench_fail(b, status, "cannot prepare %llu tasks and their channels: %s",
				  (unsigned long long)p.stages + 2, strerror(-status));
	return status;
}

const struct bench_body sync_pipeline_direct = {.run = run_pipeline};
