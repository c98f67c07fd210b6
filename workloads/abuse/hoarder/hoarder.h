/*
 * hoarder.h - abuse/hoarder: what its bodies share.
 */
#ifndef ABUSE_HOARDER_H
#define ABUSE_HOARDER_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/abuse/polite.h"
#include "workloads/steps.h"

extern const struct bench_workload abuse_hoarder_workload;
extern const struct bench_body abuse_hoarder_direct, abuse_hoarder_evented;

/* The word that the lock guards: where it starts, and by how many steps a polite task advances it. */
#define HOARDER_START UINT64_C(0x9e3779b97f4a7c15)
enum { HOARDER_POLITE_STEPS = 100 };

/* Whether the hoarder sleeps with the lock held, and does not compute. */
static inline bool hoarder_sleeps(const struct bench *b)
{
	return bench_param(b, "hoarding") != 0;
}

#endif
