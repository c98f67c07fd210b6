/*
 * sysfile.h - small text files of /proc and /sys, as harness/measure reads them. Nothing here writes.
 *
 * Internal to harness/measure and its tests. All paths go below a root that a test can set, so that what the harness
 * says of a machine can be tested on made-up ones.
 */
#ifndef SYSFILE_H
#define SYSFILE_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* For tests: the directory in front of every path below ("" is the machine itself). Not copied. */
void sysfile_root(const char *prefix);
bool sysfile_is_made_up(void); /* whether there is one */

/*
 * Read at most size - 1 bytes and add a NUL; one trailing newline is removed. The number of bytes, or -errno. Longer
 * files are cut off.
 */
ssize_t sysfile_text(const char *path, char *buf, size_t size);

/* The whole file, by malloc, with a NUL; NULL when it cannot be read. */
char *sysfile_all(const char *path, size_t *len);

/* The same of /proc/<pid>/<file>. */
char *sysfile_process(pid_t pid, const char *file);

/* A file that holds one decimal number. 0, -EINVAL when it holds something else, or -errno of open and read. */
int sysfile_int(const char *path, int64_t *out);

bool sysfile_exists(const char *path);

/* 0 or -errno, as stat. */
int sysfile_stat(const char *path, struct stat *out);

/* A directory, for readdir and closedir; NULL with errno as opendir. */
DIR *sysfile_opendir(const char *path);

/* The number behind `key` ("VmRSS:") at the start of a line of text, not negative; with "kB" behind it, times 1024. */
bool sysfile_field(const char *text, const char *key, int64_t *out);

/* The word in brackets of "always [madvise] never"; false when there is none. */
bool sysfile_bracketed(const char *path, char *word, size_t size);

#endif
