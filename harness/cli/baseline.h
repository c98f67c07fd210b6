/*
 * baseline.h - runs by name, and runs that are kept to be compared with: baselines.
 *
 * A baseline is results/baselines/NAME: a copy of run.json, samples.jsonl and report.json, because the run's own folder is
 * thrown away some day, and the binaries that were measured (subjects/), because two builds can be judged soundly only
 * side by side (`switchyard gate`). A link to the run was rejected for the first reason.
 */
#ifndef BASELINE_H
#define BASELINE_H

#include <stdbool.h>

#include "harness/base/err.h"

/* A run by its folder (or report.json), by its name under results/, or by the name of a baseline. The caller frees. */
char *run_find(const char *name);

/* Whether NAME can be the name of a baseline: -EINVAL and a sentence if not. */
int baseline_check_name(const char *name, struct err *err);

/*
 * Keep the finished run in `dir` as the baseline NAME, in place of an older one. Binaries that are no longer what the run
 * measured are not kept; *n_lost says how many.
 */
int baseline_save(const char *dir, const char *name, unsigned *n_lost, struct err *err);

/* The folder of a baseline's binaries, or NULL where the folder `dir` keeps none. The caller frees. */
char *baseline_subjects(const char *dir);

#endif
