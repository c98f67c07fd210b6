/*
 * sync/rwlock in the callback style: there is none, as with sync/mutex. One thread runs all callbacks, so nobody is ever
 * kept out.
 */
#include <stddef.h>

#include "workloads/sync/rwlock/rwlock.h"

static const char *cannot_contend(const struct bench *b)
{
	(void)b;
	return "single-threaded: a lock cannot contend";
}

const struct bench_body sync_rwlock_evented = {.unsupported = cannot_contend, .run = NULL};
