/*
 * parked.h - memory/parked: what its bodies share.
 */
#ifndef MEMORY_PARKED_H
#define MEMORY_PARKED_H

#include <stdio.h>
#include <stdlib.h>

#include "harness/subject/bench.h"
#include "workloads/memory/touch.h"

extern const struct bench_workload memory_parked_workload;
extern const struct bench_body memory_parked_direct, memory_parked_evented;

enum parked_libc {
	PARKED_LIBC_NO,
	PARKED_LIBC_YES, /* parked_use_libc, before the wait */
	PARKED_LIBC_BELOW, /* the wait is in a call from the frame that calls parked_write before and parked_read after it */
};

enum { PARKED_TEXT = 64 };

/*
 * What programs do with the libc: write numbers as text and read one back, which gives id. Always in the caller's own
 * frame, because that is what PARKED_LIBC_BELOW is about.
 */
static inline __attribute__((always_inline)) void parked_write(char text[PARKED_TEXT], uint64_t id)
{
	snprintf(text, PARKED_TEXT, "%llu %.17g", (unsigned long long)id, (double)id / 3);
}

static inline __attribute__((always_inline)) uint64_t parked_read(const char *text)
{
	return strtoull(text, NULL, 10);
}

/* Both, in a frame that is gone when the task parks. What that has used of a stack stays in use. Gives id. */
uint64_t parked_use_libc(uint64_t id);

#endif
