/*
 * disk/smallfiles - many small files, each read whole: what ReadFile does, again and again.
 *
 * `in_flight` readers take the files in turn. An operation opens a file, reads it to its end into the reader's buffer
 * (the read that gives 0 bytes is made, as by whoever does not know the size), closes it and compares the CRC of all
 * bytes with that of what was written. The files have between half and one and a half times file_bytes, by a fixed seed.
 *
 * mode=warm: the files are in the page cache, and what is measured is four system calls that never wait, and what a
 * model makes of them. mode=cold: before the clock starts their pages are thrown out of the page cache, which is
 * verified page by page; names and inodes stay known, since to forget those takes root. A run then reads no file twice,
 * so it does at most `files` operations.
 *
 * The files are made by setup() in a folder of this process's own in the data directory, and removed by teardown(). A
 * killed sample leaves the folder; the harness removes the data directory that it made.
 *
 * Rejected: fstat to learn the size, which saves the last read: a fifth call for bodies in which it would block, and
 * the evented style has none.
 */
#include "workloads/descriptors.h"
#include "workloads/disk/smallfiles/smallfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PARAM_MODE, PARAM_IN_FLIGHT, PARAM_FILES, PARAM_FILE_BYTES };
enum { MODE_WARM, MODE_COLD };

static const char *const modes[] = {[MODE_WARM] = "warm", [MODE_COLD] = "cold", NULL};

static const struct bench_param params[] = {
	[PARAM_MODE] = {.name = "mode",
			.unit = "",
			.help = "warm: contents in the page cache; cold: verified not to be",
			.kind = BENCH_CHOICE,
			.dflt = MODE_WARM,
			.smoke = MODE_WARM,
			.choices = modes},
	[PARAM_IN_FLIGHT] = {.name = "in_flight",
			     .unit = "readers",
			     .help = "files being read at one time",
			     .dflt = 8,
			     .min = 1,
			     .max = 64,
			     .smoke = 4},
	[PARAM_FILES] = {.name = "files",
			 .unit = "files",
			 .help = "how many there are",
			 .dflt = 1000,
			 .min = 1,
			 .max = 20000,
			 .smoke = 20},
	[PARAM_FILE_BYTES] = {.name = "file_bytes",
			      .unit = "B",
			      .help = "mean size of a file; they have between half and one and a half times that",
			      .dflt = 16384,
			      .min = 1,
			      .max = 262144,
			      .smoke = 5000},
};

#define CONTENT_SEED UINT64_C(0x736d616c6c)

static size_t size_of(const struct bench *b, uint64_t file)
{
	uint64_t mean = (uint64_t)b->param[PARAM_FILE_BYTES];

	return (size_t)(mean / 2 + files_mix(CONTENT_SEED ^ file) % (mean + 1));
}

static size_t buffer_bytes(const struct bench *b)
{
	uint64_t mean = (uint64_t)b->param[PARAM_FILE_BYTES], most = mean / 2 + mean;

	return (size_t)(most / sizeof(uint64_t) + 2) * sizeof(uint64_t);
}

/* The content of a file into buf, of buffer_bytes(); gives its length. */
static size_t fill(const struct bench *b, uint64_t file, unsigned char *buf)
{
	size_t bytes = size_of(b, file), words = (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t);
	uint64_t start = files_mix(file) ^ CONTENT_SEED;

	for (size_t i = 0; i < words; i++) {
		uint64_t word = files_mix(start + i);

		memcpy(buf + i * sizeof word, &word, sizeof word);
	}
	return bytes;
}

/* ---- making and removing the files ------------------------------------------------------------------- */

static int write_file(struct bench *b, const char *path, const unsigned char *bytes, size_t n)
{
	int status, fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return bench_fail(b, -errno, "cannot create %s: %s", path, strerror(errno));
	status = files_write_all(fd, bytes, n);
	close(fd);
	if (status < 0)
		bench_fail(b, status, "cannot write %s: %s", path, strerror(-status));
	return status;
}

/* All files, and their way to the device, so that no write-back disturbs the clock and their pages can be dropped. */
static int make_files(struct bench *b, struct smallfiles_data *d)
{
	unsigned char *buf = malloc(d->buffer_bytes);
	char *path = malloc(d->path_bytes);
	int status = buf && path ? 0 : bench_fail(b, -ENOMEM, "out of memory for a file's content");
	int dir;

	for (uint64_t i = 0; status == 0 && i < d->files; i++) {
		size_t n = fill(b, i, buf);

		smallfiles_path(d, i, path);
		status = write_file(b, path, buf, n);
		d->crcs[i] = files_crc(buf, n);
	}
	free(path);
	free(buf);
	if (status < 0)
		return status;
	dir = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || syncfs(dir) < 0)
		status = bench_fail(b, -errno, "cannot bring the files in %s to the device: %s", d->dir,
				    strerror(errno));
	if (dir >= 0)
		close(dir);
	return status;
}

static void remove_files(struct smallfiles_data *d)
{
	char *path = malloc(d->path_bytes);

	for (uint64_t i = 0; path && i < d->files; i++) {
		smallfiles_path(d, i, path);
		unlink(path);
	}
	free(path);
	rmdir(d->dir);
}

static void free_data(struct smallfiles_data *d)
{
	free(d->crcs);
	free(d->dir);
	free(d);
}

static struct smallfiles_data *new_data(struct bench *b)
{
	struct smallfiles_data *d = calloc(1, sizeof *d);
	uint64_t files = (uint64_t)b->param[PARAM_FILES];

	if (!d)
		return NULL;
	*d = (struct smallfiles_data){.dir = malloc(PATH_MAX),
				      .files = files,
				      .buffer_bytes = buffer_bytes(b),
				      .crcs = calloc(files, sizeof d->crcs[0]),
				      .is_cold = b->param[PARAM_MODE] == MODE_COLD};
	if (d->dir && d->crcs)
		return d;
	free_data(d);
	return NULL;
}

static void smallfiles_teardown(struct bench *b)
{
	struct smallfiles_data *d = b->data;

	if (!d)
		return;
	remove_files(d);
	free_data(d);
	b->data = NULL;
}

static int check_limits(struct bench *b)
{
	uint64_t files = (uint64_t)b->param[PARAM_FILES], block = 4096;
	int status;

	if (b->param[PARAM_MODE] == MODE_COLD && files_lie_in_memory(b))
		return bench_fail(b, -EOPNOTSUPP, "%s lies in memory: its files are never cold", b->data_dir);
	if (b->param[PARAM_MODE] == MODE_COLD && files < (uint64_t)b->param[PARAM_IN_FLIGHT])
		return bench_fail(b, -EINVAL, "mode=cold reads no file twice: %d readers need as many files",
				  (int)b->param[PARAM_IN_FLIGHT]);
	status = files_check_space(b, files * (buffer_bytes(b) + block), files);
	return status < 0 ? status : descriptors_allow(b, (uint64_t)b->param[PARAM_IN_FLIGHT]);
}

static int smallfiles_setup(struct bench *b)
{
	struct smallfiles_data *d;
	int status = check_limits(b);

	if (status < 0)
		return status;
	d = new_data(b);
	if (!d)
		return bench_fail(b, -ENOMEM, "out of memory for the list of %d files", (int)b->param[PARAM_FILES]);
	status = files_scratch_name(b, "small", d->dir);
	if (status < 0) {
		free_data(d);
		return status;
	}
	d->path_bytes = strlen(d->dir) + sizeof "/000000.dat" + 16;
	if (mkdir(d->dir, 0700) < 0) {
		status = bench_fail(b, -errno, "cannot make %s: %s", d->dir, strerror(errno));
		free_data(d);
		return status;
	}
	b->data = d;
	status = make_files(b, d);
	if (status == 0)
		status = smallfiles_prepare(b);
	if (status < 0)
		smallfiles_teardown(b);
	return status;
}

/* ---- the page cache ------------------------------------------------------------------------------------ */

static int evict_file(struct bench *b, const struct smallfiles_data *d, uint64_t file, char *path)
{
	size_t bytes = size_of(b, file);
	int status, fd;

	if (bytes == 0)
		return 0;
	smallfiles_path(d, file, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return bench_fail(b, -errno, "cannot open %s: %s", path, strerror(errno));
	status = files_evict(fd, bytes);
	close(fd);
	if (status == -EBUSY)
		return bench_fail(b, -EOPNOTSUPP, "%s stays in the page cache: it cannot be made cold here", path);
	if (status < 0)
		bench_fail(b, status, "cannot throw %s out of the page cache: %s", path, strerror(-status));
	return status;
}

int smallfiles_prepare(struct bench *b)
{
	const struct smallfiles_data *d = b->data;
	char *path;
	int status = 0;

	if (!d->is_cold)
		return 0;
	path = malloc(d->path_bytes);
	if (!path)
		return bench_fail(b, -ENOMEM, "out of memory for a path");
	for (uint64_t i = 0; status == 0 && i < d->files; i++)
		status = evict_file(b, d, i, path);
	free(path);
	return status;
}

/* ---- the definition ------------------------------------------------------------------------------------ */

static uint64_t smallfiles_max_ops(const struct bench *b)
{
	return b->param[PARAM_MODE] == MODE_COLD ? (uint64_t)b->param[PARAM_FILES] : UINT64_MAX;
}

static void smallfiles_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t files = (uint64_t)b->param[PARAM_FILES];
	unsigned char *buf = malloc(buffer_bytes(b));

	*out = (struct bench_cert){.ops = b->ops, .max_live = (uint64_t)b->param[PARAM_IN_FLIGHT]};
	for (uint64_t i = 0; buf && i < files; i++) {
		uint64_t times = bench_share(b->ops, files, i);
		size_t n = times ? fill(b, i, buf) : 0;

		out->bytes_read += times * n;
		out->checksum += times ? times * files_crc(buf, n) : 0;
	}
	free(buf);
}

const struct bench_workload disk_smallfiles_workload = {
	.name = "disk/smallfiles",
	.version = 2,
	.summary = "many small files read whole: open, read to the end, close",
	.op = "one file opened, read to its end, checked and closed",
	.fairness =
		"Every body makes the same four calls per file (open, the read that gets all, the read that gets "
		"nothing, close) into a buffer of the reader's own, and computes the same CRC of all bytes; "
		"in_flight files are under way at one time. A direct reader makes plain calls one after another. The "
		"event loop hands each call over by itself, open and close included, because each of them may wait for "
		"a disk; with warm files that costs it four turns of the loop for what would take microseconds, and "
		"favours whoever simply calls. Cold means the contents: names and inodes are in memory in both modes, "
		"and what a host below a virtual machine caches is not known. The serial body exists for in_flight=1 "
		"only.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 100,
	.ops_quantum = 1,
	.quantum_param = "in_flight",
	.max_ops = smallfiles_max_ops,
	.setup = smallfiles_setup,
	.teardown = smallfiles_teardown,
	.expect = smallfiles_expect,
};
