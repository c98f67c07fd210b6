/*
 * timer/accuracy without tasks: the kernel's own sleep.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "workloads/timer/accuracy/accuracy.h"

/* 0 or -errno. An interrupted sleep goes on with what is left of it. */
static int sleep_for(uint64_t ns)
{
	struct timespec left = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

	while (nanosleep(&left, &left) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int run_accuracy(struct bench *b)
{
	const uint64_t sleep_ns = accuracy_sleep_ns(b);
	struct bench_cert cert = {0};
	int64_t late_ns = 0;
	int status = 0;

	bench_begin(b);
	for (uint64_t left = b->ops; left > 0 && late_ns >= 0 && status == 0; left--) {
		const uint64_t due_ns = bench_now_ns() + sleep_ns;

		status = sleep_for(sleep_ns);
		late_ns = bench_delay(b, due_ns);
		cert.ops++;
	}
	bench_end(b);
	b->cert = cert;
	if (status < 0)
		return bench_fail(b, status, "nanosleep failed: %s", strerror(-status));
	if (late_ns < 0)
		return bench_fail(b, -EPROTO, "a sleep ended %lld ns before its time", (long long)-late_ns);
	return 0;
}

const struct bench_body timer_accuracy_serial = {.run = run_accuracy};
