/*
 * style_evented.c - bodies as callbacks on the event loop that SWITCHYARD_BIND names; see style.h.
 *
 * The runner is the loop's thread. One run of a body is one call of its run() followed by one turn of the loop from
 * ex_runtime_run to ex_runtime_break; between runs the loop stands still, with nothing registered.
 *
 * With the knob loops=N there are N loops, and N instances of the body run at the same time, each in a thread and with a
 * struct bench of its own; they share what setup() made, each its own part of it. The first is the runner's and the subject's.
 * Threads and not processes: the loops share nothing either way, and of one process the rusage, the memory and the counters
 * are read as of any other subject.
 */
#include "harness/subject/style.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/err.h"
#include "harness/subject/evented.h"

const char *const style_model = EX_MODEL;
const bool style_uses_workers = false;
const bool style_has_counters = EX_COUNTS;
const bool style_can_trace = false;

/* An instance of the body with its loop. All but the loop belongs to the thread that runs it, between its creation and join. */
struct part {
	ex_loop *loop;
	struct bench *b; /* the subject's, or `own` */
	struct bench own;
	const struct bench_body *body;
	pthread_t thread; /* none of the first */
	bool is_turning; /* ex_runtime_run has been called and has not returned */
	bool is_done; /* bench_done has been called in this run */
	int status; /* its argument, or why there was no run */
};

static struct part *parts; /* n_parts of them; both immutable from style_start to style_stop, as each part's b */
static unsigned n_parts;

unsigned style_loops(const struct bench *b, const char *knobs)
{
	return ex_runtime_loops(b->workers, knobs);
}

static void free_parts(void)
{
	for (unsigned i = 0; i < n_parts; i++)
		ex_runtime_stop(parts[i].loop);
	free(parts);
	parts = NULL;
	n_parts = 0;
}

int style_start(struct bench *b, const char *knobs)
{
	int status = 0;

	parts = calloc(b->loops, sizeof(parts[0]));
	if (!parts)
		return bench_fail(b, -ENOMEM, "out of memory for %u loops", b->loops);
	while (n_parts < b->loops && status == 0) {
		status = ex_runtime_start(b->workers, knobs, &parts[n_parts].loop);
		parts[n_parts].b = n_parts ? &parts[n_parts].own : b;
		n_parts += status == 0;
	}
	if (status < 0)
		free_parts();
	else
		b->model = parts[0].loop;
	if (status == -EINVAL)
		return bench_fail(b, status, "%s does not take the knobs \"%s\" with %u workers", style_model, knobs,
				  b->workers);
	if (status < 0)
		return bench_fail(b, status, "%s cannot start: %s", style_model, strerrordesc_np(-status));
	return 0;
}

void style_enter(struct bench *b, void (*root)(void *), void *arg)
{
	(void)b;
	root(arg);
}

/* Call the body: false if it has failed, and has nothing in the loop then. */
static bool begin(struct part *p)
{
	int status;

	p->is_done = false;
	p->status = 0;
	status = p->body->run(p->b);
	if (status < 0)
		p->status = status;
	return status == 0;
}

static void turn(struct part *p)
{
	/* A body that had nothing to wait for may have called bench_done already: then there is nothing to turn. */
	if (!p->is_done) {
		p->is_turning = true;
		ex_runtime_run(p->loop);
		p->is_turning = false;
	}
	if (!p->is_done)
		p->status = bench_fail(p->b, -EPROTO, "the loop ran out of work before %s called bench_done",
				       p->b->workload->name);
}

static void *part_main(void *arg)
{
	struct part *p = arg;

	if (begin(p))
		turn(p);
	return NULL;
}

static void start_part(struct part *p, const struct bench *b, unsigned i)
{
	int status;

	p->own = *b;
	p->own.model = p->loop;
	p->own.loop = i;
	p->body = parts[0].body;
	status = -pthread_create(&p->thread, NULL, part_main, p);
	if (status == 0)
		return; /* the part is that thread's now */
	p->thread = 0;
	p->status = bench_fail(&p->own, status, "cannot create a thread for loop %u: %s", i, strerrordesc_np(-status));
}

static void add_cert(struct bench_cert *to, const struct bench_cert *c)
{
	to->ops += c->ops;
	to->units += c->units;
	to->max_live += c->max_live;
	to->messages += c->messages;
	to->bytes_read += c->bytes_read;
	to->bytes_written += c->bytes_written;
	to->locks += c->locks;
	to->checksum += c->checksum;
}

/* Wait for the other parts and add what they did to the first one's: its status. */
static int join_parts(struct bench *b)
{
	int status = parts[0].status;

	for (unsigned i = 1; i < n_parts; i++) {
		const struct part *p = &parts[i];

		if (p->thread)
			pthread_join(p->thread, NULL);
		add_cert(&b->cert, &p->own.cert);
		if (p->status < 0 && status == 0)
			status = bench_fail(b, p->status, "%s", p->own.why);
	}
	return status;
}

/* The first part begins before the others exist: if it fails, no one is left who would have to be stopped. */
int style_run(struct bench *b, const struct bench_body *body)
{
	struct bench before = *b;

	parts[0].body = body;
	if (!begin(&parts[0]))
		return parts[0].status;
	for (unsigned i = 1; i < n_parts; i++)
		start_part(&parts[i], &before, i);
	turn(&parts[0]);
	return join_parts(b);
}

void style_done(struct bench *b, int status)
{
	struct part *p = parts;

	while (p->b != b)
		p++; /* it is one of them: bodies have no other */
	if (p->is_done)
		err_fatal("bench_done: %s called it twice in one run", b->workload->name);
	p->is_done = true;
	p->status = status;
	if (p->is_turning)
		ex_runtime_break(p->loop);
}

void style_stop(struct bench *b)
{
	free_parts();
	b->model = NULL;
}

int style_trace(const char *path)
{
	(void)path;
	return -EOPNOTSUPP;
}

/* Of all loops together. */
void style_read_counters(struct bench *b, struct style_counters *out)
{
	(void)b;
	out->n = ex_runtime_counters(parts[0].loop, out->names, out->values, STYLE_MAX_COUNTERS);
	for (unsigned i = 1; i < n_parts; i++) {
		uint64_t values[STYLE_MAX_COUNTERS];

		ex_runtime_counters(parts[i].loop, out->names, values, STYLE_MAX_COUNTERS);
		for (size_t k = 0; k < out->n; k++)
			out->values[k] += values[k];
	}
}

void style_read_knobs(struct bench *b, struct style_knobs *out)
{
	out->n = ex_runtime_knobs(b->model, out->names, out->values, STYLE_MAX_KNOBS);
}

void style_read_stack(struct bench *b, struct style_stack *out)
{
	(void)b;
	*out = (struct style_stack){.why = "callbacks have no stacks of their own"};
}

void style_default_knobs(struct style_knobs *out)
{
	ex_loop *loop;

	out->n = 0;
	if (ex_runtime_start(1, "", &loop) < 0)
		return;
	out->n = ex_runtime_knobs(loop, out->names, out->values, STYLE_MAX_KNOBS);
	ex_runtime_stop(loop);
}
