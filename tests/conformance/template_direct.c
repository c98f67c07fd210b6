/*
 * The template's direct body in the model that SWITCHYARD_BIND names.
 */
#include <stdlib.h>

#include "harness/subject/direct.h"
#include "tests/conformance/template_run.h"

struct root {
	struct bench *b;
	const struct bench_body *body;
	int status;
};

static void root_task(void *arg)
{
	struct root *r = arg;

	r->status = r->body->run(r->b);
}

int template_run(struct bench *b, const struct bench_body *body)
{
	struct root root = {.b = b, .body = body};
	int status = dx_runtime_start(b->workers, "", b->nearness, b->n_nearness);

	if (status < 0)
		return bench_fail(b, status, "%s does not start", DX_MODEL);
	dx_runtime_run(root_task, &root);
	dx_runtime_stop();
	return root.status;
}

/* A direct body returns its status. */
void template_done(struct bench *b, int status)
{
	(void)b;
	(void)status;
	abort();
}
