/*
 * beside.h - two builds of a subject in the same rounds.
 *
 * What a change of code did can be told soundly only where the old and the new binary meet the same machine: two runs on two
 * days differ by what else happened (docs/method.md). So the subjects of another build (a folder, often a baseline's) enter
 * a run under their own names with "@old" behind them, and each cell that has gmp has gmp@old next to it.
 *
 * A subject of the other build that this one does not have stays out: there is nothing to set it beside. Of a workload
 * whose version is another it is left out too: that is other work.
 */
#ifndef BESIDE_H
#define BESIDE_H

#include <stdbool.h>

#include "harness/plan/catalog.h"

#define BESIDE_SUFFIX "@old"

/*
 * Put the subjects of `dir` into the catalog. 0, with those that are there already left alone; -ENOENT and a sentence when
 * the folder has no subject of a known name. Pointers to the catalog's subjects are void afterwards.
 */
int beside_add(struct catalog *c, const char *dir, struct err *err);

/* Whether `id` names a subject of the other build. */
bool beside_is_old(const char *id);
/* The other build of a subject, or NULL. */
const struct subject *beside_of(const struct catalog *c, const struct subject *s);

#endif
