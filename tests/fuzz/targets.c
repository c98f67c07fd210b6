/* targets.c - the table of targets.def. */
#include "fuzz.h"

static const struct fuzz_target targets[] = {
#define FUZZ_TARGET(name, form, share) {#name, form, share, fuzz_##name},
#include "targets.def"
#undef FUZZ_TARGET
};

const struct fuzz_target *fuzz_targets(size_t *n)
{
	*n = sizeof targets / sizeof *targets;
	return targets;
}
