/* datafile.c - see datafile.h. */
#include "workloads/disk/datafile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	DATAFILE_VERSION = 3, /* of the content */
	CHECKED_BLOCKS = 64, /* arbitrary: spread over the file, the first and the last among them */
};

int datafile_name(struct datafile *f, struct bench *b, uint64_t mib)
{
	int n = snprintf(f->path, sizeof f->path, "%s/switchyard-read-v%d-%" PRIu64 "MiB.dat", b->data_dir,
			 DATAFILE_VERSION, mib);

	if (n < 0 || (size_t)n >= sizeof f->path)
		return bench_fail(b, -ENAMETOOLONG, "the name of the data directory is too long");
	snprintf(f->part, sizeof f->part, "%s.part", f->path);
	f->b = b;
	f->bytes = mib << 20;
	return 0;
}

/* ---- the file's content ------------------------------------------------------------------------- */

static bool is_right(int fd, uint64_t bytes)
{
	uint64_t found[DATAFILE_WORDS], wanted[DATAFILE_WORDS], blocks = bytes / DATAFILE_BLOCK;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != bytes)
		return false;
	for (uint64_t i = 0; i < CHECKED_BLOCKS; i++) {
		uint64_t block = (blocks - 1) * i / (CHECKED_BLOCKS - 1);

		datafile_fill(wanted, block);
		if (files_pread_all(fd, found, DATAFILE_BLOCK, (off_t)(block * DATAFILE_BLOCK)) < 0 ||
		    memcmp(found, wanted, DATAFILE_BLOCK) != 0)
			return false;
	}
	return true;
}

static void fill_chunk(uint64_t *words, uint64_t offset)
{
	for (uint64_t i = 0; i < FILES_CHUNK / DATAFILE_BLOCK; i++)
		datafile_fill(words + i * DATAFILE_WORDS, offset / DATAFILE_BLOCK + i);
}

/* ---- making it ---------------------------------------------------------------------------------- */

/* With the lock on f->part held as `fd`: write the file and give it its name, unless another process just did. */
static int make_locked(struct datafile *f, int fd)
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
	status = files_check_space(f->b, f->bytes, 1);
	if (status < 0)
		return status;
	status = files_write_made(fd, f->bytes, fill_chunk);
	if (status == 0 && rename(f->part, f->path) < 0)
		status = -errno;
	if (status < 0)
		bench_fail(f->b, status, "cannot write the data file %s: %s", f->path, strerror(-status));
	return status;
}

static int make_file(struct datafile *f)
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

int datafile_prepare(struct datafile *f)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	bool right = fd >= 0 && is_right(fd, f->bytes);

	if (fd >= 0)
		close(fd);
	return right ? 0 : make_file(f);
}

int datafile_open_direct(struct datafile *f)
{
	return files_open_direct(f->b, f->path, O_RDONLY, DATAFILE_BLOCK);
}

int datafile_direct(struct bench *b, uint64_t mib)
{
	struct datafile f;
	int status = datafile_name(&f, b, mib);

	if (status == 0)
		status = datafile_prepare(&f);
	return status < 0 ? status : datafile_open_direct(&f);
}
