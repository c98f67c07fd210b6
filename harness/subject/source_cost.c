#include "harness/subject/source_cost.h"

#include <stddef.h>
#include <string.h>

static const struct source_cost all[] = {
#include "source_cost.inc"
	{NULL, NULL, 0, 0, 0, NULL},
};

const struct source_cost *source_cost(const char *workload, const char *style)
{
	for (size_t i = 0; all[i].workload; i++)
		if (strcmp(all[i].workload, workload) == 0 && strcmp(all[i].style, style) == 0)
			return &all[i];
	return NULL;
}
