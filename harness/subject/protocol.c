/* protocol.c - checking of cells, and messages as JSON; see protocol.h. */
#include "harness/subject/protocol.h"
#include "harness/subject/source_cost.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build_info.h"

enum {
	MAX_WORKERS = 4096, /* arbitrary: beyond any machine, below what exhausts one by mistake */
	MAX_CPUS = 4096, /* likewise; what is said of others is ignored */
};

/* ---- reading ------------------------------------------------------------------------------------ */

/* A whole number between min and max; `dflt` where the key is missing, or -EINVAL if dflt < 0. */
static int get_int(const json_t *object, const char *key, int64_t dflt, int64_t min, int64_t max, int64_t *out,
		   struct err *e)
{
	const json_t *v = json_object_get(object, key);

	if (!v && dflt >= 0) {
		*out = dflt;
		return 0;
	}
	if (!v)
		return err_set(e, -EINVAL, "\"%s\" is missing", key);
	if (!json_is_integer(v))
		return err_set(e, -EINVAL, "\"%s\" must be a whole number", key);
	*out = json_integer_value(v);
	if (*out < min || *out > max)
		return err_set(e, -EINVAL, "\"%s\" is %" PRId64 ", and must be between %" PRId64 " and %" PRId64, key,
			       *out, min, max);
	return 0;
}

/* A string, `dflt` where the key is missing, or -EINVAL if dflt is NULL. */
static int get_string(const json_t *object, const char *key, const char *dflt, const char **out, struct err *e)
{
	const json_t *v = json_object_get(object, key);

	*out = dflt;
	if (!v)
		return dflt ? 0 : err_set(e, -EINVAL, "\"%s\" is missing", key);
	if (!json_is_string(v))
		return err_set(e, -EINVAL, "\"%s\" must be a string", key);
	*out = json_string_value(v);
	return 0;
}

static int get_bool(const json_t *object, const char *key, bool dflt, bool *out, struct err *e)
{
	const json_t *v = json_object_get(object, key);

	if (v && !json_is_boolean(v))
		return err_set(e, -EINVAL, "\"%s\" must be true or false", key);
	*out = v ? json_is_true(v) : dflt;
	return 0;
}

static int get_seed(const json_t *object, uint64_t *out, struct err *e)
{
	const char *text;
	int status = get_string(object, "seed", "0000000000000000", &text, e);

	if (status < 0)
		return status;
	if (strlen(text) != 16 || strspn(text, "0123456789abcdefABCDEF") != 16)
		return err_set(e, -EINVAL, "\"seed\" must be 16 hexadecimal digits, not \"%.32s\"", text);
	*out = strtoull(text, NULL, 16);
	return 0;
}

static int parse_choice(const struct bench_param *p, const json_t *v, int64_t *out, struct err *e)
{
	char names[200] = "";
	size_t used = 0;

	for (size_t i = 0; p->choices[i]; i++) {
		if (json_is_string(v) && strcmp(json_string_value(v), p->choices[i]) == 0) {
			*out = (int64_t)i;
			return 0;
		}
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
						 p->choices[i]);
	}
	return err_set(e, -EINVAL, "parameter \"%s\" must be one of: %s", p->name, names);
}

static int parse_param(const struct bench_param *p, const json_t *v, int64_t *out, struct err *e)
{
	if (p->kind == BENCH_CHOICE)
		return parse_choice(p, v, out, e);
	if (!json_is_integer(v))
		return err_set(e, -EINVAL, "parameter \"%s\" must be a whole number", p->name);
	*out = json_integer_value(v);
	if (*out < p->min || *out > p->max)
		return err_set(e, -EINVAL,
			       "parameter \"%s\" is %" PRId64 ", and must be between %" PRId64 " and %" PRId64, p->name,
			       *out, p->min, p->max);
	return 0;
}

static int parse_params(const json_t *params, struct bench *b, struct err *e)
{
	const struct bench_workload *w = b->workload;
	const char *key;
	json_t *v;

	if (params && !json_is_object(params))
		return err_set(e, -EINVAL, "\"params\" must be an object");
	for (size_t i = 0; i < w->n_params; i++)
		b->param[i] = w->params[i].dflt;
	json_object_foreach ((json_t *)params, key, v) {
		size_t i = 0;
		int status;

		while (i < w->n_params && strcmp(w->params[i].name, key) != 0)
			i++;
		if (i == w->n_params)
			return err_set(e, -EINVAL, "%s has no parameter \"%s\"", w->name, key);
		status = parse_param(&w->params[i], v, &b->param[i], e);
		if (status < 0)
			return status;
	}
	return 0;
}

static int parse_workload(const json_t *object, struct cell *out, struct err *e)
{
	const char *name;
	int64_t version;
	int status = get_string(object, "workload", NULL, &name, e);

	if (status < 0)
		return status;
	out->entry = registry_find(name);
	if (!out->entry)
		return err_set(e, -EINVAL, "there is no workload \"%s\"", name);
	status = get_int(object, "version", -1, 0, INT32_MAX, &version, e);
	if (status < 0)
		return status;
	if (version != out->entry->workload->version)
		return err_set(e, -EINVAL, "%s is wanted in version %" PRId64 ", and is linked in version %d", name,
			       version, out->entry->workload->version);
	out->bench.workload = out->entry->workload;
	return parse_params(json_object_get(object, "params"), &out->bench, e);
}

uint64_t protocol_round_ops(const struct bench *b, uint64_t ops)
{
	const struct bench_workload *w = b->workload;
	uint64_t quantum = w->ops_quantum ? w->ops_quantum : 1;

	if (w->quantum_param)
		quantum *= (uint64_t)bench_param(b, w->quantum_param);
	if (w->max_ops && ops > w->max_ops(b))
		ops = w->max_ops(b);
	return ops < quantum ? quantum : ops - ops % quantum;
}

/* Fixed by the parameters (finite, state), rounded (linear), or as given (server). */
static void set_ops(struct bench *b, uint64_t ops)
{
	const struct bench_workload *w = b->workload;

	if (w->scaling == BENCH_FINITE || w->scaling == BENCH_STATE)
		b->ops = w->finite_ops ? w->finite_ops(b) : 1;
	else if (w->scaling == BENCH_LINEAR && ops > 0)
		b->ops = protocol_round_ops(b, ops);
	else
		b->ops = ops;
}

/* "nearness": [[cpu, cache, node], ...] into a table by CPU number; optional. */
static int get_nearness(const json_t *object, struct cell *out, struct err *e)
{
	const json_t *list = json_object_get(object, "nearness"), *entry;
	size_t i;

	if (!list)
		return 0;
	if (!json_is_array(list))
		return err_set(e, -EINVAL, "\"nearness\" must be a list");
	out->nearness = calloc(MAX_CPUS, sizeof out->nearness[0]);
	if (!out->nearness)
		return err_set(e, -ENOMEM, "out of memory");
	json_array_foreach (list, i, entry) {
		json_int_t v[3];

		for (size_t k = 0; k < 3; k++) {
			v[k] = json_integer_value(json_array_get(entry, k));
			if (!json_is_integer(json_array_get(entry, k)) || v[k] < 0 || v[k] > UINT16_MAX)
				return err_set(e, -EINVAL, "\"nearness\" must hold [cpu, cache, node] each");
		}
		if (v[0] >= MAX_CPUS)
			continue;
		out->nearness[v[0]][0] = (uint16_t)v[1];
		out->nearness[v[0]][1] = (uint16_t)v[2];
		if (out->bench.n_nearness <= v[0])
			out->bench.n_nearness = (unsigned)v[0] + 1;
	}
	out->bench.nearness = (const uint16_t(*)[2])out->nearness;
	return 0;
}

int protocol_parse_cell(const json_t *object, struct cell *out, struct err *e)
{
	int64_t workers = 1, ops = 0;
	const char *data_dir = "", *knobs = "";
	int status;

	*out = (struct cell){0};
	if (!json_is_object(object))
		return err_set(e, -EINVAL, "a cell must be an object");
	status = parse_workload(object, out, e);
	if (status == 0)
		status = get_int(object, "workers", 1, 1, MAX_WORKERS, &workers, e);
	if (status == 0)
		status = get_int(object, "ops", 0, 0, PROTOCOL_MAX_INT, &ops, e);
	if (status == 0)
		status = get_seed(object, &out->bench.seed, e);
	if (status == 0)
		status = get_string(object, "data_dir", "/var/tmp", &data_dir, e);
	if (status == 0)
		status = get_string(object, "knobs", "", &knobs, e);
	if (status == 0)
		status = get_bool(object, "warmup", false, &out->warmup, e);
	if (status == 0)
		status = get_nearness(object, out, e);
	if (status < 0) {
		cell_free(out);
		return status;
	}
	out->bench.workers = (unsigned)workers;
	set_ops(&out->bench, (uint64_t)ops);
	out->data_dir = strdup(data_dir);
	out->knobs = strdup(knobs);
	out->bench.data_dir = out->data_dir;
	if (!out->data_dir || !out->knobs) {
		cell_free(out);
		return err_set(e, -ENOMEM, "out of memory");
	}
	return 0;
}

void cell_free(struct cell *cell)
{
	free(cell->data_dir);
	free(cell->knobs);
	free(cell->nearness);
	cell->data_dir = cell->knobs = NULL;
	cell->nearness = NULL;
}

static int parse_kind(const char *name, enum run_kind *out, struct err *e)
{
	static const char *const names[] = {
		[KIND_TIMED] = "timed",         [KIND_COUNTED] = "counted", [KIND_TRACED] = "traced",
		[KIND_CALIBRATE] = "calibrate", [KIND_SMOKE] = "smoke",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum run_kind)i;
			return 0;
		}
	return err_set(e, -EINVAL, "\"kind\" must be timed, counted, traced, calibrate or smoke, not \"%.32s\"", name);
}

int protocol_parse_run(const json_t *object, struct run_request *out, struct err *e)
{
	const char *cmd, *kind, *trace_file = "";
	int64_t target_ns = 0;
	int status;
	bool calibrates;

	*out = (struct run_request){0};
	status = get_string(object, "cmd", NULL, &cmd, e);
	if (status == 0 && strcmp(cmd, "run") != 0)
		status = err_set(e, -EINVAL, "the first command must be \"run\", not \"%.32s\"", cmd);
	if (status == 0)
		status = get_string(object, "kind", NULL, &kind, e);
	if (status == 0)
		status = parse_kind(kind, &out->kind, e);
	calibrates = out->kind == KIND_CALIBRATE;
	if (status == 0 && calibrates)
		status = get_int(object, "target_ns", -1, 1, PROTOCOL_MAX_INT, &target_ns, e);
	if (status == 0 && out->kind == KIND_TRACED)
		status = get_string(object, "trace_file", "", &trace_file, e);
	if (status == 0 && !json_object_get(object, "cell"))
		status = err_set(e, -EINVAL, "\"cell\" is missing");
	if (status < 0)
		return status;
	out->target_ns = (uint64_t)target_ns;
	status = protocol_parse_cell(json_object_get(object, "cell"), &out->cell, e);
	if (status < 0)
		return status;
	if (!calibrates && out->cell.bench.workload->scaling == BENCH_LINEAR && out->cell.bench.ops == 0) {
		status =
			err_set(e, -EINVAL, "%s is linear: \"ops\" must be at least 1", out->cell.bench.workload->name);
	} else if (*trace_file && !(out->trace_file = strdup(trace_file))) {
		status = err_set(e, -ENOMEM, "out of memory");
	}
	if (status < 0)
		run_request_free(out);
	return status;
}

void run_request_free(struct run_request *r)
{
	cell_free(&r->cell);
	free(r->trace_file);
	r->trace_file = NULL;
}

/* ---- writing ------------------------------------------------------------------------------------ */

static json_t *describe_param(const struct bench_param *p)
{
	json_t *choices;

	if (p->kind == BENCH_INT)
		return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I}", "name", p->name, "kind", "int", "unit", p->unit,
				 "help", p->help, "default", (json_int_t)p->dflt, "min", (json_int_t)p->min, "max",
				 (json_int_t)p->max, "smoke", (json_int_t)p->smoke);
	choices = json_array();
	for (size_t i = 0; p->choices[i]; i++)
		json_array_append_new(choices, json_string(p->choices[i]));
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:s}", "name", p->name, "kind", "choice", "unit", p->unit, "help",
			 p->help, "default", p->choices[p->dflt], "choices", choices, "smoke", p->choices[p->smoke]);
}

/* NULL where there is no body, or one that only says why it cannot: it calls nothing. */
static json_t *describe_source(const char *workload)
{
	const struct source_cost *cost = source_cost(workload, SWITCHYARD_SUBJECT); /* a body of its own */
	json_t *primitives;
	char names[1024], *save = NULL;

	if (!cost)
		cost = source_cost(workload, SWITCHYARD_STYLE_NAME);
	if (!cost || (cost->calls == 0 && strcmp(cost->style, "serial") != 0))
		return NULL;
	snprintf(names, sizeof(names), "%s", cost->primitives);
	primitives = json_array();
	for (char *name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save))
		json_array_append_new(primitives, json_string(name));
	return json_pack("{s:s,s:i,s:i,s:i,s:o}", "style", cost->style, "lines", cost->lines, "shared_lines",
			 cost->shared, "calls", cost->calls, "primitives", primitives);
}

static json_t *describe_knee(const struct bench_knee *k)
{
	return k->percent ? json_pack("{s:s,s:s*,s:s*}", "percent", k->percent, "of", k->of, "rate", k->rate) : NULL;
}

static json_t *describe_workload(const struct registry_entry *entry)
{
	static const char *const scalings[] = {
		[BENCH_LINEAR] = "linear",
		[BENCH_FINITE] = "finite",
		[BENCH_SERVER] = "server",
		[BENCH_STATE] = "state",
	};
	static const char *const metrics[] = {
		[BENCH_WALL_PER_OP] = "wall_per_op",       [BENCH_CPU_PER_OP] = "cpu_per_op",
		[BENCH_DELAY_P50] = "delay_p50",           [BENCH_DELAY_P99] = "delay_p99",
		[BENCH_BYTES_PER_TASK] = "bytes_per_task",
	};
	const struct bench_workload *w = entry->workload;
	json_t *params = json_array();

	for (size_t i = 0; i < w->n_params; i++)
		json_array_append_new(params, describe_param(&w->params[i]));
	return json_pack("{s:s,s:i,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:s?,s:b,s:o,s:o*,s:o*}", "name", w->name, "version",
			 w->version, "summary", w->summary, "op", w->op, "fairness", w->fairness ? w->fairness : "",
			 "scaling", scalings[w->scaling], "metric", metrics[w->metric], "smoke_ops",
			 (json_int_t)w->smoke_ops, "ops_quantum", (json_int_t)(w->ops_quantum ? w->ops_quantum : 1),
			 "quantum_param", w->quantum_param, "offered", entry->body != NULL, "params", params, "source",
			 describe_source(w->name), "knee", describe_knee(&w->knee));
}

static json_t *describe_knobs(void)
{
	struct style_knobs knobs;
	json_t *array = json_array();

	style_default_knobs(&knobs);
	for (size_t i = 0; i < knobs.n; i++)
		json_array_append_new(array,
				      json_pack("{s:s,s:s}", "name", knobs.names[i], "default", knobs.values[i]));
	return array;
}

static json_t *describe_build(void)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:b,s:s}", "cc", BUILD_CC, "cflags", BUILD_CFLAGS, "type", BUILD_TYPE,
			 "git_rev", BUILD_GIT_REV, "git_dirty", BUILD_GIT_DIRTY, "sanitize", BUILD_SANITIZE);
}

const char *protocol_lacks(const char *workload)
{
	const char *why = style_lacks ? style_lacks(workload) : NULL;

#ifdef SWITCHYARD_NO_BODY
	return why ? why : SWITCHYARD_NO_BODY;
#else
	return why;
#endif
}

/* NULL: nothing is missing for a reason that could be told. */
static json_t *describe_lacks(const struct registry_entry *all, size_t n)
{
	json_t *lacks = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *name = all[i].workload->name, *why = all[i].body ? NULL : protocol_lacks(name);

		if (why && !lacks)
			lacks = json_object();
		if (why)
			json_object_set_new(lacks, name, json_string(why));
	}
	return lacks;
}

json_t *protocol_describe(void)
{
	size_t n;
	const struct registry_entry *all = registry_all(&n);
	json_t *workloads = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(workloads, describe_workload(&all[i]));
	return json_pack("{s:i,s:s,s:s,s:s,s:s,s:o,s:o,s:{s:b,s:b,s:b,s:b,s:b},s:o,s:o,s:o*}", "protocol", 1, "id",
			 SWITCHYARD_SUBJECT, "model", style_model, "language", SWITCHYARD_MODEL_LANGUAGE, "version",
			 PROTOCOL_VERSION_OF_MODEL, "year",
			 PROTOCOL_YEAR_OF_MODEL ? json_integer(PROTOCOL_YEAR_OF_MODEL) : json_null(), "build",
			 describe_build(), "capabilities", "calibrate", 1, "certify", 1, "workers", style_uses_workers,
			 "stats", style_has_counters, "trace", style_can_trace, "knobs", describe_knobs(), "workloads",
			 workloads, "lacks", describe_lacks(all, n));
}

json_t *protocol_cert(const struct bench_cert *c)
{
	char checksum[17];

	snprintf(checksum, sizeof(checksum), "%016" PRIx64, c->checksum);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s}", "ops", (json_int_t)c->ops, "units", (json_int_t)c->units,
			 "max_live", (json_int_t)c->max_live, "messages", (json_int_t)c->messages, "bytes_read",
			 (json_int_t)c->bytes_read, "bytes_written", (json_int_t)c->bytes_written, "locks",
			 (json_int_t)c->locks, "checksum", checksum);
}

json_t *protocol_figures(const struct figures *figures)
{
	json_t *o = figures->n ? json_object() : NULL;

	for (size_t i = 0; i < figures->n; i++)
		json_object_set_new(o, figures->names[i], json_real(figures->values[i]));
	return o;
}

json_t *protocol_knobs(const struct style_knobs *knobs)
{
	json_t *object = json_object();

	for (size_t i = 0; i < knobs->n; i++)
		json_object_set_new(object, knobs->names[i], json_string(knobs->values[i]));
	return object;
}

json_t *protocol_stack(const struct style_stack *stack)
{
	if (stack->bytes)
		return json_pack("{s:I,s:b}", "bytes", (json_int_t)stack->bytes, "grows", stack->grows);
	return json_pack("{s:n,s:s}", "bytes", "why", stack->why);
}

json_t *protocol_counters(const struct style_counters *later, const struct style_counters *earlier)
{
	json_t *object = json_object();

	for (size_t i = 0; i < later->n; i++) {
		uint64_t before = i < earlier->n ? earlier->values[i] : 0;

		json_object_set_new(object, later->names[i], json_integer((json_int_t)(later->values[i] - before)));
	}
	return object;
}
