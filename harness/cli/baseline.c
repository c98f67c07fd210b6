#include "harness/cli/baseline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/plan/jsonx.h"
#include "harness/plan/session.h"
#include "harness/plan/sha256.h"

#define BASELINES "results/baselines"

char *run_find(const char *name)
{
	char *tries[] = {xformat("results/%s", name), xformat("%s/%s", BASELINES, name)}, *found = NULL;

	for (size_t i = 0; i < 2 && !found && access(name, F_OK) != 0; i++)
		if (access(tries[i], F_OK) == 0)
			found = xstrdup(tries[i]);
	free(tries[0]);
	free(tries[1]);
	return found ? found : xstrdup(name);
}

int baseline_check_name(const char *name, struct err *err)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+";

	if (*name && *name != '.' && strspn(name, good) == strlen(name))
		return 0;
	return err_set(err, -EINVAL,
		       "--save-baseline is '%.60s', a name has letters, digits and - _ . + and begins with no dot",
		       name);
}

static int copy_content(int from, int to)
{
	struct stat st;
	ssize_t n = 1;

	if (fstat(from, &st) < 0 || fchmod(to, st.st_mode & 0777) < 0)
		return -errno;
	while (n > 0)
		n = sendfile(to, from, NULL, 1 << 20);
	return n < 0 ? -errno : 0;
}

static int copy_file(const char *from, const char *to, struct err *err)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out, rc;

	if (in < 0)
		return err_set(err, -errno, "cannot open %.300s: %s", from, strerror(errno));
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	rc = out < 0 ? -errno : copy_content(in, out);
	close(in);
	if (out >= 0 && close(out) < 0 && rc == 0)
		rc = -errno;
	return rc ? err_set(err, rc, "cannot copy %.300s to %.300s: %s", from, to, strerror(-rc)) : 0;
}

/* A binary that is still what the run measured. */
static bool is_same_binary(const char *path, const char *sha256)
{
	char digest[65];

	return path && sha256 && sha256_file(path, digest) == 0 && strcmp(digest, sha256) == 0;
}

static int copy_subjects(const char *dir, const char *to, unsigned *n_lost, struct err *err)
{
	char *path = xformat("%s/run.json", dir);
	json_t *run = json_load_file(path, 0, NULL), *subject;
	size_t i;
	int rc = 0;

	free(path);
	json_array_foreach (json_object_get(run, "subjects"), i, subject) {
		const char *binary = jsonx_str(subject, "path"), *model = jsonx_str(subject, "model");
		const char *id = jsonx_str(subject, "id");
		char *copy;

		if (rc || !model || !id || strcmp(id, model) != 0)
			continue; /* a variant is the binary of its model, another build is not this one's */
		if (!is_same_binary(binary, jsonx_str(subject, "sha256"))) {
			++*n_lost;
			continue;
		}
		copy = xformat("%s/subject-%s", to, model);
		rc = copy_file(binary, copy, err);
		free(copy);
	}
	json_decref(run);
	return rc;
}

static int copy_all(const char *dir, const char *to, unsigned *n_lost, struct err *err)
{
	static const char *const files[] = {"run.json", "samples.jsonl", "report.json"};
	char *subjects = xformat("%s/subjects", to);
	int rc = mkdir(to, 0777) < 0 || mkdir(subjects, 0777) < 0
			 ? err_set(err, -errno, "cannot make the folder %.300s: %s", to, strerror(errno))
			 : 0;

	for (size_t i = 0; i < sizeof files / sizeof *files && rc == 0; i++) {
		char *from = xformat("%s/%s", dir, files[i]), *copy = xformat("%s/%s", to, files[i]);

		rc = copy_file(from, copy, err);
		free(from);
		free(copy);
	}
	if (rc == 0)
		rc = copy_subjects(dir, subjects, n_lost, err);
	free(subjects);
	return rc;
}

/* Give the complete new one its name. Where the filesystem can exchange two names, a kill leaves a whole baseline under it. */
static int replace_baseline(const char *fresh, const char *path, struct err *err)
{
	int rc = renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_EXCHANGE);

	if (rc == 0) { /* the old one has the new one's name now */
		session_remove_tree(fresh);
		return 0;
	}
	if (errno != ENOENT) /* a filesystem that cannot exchange */
		session_remove_tree(path);
	rc = rename(fresh, path) < 0 ? -errno : 0;
	return rc ? err_set(err, rc, "cannot rename %.300s to %.300s: %s", fresh, path, strerror(-rc)) : 0;
}

int baseline_save(const char *dir, const char *name, unsigned *n_lost, struct err *err)
{
	char *path = xformat("%s/%s", BASELINES, name), *fresh = xformat("%s/.%s.new", BASELINES, name);
	int rc = 0;

	*n_lost = 0;
	(void)mkdir("results", 0777); /* where they cannot be made, the copying says so */
	(void)mkdir(BASELINES, 0777);
	session_remove_tree(fresh);
	rc = copy_all(dir, fresh, n_lost, err);
	if (rc == 0)
		rc = replace_baseline(fresh, path, err);
	if (rc)
		session_remove_tree(fresh);
	free(path);
	free(fresh);
	return rc;
}

char *baseline_subjects(const char *dir)
{
	char *path = xformat("%s/subjects", dir);
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return path;
	free(path);
	return NULL;
}
