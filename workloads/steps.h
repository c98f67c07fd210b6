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

/* The sum over i < n of what `steps` steps make of i. They end in a i + c, so it is a n (n - 1) / 2 + c n. */
static inline uint64_t steps_sum(uint64_t steps, uint64_t n)
{
	uint64_t c = steps_jump(0, steps), a = steps_jump(1, steps) - c;
	unsigned __int128 pairs = n > 0 ? (unsigned __int128)n * (n - 1) / 2 : 0;

	return a * (uint64_t)pairs + c * n;
}

#endif
