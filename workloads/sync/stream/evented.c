/*
 * sync/stream in the callback style: there is none. A producer that posts a callback per message and a queue that it may
 * not overfill would be a channel written for this one purpose, and the figure that of whoever wrote it.
 */
#include <stddef.h>

#include "workloads/sync/stream/stream.h"

static const char *without_channels(const struct bench *b)
{
	(void)b;
	return "the loop has no channels: a posted callback has no capacity";
}

const struct bench_body sync_stream_evented = {.unsupported = without_channels, .run = NULL};
