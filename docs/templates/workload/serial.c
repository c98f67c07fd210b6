/*
 * template/example without tasks: what the work costs by itself. Leave this file out where the work has no plain
 * sequential form, as with tasks that only wait.
 */
#include "docs/templates/workload/template.h"

static int run_example(struct bench *b)
{
	struct bench_cert cert = {0};

	bench_begin(b);
	for (uint64_t i = 0; i < b->ops; i++) {
		uint64_t result = template_work(i);

		__asm__ volatile("" : "+r"(result)); /* the compiler must not sum the series itself */
		cert.checksum += result;
		cert.ops++;
		cert.units++; /* a call that stands for a task */
	}
	bench_end(b);
	b->cert = cert;
	return 0;
}

const struct bench_body template_example_serial = {.run = run_example};
