#include "harness/plan/sample_kind.h"

#include <stddef.h>
#include <string.h>

static const char *const names[SAMPLE_KINDS] = {
	[SAMPLE_TIMED] = "timed",         [SAMPLE_COUNTED] = "counted",     [SAMPLE_TRACED] = "traced",
	[SAMPLE_SIMULATED] = "simulated", [SAMPLE_CALIBRATE] = "calibrate", [SAMPLE_SMOKE] = "smoke",
};

const char *sample_kind_name(enum sample_kind kind)
{
	return names[kind];
}

bool sample_kind_is(const char *word, enum sample_kind kind)
{
	return word != NULL && strcmp(word, names[kind]) == 0;
}
