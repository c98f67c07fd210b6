/*
 * registry.c - workloads/list.def as a table.
 *
 * A body is a weak symbol: the build links <style>.c of a workload where that file exists, and the address of a symbol
 * that nobody defines is NULL. So a workload without a body in some style needs no line anywhere that says so.
 * Constructors that register themselves were rejected: their order is the linker's, and a missing one is silent.
 */
#include "harness/subject/registry.h"

#include <string.h>

#define JOIN_(a, b, c) a##_##b##_##c
#define JOIN(a, b, c) JOIN_(a, b, c)
#define BODY(family, name) JOIN(family, name, SWITCHYARD_STYLE)

#define WORKLOAD(family, name)                                                                                         \
	extern const struct bench_workload family##_##name##_workload;                                                 \
	extern const struct bench_body BODY(family, name) __attribute__((weak));
#include "workloads/list.def"
#undef WORKLOAD

static const struct registry_entry entries[] = {
#define WORKLOAD(family, name) {&family##_##name##_workload, &BODY(family, name)},
#include "workloads/list.def"
#undef WORKLOAD
};

const struct registry_entry *registry_all(size_t *n)
{
	*n = sizeof(entries) / sizeof(entries[0]);
	return entries;
}

const struct registry_entry *registry_find(const char *name)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (strcmp(entries[i].workload->name, name) == 0)
			return &entries[i];
	return NULL;
}
