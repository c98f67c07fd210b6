/*
 * smallfiles.h - disk/smallfiles: what its bodies share.
 */
#ifndef DISK_SMALLFILES_H
#define DISK_SMALLFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/subject/bench.h"
#include "workloads/disk/files.h"

extern const struct bench_workload disk_smallfiles_workload;
extern const struct bench_body disk_smallfiles_direct, disk_smallfiles_evented, disk_smallfiles_serial;

/* Made by setup(), read-only afterwards. */
struct smallfiles_data {
	char *dir; /* where the files lie */
	uint64_t files;
	size_t buffer_bytes; /* a reader's: more than the largest file has */
	size_t path_bytes; /* ample for each file's path */
	uint32_t *crcs; /* by file: what a reader must find */
	bool is_cold; /* each run evicts the files before its region */
};

/* What every body calls before its region: the page cache as the mode wants it. 0, or < 0 with b->why. */
int smallfiles_prepare(struct bench *b);

/* The path of a file, path_bytes long at most. */
static inline void smallfiles_path(const struct smallfiles_data *d, uint64_t file, char *path)
{
	snprintf(path, d->path_bytes, "%s/%06llu.dat", d->dir, (unsigned long long)file);
}

/* The file that operation number `op` reads: all of them in turn. Reader i of n makes the operations i, i + n, ... */
static inline uint64_t smallfiles_file_of(uint64_t op, uint64_t files)
{
	return op % files;
}

#endif
