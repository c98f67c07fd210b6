/*
 * disk/log in the blocking style: a task per writer, which appends and syncs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/disk/log/log.h"
#include "workloads/gate.h"

struct writer {
	dx_task task;
	struct gate *gate;
	int fd;
	uint64_t id, per_sync;
	size_t record_bytes;
	uint64_t *record;
	/* root's until the gate opens, then the task's until it is joined */
	uint64_t total;
	struct log_done done;
	int status;
};

static int append_records(struct writer *w)
{
	for (uint64_t left = w->total; left > 0;) {
		ssize_t n;
		int rc;

		log_fill(w->record, w->record_bytes, w->id, w->total - left);
		n = dx_pwrite(w->fd, w->record, w->record_bytes, 0); /* O_APPEND: at the end, whatever the offset */
		if (n != (ssize_t)w->record_bytes)
			return n < 0 ? (int)n : -EIO;
		w->done.records++;
		w->done.bytes += (uint64_t)n;
		left--;
		if (!log_syncs(w->total, left, w->per_sync))
			continue;
		rc = dx_fsync(w->fd);
		if (rc < 0)
			return rc;
		w->done.syncs++;
	}
	return 0;
}

static void write_log(void *arg)
{
	struct writer *w = arg;

	gate_pass(w->gate);
	w->status = append_records(w);
}

/* Create the writers and wait until they stand at the gate. Returns how many there are; *status says why no more. */
static uint64_t gather(struct bench *b, struct gate *gate, struct writer *writers, uint64_t n, int fd, int *status)
{
	uint64_t i;

	*status = 0;
	for (i = 0; i < n; i++) {
		struct writer *w = &writers[i];

		*w = (struct writer){.gate = gate,
				     .fd = fd,
				     .id = i,
				     .per_sync = (uint64_t)bench_param(b, "per_sync"),
				     .record_bytes = (size_t)bench_param(b, "record_bytes"),
				     .total = bench_share(b->ops, n, i)};
		w->record = malloc(log_words(w->record_bytes) * sizeof w->record[0]);
		if (!w->record) {
			*status = -ENOMEM;
			break;
		}
		*status = gate_spawn(gate, &w->task, write_log, w);
		if (*status < 0) {
			free(w->record);
			break;
		}
	}
	gate_gather(gate);
	return i;
}

/* Let the writers go, within the region unless `cancel`, and add up what they did. */
static int write_all(struct bench *b, struct gate *gate, struct writer *writers, uint64_t n, bool cancel,
		     struct log_done *done)
{
	int status = 0;

	for (uint64_t i = 0; cancel && i < n; i++)
		writers[i].total = 0;
	if (!cancel)
		bench_begin(b);
	gate_open(gate);
	for (uint64_t i = 0; i < n; i++)
		dx_join(&writers[i].task);
	if (!cancel)
		bench_end(b);
	for (uint64_t i = 0; i < n; i++) {
		const struct writer *w = &writers[i];

		done->records += w->done.records;
		done->bytes += w->done.bytes;
		done->syncs += w->done.syncs;
		if (status == 0 && w->status < 0)
			status = bench_fail(b, w->status, "appending to the log failed: %s", strerror(-w->status));
		free(w->record);
	}
	return status;
}

/* The gate and the log are there: all between them and the reading back. */
static int run_writers(struct bench *b, struct gate *gate, int fd, struct log_done *done)
{
	uint64_t n = (uint64_t)bench_param(b, "writers"), live;
	struct writer *writers = calloc(n, sizeof *writers);
	int status;

	if (!writers)
		return bench_fail(b, -ENOMEM, "out of memory for %d writers", (int)n);
	live = gather(b, gate, writers, n, fd, &status);
	if (status == 0) {
		status = write_all(b, gate, writers, n, false, done);
	} else {
		write_all(b, gate, writers, live, true, done);
		bench_fail(b, status, "cannot hold %d writers: the model refused the one after %d (%s)", (int)n,
			   (int)live, strerror(-status));
	}
	free(writers);
	return status;
}

static int run_log(struct bench *b)
{
	struct log_done done = {0};
	struct gate gate;
	int status = gate_init(&gate), fd;

	if (status < 0)
		return bench_fail(b, status, "cannot make a wait group: %s", strerror(-status));
	fd = log_open(b);
	status = fd < 0 ? fd : run_writers(b, &gate, fd, &done);
	gate_destroy(&gate);
	return fd < 0 ? status : log_close(b, fd, status, &done);
}

const struct bench_body disk_log_direct = {.run = run_log};
