/*
 * grow_cases.c - for test_misuse.c: what ends a process whose stacks grow. Compiled with checks where there are any.
 */
#include <alloca.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "gr.h"
#include "grow_cases.h"
#include "inject.h"

static volatile bool always = true; /* the compiler cannot know */

static void dive(void *arg)
{
	volatile char room[1000];

	room[0] = 1;
	if (always)
		dive((char *)arg + room[0]);
	room[1] = room[0];
}

static void take_block(void *arg)
{
	volatile char *block;

	inject_arm(INJECT_MALLOC, INJECT_FROM, 1, ENOMEM);
	block = alloca((size_t)(uintptr_t)arg);
	block[0] = 1;
}

/* In a G that is started by code with checks. */
static void start(void (*fn)(void *), void *arg)
{
	gr_go(fn, arg);
	gr_sleep_ns(10000000000);
}

void grow_too_far(void *arg)
{
	start(dive, arg);
}

static void ends(void *is_over)
{
	atomic_store((atomic_bool *)is_over, true);
}

void grow_without_memory(void *arg)
{
	atomic_bool is_over = false;

	/* So that there is a small stack for the next. Not the first call that maps: an M that starts has such a call too. */
	gr_go(ends, &is_over);
	while (!atomic_load(&is_over))
		gr_yield();
	inject_arm(INJECT_MMAP, INJECT_FROM, 1, ENOMEM);
	start(dive, arg);
}

void alloca_without_memory(void *arg)
{
	(void)arg;
	start(take_block, (void *)100000);
}

#ifdef GR_STACKS_GROW
void *__morestack_allocate_stack_space(size_t bytes);
#endif

void alloca_on_a_thread(void *arg)
{
	(void)arg;
#ifdef GR_STACKS_GROW
	__morestack_allocate_stack_space(100); /* as the compiler calls it */
#endif
}

void foreign_null(void *arg)
{
	gr_foreign(NULL, arg);
}
