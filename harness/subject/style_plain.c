/*
 * style_plain.c - bodies as plain sequential code, without any model; see style.h. Of two subjects: `serial`, what the work
 * costs by itself, and `null`, what the harness costs (by the weak symbols of registry.c it offers null/empty only).
 */
#include "harness/subject/style.h"

#include <errno.h>

#include "harness/base/err.h"

const char *const style_model = SWITCHYARD_SUBJECT;
const bool style_uses_workers = false;
const bool style_has_counters = false;
const bool style_can_trace = false;

unsigned style_loops(const struct bench *b, const char *knobs)
{
	(void)b;
	(void)knobs;
	return 1;
}

int style_start(struct bench *b, const char *knobs)
{
	if (knobs[0] != '\0')
		return bench_fail(b, -EINVAL, "%s has no knobs, not \"%s\"", style_model, knobs);
	return 0;
}

void style_enter(struct bench *b, void (*root)(void *), void *arg)
{
	(void)b;
	root(arg);
}

int style_run(struct bench *b, const struct bench_body *body)
{
	return body->run(b);
}

void style_done(struct bench *b, int status)
{
	(void)status;
	err_fatal("bench_done: %s has a plain body, which returns its status", b->workload->name);
}

void style_stop(struct bench *b)
{
	(void)b;
}

int style_trace(const char *path)
{
	(void)path;
	return -EOPNOTSUPP;
}

void style_read_counters(struct bench *b, struct style_counters *out)
{
	(void)b;
	out->n = 0;
}

void style_read_knobs(struct bench *b, struct style_knobs *out)
{
	(void)b;
	out->n = 0;
}

void style_read_stack(struct bench *b, struct style_stack *out)
{
	(void)b;
	*out = (struct style_stack){.why = "there are no tasks"};
}

void style_default_knobs(struct style_knobs *out)
{
	out->n = 0;
}
