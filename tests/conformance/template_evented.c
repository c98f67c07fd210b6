/*
 * The template's evented body in the event loop. bench_done may be called before the loop turns, by a body that has
 * nothing to wait for.
 */
#include <stdbool.h>

#include "harness/subject/evented.h"
#include "tests/conformance/template_run.h"

static bool is_turning, is_done;
static int done_status;

int template_run(struct bench *b, const struct bench_body *body)
{
	ex_loop *loop;
	int status = ex_runtime_start(b->workers, "", &loop);

	if (status < 0)
		return bench_fail(b, status, "the loop does not start");
	b->model = loop;
	is_done = false;
	status = body->run(b);
	is_turning = status == 0 && !is_done;
	if (is_turning)
		ex_runtime_run(loop);
	is_turning = false;
	ex_runtime_stop(loop);
	return status < 0 ? status : done_status;
}

void template_done(struct bench *b, int status)
{
	is_done = true;
	done_status = status;
	if (is_turning)
		ex_runtime_break(b->model);
}
