/*
 * pipe.h - mix/pipe: what its bodies share.
 */
#ifndef MIX_PIPE_H
#define MIX_PIPE_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "harness/subject/bench.h"

extern const struct bench_workload mix_pipe_workload;
extern const struct bench_body mix_pipe_direct, mix_pipe_evented, mix_pipe_serial;

enum { PIPE_IO_OWN, PIPE_IO_BLOCKING }; /* values of the parameter `io` */

/* What goes through a pipe at a time: an int, as in perf's own program. */
typedef uint32_t pipe_word;

static inline pipe_word pipe_ping(uint64_t round)
{
	return (pipe_word)round & 0x7fffffff;
}

/* Something that the pinger cannot know without having been answered. */
static inline pipe_word pipe_answer(pipe_word ping)
{
	return 2 * ping + 1;
}

/* A pipe there and a pipe back, and at which end each side reads and writes. */
struct pipe_pair {
	int there[2], back[2]; /* [0]: to be read from */
};

static inline void pipe_pair_close(struct pipe_pair *p)
{
	close(p->there[0]);
	close(p->there[1]);
	close(p->back[0]);
	close(p->back[1]);
}

/* 0, or -errno with b->why. */
static inline int pipe_pair_open(struct bench *b, struct pipe_pair *p, int flags)
{
	int status;

	if (pipe2(p->there, O_CLOEXEC | flags) < 0)
		return bench_fail(b, -errno, "cannot make a pipe: %s", strerror(errno));
	if (pipe2(p->back, O_CLOEXEC | flags) == 0)
		return 0;
	status = bench_fail(b, -errno, "cannot make a second pipe: %s", strerror(errno));
	close(p->there[0]);
	close(p->there[1]);
	return status;
}

/* What the two sides have done. */
struct pipe_done {
	uint64_t answered; /* by the ponger */
	uint64_t received, sum; /* by the pinger, and the sum of the answers */
};

static inline void pipe_certify(struct bench *b, const struct pipe_done *d)
{
	uint64_t messages = d->received + d->answered;

	b->cert = (struct bench_cert){.ops = d->received,
				      .messages = messages,
				      .bytes_read = messages * sizeof(pipe_word),
				      .bytes_written = messages * sizeof(pipe_word),
				      .checksum = d->sum};
}

#endif
