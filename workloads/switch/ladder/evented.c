/*
 * switch/ladder has no callback body: a loop has none of the parts of a switch.
 */
#include "harness/subject/evented.h"
#include "workloads/switch/ladder/ladder.h"

static const char *why_not(const struct bench *b)
{
	(void)b;
	return "a loop switches nothing: a callback keeps no stack";
}

const struct bench_body switch_ladder_evented = {.unsupported = why_not};
