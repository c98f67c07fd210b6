/*
 * sync/queue in the callback style: there is none. In a loop a producer calls whoever is to have the message, or posts
 * the call: there is nothing to queue on, nobody waits, and nobody could be kept from being faster than the other side.
 */
#include <stddef.h>

#include "workloads/sync/queue/queue.h"

static const char *without_channels(const struct bench *b)
{
	(void)b;
	return "the loop has no channels: a posted callback has no capacity";
}

const struct bench_body sync_queue_evented = {.unsupported = without_channels, .run = NULL};
