/*
 * disk/log in the callback style: a record per writer; a write that is done leads to the sync or to the next write.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/evented.h"
#include "workloads/disk/log/log.h"

struct run;

struct writer {
	ex_file file;
	struct run *run;
	uint64_t *record;
	uint64_t id;
	uint64_t total, left; /* records, all and still to be appended */
};

struct run {
	struct bench *b;
	int fd;
	int status; /* of the first call that failed: nothing more is begun */
	size_t record_bytes;
	uint64_t per_sync;
	uint64_t n; /* writers */
	uint64_t active; /* writers with a call under way */
	struct log_done done;
	struct writer writers[];
};

static void append_next(struct writer *w);

static void free_run(struct run *r)
{
	for (uint64_t i = 0; i < r->n; i++)
		free(r->writers[i].record);
	free(r);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;
	int status = r->status;

	bench_end(b);
	if (status < 0)
		bench_fail(b, status, "appending to the log failed: %s", strerror(-status));
	status = log_close(b, r->fd, status, &r->done);
	free_run(r);
	bench_done(b, status);
}

/* A writer's call is over, with this status: its next record, or the end. */
static void go_on(struct writer *w, int status)
{
	struct run *r = w->run;

	r->active--;
	if (status < 0 && r->status == 0)
		r->status = status;
	append_next(w);
	if (r->active == 0)
		finish(r);
}

static void synced(ex_file *file, ssize_t result)
{
	struct writer *w = EX_CONTAINER(file, struct writer, file);

	if (result == 0)
		w->run->done.syncs++;
	go_on(w, (int)result);
}

static void appended(ex_file *file, ssize_t result)
{
	struct writer *w = EX_CONTAINER(file, struct writer, file);
	struct run *r = w->run;

	if (result != (ssize_t)r->record_bytes) {
		go_on(w, result < 0 ? (int)result : -EIO);
		return;
	}
	r->done.records++;
	r->done.bytes += (uint64_t)result;
	w->left--;
	if (log_syncs(w->total, w->left, r->per_sync) && r->status == 0)
		ex_file_sync(ex_loop_of(r->b), &w->file, r->fd, synced); /* it stays active */
	else
		go_on(w, 0);
}

/* Append the writer's next record, if it has one and nothing has failed. */
static void append_next(struct writer *w)
{
	struct run *r = w->run;

	if (w->left == 0 || r->status < 0)
		return;
	log_fill(w->record, r->record_bytes, w->id, w->total - w->left);
	r->status = ex_file_write(ex_loop_of(r->b), &w->file, r->fd, w->record, r->record_bytes, 0, appended);
	if (r->status == 0)
		r->active++;
}

static struct run *new_run(struct bench *b)
{
	uint64_t n = (uint64_t)bench_param(b, "writers");
	struct run *r = calloc(1, sizeof *r + n * sizeof r->writers[0]);

	if (!r)
		return NULL;
	r->b = b;
	r->record_bytes = (size_t)bench_param(b, "record_bytes");
	r->per_sync = (uint64_t)bench_param(b, "per_sync");
	for (; r->n < n; r->n++) {
		struct writer *w = &r->writers[r->n];

		w->run = r;
		w->id = r->n;
		w->total = w->left = bench_share(b->ops, n, r->n);
		w->record = malloc(log_words(r->record_bytes) * sizeof w->record[0]);
		if (!w->record) {
			free_run(r);
			return NULL;
		}
	}
	return r;
}

static int run_log(struct bench *b)
{
	struct run *r = new_run(b);
	int fd;

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %d writers", (int)bench_param(b, "writers"));
	fd = r->fd = log_open(b);
	if (fd < 0) {
		free_run(r);
		return fd;
	}
	bench_begin(b);
	for (uint64_t i = 0; i < r->n; i++)
		append_next(&r->writers[i]);
	if (r->active == 0)
		finish(r);
	return 0;
}

const struct bench_body disk_log_evented = {.run = run_log};
