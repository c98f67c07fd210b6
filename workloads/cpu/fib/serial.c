/*
 * cpu/fib without tasks: the same tree by plain recursion, down to the same leaves.
 */
#include "workloads/cpu/fib/fib.h"

/* Counts a fork as an operation of its own, as the other bodies do; here it is an ordinary call. */
static uint64_t compute(int n, int cutoff, struct bench_cert *cert)
{
	if (n < cutoff) {
		cert->ops++;
		return fib_leaf(n);
	}
	cert->units++;
	return compute(n - 1, cutoff, cert) + compute(n - 2, cutoff, cert);
}

static int run_fib(struct bench *b)
{
	struct bench_cert cert = {0};

	bench_begin(b);
	cert.checksum = compute((int)bench_param(b, "n"), (int)bench_param(b, "cutoff"), &cert);
	bench_end(b);
	b->cert = cert;
	return 0;
}

static uint64_t estimate(const struct bench *b)
{
	return fib_least_ns(b, 1);
}

const struct bench_body cpu_fib_serial = {.run = run_fib, .estimate_ns = estimate};
