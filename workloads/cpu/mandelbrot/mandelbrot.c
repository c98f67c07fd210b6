/*
 * cpu/mandelbrot - rows of an image that take very different time.
 *
 * A task per row, all created at once and joined in order. A point inside the set takes `limit` iterations, one far
 * outside takes two or three: the rows in the middle take hundreds of times as long as those at the edge, and whoever
 * deals the rows out beforehand instead of as CPUs become free has one CPU work while the others wait. One operation is
 * one row.
 *
 * The arithmetic is fixed-point, with numbers of 24 binary places in 64-bit integers: |z| stays below 2^3 where it is
 * squared, so nothing overflows, and every machine and compiler gives the same image. Nothing is stored but a row's sum:
 * memory is cpu/matmul's subject.
 *
 * expect() makes the image another way: in floating point, where all products of such numbers that matter are exact (53
 * bits hold them), and by noticing when a point's orbit has come back to where it was, instead of counting on. So it
 * shares neither arithmetic nor loop with the bodies. It takes as long as they do at a low limit, much less at a high one.
 *
 * Rejected: floating point in the bodies. A compiler that may fuse a multiplication with an addition gives another image.
 */
#include "workloads/cpu/mandelbrot/mandelbrot.h"

#include <math.h>

enum { PARAM_SIZE, PARAM_LIMIT };

static const struct bench_param params[] = {
	[PARAM_SIZE] = {.name = "size",
			.unit = "rows",
			.help = "of the image, each a task; and points of each row",
			.dflt = 256,
			.min = 1,
			.max = 4096,
			.smoke = 24},
	[PARAM_LIMIT] = {.name = "limit",
			 .unit = "iterations",
			 .help = "after which a point counts as inside",
			 .dflt = 1000,
			 .min = 1,
			 .max = 100000,
			 .smoke = 50},
};

/*
 * Iterations of the point (cr, ci), numbers being multiples of 2^-24. The orbit is compared with a point of it that is
 * moved up at each power of two: an orbit that repeats meets it, and never leaves.
 */
static uint64_t iterations(double cr, double ci, uint64_t limit)
{
	const double unit = 0x1p24;
	double r = 0, i = 0, mark_r = 0, mark_i = 0;

	for (uint64_t n = 0; n < limit; n++) {
		double rr = r * r, ii = i * i;

		if (rr + ii > 4 * unit * unit)
			return n;
		i = floor(2 * r * i / unit) + ci;
		r = floor((rr - ii) / unit) + cr;
		if (r == mark_r && i == mark_i)
			return limit;
		if ((n & (n + 1)) == 0) {
			mark_r = r;
			mark_i = i;
		}
	}
	return limit;
}

static uint64_t image_sum(uint64_t size, uint64_t limit)
{
	uint64_t sum = 0;

	for (uint64_t row = 0; row < size; row++)
		for (uint64_t column = 0; column < size; column++) {
			double cr = (double)mandelbrot_at(column, size, MANDELBROT_LEFT);
			double ci = (double)mandelbrot_at(row, size, MANDELBROT_BOTTOM);

			sum += mandelbrot_weigh(iterations(cr, ci, limit), row, column, size);
		}
	return sum;
}

/* The set covers 24 % of the image, and an iteration, a multiplication and a shift after each other, takes more than a nanosecond. */
uint64_t mandelbrot_least_ns(const struct bench *b, unsigned cpus)
{
	uint64_t size = (uint64_t)b->param[PARAM_SIZE];

	return size * size * (uint64_t)b->param[PARAM_LIMIT] / 5 / cpus;
}

static uint64_t mandelbrot_ops(const struct bench *b)
{
	return (uint64_t)b->param[PARAM_SIZE];
}

static void mandelbrot_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t rows = mandelbrot_ops(b);

	*out = (struct bench_cert){
		.ops = rows, .units = rows, .checksum = image_sum(rows, (uint64_t)b->param[PARAM_LIMIT])};
}

const struct bench_workload cpu_mandelbrot_workload = {
	.name = "cpu/mandelbrot",
	.version = 1,
	.summary = "rows of the Mandelbrot set, a task each and very unequal",
	.op = "one row computed, with the task that does it",
	.fairness =
		"All bodies compute the same rows with one inline function, in integers, and create all tasks before "
		"they "
		"await the first. A direct task is spawned and joined; its row is marked as preemptible, which means "
		"something to goroutines only, and who runs which row when is up to the model's scheduler: that is the "
		"subject, and no body deals rows out. A task of the loop is a callback posted from its record. The "
		"loop "
		"has one CPU whatever the placement, and so has the serial body, which is the two loops. "
		"subject-go awaits the rows by a wait group.",
	.scaling = BENCH_FINITE,
	.metric = BENCH_WALL_PER_OP,
	.pool_tasks = 1,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = mandelbrot_ops,
	.expect = mandelbrot_expect,
};
