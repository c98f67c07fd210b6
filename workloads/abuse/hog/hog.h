/*
 * hog.h - abuse/hog: what its bodies share.
 */
#ifndef ABUSE_HOG_H
#define ABUSE_HOG_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/abuse/polite.h"
#include "workloads/steps.h"

extern const struct bench_workload abuse_hog_workload;
extern const struct bench_body abuse_hog_direct, abuse_hog_evented;

enum {
	HOG_POLL_STEPS = 1000, /* between two looks at whether it is over: about a microsecond */
	HOG_STRETCH_STEPS = 1000, /* of a microsecond of stretch_us */
	/* A hog that nobody can stop ends by itself: after twice the steps of the events' time and some more. */
	HOG_LIMIT_FACTOR = 2,
	HOG_LIMIT_STEPS = 200000000,
};

/* What a hog has computed. */
struct hog_work {
	uint64_t steps, value;
};

#define HOG_START(index) ((struct hog_work){.value = (index) + 1})

/* Steps that a hog of this run makes before it lets the others run; 0: it does not. */
static inline uint64_t hog_stretch(const struct bench *b)
{
	return (uint64_t)bench_param(b, "stretch_us") * HOG_STRETCH_STEPS;
}

static inline uint64_t hog_limit(const struct polite_plan *plan)
{
	return HOG_LIMIT_FACTOR * polite_span_ns(plan) + HOG_LIMIT_STEPS;
}

/* What has been done, of all tasks. Zero-initialise. */
struct hog_total {
	struct polite_total polite;
	struct jain jain, hogs_jain; /* of the polite tasks' events in time, and of the hogs' steps */
	uint64_t hogs, idle, wrong; /* how many there were, have not computed, have come to another value */
	uint64_t steps;
};

static inline void hog_add_polite(struct hog_total *t, const struct polite *p)
{
	polite_add(&t->polite, p);
	jain_add(&t->jain, p->in_time);
}

/* The hogs by their index. */
void hog_add(struct hog_total *t, const struct hog_work *w);

/* After the region: the certificate and the figures. 0, or < 0 with b->why. */
int hog_report(struct bench *b, const struct hog_total *t);

#endif
