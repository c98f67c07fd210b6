/*
 * block/overlap in the blocking style: a task per lane, which asks, and where both parts are wanted one more that reads.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/subject/direct.h"
#include "workloads/block/overlap/overlap.h"
#include "workloads/gate.h"

struct run;

struct lane {
	dx_task task, reader;
	struct run *run; /* immutable, as the next two */
	uint64_t id;
	uint64_t *block; /* DATAFILE_BLOCK bytes, aligned to it */
	dx_sock sock; /* to the peer */
	dx_chan wanted; /* numbers of blocks, to the reader */
	dx_chan came; /* 0 or -errno, from it */
	/* root's until the gate opens, then the task's until it is joined */
	uint64_t left;
	struct overlap_done done;
	int status;
	uint64_t read_sum; /* of what was read: the reader's, if there is one, else the task's */
};

struct run {
	struct bench *b;
	struct overlap_plan plan; /* immutable */
	const struct overlap_data *data;
	struct gate gate;
	struct lane *lanes; /* plan.in_flight */
};

static bool has_reader(const struct run *r)
{
	return r->plan.reads && r->plan.asks;
}

static int read_block(struct lane *l, uint64_t block)
{
	ssize_t n = dx_pread(l->run->data->fd, l->block, DATAFILE_BLOCK, (off_t)(block * DATAFILE_BLOCK));

	if (n != DATAFILE_BLOCK)
		return n < 0 ? (int)n : -EIO;
	return datafile_verify(l->block, block, &l->read_sum) ? 0 : -EIO;
}

static void read_for(void *arg)
{
	struct lane *l = arg;
	uint64_t block;

	while (dx_recv(&l->wanted, &block)) {
		const int status = read_block(l, block);

		dx_send(&l->came, &status);
	}
}

static int ask(struct lane *l, uint64_t request)
{
	uint64_t answer;
	ssize_t n = dx_sock_write(&l->sock, &request, sizeof request);

	if (n == (ssize_t)sizeof request)
		n = dx_sock_read(&l->sock, &answer, sizeof answer);
	if (n != (ssize_t)sizeof answer || answer != peer_answer(request))
		return n < 0 ? (int)n : -EIO;
	l->done.sum += answer;
	return 0;
}

static int operate(struct lane *l, uint64_t n)
{
	const struct overlap_plan *p = &l->run->plan;
	const uint64_t block = overlap_block(p, l->id, n), request = overlap_request(l->id, n);
	int came = 0, status;

	if (!p->asks)
		return read_block(l, block);
	if (!p->reads)
		return ask(l, request);
	dx_send(&l->wanted, &block);
	status = ask(l, request);
	dx_recv(&l->came, &came);
	return came < 0 ? came : status;
}

static void go_along(void *arg)
{
	struct lane *l = arg;

	gate_pass(&l->run->gate);
	for (; l->left > 0 && l->status == 0; l->left--) {
		l->status = operate(l, l->done.ops);
		if (l->status == 0)
			overlap_count(&l->run->plan, &l->done);
	}
	if (has_reader(l->run))
		dx_chan_close(&l->wanted);
}

/* ---- making and unmaking lanes -------------------------------------------------------------------- */

static int connect_lane(struct lane *l)
{
	int status, fd = peer_connect(l->run->data->peer);

	if (fd < 0)
		return fd;
	status = dx_sock_adopt(&l->sock, fd);
	if (status < 0)
		close(fd);
	return status;
}

static int make_chans(struct lane *l)
{
	int status = dx_chan_init(&l->wanted, sizeof(uint64_t), 1);

	if (status < 0)
		return status;
	status = dx_chan_init(&l->came, sizeof(int), 1);
	if (status < 0)
		dx_chan_destroy(&l->wanted);
	return status;
}

static int make_lane(struct lane *l)
{
	const struct overlap_plan *p = &l->run->plan;
	int status;

	l->block = aligned_alloc(DATAFILE_BLOCK, DATAFILE_BLOCK);
	if (!l->block)
		return -ENOMEM;
	status = p->asks ? connect_lane(l) : 0;
	if (status < 0)
		goto no_connection;
	status = has_reader(l->run) ? make_chans(l) : 0;
	if (status < 0)
		goto no_chans;
	return 0;
no_chans:
	if (p->asks)
		dx_sock_close(&l->sock);
no_connection:
	free(l->block);
	return status;
}

static void unmake_lane(struct lane *l)
{
	if (has_reader(l->run)) {
		dx_chan_destroy(&l->came);
		dx_chan_destroy(&l->wanted);
	}
	if (l->run->plan.asks)
		dx_sock_close(&l->sock);
	free(l->block);
}

/* Its tasks: both or none. */
static int start_lane(struct lane *l)
{
	int status = has_reader(l->run) ? dx_spawn(&l->reader, read_for, l) : 0;

	if (status < 0)
		return status;
	status = gate_spawn(&l->run->gate, &l->task, go_along, l);
	if (status < 0 && has_reader(l->run)) {
		dx_chan_close(&l->wanted);
		dx_join(&l->reader);
	}
	return status;
}

/* ---- the run --------------------------------------------------------------------------------------- */

/* Make and start the lanes and wait until they stand at the gate; how many, fewer than planned with *status < 0. */
static uint64_t gather(struct run *r, int *status)
{
	uint64_t i;

	*status = 0;
	for (i = 0; i < r->plan.in_flight; i++) {
		struct lane *l = &r->lanes[i];

		*l = (struct lane){.run = r, .id = i, .left = bench_share(r->b->ops, r->plan.in_flight, i)};
		*status = make_lane(l);
		if (*status < 0)
			break;
		*status = start_lane(l);
		if (*status < 0) {
			unmake_lane(l);
			break;
		}
	}
	gate_gather(&r->gate);
	return i;
}

static int run_lanes(struct run *r)
{
	struct bench_cert cert = {.max_live = r->plan.in_flight};
	int status, failed = 0;
	uint64_t live = gather(r, &status);

	for (uint64_t i = 0; status < 0 && i < live; i++)
		r->lanes[i].left = 0;
	if (status == 0)
		bench_begin(r->b);
	gate_open(&r->gate);
	for (uint64_t i = 0; i < live; i++)
		dx_join(&r->lanes[i].task);
	if (status == 0)
		bench_end(r->b);
	for (uint64_t i = 0; i < live; i++) {
		struct lane *l = &r->lanes[i];

		if (has_reader(r))
			dx_join(&l->reader);
		l->done.sum += l->read_sum;
		overlap_add(&cert, &l->done);
		failed = l->status < 0 ? l->status : failed;
		unmake_lane(l);
	}
	r->b->cert = cert;
	if (status < 0)
		return bench_fail(r->b, status, "cannot hold %llu lanes: the model refused the one after %llu (%s)",
				  (unsigned long long)r->plan.in_flight, (unsigned long long)live, strerror(-status));
	return failed < 0 ? bench_fail(r->b, failed, "an operation failed: %s", strerror(-failed)) : 0;
}

static int run_overlap(struct bench *b)
{
	struct run r = {.b = b, .plan = overlap_plan_of(b), .data = b->data};
	int status;

	r.lanes = calloc(r.plan.in_flight, sizeof r.lanes[0]);
	status = r.lanes ? gate_init(&r.gate) : -ENOMEM;
	if (status < 0) {
		free(r.lanes);
		return bench_fail(b, status, "cannot prepare %llu lanes: %s", (unsigned long long)r.plan.in_flight,
				  strerror(-status));
	}
	status = run_lanes(&r);
	gate_destroy(&r.gate);
	free(r.lanes);
	return status;
}

const struct bench_body block_overlap_direct = {.run = run_overlap};
