/*
 * timer/accuracy in the blocking style: the root task sleeps.
 */
#include <errno.h>

#include "harness/subject/direct.h"
#include "workloads/timer/accuracy/accuracy.h"

static int run_accuracy(struct bench *b)
{
	const uint64_t sleep_ns = accuracy_sleep_ns(b);
	struct bench_cert cert = {0};
	int64_t late_ns = 0;

	bench_begin(b);
	for (uint64_t left = b->ops; left > 0 && late_ns >= 0; left--) {
		const uint64_t due_ns = bench_now_ns() + sleep_ns;

		dx_sleep_ns(sleep_ns);
		late_ns = bench_delay(b, due_ns);
		cert.ops++;
	}
	bench_end(b);
	b->cert = cert;
	if (late_ns < 0)
		return bench_fail(b, -EPROTO, "a sleep ended %lld ns before its time", (long long)-late_ns);
	return 0;
}

const struct bench_body timer_accuracy_direct = {.run = run_accuracy};
