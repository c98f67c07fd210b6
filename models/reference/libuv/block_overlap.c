/*
 * block/overlap on libuv: a record per lane, with a stream to the peer and a uv_fs_t for the disk, which the pool's threads wait for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/subject/evented.h"
#include "workloads/block/overlap/overlap.h"

enum { ROOM = 64 }; /* more than an answer, so that a read that brings one says that it was all */

struct run;

struct lane {
	uv_pipe_t pipe;
	uv_fs_t file;
	struct run *run;
	uint64_t id;
	uint64_t *block; /* DATAFILE_BLOCK bytes, aligned to it */
	char room[ROOM];
	unsigned awaited; /* parts of the operation under way */
	uint64_t left; /* operations to be begun or under way */
	struct overlap_done done;
};

struct run {
	struct bench *b;
	struct overlap_plan plan;
	const struct overlap_data *data;
	int status; /* of the first that failed: nothing more is begun */
	uint64_t active; /* lanes with an operation under way */
	uint64_t n; /* lanes that have been made */
	uint64_t handles; /* that exist */
	bool has_begun; /* where not, nobody waits to hear how it ended */
	struct lane lanes[]; /* plan.in_flight */
};

static void begin_next(struct lane *l);

static void leave(struct run *r)
{
	struct bench *b = r->b;
	int status = r->status;
	bool has_begun = r->has_begun;

	for (uint64_t i = 0; i < r->n; i++)
		free(r->lanes[i].block);
	free(r);
	if (has_begun)
		bench_done(b, status);
}

static void closed(uv_handle_t *h)
{
	struct run *r = LV_CONTAINER(h, struct lane, pipe)->run;

	if (--r->handles == 0)
		leave(r);
}

static void close_all(struct run *r)
{
	const uint64_t n = r->handles; /* of the first lanes */

	for (uint64_t i = 0; i < n; i++)
		uv_close((uv_handle_t *)&r->lanes[i].pipe, closed);
	if (n == 0)
		leave(r);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;

	bench_end(b);
	b->cert = (struct bench_cert){.max_live = r->plan.in_flight};
	for (uint64_t i = 0; i < r->n; i++)
		overlap_add(&b->cert, &r->lanes[i].done);
	if (r->status < 0)
		bench_fail(b, r->status, "an operation failed: %s", uv_strerror(r->status));
	close_all(r);
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

static void is_read(uv_fs_t *file)
{
	struct lane *l = LV_CONTAINER(file, struct lane, file);
	const uint64_t block = overlap_block(&l->run->plan, l->id, l->done.ops);
	const ssize_t result = file->result;

	uv_fs_req_cleanup(file);
	if (result == DATAFILE_BLOCK)
		part_came(l, datafile_verify(l->block, block, &l->done.sum) ? 0 : -EIO);
	else
		part_came(l, result < 0 ? (int)result : -EIO);
}

static void alloc(uv_handle_t *h, size_t wanted, uv_buf_t *buf)
{
	struct lane *l = LV_CONTAINER(h, struct lane, pipe);

	(void)wanted;
	*buf = uv_buf_init(l->room, sizeof l->room);
}

static void answered(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct lane *l = LV_CONTAINER(stream, struct lane, pipe);
	uint64_t answer = 0;

	if (n == 0) /* nothing was there */
		return;
	if (n == (ssize_t)sizeof answer)
		memcpy(&answer, buf->base, sizeof answer);
	if (answer != peer_answer(overlap_request(l->id, l->done.ops))) {
		uv_read_stop(stream);
		part_came(l, n < 0 && n != UV_EOF ? (int)n : -EIO);
		return;
	}
	l->done.sum += answer;
	part_came(l, 0);
}

/* There is room for one request, as there is never more than one. */
static int ask(struct lane *l)
{
	uint64_t request = overlap_request(l->id, l->done.ops);
	uv_buf_t buf = uv_buf_init((char *)&request, sizeof request);
	int n = uv_try_write((uv_stream_t *)&l->pipe, &buf, 1);

	if (n < 0)
		return n;
	return n == (int)sizeof request ? 0 : -EIO;
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
		uv_buf_t to = uv_buf_init((char *)l->block, DATAFILE_BLOCK);

		status = uv_fs_read(&ex_loop_of(r->b)->uv, &l->file, r->data->fd, &to, 1,
				    (int64_t)(block * DATAFILE_BLOCK), is_read);
		l->awaited += status == 0;
	}
	if (status < 0)
		r->status = status;
	r->active += l->awaited > 0;
}

static int make_lane(struct run *r, struct lane *l)
{
	int fd, status;

	*l = (struct lane){.run = r, .id = r->n, .left = bench_share(r->b->ops, r->plan.in_flight, r->n)};
	l->block = aligned_alloc(DATAFILE_BLOCK, DATAFILE_BLOCK);
	r->n++;
	if (!l->block)
		return -ENOMEM;
	if (!r->plan.asks)
		return 0;
	fd = peer_connect(r->data->peer);
	if (fd < 0)
		return fd;
	lv_must(uv_pipe_init(&ex_loop_of(r->b)->uv, &l->pipe, 0), "uv_pipe_init"); /* it makes no descriptor */
	r->handles++;
	status = uv_pipe_open(&l->pipe, fd); /* from here on the socket does not block */
	if (status < 0)
		close(fd);
	return status < 0 ? status : uv_read_start((uv_stream_t *)&l->pipe, alloc, answered);
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
	while (r->n < plan.in_flight && status == 0)
		status = make_lane(r, &r->lanes[r->n]);
	if (status < 0) {
		bench_fail(b, status, "cannot make lane %llu: %s", (unsigned long long)r->n, uv_strerror(status));
		close_all(r); /* and free it */
		return status;
	}
	bench_begin(b);
	r->has_begun = true;
	for (uint64_t i = 0; i < r->n; i++)
		begin_next(&r->lanes[i]);
	if (r->active == 0)
		finish(r);
	return 0;
}

const struct bench_body block_overlap_evented = {.run = run_overlap};
