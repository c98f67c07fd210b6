/*
 * disk/smallfiles in the blocking style: a task per reader, which opens, reads and closes one file after another.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/disk/smallfiles/smallfiles.h"
#include "workloads/gate.h"

struct reader {
	dx_task task;
	struct gate *gate;
	const struct smallfiles_data *d;
	unsigned char *buf; /* d->buffer_bytes, and behind them the path */
	/* root's until the gate opens, then the task's until it is joined */
	uint64_t first, step, end; /* the operations first, first + step, ... below end */
	uint64_t done, bytes, sum;
	int status;
};

/* Read to the end: the number of bytes, or -errno. */
static ssize_t read_to_end(int fd, unsigned char *buf, size_t room)
{
	size_t done = 0;

	for (;;) {
		ssize_t n = dx_pread(fd, buf + done, room - done, (off_t)done);

		if (n <= 0)
			return n < 0 ? n : (ssize_t)done;
		done += (size_t)n;
	}
}

static int read_file(struct reader *r, uint64_t file)
{
	const struct smallfiles_data *d = r->d;
	char *path = (char *)r->buf + d->buffer_bytes;
	uint32_t crc;
	ssize_t n;
	int fd;

	smallfiles_path(d, file, path);
	fd = dx_open(path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	n = read_to_end(fd, r->buf, d->buffer_bytes);
	dx_close(fd);
	if (n < 0)
		return (int)n;
	crc = files_crc(r->buf, (size_t)n);
	if (crc != d->crcs[file])
		return -EIO;
	r->done++;
	r->bytes += (uint64_t)n;
	r->sum += crc;
	return 0;
}

static void read_files(void *arg)
{
	struct reader *r = arg;

	gate_pass(r->gate);
	for (uint64_t op = r->first; op < r->end && r->status == 0; op += r->step)
		r->status = read_file(r, smallfiles_file_of(op, r->d->files));
}

/* Create the readers and wait until they stand at the gate. Returns how many there are; *status says why no more. */
static uint64_t gather(struct bench *b, struct gate *gate, struct reader *readers, uint64_t n, int *status)
{
	const struct smallfiles_data *d = b->data;
	uint64_t i;

	*status = 0;
	for (i = 0; i < n; i++) {
		struct reader *r = &readers[i];

		*r = (struct reader){.gate = gate, .d = d, .first = i, .step = n, .end = b->ops};
		r->buf = malloc(d->buffer_bytes + d->path_bytes);
		if (!r->buf) {
			*status = -ENOMEM;
			break;
		}
		*status = gate_spawn(gate, &r->task, read_files, r);
		if (*status < 0) {
			free(r->buf);
			break;
		}
	}
	gate_gather(gate);
	return i;
}

/* Let the readers go, within the region unless `cancel`, and collect what they did. */
static int read_all(struct bench *b, struct gate *gate, struct reader *readers, uint64_t n, bool cancel)
{
	struct bench_cert cert = {.max_live = n};
	int status = 0;

	for (uint64_t i = 0; cancel && i < n; i++)
		readers[i].end = 0;
	if (!cancel)
		bench_begin(b);
	gate_open(gate);
	for (uint64_t i = 0; i < n; i++)
		dx_join(&readers[i].task);
	if (!cancel)
		bench_end(b);
	for (uint64_t i = 0; i < n; i++) {
		cert.ops += readers[i].done;
		cert.bytes_read += readers[i].bytes;
		cert.checksum += readers[i].sum;
		if (status == 0 && readers[i].status < 0)
			status = bench_fail(b, readers[i].status, "reading a file failed: %s",
					    strerror(-readers[i].status));
		free(readers[i].buf);
	}
	b->cert = cert;
	return status;
}

/* The gate is there: all between it and the join. */
static int run_readers(struct bench *b, struct gate *gate, uint64_t n)
{
	struct reader *readers = calloc(n, sizeof *readers);
	uint64_t live;
	int status;

	if (!readers)
		return bench_fail(b, -ENOMEM, "out of memory for %d readers", (int)n);
	live = gather(b, gate, readers, n, &status);
	if (status == 0) {
		status = read_all(b, gate, readers, n, false);
	} else {
		read_all(b, gate, readers, live, true);
		bench_fail(b, status, "cannot hold %d readers: the model refused the one after %d (%s)", (int)n,
			   (int)live, strerror(-status));
	}
	free(readers);
	return status;
}

static int run_smallfiles(struct bench *b)
{
	struct gate gate;
	int status = smallfiles_prepare(b);

	if (status < 0)
		return status;
	status = gate_init(&gate);
	if (status < 0)
		return bench_fail(b, status, "cannot make a wait group: %s", strerror(-status));
	status = run_readers(b, &gate, (uint64_t)bench_param(b, "in_flight"));
	gate_destroy(&gate);
	return status;
}

const struct bench_body disk_smallfiles_direct = {.run = run_smallfiles};
