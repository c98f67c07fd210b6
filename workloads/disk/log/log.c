/*
 * disk/log - records appended to one file by several writers, and made durable.
 *
 * `writers` tasks append records of record_bytes to the same file (O_APPEND: the kernel finds the end), each with a
 * write of its own, and call fsync after every per_sync-th of their own records and after their last. An operation is a
 * record. What is measured is waiting for a device while others wait for it too, where one call makes the records of
 * all durable that were appended before it.
 *
 * Each run of a body makes its own log, in the data directory, and removes it. After the clock the file is read back:
 * each writer's records must all be there, once, whole by their CRC and in order; then the checksum is taken from what was read.
 *
 * Rejected: a log without a name (unlinked at once): filesystems treat it differently in fsync. Rejected: a leader that
 * syncs for all: that is a design of a program, which every model could have, and would hide how the models wait.
 */
#include "workloads/descriptors.h"
#include "workloads/disk/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PARAM_WRITERS, PARAM_RECORD_BYTES, PARAM_PER_SYNC };

static const struct bench_param params[] = {
	[PARAM_WRITERS] = {.name = "writers",
			   .unit = "tasks",
			   .help = "that append to the one log",
			   .dflt = 8,
			   .min = 1,
			   .max = 64,
			   .smoke = 3},
	[PARAM_RECORD_BYTES] = {.name = "record_bytes",
				.unit = "B",
				.help = "size of a record",
				.dflt = 512,
				.min = 64,
				.max = 65536,
				.smoke = 100},
	[PARAM_PER_SYNC] = {.name = "per_sync",
			    .unit = "records",
			    .help = "that a writer appends before it calls fsync",
			    .dflt = 1,
			    .min = 1,
			    .max = 1000,
			    .smoke = 2},
};

#define LARGEST_LOG (UINT64_C(1) << 30) /* arbitrary: what a scratch file may take */

static uint64_t log_max_ops(const struct bench *b)
{
	return LARGEST_LOG / (uint64_t)b->param[PARAM_RECORD_BYTES];
}

static int log_setup(struct bench *b)
{
	if (files_lie_in_memory(b))
		return bench_fail(b, -EOPNOTSUPP, "%s lies in memory: nothing there can be made durable", b->data_dir);
	return descriptors_allow(b, 1);
}

/* ---- making and removing the log ------------------------------------------------------------------------ */

int log_open(struct bench *b)
{
	char *path = malloc(PATH_MAX);
	int fd, status = path ? 0 : bench_fail(b, -ENOMEM, "out of memory for a path");

	if (status == 0)
		status = files_scratch_name(b, "log", path);
	if (status == 0)
		status = files_check_space(b, b->ops * (uint64_t)b->param[PARAM_RECORD_BYTES], 1);
	if (status < 0) {
		free(path);
		return status;
	}
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = bench_fail(b, -errno, "cannot create %s: %s", path, strerror(errno));
	free(path);
	return fd;
}

static void remove_log(struct bench *b, int fd)
{
	char *path = malloc(PATH_MAX);

	if (path && files_scratch_name(b, "log", path) == 0)
		unlink(path);
	free(path);
	close(fd);
}

/* ---- reading it back -------------------------------------------------------------------------------------- */

struct check {
	struct bench *b;
	uint64_t *record; /* a buffer */
	uint64_t *next; /* by writer: the number of the record that must come next */
	size_t record_bytes;
	uint64_t writers;
};

/* The record at this place, which must be its writer's next one. */
static int check_record(struct check *c, int fd, uint64_t at)
{
	uint64_t writer, number;
	int status = files_pread_all(fd, c->record, c->record_bytes, (off_t)(at * c->record_bytes));

	if (status < 0)
		return bench_fail(c->b, status, "cannot read record %" PRIu64 " of the log back: %s", at,
				  strerror(-status));
	if (c->record[LOG_CRC] != log_crc(c->record, c->record_bytes))
		return bench_fail(c->b, -EILSEQ, "record %" PRIu64 " of the log is damaged", at);
	writer = c->record[LOG_WRITER];
	number = c->record[LOG_NUMBER];
	if (writer >= c->writers || number != c->next[writer])
		return bench_fail(c->b, -EIO, "record %" PRIu64 " of the log is lost, double or out of order", at);
	c->next[writer]++;
	c->b->cert.checksum += log_digest(writer, number);
	return 0;
}

static int check_log(struct bench *b, int fd, const struct log_done *done)
{
	size_t record_bytes = (size_t)b->param[PARAM_RECORD_BYTES], words = log_words(record_bytes);
	uint64_t writers = (uint64_t)b->param[PARAM_WRITERS];
	uint64_t *space = calloc(words + writers, sizeof *space);
	struct check c = {.b = b, .record_bytes = record_bytes, .writers = writers};
	struct stat st;
	int status = 0;

	if (!space)
		return bench_fail(b, -ENOMEM, "out of memory for reading the log back");
	c.record = space;
	c.next = space + words;
	if (fstat(fd, &st) < 0)
		status = bench_fail(b, -errno, "cannot look at the log: %s", strerror(errno));
	else if ((uint64_t)st.st_size != done->records * record_bytes)
		status = bench_fail(b, -EIO, "the log has %lld bytes after %" PRIu64 " records of %zu",
				    (long long)st.st_size, done->records, record_bytes);
	b->cert = (struct bench_cert){.ops = done->records,
				      .max_live = writers,
				      .bytes_written = done->bytes,
				      .checksum = done->syncs * LOG_SYNC_DIGEST};
	for (uint64_t at = 0; status == 0 && at < done->records; at++)
		status = check_record(&c, fd, at);
	free(space);
	return status;
}

int log_close(struct bench *b, int fd, int status, const struct log_done *done)
{
	if (status == 0)
		status = check_log(b, fd, done);
	remove_log(b, fd);
	return status;
}

/* ---- the definition --------------------------------------------------------------------------------------- */

static void log_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t writers = (uint64_t)b->param[PARAM_WRITERS], per_sync = (uint64_t)b->param[PARAM_PER_SYNC];

	*out = (struct bench_cert){
		.ops = b->ops, .max_live = writers, .bytes_written = b->ops * (uint64_t)b->param[PARAM_RECORD_BYTES]};
	for (uint64_t w = 0; w < writers; w++) {
		uint64_t records = bench_share(b->ops, writers, w);

		out->checksum += (records + per_sync - 1) / per_sync * LOG_SYNC_DIGEST;
		for (uint64_t number = 0; number < records; number++)
			out->checksum += log_digest(w, number);
	}
}

const struct bench_workload disk_log_workload = {
	.name = "disk/log",
	.version = 2,
	.summary = "records appended to one log by several writers, made durable by fsync",
	.op = "one record appended, and by its writer's next fsync durable",
	.fairness =
		"Every body makes one write call per record and one fsync per per_sync records of a writer, in the "
		"same file, and fills each record with new content and its CRC in the writer's own buffer. A direct "
		"writer blocks "
		"in both calls; an evented one is a record whose completions lead to its next call, as many under way "
		"as there are writers. How long an fsync takes is the device's and the filesystem's affair, and "
		"several at one time may share a commit: who gets more of them to the kernel together gains, which is "
		"the point. The serial body exists for writers=1 only.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 30,
	.ops_quantum = 1,
	.quantum_param = "writers",
	.max_ops = log_max_ops,
	.setup = log_setup,
	.expect = log_expect,
};
