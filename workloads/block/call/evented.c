/*
 * block/call in the callback style: there is none.
 */
#include <stddef.h>

#include "workloads/block/call/call.h"

static const char *stops_the_loop(const struct bench *b)
{
	(void)b;
	return "a call that blocks stops the whole loop";
}

const struct bench_body block_call_evented = {.unsupported = stops_the_loop, .run = NULL};
