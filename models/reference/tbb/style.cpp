/*
 * style.cpp - bodies as tasks of oneTBB (2021.8, 2022); see harness/subject/style.h.
 *
 * The library that C++ programmers take for fork and join: tasks are small objects without stacks of their own, run to their
 * end, and a thread that waits for some runs others meanwhile. So it does the work of spawn/ and cpu/ and nothing where
 * tasks wait for each other. Each body is written with what its manual recommends: task_group where tasks make tasks,
 * parallel_for where there is a range. Fair because the work of a task is the same function or header as everybody's, and
 * there are as many tasks. Whom the differences favour:
 *
 *  - It: a task has no stack, cannot block, and a group counts its tasks in one word: making one is little more than an
 *    allocation from the library's own pools. A range is cut in halves, so that its tasks are made by tasks.
 *  - Us: on one CPU, its tasks still pay for the atomics by which others could steal them, as ours do.
 *
 * The arena has as many threads as the cell has workers, the calling thread among them. A knob there is not.
 */
#include <cerrno>
#include <cstdio>
#include <memory>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#define _Noreturn [[noreturn]]
extern "C" {
#include "harness/base/err.h"
#include "harness/subject/style.h"
}

namespace {

struct runtime {
	tbb::global_control limit;
	tbb::task_arena arena;

	explicit runtime(unsigned workers)
	    : limit(tbb::global_control::max_allowed_parallelism, workers), arena(static_cast<int>(workers))
	{
	}
};

std::unique_ptr<runtime> tbb_runtime;

} // namespace

extern "C" {

extern const char *const style_model;
extern const bool style_uses_workers, style_has_counters, style_can_trace;

const char *const style_model = SWITCHYARD_SUBJECT;
const bool style_uses_workers = true;
const bool style_has_counters = false;
const bool style_can_trace = false;

unsigned style_loops(const struct bench *, const char *)
{
	return 1;
}

int style_start(struct bench *b, const char *knobs)
{
	if (knobs[0] != '\0')
		return bench_fail(b, -EINVAL, "%s has no knobs, not \"%s\"", style_model, knobs);
	tbb_runtime = std::make_unique<runtime>(b->workers);
	return 0;
}

void style_enter(struct bench *, void (*root)(void *), void *arg)
{
	tbb_runtime->arena.execute([root, arg] { root(arg); });
}

int style_run(struct bench *b, const struct bench_body *body)
{
	return body->run(b);
}

void style_done(struct bench *b, int)
{
	err_fatal("bench_done: %s has a body that returns its status", b->workload->name);
}

void style_stop(struct bench *)
{
	tbb_runtime.reset();
}

int style_trace(const char *)
{
	return -EOPNOTSUPP;
}

void style_read_counters(struct bench *, struct style_counters *out)
{
	out->n = 0;
}

void style_read_knobs(struct bench *, struct style_knobs *out)
{
	out->n = 1;
	out->names[0] = "threads";
	std::snprintf(out->values[0], sizeof out->values[0], "%d", tbb_runtime ? tbb_runtime->arena.max_concurrency() : 1);
}

void style_read_stack(struct bench *, struct style_stack *out)
{
	*out = {};
	out->why = "tasks run on the stack of the thread that takes them";
}

void style_default_knobs(struct style_knobs *out)
{
	style_read_knobs(nullptr, out);
}

} // extern "C"
