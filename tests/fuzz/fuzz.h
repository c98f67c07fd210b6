/*
 * fuzz.h - one small function per input (targets.def), for two ways of calling it:
 *
 *      drive.c    our own mutating driver, under any compiler: seeded, so that the n-th input of a seed is always the same
 *      entry.c    clang's libFuzzer, guided by coverage (preset `fuzz`): a program fuzz-<name> per target
 *
 * A target takes any bytes, returns 0 and leaves nothing behind but what it keeps for the next call. It does not judge
 * whether the input is right; it ends the process where the program breaks a promise about wrong input: an error without a
 * sentence, a record that is not valid, a file that is changed by being read. What else is a fault - a crash, a sanitizer's
 * complaint, a leak, an input that takes seconds - the caller sees.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "harness/base/err.h"
#include "harness/base/rng.h"

enum fuzz_form {
	FUZZ_TEXT, /* bytes, words, numbers */
	FUZZ_JSON, /* one JSON value */
	FUZZ_LINES, /* lines of which most are JSON values */
};

struct fuzz_target {
	const char *name;
	enum fuzz_form form;
	unsigned share;
	int (*run)(const uint8_t *data, size_t size);
};
const struct fuzz_target *fuzz_targets(size_t *n);
const struct fuzz_target *fuzz_target(const char *name); /* NULL: there is none */

#define FUZZ_TARGET(name, form, share) int fuzz_##name(const uint8_t *data, size_t size);
#include "targets.def"
#undef FUZZ_TARGET

/* ---- mutate.c ---------------------------------------------------------------------------------------------- */

enum { FUZZ_MAX = 256 * 1024 }; /* bytes of an input; arbitrary: several times the longest line of the protocol */

/* Change `in` into `out` (room for FUZZ_MAX); `other` is a second input of the target, to take pieces from. The length. */
size_t fuzz_mutate(struct rng *r, enum fuzz_form form, const uint8_t *in, size_t n, const uint8_t *other,
		   size_t n_other, uint8_t *out);

/* ---- scene.c: what targets need around them ------------------------------------------------------------------ */

/* A promise was broken: says so and aborts. */
_Noreturn void fuzz_fault(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* An error (rc < 0, or 0 for none) has its sentence. */
void fuzz_check(int rc, const struct err *e);

/* The input as a string: cut at its first NUL, as an argument or a variable would be. The caller frees. */
char *fuzz_text(const uint8_t *data, size_t size);
/* The input as a line of the protocol is parsed: an object (a new reference), or NULL. */
json_t *fuzz_object(const uint8_t *data, size_t size);
/* A stream that goes nowhere. */
FILE *fuzz_sink(void);
/* A folder of this process, removed at its end. */
const char *fuzz_dir(void);
/* The same, joined with a name; the caller frees. */
char *fuzz_path(const char *name);
void fuzz_put(const char *name, const void *data, size_t size); /* in fuzz_dir(); makes folders on the way */
/* A valid input, of the corpus: a JSON value that is read once, and borrowed; the whole file, which the caller frees. */
json_t *fuzz_seed_json(const char *name);
char *fuzz_seed(const char *name, size_t *size);

/* ---- plans.c: what the plan's side makes of the run in fuzz_dir() ---------------------------------------------- */

/* As --resume --dry-run does: the plan of its request, and what is missing. */
void fuzz_look_for_missing(void);
/* The plan that a file of one makes of the corpus' subjects, as `run --dry-run` shows it. */
void fuzz_show_plan_of(const json_t *file);

#endif
