/*
 * disk/read - random reads of 4 KiB from a file.
 *
 * `in_flight` readers each read their share of the blocks, one after another, in an order of their own; every block is
 * checked to be the one that was asked for. mode=warm reads from the page cache and measures what a file call costs the
 * model that makes it (nothing ever waits for a device); mode=direct opens the file with O_DIRECT and measures waiting.
 *
 * The file. setup() makes `switchyard-read-v<version>-<size>MiB.dat` in the data directory if it is not there or not
 * right, and leaves it there: the other samples of a run read the same file. It is never removed here; the harness
 * removes the directory if it made it. The content is a function of the place in the file (read_word), not of the seed,
 * so a file can be told to be right by its size and by comparing whole blocks from all over it. It is written under
 * another name and renamed when it is complete and on the device: a killed sample leaves a `.part` file which the next
 * writer starts afresh. A lock on that file keeps two writers apart.
 *
 * Rejected: a file per sample (writing dominates the set-up, and the device is busy with write-back while we read);
 * dropping the cache for a cold mode (needs root, and what is cold in the host's cache is not known in a VM anyway).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "workloads/disk/read/read.h"

enum { PARAM_MODE, PARAM_IN_FLIGHT, PARAM_FILE_MIB };
enum { MODE_WARM, MODE_DIRECT };

static const char *const modes[] = {[MODE_WARM] = "warm", [MODE_DIRECT] = "direct", NULL};

static const struct bench_param params[] = {
	[PARAM_MODE] = {.name = "mode",
			.unit = "",
			.help = "warm: from the page cache; direct: from the device (O_DIRECT)",
			.kind = BENCH_CHOICE,
			.dflt = MODE_WARM,
			.smoke = MODE_WARM,
			.choices = modes},
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
	CHUNK = 1 << 20, /* bytes per call while the file is written or read through */
	CHECKED_BLOCKS = 64, /* arbitrary: spread over the file, the first and the last among them */
	SPARE_BYTES = 16 << 20, /* that a full filesystem keeps when the file has been written; arbitrary */
	WARM_TRIES = 3,
};

struct file {
	struct bench *b;
	char path[PATH_MAX];
	char part[PATH_MAX + 8];
	uint64_t bytes;
};

/* ---- the file's content ------------------------------------------------------------------------- */

static void fill_blocks(uint64_t *words, uint64_t first_block, uint64_t blocks)
{
	for (uint64_t i = 0; i < blocks * READ_WORDS; i++)
		words[i] = read_word(first_block + i / READ_WORDS, i % READ_WORDS);
}

/* All of it, or -errno; -ENODATA if the file ends before. */
static int pread_all(int fd, void *buf, size_t bytes, off_t offset)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t n = pread(fd, (char *)buf + done, bytes - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		done += (size_t)n;
	}
	return 0;
}

static int write_all(int fd, const void *buf, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t n = write(fd, (const char *)buf + done, bytes - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

static bool is_right(int fd, uint64_t bytes)
{
	uint64_t found[READ_WORDS], wanted[READ_WORDS], blocks = bytes / READ_BLOCK;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != bytes)
		return false;
	for (uint64_t i = 0; i < CHECKED_BLOCKS; i++) {
		uint64_t block = (blocks - 1) * i / (CHECKED_BLOCKS - 1);

		fill_blocks(wanted, block, 1);
		if (pread_all(fd, found, READ_BLOCK, (off_t)(block * READ_BLOCK)) < 0 ||
		    memcmp(found, wanted, READ_BLOCK) != 0)
			return false;
	}
	return true;
}

static int write_content(int fd, uint64_t bytes)
{
	uint64_t *chunk = malloc(CHUNK);
	int status = chunk ? 0 : -ENOMEM;

	for (uint64_t done = 0; status == 0 && done < bytes; done += CHUNK) {
		fill_blocks(chunk, done / READ_BLOCK, CHUNK / READ_BLOCK);
		status = write_all(fd, chunk, CHUNK);
	}
	free(chunk);
	if (status == 0 && fsync(fd) < 0)
		status = -errno;
	return status;
}

/* ---- making it ---------------------------------------------------------------------------------- */

static int check_space(struct file *f, int fd)
{
	struct statvfs vfs;
	uint64_t available;

	if (fstatvfs(fd, &vfs) < 0)
		return bench_fail(f->b, -errno, "cannot ask for the free space in %s: %s", f->b->data_dir,
				  strerror(errno));
	available = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	if (available < f->bytes + SPARE_BYTES)
		return bench_fail(f->b, -ENOSPC,
				  "%s has %" PRIu64 " MiB free; a data file of %" PRIu64 " MiB does not fit",
				  f->b->data_dir, available >> 20, f->bytes >> 20);
	return 0;
}

/* With the lock on f->part held as `fd`: write the file and give it its name, unless another process just did. */
static int make_locked(struct file *f, int fd)
{
	int status, existing = open(f->path, O_RDONLY | O_CLOEXEC);

	if (existing >= 0) {
		bool right = is_right(existing, f->bytes);

		close(existing);
		if (right) {
			unlink(f->part); /* ours or already gone */
			return 0;
		}
	}
	if (ftruncate(fd, 0) < 0)
		return bench_fail(f->b, -errno, "cannot empty %s: %s", f->part, strerror(errno));
	status = check_space(f, fd);
	if (status < 0)
		return status;
	status = write_content(fd, f->bytes);
	if (status == 0 && rename(f->part, f->path) < 0)
		status = -errno;
	if (status < 0)
		bench_fail(f->b, status, "cannot write the data file %s: %s", f->path, strerror(-status));
	return status;
}

static int make_file(struct file *f)
{
	int status, fd = open(f->part, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return bench_fail(f->b, -errno, "cannot create %s: %s", f->part, strerror(errno));
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR) {
			status = bench_fail(f->b, -errno, "cannot lock %s: %s", f->part, strerror(errno));
			close(fd);
			return status;
		}
	status = make_locked(f, fd);
	if (status < 0)
		unlink(f->part);
	close(fd);
	return status;
}

/* ---- opening it, and the state of the cache ------------------------------------------------------- */

static int open_direct(struct file *f)
{
	struct statfs fs;
	void *block;
	int status, fd;

	if (statfs(f->path, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC))
		return bench_fail(f->b, -EOPNOTSUPP, "%s lies in memory: there is no device to read from",
				  f->b->data_dir);
	fd = open(f->path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0 && errno == EINVAL)
		return bench_fail(f->b, -EOPNOTSUPP, "the filesystem of %s has no O_DIRECT", f->b->data_dir);
	if (fd < 0)
		return bench_fail(f->b, -errno, "cannot open %s with O_DIRECT: %s", f->path, strerror(errno));
	status = -posix_memalign(&block, READ_BLOCK, READ_BLOCK);
	if (status == 0) {
		status = pread_all(fd, block, READ_BLOCK, 0);
		free(block);
	}
	if (status == 0)
		return fd;
	close(fd);
	if (status == -EINVAL)
		return bench_fail(f->b, -EOPNOTSUPP, "the filesystem of %s refuses O_DIRECT reads of %d bytes",
				  f->b->data_dir, READ_BLOCK);
	return bench_fail(f->b, status, "cannot read %s with O_DIRECT: %s", f->path, strerror(-status));
}

/* The number of pages of the file that are not in the page cache, or -errno. */
static int64_t count_missing(int fd, uint64_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (bytes + page - 1) / page;
	unsigned char *present = malloc(pages);
	void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	int64_t missing = 0;

	if (!present || map == MAP_FAILED)
		missing = -ENOMEM;
	else if (mincore(map, bytes, present) < 0)
		missing = -errno;
	for (size_t i = 0; missing >= 0 && i < pages; i++)
		missing += !(present[i] & 1);
	if (map != MAP_FAILED)
		munmap(map, bytes);
	free(present);
	return missing;
}

static int read_through(int fd, uint64_t bytes)
{
	void *chunk = malloc(CHUNK);
	int status = chunk ? 0 : -ENOMEM;

	for (uint64_t done = 0; status == 0 && done < bytes; done += CHUNK)
		status = pread_all(fd, chunk, CHUNK, (off_t)done);
	free(chunk);
	return status;
}

static int open_warm(struct file *f)
{
	int status = 0, fd = open(f->path, O_RDONLY | O_CLOEXEC);
	int64_t missing = 1;

	if (fd < 0)
		return bench_fail(f->b, -errno, "cannot open %s: %s", f->path, strerror(errno));
	for (int tries = 0; status == 0 && missing > 0 && tries < WARM_TRIES; tries++) {
		status = read_through(fd, f->bytes);
		missing = count_missing(fd, f->bytes);
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

/* Before a file is written that the page cache could never hold. */
static int check_memory(struct file *f)
{
	uint64_t half_of_ram = (uint64_t)sysconf(_SC_PHYS_PAGES) / 2 * (uint64_t)sysconf(_SC_PAGESIZE);

	if (f->bytes <= half_of_ram)
		return 0;
	return bench_fail(f->b, -ENOMEM,
			  "mode=warm needs a file of %" PRIu64 " MiB in the page cache, more than half of memory",
			  f->bytes >> 20);
}

static int prepare_file(struct file *f)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	bool right = fd >= 0 && is_right(fd, f->bytes);

	if (fd >= 0)
		close(fd);
	return right ? 0 : make_file(f);
}

static int read_setup(struct bench *b)
{
	struct file f = {.b = b, .bytes = file_bytes(b)};
	struct read_data *d;
	int fd, status;

	status = snprintf(f.path, sizeof f.path, "%s/switchyard-read-v%d-%" PRIu64 "MiB.dat", b->data_dir,
			  disk_read_workload.version, f.bytes >> 20);
	if (status < 0 || (size_t)status >= sizeof f.path)
		return bench_fail(b, -ENAMETOOLONG, "the name of the data directory is too long");
	snprintf(f.part, sizeof f.part, "%s.part", f.path);
	status = b->param[PARAM_MODE] == MODE_WARM ? check_memory(&f) : 0;
	if (status == 0)
		status = prepare_file(&f);
	if (status < 0)
		return status;
	fd = b->param[PARAM_MODE] == MODE_DIRECT ? open_direct(&f) : open_warm(&f);
	if (fd < 0)
		return fd;
	d = malloc(sizeof *d);
	if (!d) {
		close(fd);
		return bench_fail(b, -ENOMEM, "out of memory for the data file's record");
	}
	*d = (struct read_data){.fd = fd, .blocks = f.bytes / READ_BLOCK};
	b->data = d;
	return 0;
}

/* ---- the definition ------------------------------------------------------------------------------- */

static void read_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t readers = (uint64_t)b->param[PARAM_IN_FLIGHT], blocks = file_bytes(b) / READ_BLOCK, sum = 0;

	for (uint64_t i = 0; i < readers; i++) {
		struct read_order order = read_order_of(b->seed, i, blocks);

		for (uint64_t left = read_share(b->ops, readers, i); left > 0; left--) {
			uint64_t block = read_next(&order);

			sum += read_digest(read_word(block, 0), read_word(block, READ_WORDS - 1));
		}
	}
	*out = (struct bench_cert){
		.ops = b->ops, .max_live = readers, .bytes_read = b->ops * READ_BLOCK, .checksum = sum};
}

const struct bench_workload disk_read_workload = {
	.name = "disk/read",
	.version = 1,
	.summary = "random 4 KiB reads of a file, from the page cache or from the device",
	.op = "one read of 4 KiB with the check that it is the right block",
	.fairness =
		"File, order of blocks, buffer alignment and check are the same in every body, and each keeps "
		"in_flight "
		"reads going as far as its model can: a direct reader is a task that blocks in the read, an evented "
		"one "
		"is a request that is renewed from its completion. How a model gets a file read done (a thread that "
		"blocks, a hand-off of the processor, io_uring) is what is compared, and the sample names it. Warm "
		"favours whoever makes one plain system call. The serial body has no way to have two reads under way "
		"and "
		"exists for in_flight=1 only.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 400,
	.ops_quantum = 1,
	.quantum_param = "in_flight",
	.setup = read_setup,
	.teardown = read_teardown,
	.expect = read_expect,
};
