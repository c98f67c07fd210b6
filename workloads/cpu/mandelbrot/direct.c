/*
 * cpu/mandelbrot in the blocking style: a task per row.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/cpu/mandelbrot/mandelbrot.h"

struct job {
	dx_task task;
	const struct mandelbrot_image *image; /* immutable */
	uint64_t row; /* immutable once the task runs */
	/* the task's until it is joined */
	uint64_t sum;
	uint64_t done; /* rows: 1 when the task has run */
};

static DX_PREEMPTIBLE uint64_t compute(const struct mandelbrot_image *image, uint64_t row)
{
	return mandelbrot_row(image, row);
}

static void work(void *arg)
{
	struct job *j = arg;

	j->sum = compute(j->image, j->row);
	j->done++;
}

/* 0, or why the model refused a task. */
static int run_rows(const struct mandelbrot_image *image, struct job *jobs, struct bench_cert *cert)
{
	int status = 0;

	for (uint64_t row = 0; row < image->size; row++) {
		jobs[row].image = image;
		jobs[row].row = row;
		status = dx_spawn(&jobs[row].task, work, &jobs[row]);
		if (status < 0)
			break; /* those that exist are still joined below */
		cert->units++;
	}
	for (uint64_t row = 0; row < cert->units; row++) {
		dx_join(&jobs[row].task);
		cert->ops += jobs[row].done;
		cert->checksum += jobs[row].sum;
	}
	return status;
}

static int run_mandelbrot(struct bench *b)
{
	struct mandelbrot_image image = mandelbrot_image(b);
	struct job *jobs = calloc(image.size, sizeof *jobs);
	struct bench_cert cert = {0};
	int status;

	if (!jobs)
		return bench_fail(b, -ENOMEM, "out of memory for %llu rows", (unsigned long long)image.size);
	bench_begin(b);
	status = run_rows(&image, jobs, &cert);
	bench_end(b);
	free(jobs);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)image.size, (unsigned long long)cert.units, strerror(-status));
	b->cert = cert;
	return 0;
}

static uint64_t estimate(const struct bench *b)
{
	return mandelbrot_least_ns(b, b->workers);
}

const struct bench_body cpu_mandelbrot_direct = {.run = run_mandelbrot, .estimate_ns = estimate};
