/*
 * disk/read in the blocking style: a task per reader, which reads and checks one block after another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/disk/read/read.h"
#include "workloads/gate.h"

struct reader {
	dx_task task;
	struct gate *gate;
	int fd;
	uint64_t *block; /* DATAFILE_BLOCK bytes, aligned to it */
	/* root's until the gate opens, then the task's until it is joined */
	struct read_order order;
	uint64_t left;
	uint64_t done, bytes, sum;
	int status;
};

static void read_blocks(void *arg)
{
	struct reader *r = arg;

	gate_pass(r->gate);
	for (; r->left > 0; r->left--) {
		uint64_t block = read_next(&r->order);
		ssize_t n = dx_pread(r->fd, r->block, DATAFILE_BLOCK, (off_t)(block * DATAFILE_BLOCK));

		if (n != DATAFILE_BLOCK || !datafile_verify(r->block, block, &r->sum)) {
			r->status = n < 0 ? (int)n : -EIO;
			return;
		}
		r->bytes += (uint64_t)n;
		r->done++;
	}
}

/* Create the readers and wait until they stand at the gate. Returns how many there are; *status says why no more. */
static uint64_t gather(struct bench *b, struct gate *gate, struct reader *readers, uint64_t n, int *status)
{
	const struct read_data *d = b->data;
	uint64_t i;

	*status = 0;
	for (i = 0; i < n; i++) {
		struct reader *r = &readers[i];

		*r = (struct reader){.gate = gate,
				     .fd = d->fd,
				     .order = read_order_of(d, b->seed, i, n),
				     .left = bench_share(b->ops, n, i)};
		r->block = aligned_alloc(DATAFILE_BLOCK, DATAFILE_BLOCK);
		if (!r->block) {
			*status = -ENOMEM;
			break;
		}
		*status = gate_spawn(gate, &r->task, read_blocks, r);
		if (*status < 0) {
			free(r->block);
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
		readers[i].left = 0;
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
			status = bench_fail(b, readers[i].status, "a read of the data file failed: %s",
					    strerror(-readers[i].status));
		free(readers[i].block);
	}
	b->cert = cert;
	return status;
}

static int run_read(struct bench *b)
{
	uint64_t n = (uint64_t)bench_param(b, "in_flight"), live;
	struct reader *readers = calloc(n, sizeof *readers);
	struct gate gate;
	int status = read_prepare(b);

	if (status < 0) {
		free(readers);
		return status;
	}
	status = readers ? gate_init(&gate) : -ENOMEM;
	if (status < 0)
		goto no_gate;
	live = gather(b, &gate, readers, n, &status);
	if (status == 0) {
		status = read_all(b, &gate, readers, n, false);
	} else {
		read_all(b, &gate, readers, live, true);
		bench_fail(b, status, "cannot hold %d readers: the model refused the one after %d (%s)", (int)n,
			   (int)live, strerror(-status));
	}
	gate_destroy(&gate);
	free(readers);
	return status;
no_gate:
	free(readers);
	return bench_fail(b, status, "cannot prepare %d readers: %s", (int)n, strerror(-status));
}

const struct bench_body disk_read_direct = {.run = run_read};
