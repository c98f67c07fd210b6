/*
 * spawn.cpp - spawn/flat, spawn/skynet and spawn/chain in oneTBB: a task_group each, to which tasks may add.
 */
#include <cstdlib>
#include <vector>

#include <oneapi/tbb/task_group.h>

#include "models/reference/tbb/parts.hpp"

namespace {

/* ---- spawn/flat: a batch is a group ---------------------------------------------------------------- */

struct alignas(64) job {
	struct flat_record record;
};

int run_flat(struct bench *b)
{
	const auto batch = static_cast<uint64_t>(bench_param(b, "batch"));
	auto *jobs = static_cast<job *>(flat_records(batch, sizeof(job)));
	struct bench_cert cert = {};
	tbb::task_group group;

	if (!jobs)
		return bench_fail(b, -12, "out of memory for %llu records", static_cast<unsigned long long>(batch));
	bench_begin(b);
	while (cert.ops < b->ops) { /* ops is a multiple of the batch */
		for (uint64_t i = 0; i < batch; i++) {
			jobs[i].record = flat_record{cert.units + i, 0};
			group.run([record = &jobs[i].record] { flat_task(record); });
		}
		group.wait();
		for (uint64_t i = 0; i < batch; i++)
			cert.checksum += jobs[i].record.result;
		cert.units += batch;
		cert.ops += batch;
	}
	bench_end(b);
	cert.max_live = batch;
	std::free(jobs);
	b->cert = cert;
	return 0;
}

/* ---- spawn/skynet: ten children are a group; their sums are what they give up ------------------------ */

skynet_sum grow(uint64_t first, uint64_t leaves)
{
	skynet_sum below[SKYNET_FANOUT], own = {0, 1};
	tbb::task_group group;

	if (leaves == 1)
		return {first, 1};
	leaves /= SKYNET_FANOUT;
	for (uint64_t i = 0; i < SKYNET_FANOUT; i++)
		group.run([sum = &below[i], first = first + i * leaves, leaves] { *sum = grow(first, leaves); });
	group.wait();
	for (const skynet_sum &sum : below) {
		own.value += sum.value;
		own.tasks += sum.tasks;
	}
	return own;
}

int run_skynet(struct bench *b)
{
	tbb::task_group group;
	skynet_sum sum = {};

	bench_begin(b);
	group.run([&sum, leaves = skynet_leaves(b)] { sum = grow(0, leaves); });
	group.wait();
	bench_end(b);
	b->cert = {};
	b->cert.ops = b->cert.units = b->cert.messages = sum.tasks;
	b->cert.checksum = sum.value;
	return 0;
}

/* ---- spawn/chain: each link adds the next one to the group ------------------------------------------- */

void be_a_link(tbb::task_group &group, chain_link &link)
{
	if (chain_step(&link))
		group.run([&group, &link] { be_a_link(group, link); });
}

int run_chain(struct bench *b)
{
	const auto n = static_cast<uint64_t>(bench_param(b, "chains"));
	std::vector<chain_link> chains(n);
	tbb::task_group group;

	for (chain_link &link : chains)
		link = chain_link{b->ops / n, 0, 0};
	bench_begin(b);
	for (chain_link &link : chains)
		if (link.left)
			group.run([&group, &link] { be_a_link(group, link); });
	group.wait();
	bench_end(b);
	b->cert = {};
	for (uint64_t i = 0; i < n; i++)
		chain_count(&b->cert, &chains[i], i);
	return 0;
}

} // namespace

const struct bench_body spawn_flat_tbb = {nullptr, run_flat, nullptr};
const struct bench_body spawn_skynet_tbb = {nullptr, run_skynet, nullptr};
const struct bench_body spawn_chain_tbb = {nullptr, run_chain, nullptr};
