/*
 * test_questions.c - the question files: each is well formed, asks for what the subjects offer, and makes claims that samples
 * can refute as well as support; and what expressions mean, and what is wrong with wrong files.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The planner's cells and the report's have one name, and this test is about both. */
#define cell planned_cell
#define scaling planned_scaling
#include "harness/plan/estimate.h"
#include "harness/plan/plan.h"
#include "harness/plan/power.h"
#undef cell
#undef scaling
#include "harness/plan/jsonx.h"
#include "harness/plan/question_file.h"
#include "harness/report/figure.h"
#include "harness/report/question.h"

enum { ROUNDS = 9, MAX_LEAVES = 200 };

static json_t *files;
static struct catalog *catalog; /* NULL: the subjects are not built */
static struct topology *topology;

/* Where Go is not built another one answers to its name: it is asked for what our own models offer too, with any knob. */
static void stand_in_for_go(void)
{
	const struct subject *gmp = catalog_subject(catalog, "gmp");
	struct subject go;

	if (catalog_subject(catalog, "go"))
		return;
	go = *gmp;
	go.id = xstrdup("go");
	go.model = xstrdup("go");
	go.path = xstrdup(gmp->path);
	go.describe = json_deep_copy(gmp->describe);
	json_object_del(go.describe, "knobs");
	go.offers = xcalloc(catalog->n_workloads, sizeof *go.offers);
	memcpy(go.offers, gmp->offers, catalog->n_workloads * sizeof *go.offers);
	catalog->subjects = xgrow(catalog->subjects, catalog->n_subjects + 1, sizeof *catalog->subjects);
	catalog->subjects[catalog->n_subjects++] = go;
}

static int setup(void **state)
{
	struct err err = {{0}};

	(void)state;
	setenv("SWITCHYARD_QUESTION_DIR", TEST_SOURCE_DIR "/harness/questions", 1);
	if (questions_load(&files, &err) != 0)
		fail_msg("%s", err.why);
	if (topology_synthetic("pack:1 l3:1 core:4 pu:1", &topology, &err) != 0)
		fail_msg("%s", err.why);
	if (access(TEST_BINARY_DIR "/subjects/subject-gmp", X_OK) == 0 &&
	    access(TEST_BINARY_DIR "/subjects/subject-pthread", X_OK) == 0 &&
	    access(TEST_BINARY_DIR "/subjects/subject-eventloop", X_OK) == 0 &&
	    access(TEST_BINARY_DIR "/subjects/subject-serial", X_OK) == 0 &&
	    catalog_load(TEST_BINARY_DIR "/subjects", &catalog, &err) != 0)
		fail_msg("%s", err.why);
	if (catalog)
		stand_in_for_go();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(files);
	catalog_free(catalog);
	topology_free(topology);
	return 0;
}

/* ---- a run of a question, with samples that say 1 to everything ---------------------------------------------------- */

static bool may_be_absent(const char *subject)
{
	const json_t *reference;
	size_t i;

	json_array_foreach (catalog->not_built, i, reference)
		if (strcmp(jsonx_str(reference, "id"), subject) == 0)
			return true;
	return strcmp(subject, "gmp-grow") == 0;
}

/* Whether this build has the subjects: other people's runtimes and stacks that grow are not everywhere. */
static bool is_askable(const json_t *q)
{
	const json_t *group, *name;
	size_t i, k;

	json_array_foreach (json_object_get(q, "cells"), i, group)
		json_array_foreach (json_object_get(group, "subjects"), k, name) {
			char *base = xstrdup(json_string_value(name)), *plus = strchr(base, '+');
			bool has;

			if (plus)
				*plus = '\0';
			has = catalog_subject(catalog, base) != NULL;
			if (!has && !may_be_absent(base))
				fail_msg("%s: there is no subject %s", jsonx_str(q, "id"), base);
			free(base);
			if (!has)
				return false;
		}
	return true;
}

static struct plan *plan_of(const json_t *q)
{
	static const struct plan_options none;
	struct err err = {{0}};
	struct plan *p = NULL;
	json_t *file;

	if (questions_plan(files, jsonx_str(q, "id"), &file, &err) != 0 ||
	    plan_build(file, catalog, topology, &none, &p, &err) != 0)
		fail_msg("%s: %s", jsonx_str(q, "id"), err.why);
	json_decref(file);
	return p;
}

static json_t *sample(const struct planned_cell *cell, const char *subject, const char *kind, int round)
{
	return json_pack(
		"{s:s,s:s,s:s,s:s,s:i,s:i,s:s,s:i,s:{s:s,s:f},s:{s:{s:i}},s:{},s:{s:f,s:f,s:f},s:{s:f,s:f},s:[],s:{}}",
		"schema", "switchyard.sample/1", "cell", cell->id, "subject", subject, "kind", kind, "round", round,
		"attempt", 0, "status", "ok", "ops", 1000, "metric", "name", metric_name(cell->workload->metric),
		"value", 1.0, "work", "cert", "ops", 1000, "figures", "time", "wall_ns", 1000.0, "user_ns", 500.0,
		"sys_ns", 500.0, "sched", "vcsw", 1000.0, "ivcsw", 0.0, "counters", "runtime");
}

/* A pair of simulated samples of each series: 1000 operations, then 2000. */
static void simulate(json_t *samples, const struct plan *p)
{
	for (size_t i = 0; i < p->n_cells; i++)
		for (size_t j = 0; j < p->cells[i].n_subjects; j++)
			for (int twice = 0; twice < 2; twice++) {
				json_t *s = sample(&p->cells[i], p->cells[i].subjects[j]->id, "simulated", twice);

				json_object_set_new(json_object_get(json_object_get(s, "work"), "cert"), "ops",
						    json_integer(1000 * (twice + 1)));
				json_object_set_new(s, "simulation", json_pack("{s:b}", "is_twice", twice));
				json_array_append_new(samples, s);
			}
}

static struct report *run_of(const json_t *q)
{
	struct plan *p = plan_of(q);
	json_t *samples = json_array(), *subjects = json_array(), *run, *plan = plan_json(p, NULL, 1);
	struct report *r = NULL;
	struct err err = {{0}};

	for (size_t i = 0; i < catalog->n_subjects; i++)
		json_array_append_new(subjects, json_pack("{s:s,s:O}", "id", catalog->subjects[i].id, "describe",
							  catalog->subjects[i].describe));
	for (size_t i = 0; i < p->n_cells; i++)
		for (size_t j = 0; j < p->cells[i].n_subjects; j++)
			for (int round = 0; round < ROUNDS; round++) {
				const char *id = p->cells[i].subjects[j]->id;

				json_array_append_new(samples, sample(&p->cells[i], id, "timed", round));
				json_array_append_new(samples, sample(&p->cells[i], id, "counted", round));
			}
	simulate(samples, p);
	run = json_pack("{s:s,s:o,s:o}", "run_id", "made", "plan", plan, "subjects", subjects);
	assert_non_null(run);
	if (report_build(run, samples, NULL, &r, &err) != 0)
		fail_msg("%s", err.why);
	json_decref(run);
	json_decref(samples);
	plan_free(p);
	return r;
}

static const enum quantity places[ASK_NONE] = {
	[ASK_VALUE] = Q_VALUE,
	[ASK_WALL] = Q_WALL,
	[ASK_CPU] = Q_CPU,
	[ASK_SWITCHES] = Q_SWITCHES,
	[ASK_OWN_SWITCHES] = Q_OWN_SWITCHES,
	[ASK_THREADS] = Q_THREADS,
	[ASK_BUSY] = Q_BUSY,
	[ASK_RATE] = Q_RATE,
	[ASK_LITTLE] = Q_LITTLE,
	[ASK_P50] = Q_P50,
	[ASK_P99] = Q_P99,
	[ASK_RSS] = Q_MEM_RSS,
	[ASK_PAGETABLE] = Q_MEM_PAGETABLE,
	[ASK_KSTACK] = Q_MEM_KSTACK,
	[ASK_SLAB] = Q_MEM_SLAB,
};

/* What a leaf reads is `even` in the first round, `odd` in the second and so on. */
static void set_two(struct report *r, const json_t *leaf, double even, double odd)
{
	struct series *s = (struct series *)question_series(r, leaf);
	const char *name;
	enum question_quantity q = question_quantity(jsonx_str(leaf, "quantity"), &name);

	if (!s)
		fail_msg("no series of %s in %s", jsonx_str(leaf, "subject"), jsonx_str(leaf, "workload"));
	for (size_t i = 0; q == ASK_SIMULATED && i < s->simulated.n; i++)
		json_object_set_new(json_object_get(s->simulated.at[i].sample, "simulation"), name,
				    json_real(even * s->simulated.at[i].ops));
	for (size_t i = 0; i < s->timed.n; i++) {
		double v = i % 2 ? odd : even;

		if (q == ASK_FIGURE)
			json_object_set_new(json_object_get(s->timed.at[i].sample, "figures"), name, json_real(v));
		else if (q == ASK_RUNTIME)
			json_object_set_new(json_object_get(s->timed.at[i].sample, "runtime"), name,
					    json_real(v * s->timed.at[i].ops));
		else if (q == ASK_GAUGE)
			json_object_set_new(json_object_get(s->timed.at[i].sample, "runtime"), name, json_real(v));
		else if (q == ASK_COUNTER)
			json_array_append_new(json_object_get(s->counted.at[i].sample, "counters"),
					      json_pack("{s:s,s:f}", "name", name, "per_op", v));
		else if (q != ASK_SIMULATED)
			s->timed.at[i].q[places[q]] = v;
	}
}

/* This in every round, a little more in every second one. */
static void set(struct report *r, const json_t *leaf, double value)
{
	set_two(r, leaf, value, value * (1 + 1e-4));
}

struct leaves {
	json_t *at[MAX_LEAVES];
	size_t n;
};

static void collect(const json_t *leaf, void *arg)
{
	struct leaves *all = arg;

	for (size_t i = 0; i < all->n; i++)
		if (json_equal(all->at[i], leaf))
			return;
	assert_true(all->n < MAX_LEAVES);
	all->at[all->n++] = json_deep_copy(leaf);
}

static void drop(struct leaves *all)
{
	for (size_t i = 0; i < all->n; i++)
		json_decref(all->at[i]);
}

static void set_all_to_one(struct report *r, const json_t *q)
{
	const char *name;
	json_t *value;

	json_object_foreach (json_object_get(q, "values"), name, value) {
		struct leaves all = {{NULL}, 0};

		question_leaves(json_object_get(value, "of"), collect, &all);
		for (size_t i = 0; i < all.n; i++)
			set(r, all.at[i], 1);
		drop(&all);
	}
}

/* The verdict of the question's only claim. */
static enum claim_verdict verdict(struct report *r, json_t *mini)
{
	struct err err = {{0}};
	json_t *list = json_pack("[O]", mini);

	assert_int_equal(report_questions(r, list, &err), 0);
	json_decref(list);
	return r->questions[0].claims[0].verdict;
}

/* Leaves that differ in parameters alone are one subject's curve. */
static bool same_curve(const json_t *a, const json_t *b)
{
	return strcmp(jsonx_str(a, "subject"), jsonx_str(b, "subject")) == 0 &&
	       strcmp(jsonx_str(a, "quantity"), jsonx_str(b, "quantity")) == 0 &&
	       strcmp(jsonx_str(a, "workload"), jsonx_str(b, "workload")) == 0;
}

/* Each leaf, then each curve of leaves, at values far apart: which verdicts come out? */
static void try_verdicts(struct report *r, json_t *mini, const struct leaves *all, bool seen[CLAIM_VERDICTS])
{
	const json_t *than = json_object_get(json_array_get(json_object_get(mini, "claims"), 0), "than");
	double middle = (json_number_value(json_array_get(than, 0)) + json_number_value(json_array_get(than, 1))) / 2;
	double values[] = {1e-9, 1e-3, 0.5, 3, 100, 1e9, middle}; /* the last of a range; else 0 */

	seen[verdict(r, mini)] = true;
	for (size_t i = 0; i < all->n; i++)
		for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++)
			for (int curve = 0; curve < 2; curve++) {
				for (size_t j = 0; j < all->n; j++)
					if (j == i || (curve && same_curve(all->at[i], all->at[j])))
						set(r, all->at[j], values[v]);
				seen[verdict(r, mini)] = true;
				for (size_t j = 0; j < all->n; j++)
					set(r, all->at[j], 1);
			}
}

static void every_claim_can_be_refuted_and_supported(void **state)
{
	const json_t *q, *claim;
	size_t i, k;

	(void)state;
	if (!catalog)
		skip();
	json_array_foreach (files, i, q) {
		struct report *r = is_askable(q) ? run_of(q) : NULL;

		if (!r)
			continue;
		json_array_foreach (json_object_get(q, "claims"), k, claim) {
			const char *name = jsonx_str(claim, "value");
			json_t *value = json_object_get(json_object_get(q, "values"), name);
			json_t *mini = json_pack("{s:s,s:{s:O},s:[O]}", "id", jsonx_str(q, "id"), "values", name, value,
						 "claims", claim);
			bool seen[CLAIM_VERDICTS] = {false};
			struct leaves all = {{NULL}, 0};

			question_leaves(json_object_get(value, "of"), collect, &all);
			for (size_t j = 0; j < all.n; j++)
				set(r, all.at[j], 1);
			try_verdicts(r, mini, &all, seen);
			if (!seen[CLAIM_REFUTED])
				fail_msg("%s: nothing refutes claim %s", jsonx_str(q, "id"), jsonx_str(claim, "id"));
			if (!seen[CLAIM_SUPPORTED])
				fail_msg("%s: nothing supports claim %s", jsonx_str(q, "id"), jsonx_str(claim, "id"));
			assert_false(seen[CLAIM_UNMEASURED]);
			drop(&all);
			json_decref(mini);
		}
		report_free(r);
	}
}

/* Its cells are there, in its time, with the rounds that its claims take. */
static void every_question_can_be_asked(void **state)
{
	const json_t *q;
	size_t i;

	(void)state;
	assert_true(json_array_size(files) >= 4);
	if (!catalog)
		skip();
	json_array_foreach (files, i, q) {
		unsigned needed = power_rounds_needed((unsigned)json_array_size(json_object_get(q, "claims")));
		struct plan *p = is_askable(q) ? plan_of(q) : NULL;
		struct estimate e;

		if (!p)
			continue;
		estimate_plan(p, &e);
		if (e.total_ns > p->budget_ns)
			fail_msg("%s takes %.0f s, and its budget is %.0f s", jsonx_str(q, "id"),
				 (double)e.total_ns / 1e9, (double)p->budget_ns / 1e9);
		assert_int_equal(p->claims, json_array_size(json_object_get(q, "claims")));
		for (size_t k = 0; k < p->n_cells; k++)
			if (p->cells[k].rounds < needed)
				fail_msg("%s: %s has %u rounds, %u are needed", jsonx_str(q, "id"), p->cells[k].id,
					 p->cells[k].rounds, needed);
		plan_free(p);
	}
}

static void says_what_is_simulated(const struct asked *a)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	question_value(f, a);
	fclose(f);
	assert_int_equal(strstr(text, "(simulated)") != NULL, a->is_simulated);
	free(text);
}

/* Every value finds its samples, not those of claims alone. */
static void every_value_is_measured_in_a_run_of_its_question(void **state)
{
	const json_t *q;
	size_t i;

	(void)state;
	if (!catalog)
		skip();
	json_array_foreach (files, i, q) {
		struct report *r = is_askable(q) ? run_of(q) : NULL;
		json_t *list = r ? json_pack("[O]", q) : NULL;
		struct err err = {{0}};

		if (!r)
			continue;
		set_all_to_one(r, q);
		assert_int_equal(report_questions(r, list, &err), 0);
		for (size_t k = 0; k < r->questions[0].n_values; k++)
			if (r->questions[0].values[k].est.n != (r->questions[0].values[k].is_simulated ? 1 : ROUNDS))
				fail_msg("%s: %s: %s", jsonx_str(q, "id"), r->questions[0].values[k].name,
					 r->questions[0].values[k].why);
		for (size_t k = 0; k < r->questions[0].n_values; k++)
			says_what_is_simulated(&r->questions[0].values[k]);
		json_decref(list);
		report_free(r);
	}
}

/* ---- what Go's runtime tells --------------------------------------------------------------------------------------- */

/* The first leaf of a value, and its reading. */
static void set_value(struct report *r, const json_t *q, const char *name, double even, double odd)
{
	struct leaves all = {{NULL}, 0};

	question_leaves(json_object_get(json_object_get(json_object_get(q, "values"), name), "of"), collect, &all);
	assert_true(all.n > 0);
	set_two(r, all.at[0], even, odd);
	drop(&all);
}

/* The second sentence, after asking. */
static const json_t *told_after(struct report *r, const json_t *q)
{
	json_t *list = json_pack("[O]", q);
	struct err err = {{0}};

	assert_int_equal(report_questions(r, list, &err), 0);
	json_decref(list);
	return question_sentence(&r->questions[0], 1);
}

static void forget_go(struct report *r)
{
	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t k = 0; k < r->cells[i].n_series; k++)
			if (strncmp(r->cells[i].series[k].subject, "go", 2) == 0)
				r->cells[i].series[k].timed.n = 0;
}

/* Go's collector takes much, little, or that is open: three answers, and another one where there is no Go. */
static void go_s_collector_decides_the_answer(void **state)
{
	static const struct {
		const char *question, *value;
		double good, bad;
		const char *others[2]; /* that are `enough` */
		double enough;
	} cases[] = {{"Q15", "gc_100k", 5, 0.001, {"hop100k", "hop100k"}, 10},
		     {"Q16", "gc_busy1", 0.5, 3, {"threads1", "go_threads1"}, 20},
		     {"Q19", "gc_64", 0.5, 0.001, {"gc_1k", "cycle_10k"}, 20}};

	(void)state;
	if (!catalog)
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const json_t *q = questions_find(files, cases[i].question), *said[4];
		struct report *r = run_of(q);

		set_all_to_one(r, q);
		for (size_t k = 0; k < 2; k++)
			set_value(r, q, cases[i].others[k], cases[i].enough, cases[i].enough);
		for (int k = 0; k < 3; k++) {
			set_value(r, q, cases[i].value, k == 0 ? cases[i].good : cases[i].bad,
				  k == 1 ? cases[i].bad : cases[i].good);
			said[k] = told_after(r, q);
		}
		forget_go(r);
		said[3] = told_after(r, q);
		for (int k = 0; k < 4; k++)
			for (int l = 0; l < k; l++)
				if (!said[k] || said[k] == said[l])
					fail_msg("%s gives one answer to %d and %d", cases[i].question, k, l);
		report_free(r);
	}
}

/* ---- what expressions mean --------------------------------------------------------------------------------------- */

/* A question of one claim about samples of two subjects; the value in each of nine rounds. */
static const char tiny[] =
	"{\"schema\":\"switchyard.question/"
	"1\",\"id\":\"Q99\",\"slug\":\"tiny\",\"question\":{\"en\":\"e\",\"zh\":\"z\"},"
	"\"cells\":[{\"workload\":\"w/x\"}],\"places\":{\"p\":{\"workload\":\"w/x\",\"params\":{\"n\":1}},"
	"\"q\":{\"workload\":\"w/x\"}},"
	"\"values\":{\"a\":{\"of\":{\"at\":\"p\",\"subject\":\"gmp\"},\"unit\":\"ns\"},"
	"\"b\":{\"of\":{\"at\":\"p\",\"subject\":\"pthread\"},\"unit\":\"ns\"},"
	"\"v\":{\"of\":%s,\"unit\":\"x\"}},"
	"\"claims\":[{\"id\":\"c\",\"value\":\"v\",\"is\":%s,\"than\":%s,\"en\":\"{v} {than.c}\",\"zh\":\"z {than.c} "
	"{v}\"}],"
	"\"answer\":[[{\"when\":{\"c\":\"supported\"},\"en\":\"yes {a.median}\",\"zh\":\"z {a.median}\"},"
	"{\"when\":{\"c\":[\"refuted\"]},\"en\":\"no\",\"zh\":\"z\"},{\"en\":\"open\",\"zh\":\"z\"}]],"
	"\"figures\":[{\"workload\":\"w/x\"}],\"caveats\":[{\"en\":\"e\",\"zh\":\"z\"}]}";

static json_t *tiny_with(const char *of, const char *is, const char *than)
{
	char *text = xformat(tiny, of, is, than);
	json_t *q = json_loads(text, 0, NULL);
	struct err err = {{0}};

	free(text);
	assert_non_null(q);
	if (question_prepare(q, "Q99-tiny.json", &err) != 0)
		fail_msg("%s", err.why);
	return q;
}

/* Cells n=1, 10, 100 with what gmp and pthread say there, in rounds 0 to 8; before them one of another placement, of 77. */
static struct report *tiny_run(const double gmp[3], const double pthread[3], double wobble)
{
	static const int sizes[] = {1, 1, 10, 100};
	json_t *cells = json_array(), *samples = json_array(), *run;
	struct report *r = NULL;
	struct err err = {{0}};

	for (int i = 0; i < 4; i++) {
		char id[40];

		snprintf(id, sizeof(id), "w/x n=%d %s w1", sizes[i], i ? "same" : "free");
		json_array_append_new(cells, json_pack("{s:s,s:s,s:{s:i},s:s,s:i,s:[s,s]}", "id", id, "workload", "w/x",
						       "params", "n", sizes[i], "placement", i ? "same" : "free",
						       "workers", 1, "subjects", "gmp", "pthread"));
		for (int round = 0; round < ROUNDS; round++)
			for (int k = 0; k < 2; k++)
				json_array_append_new(
					samples, json_pack("{s:s,s:s,s:s,s:s,s:i,s:{s:s,s:f}}", "cell", id, "subject",
							   k ? "pthread" : "gmp", "kind", "timed", "status", "ok",
							   "round", round, "metric", "name", "bytes_per_task", "value",
							   i == 0 ? 77.0
							   : k    ? pthread[i - 1]
								  : gmp[i - 1] * (1 + wobble * (round - 4))));
	}
	run = json_pack("{s:s,s:{s:o},s:[{s:s,s:{s:[{s:s,s:b,s:[{s:s,s:i}]}]}}]}", "run_id", "tiny", "plan", "cells",
			cells, "subjects", "id", "gmp", "describe", "workloads", "name", "w/x", "offered", 1, "params",
			"name", "n", "default", 10);
	if (report_build(run, samples, NULL, &r, &err) != 0)
		fail_msg("%s", err.why);
	json_decref(run);
	json_decref(samples);
	return r;
}

static const struct question *ask(struct report *r, const char *of, const char *is, const char *than)
{
	json_t *q = tiny_with(of, is, than), *list = json_pack("[o]", q);
	struct err err = {{0}};

	assert_int_equal(report_questions(r, list, &err), 0);
	json_decref(list);
	return &r->questions[0];
}

static double value_of(struct report *r, const char *of)
{
	return question_asked(ask(r, of, "\"<\"", "1"), "v")->est.median;
}

#define AT_P(quantity) "{\"at\":\"p\",\"subject\":\"gmp\",\"quantity\":\"" quantity "\"}"

static void expressions_mean_what_they_say(void **state)
{
	static const double gmp[] = {10, 6, 2}, pthread[] = {20, 0, 1};
	struct report *r = tiny_run(gmp, pthread, 0);

	(void)state;
	assert_true(value_of(r, "{\"ratio\":[\"a\",\"b\"]}") == 0.5);
	assert_true(value_of(r, "{\"difference\":[\"a\",\"b\"]}") == -10);
	assert_true(value_of(r, "{\"sum\":[\"a\",\"b\",5]}") == 35);
	assert_true(value_of(r, "{\"product\":[2,\"a\",\"b\"]}") == 400);
	assert_true(value_of(r, "{\"most\":[\"a\",\"b\",5]}") == 20);
	assert_true(value_of(r, "{\"most\":[\"b\",\"a\",30]}") == 30);
	assert_true(value_of(r, "{\"most\":[-2,{\"difference\":[\"a\",\"b\"]}]}") == -2);
	assert_true(value_of(r, "{\"ratio\":[{\"difference\":[\"b\",\"a\"]},\"b\"]}") == 0.5);
	/* Along n the values are 10, 6, 2: 4 is half-way between 10 and 100. */
	assert_true(fabs(value_of(r, "{\"falls_below\":4,\"along\":\"n\",\"values\":[1,10,100],\"of\":{\"at\":\"q\","
				     "\"subject\":\"gmp\"}}") -
			 sqrt(1000)) < 1e-9);
	assert_true(value_of(r, "{\"falls_below\":11,\"along\":\"n\",\"values\":[1,10,100],\"of\":{\"at\":\"q\","
				"\"subject\":\"gmp\"}}") == 1);
	assert_true(isinf(value_of(r, "{\"falls_below\":1,\"along\":\"n\",\"values\":[1,10,100],\"of\":{\"at\":\"q\","
				      "\"subject\":\"gmp\"}}")));
	report_free(r);
}

/* What a runtime counted is told by operation; what it tells of itself otherwise, as it is; null is not 0. */
static void a_runtime_tells_counts_and_gauges(void **state)
{
	static const double gmp[] = {10, 6, 2}, pthread[] = {1, 1, 1};
	struct report *r = tiny_run(gmp, pthread, 0);
	struct series *s = &r->cells[1].series[0]; /* gmp at n=1 */

	(void)state;
	for (size_t i = 0; i < s->timed.n; i++) {
		s->timed.at[i].ops = 8;
		json_object_set_new((json_t *)s->timed.at[i].sample, "runtime",
				    json_pack("{s:i,s:n}", "waits", 40, "longest", NULL));
	}
	assert_true(value_of(r, AT_P("runtime:waits")) == 5);
	assert_true(value_of(r, AT_P("gauge:waits")) == 40);
	assert_string_equal(ask(r, AT_P("gauge:longest"), "\"<\"", "1")->claims[0].why, "gmp tells no gauge:longest");
	for (size_t i = 0; i < s->timed.n; i++)
		s->timed.at[i].ops = 0; /* not known */
	assert_string_equal(ask(r, AT_P("runtime:waits"), "\"<\"", "1")->claims[0].why, "gmp tells no runtime:waits");
	assert_true(value_of(r, AT_P("gauge:waits")) == 40);
	report_free(r);
}

#define ALONG_N "\"along\":\"n\",\"values\":[1,10,100]"
#define GMP "{\"at\":\"q\",\"subject\":\"gmp\"}"
#define PTHREAD "{\"at\":\"q\",\"subject\":\"pthread\"}"

/* A line through what all take, n times what each takes: 10, 60, 200 at 1, 10, 100. */
static void a_line_has_the_slope_of_its_points(void **state)
{
	static const double gmp[] = {10, 6, 2}, pthread[] = {1, 1, 1};
	struct report *r = tiny_run(gmp, pthread, 0);
	double slope;

	(void)state;
	slope = value_of(r, "{\"fit\":\"slope\"," ALONG_N ",\"of\":{\"product\":[{\"param\":\"n\"}," GMP "]}}");
	assert_true(fabs(slope - 190.0 / 99) < 1e-9); /* between 140 / 90 and 50 / 9 */
	slope = value_of(r, "{\"fit\":\"slope\"," ALONG_N ",\"of\":{\"product\":[{\"param\":\"n\"}," PTHREAD "]}}");
	assert_true(fabs(slope - 1) < 1e-9);
	slope = value_of(r, "{\"fit\":\"slope\"," ALONG_N ",\"of\":" PTHREAD "}");
	assert_true(slope == 0);
	report_free(r);
}

static void two_cross_where_they_change_places(void **state)
{
	static const double falling[] = {10, 2, 1}, level[] = {4, 4, 4}, same[] = {4, 4, 2};
	static const char *const asked = "{\"crosses\":[" GMP "," PTHREAD "]," ALONG_N "}";
	struct report *r = tiny_run(falling, level, 0);

	(void)state;
	/* By the logarithm: of ln 2.5 + ln 2 the first part. */
	assert_true(fabs(value_of(r, asked) - pow(10, log(2.5) / log(5))) < 1e-9);
	report_free(r);
	r = tiny_run(level, falling, 0); /* in the other order, too */
	assert_true(fabs(value_of(r, asked) - pow(10, log(2.5) / log(5))) < 1e-9);
	report_free(r);
	r = tiny_run(same, level, 0); /* equal at first, then less: they were never the other way round */
	assert_true(isinf(value_of(r, asked)));
	report_free(r);
}

/* X(n) = 100 n / (1 + 0.1 (n - 1) + 0.002 n (n - 1)), at 1, 2, 4, ... 32: most at sqrt(0.9 / 0.002). */
static void a_law_of_scalability_is_fitted_in_each_round(void **state)
{
	static const char *const of = ",\"along\":\"n\",\"values\":[1,2,4,8,16,32],\"of\":" GMP "}";
	json_t *cells = json_array(), *samples = json_array(), *run;
	struct report *r = NULL;
	struct err err = {{0}};
	char *asked;

	(void)state;
	for (int n = 1; n <= 32; n *= 2) {
		char id[40];

		snprintf(id, sizeof(id), "w/x n=%d same w1", n);
		json_array_append_new(cells, json_pack("{s:s,s:s,s:{s:i},s:s,s:i,s:[s]}", "id", id, "workload", "w/x",
						       "params", "n", n, "placement", "same", "workers", 1, "subjects",
						       "gmp"));
		for (int round = 0; round < ROUNDS; round++)
			json_array_append_new(samples,
					      json_pack("{s:s,s:s,s:s,s:s,s:i,s:{s:s,s:f}}", "cell", id, "subject",
							"gmp", "kind", "timed", "status", "ok", "round", round,
							"metric", "name", "bytes_per_task", "value",
							100.0 * n / (1 + 0.1 * (n - 1) + 0.002 * n * (n - 1))));
	}
	run = json_pack("{s:s,s:{s:o}}", "run_id", "tiny", "plan", "cells", cells);
	assert_int_equal(report_build(run, samples, NULL, &r, &err), 0);
	json_decref(run);
	json_decref(samples);
	asked = xformat("{\"fit\":\"usl_contention\"%s", of);
	assert_true(fabs(value_of(r, asked) - 0.1) < 1e-3);
	free(asked);
	asked = xformat("{\"fit\":\"usl_coherency\"%s", of);
	assert_true(fabs(value_of(r, asked) - 0.002) < 1e-4);
	free(asked);
	asked = xformat("{\"fit\":\"usl_peak\"%s", of);
	assert_true(fabs(value_of(r, asked) - sqrt(0.9 / 0.002)) < 0.5);
	free(asked);
	report_free(r);
}

/* A claim about where a line, a crossing or a peak lies is refuted and supported like any other. */
static void claims_about_what_lies_along_an_axis_are_judged(void **state)
{
	static const double gmp[] = {10, 6, 2}, pthread[] = {4, 4, 4};
	static const struct {
		const char *of, *supported, *refuted;
	} cases[] = {
		{"{\"fit\":\"slope\"," ALONG_N ",\"of\":" GMP "}", "0", "-5"},
		{"{\"crosses\":[" GMP "," PTHREAD "]," ALONG_N "}", "100", "5"},
	};
	struct report *r = tiny_run(gmp, pthread, 0.001);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_string_equal(question_asked(ask(r, cases[i].of, "\"<\"", "0"), "v")->subject, "gmp");
		assert_int_equal(ask(r, cases[i].of, "\"<\"", cases[i].supported)->claims[0].verdict, CLAIM_SUPPORTED);
		assert_int_equal(ask(r, cases[i].of, "\"<\"", cases[i].refuted)->claims[0].verdict, CLAIM_REFUTED);
	}
	report_free(r);
}

/* From endless (6 over 0) to 2: below 3 from there on, in rounds that count. */
static void what_falls_may_fall_from_endless(void **state)
{
	static const double gmp[] = {10, 6, 2}, pthread[] = {0, 0, 1};
	struct report *r = tiny_run(gmp, pthread, 0);

	(void)state;
	assert_true(
		value_of(r, "{\"falls_below\":3,\"along\":\"n\",\"values\":[1,10,100],\"of\":{\"ratio\":[{\"at\":\"q\","
			    "\"subject\":\"gmp\"},{\"at\":\"q\",\"subject\":\"pthread\"}]}}") == 100);
	report_free(r);
}

/* Whatever numbers records give to rounds, those that both have are paired. */
static void rounds_may_have_any_number(void **state)
{
	static const double gmp[] = {10, 10, 10}, pthread[] = {20, 20, 20};
	struct report *r = tiny_run(gmp, pthread, 0);

	(void)state;
	r->cells[1].series[0].timed.at[8].round = r->cells[1].series[1].timed.at[8].round = 1L << 60;
	r->cells[1].series[0].timed.at[0].round = -5;
	assert_int_equal(question_asked(ask(r, "{\"ratio\":[\"a\",\"b\"]}", "\"<\"", "1"), "v")->est.n, ROUNDS - 1);
	report_free(r);
}

/* Of samples that are 0: nothing over nothing is 1, something over nothing has no end. */
static void nothing_is_no_error(void **state)
{
	static const double gmp[] = {10, 10, 10}, none[] = {0, 0, 0};
	struct report *r = tiny_run(gmp, none, 0);

	(void)state;
	assert_true(isinf(value_of(r, "{\"ratio\":[\"a\",\"b\"]}")));
	assert_true(value_of(r, "{\"ratio\":[\"b\",\"a\"]}") == 0);
	assert_int_equal(ask(r, "{\"ratio\":[\"a\",\"b\"]}", "\"<\"", "5")->claims[0].verdict, CLAIM_REFUTED);
	report_free(r);
	r = tiny_run(none, none, 0);
	assert_true(value_of(r, "{\"ratio\":[\"a\",\"b\"]}") == 1);
	report_free(r);
}

static char *text_of(const struct question *q, const char *text)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	question_say(f, q, text);
	fclose(f);
	return out;
}

static void verdicts_follow_the_whole_interval(void **state)
{
	static const double gmp[] = {10, 10, 10}, pthread[] = {20, 20, 20};
	static const struct {
		const char *is, *than;
		enum claim_verdict verdict;
		const char *answer;
	} cases[] = {
		{"\"<\"", "0.61", CLAIM_SUPPORTED, "yes 10.0 ns"},
		{"\"<\"", "0.39", CLAIM_REFUTED, "no"},
		{"\"<\"", "0.5", CLAIM_INCONCLUSIVE, "open"},
		{"\">\"", "0.39", CLAIM_SUPPORTED, "yes 10.0 ns"},
		{"\">\"", "0.61", CLAIM_REFUTED, "no"},
		{"\">\"", "0.51", CLAIM_INCONCLUSIVE, "open"},
		{"\"within\"", "[0.3,0.7]", CLAIM_SUPPORTED, "yes 10.0 ns"},
		{"\"within\"", "[0.7,0.9]", CLAIM_REFUTED, "no"},
		{"\"within\"", "[0.5,0.9]", CLAIM_INCONCLUSIVE, "open"},
	};
	struct report *r = tiny_run(gmp, pthread, 0.05); /* 0.4 to 0.6 over nine rounds */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct question *q = ask(r, "{\"ratio\":[\"a\",\"b\"]}", cases[i].is, cases[i].than);
		char *text = text_of(q, question_text(question_sentence(q, 0), QUESTION_EN));

		assert_int_equal(q->claims[0].verdict, cases[i].verdict);
		assert_string_equal(text, cases[i].answer);
		free(text);
	}
	report_free(r);
}

/* Of an open claim it is said what the rounds could have shown, and how many would. */
static void an_open_claim_says_what_it_takes(void **state)
{
	static const double gmp[] = {10, 10, 10}, pthread[] = {20, 20, 20};
	struct report *r = tiny_run(gmp, pthread, 0.05);
	const struct question *q = ask(r, "{\"ratio\":[\"a\",\"b\"]}", "\"<\"", "0.51");
	char *text;

	(void)state;
	/* The interval at 95 % of nine is that of the second and the eighth: 0.425 to 0.575. */
	assert_true(fabs(q->claims[0].reach - 0.075) < 1e-9);
	assert_int_equal(q->claims[0].more_rounds, 507 - 9); /* 9 * (0.075 / 0.01)^2, rounded up */
	assert_non_null(strstr(q->claims[0].why, "about 498 more rounds would decide"));
	text = text_of(q, "{v}, {a}, limit {than.c}");
	assert_string_equal(text, "0.50x [0.42x, 0.57x], 10.0 ns [8.5, 11.5], limit 0.51x");
	free(text);
	for (size_t i = 0; i < r->n_cells; i++) /* five rounds */
		for (size_t k = 0; k < r->cells[i].n_series; k++)
			r->cells[i].series[k].timed.n = 5;
	q = ask(r, "{\"ratio\":[\"a\",\"b\"]}", "\"<\"", "0.7");
	assert_int_equal(q->claims[0].verdict, CLAIM_INCONCLUSIVE);
	assert_int_equal(q->claims[0].more_rounds, 1);
	assert_string_equal(q->claims[0].why, "5 rounds, and an interval takes 6 at this level");
	report_free(r);
}

static void disturbed_samples_support_nothing(void **state)
{
	static const double gmp[] = {10, 10, 10}, pthread[] = {20, 20, 20};
	static const struct twin differing = {.known = true, .differs = true};
	struct report *r = tiny_run(gmp, pthread, 0.01);
	const struct question *q;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		r->cells[1].series[0].timed.at[i].contaminated = true;
	q = ask(r, "{\"ratio\":[\"a\",\"b\"]}", "\"<\"", "0.9");
	assert_int_equal(q->claims[0].verdict, CLAIM_INCONCLUSIVE);
	assert_string_equal(q->claims[0].why, "4 of the 18 samples behind it were disturbed by other programs");
	for (size_t i = 0; i < 4; i++)
		r->cells[1].series[0].timed.at[i].contaminated = false;
	assert_int_equal(ask(r, "{\"ratio\":[\"a\",\"b\"]}", "\"<\"", "0.9")->claims[0].verdict, CLAIM_SUPPORTED);
	r->cells[1].twin = &differing;
	q = ask(r, "{\"ratio\":[\"a\",\"b\"]}", "\"<\"", "0.9");
	assert_int_equal(q->claims[0].verdict, CLAIM_INCONCLUSIVE);
	assert_string_equal(q->claims[0].why, "the A/A twin of w/x differs from itself");
	report_free(r);
}

/* The intervals of what claims are about hold together; that of another value stands alone. */
static void claims_share_what_may_be_erred(void **state)
{
	static const double gmp[] = {10, 10, 10}, pthread[] = {20, 20, 20};
	struct report *r = tiny_run(gmp, pthread, 0.05);
	json_t *q = tiny_with("{\"ratio\":[\"a\",\"b\"]}", "\"<\"", "1"), *list = json_pack("[o]", q), *more;
	struct err err = {{0}};
	char *text;

	(void)state;
	more = json_deep_copy(json_array_get(json_object_get(q, "claims"), 0));
	json_object_set_new(more, "id", json_string("d"));
	json_array_append_new(json_object_get(q, "claims"), more);
	assert_int_equal(report_questions(r, list, &err), 0);
	text = text_of(&r->questions[0], "{v}, {a}"); /* of nine the extremes: 97.5 %; second and eighth: 95 % */
	assert_string_equal(text, "0.50x [0.40x, 0.60x], 10.0 ns [8.5, 11.5]");
	free(text);
	json_decref(list);
	report_free(r);
}

/* A leaf that does not name a parameter means its default, not the first cell. */
static void what_is_left_out_has_its_default(void **state)
{
	static const double gmp[] = {10, 6, 2}, pthread[] = {20, 20, 20};
	struct report *r = tiny_run(gmp, pthread, 0);

	(void)state;
	assert_true(value_of(r, "{\"at\":\"q\",\"subject\":\"gmp\"}") == 6);
	report_free(r);
}

static void what_is_not_there_is_not_measured(void **state)
{
	static const double gmp[] = {10, 10, 10}, pthread[] = {20, 20, 20};
	struct report *r = tiny_run(gmp, pthread, 0);
	const struct question *q = ask(r, "{\"at\":\"p\",\"subject\":\"go\"}", "\"<\"", "1");

	(void)state;
	assert_int_equal(q->claims[0].verdict, CLAIM_UNMEASURED);
	assert_false(q->is_answered);
	assert_true(q->claims[0].value->is_absent);
	assert_string_equal(q->claims[0].why, "the run has no go in w/x");
	json_object_set_new(r->run, "not_built",
			    json_pack("[{s:s,s:s,s:s}]", "id", "go", "packages", "golang-go", "why",
				      "its toolchain was not found"));
	q = ask(r, "{\"at\":\"p\",\"subject\":\"go+gogc=off\"}", "\"<\"", "1");
	assert_string_equal(q->claims[0].why, "go is not built: install golang-go and build again");
	assert_true(q->claims[0].value->is_absent);
	/* The most of what is known and what is not is not known. */
	q = ask(r, "{\"most\":[{\"at\":\"p\",\"subject\":\"go\"},\"a\"]}", "\"<\"", "1");
	assert_int_equal(q->claims[0].verdict, CLAIM_UNMEASURED);
	q = ask(r, "{\"at\":\"p\",\"subject\":\"gmp\",\"quantity\":\"counter:cycles\"}", "\"<\"", "1");
	assert_int_equal(q->claims[0].verdict, CLAIM_UNMEASURED);
	assert_false(q->claims[0].value->is_absent);
	assert_string_equal(q->claims[0].why, "gmp tells no counter:cycles");
	report_free(r);
}

/* ---- figures --------------------------------------------------------------------------------------------------------- */

/* The tiny question with labels, one of each kind of figure, and what is left of a over b. */
static json_t *drawn_question(void)
{
	char *text = xformat(tiny, "{\"difference\":[\"a\",\"b\"]}", "\"<\"", "1");
	json_t *q = json_loads(text, 0, NULL), *label = json_pack("{s:s,s:s}", "en", "name of it", "zh", "z"), *value;
	struct err err = {{0}};
	const char *key;

	free(text);
	json_object_foreach (json_object_get(q, "values"), key, value) {
		json_object_set(value, "label", label);
		json_object_set_new(value, "unit", json_string("ns"));
	}
	json_object_set_new(json_array_get(json_object_get(q, "claims"), 0), "value", json_string("a"));
	json_object_set_new(q, "figures",
			    json_pack("[{s:[s,s],s:O},{s:[s,s],s:s,s:s,s:O},{s:[[[i,s],[i,s]]],s:O,s:O}]", "values",
				      "a", "b", "title", label, "parts", "b", "b", "whole", "a", "rest", "v", "title",
				      label, "lines", 0, "a", 5, "a", "axis", label, "title", label));
	if (question_prepare(q, "Q99-tiny.json", &err) != 0)
		fail_msg("%s", err.why);
	json_decref(label);
	return q;
}

static void has_lines(const char *dir, const char *file, const char *const *lines)
{
	char path[300], *text = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/plots/%s", dir, file);
	f = fopen(path, "r");
	if (!f)
		fail_msg("there is no %s", path);
	assert_true(getdelim(&text, &size, '\0', f) > 0);
	fclose(f);
	for (; *lines; lines++)
		if (!strstr(text, *lines))
			fail_msg("%s has no \"%s\":\n%s", file, *lines, text);
	free(text);
}

static void figures_show_the_values(void **state)
{
	static const double gmp[] = {10, 10, 10}, pthread[] = {4, 4, 4};
	static const char *const rows[] = {"\n0 10 10 10 # a\n", "\n2 4 4 4 # b\n", NULL};
	/* Each part where the one before ends; what is left over of a is that of a less b, drawn from their sum on. */
	static const char *const parts[] = {"\n0 0 4 4 4 # b\n2 4 8 8 8 # b\n", "\n4 8 14 14 14 # v\n",
					    "\n6 0 10 10 10 # a\n", NULL};
	static const char *const lines[] = {"\n0 10 10 10 # a\n5 10 10 10 # a\n", NULL};
	struct report *r = tiny_run(gmp, pthread, 0);
	json_t *q = drawn_question(), *list = json_pack("[o]", q);
	char dir[] = "/var/tmp/switchyard-figures-XXXXXX", path[300], command[300];
	struct err err = {{0}};

	(void)state;
	assert_int_equal(report_questions(r, list, &err), 0);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/plots", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	if (plots_questions(r, dir, &err) != 0)
		fail_msg("%s", err.why);
	assert_int_equal(r->n_plots, 3);
	has_lines(dir, "Q99_values_1.dat", rows);
	has_lines(dir, "Q99_values_2.dat", parts);
	has_lines(dir, "Q99_values_3.dat", lines);
	for (size_t i = 0; i < r->n_plots; i++)
		if (!r->plots[i].drawn && !strstr(r->plots_why, "not installed"))
			fail_msg("%s is not drawn: %s", r->plots[i].id, r->plots_why);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	json_decref(list);
	report_free(r);
}

/* What a run lacks has no row, and a whole without one of its parts no figure. */
static void figures_leave_out_what_was_not_measured(void **state)
{
	static const double gmp[] = {10, 10, 10}, pthread[] = {4, 4, 4};
	struct report *r = tiny_run(gmp, pthread, 0);
	json_t *q = drawn_question(), *list = json_pack("[o]", q);
	struct err err = {{0}};

	(void)state;
	r->cells[1].series[1].timed.n = 0; /* pthread's at n=1 */
	assert_int_equal(report_questions(r, list, &err), 0);
	assert_int_equal(question_asked(&r->questions[0], "b")->est.n, 0);
	assert_int_equal(plots_questions(r, "/nowhere", &err), -ENOENT); /* the line alone is left to be drawn */
	assert_int_equal(r->n_plots, 1);
	assert_string_equal(r->plots[0].id, "Q99_values_3");
	json_decref(list);
	report_free(r);
}

/* ---- wrong files --------------------------------------------------------------------------------------------------- */

static void refused(const char *from, const char *to, const char *sentence)
{
	char *text = xformat(tiny, "{\"ratio\":[\"a\",\"b\"]}", "\"<\"", "1"), *at = strstr(text, from), *changed;
	struct err err = {{0}};
	json_t *q;

	if (!at)
		fail_msg("the file has no %s", from);
	changed = xformat("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	q = json_loads(changed, 0, NULL);
	if (!q)
		fail_msg("not JSON: %s", changed);
	assert_int_equal(question_prepare(q, "Q99-tiny.json", &err), -EINVAL);
	if (!strstr(err.why, sentence))
		fail_msg("%s -> %s says: %s", from, to, err.why);
	json_decref(q);
	free(changed);
	free(text);
}

static void wrong_files_are_refused_with_a_sentence(void **state)
{
	(void)state;
	refused("question/1", "question/2", "is not of schema switchyard.question/1");
	refused("\"id\":\"Q99\"", "\"id\":\"Q98\"", "a file is called ID-SLUG.json");
	refused("\"slug\"", "\"colour\":1,\"slug\"", "unknown key 'colour'");
	refused("\"zh\":\"z\"}", "\"zh\":\"\"}", "question has no text in 'zh'");
	refused("\"ratio\"", "\"quotient\"", "not a number, a value's name, a series");
	refused("[\"a\",\"b\"]", "[\"a\"]", "not a number, a value's name, a series");
	refused("[\"a\",\"b\"]", "[\"a\",\"c\"]", "'c' is no value defined above it");
	refused("[\"a\",\"b\"]", "[\"a\",{\"difference\":[\"b\",1]}]", "the base of a ratio must not be a difference");
	refused("[\"a\",\"b\"]", "[\"a\",0]", "the base of a ratio must not be");
	refused("[\"a\",\"b\"]", "[2,1]", "measures nothing");
	refused("\"at\":\"p\"", "\"at\":\"nowhere\"", "there is no place 'nowhere'");
	refused("\"subject\":\"gmp\"", "\"subject\":\"gmp\",\"quantity\":\"joy\"", "there is no quantity 'joy'");
	refused("\"unit\":\"x\"", "\"unit\":\"yards\"", "unit is one of");
	refused("\"value\":\"v\"", "\"value\":\"w\"", "about 'w', which is no value");
	refused("\"is\":\"<\"", "\"is\":\"=\"", "'is' is one of <, >, within");
	refused("\"than\":1", "\"than\":[1,2]", "'than' is a number");
	refused("\"zh\":\"z {a.median}", "\"zh\":\"z {b}", "tells other values in 'en' than in 'zh'");
	refused("{than.c}", "{than.d}", "nothing fills {than.d}");
	refused("{a.median}", "{a.mean}", "nothing fills {a.mean}");
	refused("\"c\":\"supported\"", "\"d\":\"supported\"", "no such claim, or no verdict");
	refused("\"c\":\"supported\"", "\"c\":\"true\"", "no such claim, or no verdict");
	refused(",{\"en\":\"open\",\"zh\":\"z\"}", "", "the last alone has no 'when'");
	refused("\"caveats\":[{\"en\":\"e\",\"zh\":\"z\"}]", "\"caveats\":[]", "'caveats' is no list");
	refused("[\"a\",\"b\"]", "[{\"falls_below\":1,\"along\":\"n\",\"values\":[3,2,1],\"of\":\"a\"},\"b\"]",
		"whole numbers that rise");
	refused("[\"a\",\"b\"]", "[\"a\",{\"fit\":\"slope\",\"along\":\"n\",\"values\":[1,2,3],\"of\":\"b\"}]",
		"the base of a ratio must not be");
	refused("[\"a\",\"b\"]", "[{\"fit\":\"curve\",\"along\":\"n\",\"values\":[1,2,3],\"of\":\"a\"},\"b\"]",
		"fit is one of slope");
	refused("[\"a\",\"b\"]", "[{\"fit\":\"usl_peak\",\"along\":\"n\",\"values\":[1,2,3],\"of\":\"a\"},\"b\"]",
		"takes 6 values at least");
	refused("[\"a\",\"b\"]", "[{\"crosses\":[\"a\"],\"along\":\"n\",\"values\":[1,2,3]},\"b\"]",
		"crosses is a list of two");
	refused("[\"a\",\"b\"]", "[{\"param\":\"n\"},\"b\"]", "a param stands within something along it");
	refused("[\"a\",\"b\"]",
		"[{\"fit\":\"slope\",\"along\":\"n\",\"values\":[1,2,3],\"of\":{\"crosses\":[\"a\",\"b\"],\"along\":"
		"\"n\",\"values\":[1,2,3]}},\"b\"]",
		"something along a parameter holds no other such");
	refused("\"subject\":\"gmp\"", "\"subject\":\"gmp\",\"quantity\":\"simulated:d1_misses\"",
		"what is simulated can be told, and not claimed");
	refused("\"figures\":[{\"workload\":\"w/x\"}]",
		"\"figures\":[{\"values\":[\"a\",\"b\"],\"title\":{\"en\":\"e\",\"zh\":\"z\"}}]",
		"no value with a label");
	refused("\"figures\":[{\"workload\":\"w/x\"}]",
		"\"figures\":[{\"values\":[\"a\"],\"title\":{\"en\":\"e\",\"zh\":\"z\"}}]", "shows two at least");
}

/* Labels are there, but the one is a time and the other a ratio: no axis holds both. */
static void a_figure_has_one_unit(void **state)
{
	json_t *label = json_pack("{s:s,s:s}", "en", "e", "zh", "z"), *file, *value;
	struct err err = {{0}};
	const char *key;
	char *text = xformat(tiny, "{\"ratio\":[\"a\",\"b\"]}", "\"<\"", "1");

	(void)state;
	file = json_loads(text, 0, NULL);
	json_object_foreach (json_object_get(file, "values"), key, value)
		json_object_set(value, "label", label);
	json_object_set_new(file, "figures", json_pack("[{s:[s,s],s:O}]", "values", "a", "v", "title", label));
	assert_int_equal(question_prepare(file, "Q99-tiny.json", &err), -EINVAL);
	assert_non_null(strstr(err.why, "have several units"));
	json_object_set_new(file, "figures", json_pack("[{s:[s,s],s:O}]", "values", "a", "b", "title", label));
	assert_int_equal(question_prepare(file, "Q99-tiny.json", &err), 0);
	json_decref(label);
	json_decref(file);
	free(text);
}

/* Q and S, and no other letter. */
static void questions_have_two_letters(void **state)
{
	static const char *const names[] = {"S99", "X99", "Qq9"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		char *text = xformat(tiny, "{\"ratio\":[\"a\",\"b\"]}", "\"<\"", "1"),
		     *file = xformat("%s-tiny.json", names[i]);
		json_t *q = json_loads(text, 0, NULL);
		struct err err = {{0}};

		json_object_set_new(q, "id", json_string(names[i]));
		assert_int_equal(question_prepare(q, file, &err), i == 0 ? 0 : -EINVAL);
		json_decref(q);
		free(file);
		free(text);
	}
	assert_string_equal(jsonx_str(questions_find(files, "kinds-of-stacks"), "id"), "S01");
}

/* `run --plan stacks` measures what S01 asks, all of it. */
static void the_plan_of_stacks_answers_its_question(void **state)
{
	static const struct plan_options none;
	struct err err = {{0}};
	struct plan *p = NULL, *asked;
	json_t *file;

	(void)state;
	if (!catalog)
		skip();
	asked = plan_of(questions_find(files, "S01"));
	if (plan_read(TEST_SOURCE_DIR "/harness/plan/plans/stacks.json", &file, &err) != 0 ||
	    plan_build(file, catalog, topology, &none, &p, &err) != 0)
		fail_msg("%s", err.why);
	assert_int_equal(p->n_cells, asked->n_cells);
	for (size_t i = 0; i < p->n_cells; i++) {
		assert_string_equal(p->cells[i].id, asked->cells[i].id);
		assert_int_equal(p->cells[i].n_subjects, asked->cells[i].n_subjects);
		assert_int_equal(p->cells[i].rounds, asked->cells[i].rounds);
	}
	json_decref(file);
	plan_free(p);
	plan_free(asked);
}

static void a_plan_is_made_of_questions(void **state)
{
	struct err err = {{0}};
	json_t *plan;

	(void)state;
	assert_int_equal(questions_plan(files, "q08,Q20,Q08", &plan, &err), 0);
	assert_int_equal(json_array_size(json_object_get(plan, "cells")),
			 json_array_size(json_object_get(questions_find(files, "Q08"), "cells")) +
				 json_array_size(json_object_get(questions_find(files, "cpu-cache"), "cells")));
	json_decref(plan);
	assert_int_equal(questions_plan(files, "Q77", &plan, &err), -EINVAL);
	assert_non_null(strstr(err.why, "there is no question 'Q77'; known are "));
	assert_int_equal(questions_plan(files, ",", &plan, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_question_can_be_asked),
		cmocka_unit_test(every_value_is_measured_in_a_run_of_its_question),
		cmocka_unit_test(every_claim_can_be_refuted_and_supported),
		cmocka_unit_test(go_s_collector_decides_the_answer),
		cmocka_unit_test(expressions_mean_what_they_say),
		cmocka_unit_test(a_runtime_tells_counts_and_gauges),
		cmocka_unit_test(a_line_has_the_slope_of_its_points),
		cmocka_unit_test(two_cross_where_they_change_places),
		cmocka_unit_test(a_law_of_scalability_is_fitted_in_each_round),
		cmocka_unit_test(claims_about_what_lies_along_an_axis_are_judged),
		cmocka_unit_test(a_figure_has_one_unit),
		cmocka_unit_test(what_falls_may_fall_from_endless),
		cmocka_unit_test(rounds_may_have_any_number),
		cmocka_unit_test(nothing_is_no_error),
		cmocka_unit_test(verdicts_follow_the_whole_interval),
		cmocka_unit_test(an_open_claim_says_what_it_takes),
		cmocka_unit_test(disturbed_samples_support_nothing),
		cmocka_unit_test(claims_share_what_may_be_erred),
		cmocka_unit_test(what_is_left_out_has_its_default),
		cmocka_unit_test(what_is_not_there_is_not_measured),
		cmocka_unit_test(figures_show_the_values),
		cmocka_unit_test(figures_leave_out_what_was_not_measured),
		cmocka_unit_test(wrong_files_are_refused_with_a_sentence),
		cmocka_unit_test(questions_have_two_letters),
		cmocka_unit_test(the_plan_of_stacks_answers_its_question),
		cmocka_unit_test(a_plan_is_made_of_questions),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
