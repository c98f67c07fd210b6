/*
 * spawn.h - the start of a child, for process.c.
 */
#ifndef SPAWN_H
#define SPAWN_H

#include <unistd.h>

#include "harness/measure/measure.h"

struct spawned {
	pid_t pid;
	int pidfd; /* readable when the child has ended; -1: the kernel has none */
	int in_fd, out_fd, err_fd; /* our ends of the child's 0, 1, 2: non-blocking, close-on-exec */
	int64_t started_ns; /* CLOCK_MONOTONIC at fork */
};

/* Start a child as the spec says. 0: it has exec'd. Otherwise a negative errno and a sentence, and there is none. */
int process_spawn(const struct process_spec *spec, struct spawned *out, struct err *err);

/* Close a descriptor if it is open, and mark it closed. */
static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* a pipe's close has nothing to report */
	*fd = -1;
}

#endif
