/*
 * bystander.h - block/bystander: what its bodies share.
 */
#ifndef BLOCK_BYSTANDER_H
#define BLOCK_BYSTANDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "harness/subject/bench.h"
#include "workloads/disk/datafile.h"
#include "workloads/steps.h"

extern const struct bench_workload block_bystander_workload;
extern const struct bench_body block_bystander_direct, block_bystander_evented, block_bystander_serial;

enum {
	BYSTANDER_UNIT = 10000, /* steps of an operation, about 10 us */
	BYSTANDER_PIECE = 10, /* operations in one callback of the loop, about 100 us: see the fairness paragraph */
	BYSTANDER_CHANS = 2, /* that WAIT_SELECT receives from */
};

enum bystander_kind {
	WAIT_NONE,
	WAIT_SLEEP,
	WAIT_CHANNEL,
	WAIT_MUTEX,
	WAIT_CALL,
	WAIT_FILE,
	WAIT_SOCKET,
	WAIT_SEMAPHORE,
	WAIT_RWLOCK,
	WAIT_BARRIER,
	WAIT_CONDITION,
	WAIT_JOIN,
	WAIT_GROUP,
	WAIT_SELECT,
	WAIT_ACCEPT,
};

/* Made by setup() for WAIT_FILE, read-only afterwards. */
struct bystander_data {
	int fd; /* open with O_DIRECT */
	uint64_t blocks;
};

/* What is waited for. */
struct bystander_plan {
	enum bystander_kind kind;
	uint64_t waiters; /* 0 of no kind */
	uint64_t wait_ns;
};

static inline struct bystander_plan bystander_plan_of(const struct bench *b)
{
	struct bystander_plan p = {.kind = (enum bystander_kind)bench_param(b, "kind"),
				   .wait_ns = (uint64_t)bench_param(b, "wait_us") * 1000};

	if (p.kind != WAIT_NONE)
		p.waiters = (uint64_t)bench_param(b, "waiters");
	return p;
}

/* What the bystander computes from. */
#define BYSTANDER_START UINT64_C(1)

/* After the region: the figure, of the waits that all waiters have made. */
static inline void bystander_tell(struct bench *b, uint64_t waits)
{
	bench_figure(b, "waits_per_op", (double)waits / (double)b->ops);
}

/* The n-th block, from 0 up, that waiter `id` reads. */
static inline uint64_t bystander_block(const struct bystander_data *d, uint64_t id, uint64_t n)
{
	return files_mix(id << 40 ^ n) % d->blocks;
}

/* ---- for WAIT_ACCEPT ----------------------------------------------------------------------------- */

/* Of a listening socket of this machine. */
struct bystander_name {
	struct sockaddr_un at;
	socklen_t bytes;
};

/* Listen under a name that the kernel gives, told in *name. flags: those of socket(2). The descriptor or -errno. */
int bystander_listen(struct bystander_name *name, int flags);

/*
 * Connect to it, send a byte that is one more than *told, which it becomes, and close. NULL: send nothing. Never blocks: 0, or
 * -EAGAIN where its queue is full, or another -errno, and nothing has been done.
 */
int bystander_connect(const struct bystander_name *name, unsigned char *told);

#endif
