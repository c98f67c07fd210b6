/*
 * block/overlap - the disk and the network at the same time, in one task's operation.
 *
 * `in_flight` lanes make operations one after another. With part=both an operation reads a block of 4 KiB of a file with
 * O_DIRECT and asks a peer that answers after delay_us, both under way at one time, and is over when both have come;
 * part=disk and part=net are one of the two alone. If nothing were lost, part=both would take as long as the longer of the
 * parts. The overlap factor is (part=disk + part=net) / part=both, of the times per operation with the same in_flight: 1 is
 * one after the other, which is what the serial body does, and 2 is the most.
 *
 * With more than one lane a model that does one thing after another in each task overlaps as well, one lane's disk with
 * another one's peer; in_flight=1 shows what it takes to do it within one operation.
 *
 * The peer is a thread beside the model (workloads/block/peer.h), so its few microseconds of CPU per answer are in the CPU
 * time of all models. Every block is checked to be the one that was asked for and whole, every answer to belong to its request.
 */
#include "workloads/block/overlap/overlap.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "workloads/descriptors.h"

enum { PARAM_PART, PARAM_IN_FLIGHT, PARAM_DELAY_US };
enum { PART_DISK, PART_NET, PART_BOTH };

static const char *const parts[] = {[PART_DISK] = "disk", [PART_NET] = "net", [PART_BOTH] = "both", NULL};

static const struct bench_param params[] = {
	[PARAM_PART] = {.name = "part",
			.unit = "",
			.help = "what an operation waits for: the disk, the peer, or both at one time",
			.kind = BENCH_CHOICE,
			.dflt = PART_BOTH,
			.smoke = PART_BOTH,
			.choices = parts},
	[PARAM_IN_FLIGHT] = {.name = "in_flight",
			     .unit = "operations",
			     .help = "under way at one time, one per lane",
			     .dflt = 4,
			     .min = 1,
			     .max = 256,
			     .smoke = 3},
	[PARAM_DELAY_US] = {.name = "delay_us",
			    .unit = "us",
			    .help = "from a request's coming to the peer until its answer",
			    .dflt = 200,
			    .min = 1,
			    .max = 1000000,
			    .smoke = 100},
};

static void overlap_teardown(struct bench *b)
{
	struct overlap_data *d = b->data;

	if (!d)
		return;
	peer_stop(d->peer);
	if (d->fd >= 0)
		close(d->fd);
	free(d);
	b->data = NULL;
}

static int overlap_setup(struct bench *b)
{
	const struct overlap_plan p = overlap_plan_of(b);
	struct overlap_data *d = calloc(1, sizeof *d);
	int status = 0;

	if (!d)
		return bench_fail(b, -ENOMEM, "out of memory for the set-up's record");
	d->fd = -1;
	b->data = d;
	if (p.reads)
		status = d->fd = datafile_direct(b, OVERLAP_MIB);
	if (status >= 0 && p.asks)
		status = descriptors_allow(b, 2 * p.in_flight);
	if (status >= 0 && p.asks)
		status = peer_start(b, (uint64_t)b->param[PARAM_DELAY_US] * 1000, &d->peer);
	if (status >= 0)
		return 0;
	overlap_teardown(b);
	return status;
}

static void overlap_expect(const struct bench *b, struct bench_cert *out)
{
	const struct overlap_plan p = overlap_plan_of(b);

	*out = (struct bench_cert){.ops = b->ops, .max_live = p.in_flight};
	if (p.reads)
		out->bytes_read += b->ops * DATAFILE_BLOCK;
	if (p.asks) {
		out->messages = b->ops;
		out->bytes_read += b->ops * sizeof(uint64_t);
		out->bytes_written = b->ops * sizeof(uint64_t);
	}
	for (uint64_t i = 0; i < p.in_flight; i++)
		for (uint64_t n = 0; n < bench_share(b->ops, p.in_flight, i); n++) {
			const uint64_t block = overlap_block(&p, i, n);

			if (p.reads)
				out->checksum += datafile_digest(block);
			if (p.asks)
				out->checksum += peer_answer(overlap_request(i, n));
		}
}

const struct bench_workload block_overlap_workload = {
	.name = "block/overlap",
	.version = 2,
	.summary = "operations that wait for a disk and a network at the same time",
	.op = "one block read from the device and one answer of a peer, both awaited (or one of them, by part)",
	.fairness =
		"File, blocks, requests, peer and checks are the same in every body. In a direct one each lane is a "
		"task, "
		"and with part=both a second task reads for it, which is given the block's number over a channel and "
		"says "
		"over another one that it is done: how tasks are made to do two things at once. A loop starts both and "
		"counts what has come, without a second task: the style's advantage. A request is one write and one "
		"read of "
		"8 bytes everywhere; models that poll first make a call more. What a disk can do at one time is the "
		"device's affair. The Go subject's peer is a process of its own, whose CPU time is not the subject's: "
		"a "
		"goroutine would wait for the runtime's timers. The serial body does one after the other, and exists "
		"for in_flight=1 only.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 60,
	.ops_quantum = 1,
	.quantum_param = "in_flight",
	.setup = overlap_setup,
	.teardown = overlap_teardown,
	.expect = overlap_expect,
};
