/*
 * disk/mixed in the callback style: a record per worker, and each completion asks for the worker's next operation.
 */
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/disk/mixed/mixed.h"

struct run;

struct member {
	ex_file file;
	struct run *run;
	struct mixed_worker worker;
};

struct run {
	struct bench *b;
	uint64_t n; /* members */
	uint64_t active; /* those with an operation under way */
	struct member members[];
};

static void completed(ex_file *file, ssize_t result);

static void free_run(struct run *r)
{
	for (uint64_t i = 0; i < r->n; i++)
		mixed_free_worker(&r->members[i].worker);
	free(r);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;
	int status = 0;

	bench_end(b);
	b->cert = (struct bench_cert){.max_live = r->n};
	for (uint64_t i = 0; status == 0 && i < r->n; i++)
		status = mixed_add(b, &r->members[i].worker);
	if (status == 0)
		status = mixed_verify(b);
	free_run(r);
	bench_done(b, status);
}

/* Ask for the member's next operation, if it has one. */
static void ask(struct member *m)
{
	struct mixed_worker *w = &m->worker;
	ex_loop *loop = ex_loop_of(m->run->b);
	int fd = w->data->fd, status;

	if (!mixed_next(w))
		return;
	if (w->is_read)
		status = ex_file_read(loop, &m->file, fd, w->words, MIXED_BLOCK, w->offset, completed);
	else
		status = ex_file_write(loop, &m->file, fd, w->words, MIXED_BLOCK, w->offset, completed);
	if (status < 0)
		w->status = status;
	else
		m->run->active++;
}

static void completed(ex_file *file, ssize_t result)
{
	struct member *m = EX_CONTAINER(file, struct member, file);
	struct run *r = m->run;

	r->active--;
	mixed_took(&m->worker, result);
	ask(m);
	if (r->active == 0)
		finish(r);
}

static int run_mixed(struct bench *b)
{
	uint64_t n = (uint64_t)bench_param(b, "in_flight");
	struct run *r = calloc(1, sizeof *r + n * sizeof r->members[0]);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %d workers", (int)n);
	r->b = b;
	for (; r->n < n; r->n++) {
		r->members[r->n].run = r;
		if (mixed_make_worker(b, &r->members[r->n].worker, r->n, n) < 0) {
			free_run(r);
			return bench_fail(b, -ENOMEM, "out of memory for the buffers of %d workers", (int)n);
		}
	}
	mixed_prepare(b);
	bench_begin(b);
	for (uint64_t i = 0; i < n; i++)
		ask(&r->members[i]);
	if (r->active == 0)
		finish(r);
	return 0;
}

const struct bench_body disk_mixed_evented = {.run = run_mixed};
