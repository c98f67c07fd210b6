/*
 * align.h - cache line size, branch hints and small arithmetic shared by the models.
 */
#ifndef BASE_ALIGN_H
#define BASE_ALIGN_H

#include <stddef.h>
#include <stdint.h>

/* What one core's write takes away from another. 64 on all amd64 and most arm64; some arm64 have 128. */
#define CACHE_LINE_BYTES 64
#define CACHE_ALIGNED __attribute__((aligned(CACHE_LINE_BYTES)))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The structure of which *p is the member. */
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

/* Round n up to a multiple of `to`, a power of two. */
static inline size_t align_up(size_t n, size_t to)
{
	return (n + to - 1) & ~(to - 1);
}

#endif
