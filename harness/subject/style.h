/*
 * style.h - the seam between runner.c and the style of bodies that this subject was compiled for.
 *
 * Exactly one of style_direct.c, style_evented.c and style_plain.c is linked. All of it is called in one
 * OS thread, the runner (never the main thread, which speaks the protocol), in this order:
 *
 *      style_start                       the model exists
 *      style_enter(root)                 root runs in the model's context and calls
 *          style_run ...                     once per run of the body
 *      style_stop                        the model is gone
 *
 * Counters and knobs are read by the main thread while the runner is blocked in the mailbox.
 */
#ifndef SUBJECT_STYLE_H
#define SUBJECT_STYLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/subject/bench.h"

enum {
	STYLE_MAX_COUNTERS = 64,
	STYLE_MAX_KNOBS = 32,
	STYLE_KNOB_BYTES = 32,
};

struct style_counters {
	size_t n;
	const char *names[STYLE_MAX_COUNTERS]; /* of static duration */
	uint64_t values[STYLE_MAX_COUNTERS];
};

struct style_knobs {
	size_t n;
	const char *names[STYLE_MAX_KNOBS]; /* of static duration */
	char values[STYLE_MAX_KNOBS][STYLE_KNOB_BYTES];
};

/* What --describe says of the model. */
extern const char *const style_model; /* "gmp", "eventloop", … */
extern const bool style_uses_workers; /* more workers than one make a difference */
extern const bool style_has_counters; /* */
extern const bool style_can_trace; /* */

/* Where a style has it: why there is no body for that workload; NULL: in the words of SWITCHYARD_NO_BODY. */
const char *style_lacks(const char *workload) __attribute__((weak));

/* How many instances of a body run at the same time with these knobs: b->loops. Asked before anything else; 1 where the
 * knobs are wrong, which style_start finds. */
unsigned style_loops(const struct bench *b, const char *knobs);

/* Start the model for b->workers CPUs; sets b->model. 0, or -errno with b->why:
 * -EINVAL: a knob it does not know; -EOPNOTSUPP: with these knobs it cannot do b->workload. */
int style_start(struct bench *b, const char *knobs);

/* Run root(arg) in the model's own context; returns when root has. */
void style_enter(struct bench *b, void (*root)(void *), void *arg);

/* Run the body once, in root's context, until it is over: its status. */
int style_run(struct bench *b, const struct bench_body *body);

/* bench_done() of evented bodies; another style's body that calls it has a bug, and dies of it. */
void style_done(struct bench *b, int status);

void style_stop(struct bench *b);

/* Only where style_can_trace, in the main thread: note down what the scheduler does from here on, into that file; NULL: no more,
 * and write it. 0 or -errno. */
int style_trace(const char *path);

/* What the model counts of itself since it was started. */
void style_read_counters(struct bench *b, struct style_counters *out);

/* Every setting that matters, of the model that runs. */
void style_read_knobs(struct bench *b, struct style_knobs *out);

/* The stack that a task begins with; bytes 0: tasks have none of their own, `why` says so. */
struct style_stack {
	size_t bytes;
	bool grows; /* by itself, when it is needed */
	const char *why;
};
void style_read_stack(struct bench *b, struct style_stack *out);

/*
 * The same for --describe, where no model runs: starts one with one worker and no knobs, asks it and stops it, since a model
 * may know its settings only when it has looked at the machine. None (n = 0) if it cannot be started.
 */
void style_default_knobs(struct style_knobs *out);

#endif
