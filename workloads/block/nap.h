/*
 * nap.h - a call that blocks in the kernel for a known time.
 */
#ifndef BLOCK_NAP_H
#define BLOCK_NAP_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

/* Sleep for *arg, a uint64_t of ns. An interrupted sleep goes on with what is left of it. For dx_call. */
static inline void nap(void *arg)
{
	const uint64_t ns = *(const uint64_t *)arg;
	struct timespec left = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
}

#endif
