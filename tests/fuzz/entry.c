/*
 * entry.c - a target as clang's libFuzzer wants it: program fuzz-<name>, with our mutator beside its own.
 *
 * Compiled once per target, with FUZZ_RUN as its name. A crash is told by libFuzzer, which also keeps the input.
 */
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size); /* libFuzzer's */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_target(FUZZ_RUN)->run(data, size);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	static uint8_t out[FUZZ_MAX];
	struct rng r;
	size_t n;

	rng_seed(&r, seed);
	if (rng_below(&r, 2))
		return LLVMFuzzerMutate(data, size, max_size);
	n = fuzz_mutate(&r, fuzz_target(FUZZ_RUN)->form, data, size, data, size, out);
	if (n > max_size)
		n = max_size;
	memcpy(data, out, n);
	return n;
}
