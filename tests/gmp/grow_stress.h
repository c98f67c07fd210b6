/*
 * grow_stress.h - Gs that grow and park at random depths, through calls of the libc, with canaries in every frame.
 */
#ifndef GROW_STRESS_H
#define GROW_STRESS_H

#include <alloca.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gr.h"
#include "models/base/atomic.h"

static _Atomic uint64_t stress_errors, stress_parks;
static gr_wg stress_wg;

static inline uint32_t stress_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static int stress_compare(const void *a, const void *b)
{
	volatile char room[300]; /* below the libc's frames */
	int x = *(const int *)a, y = *(const int *)b;

	room[x & 127] = (char)x;
	return (x > y) - (x < y) + (room[x & 127] - (char)x);
}

static void stress_wait(uint32_t *rng)
{
	fetch_add_relaxed(&stress_parks, 1);
	if (stress_random(rng) % 16 == 0)
		gr_sleep_ns(1000 + stress_random(rng) % 50000);
	else
		gr_yield();
}

/* Something with the libc; 0 if all is as it must be. */
static __attribute__((noinline)) uint64_t stress_libc(uint32_t *rng)
{
	uint32_t what = stress_random(rng);
	char text[64];
	int v[40];

	if (what % 2) {
		snprintf(text, sizeof(text), "%u %.3f", what, what * 0.5);
		return strtoul(text, NULL, 10) != what;
	}
	for (int i = 0; i < 40; i++)
		v[i] = (int)(stress_random(rng) % 1000);
	qsort(v, 40, sizeof(v[0]), stress_compare);
	for (int i = 1; i < 40; i++)
		if (v[i - 1] > v[i])
			return 1;
	return 0;
}

static uint64_t stress_deeper(uint32_t *rng, unsigned depth);

/* A frame of unknown size: an array whose size is known at run time only. */
static __attribute__((noinline)) uint64_t stress_dynamic(uint32_t *rng, unsigned depth)
{
	size_t n = 1 + stress_random(rng) % 3000;
	unsigned char *block = alloca(n), mark = (unsigned char)stress_random(rng);
	uint64_t errors = 0;

	memset(block, mark, n);
	errors += stress_deeper(rng, depth);
	for (size_t i = 0; i < n; i++)
		errors += block[i] != mark;
	return errors;
}

static __attribute__((noinline)) uint64_t stress_deeper(uint32_t *rng, unsigned depth)
{
	uint64_t low = stress_random(rng), errors = 0;
	volatile uint64_t canary[6];

	for (int i = 0; i < 6; i++)
		canary[i] = low * (uint64_t)(i + 1);
	if (stress_random(rng) % 4 == 0)
		stress_wait(rng);
	if (stress_random(rng) % 8 == 0)
		errors += stress_libc(rng);
	if (depth && stress_random(rng) % 8 == 0)
		errors += stress_dynamic(rng, depth - 1);
	else if (depth)
		errors += stress_deeper(rng, depth - 1);
	if (stress_random(rng) % 16 == 0)
		stress_wait(rng);
	for (int i = 0; i < 6; i++)
		errors += canary[i] != low * (uint64_t)(i + 1);
	return errors;
}

/* One life: some dives, then the end, sometimes in the deep. */
static void stress_live(void *arg)
{
	uint32_t rng = (uint32_t)(uintptr_t)arg | 1;

	for (int i = 0; i < 4; i++) {
		stress_wait(&rng);
		fetch_add_relaxed(&stress_errors, stress_deeper(&rng, stress_random(&rng) % 60));
	}
	gr_wg_done(&stress_wg);
	if (stress_random(&rng) % 4 == 0)
		gr_exit();
}

/* n lives, 200 at a time. */
static void stress_lives(uint32_t seed, unsigned n)
{
	for (unsigned done = 0; done < n; done += 200) {
		gr_wg_add(&stress_wg, 200);
		for (unsigned i = 0; i < 200; i++)
			if (gr_go(stress_live, (void *)(uintptr_t)(seed + (done + i) * 2654435761u)))
				gr_wg_done(&stress_wg);
		gr_wg_wait(&stress_wg);
	}
}

#endif
