/*
 * steps.h - work of this family: steps of about a nanosecond, each of which needs the one before.
 */
#ifndef SYNC_STEPS_H
#define SYNC_STEPS_H

#include <stdint.h>

/* A linear congruential generator. */
#define SYNC_STEP_A UINT64_C(6364136223846793005)
#define SYNC_STEP_C UINT64_C(1442695040888963407)

static inline uint64_t sync_steps(uint64_t x, uint64_t n)
{
	for (; n > 0; n--) {
		x = x * SYNC_STEP_A + SYNC_STEP_C;
		__asm__ volatile("" : "+r"(x)); /* two steps must not be folded into one multiplication */
	}
	return x;
}

/* The same in O(log n), for expect(): the n-fold composition of x -> a x + c by squaring. */
static inline uint64_t sync_steps_jump(uint64_t x, uint64_t n)
{
	uint64_t a = SYNC_STEP_A, c = SYNC_STEP_C;

	for (; n > 0; n >>= 1) {
		if (n & 1)
			x = x * a + c;
		c = (a + 1) * c;
		a *= a;
	}
	return x;
}

#endif
