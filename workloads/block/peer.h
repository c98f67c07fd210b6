/*
 * peer.h - somebody at the other end of a connection who answers after a fixed time.
 *
 * A thread of the set-up, beside the model: it reads requests, keeps them for delay_ns, and answers. It waits in the kernel
 * and takes a few microseconds of CPU per request, of the same CPUs and in the same process as the model, whatever that is.
 * A connection is a pair of sockets in this machine; it has one request under way at most.
 */
#ifndef BLOCK_PEER_H
#define BLOCK_PEER_H

#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/disk/files.h"

struct peer;

/* What is answered to a request. */
static inline uint64_t peer_answer(uint64_t request)
{
	return files_mix(~request);
}

/* 0, or < 0 with b->why. */
int peer_start(struct bench *b, uint64_t delay_ns, struct peer **out);

/* All connections must have been closed at this end. NULL is allowed. */
void peer_stop(struct peer *p);

/* A new connection, blocking: this end's descriptor or -errno. The peer leaves when that is closed. From any thread. */
int peer_connect(struct peer *p);

#endif
