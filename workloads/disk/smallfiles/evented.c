/*
 * disk/smallfiles in the callback style: a record per reader, which each completion leads to the next step: opened,
 * filled until a read gives nothing, closed, and on to the next file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/evented.h"
#include "workloads/disk/smallfiles/smallfiles.h"

struct run;

struct reader {
	ex_file file;
	struct run *run;
	unsigned char *buf; /* d->buffer_bytes, and behind them the path */
	uint64_t op; /* the operation under way, or to begin */
	size_t got; /* bytes of the file in buf */
	int fd;
	int status; /* of the file that is being closed */
};

struct run {
	struct bench *b;
	const struct smallfiles_data *d;
	int status; /* of the first file that failed: no other is begun */
	uint64_t n; /* readers */
	uint64_t active; /* readers that have a file under way */
	struct bench_cert cert;
	struct reader readers[];
};

static void filled(ex_file *file, ssize_t result);
static void open_next(struct reader *rd);

static void free_run(struct run *r)
{
	for (uint64_t i = 0; i < r->n; i++)
		free(r->readers[i].buf);
	free(r);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;
	int status = r->status;

	bench_end(b);
	b->cert = r->cert;
	if (status < 0)
		bench_fail(b, status, "reading a file failed: %s", strerror(-status));
	free_run(r);
	bench_done(b, status);
}

/* The reader's file is over, with this status: the next one, or the end. */
static void file_is_over(struct reader *rd, int status)
{
	struct run *r = rd->run;

	r->active--;
	if (status < 0 && r->status == 0)
		r->status = status;
	rd->op += r->n;
	open_next(rd);
	if (r->active == 0)
		finish(r);
}

static void closed(ex_file *file, ssize_t result)
{
	struct reader *rd = EX_CONTAINER(file, struct reader, file);
	struct run *r = rd->run;
	uint32_t crc;

	(void)result; /* nothing was written that a close could lose */
	if (rd->status == 0) {
		crc = files_crc(rd->buf, rd->got);
		if (crc == r->d->crcs[smallfiles_file_of(rd->op, r->d->files)]) {
			r->cert.ops++;
			r->cert.bytes_read += rd->got;
			r->cert.checksum += crc;
		} else {
			rd->status = -EIO;
		}
	}
	file_is_over(rd, rd->status);
}

/* Ask for what is behind the bytes that are here already. */
static void fill(struct reader *rd)
{
	struct run *r = rd->run;
	ex_loop *loop = ex_loop_of(r->b);

	rd->status = ex_file_read(loop, &rd->file, rd->fd, rd->buf + rd->got, r->d->buffer_bytes - rd->got,
				  (off_t)rd->got, filled);
	if (rd->status < 0)
		ex_file_close(loop, &rd->file, rd->fd, closed);
}

static void filled(ex_file *file, ssize_t result)
{
	struct reader *rd = EX_CONTAINER(file, struct reader, file);

	if (result > 0) {
		rd->got += (size_t)result;
		fill(rd);
		return;
	}
	rd->status = (int)result; /* 0: the end */
	ex_file_close(ex_loop_of(rd->run->b), &rd->file, rd->fd, closed);
}

static void opened(ex_file *file, ssize_t result)
{
	struct reader *rd = EX_CONTAINER(file, struct reader, file);

	if (result < 0) {
		file_is_over(rd, (int)result);
		return;
	}
	rd->fd = (int)result;
	rd->got = 0;
	fill(rd);
}

/* Begin the reader's next file, if it has one and nothing has failed. */
static void open_next(struct reader *rd)
{
	struct run *r = rd->run;
	char *path = (char *)rd->buf + r->d->buffer_bytes;

	if (rd->op >= r->b->ops || r->status < 0)
		return;
	smallfiles_path(r->d, smallfiles_file_of(rd->op, r->d->files), path);
	ex_file_open(ex_loop_of(r->b), &rd->file, path, O_RDONLY | O_CLOEXEC, 0, opened);
	r->active++;
}

static int run_smallfiles(struct bench *b)
{
	uint64_t n = (uint64_t)bench_param(b, "in_flight");
	struct run *r;
	int status = smallfiles_prepare(b);

	if (status < 0)
		return status;
	r = calloc(1, sizeof *r + n * sizeof r->readers[0]);
	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %d readers", (int)n);
	r->b = b;
	r->d = b->data;
	r->cert.max_live = n;
	for (; r->n < n; r->n++) {
		struct reader *rd = &r->readers[r->n];

		rd->run = r;
		rd->op = r->n;
		rd->buf = malloc(r->d->buffer_bytes + r->d->path_bytes);
		if (!rd->buf) {
			free_run(r);
			return bench_fail(b, -ENOMEM, "out of memory for the buffers of %d readers", (int)n);
		}
	}
	bench_begin(b);
	for (uint64_t i = 0; i < n; i++)
		open_next(&r->readers[i]);
	if (r->active == 0)
		finish(r);
	return 0;
}

const struct bench_body disk_smallfiles_evented = {.run = run_smallfiles};
