/*
 * switch/ladder without tasks: what takes no second one.
 */
#include "workloads/switch/ladder/ladder.h"

static const char *why_not(const struct bench *b)
{
	return ladder_is_alone(ladder_rung_of(b)) ? NULL : "no tasks: there is nobody to hand anything to";
}

const struct bench_body switch_ladder_serial = {.unsupported = why_not, .run = ladder_alone};
