#include "harness/measure/sysfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST (INT64_C(1) << 50) /* of a field: more is not what a kernel has counted, in kB least of all */

static const char *root = ""; /* set by tests, before any thread reads */

void sysfile_root(const char *prefix)
{
	root = prefix;
}

bool sysfile_is_made_up(void)
{
	return root[0] != '\0';
}

/* Where the path is, below the root. */
static bool below_root(const char *path, char full[4096])
{
	return (size_t)snprintf(full, 4096, "%s%s", root, path) < 4096;
}

static int open_below_root(const char *path)
{
	char full[4096];
	int fd;

	if (!below_root(path, full))
		return -ENAMETOOLONG;
	do
		fd = open(full, O_RDONLY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd >= 0 ? fd : -errno;
}

/* Fill buf from fd until it is full or the file ends. */
static ssize_t read_up_to(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

ssize_t sysfile_text(const char *path, char *buf, size_t size)
{
	int fd = open_below_root(path);
	ssize_t len;

	buf[0] = '\0';
	if (fd < 0)
		return fd;
	len = read_up_to(fd, buf, size - 1);
	(void)close(fd);
	if (len < 0)
		return len;
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return len;
}

char *sysfile_all(const char *path, size_t *len)
{
	int fd = open_below_root(path);
	size_t space = 16384, used = 0;
	char *buf = fd >= 0 ? malloc(space) : NULL;

	while (buf) {
		ssize_t n = read_up_to(fd, buf + used, space - 1 - used);
		char *larger;

		if (n < 0) {
			free(buf);
			buf = NULL;
			break;
		}
		used += (size_t)n;
		if (used < space - 1)
			break;
		space *= 2;
		larger = realloc(buf, space);
		if (!larger)
			free(buf);
		buf = larger;
	}
	if (fd >= 0)
		(void)close(fd);
	if (buf)
		buf[used] = '\0';
	if (len)
		*len = buf ? used : 0;
	return buf;
}

char *sysfile_process(pid_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	return sysfile_all(path, NULL);
}

int sysfile_int(const char *path, int64_t *out)
{
	char text[64], *end;
	ssize_t len = sysfile_text(path, text, sizeof text);
	long long value;

	if (len < 0)
		return (int)len;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || (*end != '\0' && *end != '\n'))
		return -EINVAL;
	*out = value;
	return 0;
}

DIR *sysfile_opendir(const char *path)
{
	char full[4096];

	if (!below_root(path, full)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return opendir(full);
}

bool sysfile_exists(const char *path)
{
	char full[4096];

	return below_root(path, full) && access(full, F_OK) == 0;
}

int sysfile_stat(const char *path, struct stat *out)
{
	char full[4096];

	if (!below_root(path, full))
		return -ENAMETOOLONG;
	return stat(full, out) == 0 ? 0 : -errno;
}

bool sysfile_field(const char *text, const char *key, int64_t *out)
{
	size_t key_len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		char *end;
		long long value;

		line += *line == '\n';
		if (strncmp(line, key, key_len) != 0)
			continue;
		errno = 0;
		value = strtoll(line + key_len, &end, 10);
		if (errno != 0 || end == line + key_len || value < 0 || value > MOST)
			return false;
		*out = strncmp(end, " kB", 3) == 0 ? value * 1024 : value;
		return true;
	}
	return false;
}

bool sysfile_bracketed(const char *path, char *word, size_t size)
{
	char text[256], *open, *close_at;

	if (sysfile_text(path, text, sizeof text) < 0)
		return false;
	open = strchr(text, '[');
	close_at = open ? strchr(open, ']') : NULL;
	if (!close_at || (size_t)(close_at - open) > size)
		return false;
	snprintf(word, size, "%.*s", (int)(close_at - open - 1), open + 1);
	return true;
}
