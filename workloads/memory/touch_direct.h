/*
 * touch_direct.h - for direct bodies: tasks that touch much of their stacks.
 */
#ifndef MEMORY_TOUCH_DIRECT_H
#define MEMORY_TOUCH_DIRECT_H

#include "harness/subject/direct.h"

enum {
	/* What a task may touch of the stack that its model gives it: of the smallest, 16 KiB with a guard page, this is safe. */
	TOUCH_USUAL_STACK = 8 * 1024,
	/* And of a larger one so much is for frames: of the task itself, of the model's calls and of the libc's. */
	TOUCH_FRAMES = 8 * 1024,
};

/* dx_go of a task that touches so many bytes of its stack: the usual one where that is enough. */
static inline int touch_go(size_t touch_bytes, void (*fn)(void *), void *arg)
{
	return touch_bytes <= TOUCH_USUAL_STACK ? dx_go(fn, arg) : dx_go_sized(touch_bytes + TOUCH_FRAMES, fn, arg);
}

#endif
