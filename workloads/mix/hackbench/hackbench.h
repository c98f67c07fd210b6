/*
 * hackbench.h - mix/hackbench: what its bodies share.
 */
#ifndef MIX_HACKBENCH_H
#define MIX_HACKBENCH_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workloads/descriptors.h"

extern const struct bench_workload mix_hackbench_workload;
extern const struct bench_body mix_hackbench_direct, mix_hackbench_evented, mix_hackbench_serial;

enum { HACKBENCH_BYTES = 100 }; /* a message */

/* The parameters. Senders and receivers are numbered through all groups: tasks of each in a group, one after the other. */
struct hackbench_shape {
	uint64_t groups, tasks, loops;
};

static inline struct hackbench_shape hackbench_shape(const struct bench *b)
{
	return (struct hackbench_shape){.groups = (uint64_t)bench_param(b, "groups"),
					.tasks = (uint64_t)bench_param(b, "tasks"),
					.loops = (uint64_t)bench_param(b, "loops")};
}

/* Of one side, in all groups; as many pairs of sockets. */
static inline uint64_t hackbench_side(const struct hackbench_shape *s)
{
	return s->groups * s->tasks;
}

/* The first receiver of the group that a sender is in. */
static inline uint64_t hackbench_first_of_group(const struct hackbench_shape *s, uint64_t sender)
{
	return sender - sender % s->tasks;
}

/* How many messages a receiver gets. */
static inline uint64_t hackbench_due(const struct hackbench_shape *s)
{
	return s->tasks * s->loops;
}

/* What a sender writes at the beginning of its messages of round `loop`: different for each sender and round. */
static inline void hackbench_number(const struct hackbench_shape *s, unsigned char *message, uint64_t sender,
				    uint64_t loop)
{
	uint64_t number = sender * s->loops + loop + 1;

	memcpy(message, &number, sizeof number);
}

/* What a receiver adds to its sum for a message: a message that went to another one, or twice, changes it. */
static inline uint64_t hackbench_digit(const unsigned char *message, uint64_t receiver)
{
	uint64_t number;

	memcpy(&number, message, sizeof number);
	return number * (2 * receiver + 1);
}

/* send(2) of a message, again after a signal. The count or -errno. */
static inline ssize_t hackbench_send(int fd, const unsigned char *message)
{
	ssize_t n;

	do
		n = send(fd, message, HACKBENCH_BYTES, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* recv(2) of what is missing of a message of which there are `got` bytes, again after a signal. The count or -errno. */
static inline ssize_t hackbench_receive(int fd, unsigned char *message, size_t got)
{
	ssize_t n;

	do
		n = recv(fd, message + got, HACKBENCH_BYTES - got, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static inline void hackbench_close(int (*pairs)[2], uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		close(pairs[i][0]);
		close(pairs[i][1]);
	}
	free(pairs);
}

/* A pair of sockets per receiver: it reads from [0], and all senders of its group write to [1]. NULL and b->why if not. */
static inline int (*hackbench_open(struct bench *b, uint64_t n, int flags, int *status))[2]
{
	int(*pairs)[2] = malloc(n * sizeof pairs[0]);

	*status = descriptors_allow(b, 2 * n);
	if (!pairs && *status == 0)
		*status = bench_fail(b, -ENOMEM, "out of memory for %llu pairs of sockets", (unsigned long long)n);
	for (uint64_t i = 0; *status == 0 && i < n; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, pairs[i]) == 0)
			continue;
		*status = bench_fail(b, -errno, "cannot make a pair of sockets after %llu: %s", (unsigned long long)i,
				     strerror(errno));
		hackbench_close(pairs, i);
		return NULL;
	}
	if (*status == 0)
		return pairs;
	free(pairs);
	return NULL;
}

#endif
