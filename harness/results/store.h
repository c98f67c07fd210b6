/*
 * store.h - a run's folder: run.json and the append-only samples.jsonl (docs/records.md).
 */
#ifndef STORE_H
#define STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/base/err.h"

struct store;

/* Make the folder `dir` (and its parents) with run.json; fails with -EEXIST if it holds a run or samples already. */
int store_create(const char *dir, const json_t *run, struct store **out, struct err *err);

/*
 * Open an existing run to go on with it: cuts off a last line that has no end, reads all keys. Complete lines that do
 * not parse stay where they are, and are told by store_warnings().
 */
int store_resume(const char *dir, struct store **out, struct err *err);
/* The same for looking only: nothing is locked, cut or made, and appending is refused. */
int store_peek(const char *dir, struct store **out, struct err *err);
const json_t *store_warnings(const struct store *s); /* array of sentences; borrowed */

/* Append one sample: one write, then it survives a kill. */
int store_append(struct store *s, const json_t *sample, struct err *err);

/* Whether a sample with this key is there already; and that sample (borrowed), or NULL. */
const json_t *store_find(const struct store *s, const char *key);

/* Replace run.json atomically (temporary file, fsync, rename). */
int store_update_run(struct store *s, const json_t *run, struct err *err);
const json_t *store_run(const struct store *s); /* borrowed */
size_t store_count(const struct store *s);
/* Call `visit` for every sample, in the order in which they were taken. */
void store_each(const struct store *s, void (*visit)(void *arg, const json_t *sample), void *arg);
void store_close(struct store *s);

/*
 * Read a run for reporting. *run and *samples (an array) are new references. Lines that do not parse are skipped;
 * their numbers and the reason are added to *warnings (an array of strings).
 */
int store_load(const char *dir, json_t **run, json_t **samples, json_t **warnings, struct err *err);

#endif
