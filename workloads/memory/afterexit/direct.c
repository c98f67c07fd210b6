/*
 * memory/afterexit in the blocking style: detached tasks that receive from a channel until it is closed, and end.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "workloads/memory/afterexit/afterexit.h"
#include "workloads/memory/touch_direct.h"

struct crowd {
	size_t touch_bytes; /* immutable */
	dx_chan gate; /* closed when the tasks may go */
	dx_wg arrived; /* tasks that are not yet at the gate */
	dx_wg present; /* tasks that have not ended */
	_Atomic uint64_t next; /* the next task's id; after all have arrived: how many did */
	_Atomic uint64_t left; /* tasks that were released */
	_Atomic uint64_t sum; /* of what they read back */
};

static void live(void *arg)
{
	struct crowd *crowd = arg;
	uint64_t id = atomic_fetch_add(&crowd->next, 1);
	volatile unsigned char *block = __builtin_alloca(crowd->touch_bytes);
	char nothing;

	touch(block, crowd->touch_bytes, id);
	dx_wg_done(&crowd->arrived);
	dx_recv(&crowd->gate, &nothing);
	atomic_fetch_add(&crowd->sum, touch_sum(block, crowd->touch_bytes));
	atomic_fetch_add(&crowd->left, 1);
	dx_wg_done(&crowd->present);
}

/* Create the tasks, let them go, and have measured what stays. */
static int come_and_go(struct bench *b, struct crowd *crowd, uint64_t tasks)
{
	uint64_t created;
	int status = 0;

	bench_snapshot(b, "base", 0);
	for (created = 0; created < tasks; created++) {
		dx_wg_add(&crowd->arrived, 1);
		dx_wg_add(&crowd->present, 1);
		status = touch_go(crowd->touch_bytes, live, crowd);
		if (status < 0) {
			dx_wg_done(&crowd->present);
			dx_wg_done(&crowd->arrived);
			break;
		}
	}
	dx_wg_wait(&crowd->arrived);
	if (status < 0)
		bench_snapshot(b, "limit", atomic_load(&crowd->next));
	dx_chan_close(&crowd->gate);
	dx_wg_wait(&crowd->present);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)tasks, (unsigned long long)created, strerror(-status));
	dx_sleep_ns(afterexit_settle_ns(b));
	bench_snapshot(b, "live", atomic_load(&crowd->left));
	b->cert = (struct bench_cert){.ops = atomic_load(&crowd->left),
				      .units = created,
				      .max_live = atomic_load(&crowd->next),
				      .checksum = atomic_load(&crowd->sum)};
	return 0;
}

static int run_afterexit(struct bench *b)
{
	struct crowd crowd = {.touch_bytes = (size_t)bench_param(b, "touch_kib") * 1024};
	int status = dx_chan_init(&crowd.gate, sizeof(char), 0);

	if (status < 0)
		goto no_gate;
	status = dx_wg_init(&crowd.arrived);
	if (status < 0)
		goto no_arrived;
	status = dx_wg_init(&crowd.present);
	if (status < 0)
		goto no_present;
	status = come_and_go(b, &crowd, (uint64_t)bench_param(b, "tasks"));
	dx_wg_destroy(&crowd.present);
	dx_wg_destroy(&crowd.arrived);
	dx_chan_destroy(&crowd.gate);
	return status;
no_present:
	dx_wg_destroy(&crowd.arrived);
no_arrived:
	dx_chan_destroy(&crowd.gate);
no_gate:
	return bench_fail(b, status, "cannot make a channel and two wait groups: %s", strerror(-status));
}

const struct bench_body memory_afterexit_direct = {.run = run_afterexit};
