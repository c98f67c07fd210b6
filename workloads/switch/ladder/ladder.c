/*
 * switch/ladder - the parts that a switch between two tasks is made of, each by itself.
 *
 * From a call, which every program makes, to waking a thread on another CPU. What switch/ring, switch/yield and mix/pipe measure
 * as a whole is put together from these; a question adds them up and says what is left over (harness/questions/Q08-*.json).
 *
 * A part is measured in a loop of nothing else, so that it is the least that it costs: its code and data are at hand, and the
 * processor overlaps one operation with the next where nothing forbids it. That is a reason why parts need not add up to the
 * whole, and why what is left over is printed and not spread over them.
 *
 * The parts of a runtime (swap, queue, runnext) are its own code on its own structures, reached through what the model lends for
 * this alone (DX_HAS_PARTS in direct.h). Rejected: building each rung anew in here, which would measure a copy; and taking
 * differences between workloads, which add up by construction.
 */
#include "workloads/switch/ladder/ladder.h"

enum { PARAM_RUNG };

static const char *const rungs[] = {[LADDER_CALL] = "call",
				    [LADDER_SWAP] = "swap",
				    [LADDER_QUEUE] = "queue",
				    [LADDER_RUNNEXT] = "runnext",
				    [LADDER_CHANNEL] = "channel",
				    [LADDER_SYSCALL] = "syscall",
				    [LADDER_SCHED_YIELD] = "sched_yield",
				    [LADDER_FUTEX] = "futex",
				    [LADDER_CROSS] = "cross",
				    NULL};

static const struct bench_param params[] = {
	[PARAM_RUNG] = {.name = "rung",
			.unit = "",
			.help = "the part that is measured",
			.kind = BENCH_CHOICE,
			.dflt = LADDER_CALL,
			.smoke = LADDER_CALL,
			.choices = rungs},
};

static __attribute__((noinline)) uint64_t one_more(uint64_t done)
{
	return done + 1;
}

uint64_t (*volatile const ladder_callee)(uint64_t done) = one_more;

enum ladder_rung ladder_rung_of(const struct bench *b)
{
	return (enum ladder_rung)b->param[PARAM_RUNG];
}

bool ladder_is_alone(enum ladder_rung rung)
{
	return rung == LADDER_CALL || rung == LADDER_SYSCALL || rung == LADDER_SCHED_YIELD;
}

/* What passes from one task to another, or could: not a call, and not a register. */
static bool has_messages(enum ladder_rung rung)
{
	return rung == LADDER_CHANNEL || rung == LADDER_FUTEX || rung == LADDER_CROSS;
}

void ladder_certify(struct bench *b, const uint64_t done[2])
{
	uint64_t ops = done[0] + done[1];

	b->cert = (struct bench_cert){
		.ops = ops, .messages = has_messages(ladder_rung_of(b)) ? ops : 0, .checksum = done[0] + 2 * done[1]};
}

static void ladder_expect(const struct bench *b, struct bench_cert *out)
{
	enum ladder_rung rung = (enum ladder_rung)b->param[PARAM_RUNG];
	bool is_lone = ladder_is_alone(rung) || rung == LADDER_CHANNEL;

	*out = (struct bench_cert){.ops = b->ops,
				   .messages = has_messages(rung) ? b->ops : 0,
				   .checksum = is_lone ? b->ops : b->ops + b->ops / 2};
}

const struct bench_workload switch_ladder_workload = {
	.name = "switch/ladder",
	.version = 1,
	.summary = "the parts of a switch, each by itself: from a call to waking another CPU",
	.op = "one operation of the rung: a call, a swap of registers, a turn of a run queue, a send and a receive "
	      "that do not "
	      "wait, a system call, a hand-off from one thread to another",
	.fairness =
		"Call, system call (getppid) and sched_yield with nobody to yield to are the same lines in all bodies. "
		"Swap, queue and runnext are the runtime's own code on its own structures, in a loop of nothing else: "
		"a swap of registers and stack; one task put at the end of a run queue and the next taken from its "
		"front; one put first and taken again. Threads have no such parts, since theirs are the kernel's, and "
		"a loop switches nothing at all. Channel is a send that finds room and a receive that finds something, "
		"by one task. Futex is the leanest hand-off that the kernel offers: a store, a wake, a wait; the "
		"kernel "
		"may run the woken one at once, and then half of the waits need not sleep. Where goroutines make it "
		"the runtime is told that the wait blocks. Cross is futex with each thread on a CPU of its own; only "
		"threads can be told where to run.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 1000,
	.expect = ladder_expect,
};
