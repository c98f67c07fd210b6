#include "harness/plan/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/plan/jsonx.h"
#include "harness/plan/knee.h"
#include "harness/plan/references.h"

#define MOST_OPS ((UINT64_C(1) << 53) - 1) /* the largest number of the protocol */

/* ---- building the catalog -------------------------------------------------------------------------------- */

static void warn(struct catalog *c, const char *path, const char *why)
{
	char *text = xformat("%s: %s; it is left out", path, why);

	json_array_append_new(c->warnings, json_string(text));
	free(text);
}

/* Takes the reference to what it says of itself. */
static void add_described(struct catalog *c, const char *path, json_t *d)
{
	json_t *capabilities = json_object_get(d, "capabilities");
	struct subject *s;

	if (catalog_subject(c, jsonx_str(d, "id"))) {
		warn(c, path, "a subject of this id was found before");
		json_decref(d);
		return;
	}
	c->subjects = xgrow(c->subjects, c->n_subjects + 1, sizeof *c->subjects);
	s = &c->subjects[c->n_subjects++];
	*s = (struct subject){
		.id = xstrdup(jsonx_str(d, "id")),
		.path = xstrdup(path),
		.model = xstrdup(jsonx_str(d, "id")),
		.describe = d,
		.can_calibrate = jsonx_bool(capabilities, "calibrate", false),
		.can_certify = jsonx_bool(capabilities, "certify", false),
		.can_trace = jsonx_bool(capabilities, "trace", false) || jsonx_str(capabilities, "native_trace"),
		.native_trace =
			jsonx_bool(capabilities, "trace", false) ? NULL : jsonx_str(capabilities, "native_trace"),
	};
}

static void add_subject(struct catalog *c, const char *path)
{
	struct err err;
	json_t *d;

	if (catalog_describe(path, &d, &err) != 0)
		warn(c, path, ERR_TEXT(err));
	else
		add_described(c, path, d);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void scan_directory(struct catalog *c, const char *dir)
{
	char **paths = NULL;
	size_t n = 0;
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d) {
		char *why = xformat("cannot be opened: %s", strerror(errno));

		warn(c, dir, why);
		free(why);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		struct stat st;
		char *path;

		if (strncmp(e->d_name, "subject-", 8) != 0)
			continue;
		path = xformat("%s/%s", dir, e->d_name);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0) {
			paths = xgrow(paths, n + 1, sizeof *paths);
			paths[n++] = path;
		} else {
			free(path);
		}
	}
	closedir(d);
	if (n)
		qsort(paths, n, sizeof *paths, compare_names);
	for (size_t i = 0; i < n; i++) {
		add_subject(c, paths[i]);
		free(paths[i]);
	}
	free(paths);
}

static void read_params(struct workload_def *w, const json_t *params)
{
	const json_t *p;
	size_t i;

	w->n_params = json_array_size(params);
	w->params = xcalloc(w->n_params, sizeof *w->params);
	json_array_foreach (params, i, p) {
		const char *unit = jsonx_str(p, "unit"), *help = jsonx_str(p, "help");

		w->params[i] = (struct param_def){
			.name = jsonx_str(p, "name"),
			.unit = unit ? unit : "",
			.help = help ? help : "",
			.is_choice = strcmp(jsonx_str(p, "kind"), "choice") == 0,
			.min = jsonx_int(p, "min", 0),
			.max = jsonx_int(p, "max", 0),
			.choices = json_object_get(p, "choices"),
			.dflt = json_object_get(p, "default"),
			.smoke = json_object_get(p, "smoke"),
		};
	}
}

static const char *text_or_empty(const json_t *o, const char *key)
{
	const char *s = jsonx_str(o, key);

	return s ? s : "";
}

static void define_workload(struct workload_def *w, const json_t *d)
{
	int64_t smoke_ops = jsonx_int(d, "smoke_ops", 1);

	free(w->params);
	*w = (struct workload_def){
		.name = jsonx_str(d, "name"),
		.summary = text_or_empty(d, "summary"),
		.op = text_or_empty(d, "op"),
		.fairness = text_or_empty(d, "fairness"),
		.version = (int)jsonx_int(d, "version", 0),
		.scaling = (enum scaling)scaling_find(jsonx_str(d, "scaling")),
		.metric = (enum metric)metric_find(jsonx_str(d, "metric")),
		.smoke_ops = smoke_ops > 0 ? (uint64_t)smoke_ops : 1,
	};
	read_params(w, json_object_get(d, "params"));
}

/* The quantum is that of the first subject that tells one: a foreign subject need not know it. */
static void define_quantum(struct workload_def *w, const json_t *d)
{
	int64_t quantum = jsonx_int(d, "ops_quantum", 1);

	if (w->ops_quantum > 1 || w->quantum_param)
		return;
	w->ops_quantum = quantum > 1 ? (uint64_t)quantum : 1;
	w->quantum_param = jsonx_str(d, "quantum_param");
}

/* Likewise. The names point into the describe object. */
static void define_knee(struct workload_def *w, const json_t *d)
{
	const json_t *knee = json_object_get(d, "knee");

	if (!w->knee.percent)
		w->knee = (struct workload_knee){jsonx_str(knee, "percent"), jsonx_str(knee, "of"),
						 jsonx_str(knee, "rate")};
}

static struct workload_def *find_workload(const struct catalog *c, const char *name)
{
	for (size_t i = 0; i < c->n_workloads; i++)
		if (strcmp(c->workloads[i].name, name) == 0)
			return &c->workloads[i];
	return NULL;
}

static int compare_subjects(const void *a, const void *b)
{
	return strcmp(((const struct subject *)a)->id, ((const struct subject *)b)->id);
}

static int compare_workloads(const void *a, const void *b)
{
	return strcmp(((const struct workload_def *)a)->name, ((const struct workload_def *)b)->name);
}

static void collect_workloads(struct catalog *c)
{
	for (size_t s = 0; s < c->n_subjects; s++) {
		const json_t *d;
		size_t i;

		json_array_foreach (json_object_get(c->subjects[s].describe, "workloads"), i, d) {
			struct workload_def *w = find_workload(c, jsonx_str(d, "name"));

			if (w && jsonx_int(d, "version", 0) <= w->version) {
				if (jsonx_int(d, "version", 0) == w->version) {
					define_quantum(w, d);
					define_knee(w, d);
				}
				continue;
			}
			if (!w) {
				c->workloads = xgrow(c->workloads, c->n_workloads + 1, sizeof *c->workloads);
				w = &c->workloads[c->n_workloads++];
				memset(w, 0, sizeof *w);
			}
			define_workload(w, d);
			define_quantum(w, d);
			define_knee(w, d);
		}
	}
	if (c->n_workloads)
		qsort(c->workloads, c->n_workloads, sizeof *c->workloads, compare_workloads);
}

static void collect_offers(struct catalog *c)
{
	for (size_t s = 0; s < c->n_subjects; s++) {
		struct subject *subject = &c->subjects[s];
		const json_t *d;
		size_t i;

		subject->offers = xcalloc(c->n_workloads, sizeof *subject->offers);
		json_array_foreach (json_object_get(subject->describe, "workloads"), i, d) {
			struct workload_def *w = find_workload(c, jsonx_str(d, "name"));

			if (!jsonx_bool(d, "offered", true))
				continue;
			subject->offers[w - c->workloads] = jsonx_int(d, "version", 0) == w->version;
			if (jsonx_int(d, "version", 0) != w->version) {
				char *why = xformat("offers version %d of %s, but version %d is compared",
						    (int)jsonx_int(d, "version", 0), w->name, w->version);

				warn(c, subject->id, why);
				free(why);
			}
		}
	}
}

static void collect_param_keys(struct catalog *c)
{
	for (size_t i = 0; i < c->n_workloads; i++) {
		for (size_t j = 0; j < c->workloads[i].n_params; j++) {
			const struct param_def *p = &c->workloads[i].params[j];
			size_t k = 0;

			while (k < c->n_param_keys && strcmp(c->param_keys[k].name, p->name) != 0)
				k++;
			if (k == c->n_param_keys) {
				c->param_keys = xgrow(c->param_keys, k + 1, sizeof *c->param_keys);
				c->param_keys[c->n_param_keys++] = (struct filter_key){p->name, true};
			}
			if (p->is_choice)
				c->param_keys[k].is_number = false;
		}
	}
}

static void complete(struct catalog *c)
{
	qsort(c->subjects, c->n_subjects, sizeof *c->subjects, compare_subjects);
	collect_workloads(c);
	collect_offers(c);
	collect_param_keys(c);
}

static struct catalog *new_catalog(void)
{
	struct catalog *c = xcalloc(1, sizeof *c);

	c->warnings = json_array();
	c->not_built = json_array();
	return c;
}

int catalog_load(const char *dirs, struct catalog **out, struct err *err)
{
	struct catalog *c = new_catalog();
	char *copy = xstrdup(dirs), *save = NULL;

	*out = NULL;
	for (char *dir = strtok_r(copy, ":", &save); dir; dir = strtok_r(NULL, ":", &save))
		scan_directory(c, dir);
	free(copy);
	if (c->n_subjects == 0) {
		const char *why = json_string_value(json_array_get(c->warnings, 0));

		err_set(err, 0, "no subject was found in %.200s%s%.200s", dirs, why ? "; " : "", why ? why : "");
		catalog_free(c);
		return -ENOENT;
	}
	complete(c);
	json_decref(c->not_built);
	c->not_built = references_missing(dirs, c);
	*out = c;
	return 0;
}

/* The catalog of one subject: -ENOENT where it was left out. */
static int finish_one(struct catalog *c, struct catalog **out, struct err *err)
{
	*out = NULL;
	if (c->n_subjects == 0) {
		err_set(err, 0, "%.350s", json_string_value(json_array_get(c->warnings, 0)));
		catalog_free(c);
		return -ENOENT;
	}
	complete(c);
	*out = c;
	return 0;
}

int catalog_load_one(const char *path, struct catalog **out, struct err *err)
{
	struct catalog *c = new_catalog();

	add_subject(c, path);
	return finish_one(c, out, err);
}

int catalog_described(json_t *const *describes, size_t n, struct catalog **out, struct err *err)
{
	struct catalog *c = new_catalog();

	for (size_t i = 0; i < n; i++) {
		struct err why;

		if (catalog_check_describe(describes[i], &why) != 0)
			warn(c, "a subject", ERR_TEXT(why));
		else
			add_described(c, "/nowhere", json_incref(describes[i]));
	}
	return finish_one(c, out, err);
}

void catalog_free(struct catalog *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_subjects; i++) {
		free(c->subjects[i].id);
		free(c->subjects[i].path);
		free(c->subjects[i].model);
		free(c->subjects[i].knobs);
		free(c->subjects[i].offers);
		json_decref(c->subjects[i].describe);
	}
	for (size_t i = 0; i < c->n_workloads; i++)
		free(c->workloads[i].params);
	free(c->subjects);
	free(c->workloads);
	free(c->param_keys);
	json_decref(c->warnings);
	json_decref(c->not_built);
	free(c);
}

/* ---- asking it ------------------------------------------------------------------------------------------- */

const struct subject *catalog_subject(const struct catalog *c, const char *id)
{
	for (size_t i = 0; i < c->n_subjects; i++)
		if (strcmp(c->subjects[i].id, id) == 0)
			return &c->subjects[i];
	return NULL;
}

int catalog_workload(const struct catalog *c, const char *name, const struct workload_def **out, struct err *err)
{
	char known[300] = "";
	size_t used = 0, hits = 0;

	*out = find_workload(c, name);
	for (size_t i = 0; i < c->n_workloads && !*out; i++)
		if (strcmp(strchr(c->workloads[i].name, '/') + 1, name) == 0)
			hits++;
	for (size_t i = 0; i < c->n_workloads; i++) {
		const char *full = c->workloads[i].name;

		if (*out)
			return 0;
		if (hits == 1 && strcmp(strchr(full, '/') + 1, name) == 0)
			*out = &c->workloads[i];
		if (used < sizeof known) {
			int n = snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", full);

			used += n > 0 ? (size_t)n : 0;
		}
	}
	if (*out)
		return 0;
	return err_set(err, -ENOENT,
		       hits > 1 ? "workload '%.60s' is ambiguous; known are %s"
				: "there is no workload '%.60s'; known are %s",
		       name, known);
}

bool catalog_offers(const struct catalog *c, const struct subject *s, const struct workload_def *w)
{
	return s->offers[w - c->workloads];
}

const struct param_def *workload_param(const struct workload_def *w, const char *name)
{
	for (size_t i = 0; i < w->n_params; i++)
		if (strcmp(w->params[i].name, name) == 0)
			return &w->params[i];
	return NULL;
}

static int complain_choice(const struct workload_def *w, const struct param_def *p, const char *value, struct err *err)
{
	char known[200] = "";
	size_t used = 0, i;
	const json_t *c;

	json_array_foreach (p->choices, i, c) {
		int n = used < sizeof known ? snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
						       json_string_value(c))
					    : 0;

		used += n > 0 ? (size_t)n : 0;
	}
	return err_set(err, -EINVAL, "%s: parameter %s is one of %s, not '%.60s'", w->name, p->name, known, value);
}

int param_check(const struct workload_def *w, const struct param_def *p, const json_t *value, struct err *err)
{
	char text[80];
	size_t i;
	const json_t *c;

	jsonx_scalar_text(value, text, sizeof text);
	if (p->is_choice) {
		if (json_is_string(value))
			json_array_foreach (p->choices, i, c)
				if (json_equal(c, value))
					return 0;
		return complain_choice(w, p, text, err);
	}
	if (!json_is_integer(value))
		return err_set(err, -EINVAL, "%s: parameter %s is a whole number, not '%s'", w->name, p->name, text);
	if (json_integer_value(value) < p->min || json_integer_value(value) > p->max)
		return err_set(err, -EINVAL, "%s: parameter %s is between %lld and %lld, not %s", w->name, p->name,
			       (long long)p->min, (long long)p->max, text);
	return 0;
}

json_t *param_from_text(const struct workload_def *w, const struct param_def *p, const char *text, struct err *err)
{
	int64_t number;
	json_t *value;

	if (p->is_choice || !jsonx_parse_int(text, &number))
		value = json_string(text);
	else
		value = json_integer(number);
	if (param_check(w, p, value, err) != 0) {
		json_decref(value);
		return NULL;
	}
	return value;
}

json_t *workload_defaults(const struct workload_def *w, bool smoke)
{
	json_t *params = json_object();

	for (size_t i = 0; i < w->n_params; i++)
		json_object_set(params, w->params[i].name, smoke ? w->params[i].smoke : w->params[i].dflt);
	return params;
}

uint64_t workload_round_ops(const struct workload_def *w, const json_t *params, uint64_t ops)
{
	int64_t of_param = w->quantum_param ? jsonx_int(params, w->quantum_param, 1) : 1;
	uint64_t quantum = w->ops_quantum ? w->ops_quantum : 1;

	if (__builtin_mul_overflow(quantum, of_param > 1 ? (uint64_t)of_param : 1, &quantum) || quantum > MOST_OPS)
		quantum = MOST_OPS;
	return ops < quantum ? quantum : ops - ops % quantum;
}
