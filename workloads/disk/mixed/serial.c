/*
 * disk/mixed without tasks: one operation after another.
 */
#include <unistd.h>

#include "workloads/disk/mixed/mixed.h"

static ssize_t make_call(const struct mixed_worker *w)
{
	const int fd = w->data->fd;
	ssize_t n;

	do
		n = w->is_read ? pread(fd, w->words, MIXED_BLOCK, w->offset)
			       : pwrite(fd, w->words, MIXED_BLOCK, w->offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int run_mixed(struct bench *b)
{
	struct mixed_worker w;
	int status = mixed_make_worker(b, &w, 0, 1);

	if (status < 0)
		return bench_fail(b, status, "out of memory for a block");
	mixed_prepare(b);
	bench_begin(b);
	while (mixed_next(&w))
		mixed_took(&w, make_call(&w));
	bench_end(b);
	b->cert = (struct bench_cert){.max_live = 1};
	status = mixed_add(b, &w);
	if (status == 0)
		status = mixed_verify(b);
	mixed_free_worker(&w);
	return status;
}

static const char *one_at_a_time(const struct bench *b)
{
	return bench_param(b, "in_flight") > 1 ? "sequential: one operation is under way at a time" : NULL;
}

const struct bench_body disk_mixed_serial = {.unsupported = one_at_a_time, .run = run_mixed};
