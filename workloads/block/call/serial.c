/*
 * block/call without tasks: one call after another.
 */
#include <errno.h>

#include "workloads/block/call/call.h"

static int run_call(struct bench *b)
{
	const struct call_plan p = call_plan_of(b);
	struct call_threads threads = {.before = bench_threads()};
	struct nap call = {.ns = p.call_ns}, settle = {.ns = call_settle_ns(b) / CALL_PARTS};
	uint64_t x = 0, done = 0, began_ns, lasted_ns;

	bench_begin(b);
	began_ns = bench_now_ns();
	for (; done < b->ops; done++) {
		x = steps_work(x, p.work);
		nap(&call);
	}
	lasted_ns = bench_now_ns() - began_ns;
	bench_end(b);
	threads.end = bench_threads();
	for (int i = 0; i < CALL_PARTS; i++) {
		nap(&settle);
		threads.settling[i] = bench_threads();
	}
	call_tell_threads(b, &threads);
	b->cert = (struct bench_cert){.ops = done, .max_live = 1, .checksum = call_digest(0, done, x)};
	if (call.failed)
		return bench_fail(b, -EIO, "%llu calls failed", (unsigned long long)call.failed);
	if (lasted_ns < done * call.ns)
		return bench_fail(b, -EPROTO, "the calls did not last as long as they had to");
	return 0;
}

static const char *one_at_a_time(const struct bench *b)
{
	return bench_param(b, "in_flight") > 1 ? "sequential: one call is under way" : NULL;
}

const struct bench_body block_call_serial = {.unsupported = one_at_a_time, .run = run_call};
