/*
 * sync/select in the callback style: there is none. A loop is a select: every callback is a case of it, and there is
 * nothing to choose among that ex_post would not have put in order already.
 */
#include <stddef.h>

#include "workloads/sync/select/select.h"

static const char *without_channels(const struct bench *b)
{
	(void)b;
	return "the loop has no channels: a posted callback has no capacity";
}

const struct bench_body sync_select_evented = {.unsupported = without_channels, .run = NULL};
