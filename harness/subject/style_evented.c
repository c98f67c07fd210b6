/*
 * style_evented.c - bodies as callbacks on the event loop; see style.h.
 *
 * The runner is the loop's thread. One run of a body is one call of its run() followed by one turn of the loop from
 * ex_runtime_run to ex_runtime_break; between runs the loop stands still, with nothing registered.
 */
#include "harness/subject/style.h"

#include <errno.h>
#include <string.h>

#include "harness/base/err.h"
#include "harness/subject/evented.h"

const char *const style_model = "eventloop";
const bool style_uses_workers = false;
const bool style_has_counters = true;

/* Owned by the runner thread: the run that is under way. */
static struct {
	bool is_turning; /* ex_runtime_run has been called and has not returned */
	bool is_done; /* bench_done has been called in this run */
	int status; /* its argument */
} run;

int style_start(struct bench *b, const char *knobs)
{
	ex_loop *loop = NULL;
	int status = ex_runtime_start(b->workers, knobs, &loop);

	b->model = loop;
	if (status == -EINVAL)
		return bench_fail(b, status, "eventloop does not take the knobs \"%s\" with %u workers", knobs,
				  b->workers);
	if (status < 0)
		return bench_fail(b, status, "eventloop cannot start: %s", strerrordesc_np(-status));
	return 0;
}

void style_enter(struct bench *b, void (*root)(void *), void *arg)
{
	(void)b;
	root(arg);
}

int style_run(struct bench *b, const struct bench_body *body)
{
	int status;

	run.is_done = false;
	run.status = 0;
	status = body->run(b);
	if (status < 0)
		return status;
	/* A body that had nothing to wait for may have called bench_done already: then there is nothing to turn. */
	if (!run.is_done) {
		run.is_turning = true;
		ex_runtime_run(b->model);
		run.is_turning = false;
	}
	if (!run.is_done)
		return bench_fail(b, -EPROTO, "the loop ran out of work before %s called bench_done",
				  b->workload->name);
	return run.status;
}

void style_done(struct bench *b, int status)
{
	if (run.is_done)
		err_fatal("bench_done: %s called it twice in one run", b->workload->name);
	run.is_done = true;
	run.status = status;
	if (run.is_turning)
		ex_runtime_break(b->model);
}

void style_stop(struct bench *b)
{
	ex_runtime_stop(b->model);
	b->model = NULL;
}

void style_read_counters(struct bench *b, struct style_counters *out)
{
	out->n = ex_runtime_counters(b->model, out->names, out->values, STYLE_MAX_COUNTERS);
}

void style_read_knobs(struct bench *b, struct style_knobs *out)
{
	out->n = ex_runtime_knobs(b->model, out->names, out->values, STYLE_MAX_KNOBS);
}

void style_default_knobs(struct style_knobs *out)
{
	ex_loop *loop;

	out->n = 0;
	if (ex_runtime_start(1, "", &loop) < 0)
		return;
	out->n = ex_runtime_knobs(loop, out->names, out->values, STYLE_MAX_KNOBS);
	ex_runtime_stop(loop);
}
