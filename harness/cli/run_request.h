/*
 * run_request.h - what selects a run's cells, as one JSON object: the request.
 *
 * A new run makes it from its options and keeps it in run.json; --resume takes it from there. Everything that follows
 * is made from the request alone, so a resumed run cannot be given another plan by accident.
 */
#ifndef RUN_REQUEST_H
#define RUN_REQUEST_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "harness/cli/options.h"
#include "harness/plan/catalog.h"
#include "harness/plan/plan.h"
#include "harness/plan/session.h"

/* How many cells a request can name ("cells": ids; a run that repeats a part of another one has it). */
enum { REQUEST_MAX_CELLS = 256 };

/* From the options: *out (a new reference) and the seed. Everything that needs no plan is checked. */
int request_make(const struct options *o, const struct session_places *places, const struct catalog *c, json_t **out,
		 uint64_t *seed, struct err *err);
int request_plan(const json_t *request, struct catalog *c, const struct topology *t, struct plan **out,
		 struct err *err);

/*
 * How long this process may measure, in *out; 0: without end. --budget, or what the plan was sized for and a quarter
 * more; where --rounds, --rigorous, --events, --trace or --simulate-cache ask for more than that, for as long as those samples take.
 */
int request_budget(const struct options *o, const json_t *request, const struct plan *p, int64_t *out, struct err *err);

/* Members that are lists of strings; borrowed. */
size_t request_strings(const json_t *request, const char *key, const char **out, size_t max);

/* The words of the command (`word`, then the arguments), with the options that variables gave (new reference). */
json_t *request_command(const struct options *o, const char *word, int argc, char **argv);

/* -EINVAL where an option was typed that --resume takes from the request. */
int request_check_resume(const struct options *o, struct err *err);

#endif
