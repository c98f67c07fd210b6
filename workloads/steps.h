/*
 * steps.h - work that several workloads do: steps of about a nanosecond, each of which needs the one before.
 */
#ifndef WORKLOADS_STEPS_H
#define WORKLOADS_STEPS_H

#include <stdint.h>

/* A linear congruential generator. */
#define STEPS_A UINT64_C(6364136223846793005)
#define STEPS_C UINT64_C(1442695040888963407)

/* n steps from x. Inlined, so that it may be a part of what is marked DX_PREEMPTIBLE. */
static inline __attribute__((always_inline)) uint64_t steps_work(uint64_t x, uint64_t n)
{
	for (; n > 0; n--) {
		x = x * STEPS_A + STEPS_C;
		__asm__ volatile("" : "+r"(x)); /* two steps must not be folded into one multiplication */
	}
	return x;
}

/* The same in O(log n), for expect(): the n-fold composition of x -> a x + c by squaring. */
static inline uint64_t steps_jump(uint64_t x, uint64_t n)
{
	uint64_t a = STEPS_A, c = STEPS_C;

	for (; n > 0; n >>= 1) {
		if (n & 1)
			x = x * a + c;
		c = (a + 1) * c;
		a *= a;
	}
	return x;
}

#endif
