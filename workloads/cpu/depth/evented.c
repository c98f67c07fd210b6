/*
 * cpu/depth in the callback style: one callback, on the loop's stack.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/cpu/depth/depth.h"

struct job {
	ex_work work;
	struct bench *b;
};

static void work(ex_work *w)
{
	struct job *j = EX_CONTAINER(w, struct job, work);
	struct bench *b = j->b;
	struct depth_done done;

	depth_work((uint64_t)bench_param(b, "depth"), b->ops, &done);
	bench_end(b);
	b->cert = (struct bench_cert){.ops = done.calls, .units = 1, .checksum = done.sum};
	free(j);
	bench_done(b, 0);
}

static int run_depth(struct bench *b)
{
	struct job *j = malloc(sizeof *j);

	if (!j)
		return bench_fail(b, -ENOMEM, "out of memory for a callback's record");
	j->b = b;
	bench_begin(b);
	ex_post(ex_loop_of(b), &j->work, work);
	return 0;
}

const struct bench_body cpu_depth_evented = {.run = run_depth};
