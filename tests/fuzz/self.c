/* self.c - targets with planted faults: test_self.sh looks whether drive.c finds them, and nothing where there is none. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

/* What is planted depends on the input, so that most inputs are good. */
static int run_good(const uint8_t *data, size_t size)
{
	free(fuzz_text(data, size));
	return 0;
}

static int run_crash(const uint8_t *data, size_t size)
{
	if (size && memchr(data, 0xff, size))
		abort();
	return 0;
}

static int run_exit(const uint8_t *data, size_t size)
{
	if (size && memchr(data, 0xff, size))
		exit(2);
	return 0;
}

static int run_hang(const uint8_t *data, size_t size)
{
	while (size && memchr(data, 0xff, size))
		;
	return 0;
}

static int run_growth(const uint8_t *data, size_t size)
{
	if (size && memchr(data, 0xff, size)) {
		static char *kept;

		free(kept);
		kept = malloc(1u << 25);
		if (kept)
			memset(kept, 1, 1u << 25);
	}
	return 0;
}

static const struct fuzz_target targets[] = {
	{"good", FUZZ_TEXT, 1, run_good}, {"crash", FUZZ_TEXT, 1, run_crash},   {"exit", FUZZ_TEXT, 1, run_exit},
	{"hang", FUZZ_TEXT, 1, run_hang}, {"growth", FUZZ_TEXT, 1, run_growth},
};

const struct fuzz_target *fuzz_targets(size_t *n)
{
	*n = sizeof targets / sizeof *targets;
	return targets;
}
