/*
 * mandelbrot.h - cpu/mandelbrot: what its bodies share.
 */
#ifndef CPU_MANDELBROT_H
#define CPU_MANDELBROT_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload cpu_mandelbrot_workload;
extern const struct bench_body cpu_mandelbrot_direct, cpu_mandelbrot_evented, cpu_mandelbrot_serial;

/* Numbers are fixed-point: whole multiples of 2^-24. */
enum { MANDELBROT_BITS = 24 };

struct mandelbrot_image {
	uint64_t size; /* rows, and points of a row */
	uint64_t limit; /* iterations after which a point counts as inside */
};

static inline struct mandelbrot_image mandelbrot_image(const struct bench *b)
{
	return (struct mandelbrot_image){.size = (uint64_t)bench_param(b, "size"),
					 .limit = (uint64_t)bench_param(b, "limit")};
}

/* The middle of point k of `size` on an axis of 2.5 that begins at `begin` quarters. */
static inline int64_t mandelbrot_at(uint64_t k, uint64_t size, int64_t begin)
{
	return (int64_t)((2 * k + 1) * (UINT64_C(5) << MANDELBROT_BITS) / (4 * size)) +
	       begin * (INT64_C(1) << MANDELBROT_BITS) / 4;
}

enum { MANDELBROT_LEFT = -8, MANDELBROT_BOTTOM = -5 }; /* in quarters: -2 .. 0.5 and -1.25 .. 1.25 */

/* What a point adds to its row's sum: different for each place, so that points cannot be exchanged. */
static inline uint64_t mandelbrot_weigh(uint64_t iterations, uint64_t row, uint64_t column, uint64_t size)
{
	return (iterations + 1) * (2 * (row * size + column) + 1);
}

/*
 * The sum over one row. For each point, z = z^2 + c from 0 until |z| > 2 or `limit` iterations were made. Integers alone,
 * rounded down: the same on every machine. It calls nothing, so that a model can stop it anywhere. Always inlined, into
 * a function of each body that is not.
 */
static inline __attribute__((always_inline)) uint64_t mandelbrot_row(const struct mandelbrot_image *image, uint64_t row)
{
	const int64_t four = INT64_C(4) << (2 * MANDELBROT_BITS);
	int64_t ci = mandelbrot_at(row, image->size, MANDELBROT_BOTTOM);
	uint64_t sum = 0;

	for (uint64_t column = 0; column < image->size; column++) {
		int64_t cr = mandelbrot_at(column, image->size, MANDELBROT_LEFT), r = 0, i = 0;
		uint64_t n = 0;

		for (; n < image->limit; n++) {
			int64_t rr = r * r, ii = i * i;

			if (rr + ii > four)
				break;
			i = ((r * i) >> (MANDELBROT_BITS - 1)) + ci;
			r = ((rr - ii) >> MANDELBROT_BITS) + cr;
		}
		sum += mandelbrot_weigh(n, row, column, image->size);
	}
	return sum;
}

/* A time that no body can beat on so many CPUs. */
uint64_t mandelbrot_least_ns(const struct bench *b, unsigned cpus);

#endif
