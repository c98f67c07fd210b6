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
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <linux/magic.h>

enum {
	SPARE_BYTES = 16 << 20, /* that a full filesystem keeps when all has been written; arbitrary */
	SPARE_DESCRIPTORS = 64, /* that the model and the subject may have open; arbitrary */
	EVICT_TRIES = 20, /* pages that another CPU is just putting into its lists leave at the next try */
	EVICT_PAUSE_NS = 5000000,
};

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

int files_check_descriptors(struct bench *b, uint64_t descriptors)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return bench_fail(b, -errno, "cannot ask for the descriptor limit: %s", strerror(errno));
	if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < descriptors + SPARE_DESCRIPTORS)
		return bench_fail(b, -EMFILE,
				  "%" PRIu64 " files are open at one time, and the descriptor limit is %" PRIu64
				  ": raise ulimit -n to %" PRIu64,
				  descriptors, (uint64_t)limit.rlim_cur, descriptors + SPARE_DESCRIPTORS);
	return 0;
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
