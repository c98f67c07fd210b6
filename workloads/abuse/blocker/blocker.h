/*
 * blocker.h - abuse/blocker: what its bodies share.
 */
#ifndef ABUSE_BLOCKER_H
#define ABUSE_BLOCKER_H

#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/subject/bench.h"
#include "workloads/abuse/polite.h"

extern const struct bench_workload abuse_blocker_workload;
extern const struct bench_body abuse_blocker_direct, abuse_blocker_evented;

/* After the region: the certificate and the figures from what the tasks did. 0, or < 0 with b->why. */
int blocker_report(struct bench *b, const struct polite_total *total, const struct jain *jain, uint64_t blocks);

/*
 * Sleep in the kernel, for the calling OS thread and behind the model's back: what a library does that was written for
 * threads. A signal ends the call early (a runtime may send them), and then it is made again; nothing is read of errno.
 */
static inline void blocker_block(uint64_t ns)
{
	const uint64_t until_ns = bench_now_ns() + ns;
	const struct timespec at = {.tv_sec = (time_t)(until_ns / 1000000000),
				    .tv_nsec = (long)(until_ns % 1000000000)};

	do
		(void)syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	while (bench_now_ns() < until_ns);
}

#endif
