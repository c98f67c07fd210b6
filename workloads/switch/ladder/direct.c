/*
 * switch/ladder in the blocking style.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/crew.h"
#include "workloads/switch/ladder/ladder.h"

/* ---- parts of a runtime -------------------------------------------------------------------------------------- */

#ifdef DX_HAS_PARTS

static const char *why_no_part(void)
{
	return NULL;
}

static int run_part(struct bench *b)
{
	static void (*const run[])(dx_parts * p, uint64_t ops, uint64_t done[2]) = {
		[LADDER_SWAP] = dx_part_swap, [LADDER_QUEUE] = dx_part_queue, [LADDER_RUNNEXT] = dx_part_runnext};
	uint64_t done[2] = {0, 0};
	dx_parts parts;
	int status = dx_parts_make(&parts);

	if (status < 0)
		return bench_fail(b, status, "no memory for the runtime's parts: %s", strerror(-status));
	bench_begin(b);
	run[ladder_rung_of(b)](&parts, b->ops, done);
	bench_end(b);
	dx_parts_free(&parts);
	ladder_certify(b, done);
	return 0;
}

#else

static const char *why_no_part(void)
{
	return "its registers and its run queues are the kernel's: no program can use them by themselves";
}

static int run_part(struct bench *b)
{
	return bench_fail(b, -EOPNOTSUPP, "%s", why_no_part());
}

#endif

/* ---- a channel that nobody waits at ---------------------------------------------------------------------------- */

static int run_channel(struct bench *b)
{
	struct parcel {
		uint64_t number, size; /* together as much as the ring's token */
	} sent = {0, 0}, got;
	uint64_t done[2] = {0, 0};
	dx_chan chan;
	int status = dx_chan_init(&chan, sizeof got, 1);

	if (status < 0)
		return bench_fail(b, status, "cannot make a channel: %s", strerror(-status));
	bench_begin(b);
	for (; sent.number < b->ops; sent.number++) {
		dx_send(&chan, &sent);
		done[0] += dx_recv(&chan, &got) && got.number == sent.number;
	}
	bench_end(b);
	dx_chan_destroy(&chan);
	ladder_certify(b, done);
	return 0;
}

/* ---- hand-offs by futex ------------------------------------------------------------------------------------------ */

struct baton {
	_Alignas(64) _Atomic uint32_t holder; /* 0 or 1: whose turn it is */
	_Alignas(64) cpu_set_t cpus; /* immutable: those of the process */
	bool is_apart; /* immutable: each runner on a CPU of its own */
};

struct runner {
	struct crew_task crew;
	struct baton *baton;
	uint32_t self; /* 0 or 1 */
	uint64_t turns; /* to have */
	uint64_t done;
	int status; /* of going to its CPU */
};

/* The caller's thread onto the first or the last CPU of the process. 0 or -errno. */
static int go_apart(const struct baton *b, uint32_t self)
{
	int cpu = self ? CPU_SETSIZE - 1 : 0, step = self ? -1 : 1;
	cpu_set_t one;

	while (!CPU_ISSET(cpu, &b->cpus))
		cpu += step;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof one, &one) < 0 ? -errno : 0;
}

static void wait_for_turn(void *arg)
{
	struct runner *r = arg;
	struct baton *b = r->baton;

	/* It returns at once when it is our turn by now, and may return for no reason. */
	syscall(SYS_futex, &b->holder, FUTEX_WAIT_PRIVATE, !r->self, NULL, NULL, 0);
}

static void run_relay(void *arg)
{
	struct runner *r = arg;
	struct baton *b = r->baton;

	if (b->is_apart)
		r->status = go_apart(b, r->self);
	if (!crew_start(&r->crew))
		return;
	for (; r->done < r->turns; r->done++) {
		/* acquire and release pair with the other runner's: what it did before is done */
		while (atomic_load_explicit(&b->holder, memory_order_acquire) != r->self)
			dx_call_blocking(wait_for_turn, r);
		atomic_store_explicit(&b->holder, !r->self, memory_order_release);
		syscall(SYS_futex, &b->holder, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
}

static int run_futex(struct bench *b)
{
	struct baton baton = {.is_apart = ladder_rung_of(b) == LADDER_CROSS};
	struct runner runners[2] = {0};
	uint64_t done[2];
	int status;

	if (sched_getaffinity(0, sizeof baton.cpus, &baton.cpus) < 0) {
		status = -errno;
		return bench_fail(b, status, "cannot tell the CPUs of this process: %s", strerror(-status));
	}
	for (uint32_t i = 0; i < 2; i++) {
		runners[i].baton = &baton;
		runners[i].self = i;
		runners[i].turns = bench_share(b->ops, 2, i);
	}
	status = crew_run(b, runners, sizeof runners[0], 2, run_relay);
	if (status < 0)
		return status;
	for (int i = 0; i < 2; i++) {
		done[i] = runners[i].done;
		if (runners[i].status < 0)
			return bench_fail(b, runners[i].status, "a thread could not be put on a CPU of its own: %s",
					  strerror(-runners[i].status));
	}
	ladder_certify(b, done);
	return 0;
}

/* ---- the rungs ---------------------------------------------------------------------------------------------------- */

static const char *why_not(const struct bench *b)
{
	enum ladder_rung rung = ladder_rung_of(b);
	cpu_set_t cpus;

	if (rung == LADDER_SWAP || rung == LADDER_QUEUE || rung == LADDER_RUNNEXT)
		return why_no_part();
	if (rung != LADDER_CROSS)
		return NULL;
	if (!DX_TASKS_ARE_THREADS)
		return "its tasks belong to no CPU, so that none can be woken on another one";
	if (sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) < 2)
		return "one CPU: there is no other to wake anybody on";
	return NULL;
}

static int run_ladder(struct bench *b)
{
	switch (ladder_rung_of(b)) {
	case LADDER_CALL:
	case LADDER_SYSCALL:
	case LADDER_SCHED_YIELD:
		return ladder_alone(b);
	case LADDER_CHANNEL:
		return run_channel(b);
	case LADDER_FUTEX:
	case LADDER_CROSS:
		return run_futex(b);
	default:
		return run_part(b);
	}
}

const struct bench_body switch_ladder_direct = {.unsupported = why_not, .run = run_ladder};
