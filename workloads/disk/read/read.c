/*
 * disk/read - reads of 4 KiB from a file, in random or sequential order.
 *
 * `in_flight` readers each read their share of the blocks, one after another; together they go through the file in one
 * order (read.h), and every block is checked to be the one that was asked for, and whole by its CRC. mode=warm reads from the page cache and
 * measures what a file call costs the model that makes it (nothing ever waits for a device). mode=direct opens the file
 * with O_DIRECT and measures waiting. mode=cold reads through the page cache what is not in it: before the clock starts
 * the file's pages are thrown out (POSIX_FADV_DONTNEED), and mincore must say of every one that it is gone. No block is
 * read twice in such a run, which therefore makes at most as many reads as the file has blocks. In random order the
 * kernel is told so (POSIX_FADV_RANDOM) and reads nothing ahead; in sequential order it may, as for every program.
 *
 * The file is that of datafile.h. It is never removed here; the harness removes the directory if it made it.
 *
 * Rejected: a file per sample (writing dominates the set-up, and the device is busy with write-back while we read);
 * dropping the whole machine's cache for the cold mode (needs root, and disturbs everybody).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads/disk/read/read.h"

enum { PARAM_MODE, PARAM_ORDER, PARAM_IN_FLIGHT, PARAM_FILE_MIB };
enum { MODE_WARM, MODE_COLD, MODE_DIRECT };
enum { ORDER_RANDOM, ORDER_SEQUENTIAL };

static const char *const modes[] = {[MODE_WARM] = "warm", [MODE_COLD] = "cold", [MODE_DIRECT] = "direct", NULL};
static const char *const orders[] = {[ORDER_RANDOM] = "random", [ORDER_SEQUENTIAL] = "sequential", NULL};

static const struct bench_param params[] = {
	[PARAM_MODE] =
		{.name = "mode",
		 .unit = "",
		 .help = "warm: from the page cache; cold: verified not to be in it; direct: around it (O_DIRECT)",
		 .kind = BENCH_CHOICE,
		 .dflt = MODE_WARM,
		 .smoke = MODE_WARM,
		 .choices = modes},
	[PARAM_ORDER] = {.name = "order",
			 .unit = "",
			 .help = "of the blocks, over all readers together",
			 .kind = BENCH_CHOICE,
			 .dflt = ORDER_RANDOM,
			 .smoke = ORDER_RANDOM,
			 .choices = orders},
	[PARAM_IN_FLIGHT] = {.name = "in_flight",
			     .unit = "reads",
			     .help = "reads under way at one time, one per reader",
			     .dflt = 8,
			     .min = 1,
			     .max = 64,
			     .smoke = 4},
	[PARAM_FILE_MIB] = {.name = "file_mib",
			    .unit = "MiB",
			    .help = "size of the file",
			    .dflt = 64,
			    .min = 1,
			    .max = 16384,
			    .smoke = 4},
};

enum {
	WARM_TRIES = 3,
};

static int read_through(int fd, uint64_t bytes)
{
	void *chunk = malloc(FILES_CHUNK);
	int status = chunk ? 0 : -ENOMEM;

	for (uint64_t done = 0; status == 0 && done < bytes; done += FILES_CHUNK)
		status = files_pread_all(fd, chunk, FILES_CHUNK, (off_t)done);
	free(chunk);
	return status;
}

static int open_warm(struct datafile *f)
{
	int status = 0, fd = open(f->path, O_RDONLY | O_CLOEXEC);
	int64_t missing = 1;

	if (fd < 0)
		return bench_fail(f->b, -errno, "cannot open %s: %s", f->path, strerror(errno));
	for (int tries = 0; status == 0 && missing > 0 && tries < WARM_TRIES; tries++) {
		status = read_through(fd, f->bytes);
		missing = files_count_missing(fd, f->bytes);
	}
	if (status == 0 && missing == 0)
		return fd;
	close(fd);
	if (status == 0 && missing < 0)
		status = (int)missing;
	if (status < 0)
		return bench_fail(f->b, status, "cannot bring %s into the page cache: %s", f->path, strerror(-status));
	return bench_fail(f->b, -ENOMEM, "the page cache does not keep %s: %" PRId64 " pages are missing", f->path,
			  missing);
}

static void read_teardown(struct bench *b)
{
	struct read_data *d = b->data;

	if (!d)
		return;
	close(d->fd);
	free(d);
	b->data = NULL;
}

static uint64_t file_bytes(const struct bench *b)
{
	return (uint64_t)b->param[PARAM_FILE_MIB] << 20;
}

/* ---- cold ----------------------------------------------------------------------------------------- */

int read_prepare(struct bench *b)
{
	const struct read_data *d = b->data;
	int status = d->is_cold ? files_evict(d->fd, d->blocks * DATAFILE_BLOCK) : 0;

	if (status == -EBUSY)
		return bench_fail(b, -EOPNOTSUPP, "the data file stays in the page cache of %s: it cannot be made cold",
				  b->data_dir);
	if (status < 0)
		bench_fail(b, status, "cannot throw the data file out of the page cache: %s", strerror(-status));
	return status;
}

static int open_cold(struct datafile *f)
{
	int fd, rc;

	if (files_lie_in_memory(f->b))
		return bench_fail(f->b, -EOPNOTSUPP, "%s lies in memory: its files are never cold", f->b->data_dir);
	fd = open(f->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return bench_fail(f->b, -errno, "cannot open %s: %s", f->path, strerror(errno));
	rc = f->b->param[PARAM_ORDER] == ORDER_RANDOM ? posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM) : 0;
	if (rc) {
		close(fd);
		return bench_fail(f->b, -rc, "cannot advise random reads of %s: %s", f->path, strerror(rc));
	}
	return fd;
}

static int open_file(struct datafile *f)
{
	switch (f->b->param[PARAM_MODE]) {
	case MODE_COLD:
		return open_cold(f);
	case MODE_DIRECT:
		return datafile_open_direct(f);
	default:
		return open_warm(f);
	}
}

/* ---- set-up and the definition ------------------------------------------------------------------------------- */

static int read_setup(struct bench *b)
{
	struct datafile f;
	struct read_data *d;
	int fd, status = datafile_name(&f, b, (uint64_t)b->param[PARAM_FILE_MIB]);

	if (status < 0)
		return status;
	status = b->param[PARAM_MODE] == MODE_WARM ? files_check_cache(b, f.bytes) : 0;
	if (status == 0)
		status = datafile_prepare(&f);
	if (status < 0)
		return status;
	fd = open_file(&f);
	if (fd < 0)
		return fd;
	d = malloc(sizeof *d);
	if (!d) {
		close(fd);
		return bench_fail(b, -ENOMEM, "out of memory for the data file's record");
	}
	*d = (struct read_data){.fd = fd,
				.blocks = f.bytes / DATAFILE_BLOCK,
				.is_random = b->param[PARAM_ORDER] == ORDER_RANDOM,
				.is_cold = b->param[PARAM_MODE] == MODE_COLD};
	b->data = d;
	status = read_prepare(b); /* can this machine do it? */
	if (status < 0)
		read_teardown(b);
	return status;
}

static uint64_t read_max_ops(const struct bench *b)
{
	return b->param[PARAM_MODE] == MODE_COLD ? file_bytes(b) / DATAFILE_BLOCK : UINT64_MAX;
}

static void read_expect(const struct bench *b, struct bench_cert *out)
{
	const struct read_data d = {.blocks = file_bytes(b) / DATAFILE_BLOCK,
				    .is_random = b->param[PARAM_ORDER] == ORDER_RANDOM};
	uint64_t readers = (uint64_t)b->param[PARAM_IN_FLIGHT], sum = 0;

	for (uint64_t i = 0; i < readers; i++) {
		struct read_order order = read_order_of(&d, b->seed, i, readers);

		for (uint64_t left = bench_share(b->ops, readers, i); left > 0; left--)
			sum += datafile_digest(read_next(&order));
	}
	*out = (struct bench_cert){
		.ops = b->ops, .max_live = readers, .bytes_read = b->ops * DATAFILE_BLOCK, .checksum = sum};
}

const struct bench_workload disk_read_workload = {
	.name = "disk/read",
	.version = 3,
	.summary = "4 KiB reads of a file, random or sequential: from the page cache, past it, or around it",
	.op = "one read of 4 KiB with the check that it is the right block and whole",
	.fairness =
		"File, order of blocks, buffer alignment and check are the same in every body, and each keeps "
		"in_flight "
		"reads going as far as its model can: a direct reader is a task that blocks in the read, an evented "
		"one "
		"is a request that is renewed from its completion. How a model gets a file read done (a thread that "
		"blocks, a hand-off of the processor, io_uring) is what is compared, and the sample names it. Warm "
		"favours whoever makes one plain system call. Cold is verified page by page before the clock starts, "
		"for this kernel's page cache: what a host below a virtual machine keeps is not known. In sequential "
		"order the kernel's read-ahead sees the file's offsets in the order in which the model's calls reach "
		"it, which favours a model that keeps them in order. The serial body has no way to have two reads "
		"under way "
		"and "
		"exists for in_flight=1 only.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 400,
	.ops_quantum = 1,
	.quantum_param = "in_flight",
	.max_ops = read_max_ops,
	.setup = read_setup,
	.teardown = read_teardown,
	.expect = read_expect,
};
