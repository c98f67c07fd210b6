/*
 * subject.c - a subject whose speed is known: what `switchyard selftest` plants its slow-downs in.
 *
 * Its one workload is a chain of multiplications, each of which waits for the one before it: the time of a step is the
 * latency of the CPU, and nothing about it depends on memory, on the kernel or on how the code was laid out. The knob
 * slow_permille adds that many steps to each thousand. The steps that are added hang in the same chain, by a value that
 * is always 0 and that neither compiler nor CPU knows to be: left beside it they would run in its shadow and cost
 * nothing. An operation is long (STEPS), so that a mispredicted end of a loop is below a thousandth of it.
 *
 * Whatever the knob says, the certificate is the same: planted is the cost, not the work. What a correct run must give is
 * computed without running it, by squaring the step (an affine map modulo 2^64).
 *
 * It takes the place of style_*.c and registry.c. Rejected: sleeping (nothing is slow then but the clock), a busy wait by
 * the clock (it would hide what the machine does to the work).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/err.h"
#include "harness/subject/registry.h"
#include "harness/subject/style.h"

enum {
	STEPS = 10000, /* of an operation; a multiple of 1000 */
	MOST_PERMILLE = 100000,
	MOST_TRIALS = 10000,
};

/* x -> x * FACTOR + SUMMAND: Knuth's MMIX generator; any odd factor will do. */
#define FACTOR UINT64_C(6364136223846793005)
#define SUMMAND UINT64_C(1442695040888963407)

/* ---- the workload -------------------------------------------------------------------------------------------- */

static uint64_t steps(uint64_t x, uint64_t n)
{
	while (n--)
		x = x * FACTOR + SUMMAND;
	return x;
}

/* steps(x, n) in as many rounds as n has bits. */
static uint64_t jump(uint64_t x, uint64_t n)
{
	uint64_t factor = FACTOR, summand = SUMMAND;

	for (; n; n >>= 1) {
		if (n & 1)
			x = x * factor + summand;
		summand += summand * factor;
		factor *= factor;
	}
	return x;
}

static int run_spin(struct bench *b)
{
	uint64_t x = b->seed, zero = 0, more = STEPS / 1000 * *(const uint64_t *)b->model, done;

	__asm__ volatile("" : "+r"(zero));
	bench_begin(b);
	for (done = 0; done < b->ops; done++) {
		x = steps(x, STEPS);
		x += steps(x, more) & zero;
	}
	__asm__ volatile("" : "+r"(x));
	bench_end(b);
	b->cert.ops = done;
	b->cert.checksum = x;
	return 0;
}

static void expect_spin(const struct bench *b, struct bench_cert *out)
{
	*out = (struct bench_cert){.ops = b->ops, .checksum = jump(b->seed, b->ops * STEPS)};
}

static const struct bench_param params[] = {
	{.name = "trial",
	 .unit = "",
	 .help = "which of the trials: it changes nothing",
	 .kind = BENCH_INT,
	 .dflt = 1,
	 .min = 1,
	 .max = MOST_TRIALS,
	 .smoke = 1},
};

static const struct bench_workload spin = {
	.name = "self/spin",
	.version = 1,
	.summary = "a chain of multiplications, each of which waits for the one before",
	.op = "10000 steps of the chain",
	.fairness = "There is one body; slow_permille adds steps to the chain that change no result.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = 1,
	.pool_tasks = 1,
	.smoke_ops = 100,
	.expect = expect_spin,
};

/* ---- the registry -------------------------------------------------------------------------------------------- */

static const struct bench_body spin_body = {.run = run_spin};
static const struct registry_entry entry = {&spin, &spin_body};

const struct registry_entry *registry_all(size_t *n)
{
	*n = 1;
	return &entry;
}

const struct registry_entry *registry_find(const char *name)
{
	return strcmp(name, spin.name) == 0 ? &entry : NULL;
}

/* ---- the style ----------------------------------------------------------------------------------------------- */

static const char knob[] = "slow_permille";
static uint64_t slow_permille; /* set by style_start, before anything runs */

const char *const style_model = SWITCHYARD_SUBJECT;
const bool style_uses_workers = false;
const bool style_has_counters = false;
const bool style_can_trace = false;

unsigned style_loops(const struct bench *b, const char *knobs)
{
	(void)b;
	(void)knobs;
	return 1;
}

/* Settings follow each other with commas, and the last of a name counts. */
int style_start(struct bench *b, const char *knobs)
{
	const char *at = knobs;

	slow_permille = 0;
	while (*at) {
		char *end = NULL;
		bool is_known = strncmp(at, knob, sizeof knob - 1) == 0 && at[sizeof knob - 1] == '=' &&
				at[sizeof knob] >= '0' && at[sizeof knob] <= '9';

		if (is_known)
			slow_permille = strtoull(at + sizeof knob, &end, 10);
		if (!is_known || (*end && *end != ',') || slow_permille > MOST_PERMILLE)
			return bench_fail(b, -EINVAL, "%s takes %s=0 to %d, not \"%s\"", style_model, knob,
					  MOST_PERMILLE, knobs);
		at = end + (*end == ',');
	}
	b->model = &slow_permille;
	return 0;
}

void style_enter(struct bench *b, void (*root)(void *), void *arg)
{
	(void)b;
	root(arg);
}

int style_run(struct bench *b, const struct bench_body *body)
{
	return body->run(b);
}

void style_done(struct bench *b, int status)
{
	(void)status;
	err_fatal("bench_done: %s has a plain body, which returns its status", b->workload->name);
}

void style_stop(struct bench *b)
{
	b->model = NULL;
}

int style_trace(const char *path)
{
	(void)path;
	return -EOPNOTSUPP;
}

void style_read_counters(struct bench *b, struct style_counters *out)
{
	(void)b;
	out->n = 0;
}

void style_read_knobs(struct bench *b, struct style_knobs *out)
{
	(void)b;
	out->n = 1;
	out->names[0] = knob;
	snprintf(out->values[0], sizeof out->values[0], "%llu", (unsigned long long)slow_permille);
}

void style_read_stack(struct bench *b, struct style_stack *out)
{
	(void)b;
	*out = (struct style_stack){.why = "there are no tasks"};
}

void style_default_knobs(struct style_knobs *out)
{
	style_read_knobs(NULL, out);
}
