/*
 * template/example in the callback style: the state is in records, and each callback says what comes next. One thread
 * runs everything, so nothing is locked; nothing may block either. evented.h lists all that may be called.
 */
#include <errno.h>
#include <stdlib.h>

#include "docs/templates/workload/template.h"
#include "harness/subject/evented.h"

struct run;

struct job {
	ex_work work; /* embedded: EX_CONTAINER leads back from the callback's argument */
	struct run *run;
	uint64_t i;
};

/* One run of the body. The last callback frees it and calls bench_done: after that nothing of it may be touched. */
struct run {
	struct bench *b;
	uint64_t batch;
	uint64_t posted; /* jobs of all batches so far */
	uint64_t pending; /* jobs of this batch that have not run */
	struct bench_cert cert;
	struct job jobs[]; /* batch */
};

static void work(ex_work *w);

static void finish(struct run *r)
{
	struct bench *b = r->b;

	bench_end(b);
	b->cert = r->cert;
	free(r);
	bench_done(b, 0);
}

static void next_batch(struct run *r)
{
	uint64_t left = r->b->ops - r->posted;

	r->pending = left < r->batch ? left : r->batch;
	if (r->pending == 0) {
		finish(r);
		return;
	}
	for (uint64_t k = 0; k < r->pending; k++) {
		r->jobs[k].i = r->posted++;
		ex_post(ex_loop_of(r->b), &r->jobs[k].work, work);
	}
}

static void work(ex_work *w)
{
	struct job *j = EX_CONTAINER(w, struct job, work);
	struct run *r = j->run;

	r->cert.ops++;
	r->cert.units++;
	r->cert.checksum += template_work(j->i);
	if (--r->pending == 0)
		next_batch(r);
}

/* Called once, before the loop turns: starts the work and returns. What fails here is returned, not bench_done'd. */
static int run_example(struct bench *b)
{
	uint64_t batch = (uint64_t)bench_param(b, "batch");
	struct run *r = calloc(1, sizeof *r + batch * sizeof r->jobs[0]);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %llu tasks", (unsigned long long)batch);
	r->b = b;
	r->batch = batch;
	for (uint64_t k = 0; k < batch; k++)
		r->jobs[k].run = r;
	bench_begin(b);
	next_batch(r);
	return 0;
}

/*
 * Where the style cannot do the work at all, the body is only the reason:
 *
 *      static const char *cannot(const struct bench *b) { (void)b; return "single-threaded: a lock cannot contend"; }
 *      const struct bench_body template_example_evented = {.unsupported = cannot};
 */
const struct bench_body template_example_evented = {.run = run_example};
