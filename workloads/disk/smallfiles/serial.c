/*
 * disk/smallfiles without tasks: one file after another.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads/disk/smallfiles/smallfiles.h"

/* Read to the end: the number of bytes, or -errno. */
static ssize_t read_to_end(int fd, unsigned char *buf, size_t room)
{
	size_t done = 0;

	for (;;) {
		ssize_t n = pread(fd, buf + done, room - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : (ssize_t)done;
		done += (size_t)n;
	}
}

static int read_file(const struct smallfiles_data *d, uint64_t file, char *path, unsigned char *buf,
		     struct bench_cert *cert)
{
	uint32_t crc;
	ssize_t n;
	int fd;

	smallfiles_path(d, file, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read_to_end(fd, buf, d->buffer_bytes);
	close(fd);
	if (n < 0)
		return (int)n;
	crc = files_crc(buf, (size_t)n);
	if (crc != d->crcs[file])
		return -EIO;
	cert->ops++;
	cert->bytes_read += (uint64_t)n;
	cert->checksum += crc;
	return 0;
}

static int run_smallfiles(struct bench *b)
{
	const struct smallfiles_data *d = b->data;
	unsigned char *buf = malloc(d->buffer_bytes);
	char *path = malloc(d->path_bytes);
	struct bench_cert cert = {.max_live = 1};
	int status = buf && path ? smallfiles_prepare(b) : bench_fail(b, -ENOMEM, "out of memory for a buffer");

	if (status < 0)
		goto out;
	bench_begin(b);
	for (uint64_t op = 0; op < b->ops && status == 0; op++)
		status = read_file(d, smallfiles_file_of(op, d->files), path, buf, &cert);
	bench_end(b);
	b->cert = cert;
	if (status < 0)
		bench_fail(b, status, "reading a file failed: %s", strerror(-status));
out:
	free(path);
	free(buf);
	return status;
}

static const char *one_at_a_time(const struct bench *b)
{
	return bench_param(b, "in_flight") > 1 ? "sequential: one file is under way at a time" : NULL;
}

const struct bench_body disk_smallfiles_serial = {.unsupported = one_at_a_time, .run = run_smallfiles};
