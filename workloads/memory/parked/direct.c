/*
 * memory/parked in the blocking style: detached tasks that all receive from a channel on which nothing is ever sent.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "workloads/memory/parked/parked.h"
#include "workloads/memory/touch_direct.h"

/* The last task to arrive still has to park after it has said so; nothing is timed, and this is ample. */
#define SETTLE_NS UINT64_C(10000000)

struct lot {
	size_t touch_bytes; /* immutable */
	enum parked_libc libc; /* immutable */
	dx_chan gate; /* closed when the tasks may go */
	dx_wg arrived; /* tasks that are not yet at the gate */
	dx_wg present; /* tasks that have not ended */
	_Atomic uint64_t next; /* the next task's id; after all have arrived: how many did */
	_Atomic uint64_t left; /* tasks that were released */
	_Atomic uint64_t sum; /* of what they read back */
};

/*
 * The wait. Gives what was touched, read back. Always part of the function that calls it: a task waits in the function that it
 * begins with, and only with PARKED_LIBC_BELOW in one further down, whatever the compiler thinks of it.
 */
static inline __attribute__((always_inline)) uint64_t wait_at_gate(struct lot *lot, uint64_t id)
{
	volatile unsigned char *block = __builtin_alloca(lot->touch_bytes);
	char nothing;

	touch(block, lot->touch_bytes, id);
	dx_wg_done(&lot->arrived);
	dx_recv(&lot->gate, &nothing);
	return touch_sum(block, lot->touch_bytes);
}

static __attribute__((noinline)) uint64_t wait_below(struct lot *lot, uint64_t id)
{
	return wait_at_gate(lot, id);
}

/* A handler: what it has written before the wait it needs after it. Never part of its caller: its frame is the question. */
static __attribute__((noinline)) uint64_t handle(struct lot *lot, uint64_t id)
{
	char text[PARKED_TEXT];
	uint64_t touched;

	parked_write(text, id);
	touched = wait_below(lot, id);
	return touched + parked_read(text);
}

static void park(void *arg)
{
	struct lot *lot = arg;
	uint64_t id = atomic_fetch_add(&lot->next, 1), sum;

	if (lot->libc == PARKED_LIBC_BELOW) {
		sum = handle(lot, id);
	} else {
		sum = lot->libc == PARKED_LIBC_YES ? parked_use_libc(id) : 0;
		sum += wait_at_gate(lot, id);
	}
	atomic_fetch_add(&lot->sum, sum);
	atomic_fetch_add(&lot->left, 1);
	dx_wg_done(&lot->present);
}

/* Create the tasks, let them be measured, and let them go. */
static int fill_and_empty(struct bench *b, struct lot *lot, uint64_t tasks)
{
	uint64_t created;
	int status = 0;

	bench_snapshot(b, "base", 0);
	for (created = 0; created < tasks; created++) {
		dx_wg_add(&lot->arrived, 1);
		dx_wg_add(&lot->present, 1);
		status = touch_go(lot->touch_bytes, park, lot);
		if (status < 0) {
			dx_wg_done(&lot->present);
			dx_wg_done(&lot->arrived);
			break;
		}
	}
	dx_wg_wait(&lot->arrived);
	if (status == 0) {
		dx_sleep_ns(SETTLE_NS);
		bench_snapshot(b, "live", atomic_load(&lot->next));
	} else {
		bench_snapshot(b, "limit", atomic_load(&lot->next));
	}
	dx_chan_close(&lot->gate);
	dx_wg_wait(&lot->present);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)tasks, (unsigned long long)created, strerror(-status));
	b->cert = (struct bench_cert){.ops = atomic_load(&lot->left),
				      .units = created,
				      .max_live = atomic_load(&lot->next),
				      .checksum = atomic_load(&lot->sum)};
	return 0;
}

static int run_parked(struct bench *b)
{
	struct lot lot = {.touch_bytes = (size_t)bench_param(b, "touch_kib") * 1024,
			  .libc = (enum parked_libc)bench_param(b, "libc")};
	int status = dx_chan_init(&lot.gate, sizeof(char), 0);

	if (status < 0)
		goto no_gate;
	status = dx_wg_init(&lot.arrived);
	if (status < 0)
		goto no_arrived;
	status = dx_wg_init(&lot.present);
	if (status < 0)
		goto no_present;
	status = fill_and_empty(b, &lot, (uint64_t)bench_param(b, "tasks"));
	dx_wg_destroy(&lot.present);
	dx_wg_destroy(&lot.arrived);
	dx_chan_destroy(&lot.gate);
	return status;
no_present:
	dx_wg_destroy(&lot.arrived);
no_arrived:
	dx_chan_destroy(&lot.gate);
no_gate:
	return bench_fail(b, status, "cannot make a channel and two wait groups: %s", strerror(-status));
}

const struct bench_body memory_parked_direct = {.run = run_parked};
