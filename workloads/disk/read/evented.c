/*
 * disk/read in the callback style: a record per reader, and each completion asks for the reader's next block.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/evented.h"
#include "workloads/disk/read/read.h"

struct run;

struct reader {
	ex_file file;
	struct run *run;
	uint64_t *block; /* DATAFILE_BLOCK bytes, aligned to it */
	struct read_order order;
	uint64_t asked; /* the block that is being read */
	uint64_t left; /* reads still to be asked for */
};

struct run {
	struct bench *b;
	int status; /* of the first read that failed: nothing more is asked for */
	uint64_t n; /* readers */
	uint64_t active; /* readers with a read under way */
	struct bench_cert cert;
	struct reader readers[];
};

static void completed(ex_file *file, ssize_t result);

static void free_run(struct run *r)
{
	for (uint64_t i = 0; i < r->n; i++)
		free(r->readers[i].block);
	free(r);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;
	int status = r->status;

	bench_end(b);
	b->cert = r->cert;
	if (status < 0)
		bench_fail(b, status, "a read of the data file failed: %s", strerror(-status));
	free_run(r);
	bench_done(b, status);
}

/* Ask for the reader's next block, if it has one to read and nothing has failed. */
static void ask(struct reader *rd)
{
	struct run *r = rd->run;
	const struct read_data *d = r->b->data;
	int status;

	if (rd->left == 0 || r->status < 0)
		return;
	rd->left--;
	rd->asked = read_next(&rd->order);
	status = ex_file_read(ex_loop_of(r->b), &rd->file, d->fd, rd->block, DATAFILE_BLOCK,
			      (off_t)(rd->asked * DATAFILE_BLOCK), completed);
	if (status < 0)
		r->status = status;
	else
		r->active++;
}

static void completed(ex_file *file, ssize_t result)
{
	struct reader *rd = EX_CONTAINER(file, struct reader, file);
	struct run *r = rd->run;

	r->active--;
	if (result == DATAFILE_BLOCK && datafile_verify(rd->block, rd->asked, &r->cert.checksum)) {
		r->cert.ops++;
		r->cert.bytes_read += (uint64_t)result;
	} else if (r->status == 0) {
		r->status = result < 0 ? (int)result : -EIO;
	}
	ask(rd);
	if (r->active == 0)
		finish(r);
}

static int run_read(struct bench *b)
{
	uint64_t n = (uint64_t)bench_param(b, "in_flight");
	const struct read_data *d = b->data;
	struct run *r;
	int status = read_prepare(b);

	if (status < 0)
		return status;
	r = calloc(1, sizeof *r + n * sizeof r->readers[0]);
	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %d readers", (int)n);
	r->b = b;
	r->cert.max_live = n;
	for (; r->n < n; r->n++) {
		struct reader *rd = &r->readers[r->n];

		rd->run = r;
		rd->order = read_order_of(d, b->seed, r->n, n);
		rd->left = bench_share(b->ops, n, r->n);
		rd->block = aligned_alloc(DATAFILE_BLOCK, DATAFILE_BLOCK);
		if (!rd->block) {
			free_run(r);
			return bench_fail(b, -ENOMEM, "out of memory for the buffers of %d readers", (int)n);
		}
	}
	bench_begin(b);
	for (uint64_t i = 0; i < n; i++)
		ask(&r->readers[i]);
	if (r->active == 0)
		finish(r);
	return 0;
}

const struct bench_body disk_read_evented = {.run = run_read};
