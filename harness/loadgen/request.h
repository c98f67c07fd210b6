/*
 * request.h - the `load` line, which is all that the load generator is asked (docs/subject-protocol.md), checked.
 */
#ifndef LOADGEN_REQUEST_H
#define LOADGEN_REQUEST_H

#include <limits.h>
#include <stdint.h>

#include <jansson.h>

#include "harness/base/err.h"
#include "harness/loadgen/load.h"

struct load_request {
	struct load_config config;
	uint64_t warmup_ns, duration_ns;
	char hdr_file[PATH_MAX]; /* where the response times are written, too; "": nowhere */
};

/* 0, or -EINVAL with a sentence. */
int load_request_parse(const json_t *line, struct load_request *out, struct err *e);

#endif
