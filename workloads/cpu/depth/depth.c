/*
 * cpu/depth - calls of a function, made at some depth of a task's stack.
 *
 * A task goes down `depth` frames of about a hundred bytes and calls there, again and again, a function with a KiB of
 * locals; with a depth of 0 the first function of the task does so itself. On a stack that is there as a whole the depth
 * makes no difference. A stack that grows in segments has edges: where the caller still fits and the function does not,
 * each call moves to another segment and back (the "hot split").
 * A stack that is copied when it has to grow pays once, and not per call.
 *
 * Where the edge is only the model knows, so no depth is "the" worst case: depths that are no further apart than the
 * function is large meet any edge. 4 levels are half of that. The worst case of a model is the most of its figures over
 * such depths.
 *
 * The block is not cleared: large clearings are calls of memset, and then the libc's need of stack would be measured.
 *
 * Rejected: alloca, or an array of variable length, for the depth (a segmented stack takes those from the heap); all depths
 * in one run (the mean hides the edge); a leaf without locals (it needs no stack but the return address).
 */
#include "workloads/cpu/depth/depth.h"

enum { PARAM_DEPTH };
enum {
	LEVEL_WORDS = 8, /* of a frame on the way down: 64 bytes, and what the compiler adds */
	CALL_WORDS = 128, /* of the function that is called */
};

static const struct bench_param params[] = {
	[PARAM_DEPTH] = {.name = "depth",
			 .unit = "frames",
			 .help = "of about a hundred bytes, below which the calls are made",
			 .dflt = 8,
			 .min = 0,
			 .max = 64,
			 .smoke = 5},
};

/* Writes two words of its frame, and the compiler must believe that somebody else sees them. */
__attribute__((noinline)) uint64_t depth_call(uint64_t i)
{
	uint64_t block[CALL_WORDS];

	block[i % CALL_WORDS] = i;
	block[(i + 1) % CALL_WORDS] = i + 1;
	__asm__ volatile("" : : "r"(block) : "memory");
	return block[i % CALL_WORDS] + block[(i + 1) % CALL_WORDS];
}

__attribute__((noinline)) void depth_down(uint64_t levels, uint64_t calls, struct depth_done *done)
{
	uint64_t block[LEVEL_WORDS];

	block[levels % LEVEL_WORDS] = 1;
	__asm__ volatile("" : : "r"(block) : "memory");
	if (levels > 1)
		depth_down(levels - 1, calls, done);
	else
		depth_calls(calls, done);
	done->sum += block[levels % LEVEL_WORDS];
}

/* Call i gives 2 i + 1; over i < ops that is the square of ops. */
static void depth_expect(const struct bench *b, struct bench_cert *out)
{
	*out = (struct bench_cert){
		.ops = b->ops, .units = 1, .checksum = b->ops * b->ops + (uint64_t)b->param[PARAM_DEPTH]};
}

const struct bench_workload cpu_depth_workload = {
	.name = "cpu/depth",
	.version = 1,
	.summary = "calls of a function at some depth of a task's stack: what an edge of a stack that grows costs",
	.op = "one call of a function with a KiB of locals",
	.fairness =
		"The C bodies call the same function, with the same frames, and differ in whose stack it runs on: that "
		"of "
		"one task which the root creates and joins, of a callback (the loop's own), or the process's first. On "
		"stacks that are there as a whole, all depths cost the same. In Go the block is cleared in each call, "
		"as "
		"the language has it: compare Go with itself at other depths. Frames are as large as the compiler "
		"makes "
		"them, so the same depth is not the same number of bytes in C and in Go. It is a worst case, sought "
		"out: "
		"a program that does something in its calls sees less of it.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.pool_tasks = 1,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 1000,
	.expect = depth_expect,
};
