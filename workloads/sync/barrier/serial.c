/*
 * sync/barrier without tasks: in each phase everybody's work, then everybody's look at the neighbour.
 */
#include <errno.h>
#include <stdlib.h>

#include "workloads/sync/barrier/barrier.h"

struct part {
	struct barrier_desk desk;
	uint64_t private;
};

static int run_barrier(struct bench *b)
{
	uint64_t tasks = (uint64_t)bench_param(b, "tasks"), work = (uint64_t)bench_param(b, "work");
	struct part *part = aligned_alloc(_Alignof(struct part), tasks * sizeof *part);
	struct bench_cert cert = {.max_live = tasks};

	if (!part)
		return bench_fail(b, -ENOMEM, "out of memory for %llu records", (unsigned long long)tasks);
	for (uint64_t i = 0; i < tasks; i++)
		part[i] = (struct part){.private = i};
	bench_begin(b);
	for (uint64_t phase = 0; phase < b->ops; phase++) {
		for (uint64_t i = 0; i < tasks; i++) {
			part[i].private = steps_work(part[i].private, work);
			barrier_leave(&part[i].desk, phase, i);
		}
		for (uint64_t i = 0; i < tasks; i++) {
			cert.checksum += barrier_read(&part[barrier_neighbour(i, tasks)].desk, phase);
			cert.messages++;
		}
		cert.ops++;
	}
	bench_end(b);
	for (uint64_t i = 0; i < tasks; i++)
		cert.checksum += part[i].private;
	free(part);
	b->cert = cert;
	return 0;
}

const struct bench_body sync_barrier_serial = {.run = run_barrier};
