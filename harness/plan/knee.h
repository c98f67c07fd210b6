/*
 * knee.h - load as a percent of what a server can do.
 *
 * A rate that is far below one server's limit is beyond another's, so that latency under load says little without knowing
 * where the limit is. A workload names a parameter for it (docs/subject-protocol.md, "knee"): its value is a percent of the
 * knee, which the harness measures before the cell's first sample.
 *
 * The knee is the throughput of a closed loop on all of the cell's connections. That is what an open loop gets beyond the
 * knee: a request that waits is given to each connection as it becomes idle, so that each always has one. A search for the
 * highest rate whose queue stays short was rejected. It takes several samples for each digit; and where throughput falls
 * under overload it finds a rate that the server holds only until its first bad moment: it does not come back from that.
 *
 * Whose knee. `slowest` (the default): that of the slowest concurrent subject of the cell is the base for all, so that all
 * get the same requests at the same times, and may be compared. `own`: each gets a percent of its own knee: the picture of
 * how each one collapses, in which nobody is compared with another, because they have different loads.
 *
 * Cells that differ in nothing but the load have one knee, so it is measured once for all of them, KNEE_SAMPLES processes of
 * each subject, in turns. The median counts. Their records are of kind calibrate.
 */
#ifndef KNEE_H
#define KNEE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/plan/plan.h"

enum {
	KNEE_SAMPLES = 6, /* of each subject: the fewest of which a median has an interval at 95 % */
	KNEE_ATTEMPTS = 2, /* at each of them, where others disturb it; arbitrary */
};

/* How long its load lasts: the cell's region, or this where it is longer. Some thousand requests are enough; arbitrary. */
int64_t knee_region_ns(int64_t cell_region_ns);

/* What a sample's load is a percent of: the record's load.knee. */
struct knee_load {
	int64_t percent;
	bool is_own;
	double own_per_s, base_per_s; /* requests; 0: not known */
	const char *base; /* the subject whose knee is the base; NULL: nobody's is known */
	const char *cell; /* id of the plan's first cell that shares the knee */
};

/* Whether what a workload's description says of its knee makes sense; one that says nothing does. -EPROTO and a sentence. */
int knee_check(const json_t *described_workload, struct err *err);

/* Whether the cell's load is a percent of a knee; and of how much. */
bool knee_is_asked(const struct cell *c);
int64_t knee_percent(const struct cell *c);
bool knee_is_own(const struct cell *c);

/* Do the two have the same knee: are they alike in all but what says how much load there is? */
bool knee_is_shared(const struct cell *a, const struct cell *b);
/* The cell in whose name a subject's knee is measured: the plan's first of those that share it. NULL: any subject's. */
const struct cell *knee_owner(const struct plan *p, const struct cell *c, const struct subject *s);

/* Requests per second that the record of a measurement tells; 0: none. */
double knee_of_record(const json_t *record);

/* Requests per second to offer; 0: not known. Never less than 1. */
uint64_t knee_rate(const struct knee_load *l);

#endif
