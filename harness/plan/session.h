/*
 * session.h - a run from the outside: where things are, what run.json says, where files of workloads go.
 */
#ifndef SESSION_H
#define SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "harness/plan/catalog.h"
#include "harness/plan/plan.h"

/* Where this build's parts are, found from the executable that runs. */
struct session_places {
	char *exe_dir;
	char *subject_dirs; /* colon-separated: ours, then those of SWITCHYARD_SUBJECTS */
	char *loadgen;
};
int session_find_places(struct session_places *out, struct err *err);
void session_free_places(struct session_places *p);

/* The file of a plan given by name ("default") or path; the caller frees. -ENOENT with the places looked at. */
int session_plan_path(const struct session_places *p, const char *name, char **out, struct err *err);

/* `20261123T161500Z-host`; the caller frees. */
char *session_run_id(void);
/* `2026-11-23T16:15:00Z`; the caller frees. */
char *session_now(void);

/*
 * Everything that run.json says at the start. `request` is what --resume needs to build the same plan again (kept as it
 * is under "request"); `command` an array of strings.
 */
json_t *session_run_json(const char *run_id, const struct catalog *c, const struct plan *p, const json_t *request,
			 const json_t *command, uint64_t seed, double estimate_s, json_t *host);

/* -EINVAL with a sentence where the run cannot be gone on with: other cells, or a subject's binary has changed. */
int session_check_same(const json_t *run, const struct catalog *c, const struct plan *p, struct err *err);

/* -EINVAL with a sentence where files of workloads cannot lie in this folder of the user's; nothing is made. */
int session_check_data_dir(const char *wanted, struct err *err);
/* Where a run is written: `out` or, NULL, a folder below results/ that is not there yet, by id and suffix. The caller frees. */
char *session_choose_dir(const char *out, const char *id, const char *suffix);
/*
 * Where the files of a run's workloads will lie, on a real filesystem: below `wanted` (checked) or, NULL, in the run's
 * folder where that is on a disk. A path, not made yet; the caller frees.
 */
char *session_choose_data_dir(const char *wanted, const char *run_dir, const char *run_id);
/* Make it: absolute path in *out. Removed by session_remove_tree. */
int session_make_data_dir(const char *path, char **out, struct err *err);
/* The nearest folder above `path`, or itself, that exists: on its filesystem the path will be. The caller frees. */
char *session_existing_folder(const char *path);
/* Whether a folder is kept in memory only: then reading its files never reaches a disk. */
bool session_is_in_memory(const char *dir);
void session_remove_tree(const char *dir);

#endif
