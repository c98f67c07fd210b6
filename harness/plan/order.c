#include "harness/plan/order.h"

static uint64_t mix64(uint64_t z)
{
	return rng_splitmix64(&z);
}

uint64_t order_mix(uint64_t a, uint64_t b)
{
	return mix64(mix64(a) ^ rng_rotl(b, 32));
}

uint64_t order_hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return mix64(h);
}

void order_shuffle(struct rng *r, size_t n, size_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = i;
	for (size_t i = n; i > 1; i--) {
		size_t j = rng_below(r, i), t = out[i - 1];

		out[i - 1] = out[j];
		out[j] = t;
	}
}

void order_cells(uint64_t seed, unsigned round, size_t n, size_t *out)
{
	struct rng r;

	rng_seed(&r, order_mix(order_mix(seed, order_hash("cells")), round));
	order_shuffle(&r, n, out);
}

void order_subjects(uint64_t seed, uint64_t cell_hash, unsigned round, size_t n, size_t *out)
{
	struct rng r;
	size_t names[ORDER_MAX], rows[ORDER_MAX], row;

	if (n == 0 || n > ORDER_MAX)
		return;
	rng_seed(&r, order_mix(order_mix(seed, cell_hash), round / n)); /* one square per block of n rounds */
	order_shuffle(&r, n, names);
	order_shuffle(&r, n, rows);
	row = rows[round % n];
	for (size_t position = 0; position < n; position++)
		out[position] = names[(row + position) % n];
}
