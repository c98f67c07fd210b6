/*
 * server.h - mix/server: what its bodies share.
 */
#ifndef MIX_SERVER_H
#define MIX_SERVER_H

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "workloads/net/http_server.h"
#include "workloads/steps.h"

extern const struct bench_workload mix_server_workload;
extern const struct bench_body mix_server_direct, mix_server_evented, mix_server_serial;

enum {
	SERVER_STEPS_PER_US = 600, /* of steps.h, 4 cycles each: a microsecond of a CPU at 2.4 GHz */
	SERVER_SHARE_UNIT = 1000, /* block_share is so many of these */
};

/* What an instance of the body has done. Any task's of it; relaxed: they are counted, and order nothing. */
struct server_part {
	alignas(64) _Atomic uint64_t blocked; /* blocking calls made */
	_Atomic uint64_t sum; /* of the results */
	uint64_t block_ns; /* immutable */
};

/* Made by setup(). */
struct server_data {
	struct http_data http; /* first: http_direct.h and the like look for it here */
	uint64_t steps, wait_ns, block_share; /* immutable */
	struct server_part *parts; /* b->loops of them; the instance's is server_part_of() */
	/* Of all instances, as every n-th request blocks whoever gets it. Relaxed: it orders nothing. */
	alignas(64) _Atomic uint64_t begun; /* requests; its number is the request's */
};

static inline struct server_part *server_part_of(const struct bench *b)
{
	const struct server_data *d = b->data;

	return &d->parts[b->loop];
}

/* The number of the next request: 0, 1, 2, .... */
static inline uint64_t server_begin(struct server_data *d)
{
	return atomic_fetch_add_explicit(&d->begun, 1, memory_order_relaxed);
}

static inline void server_add(struct server_part *p, uint64_t result)
{
	atomic_fetch_add_explicit(&p->sum, result, memory_order_relaxed);
}

/* Does this request make a blocking call? Of the first n they are n * share / unit, evenly spread. */
static inline bool server_blocks(const struct server_data *d, uint64_t request)
{
	return (request + 1) * d->block_share / SERVER_SHARE_UNIT > request * d->block_share / SERVER_SHARE_UNIT;
}

/* The blocking call: nothing tells beforehand when it ends, and nothing can be waited for instead. */
static inline void server_block(void *arg)
{
	struct server_part *p = arg;
	struct timespec until;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &until);
	ns = (uint64_t)until.tv_nsec + p->block_ns;
	until.tv_sec += (time_t)(ns / 1000000000);
	until.tv_nsec = (long)(ns % 1000000000);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
	atomic_fetch_add_explicit(&p->blocked, 1, memory_order_relaxed);
}

/* Fill the certificate. */
void server_certify(struct bench *b, const struct tcp_totals *totals);

#endif
