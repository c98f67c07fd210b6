/*
 * style_serial.c - bodies as plain sequential code, without any model: what the work costs by itself; see style.h.
 */
#include "harness/subject/style.h"

#include <errno.h>

#include "harness/base/err.h"

const char *const style_model = "serial";
const bool style_uses_workers = false;
const bool style_has_counters = false;

int style_start(struct bench *b, const char *knobs)
{
	if (knobs[0] != '\0')
		return bench_fail(b, -EINVAL, "serial has no knobs, not \"%s\"", knobs);
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
	err_fatal("bench_done: %s is a serial body, which returns its status", b->workload->name);
}

void style_stop(struct bench *b)
{
	(void)b;
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

void style_default_knobs(struct style_knobs *out)
{
	out->n = 0;
}
