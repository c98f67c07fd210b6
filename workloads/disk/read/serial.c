/*
 * disk/read without tasks: one read after another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads/disk/read/read.h"

static int read_block(int fd, uint64_t *words, uint64_t block, struct bench_cert *cert)
{
	ssize_t n;

	do
		n = pread(fd, words, DATAFILE_BLOCK, (off_t)(block * DATAFILE_BLOCK));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n != DATAFILE_BLOCK || !datafile_verify(words, block, &cert->checksum))
		return -EIO;
	cert->bytes_read += (uint64_t)n;
	cert->ops++;
	return 0;
}

static int run_read(struct bench *b)
{
	const struct read_data *d = b->data;
	struct read_order order = read_order_of(d, b->seed, 0, 1);
	uint64_t *words = aligned_alloc(DATAFILE_BLOCK, DATAFILE_BLOCK);
	struct bench_cert cert = {.max_live = 1};
	int status = words ? read_prepare(b) : bench_fail(b, -ENOMEM, "out of memory for a block");

	if (status < 0) {
		free(words);
		return status;
	}
	bench_begin(b);
	for (uint64_t left = b->ops; left > 0 && status == 0; left--)
		status = read_block(d->fd, words, read_next(&order), &cert);
	bench_end(b);
	free(words);
	b->cert = cert;
	if (status < 0)
		return bench_fail(b, status, "a read of the data file failed: %s", strerror(-status));
	return 0;
}

static const char *one_at_a_time(const struct bench *b)
{
	return bench_param(b, "in_flight") > 1 ? "sequential: one read is under way at a time" : NULL;
}

const struct bench_body disk_read_serial = {.unsupported = one_at_a_time, .run = run_read};
