/*
 * nap.h - a call that blocks in the kernel for a known time.
 */
#ifndef BLOCK_NAP_H
#define BLOCK_NAP_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

struct nap {
	uint64_t ns; /* to sleep */
	uint64_t failed; /* calls that did not sleep for so long, added up */
};

/* Sleep for what *arg, a struct nap, says. An interrupted sleep goes on with what is left of it. For dx_call. */
static inline void nap(void *arg)
{
	struct nap *n = arg;
	struct timespec left = {.tv_sec = (time_t)(n->ns / 1000000000), .tv_nsec = (long)(n->ns % 1000000000)};
	int error;

	do
		error = clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left);
	while (error == EINTR);
	n->failed += error != 0;
}

#endif
