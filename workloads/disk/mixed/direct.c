/*
 * disk/mixed in the blocking style: a task per worker, which makes one call after another.
 */
#include <stdlib.h>

#include "harness/subject/direct.h"
#include "workloads/crew.h"
#include "workloads/disk/mixed/mixed.h"

struct member {
	_Alignas(128) struct crew_task crew;
	struct mixed_worker worker; /* root's until the region begins, then the task's until it is joined */
};

static void work(void *arg)
{
	struct member *m = arg;
	struct mixed_worker *w = &m->worker;
	const int fd = w->data->fd;

	if (!crew_start(&m->crew))
		return;
	while (mixed_next(w))
		mixed_took(w, w->is_read ? dx_pread(fd, w->words, MIXED_BLOCK, w->offset)
					 : dx_pwrite(fd, w->words, MIXED_BLOCK, w->offset));
}

static int run_members(struct bench *b, struct member *m, uint64_t n)
{
	int status;

	mixed_prepare(b);
	status = crew_run(b, m, sizeof m[0], n, work);
	if (status < 0)
		return status;
	b->cert = (struct bench_cert){.max_live = n};
	for (uint64_t i = 0; status == 0 && i < n; i++)
		status = mixed_add(b, &m[i].worker);
	return status < 0 ? status : mixed_verify(b);
}

static int run_mixed(struct bench *b)
{
	uint64_t n = (uint64_t)bench_param(b, "in_flight"), made = 0;
	struct member *m = aligned_alloc(_Alignof(struct member), n * sizeof *m);
	int status = m ? 0 : -ENOMEM;

	while (status == 0 && made < n) {
		status = mixed_make_worker(b, &m[made].worker, made, n);
		made += status == 0;
	}
	if (status == 0)
		status = run_members(b, m, n);
	else
		bench_fail(b, status, "out of memory for %d workers", (int)n);
	while (made-- > 0)
		mixed_free_worker(&m[made].worker);
	free(m);
	return status;
}

const struct bench_body disk_mixed_direct = {.run = run_mixed};
