/*
 * abuse/hoarder in the callback style: there is none. One thread runs all callbacks, and none is interrupted, so that
 * there is no lock to be hoarded.
 */
#include <stddef.h>

#include "workloads/abuse/hoarder/hoarder.h"

static const char *cannot_contend(const struct bench *b)
{
	(void)b;
	return "single-threaded: a lock cannot contend";
}

const struct bench_body abuse_hoarder_evented = {.unsupported = cannot_contend, .run = NULL};
