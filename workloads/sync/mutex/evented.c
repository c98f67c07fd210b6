/*
 * sync/mutex in the callback style: there is none. One thread runs all callbacks, so a lock would never be found taken,
 * and measuring it would praise the loop for a cost that it cannot have.
 */
#include <stddef.h>

#include "workloads/sync/mutex/mutex.h"

static const char *cannot_contend(const struct bench *b)
{
	(void)b;
	return "single-threaded: a lock cannot contend";
}

const struct bench_body sync_mutex_evented = {.unsupported = cannot_contend, .run = NULL};
