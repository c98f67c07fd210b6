/*
 * template/example in the blocking style. Write it as a good programmer of threads or goroutines would: straight down,
 * waiting where one must wait. direct.h lists all that may be called; there is nothing else, and no model's header.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "docs/templates/workload/template.h"
#include "harness/subject/direct.h"

struct job {
	dx_task task; /* must stay where it is until it has been joined */
	uint64_t i; /* immutable once the task runs */
	/* the task's until it is joined */
	uint64_t result;
	uint64_t done; /* 1 when the task has run: counted by the task, never copied from the plan */
};

static void work(void *arg)
{
	struct job *j = arg;

	j->result = template_work(j->i);
	j->done = 1;
}

/* Run jobs first .. first + n - 1 and add what they did to *cert. 0, or why the model refused a task. */
static int run_batch(struct job *jobs, uint64_t first, uint64_t n, struct bench_cert *cert)
{
	uint64_t created;
	int status = 0;

	for (created = 0; created < n; created++) {
		struct job *j = &jobs[created];

		j->i = first + created;
		j->result = j->done = 0;
		status = dx_spawn(&j->task, work, j);
		if (status < 0)
			break; /* those that exist are still joined below: nothing may outlive the body */
	}
	for (uint64_t k = 0; k < created; k++) {
		dx_join(&jobs[k].task);
		cert->ops += jobs[k].done;
		cert->checksum += jobs[k].result;
	}
	cert->units += created;
	return status;
}

static int run_example(struct bench *b)
{
	uint64_t batch = (uint64_t)bench_param(b, "batch");
	struct job *jobs = calloc(batch, sizeof *jobs); /* before begin: only what grows with ops is timed */
	struct bench_cert cert = {0};
	int status = 0;

	if (!jobs)
		return bench_fail(b, -ENOMEM, "out of memory for %llu tasks", (unsigned long long)batch);
	bench_begin(b);
	for (uint64_t done = 0; done < b->ops && status == 0; done += batch)
		status = run_batch(jobs, done, b->ops - done < batch ? b->ops - done : batch, &cert);
	bench_end(b);
	free(jobs);
	b->cert = cert;
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: %s", (unsigned long long)batch,
				  strerror(-status));
	return 0;
}

/* unsupported and estimate_ns may be left out: then every cell is offered, and none is known to be slow. */
const struct bench_body template_example_direct = {.run = run_example};
