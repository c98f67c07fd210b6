/*
 * check.c - the rules of docs/subject-protocol.md, asked one after the other.
 *
 * Each rule is tried in a process of its own, so that breaking one does not hide the next. The last part takes a smoke
 * sample of every workload that the subject offers, by the same code that a run uses.
 */
#include "harness/plan/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/plan/catalog.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/oracle.h"
#include "harness/plan/plan.h"
#include "harness/plan/sample.h"

enum { VOID_TRIES = 20 }; /* arbitrary */

struct check {
	const struct check_config *config;
	struct catalog *catalog;
	unsigned n_failed;
};

/* One line; `seen` (printf form) only where the rule is broken. */
static void verdict(struct check *c, bool ok, const char *rule, const char *seen, ...)
	__attribute__((format(printf, 4, 5)));
static void verdict(struct check *c, bool ok, const char *rule, const char *seen, ...)
{
	va_list ap;

	fprintf(c->config->out, "%-4s %s", ok ? "ok" : "FAIL", rule);
	if (!ok) {
		c->n_failed++;
		fputs("; seen: ", c->config->out);
		va_start(ap, seen);
		vfprintf(c->config->out, seen, ap);
		va_end(ap);
	}
	fputc('\n', c->config->out);
	fflush(c->config->out);
}

static int start(const struct check *c, const char *mode, struct process **out, struct err *err)
{
	const char *argv[] = {c->config->path, mode, NULL};
	struct process_spec spec = {.path = c->config->path, .argv = argv};

	return process_start(&spec, out, err);
}

static const struct subject *subject_of(const struct check *c)
{
	return &c->catalog->subjects[0];
}

static json_t *cell_of(const struct workload_def *w, const char *data_dir)
{
	return json_pack("{s:s, s:i, s:o, s:i, s:I, s:s, s:s, s:s, s:b}", "workload", w->name, "version", w->version,
			 "params", workload_defaults(w, true), "workers", 1, "ops",
			 (json_int_t)(w->scaling == SCALING_LINEAR ? w->smoke_ops : 0), "seed", "0000000000000001",
			 "data_dir", data_dir, "knobs", "", "warmup", 0);
}

static json_t *run_message(const char *kind, json_t *cell)
{
	return json_pack("{s:s, s:s, s:o}", "cmd", "run", "kind", kind, "cell", cell);
}

/* The first message that follows `message`, or NULL and why none came; *ended is how the process ended. */
static json_t *ask(const struct check *c, const char *mode, const json_t *message, struct process_exit *ended,
		   struct err *err)
{
	struct process *p;
	json_t *answer = NULL;
	int rc = start(c, mode, &p, err);

	memset(ended, 0, sizeof *ended);
	if (rc) {
		ended->code = -1;
		return NULL;
	}
	rc = message ? process_send(p, message, err) : 0;
	if (rc == 0 || rc == -EPIPE)
		rc = process_receive(p, c->config->patience_ns, &answer, err);
	process_finish(p, rc == -ETIMEDOUT ? 0 : c->config->patience_ns, ended);
	return rc ? NULL : answer;
}

static bool is_message(const json_t *m, const char *name)
{
	const char *msg = jsonx_str(m, "msg");

	return msg && strcmp(msg, name) == 0;
}

static void how_it_ended(const struct process_exit *e, char *buf, size_t size)
{
	if (e->killed)
		snprintf(buf, size, "it did not end and was killed");
	else if (e->signal)
		snprintf(buf, size, "it died of signal %d", e->signal);
	else
		snprintf(buf, size, "exit code %d", e->code);
}

/* ---- the rules ------------------------------------------------------------------------------------------- */

static bool rule_describe(struct check *c)
{
	struct err err = {{0}};
	int rc = catalog_load_one(c->config->path, &c->catalog, &err);
	bool offers = false;

	verdict(c, rc == 0, "--describe prints one JSON object that keeps the schema, and exits 0", "%s",
		ERR_TEXT(err));
	if (rc)
		return false;
	for (size_t i = 0; i < c->catalog->n_workloads; i++)
		offers |= catalog_offers(c->catalog, subject_of(c), &c->catalog->workloads[i]);
	verdict(c, offers, "at least one workload is offered", "every workload has \"offered\":false");
	return offers;
}

static void rule_usage(struct check *c)
{
	struct process_exit ended;
	struct err err = {{0}};
	char how[80];

	json_decref(ask(c, "--no-such-option", NULL, &ended, &err));
	how_it_ended(&ended, how, sizeof how);
	verdict(c, ended.code == 2 && !ended.killed, "wrong usage exits 2", "%s", how);
}

/* Something that is no cell, or a wrong one: an answer `error` or none, and a non-zero exit. */
static void rule_bad_cell(struct check *c, const char *rule, json_t *message)
{
	struct process_exit ended;
	struct err err = {{0}};
	char how[80];
	json_t *answer = ask(c, "--run", message, &ended, &err);

	how_it_ended(&ended, how, sizeof how);
	if (answer && !is_message(answer, "error"))
		verdict(c, false, rule, "message %.60s",
			jsonx_str(answer, "msg") ? jsonx_str(answer, "msg") : "without \"msg\"");
	else
		verdict(c, answer && !ended.killed && ended.code > 0, rule, "%s, %s", answer ? "error" : "no message",
			how);
	json_decref(answer);
	json_decref(message);
}

/* What is there must be right. `change` makes the cell of this workload wrong. */
static void rule_wrong_cell(struct check *c, const struct workload_def *w, const char *what, const char *key,
			    json_t *value)
{
	json_t *cell = cell_of(w, c->config->data_dir), *params = json_object_get(cell, "params");
	char *rule = xformat("%s is answered with error and a non-zero exit", what);

	json_object_set_new(strcmp(key, "version") == 0 ? cell : params, key, value);
	rule_bad_cell(c, rule, run_message("smoke", cell));
	free(rule);
}

static void rules_wrong_cells(struct check *c, const struct workload_def *first)
{
	rule_wrong_cell(c, first, "a version that is not offered", "version", json_integer(first->version + 1));
	rule_wrong_cell(c, first, "an unknown parameter", "x_unknown", json_integer(1));
	for (size_t i = 0; i < c->catalog->n_workloads; i++) {
		const struct workload_def *w = &c->catalog->workloads[i];

		for (size_t k = 0; k < w->n_params && catalog_offers(c->catalog, subject_of(c), w); k++) {
			if (w->params[k].is_choice)
				continue;
			rule_wrong_cell(c, w, "a parameter above its greatest value", w->params[k].name,
					json_integer(w->params[k].max + 1));
			rule_wrong_cell(c, w, "a parameter of the wrong type", w->params[k].name, json_string("x"));
			return;
		}
	}
}

/* The harness goes away while the subject waits for `go`. */
static void rule_end_of_input_later(struct check *c, const struct workload_def *w)
{
	static const char rule[] = "the end of its input ends it with code 1 when it waits for `go`";
	json_t *message = run_message("smoke", cell_of(w, c->config->data_dir)), *answer = NULL;
	struct process_exit ended;
	struct process *p;
	struct err err = {{0}};
	char how[80];

	if (start(c, "--run", &p, &err) != 0) {
		verdict(c, false, rule, "%s", ERR_TEXT(err));
		json_decref(message);
		return;
	}
	(void)process_send(p, message, &err);
	(void)process_receive(p, c->config->patience_ns, &answer, &err);
	process_finish(p, c->config->patience_ns, &ended); /* closes its input first */
	how_it_ended(&ended, how, sizeof how);
	if (is_message(answer, "ready"))
		verdict(c, !ended.killed && !ended.signal && ended.code == 1, rule, "%s", how);
	json_decref(answer);
	json_decref(message);
}

static void rule_end_of_input(struct check *c)
{
	struct process_exit ended;
	struct process *p;
	struct err err = {{0}};
	char how[80];

	if (start(c, "--run", &p, &err) != 0) {
		verdict(c, false, "the end of its input ends it", "%s", ERR_TEXT(err));
		return;
	}
	process_finish(p, c->config->patience_ns, &ended); /* closes its input first */
	how_it_ended(&ended, how, sizeof how);
	verdict(c, !ended.killed && !ended.signal, "the end of its input ends it", "%s", how);
}

static void rule_unknown_keys(struct check *c, const struct workload_def *w)
{
	json_t *cell = cell_of(w, c->config->data_dir), *message, *answer;
	struct process_exit ended;
	struct err err = {{0}};
	bool ok;

	json_object_set_new(cell, "x_unknown", json_integer(1));
	message = run_message("smoke", cell);
	json_object_set_new(message, "x_unknown", json_string("x"));
	answer = ask(c, "--run", message, &ended, &err);
	ok = is_message(answer, "ready") || is_message(answer, "unsupported") || is_message(answer, "too_slow");
	verdict(c, ok, "unknown keys are ignored", "%.300s",
		answer ? (jsonx_str(answer, "why") ? jsonx_str(answer, "why") : "another message than ready")
		       : ERR_TEXT(err));
	json_decref(answer);
	json_decref(message);
}

static void rule_calibrate(struct check *c, const struct workload_def *w)
{
	json_t *message = run_message("calibrate", cell_of(w, c->config->data_dir)), *answer, *calibration;
	char *rule = xformat("%s: calibration answers with ops and region_ns", w->name);
	struct process_exit ended;
	struct err err = {{0}};
	bool ok;

	json_object_set_new(json_object_get(message, "cell"), "ops", json_integer(0));
	json_object_set_new(message, "target_ns", json_integer(20000000));
	answer = ask(c, "--run", message, &ended, &err);
	calibration = json_object_get(answer, "calibration");
	ok = is_message(answer, "unsupported") || is_message(answer, "too_slow") ||
	     (is_message(answer, "sample") && jsonx_int(calibration, "ops", 0) > 0 &&
	      jsonx_int(calibration, "region_ns", -1) >= 0);
	verdict(c, ok && ended.code == 0, rule, "%.300s",
		!answer ? ERR_TEXT(err)
		: ok    ? "a non-zero exit code"
			: "no calibration in its message");
	json_decref(answer);
	json_decref(message);
	free(rule);
}

static void rule_certify(struct check *c, const struct workload_def *w)
{
	struct oracle *o = oracle_new(c->config->path, NULL);
	json_t *cell = cell_of(w, c->config->data_dir), *first = NULL, *second = NULL;
	struct err err = {{0}};
	int rc = oracle_expect(o, cell, &first, &err);

	if (rc == 0)
		rc = oracle_expect(o, cell, &second, &err);
	verdict(c, rc == 0 && json_equal(first, second),
		"--certify answers each cell with a certificate, equal cells equally", "%s",
		rc ? ERR_TEXT(err) : "two certificates for one cell");
	json_decref(first);
	json_decref(second);
	json_decref(cell);
	oracle_free(o);
}

/* That other subjects mean the same by its workloads. */
static void rules_agree(struct check *c)
{
	struct catalog *others;
	struct err err = {{0}};

	if (!c->config->certifier || catalog_load_one(c->config->certifier, &others, &err) != 0)
		return;
	for (size_t i = 0; i < c->catalog->n_workloads; i++) {
		const struct workload_def *w = &c->catalog->workloads[i];
		char *rule = xformat("%s is described as others describe it", w->name);

		if (catalog_offers(c->catalog, subject_of(c), w) && !subject_of(c)->can_certify)
			verdict(c, check_agrees(w, others, &err), rule, "%s", ERR_TEXT(err));
		free(rule);
	}
	catalog_free(others);
}

/* What a good sample must have beside its certificate. */
static void rules_of_good_sample(struct check *c, const struct cell *cell, const json_t *record)
{
	const json_t *time = json_object_get(record, "time"), *sched = json_object_get(record, "sched");
	char *rule = xformat("%s: end has rusage with user_ns, sys_ns, vcsw, ivcsw", cell->workload->name);
	struct err err = {{0}};

	if (cell->workload->scaling != SCALING_STATE)
		verdict(c,
			jsonx_int(time, "user_ns", -1) >= 0 && jsonx_int(time, "sys_ns", -1) >= 0 &&
				jsonx_int(sched, "vcsw", -1) >= 0 && jsonx_int(sched, "ivcsw", -1) >= 0,
			rule, "at least one is missing");
	free(rule);
	rule = xformat("%s: knobs, figures, stack and epochs of its sample have their form", cell->workload->name);
	verdict(c, check_sample_parts(record, &err), rule, "%s", ERR_TEXT(err));
	free(rule);
}

/* Where the machine is busy a wake-up can be so late that the two clocks disagree: only who is void each time tells wrong times. */
static json_t *take_in_peace(const struct sample_env *env, const struct sample_request *r)
{
	json_t *record = sample_take(env, r);

	for (int i = 1; i < VOID_TRIES && record && strcmp(jsonx_str(record, "status"), "void") == 0; i++) {
		json_decref(record);
		record = sample_take(env, r);
	}
	return record;
}

/* A whole sample, as a run takes it; `timed` has the subject warm up. */
static void rule_sample(struct check *c, const struct cell *cell, const struct sample_env *env, enum sample_kind kind)
{
	struct sample_request r = {.cell = cell, .subject = cell->subjects[0], .kind = kind, .region_ns = 50000000};
	char *rule = xformat("%s%s: ready, go, begin, end, sample, exit 0, right certificate", cell->workload->name,
			     kind == SAMPLE_TIMED ? " with warm-up" : "");
	json_t *record;
	const char *status, *why;
	bool is_skipped;

	if (cell->workload->scaling == SCALING_LINEAR)
		r.ops = cell->workload->smoke_ops;
	record = take_in_peace(env, &r);
	status = jsonx_str(record, "status");
	why = jsonx_str(record, "why");
	is_skipped = status && (strcmp(status, "unsupported") == 0 || strcmp(status, "too_slow") == 0);
	if (is_skipped) {
		fprintf(c->config->out, "ok   %s: %s: %s\n", cell->workload->name, status, why);
	} else {
		verdict(c, status && strcmp(status, "ok") == 0, rule, "%s: %s", status ? status : "interrupted",
			why ? why : "");
		if (status && strcmp(status, "ok") == 0)
			rules_of_good_sample(c, cell, record);
	}
	json_decref(record);
	free(rule);
}

static void rules_samples(struct check *c)
{
	const char *certifier =
		subject_of(c)->can_certify || !c->config->certifier ? c->config->path : c->config->certifier;
	struct plan_options options = {.smoke = true};
	struct sample_env env;
	struct plan *plan;
	struct err err = {{0}};

	if (plan_build(NULL, c->catalog, c->config->topology, &options, &plan, &err) != 0) {
		verdict(c, false, "its workloads can be placed", "%s", ERR_TEXT(err));
		return;
	}
	sample_env_defaults(&env);
	env.run_id = "check";
	env.data_dir = c->config->data_dir;
	env.loadgen_path = c->config->loadgen;
	env.settle_ns = 0;
	env.setup_timeout_ns = env.region_timeout_ns = c->config->patience_ns;
	if (subject_of(c)->can_certify || c->config->certifier)
		env.oracle = oracle_new(certifier, NULL);
	else
		fputs("note: nobody knows the certificates of its workloads; they are not checked\n", c->config->out);
	for (size_t i = 0; i < plan->n_cells; i++)
		rule_sample(c, &plan->cells[i], &env, SAMPLE_SMOKE);
	for (size_t i = 0; i < plan->n_cells; i++) {
		if (plan->cells[i].workload->scaling != SCALING_LINEAR)
			continue;
		rule_sample(c, &plan->cells[i], &env, SAMPLE_TIMED); /* one shows that it can */
		break;
	}
	oracle_free(env.oracle);
	plan_free(plan);
}

unsigned check_subject(const struct check_config *config)
{
	struct check c = {.config = config};
	const struct workload_def *first = NULL;

	verdict(&c, access(config->path, X_OK) == 0, "it is an executable", "%s", strerror(errno));
	if (c.n_failed || !rule_describe(&c)) {
		catalog_free(c.catalog);
		return c.n_failed;
	}
	for (size_t i = 0; i < c.catalog->n_workloads; i++)
		if (!first && catalog_offers(c.catalog, subject_of(&c), &c.catalog->workloads[i]))
			first = &c.catalog->workloads[i];
	rule_usage(&c);
	rule_end_of_input(&c);
	rule_bad_cell(&c, "a command that is no `run` is answered with error and a non-zero exit",
		      json_pack("{s:s}", "cmd", "x"));
	rule_bad_cell(&c, "a run without a cell is answered with error and a non-zero exit",
		      json_pack("{s:s, s:s}", "cmd", "run", "kind", "smoke"));
	rule_bad_cell(
		&c, "an unknown workload is answered with error and a non-zero exit",
		run_message("smoke", json_pack("{s:s, s:i, s:{}}", "workload", "no/such", "version", 1, "params")));
	rules_wrong_cells(&c, first);
	rule_unknown_keys(&c, first);
	for (size_t i = 0; i < c.catalog->n_workloads; i++)
		if (c.catalog->workloads[i].scaling != SCALING_SERVER &&
		    catalog_offers(c.catalog, subject_of(&c), &c.catalog->workloads[i])) {
			rule_end_of_input_later(&c, &c.catalog->workloads[i]);
			break;
		}
	rules_agree(&c);
	if (subject_of(&c)->can_certify)
		rule_certify(&c, first);
	for (size_t i = 0; i < c.catalog->n_workloads; i++)
		if (subject_of(&c)->can_calibrate && c.catalog->workloads[i].scaling == SCALING_LINEAR &&
		    catalog_offers(c.catalog, subject_of(&c), &c.catalog->workloads[i]))
			rule_calibrate(&c, &c.catalog->workloads[i]);
	rules_samples(&c);
	catalog_free(c.catalog);
	return c.n_failed;
}
