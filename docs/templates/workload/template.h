/*
 * template.h - family/template: what its bodies share.
 *
 * Copy this folder to workloads/<family>/<name>/, rename this file and template.c to <name>.h and <name>.c, and replace
 * `template_example` by <family>_<name> everywhere. docs/add-a-workload.md explains each step.
 *
 * Here belong: the declarations of the definition and the bodies, the struct that setup() makes (if there is a setup),
 * and the work itself as inline functions, so that no two bodies can have different work. No model's header and no
 * style's header: a shared file that knew a style would be compiled differently for each.
 */
#ifndef TEMPLATE_EXAMPLE_H
#define TEMPLATE_EXAMPLE_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload template_example_workload;
extern const struct bench_body template_example_direct, template_example_evented, template_example_serial;

/* The work of one task. It is given everything, touches nothing else, and its results can be added up in any order. */
static inline uint64_t template_work(uint64_t i)
{
	return i * i + 1;
}

#endif
