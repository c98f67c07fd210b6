/*
 * sync/pingpong in the blocking style: two tasks, a channel each way.
 */
#include <errno.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/sync/pingpong/pingpong.h"

struct pair {
	dx_chan there, back;
	uint64_t rounds; /* immutable */
	/* the ponger's until it is joined */
	uint64_t answered;
	/* the pinger's until it is joined */
	uint64_t received, sum;
	dx_task pinger, ponger;
	dx_wg arrived; /* tasks that are not yet at the gate */
	dx_wg open; /* 1 until the region begins */
};

static void ping(void *arg)
{
	struct pair *p = arg;
	uint64_t answer;

	dx_wg_done(&p->arrived);
	dx_wg_wait(&p->open);
	for (uint64_t i = 0; i < p->rounds; i++) {
		dx_send(&p->there, &i);
		if (!dx_recv(&p->back, &answer))
			break;
		p->sum += answer;
		p->received++;
	}
	dx_chan_close(&p->there);
}

static void pong(void *arg)
{
	struct pair *p = arg;
	uint64_t value;

	dx_wg_done(&p->arrived);
	while (dx_recv(&p->there, &value)) {
		value = pingpong_answer(value);
		dx_send(&p->back, &value);
		p->answered++;
	}
}

/* With the channels made: create both tasks, let them play, join them. */
static int play(struct bench *b, struct pair *p)
{
	int status;

	dx_wg_add(&p->arrived, 2);
	dx_wg_add(&p->open, 1);
	status = dx_spawn(&p->ponger, pong, p);
	if (status < 0)
		return bench_fail(b, status, "the model refused a task: %s", strerror(-status));
	status = dx_spawn(&p->pinger, ping, p);
	if (status < 0) {
		dx_chan_close(&p->there);
		dx_join(&p->ponger);
		return bench_fail(b, status, "the model refused a second task: %s", strerror(-status));
	}
	dx_wg_wait(&p->arrived);
	bench_begin(b);
	dx_wg_done(&p->open);
	dx_join(&p->pinger);
	bench_end(b);
	dx_join(&p->ponger);
	b->cert = (struct bench_cert){
		.ops = p->received, .max_live = 2, .messages = p->received + p->answered, .checksum = p->sum};
	return 0;
}

static int run_pingpong(struct bench *b)
{
	struct pair p = {.rounds = b->ops};
	size_t capacity = (size_t)bench_param(b, "capacity");
	int status = dx_wg_init(&p.arrived);

	if (status < 0)
		goto no_arrived;
	status = dx_wg_init(&p.open);
	if (status < 0)
		goto no_open;
	status = dx_chan_init(&p.there, sizeof(uint64_t), capacity);
	if (status < 0)
		goto no_there;
	status = dx_chan_init(&p.back, sizeof(uint64_t), capacity);
	if (status < 0)
		goto no_back;
	status = play(b, &p);
	dx_chan_destroy(&p.back);
	dx_chan_destroy(&p.there);
	dx_wg_destroy(&p.open);
	dx_wg_destroy(&p.arrived);
	return status;
no_back:
	dx_chan_destroy(&p.there);
no_there:
	dx_wg_destroy(&p.open);
no_open:
	dx_wg_destroy(&p.arrived);
no_arrived:
	return bench_fail(b, status, "cannot make two channels and two wait groups: %s", strerror(-status));
}

const struct bench_body sync_pingpong_direct = {.run = run_pingpong};
