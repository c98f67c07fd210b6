/*
 * run_show.h - what `switchyard run` prints: the plan (--dry-run) and the table of a smoke run.
 */
#ifndef RUN_SHOW_H
#define RUN_SHOW_H

#include "harness/plan/engine.h"
#include "harness/plan/plan.h"
#include "harness/results/store.h"

/* Cells, order of the first round, counts and estimated time. */
void run_show_plan(const struct plan *p, uint64_t seed);
/* One line of totals of a plan. */
void run_show_estimate(const struct plan *p, FILE *out);
/* What a run lacks (engine_config.missing): cells with their numbers of samples, and the totals. */
void run_show_missing(const json_t *missing, const struct engine_result *r);
/* Workloads by subjects, each failure with its sentence, and `N passed, N failed, N skipped`. */
void run_show_smoke(const struct plan *p, const struct store *s, const struct engine_result *r);
/* The samples that failed, one line per (cell, subject, sentence). */
void run_show_failures(const struct store *s, FILE *out);

#endif
