/*
 * sync/pipeline in the callback style: a message is a record that is posted from stage to stage. The number of records is
 * what bounds the messages under way: the sink gives each back to the source, which sends the next number with it.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/sync/pipeline/pipeline.h"

struct message {
	ex_work work;
	struct run *run;
	uint64_t value;
	uint64_t place; /* the stage that it is posted to; `stages` is the sink */
};

struct run {
	struct bench *b;
	uint64_t stages;
	uint64_t sent, under_way, passed, in_turn;
	struct pipeline_series due; /* what the sink is to get next */
	struct bench_cert cert;
	struct message message[];
};

static void arrive(ex_work *work);

static void post(struct message *m, uint64_t place)
{
	m->place = place;
	ex_post(ex_loop_of(m->run->b), &m->work, arrive);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;

	bench_end(b);
	b->cert = r->cert;
	b->cert.max_live = r->stages + 2;
	b->cert.messages = r->in_turn + r->passed;
	free(r);
	bench_done(b, 0);
}

/* The source: a record is free. */
static void send_next(struct message *m)
{
	struct run *r = m->run;

	if (r->sent < r->b->ops) {
		r->under_way++;
		m->value = r->sent++;
		post(m, 0);
	} else if (r->under_way == 0) {
		finish(r);
	}
}

static void sink(struct message *m)
{
	struct run *r = m->run;

	r->in_turn += m->value == r->due.first;
	r->due.first += r->due.step;
	r->cert.checksum += m->value;
	r->cert.ops++;
	r->under_way--;
	send_next(m);
}

static void arrive(ex_work *work)
{
	struct message *m = EX_CONTAINER(work, struct message, work);

	if (m->place == m->run->stages) {
		sink(m);
		return;
	}
	m->value = pipeline_stage(m->value, m->place);
	m->run->passed++;
	post(m, m->place + 1);
}

static int run_pipeline(struct bench *b)
{
	uint64_t stages = (uint64_t)bench_param(b, "stages"), capacity = (uint64_t)bench_param(b, "capacity");
	uint64_t room = stages + 2 + capacity * (stages + 1), records = room < b->ops ? room : b->ops;
	struct run *r = calloc(1, sizeof *r + records * sizeof r->message[0]);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %llu messages", (unsigned long long)records);
	r->b = b;
	r->stages = stages;
	r->due = pipeline_series(stages);
	for (uint64_t i = 0; i < records; i++)
		r->message[i].run = r;
	bench_begin(b);
	for (uint64_t i = 0; i < records; i++)
		send_next(&r->message[i]);
	if (records == 0)
		finish(r);
	return 0;
}

const struct bench_body sync_pipeline_evented = {.run = run_pipeline};
