/*
 * ladder.h - switch/ladder: the rungs, and those that take no second task.
 *
 * Two parties take turns: operations 0, 2, 4... are the first one's, 1, 3, 5... the second's, and each counts its own. A rung
 * without a second party leaves all of them to the first.
 */
#ifndef SWITCH_LADDER_H
#define SWITCH_LADDER_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/subject/bench.h"

enum ladder_rung {
	LADDER_CALL,
	LADDER_SWAP,
	LADDER_QUEUE,
	LADDER_RUNNEXT,
	LADDER_CHANNEL,
	LADDER_SYSCALL,
	LADDER_SCHED_YIELD,
	LADDER_FUTEX,
	LADDER_CROSS,
};

extern const struct bench_workload switch_ladder_workload;
extern const struct bench_body switch_ladder_direct, switch_ladder_evented, switch_ladder_serial;

enum ladder_rung ladder_rung_of(const struct bench *b);
/* Whether the rung is one of ladder_run_alone. */
bool ladder_is_alone(enum ladder_rung rung);
/* The certificate, of what was done: by each party. */
void ladder_certify(struct bench *b, const uint64_t done[2]);

/* The function that is called: never inlined, and its address not known to the caller. */
extern uint64_t (*volatile const ladder_callee)(uint64_t done);

/* The operations of a call, a system call or a lone sched_yield: the same in every style. Returns how many were done. */
static inline uint64_t ladder_run_alone(enum ladder_rung rung, uint64_t ops)
{
	uint64_t done = 0;

	if (rung == LADDER_CALL)
		for (uint64_t left = ops; left > 0; left--)
			done = ladder_callee(done);
	if (rung == LADDER_SYSCALL)
		for (uint64_t left = ops; left > 0; left--)
			done += syscall(SYS_getppid) >= 0;
	if (rung == LADDER_SCHED_YIELD)
		for (uint64_t left = ops; left > 0; left--)
			done += sched_yield() == 0;
	return done;
}

/* The whole of a body for those rungs. */
static inline int ladder_alone(struct bench *b)
{
	uint64_t done[2] = {0, 0};

	bench_begin(b);
	done[0] = ladder_run_alone(ladder_rung_of(b), b->ops);
	bench_end(b);
	ladder_certify(b, done);
	return 0;
}

#endif
