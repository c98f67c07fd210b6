/*
 * cpu/mandelbrot without tasks: row after row.
 */
#include "workloads/cpu/mandelbrot/mandelbrot.h"

static __attribute__((noinline)) uint64_t compute(const struct mandelbrot_image *image, uint64_t row)
{
	return mandelbrot_row(image, row);
}

static int run_mandelbrot(struct bench *b)
{
	struct mandelbrot_image image = mandelbrot_image(b);
	struct bench_cert cert = {0};

	bench_begin(b);
	for (uint64_t row = 0; row < image.size; row++) {
		cert.checksum += compute(&image, row);
		cert.ops++;
		cert.units++; /* a call that stands for a task */
	}
	bench_end(b);
	b->cert = cert;
	return 0;
}

static uint64_t estimate(const struct bench *b)
{
	return mandelbrot_least_ns(b, 1);
}

const struct bench_body cpu_mandelbrot_serial = {.run = run_mandelbrot, .estimate_ns = estimate};
