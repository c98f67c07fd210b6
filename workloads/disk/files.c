/* files.c - see files.h. */
#include "workloads/disk/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <isa-l/crc.h>
#include <linux/magic.h>

enum {
	SPARE_BYTES = 16 << 20, /* that a full filesystem keeps when all has been written; arbitrary */
	EVICT_TRIES = 20, /* pages that another CPU is just putting into its lists leave at the next try */
	EVICT_PAUSE_NS = 5000000,
};

uint32_t files_crc(const void *bytes, size_t n)
{
	/* The library keeps neither const nor size_t, and starts and ends as the polynomial's plain remainder. */
	return ~crc32_iscsi((unsigned char *)bytes, (int)n, ~0u);
}

int files_pread_all(int fd, void *buf, size_t bytes, off_t offset)
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

int files_write_all(int fd, const void *buf, size_t bytes)
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

int files_write_made(int fd, uint64_t bytes, void (*fill)(uint64_t *words, uint64_t offset))
{
	uint64_t *chunk = malloc(FILES_CHUNK);
	int status = chunk ? 0 : -ENOMEM;

	for (uint64_t done = 0; status == 0 && done < bytes; done += FILES_CHUNK) {
		fill(chunk, done);
		status = files_write_all(fd, chunk, FILES_CHUNK);
	}
	free(chunk);
	if (status == 0 && fsync(fd) < 0)
		status = -errno;
	return status;
}

/* ---- what the machine has ------------------------------------------------------------------------ */

int files_check_space(struct bench *b, uint64_t bytes, uint64_t files)
{
	struct statvfs vfs;
	uint64_t available;

	if (statvfs(b->data_dir, &vfs) < 0)
		return bench_fail(b, -errno, "cannot ask for the free space in %s: %s", b->data_dir, strerror(errno));
	available = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	if (available < bytes + SPARE_BYTES)
		return bench_fail(b, -ENOSPC,
				  "%s has %" PRIu64 " MiB free; data of %" PRIu64
				  " MiB and a reserve of %d MiB do not fit",
				  b->data_dir, available >> 20, bytes >> 20, SPARE_BYTES >> 20);
	if (vfs.f_files && vfs.f_favail < files) /* some filesystems have no fixed number of files, and say 0 */
		return bench_fail(b, -ENOSPC, "%s has room for %" PRIu64 " more files, not for %" PRIu64, b->data_dir,
				  (uint64_t)vfs.f_favail, files);
	return 0;
}

int files_check_cache(struct bench *b, uint64_t bytes)
{
	uint64_t half_of_ram = (uint64_t)sysconf(_SC_PHYS_PAGES) / 2 * (uint64_t)sysconf(_SC_PAGESIZE);

	if (bytes <= half_of_ram)
		return 0;
	return bench_fail(b, -ENOMEM,
			  "a file of %" PRIu64 " MiB must fit the page cache, and is more than half of memory",
			  bytes >> 20);
}

int files_open_direct(struct bench *b, const char *path, int flags, size_t block_bytes)
{
	void *block;
	int status, fd;

	if (files_lie_in_memory(b))
		return bench_fail(b, -EOPNOTSUPP, "%s lies in memory: there is no device to read from", b->data_dir);
	fd = open(path, flags | O_DIRECT | O_CLOEXEC);
	if (fd < 0 && errno == EINVAL)
		return bench_fail(b, -EOPNOTSUPP, "the filesystem of %s has no O_DIRECT", b->data_dir);
	if (fd < 0)
		return bench_fail(b, -errno, "cannot open %s with O_DIRECT: %s", path, strerror(errno));
	status = -posix_memalign(&block, block_bytes, block_bytes);
	if (status == 0) {
		status = files_pread_all(fd, block, block_bytes, 0);
		free(block);
	}
	if (status == 0)
		return fd;
	close(fd);
	if (status == -EINVAL)
		return bench_fail(b, -EOPNOTSUPP, "the filesystem of %s refuses O_DIRECT reads of %zu bytes",
				  b->data_dir, block_bytes);
	return bench_fail(b, status, "cannot read %s with O_DIRECT: %s", path, strerror(-status));
}

bool files_lie_in_memory(const struct bench *b)
{
	struct statfs fs;

	return statfs(b->data_dir, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

int files_scratch_name(struct bench *b, const char *what, char *path)
{
	int n = snprintf(path, PATH_MAX, "%s/switchyard-%s-%ld", b->data_dir, what, (long)getpid());

	if (n < 0 || n >= PATH_MAX)
		return bench_fail(b, -ENAMETOOLONG, "the name of the data directory is too long");
	return 0;
}

/* ---- the page cache -------------------------------------------------------------------------------- */

int64_t files_count_missing(int fd, uint64_t bytes)
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

int files_evict(int fd, uint64_t bytes)
{
	const struct timespec pause = {.tv_nsec = EVICT_PAUSE_NS};
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), pages = (bytes + page - 1) / page;

	for (int tries = 0; tries < EVICT_TRIES; tries++) {
		int64_t missing;
		int rc = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);

		if (rc)
			return -rc;
		missing = files_count_missing(fd, bytes);
		if (missing < 0)
			return (int)missing;
		if ((uint64_t)missing == pages)
			return 0;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}
