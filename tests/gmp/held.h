/*
 * held.h - what the process holds (memory, descriptors, threads, mappings), and whether that is the same in the end as it
 * was in the beginning: for tests of minutes.
 */
#ifndef HELD_H
#define HELD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "san.h"

enum held { RSS_KIB, FDS, THREADS, MAPPINGS, VIRTUAL_KIB, HELD_COUNT };

enum { HELD_SAMPLES = 8192 };

static long held_taken[HELD_COUNT][HELD_SAMPLES];
static unsigned held_n;

static inline void held_begin(void)
{
	mallopt(M_ARENA_MAX, 1); /* else a new thread's first malloc may map 64 MiB, or not */
}

static inline unsigned held_samples(void)
{
	return held_n;
}

static inline long held_entries(const char *path)
{
	DIR *dir = opendir(path);
	long n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline long held_lines(const char *path)
{
	FILE *f = fopen(path, "re");
	long n = 0;
	int c;

	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

/* Take one sample. When nothing else runs. */
static inline void held_sample(void)
{
	long page_kib = sysconf(_SC_PAGESIZE) / 1024, now[HELD_COUNT];
	FILE *f = fopen("/proc/self/statm", "re");

	assert_non_null(f);
	malloc_trim(0); /* what is free and only kept for next time is no leak, nor steady */
	assert_int_equal(fscanf(f, "%ld %ld", &now[VIRTUAL_KIB], &now[RSS_KIB]), 2);
	fclose(f);
	now[VIRTUAL_KIB] *= page_kib;
	now[RSS_KIB] *= page_kib;
	now[FDS] = held_entries("/proc/self/fd");
	now[THREADS] = held_entries("/proc/self/task");
	now[MAPPINGS] = held_lines("/proc/self/maps");
	for (int h = 0; h < HELD_COUNT && held_n < HELD_SAMPLES; h++)
		held_taken[h][held_n] = now[h];
	held_n += held_n < HELD_SAMPLES;
}

static inline int held_compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static inline long held_median(const long *from, unsigned n)
{
	static long sorted[HELD_SAMPLES];

	memcpy(sorted, from, n * sizeof(from[0]));
	qsort(sorted, n, sizeof(sorted[0]), held_compare);
	return sorted[n / 2];
}

/*
 * The first tenth is left out (the libc fills its caches), then the median of the first quarter of the rest is compared
 * with that of the last: 0.67 of the time apart. It may be larger by bounds[], no more.
 */
static inline void held_check_flat(const long bounds[HELD_COUNT])
{
	static const char *const names[] = {"KiB resident", "descriptors", "threads", "mappings", "KiB mapped"};
	unsigned skipped = held_n / 10, quarter = (held_n - skipped) / 4;

	if (quarter < 3) {
		printf("too few rounds to compare: %u\n", held_n);
		return;
	}
	for (int h = 0; h < HELD_COUNT; h++) {
		long first = held_median(&held_taken[h][skipped], quarter);
		long last = held_median(&held_taken[h][held_n - quarter], quarter);
		bool is_own = h == RSS_KIB || h == VIRTUAL_KIB || h == MAPPINGS;

		printf("%s: %ld in the first rounds, %ld in the last; by tenths of the time", names[h], first, last);
		for (unsigned i = 0; i < 10 && held_n >= 10; i++)
			printf(" %ld", held_median(&held_taken[h][held_n * i / 10], held_n / 10));
		printf("\n");
		if ((GR_ASAN || GR_TSAN) && is_own)
			continue; /* they keep books of what was freed */
		if (last - first > bounds[h])
			fail_msg("%s grow: %ld, %ld", names[h], first, last);
	}
}

#endif
