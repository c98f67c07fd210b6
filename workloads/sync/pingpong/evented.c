/*
 * sync/pingpong in the callback style: two records that post each other.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/sync/pingpong/pingpong.h"

struct pair {
	struct bench *b;
	ex_work ponger; /* posted while `value` is a ping */
	ex_work pinger; /* posted while `value` is an answer */
	uint64_t value; /* on its way */
	uint64_t sent, answered, received, sum;
};

static void ping_came(ex_work *work);

static void finish(struct pair *p)
{
	struct bench *b = p->b;

	bench_end(b);
	b->cert = (struct bench_cert){
		.ops = p->received, .max_live = 2, .messages = p->received + p->answered, .checksum = p->sum};
	free(p);
	bench_done(b, 0);
}

static void send_ping(struct pair *p)
{
	if (p->sent == p->b->ops) {
		finish(p);
		return;
	}
	p->value = p->sent++;
	ex_post(ex_loop_of(p->b), &p->ponger, ping_came);
}

static void answer_came(ex_work *work)
{
	struct pair *p = EX_CONTAINER(work, struct pair, pinger);

	p->sum += p->value;
	p->received++;
	send_ping(p);
}

static void ping_came(ex_work *work)
{
	struct pair *p = EX_CONTAINER(work, struct pair, ponger);

	p->value = pingpong_answer(p->value);
	p->answered++;
	ex_post(ex_loop_of(p->b), &p->pinger, answer_came);
}

static int run_pingpong(struct bench *b)
{
	struct pair *p = calloc(1, sizeof *p);

	if (!p)
		return bench_fail(b, -ENOMEM, "out of memory for two records");
	p->b = b;
	bench_begin(b);
	send_ping(p);
	return 0;
}

static const char *without_channels(const struct bench *b)
{
	return bench_param(b, "capacity") > 0 ? "the loop has no channels: a posted callback has no capacity" : NULL;
}

const struct bench_body sync_pingpong_evented = {.unsupported = without_channels, .run = run_pingpong};
