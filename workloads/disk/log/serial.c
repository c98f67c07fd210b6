/*
 * disk/log without tasks: one record after another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads/disk/log/log.h"

static int append_records(int fd, uint64_t *words, size_t bytes, uint64_t total, uint64_t per_sync,
			  struct log_done *done)
{
	for (uint64_t left = total; left > 0;) {
		int status;

		log_fill(words, bytes, 0, total - left);
		status = files_write_all(fd, words, bytes);
		if (status < 0)
			return status;
		done->records++;
		done->bytes += bytes;
		left--;
		if (!log_syncs(total, left, per_sync))
			continue;
		if (fsync(fd) < 0)
			return -errno;
		done->syncs++;
	}
	return 0;
}

static int run_log(struct bench *b)
{
	size_t bytes = (size_t)bench_param(b, "record_bytes");
	uint64_t per_sync = (uint64_t)bench_param(b, "per_sync"), *words = malloc(log_words(bytes) * sizeof *words);
	struct log_done done = {0};
	int status, fd;

	if (!words)
		return bench_fail(b, -ENOMEM, "out of memory for a record");
	fd = log_open(b);
	if (fd < 0) {
		free(words);
		return fd;
	}
	bench_begin(b);
	status = append_records(fd, words, bytes, b->ops, per_sync, &done);
	bench_end(b);
	free(words);
	if (status < 0)
		bench_fail(b, status, "appending to the log failed: %s", strerror(-status));
	return log_close(b, fd, status, &done);
}

static const char *one_at_a_time(const struct bench *b)
{
	return bench_param(b, "writers") > 1 ? "sequential: there is one writer" : NULL;
}

const struct bench_body disk_log_serial = {.unsupported = one_at_a_time, .run = run_log};
