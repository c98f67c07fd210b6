/*
 * touch.h - memory of a task in this family: pages that it writes once and reads back when it is let go.
 */
#ifndef MEMORY_TOUCH_H
#define MEMORY_TOUCH_H

#include <stddef.h>
#include <stdint.h>

enum { TOUCH_PAGE = 4096 };

/* Task `id` writes this byte once into each page of its block. */
static inline unsigned char touch_mark(uint64_t id)
{
	return (unsigned char)(id % 251 + 1);
}

/* Touch the pages of a block; the writes are made even though nobody has read them yet. */
static inline void touch(volatile unsigned char *block, size_t bytes, uint64_t id)
{
	for (size_t at = 0; at < bytes; at += TOUCH_PAGE)
		block[at] = touch_mark(id);
}

/* Read back what touch wrote; that the block is read after the release keeps it alive until then. */
static inline uint64_t touch_sum(const volatile unsigned char *block, size_t bytes)
{
	uint64_t sum = 0;

	for (size_t at = 0; at < bytes; at += TOUCH_PAGE)
		sum += block[at];
	return sum;
}

/* The sum of what touch_sum gives for each of the tasks 0 .. tasks - 1: the marks go round and round from 1 to 251. */
static inline uint64_t touch_expect(size_t bytes, uint64_t tasks)
{
	uint64_t pages = (bytes + TOUCH_PAGE - 1) / TOUCH_PAGE, rest = tasks % 251;

	return pages * (tasks / 251 * (251 * 252 / 2) + rest * (rest + 1) / 2);
}

#endif
