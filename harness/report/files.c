/*
 * files.c - whole files in, whole files out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/report/parts.h"
#include "harness/report/report.h"

static int path_of(char *buf, size_t size, const char *dir, const char *name, const char *suffix, struct err *err)
{
	if ((size_t)snprintf(buf, size, "%s/%s%s", dir, name, suffix) >= size)
		return err_set(err, -ENAMETOOLONG, "the path %s/%s is too long", dir, name);
	return 0;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int report_file_write(const char *dir, const char *name, const char *data, size_t size, struct err *err)
{
	char path[4096], temporary[4096];
	int fd, rc = path_of(path, sizeof(path), dir, name, "", err);

	if (rc == 0)
		rc = path_of(temporary, sizeof(temporary), dir, name, ".new", err);
	if (rc)
		return rc;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		rc = -errno;
		return err_set(err, rc, "cannot create %s: %s", temporary, strerror(-rc));
	}
	rc = write_all(fd, data, size);
	if (close(fd) && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temporary, path))
		rc = -errno;
	if (rc) {
		unlink(temporary);
		return err_set(err, rc, "cannot write %s: %s", path, strerror(-rc));
	}
	return 0;
}

/* Nine digits: more than any measurement has, and none of the tail that a binary fraction drags along. */
int report_json_write(const char *dir, const char *name, const json_t *json, struct err *err)
{
	char *text = json ? json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL;
	int rc = text ? report_file_write(dir, name, text, strlen(text), err)
		      : err_set(err, -ENOMEM, "%s/%s cannot be made", dir, name);

	free(text);
	return rc;
}

static int read_all(int fd, char **data, size_t *size)
{
	size_t cap = 65536, n = 0;
	char *buf = malloc(cap);

	while (buf) {
		ssize_t got = read(fd, buf + n, cap - n - 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int rc = -errno;

			free(buf);
			return rc;
		}
		n += (size_t)got;
		if (got == 0) {
			buf[n] = 0;
			*data = buf;
			*size = n;
			return 0;
		}
		if (cap - n < 2) {
			char *bigger = realloc(buf, cap * 2);

			if (!bigger)
				free(buf);
			buf = bigger;
			cap *= 2;
		}
	}
	return -ENOMEM;
}

int report_file_read(const char *dir, const char *name, char **data, size_t *size, struct err *err)
{
	char path[4096];
	int fd, rc = path_of(path, sizeof(path), dir, name, "", err);

	if (rc)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	rc = fd < 0 ? -errno : read_all(fd, data, size);
	if (fd >= 0)
		close(fd);
	return rc ? err_set(err, rc, "cannot read %s: %s", path, strerror(-rc)) : 0;
}
