/*
 * cpu/mandelbrot in the callback style: a posted callback per row; the last one ends the run.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/cpu/mandelbrot/mandelbrot.h"

struct run;

struct job {
	ex_work work;
	struct run *run;
	uint64_t row;
};

struct run {
	struct bench *b;
	struct mandelbrot_image image;
	uint64_t missing; /* rows */
	struct bench_cert cert;
	struct job jobs[]; /* image.size */
};

static __attribute__((noinline)) uint64_t compute(const struct mandelbrot_image *image, uint64_t row)
{
	return mandelbrot_row(image, row);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;

	bench_end(b);
	b->cert = r->cert;
	free(r);
	bench_done(b, 0);
}

static void row_came(ex_work *work)
{
	struct job *j = EX_CONTAINER(work, struct job, work);
	struct run *r = j->run;

	r->cert.checksum += compute(&r->image, j->row);
	r->cert.ops++;
	if (--r->missing == 0)
		finish(r);
}

static int run_mandelbrot(struct bench *b)
{
	struct mandelbrot_image image = mandelbrot_image(b);
	struct run *r = calloc(1, sizeof *r + image.size * sizeof r->jobs[0]);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %llu rows", (unsigned long long)image.size);
	r->b = b;
	r->image = image;
	r->missing = image.size;
	bench_begin(b);
	for (uint64_t row = 0; row < image.size; row++) {
		r->jobs[row].run = r;
		r->jobs[row].row = row;
		r->cert.units++;
		ex_post(ex_loop_of(b), &r->jobs[row].work, row_came);
	}
	return 0;
}

static uint64_t estimate(const struct bench *b)
{
	return mandelbrot_least_ns(b, 1);
}

const struct bench_body cpu_mandelbrot_evented = {.run = run_mandelbrot, .estimate_ns = estimate};
