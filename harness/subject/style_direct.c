/* style_direct.c - bodies as blocking code in a task of the model that SWITCHYARD_BIND names; see style.h. */
#include "harness/subject/style.h"

#include <errno.h>
#include <string.h>

#include "harness/base/err.h"
#include "harness/subject/direct.h"

const char *const style_model = DX_MODEL;
const bool style_uses_workers = DX_USES_WORKERS;
const bool style_has_counters = DX_HAS_COUNTERS;
const bool style_can_trace = DX_CAN_TRACE;

static void do_nothing(void *arg)
{
	(void)arg;
}

/* Whether a pool of n threads can run the workload; -EOPNOTSUPP with b->why, and the model is stopped, if not. */
static int check_pool(struct bench *b, unsigned n)
{
	unsigned needed = b->workload->pool_tasks;

	if (n == 0 || (needed && needed <= n))
		return 0;
	dx_runtime_run(do_nothing, NULL); /* the whole cycle: a model need not bear a stop without a run */
	dx_runtime_stop();
	if (needed)
		return bench_fail(b, -EOPNOTSUPP, "a pool of %u threads: it needs %u at least", n, needed);
	return bench_fail(
		b, -EOPNOTSUPP,
		"a pool of %u threads: the tasks of this work wait for each other, and hold a thread meanwhile", n);
}

unsigned style_loops(const struct bench *b, const char *knobs)
{
	(void)b;
	(void)knobs;
	return 1;
}

int style_start(struct bench *b, const char *knobs)
{
	const char *why = DX_LACKS(b->workload->name);
	int status;

	if (why)
		return bench_fail(b, -EOPNOTSUPP, "%s", why);
	status = dx_runtime_start(b->workers, knobs, b->nearness, b->n_nearness);
	if (status == -EINVAL)
		return bench_fail(b, status, "%s does not take the knobs \"%s\" with %u workers", DX_MODEL, knobs,
				  b->workers);
	if (status < 0)
		return bench_fail(b, status, "%s cannot start %u workers: %s", DX_MODEL, b->workers,
				  strerrordesc_np(-status));
	return check_pool(b, dx_runtime_pool());
}

void style_enter(struct bench *b, void (*root)(void *), void *arg)
{
	(void)b;
	dx_runtime_run(root, arg);
}

int style_run(struct bench *b, const struct bench_body *body)
{
	return body->run(b);
}

void style_done(struct bench *b, int status)
{
	(void)status;
	err_fatal("bench_done: %s is a direct body, which returns its status", b->workload->name);
}

void style_stop(struct bench *b)
{
	(void)b;
	dx_runtime_stop();
}

int style_trace(const char *path)
{
	return dx_runtime_trace(path);
}

void style_read_counters(struct bench *b, struct style_counters *out)
{
	(void)b;
	out->n = dx_runtime_counters(out->names, out->values, STYLE_MAX_COUNTERS);
}

void style_read_knobs(struct bench *b, struct style_knobs *out)
{
	(void)b;
	out->n = dx_runtime_knobs(out->names, out->values, STYLE_MAX_KNOBS);
}

void style_read_stack(struct bench *b, struct style_stack *out)
{
	(void)b;
	out->why = NULL;
	out->bytes = dx_runtime_stack(&out->grows);
}

static void read_knobs_as_task(void *arg)
{
	style_read_knobs(NULL, arg);
}

void style_default_knobs(struct style_knobs *out)
{
	out->n = 0;
	if (dx_runtime_start(1, "", NULL, 0) < 0)
		return;
	dx_runtime_run(read_knobs_as_task, out); /* the whole cycle: a model need not bear a stop without a run */
	dx_runtime_stop();
}
