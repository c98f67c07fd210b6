/*
 * rng.h - pseudo-random numbers that are the same on every machine and in every run with the same seed.
 *
 * splitmix64 spreads a seed (any value, 0 too) over the state of xoshiro256**, which is the generator. Both are small
 * enough to be inlined where data is made. libc's random() was rejected: its sequence is the C library's affair, and it
 * takes a lock. Neither generator is fit for anything that must not be guessed.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
	uint64_t s[4]; /* owned by one thread; never all zero after rng_seed */
};

/* One step of splitmix64: a bijection of a counter, so different states never give the same value. */
static inline uint64_t rng_splitmix64(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline void rng_seed(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = rng_splitmix64(&seed);
}

static inline uint64_t rng_rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t result = rng_rotl(r->s[1] * 5, 7) * 9;
	uint64_t t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rng_rotl(r->s[3], 45);
	return result;
}

/* A whole number in 0..n-1, each equally likely; n must not be 0. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	/* The lowest 2^64 mod n values are thrown away, so that the rest divides evenly. */
	uint64_t floor = (0 - n) % n;
	uint64_t x;

	do {
		x = rng_next(r);
	} while (x < floor);
	return x % n;
}

/* A number in (0, 1]: never 0, so that its logarithm is finite. */
static inline double rng_unit(struct rng *r)
{
	return (double)((rng_next(r) >> 11) + 1) * 0x1p-53;
}

#endif
