/*
 * ready.h - abuse/ready: what its bodies share.
 */
#ifndef ABUSE_READY_H
#define ABUSE_READY_H

#include <stdatomic.h>
#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/steps.h"

extern const struct bench_workload abuse_ready_workload;
extern const struct bench_body abuse_ready_direct, abuse_ready_evented;

enum {
	READY_POLL_STEPS = 1000, /* between two looks of a hog at whether it is over: about a microsecond */
	READY_CHUNK_STEPS = 100000, /* in one callback of the loop, about 100 us: see the fairness paragraph */
	READY_HOG_FACTOR = 2, /* a hog ends by itself after so many times the steps that fit the events' time */
};

/* When the events come: event k, from 1 up, is due at first_ns + (k - 1) * period_ns. */
struct ready_clock {
	uint64_t events, period_ns;
	_Atomic uint64_t first_ns; /* set by who arms (release), read by the reader when an event has come (acquire) */
	uint64_t seen; /* the reader's: events that were counted */
};

static inline void ready_clock_init(struct ready_clock *c, const struct bench *b)
{
	c->events = (uint64_t)bench_param(b, "events");
	c->period_ns = (uint64_t)bench_param(b, "period_us") * 1000;
	c->seen = 0;
	atomic_init(&c->first_ns, 0);
}

/* A timer descriptor, not armed; non-blocking. Or -errno. */
int ready_open(void);

/* Arm it: the first event comes one period from now. */
void ready_arm(int fd, struct ready_clock *c);

/*
 * A read of the descriptor has told that `count` events came since the last one: count each event's delay and add it to
 * the certificate. What comes after the last event that was asked for is nobody's. 0, or -EPROTO: one came too early.
 */
int ready_take(struct bench *b, struct ready_clock *c, uint64_t count, struct bench_cert *cert);

/* The steps after which a hog ends whether it was told to or not: a model that cannot stop it comes to an end, too. */
static inline uint64_t ready_hog_limit(const struct ready_clock *c)
{
	return READY_HOG_FACTOR * (c->events + 1) * c->period_ns;
}

#endif
