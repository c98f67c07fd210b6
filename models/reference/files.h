/*
 * files.h - files by plain blocking system calls, for models that have nothing of their own for them.
 *
 * A call that a signal interrupts is made again; errors are negative errno. A short count is the caller's affair.
 */
#ifndef REFERENCE_FILES_H
#define REFERENCE_FILES_H

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

static inline ssize_t plain_read(int fd, void *buf, size_t n)
{
	ssize_t got;

	do
		got = read(fd, buf, n);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static inline ssize_t plain_pread(int fd, void *buf, size_t n, off_t offset)
{
	ssize_t got;

	do
		got = pread(fd, buf, n, offset);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static inline ssize_t plain_pwrite(int fd, const void *buf, size_t n, off_t offset)
{
	ssize_t put;

	do
		put = pwrite(fd, buf, n, offset);
	while (put < 0 && errno == EINTR);
	return put < 0 ? -errno : put;
}

static inline int plain_fsync(int fd)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

static inline int plain_open(const char *path, int flags, mode_t mode)
{
	int fd;

	do
		fd = open(path, flags, mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

/* EINTR: the descriptor is gone all the same, and the number may be somebody else's already. */
static inline int plain_close(int fd)
{
	return close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

#endif
