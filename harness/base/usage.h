/*
 * usage.h - what the kernel has charged a process for: CPU time, context switches, page faults.
 *
 * getrusage(RUSAGE_SELF) covers all threads of the process, those that have ended too, and needs no privilege.
 */
#ifndef BASE_USAGE_H
#define BASE_USAGE_H

#include <stdint.h>

#include <jansson.h>

struct usage {
	uint64_t user_ns; /* the kernel gives whole microseconds */
	uint64_t sys_ns;
	uint64_t vcsw; /* voluntary context switches: the thread blocked */
	uint64_t ivcsw; /* involuntary ones: its time was up, or another thread was preferred */
	uint64_t minflt; /* page faults without I/O */
	uint64_t majflt; /* page faults with I/O */
};

/* The charges of this process so far. */
void usage_now(struct usage *out);

/* later - earlier, field by field. */
struct usage usage_diff(const struct usage *later, const struct usage *earlier);

/* CPU time of another process of the same user so far, its threads included; 0 if the kernel does not say. */
uint64_t usage_cpu_of(int pid);

/* How many threads this process has now; 0 if the kernel does not say. One small read, however many there are. */
unsigned usage_threads(void);

/* The object that the protocol calls `rusage`; NULL when out of memory. */
json_t *usage_json(const struct usage *u);

#endif
