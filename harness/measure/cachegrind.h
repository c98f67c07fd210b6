/*
 * cachegrind.h - a subject under valgrind's cachegrind: which caches it simulates, how it is started, what it counted.
 *
 * What comes out is simulated and is called so everywhere: instructions and references in user mode are exact, misses are those
 * of two levels of caches that know no prefetcher, no kernel, no other process and no second core.
 */
#ifndef CACHEGRIND_H
#define CACHEGRIND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/base/err.h"
#include "harness/measure/measure.h"

struct cachegrind_cache {
	struct cache_shape machine; /* as hwloc knows it; bytes 0: not known */
	struct cache_shape simulated; /* as cachegrind takes it */
};

/* Immutable once it has been made. */
struct cachegrind {
	char path[512]; /* of valgrind */
	char version[48]; /* "valgrind-3.19.0" */
	struct cachegrind_cache i1, d1, ll;
	char options[3][64]; /* --I1=, --D1=, --LL= */
};

/*
 * Find valgrind on the PATH, and choose the caches from those above a CPU. -ENOENT with a sentence that says how to get it; -ENOTSUP
 * in a build with sanitizers, which valgrind cannot run.
 */
int cachegrind_new(const struct topology *t, unsigned cpu, struct cachegrind *out, struct err *err);

/*
 * The nearest cache that cachegrind can simulate: its number of sets must be a power of two, as those of some last-level caches
 * are not. Sets are cut down to one and the ways raised, so that the size stays the same but for less than a way. What is not
 * known becomes `otherwise`.
 */
struct cache_shape cachegrind_round(struct cache_shape machine, struct cache_shape otherwise);

/* The command: argv for `subject --run`, pointers into c and the arguments, which are options of valgrind's but for the subject. */
enum { CACHEGRIND_ARGS = 16 };
void cachegrind_argv(const struct cachegrind *c, const char *out_option, const char *threads_option,
		     const char *subject, const char *argv[CACHEGRIND_ARGS]);

/* What a file of cachegrind's says: {"instructions", "data_refs", "i1_misses", "d1_misses", "ll_misses"}, of the whole process. */
int cachegrind_read(const char *path, json_t **out, struct err *err);

/* {"i1":{"bytes","ways","line_bytes","machine_bytes"}, "d1", "ll"}: new reference. */
json_t *cachegrind_caches_json(const struct cachegrind *c);

#endif
