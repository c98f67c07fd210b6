/*
 * registry.h - the workloads that are linked into this subject, and the body of this subject's style for each.
 */
#ifndef SUBJECT_REGISTRY_H
#define SUBJECT_REGISTRY_H

#include <stddef.h>

#include "harness/subject/bench.h"

struct registry_entry {
	const struct bench_workload *workload; /* never NULL: each subject knows the definition of every workload */
	const struct bench_body *body; /* NULL: the workload has no body in this style */
};

/* All workloads in the order of workloads/list.def. */
const struct registry_entry *registry_all(size_t *n);

/* By "family/name"; NULL if there is none. */
const struct registry_entry *registry_find(const char *name);

#endif
