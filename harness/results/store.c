/*
 * store.c - run.json by replacement, samples.jsonl by appending.
 *
 * Why it survives a kill. A sample is one write(2) of one line to a file opened with O_APPEND: a process that is
 * killed has written all of it or (disk full, machine lost) a piece without its newline. run.json is never changed in
 * place. So at any moment the folder is a valid run with at most one torn last line, and that line is cut off on
 * resuming. A line that has its newline was finished by somebody: where it does not parse it is left alone and told,
 * never deleted. Rejected: a database (a reader then needs one too), and rewriting one JSON file (a kill loses everything).
 *
 *      I1  A line that store_append returned 0 for is in the file completely.
 *      I2  No key is in the file twice: a second append of a key is a caller's bug.
 *      I3  At most one process has the folder open for writing (an exclusive lock on samples.jsonl).
 */
#include "harness/results/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/plan/jsonx.h"

#define RUN_FILE "run.json"
#define SAMPLES_FILE "samples.jsonl"
#define RUN_SCHEMA "switchyard.run/1"
#define SAMPLE_SCHEMA "switchyard.sample/1"

/* One thread uses a store. */
struct store {
	char *dir;
	int fd; /* samples.jsonl, O_APPEND, locked */
	off_t size; /* where the last complete line ends */
	json_t *run; /* as in run.json */
	json_t *by_key; /* key -> sample */
	json_t *warnings; /* lines that were not understood, in words */
};

static char *path_in(const char *dir, const char *name)
{
	return xformat("%s/%s", dir, name);
}

static int make_directories(const char *dir, struct err *err)
{
	char *path = xstrdup(dir);
	int rc = 0;

	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0777) < 0 && errno != EEXIST) {
			rc = err_set(err, -errno, "cannot make the folder %.300s: %s", path, strerror(errno));
			break;
		}
		if (!slash)
			break;
		*slash = '/';
	}
	free(path);
	return rc;
}

static int write_all(int fd, const char *buf, size_t n)
{
	while (n) {
		ssize_t done = write(fd, buf, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		buf += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Write `value` to a new file, make it durable, give it the name. */
static int replace_run_file(const char *dir, const json_t *value, struct err *err)
{
	char *text = json_dumps(value, JSON_INDENT(1)), *path = path_in(dir, RUN_FILE),
	     *fresh = path_in(dir, RUN_FILE ".new");
	int fd = -1, rc;

	if (!text) {
		rc = err_set(err, -EINVAL, "%s: the run is not valid JSON", path);
		goto out;
	}
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	rc = fd < 0 ? -errno : write_all(fd, text, strlen(text));
	if (!rc)
		rc = write_all(fd, "\n", 1);
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	if (!rc && rename(fresh, path) < 0)
		rc = -errno;
	if (rc) {
		err_set(err, rc, "cannot write %.300s: %s", path, strerror(-rc));
		(void)unlink(fresh);
	}
out:
	if (fd >= 0)
		close(fd);
	free(text);
	free(path);
	free(fresh);
	return rc;
}

static int open_samples(struct store *s, int flags, struct err *err)
{
	char *path = path_in(s->dir, SAMPLES_FILE);
	int rc = 0;

	s->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | flags, 0666);
	if (s->fd < 0)
		rc = err_set(err, -errno, "cannot open %.300s: %s", path, strerror(errno));
	else if (flock(s->fd, LOCK_EX | LOCK_NB) < 0)
		rc = err_set(err, -EBUSY, "another process is writing to %.300s", s->dir); /* I3 */
	free(path);
	return rc;
}

static struct store *new_store(const char *dir)
{
	struct store *s = xcalloc(1, sizeof *s);

	s->dir = xstrdup(dir);
	s->fd = -1;
	s->by_key = json_object();
	s->warnings = json_array();
	return s;
}

/* An empty file without run.json is a run killed in its first moment; lines in it are somebody's measurements. */
static int refuse_samples(const struct store *s, struct err *err)
{
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return err_set(err, -errno, "cannot look at the samples of %.300s: %s", s->dir, strerror(errno));
	if (st.st_size == 0)
		return 0;
	return err_set(err, -EEXIST,
		       "%.300s has samples but no " RUN_FILE
		       ": bring it back and go on with --resume, or choose another "
		       "folder",
		       s->dir);
}

int store_create(const char *dir, const json_t *run, struct store **out, struct err *err)
{
	struct store *s;
	char *path;
	int rc;

	*out = NULL;
	rc = make_directories(dir, err);
	if (rc)
		return rc;
	path = path_in(dir, RUN_FILE);
	rc = access(path, F_OK);
	free(path);
	if (rc == 0)
		return err_set(err, -EEXIST, "%.300s holds a run already (--resume goes on with it)", dir);
	s = new_store(dir);
	rc = open_samples(s, O_CREAT, err);
	if (!rc)
		rc = refuse_samples(s, err);
	if (!rc)
		rc = replace_run_file(dir, run, err);
	if (rc) {
		store_close(s);
		return rc;
	}
	s->run = json_deep_copy(run);
	*out = s;
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------------------- */

static int load_run(const char *dir, json_t **out, struct err *err)
{
	char *path = path_in(dir, RUN_FILE);
	const char *schema;
	json_error_t je;
	int rc = 0;

	*out = NULL;
	if (access(path, R_OK) < 0) {
		rc = err_set(err, -errno, "%.300s is not a run: %s: %s", dir, RUN_FILE, strerror(errno));
		goto out;
	}
	*out = json_load_file(path, 0, &je);
	schema = jsonx_str(*out, "schema");
	if (!*out)
		rc = err_set(err, -EINVAL, "%.300s is not JSON: line %d: %s", path, je.line, je.text);
	else if (!schema || strcmp(schema, RUN_SCHEMA) != 0)
		rc = err_set(err, -EINVAL, "%.300s is not of schema " RUN_SCHEMA, path);
	if (rc) {
		json_decref(*out);
		*out = NULL;
	}
out:
	free(path);
	return rc;
}

/* The whole file, NUL-terminated. */
static int read_file(int fd, char **out, size_t *size)
{
	struct stat st;
	size_t used = 0;
	char *buf;

	if (fstat(fd, &st) < 0)
		return -errno;
	buf = xcalloc((size_t)st.st_size + 1, 1);
	while (used < (size_t)st.st_size) {
		ssize_t n = pread(fd, buf + used, (size_t)st.st_size - used, (off_t)used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int rc = -errno;

			free(buf);
			return rc;
		}
		if (n == 0)
			break;
		used += (size_t)n;
	}
	buf[used] = '\0';
	*out = buf;
	*size = used;
	return 0;
}

/* A line as a sample, or NULL and why not. */
static json_t *parse_sample(const char *line, size_t n, struct err *why)
{
	json_error_t je;
	json_t *v = json_loadb(line, n, 0, &je);
	const char *schema = jsonx_str(v, "schema");

	if (!v)
		err_set(why, 0, "%s", je.text);
	else if (!schema || strcmp(schema, SAMPLE_SCHEMA) != 0)
		err_set(why, 0, "it is not of schema " SAMPLE_SCHEMA);
	else if (!jsonx_str(v, "key"))
		err_set(why, 0, "it has no key");
	else
		return v;
	json_decref(v);
	return NULL;
}

/*
 * Call `take` for each good line and add a warning for each bad one. *whole_end is the offset behind the last line that
 * has its newline: what lies behind it is what a killed run leaves.
 */
static void read_lines(const char *text, size_t size, void (*take)(void *arg, json_t *sample), void *arg,
		       json_t *warnings, size_t *whole_end)
{
	size_t at = 0, number = 0;

	*whole_end = 0;
	while (at < size) {
		const char *newline = memchr(text + at, '\n', size - at);
		size_t n = newline ? (size_t)(newline - text) - at : size - at;
		struct err why = {{0}};
		json_t *sample;

		number++;
		sample = newline ? parse_sample(text + at, n, &why) : NULL;
		if (!newline)
			err_set(&why, 0, "it is torn: it has no end");
		if (newline)
			*whole_end = at + n + 1;
		if (sample) {
			take(arg, sample);
		} else {
			char *w = xformat(SAMPLES_FILE " line %zu is ignored: %s", number, ERR_TEXT(why));

			json_array_append_new(warnings, json_string(w));
			free(w);
		}
		at += n + 1;
	}
}

static void take_into_keys(void *by_key, json_t *sample)
{
	json_object_set_new(by_key, jsonx_str(sample, "key"), sample);
}

static void take_into_array(void *array, json_t *sample)
{
	json_array_append_new(array, sample);
}

/* Read the samples behind `fd` into the store; *torn is the length of a last line without its end. */
static int read_samples(struct store *s, int fd, size_t *torn, struct err *err)
{
	char *text = NULL;
	size_t size = 0, whole_end;
	int rc = read_file(fd, &text, &size);

	if (rc)
		return err_set(err, rc, "cannot read the samples of %.300s: %s", s->dir, strerror(-rc));
	read_lines(text, size, take_into_keys, s->by_key, s->warnings, &whole_end);
	free(text);
	s->size = (off_t)whole_end;
	*torn = size - whole_end;
	return 0;
}

int store_resume(const char *dir, struct store **out, struct err *err)
{
	struct store *s = new_store(dir);
	size_t torn = 0;
	int rc;

	*out = NULL;
	rc = load_run(dir, &s->run, err);
	if (!rc)
		rc = open_samples(s, O_CREAT, err);
	if (!rc)
		rc = read_samples(s, s->fd, &torn, err);
	if (!rc && torn && ftruncate(s->fd, s->size) < 0)
		rc = err_set(err, -errno, "cannot cut the torn last line off the samples of %.300s: %s", dir,
			     strerror(errno));
	if (rc) {
		store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

int store_peek(const char *dir, struct store **out, struct err *err)
{
	struct store *s = new_store(dir);
	char *path = path_in(dir, SAMPLES_FILE);
	size_t torn;
	int fd, rc;

	*out = NULL;
	rc = load_run(dir, &s->run, err);
	fd = rc ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (!rc && fd < 0 && errno != ENOENT) /* none: killed before the first sample */
		rc = err_set(err, -errno, "cannot open %.300s: %s", path, strerror(errno));
	if (fd >= 0) {
		rc = read_samples(s, fd, &torn, err);
		close(fd);
	}
	free(path);
	if (rc) {
		store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

const json_t *store_warnings(const struct store *s)
{
	return s->warnings;
}

int store_load(const char *dir, json_t **run, json_t **samples, json_t **warnings, struct err *err)
{
	char *path = path_in(dir, SAMPLES_FILE), *text = NULL;
	size_t size = 0, whole_end;
	int fd, rc;

	*samples = *warnings = NULL;
	rc = load_run(dir, run, err);
	if (rc)
		goto out;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	rc = fd < 0 ? -errno : read_file(fd, &text, &size);
	if (fd >= 0)
		close(fd);
	if (rc) {
		err_set(err, rc, "cannot read %.300s: %s", path, strerror(-rc));
		json_decref(*run);
		*run = NULL;
		goto out;
	}
	*samples = json_array();
	*warnings = json_array();
	read_lines(text, size, take_into_array, *samples, *warnings, &whole_end);
out:
	free(text);
	free(path);
	return rc;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

int store_append(struct store *s, const json_t *sample, struct err *err)
{
	const char *key = jsonx_str(sample, "key");
	char *text;
	size_t n;
	ssize_t done;

	if (s->fd < 0)
		return err_set(err, -EBADF, "%.300s was opened for looking only", s->dir);
	if (!key || json_object_get(s->by_key, key)) /* I2 */
		return err_set(err, -EINVAL, "sample %s: the key is missing or stored already", key ? key : "(none)");
	text = json_dumps(sample, JSON_COMPACT);
	if (!text)
		return err_set(err, -EINVAL, "sample %s is not valid JSON", key);
	n = strlen(text);
	text[n++] = '\n'; /* the terminator's place: the length is known */
	do
		done = write(s->fd, text, n);
	while (done < 0 && errno == EINTR);
	free(text);
	if (done != (ssize_t)n) {
		int rc = done < 0 ? -errno : -ENOSPC;

		if (done > 0 && ftruncate(s->fd, s->size) < 0) /* else the next line would grow onto the piece */
			rc = -errno;
		return err_set(err, rc, "cannot append to the samples of %.300s: %s", s->dir, strerror(-rc));
	}
	s->size += (off_t)n; /* I1 */
	json_object_set_new(s->by_key, key, json_deep_copy(sample));
	return 0;
}

const json_t *store_find(const struct store *s, const char *key)
{
	return json_object_get(s->by_key, key);
}

int store_update_run(struct store *s, const json_t *run, struct err *err)
{
	int rc = replace_run_file(s->dir, run, err);

	if (rc == 0) {
		json_t *copy = json_deep_copy(run); /* run may be s->run itself */

		json_decref(s->run);
		s->run = copy;
	}
	return rc;
}

const json_t *store_run(const struct store *s)
{
	return s->run;
}

size_t store_count(const struct store *s)
{
	return json_object_size(s->by_key);
}

void store_each(const struct store *s, void (*visit)(void *arg, const json_t *sample), void *arg)
{
	const char *key;
	json_t *sample;

	json_object_foreach (s->by_key, key, sample)
		visit(arg, sample);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	json_decref(s->run);
	json_decref(s->by_key);
	json_decref(s->warnings);
	free(s->dir);
	free(s);
}
