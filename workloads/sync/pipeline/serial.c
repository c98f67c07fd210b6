/*
 * sync/pipeline without tasks: the stages are called one after another.
 */
#include "workloads/sync/pipeline/pipeline.h"

static int run_pipeline(struct bench *b)
{
	uint64_t stages = (uint64_t)bench_param(b, "stages");
	struct pipeline_series due = pipeline_series(stages);
	struct bench_cert cert = {.max_live = stages + 2};
	uint64_t in_turn = 0, passed = 0;

	bench_begin(b);
	for (uint64_t i = 0; i < b->ops; i++) {
		uint64_t value = i;

		for (uint64_t stage = 0; stage < stages; stage++) {
			value = pipeline_stage(value, stage);
			passed++;
		}
		in_turn += value == due.first;
		due.first += due.step;
		cert.checksum += value;
		cert.ops++;
	}
	bench_end(b);
	cert.messages = in_turn + passed;
	b->cert = cert;
	return 0;
}

const struct bench_body sync_pipeline_serial = {.run = run_pipeline};
