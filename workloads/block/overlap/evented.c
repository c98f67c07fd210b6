/*
 * block/overlap in the callback style: a record per lane, which starts both parts and counts what has come.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/subject/evented.h"
#include "workloads/block/overlap/overlap.h"

struct run;

struct lane {
	struct run *run;
	uint64_t id;
	ex_file file;
	uint64_t *block; /* DATAFILE_BLOCK bytes, aligned to it */
	ex_io io;
	int fd; /* to the peer; -1: none */
	unsigned awaited; /* parts of the operation that have not come */
	uint64_t left; /* operations, with the one under way */
	struct overlap_done done;
};

struct run {
	struct bench *b;
	struct overlap_plan plan;
	const struct overlap_data *data;
	int status; /* of the first operation that failed: no lane begins another one */
	uint64_t active; /* lanes with an operation under way */
	uint64_t n; /* lanes that have been made */
	struct lane lanes[]; /* plan.in_flight */
};

static void begin_next(struct lane *l);

static void free_run(struct run *r)
{
	for (uint64_t i = 0; i < r->n; i++) {
		struct lane *l = &r->lanes[i];

		if (l->fd >= 0) {
			ex_io_stop(ex_loop_of(r->b), &l->io);
			close(l->fd);
		}
		free(l->block);
	}
	free(r);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;
	int status = r->status;

	bench_end(b);
	b->cert = (struct bench_cert){.max_live = r->plan.in_flight};
	for (uint64_t i = 0; i < r->n; i++)
		overlap_add(&b->cert, &r->lanes[i].done);
	if (status < 0)
		bench_fail(b, status, "an operation failed: %s", strerror(-status));
	free_run(r);
	bench_done(b, status);
}

/* A part of the lane's operation has come, or has failed. */
static void part_came(struct lane *l, int status)
{
	struct run *r = l->run;

	if (status < 0 && r->status == 0)
		r->status = status;
	if (--l->awaited > 0)
		return;
	if (r->status == 0)
		overlap_count(&r->plan, &l->done);
	l->left--;
	r->active--;
	begin_next(l);
	if (r->active == 0)
		finish(r);
}

static void is_read(ex_file *file, ssize_t result)
{
	struct lane *l = EX_CONTAINER(file, struct lane, file);
	const uint64_t block = overlap_block(&l->run->plan, l->id, l->done.ops);

	if (result == DATAFILE_BLOCK)
		part_came(l, datafile_verify(l->block, block, &l->done.sum) ? 0 : -EIO);
	else
		part_came(l, result < 0 ? (int)result : -EIO);
}

static void answered(ex_io *io, unsigned events)
{
	struct lane *l = EX_CONTAINER(io, struct lane, io);
	uint64_t answer;
	ssize_t n;

	(void)events; /* an error shows in the call */
	do
		n = read(l->fd, &answer, sizeof answer);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n != (ssize_t)sizeof answer || answer != peer_answer(overlap_request(l->id, l->done.ops))) {
		const int status = n < 0 ? -errno : -EIO;

		ex_io_change(ex_loop_of(l->run->b), io, 0); /* an end of the stream would be told for ever */
		part_came(l, status);
		return;
	}
	l->done.sum += answer;
	part_came(l, 0);
}

/* There is room for one request, as there is never more than one. */
static int ask(const struct lane *l)
{
	const uint64_t request = overlap_request(l->id, l->done.ops);

	return files_write_all(l->fd, &request, sizeof request);
}

/* Begin the lane's next operation, if it has one and nothing has failed. What cannot be begun has failed. */
static void begin_next(struct lane *l)
{
	struct run *r = l->run;
	int status = 0;

	if (l->left == 0 || r->status < 0)
		return;
	if (r->plan.asks) {
		status = ask(l);
		l->awaited += status == 0;
	}
	if (r->plan.reads && status == 0) {
		const uint64_t block = overlap_block(&r->plan, l->id, l->done.ops);

		status = ex_file_read(ex_loop_of(r->b), &l->file, r->data->fd, l->block, DATAFILE_BLOCK,
				      (off_t)(block * DATAFILE_BLOCK), is_read);
		l->awaited += status == 0;
	}
	if (status < 0)
		r->status = status;
	r->active += l->awaited > 0;
}

static int make_lane(struct run *r, struct lane *l)
{
	int status;

	*l = (struct lane){.run = r, .id = r->n, .fd = -1, .left = bench_share(r->b->ops, r->plan.in_flight, r->n)};
	l->block = aligned_alloc(DATAFILE_BLOCK, DATAFILE_BLOCK);
	if (!l->block)
		return -ENOMEM;
	if (!r->plan.asks)
		return 0;
	l->fd = status = peer_connect(r->data->peer);
	if (status >= 0)
		status = fcntl(l->fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
	if (status == 0)
		status = ex_io_start(ex_loop_of(r->b), &l->io, l->fd, EX_READ, answered);
	if (status == 0)
		return 0;
	if (l->fd >= 0)
		close(l->fd);
	free(l->block);
	return status;
}

static int run_overlap(struct bench *b)
{
	const struct overlap_plan plan = overlap_plan_of(b);
	struct run *r = calloc(1, sizeof *r + plan.in_flight * sizeof r->lanes[0]);
	int status = 0;

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %llu lanes", (unsigned long long)plan.in_flight);
	r->b = b;
	r->plan = plan;
	r->data = b->data;
	while (r->n < plan.in_flight && status == 0) {
		status = make_lane(r, &r->lanes[r->n]);
		r->n += status == 0;
	}
	if (status < 0) {
		bench_fail(b, status, "cannot make lane %llu: %s", (unsigned long long)r->n + 1, strerror(-status));
		free_run(r);
		return status;
	}
	bench_begin(b);
	for (uint64_t i = 0; i < r->n; i++)
		begin_next(&r->lanes[i]);
	if (r->active == 0)
		finish(r);
	return 0;
}

const struct bench_body block_overlap_evented = {.run = run_overlap};
