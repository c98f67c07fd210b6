/*
 * The template's serial body, called.
 */
#include <stdlib.h>

#include "tests/conformance/template_run.h"

int template_run(struct bench *b, const struct bench_body *body)
{
	return body->run(b);
}

/* A serial body returns its status. */
void template_done(struct bench *b, int status)
{
	(void)b;
	(void)status;
	abort();
}
