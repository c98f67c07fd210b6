/*
 * cpu/fib in the callback style: a frame per fork, posted work for one half, and whoever brings the second half's
 * result continues the parent.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/cpu/fib/fib.h"

struct run {
	struct bench *b;
	int n, cutoff;
	int status; /* -ENOMEM once a frame could not be had: the rest is computed as 0 and the run fails */
	struct bench_cert cert;
};

/* A call that has forked. It is freed when both halves have arrived; until then nothing but the heap holds it. */
struct frame {
	ex_work work; /* the forked half: fib(n - 1) */
	struct run *run;
	struct frame *up; /* whose half this is; NULL: the whole problem */
	int n;
	int missing; /* halves that have not arrived */
	uint64_t sum; /* of the halves that have */
};

static void run_forked_half(ex_work *work);

static void finish(struct run *r, uint64_t value)
{
	struct bench *b = r->b;
	int status = r->status;

	bench_end(b);
	r->cert.checksum = value;
	b->cert = r->cert;
	if (status < 0)
		bench_fail(b, status, "out of memory for the frames of fib(%d) with cutoff %d", r->n, r->cutoff);
	free(r);
	bench_done(b, status);
}

/* Hand a half's value to `f`; as long as that completes a frame, go on to the frame above it. */
static void deliver(struct run *r, struct frame *f, uint64_t value)
{
	while (f) {
		struct frame *up = f->up;

		f->sum += value;
		if (--f->missing > 0)
			return;
		value = f->sum;
		free(f);
		f = up;
	}
	finish(r, value);
}

/* Compute fib(n) for the frame `up`: fork on the way down the smaller halves, end in a leaf. */
static void compute(struct run *r, struct frame *up, int n)
{
	for (; n >= r->cutoff; n -= 2) {
		struct frame *f = malloc(sizeof *f);

		if (!f) {
			r->status = -ENOMEM;
			deliver(r, up, 0);
			return;
		}
		*f = (struct frame){.run = r, .up = up, .n = n, .missing = 2};
		ex_post(ex_loop_of(r->b), &f->work, run_forked_half);
		up = f;
	}
	r->cert.ops++;
	deliver(r, up, fib_leaf(n));
}

static void run_forked_half(ex_work *work)
{
	struct frame *f = EX_CONTAINER(work, struct frame, work);

	f->run->cert.units++;
	compute(f->run, f, f->n - 1);
}

static int run_fib(struct bench *b)
{
	struct run *r = malloc(sizeof *r);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for the run's own record");
	*r = (struct run){.b = b, .n = (int)bench_param(b, "n"), .cutoff = (int)bench_param(b, "cutoff")};
	bench_begin(b);
	compute(r, NULL, r->n);
	return 0;
}

static uint64_t estimate(const struct bench *b)
{
	return fib_least_ns(b, 1);
}

const struct bench_body cpu_fib_evented = {.run = run_fib, .estimate_ns = estimate};
