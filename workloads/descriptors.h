/*
 * descriptors.h - room for the descriptors that a workload opens.
 */
#ifndef WORKLOADS_DESCRIPTORS_H
#define WORKLOADS_DESCRIPTORS_H

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "harness/subject/bench.h"

enum { DESCRIPTORS_OTHER = 64 }; /* that a model and the harness need beside the workload's own; arbitrary */

/* Raise the soft limit of descriptors, if it is in the way of so many and the hard one allows. 0, or -errno and b->why. */
static inline int descriptors_allow(struct bench *b, uint64_t own)
{
	rlim_t needed = (rlim_t)own + DESCRIPTORS_OTHER;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return bench_fail(b, -errno, "cannot ask for the limit of open files: %s", strerror(errno));
	if (limit.rlim_cur >= needed)
		return 0;
	if (limit.rlim_max < needed)
		return bench_fail(b, -EMFILE, "%llu open files are needed and the limit (ulimit -Hn) is %llu",
				  (unsigned long long)needed, (unsigned long long)limit.rlim_max);
	limit.rlim_cur = needed;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return bench_fail(b, -errno, "cannot raise the limit of open files to %llu: %s",
				  (unsigned long long)needed, strerror(errno));
	return 0;
}

#endif
