/*
 * describe.c - what a subject says of itself: `--describe` is run, and what it prints is checked whole, so that nobody behind
 * this has to ask whether a name is there or a number is one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/plan/catalog.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/knee.h"

enum {
	DESCRIBE_MAX = 4 << 20, /* bytes: grows with the number of workloads; arbitrary */
	DESCRIBE_TIMEOUT_MS = 20000, /* a cold interpreter on a loaded machine needs seconds; arbitrary */
};

extern char **environ;

static const char *const scaling_names[] = {"linear", "finite", "server", "state"};
static const char *const metric_names[] = {
	[METRIC_WALL_PER_OP] = "wall_per_op",       [METRIC_CPU_PER_OP] = "cpu_per_op",
	[METRIC_BYTES_PER_TASK] = "bytes_per_task", [METRIC_DELAY_P50] = "delay_p50",
	[METRIC_DELAY_P99] = "delay_p99",
};

const char *scaling_name(enum scaling s)
{
	return scaling_names[s];
}

const char *metric_name(enum metric m)
{
	return metric_names[m];
}

const char *metric_unit(enum metric m)
{
	if (m == METRIC_DELAY_P50 || m == METRIC_DELAY_P99)
		return "ns";
	return m == METRIC_BYTES_PER_TASK ? "B/task" : "ns/op";
}

static int find_name(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; name && i < n; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

int scaling_find(const char *name)
{
	return find_name(scaling_names, sizeof scaling_names / sizeof scaling_names[0], name);
}

int metric_find(const char *name)
{
	return find_name(metric_names, sizeof metric_names / sizeof metric_names[0], name);
}

/* ---- running --describe ---------------------------------------------------------------------------------- */

/* Everything that fd gives until its end, NUL-terminated, or NULL: too much, too late or a read error. */
static char *read_all(int fd, struct err *err)
{
	uint64_t deadline = clock_now_ns() + DESCRIBE_TIMEOUT_MS * CLOCK_NS_PER_MSEC;
	char *buf = NULL;
	size_t used = 0, size = 0;

	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		ssize_t got;
		int rc;

		if (size - used < 4096) {
			size = size ? size * 2 : 65536;
			buf = xgrow(buf, size + 1, 1);
		}
		rc = poll(&pfd, 1, clock_ms_until(deadline));
		if (rc < 0 && errno == EINTR)
			continue;
		if (rc == 0) {
			err_set(err, 0, "did not end its --describe within %d s", DESCRIBE_TIMEOUT_MS / 1000);
			break;
		}
		got = read(fd, buf + used, size - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (rc < 0 || got < 0) {
			err_set(err, 0, "cannot read its --describe: %s", strerror(errno));
			break;
		}
		used += (size_t)got;
		if (got == 0) {
			buf[used] = '\0';
			return buf;
		}
		if (used > DESCRIBE_MAX) {
			err_set(err, 0, "its --describe is longer than %d bytes", DESCRIBE_MAX);
			break;
		}
	}
	free(buf);
	return NULL;
}

static int spawn_describe(const char *path, pid_t *pid, int *fd, struct err *err)
{
	char *argv[] = {(char *)path, "--describe", NULL};
	posix_spawn_file_actions_t actions;
	int pipe_fd[2], rc;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	rc = posix_spawn(pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fd[1]);
	if (rc) {
		close(pipe_fd[0]);
		return err_set(err, -rc, "cannot be started: %s", strerror(rc));
	}
	*fd = pipe_fd[0];
	return 0;
}

int catalog_describe(const char *path, json_t **out, struct err *err)
{
	json_error_t je;
	char *text;
	pid_t pid;
	int fd = -1, status, rc;

	*out = NULL;
	rc = spawn_describe(path, &pid, &fd, err);
	if (rc)
		return rc;
	text = read_all(fd, err);
	close(fd);
	if (!text)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!text)
		return -EPROTO;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		rc = WIFSIGNALED(status)
			     ? err_set(err, -EPROTO, "its --describe died of signal %d", WTERMSIG(status))
			     : err_set(err, -EPROTO, "its --describe exits with code %d", WEXITSTATUS(status));
	} else {
		*out = json_loads(text, 0, &je);
		if (!*out)
			rc = err_set(err, -EPROTO, "its --describe is not one JSON object (line %d: %s)", je.line,
				     je.text);
	}
	free(text);
	if (*out && (rc = catalog_check_describe(*out, err)) != 0) {
		json_decref(*out);
		*out = NULL;
	}
	return rc;
}

/* ---- checking what it says ------------------------------------------------------------------------------- */

static int check_param(const char *w, const json_t *p, struct err *err)
{
	const char *name = jsonx_str(p, "name"), *kind = jsonx_str(p, "kind");
	const json_t *choices = json_object_get(p, "choices"), *choice;
	size_t i;

	if (!name || !*name || !kind)
		return err_set(err, -EPROTO, "workload '%.60s': a parameter has no name or kind", w);
	if (strcmp(kind, "int") == 0) {
		if (!json_is_integer(json_object_get(p, "default")) || !json_is_integer(json_object_get(p, "min")) ||
		    !json_is_integer(json_object_get(p, "max")) || !json_is_integer(json_object_get(p, "smoke")))
			return err_set(err, -EPROTO,
				       "workload '%.60s': parameter '%.40s' needs whole numbers default, min, "
				       "max and smoke",
				       w, name);
		return 0;
	}
	if (strcmp(kind, "choice") != 0)
		return err_set(err, -EPROTO,
			       "workload '%.60s': parameter '%.40s' is of kind '%.20s', known are int and choice", w,
			       name, kind);
	if (json_array_size(choices) == 0 || !jsonx_str(p, "default") || !jsonx_str(p, "smoke"))
		return err_set(err, -EPROTO, "workload '%.60s': parameter '%.40s' needs choices, default and smoke", w,
			       name);
	json_array_foreach (choices, i, choice)
		if (!json_is_string(choice))
			return err_set(err, -EPROTO, "workload '%.60s': a choice of parameter '%.40s' is no text", w,
				       name);
	return 0;
}

static int check_params(const char *w, const json_t *params, struct err *err)
{
	const json_t *p;
	size_t i;

	if (!json_is_array(params))
		return err_set(err, -EPROTO, "workload '%.60s' has no list params", w);
	if (json_array_size(params) > CATALOG_MAX_PARAMS)
		return err_set(err, -EPROTO, "workload '%.60s' has more than %d parameters", w, CATALOG_MAX_PARAMS);
	json_array_foreach (params, i, p) {
		int rc = check_param(w, p, err);

		for (size_t j = 0; j < i && rc == 0; j++)
			if (strcmp(jsonx_str(json_array_get(params, j), "name"), jsonx_str(p, "name")) == 0)
				rc = err_set(err, -EPROTO, "workload '%.60s' has parameter '%.40s' twice", w,
					     jsonx_str(p, "name"));
		if (rc)
			return rc;
	}
	return 0;
}

static int check_workload(const json_t *w, struct err *err)
{
	const char *name = jsonx_str(w, "name");
	int rc;

	if (!name || !strchr(name, '/'))
		return err_set(err, -EPROTO, "a workload has no name of the form family/name");
	if (!json_is_integer(json_object_get(w, "version")))
		return err_set(err, -EPROTO, "workload '%.60s' has no version", name);
	if (scaling_find(jsonx_str(w, "scaling")) < 0)
		return err_set(err, -EPROTO, "workload '%.60s': scaling is none of linear, finite, server, state",
			       name);
	if (metric_find(jsonx_str(w, "metric")) < 0)
		return err_set(err, -EPROTO,
			       "workload '%.60s': metric is none of wall_per_op, cpu_per_op, bytes_per_task, "
			       "delay_p50, delay_p99",
			       name);
	if (jsonx_int(w, "ops_quantum", 1) > UINT32_MAX)
		return err_set(err, -EPROTO, "workload '%.60s': ops_quantum is 2^32 or more", name);
	rc = check_params(name, json_object_get(w, "params"), err);
	return rc ? rc : knee_check(w, err);
}

/* A version and its year stand in tables: they are text of one line, and a year. */
static int check_release(const json_t *d, struct err *err)
{
	const json_t *version = json_object_get(d, "version"), *year = json_object_get(d, "year");

	if (version && !json_is_string(version))
		return err_set(err, -EPROTO, "its version is no text");
	if (!year || json_is_null(year))
		return 0;
	if (!version || jsonx_int(d, "year", 0) < 1970 || jsonx_int(d, "year", 0) > 9999)
		return err_set(err, -EPROTO,
			       version ? "its year is no year: a whole number such as 2023, or null"
				       : "it tells a year, and no version that would be of that year");
	return 0;
}

static int check_lacks(json_t *lacks, struct err *err)
{
	const char *name;
	json_t *why;

	if (lacks && !json_is_object(lacks))
		return err_set(err, -EPROTO, "its lacks is not an object of workload: reason");
	json_object_foreach (lacks, name, why)
		if (!strchr(name, '/') || !json_is_string(why) || !*json_string_value(why))
			return err_set(err, -EPROTO,
				       "its lacks: '%.60s' is no family/name or family/*, or has no reason", name);
	return 0;
}

int catalog_check_describe(const json_t *d, struct err *err)
{
	const char *id = jsonx_str(d, "id");
	const json_t *w;
	size_t i;

	if (!json_is_object(d))
		return err_set(err, -EPROTO, "its --describe is not a JSON object");
	if (jsonx_int(d, "protocol", -1) != 1)
		return err_set(err, -EPROTO, "its --describe does not say \"protocol\":1");
	if (!id || !*id || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(id))
		return err_set(err, -EPROTO, "its id is missing or has characters other than a-z 0-9 - _ .");
	if (!json_is_array(json_object_get(d, "workloads")))
		return err_set(err, -EPROTO, "its --describe has no list workloads");
	if (check_release(d, err) != 0 || check_lacks(json_object_get(d, "lacks"), err) != 0)
		return -EPROTO;
	json_array_foreach (json_object_get(d, "workloads"), i, w) {
		int rc = check_workload(w, err);

		if (rc)
			return rc;
	}
	return 0;
}
