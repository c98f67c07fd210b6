/*
 * run_session.h - all that belongs to one run while a command takes its samples: `run`, and `cross`, which goes on
 * adding cells to the same run.
 */
#ifndef RUN_SESSION_H
#define RUN_SESSION_H

#include "harness/cli/cli.h"
#include "harness/cli/options.h"
#include "harness/cli/run_request.h"
#include "harness/measure/cachegrind.h"
#include "harness/measure/measure.h"
#include "harness/plan/engine.h"

/* All of one run; freed together. */
struct run {
	struct options o;
	struct session_places places;
	struct catalog *catalog;
	struct topology *topology;
	struct plan *plan;
	struct store *store;
	struct oracle *oracle;
	struct cachegrind *cachegrind; /* NULL: nothing is simulated */
	json_t *request; /* what selects the cells */
	uint64_t seed;
	int64_t budget_ns; /* 0: none */
	char *run_id, *dir;
	char *data_path; /* where files of workloads will be */
	char *data_dir; /* the same, made, as an absolute path; NULL: not made yet */
	const struct run_order *order; /* not NULL: what the command that called has decided */
	struct err err;
};

bool run_is_smoke(const struct run *r);

json_t *run_budget_json(const struct run *r);
/* Where the run and its files will be, from --out; nothing is made. */
void run_choose_folders(struct run *r);
/* Make the run's folder, with run.json as it is at the start: `command` and the words behind it, or the order's. */
int run_create_folder(struct run *r, const char *command, int argc, char **argv);
/* run.json says that it is finished. */
int run_note_finished(struct run *r, bool is_complete);

/* SIGINT, SIGTERM and SIGHUP end the sample under way, and the run. */
void run_catch_signals(void);
/* Who knows what a correct run must have done: our serial subject, or the first that can tell. Needs the plan. */
void run_start_oracle(struct run *r);
/* What runs the plan, but for the samples' environment. */
struct engine_config run_engine(struct run *r, struct progress *progress);
/* With --simulate-cache: valgrind, and the caches of the CPU that the plan's first cell runs on. Needs the plan. */
int run_find_cachegrind(struct run *r);
/* Take what is missing, for `budget_ns` at most (0: without end). */
int run_execute(struct run *r, int64_t budget_ns, struct engine_result *result);

void run_clear(struct run *r);

#endif
