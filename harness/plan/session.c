#include "harness/plan/session.h"

#include <errno.h>
#include <ftw.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "build_info.h"
#include "harness/measure/measure.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/sha256.h"

/* ---- places ---------------------------------------------------------------------------------------------- */

int session_find_places(struct session_places *out, struct err *err)
{
	char exe[4096], *slash;
	const char *more = getenv("SWITCHYARD_SUBJECTS");
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

	if (n < 0)
		return err_set(err, -errno, "cannot read /proc/self/exe: %s", strerror(errno));
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	out->exe_dir = xstrdup(exe);
	out->subject_dirs = xformat("%s/subjects%s%s", exe, more && *more ? ":" : "", more ? more : "");
	out->loadgen = xformat("%s/switchyard-loadgen", exe);
	return 0;
}

void session_free_places(struct session_places *p)
{
	free(p->exe_dir);
	free(p->subject_dirs);
	free(p->loadgen);
}

int session_plan_path(const struct session_places *p, const char *name, char **out, struct err *err)
{
	/* Beside the executable (installed), in the tree that it was built in, in the tree as CMake knew it. */
	char *tries[] = {
		xformat("%s/plans/%s.json", p->exe_dir, name),
		xformat("%s/../../harness/plan/plans/%s.json", p->exe_dir, name),
#ifdef SWITCHYARD_SOURCE_DIR
		xformat("%s/harness/plan/plans/%s.json", SWITCHYARD_SOURCE_DIR, name),
#endif
	};
	size_t n = sizeof tries / sizeof *tries;

	*out = NULL;
	if (strchr(name, '/') || strchr(name, '.')) {
		if (access(name, R_OK) == 0)
			*out = xstrdup(name);
	} else {
		for (size_t i = 0; i < n && !*out; i++)
			if (access(tries[i], R_OK) == 0)
				*out = xstrdup(tries[i]);
	}
	for (size_t i = 0; i < n; i++)
		free(tries[i]);
	if (*out)
		return 0;
	return err_set(err, -ENOENT, "there is no plan '%.200s': give default, full or the path of a plan file", name);
}

/* ---- names and times ------------------------------------------------------------------------------------- */

static char *time_text(const char *format)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[40];

	if (!gmtime_r(&now, &tm) || strftime(text, sizeof text, format, &tm) == 0)
		return xstrdup("19700101T000000Z");
	return xstrdup(text);
}

char *session_now(void)
{
	return time_text("%Y-%m-%dT%H:%M:%SZ");
}

char *session_run_id(void)
{
	char host[65] = "host", *stamp = time_text("%Y%m%dT%H%M%SZ"), *id;

	(void)gethostname(host, sizeof host - 1); /* a run has a name without it */
	for (char *c = host; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *c))
			*c = '-';
	id = xformat("%s-%s", stamp, host);
	free(stamp);
	return id;
}

char *session_choose_dir(const char *out, const char *id, const char *suffix)
{
	char *dir = out ? xstrdup(out) : xformat("results/%s%s", id, suffix);

	for (unsigned i = 2; !out && access(dir, F_OK) == 0 && i < 100; i++) { /* two runs in one second */
		free(dir);
		dir = xformat("results/%s%s-%u", id, suffix, i);
	}
	return dir;
}

/* ---- run.json -------------------------------------------------------------------------------------------- */

/* Below the working directory: a record that is published need not say where its author keeps the source. */
static const char *path_from_here(const char *path)
{
	char here[4096];
	size_t n;

	if (!getcwd(here, sizeof here))
		return path;
	n = strlen(here);
	return strncmp(path, here, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static json_t *subjects_json(const struct catalog *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_subjects; i++) {
		const struct subject *s = &c->subjects[i];
		char digest[65];
		bool known = sha256_file(s->path, digest) == 0;

		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:s, s:s?, s:O}", "id", s->id, "model", s->model,
						"knobs", s->knobs ? s->knobs : "", "path", path_from_here(s->path),
						"sha256", known ? digest : NULL, "describe", s->describe));
	}
	return list;
}

json_t *session_run_json(const char *run_id, const struct catalog *c, const struct plan *p, const json_t *request,
			 const json_t *command, uint64_t seed, double estimate_s, json_t *host)
{
	char *now = session_now();
	json_t *run;

	run = json_pack("{s:s, s:o, s:s, s:O, s:o, s:s, s:n, s:b, s:[], s:o, s:o, s:o, s:O, s:O, s:O}", "schema",
			"switchyard.run/1", "tool",
			json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:s}", "name", "switchyard", "version",
				  BUILD_VERSION, "git_rev", BUILD_GIT_REV, "git_dirty", BUILD_GIT_DIRTY, "build_type",
				  BUILD_TYPE, "cc", BUILD_CC, "cflags", BUILD_CFLAGS, "sanitize", BUILD_SANITIZE),
			"run_id", run_id, "command", command, "seed", jsonx_hex(seed), "started", now, "finished",
			"complete", 0, "resumed", "plan", plan_json(p, jsonx_str(request, "filter"), estimate_s),
			"subjects", subjects_json(c), "host", host ? host : json_null(), "request", request, "warnings",
			c->warnings, "not_built", c->not_built);
	free(now);
	return run;
}

static const json_t *find_by_id(const json_t *list, const char *id)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (jsonx_str(item, "id") && strcmp(jsonx_str(item, "id"), id) == 0)
			return item;
	return NULL;
}

int session_check_same(const json_t *run, const struct catalog *c, const struct plan *p, struct err *err)
{
	const json_t *cells = json_object_get(json_object_get(run, "plan"), "cells");
	const json_t *subjects = json_object_get(run, "subjects"), *was;

	if (json_array_size(cells) != p->n_cells)
		return err_set(err, -EINVAL, "the run was of %zu cells, here and now it would be of %zu",
			       json_array_size(cells), p->n_cells);
	for (size_t i = 0; i < p->n_cells; i++) {
		json_t *now = cell_json(&p->cells[i]);
		bool same = json_equal(now, json_array_get(cells, i));

		json_decref(now);
		if (!same)
			return err_set(err, -EINVAL, "cell '%.200s' is not what it was when the run began",
				       p->cells[i].id);
	}
	for (size_t i = 0; i < c->n_subjects; i++) {
		char digest[65] = "";
		const char *then;

		was = find_by_id(subjects, c->subjects[i].id);
		then = jsonx_str(was, "sha256");
		if (was && then && (sha256_file(c->subjects[i].path, digest) != 0 || strcmp(digest, then) != 0))
			return err_set(err, -EINVAL, "subject %s is another binary than when the run began (%.300s)",
				       c->subjects[i].id, c->subjects[i].path);
	}
	return 0;
}

/* ---- files of workloads ---------------------------------------------------------------------------------- */

bool session_is_in_memory(const char *dir)
{
	struct statfs fs;

	return statfs(dir, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

char *session_existing_folder(const char *path)
{
	char *folder = xstrdup(path), *slash;
	struct stat st;

	while (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode)) {
		slash = strrchr(folder, '/');
		if (!slash || slash == folder) {
			free(folder);
			return xstrdup(slash ? "/" : ".");
		}
		*slash = '\0';
	}
	return folder;
}

int session_check_data_dir(const char *wanted, struct err *err)
{
	struct stat st;

	if (stat(wanted, &st) < 0)
		return err_set(err, -EINVAL, "--data-dir %.300s: %s", wanted, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -EINVAL, "--data-dir %.300s is no folder", wanted);
	if (access(wanted, W_OK | X_OK) < 0)
		return err_set(err, -EINVAL, "--data-dir %.300s cannot be written to: %s", wanted, strerror(errno));
	if (session_is_in_memory(wanted))
		return err_set(err, -EINVAL,
			       "--data-dir %.300s is kept in memory: reading its files would not reach a disk", wanted);
	return 0;
}

char *session_choose_data_dir(const char *wanted, const char *run_dir, const char *run_id)
{
	char *folder, *path;

	if (wanted)
		return xformat("%s/switchyard-%s", wanted, run_id);
	folder = session_existing_folder(run_dir);
	if (!session_is_in_memory(folder) || session_is_in_memory("/var/tmp"))
		path = xformat("%s/data", run_dir);
	else
		path = xformat("/var/tmp/switchyard-%s", run_id);
	free(folder);
	return path;
}

int session_make_data_dir(const char *path, char **out, struct err *err)
{
	*out = NULL;
	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return err_set(err, -errno, "cannot make the folder %.300s: %s", path, strerror(errno));
	*out = realpath(path, NULL);
	if (!*out)
		return err_set(err, -errno, "cannot find %.300s: %s", path, strerror(errno));
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	(void)remove(path); /* what cannot be removed stays: the rest still goes */
	return 0;
}

void session_remove_tree(const char *dir)
{
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
