/* Plans: expansion, validation, selection, placement, twins; and the size of the default plan. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/estimate.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/plan.h"
#include "harness/plan/power.h"
#include "tests/harness/fakes.h"

static char folder[256];
static struct catalog *catalog;
static struct topology *topology; /* 2 packages of 2 cores, no SMT */

static int setup(void **state)
{
	struct err err = {{0}};

	(void)state;
	fakes_folder(folder, sizeof folder);
	fakes_add(folder, "gmp");
	fakes_add(folder, "other");
	fakes_add(folder, "oldversion");
	fakes_add(folder, "baddescribe");
	if (catalog_load(folder, &catalog, &err) != 0 ||
	    topology_synthetic("pack:2 l3:1 core:2 pu:1", &topology, &err) != 0)
		fail_msg("%s", ERR_TEXT(err));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	catalog_free(catalog);
	topology_free(topology);
	session_remove_tree(folder);
	return 0;
}

static struct plan *try_build(const char *cells, const struct plan_options *o, struct err *err)
{
	char *text = xformat(
		"{\"schema\":\"switchyard.plan/1\",\"name\":\"t\",\"rounds\":9,\"budget_s\":60,\"cells\":[%s]}", cells);
	json_t *file = json_loads(text, 0, NULL);
	struct plan *p = NULL;

	assert_non_null(file);
	(void)plan_build(file, catalog, topology, o, &p, err);
	json_decref(file);
	free(text);
	return p;
}

static struct plan *build(const char *cells, const struct plan_options *o)
{
	static const struct plan_options none;
	struct err err = {{0}};
	struct plan *p = try_build(cells, o ? o : &none, &err);

	if (!p)
		fail_msg("%s", ERR_TEXT(err));
	return p;
}

static void test_catalog(void **state)
{
	const struct workload_def *w;
	struct err err = {{0}};
	char warnings[2000] = "";
	const json_t *line;
	size_t i;

	(void)state;
	assert_int_equal(catalog->n_subjects, 3);
	assert_int_equal(catalog_workload(catalog, "work", &w, &err), 0);
	assert_string_equal(w->name, "fake/work");
	assert_int_equal(w->version, 1);
	assert_true(catalog_offers(catalog, catalog_subject(catalog, "gmp"), w));
	assert_false(catalog_offers(catalog, catalog_subject(catalog, "oldversion"), w));
	json_array_foreach (catalog->warnings, i, line)
		strncat(warnings, json_string_value(line), sizeof warnings - strlen(warnings) - 1);
	assert_non_null(strstr(warnings, "baddescribe: its --describe has no list workloads"));
	assert_non_null(strstr(warnings, "offers version 0 of fake/work, but version 1 is compared"));
	assert_int_not_equal(catalog_workload(catalog, "nothing", &w, &err), 0);
	assert_non_null(strstr(ERR_TEXT(err), "known are fake/none, fake/once, fake/work"));
}

static void test_product(void **state)
{
	struct plan *p = build("{\"workload\":\"fake/work\",\"base\":\"gmp\",\"twin\":true,"
			       "\"params\":{\"size\":[1,2,3],\"mode\":[\"warm\",\"cold\"]}}",
			       NULL);
	bool is_twin;

	(void)state;
	assert_int_equal(p->n_cells, 6);
	assert_string_equal(p->cells[0].id, "fake/work size=1 mode=warm same w1");
	assert_string_equal(p->cells[5].id, "fake/work size=3 mode=cold same w1");
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(p->cells[i].n_subjects, 2);
		assert_int_equal(p->cells[i].rounds, 9);
		assert_string_equal(p->cells[i].base->id, "gmp");
		assert_int_equal(p->cells[i].twin != NULL, i == 0); /* one per group */
	}
	assert_int_equal(cell_entries(&p->cells[0]), 3);
	assert_string_equal(cell_entry(&p->cells[0], 2, &is_twin)->id, "gmp");
	assert_true(is_twin);
	plan_free(p);
}

static void test_defaults_rounds_and_counted(void **state)
{
	struct plan *p =
		build("{\"workload\":\"work\",\"rounds\":5,\"counted\":2,\"subjects\":[\"other\",\"absent\"]}", NULL);

	(void)state;
	assert_int_equal(p->n_cells, 1);
	assert_string_equal(p->cells[0].id, "fake/work size=4 mode=warm same w1");
	assert_int_equal(p->cells[0].rounds, 5);
	assert_int_equal(p->cells[0].counted, 2);
	assert_int_equal(p->cells[0].n_subjects, 1);
	assert_null(p->cells[0].base);
	plan_free(p);
}

static void test_same_cell_twice_is_one(void **state)
{
	struct plan *p = build("{\"workload\":\"work\"},{\"workload\":\"work\",\"params\":{\"size\":[4,5]}}", NULL);

	(void)state;
	assert_int_equal(p->n_cells, 2);
	plan_free(p);
}

static void test_placements(void **state)
{
	struct plan *p =
		build("{\"workload\":\"once\",\"placement\":[\"same\",\"cache\",\"smt\"],\"workers\":[2]}", NULL);

	(void)state;
	assert_int_equal(p->n_cells, 2);
	assert_string_equal(p->cells[0].id, "fake/once same w1");
	assert_string_equal(p->cells[1].id, "fake/once cache w2");
	assert_int_equal(json_array_size(p->skipped), 1);
	assert_string_equal(jsonx_str(json_array_get(p->skipped, 0), "cell"), "fake/once smt");
	assert_non_null(jsonx_str(json_array_get(p->skipped, 0), "why"));
	plan_free(p);
}

static void test_options(void **state)
{
	static const char *const params[] = {"size=7,8"}, *const only[] = {"other"};
	static const enum placement cross[] = {PLACE_CROSS};
	struct plan_options o = {.params = params,
				 .n_params = 1,
				 .subjects = only,
				 .n_subjects = 1,
				 .placements = cross,
				 .n_placements = 1,
				 .rounds = 3,
				 .event_sets = json_pack("[s]", "ipc")};
	struct plan *p =
		build("{\"workload\":\"work\",\"twin\":true,\"base\":\"gmp\",\"params\":{\"size\":[1,2]}}", &o);

	(void)state;
	assert_int_equal(p->n_cells, 2);
	assert_non_null(strstr(p->cells[0].id, "size=7 mode=warm cross w"));
	assert_non_null(strstr(p->cells[1].id, "size=8 "));
	assert_int_equal(p->cells[0].n_subjects, 1);
	assert_int_equal(p->cells[0].rounds, 3);
	assert_int_equal(p->cells[0].counted, 1);
	assert_null(p->cells[0].twin); /* its base is not selected */
	plan_free(p);
	json_decref((json_t *)o.event_sets);
}

/* Sets take turns: a cell that is counted has a sample for each of them, the user's before the plan's. */
static void test_event_sets(void **state)
{
	static const struct plan_options none;
	struct plan_options o = {.event_sets = json_pack("[s, s, s]", "ipc", "cache", "cycles,page-faults")};
	struct plan *p =
		build("{\"workload\":\"work\",\"counted\":1},{\"workload\":\"once\",\"counted\":1,"
		      "\"events\":[\"tlb\",\"sched;page-faults\"]},{\"workload\":\"work\",\"params\":{\"size\":9},"
		      "\"events\":[\"tlb\"]}",
		      &none);
	json_t *json = cell_json(&p->cells[1]);

	(void)state;
	assert_int_equal(p->cells[0].counted, 1);
	assert_string_equal(json_string_value(json_array_get(p->cells[0].event_sets, 0)), "basic");
	assert_int_equal(p->cells[1].counted, 3);
	assert_string_equal(json_string_value(json_array_get(json_object_get(json, "event_sets"), 2)), "page-faults");
	assert_int_equal(p->cells[2].counted, 0); /* which sets, and not that there is anything to count */
	json_decref(json);
	plan_free(p);
	p = build("{\"workload\":\"work\",\"counted\":5},{\"workload\":\"once\",\"events\":[\"tlb\"]}", &o);
	assert_int_equal(p->cells[0].counted, 5);
	assert_int_equal(p->cells[1].counted, 3);
	assert_int_equal(json_array_size(p->cells[1].event_sets), 3);
	plan_free(p);
	json_decref((json_t *)o.event_sets);
}

/* What has an operation is simulated, if that is asked for; of the rest the plan says why not. */
static void test_simulated(void **state)
{
	struct plan_options o = {.with_simulated = true}, only = {.with_simulated = true, .filter = "kind:simulated"};
	static const struct plan_options none;
	struct plan *p = build("{\"workload\":\"work\"},{\"workload\":\"once\"}", &none);

	(void)state;
	assert_int_equal(p->cells[0].simulated, 0);
	plan_free(p);
	p = build("{\"workload\":\"work\",\"counted\":1},{\"workload\":\"once\"}", &o);
	assert_int_equal(p->cells[0].simulated, 6);
	assert_int_equal(p->cells[1].simulated, 2);
	assert_int_equal(p->cells[0].counted, 1);
	plan_free(p);
	p = build("{\"workload\":\"work\",\"counted\":1}", &only);
	assert_int_equal(p->cells[0].rounds, 0);
	assert_int_equal(p->cells[0].counted, 0);
	assert_int_equal(p->cells[0].simulated, 6);
	plan_free(p);
}

static void test_filter(void **state)
{
	struct plan_options o = {.filter = "size:>=2 subject:gmp kind:timed"};
	struct plan *p = build(
		"{\"workload\":\"work\",\"twin\":true,\"base\":\"gmp\",\"counted\":1,\"params\":{\"size\":[1,2,3]}}",
		&o);

	(void)state;
	assert_int_equal(p->n_cells, 2);
	assert_int_equal(p->cells[0].n_subjects, 1);
	assert_int_equal(p->cells[0].counted, 0);
	assert_non_null(p->cells[0].twin); /* handed on to the first cell that is left */
	plan_free(p);
}

static void test_filter_reaches_beyond_the_plan(void **state)
{
	struct plan_options o = {.filter = "workload:once"};
	struct plan *p = build("{\"workload\":\"work\"}", &o);

	(void)state;
	assert_int_equal(p->n_cells, 1);
	assert_string_equal(p->cells[0].id, "fake/once same w1");
	assert_string_equal(p->cells[0].base->id, "gmp");
	assert_non_null(p->cells[0].twin);
	plan_free(p);
}

/* A cell that two groups name is one, with what either wants. */
static void test_a_cell_named_twice(void **state)
{
	struct plan *p = build("{\"workload\":\"work\",\"rounds\":5,\"counted\":2,\"subjects\":[\"other\"]},"
			       "{\"workload\":\"work\",\"rounds\":7,\"subjects\":[\"gmp\",\"other\"],\"base\":\"gmp\","
			       "\"params\":{\"size\":[4,5]}}",
			       NULL);

	(void)state;
	assert_int_equal(p->n_cells, 2);
	assert_string_equal(p->cells[0].id, "fake/work size=4 mode=warm same w1");
	assert_int_equal(p->cells[0].n_subjects, 2);
	assert_string_equal(p->cells[0].subjects[0]->id, "other");
	assert_string_equal(p->cells[0].subjects[1]->id, "gmp");
	assert_string_equal(p->cells[0].base->id, "gmp");
	assert_int_equal(p->cells[0].rounds, 7);
	assert_int_equal(p->cells[0].counted, 2);
	plan_free(p);
}

/* A group all of whose cells another has named before: its wish for a twin is the cell's. */
static void test_the_second_groups_twin(void **state)
{
	struct plan *p = build("{\"group\":\"one\",\"workload\":\"work\",\"base\":\"gmp\"},"
			       "{\"group\":\"two\",\"workload\":\"work\",\"base\":\"gmp\",\"twin\":true}",
			       NULL);

	(void)state;
	assert_int_equal(p->n_cells, 1);
	assert_non_null(p->cells[0].twin);
	plan_free(p);
}

/* The claims of a question take rounds as comparisons do, and the planner says so before anything is measured. */
static void test_claims_take_rounds(void **state)
{
	struct plan *p = build("{\"workload\":\"work\",\"rounds\":9,\"base\":\"gmp\"}", NULL);
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	p->claims = 12;
	assert_int_equal(power_say_shortage(p, f), 0);
	p->claims = 13;
	assert_int_equal(power_say_shortage(p, f), 1);
	fclose(f);
	assert_non_null(strstr(text, "has 9, 13 comparisons or claims need 10)"));
	free(text);
	plan_free(p);
}

/* A subject with other settings stands beside itself where its name does. */
static void test_variants(void **state)
{
	static const char *const named[] = {"gmp", "gmp+speed=3"};
	struct plan_options o = {.subjects = named, .n_subjects = 2};
	struct plan *p = build("{\"workload\":\"work\",\"base\":\"gmp\",\"subjects\":"
			       "[\"gmp\",\"gmp+speed=2+colour=blue\",\"absent+speed=2\"]}",
			       NULL);
	const struct subject *s = p->cells[0].subjects[1];

	(void)state;
	assert_int_equal(p->n_cells, 1);
	assert_int_equal(p->cells[0].n_subjects, 2);
	assert_string_equal(s->id, "gmp+speed=2+colour=blue");
	assert_string_equal(s->model, "gmp");
	assert_string_equal(s->knobs, "speed=2,colour=blue");
	assert_string_equal(s->path, catalog_subject(catalog, "gmp")->path);
	assert_string_equal(catalog_subject(catalog, "gmp")->model, "gmp");
	assert_null(catalog_subject(catalog, "gmp")->knobs);
	plan_free(p);

	p = build("{\"workload\":\"work\"}", NULL); /* all subjects: not the variant, which nobody names here */
	assert_int_equal(p->cells[0].n_subjects, 2);
	plan_free(p);

	p = build("{\"workload\":\"work\",\"base\":\"gmp\"}", &o);
	assert_int_equal(p->cells[0].n_subjects, 2);
	assert_string_equal(p->cells[0].subjects[1]->id, "gmp+speed=3");
	plan_free(p);

	o = (struct plan_options){.filter = "subject:gmp+speed=3"};
	p = build("{\"workload\":\"work\",\"subjects\":[\"gmp\",\"gmp+speed=3\"]}", &o);
	assert_int_equal(p->cells[0].n_subjects, 1);
	assert_string_equal(p->cells[0].subjects[0]->id, "gmp+speed=3");
	plan_free(p);
}

static void test_wrong_variants(void **state)
{
	static const struct plan_options none;
	static const char *const wrong[][2] = {
		{"gmp+taste=2", "gmp has no knob 'taste'; it has speed, colour"},
		{"gmp+", "subject 'gmp+' is not of the form SUBJECT+NAME=VALUE"},
		{"gmp+speed", "subject 'gmp+speed' is not of the form SUBJECT+NAME=VALUE"},
		{"gmp+speed=", "subject 'gmp+speed=' is not of the form SUBJECT+NAME=VALUE"},
		{"gmp+speed=1+", "subject 'gmp+speed=1+' is not of the form SUBJECT+NAME=VALUE"},
		{"gmp+=1", "subject 'gmp+=1' is not of the form SUBJECT+NAME=VALUE"},
		{"gmp+speed=1,colour=red", "subject 'gmp+speed=1,colour=red' is not of the form SUBJECT+NAME=VALUE"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct plan_options o = {.subjects = &wrong[i][0], .n_subjects = 1};
		char *group = xformat("{\"workload\":\"work\",\"subjects\":[\"%s\"]}", wrong[i][0]);
		struct err err = {{0}};

		assert_null(try_build(group, &none, &err));
		assert_string_equal(ERR_TEXT(err), wrong[i][1]);
		assert_null(try_build("{\"workload\":\"work\"}", &o, &err));
		assert_string_equal(ERR_TEXT(err), wrong[i][1]);
		free(group);
	}
}

static void test_smoke(void **state)
{
	struct plan_options o = {.smoke = true};
	struct plan *p = NULL;

	(void)state;
	assert_int_equal(plan_build(NULL, catalog, topology, &o, &p, NULL), 0);
	assert_int_equal(p->n_cells, 2); /* fake/none is offered by nobody */
	assert_string_equal(p->cells[1].id, "fake/work size=1 mode=warm same w1");
	assert_null(p->cells[1].twin);
	plan_free(p);
}

static void test_errors(void **state)
{
	static const struct {
		const char *cells, *says;
	} bad[] = {
		{"{\"workload\":\"nothing\"}", "there is no workload 'nothing'; known are"},
		{"{\"group\":\"x\"}", "a group names no workload"},
		{"{\"workload\":\"work\",\"params\":{\"sice\":1}}", "workload fake/work has no parameter 'sice'"},
		{"{\"workload\":\"work\",\"params\":{\"size\":101}}", "parameter size is between 1 and 100, not 101"},
		{"{\"workload\":\"work\",\"params\":{\"size\":\"big\"}}",
		 "parameter size is a whole number, not 'big'"},
		{"{\"workload\":\"work\",\"params\":{\"size\":[]}}", "parameter size has an empty list"},
		{"{\"workload\":\"work\",\"params\":{\"mode\":\"tepid\"}}",
		 "parameter mode is one of warm, cold, not 'tepid'"},
		{"{\"workload\":\"work\",\"params\":[1]}", "params of group work is not an object"},
		{"{\"workload\":\"work\",\"placement\":[\"near\"]}",
		 "a placement is one of same, smt, cache, cross, free"},
		{"{\"workload\":\"work\",\"placement\":\"same\"}", "placement is not a list"},
		{"{\"workload\":\"work\",\"workers\":[0]}", "workers are whole numbers"},
		{"{\"workload\":\"work\",\"rounds\":0}", "rounds of work must be a whole number between 1 and 10000"},
		{"{\"workload\":\"work\",\"round\":3}", "work has an unknown key 'round'"},
		{"{\"workload\":\"work\",\"twin\":1}", "twin of group work is not true or false"},
		{"{\"workload\":\"work\",\"subjects\":\"gmp\"}", "subjects is not a list"},
		{"", "nothing is selected"},
		{"{\"workload\":\"none\"}", "nothing is selected"},
	};
	static const struct plan_options none;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = {{0}};
		struct plan *p = try_build(bad[i].cells, &none, &err);

		if (p)
			fail_msg("%s should be refused", bad[i].cells);
		if (!strstr(ERR_TEXT(err), bad[i].says))
			fail_msg("%s is told '%s', not '%s'", bad[i].cells, ERR_TEXT(err), bad[i].says);
	}
}

static void test_option_errors(void **state)
{
	static const char *const no_such[] = {"colour=1"}, *const no_equals[] = {"size"},
				 *const beyond[] = {"size=1000"}, *const subject[] = {"go"};
	static const struct {
		struct plan_options o;
		const char *says;
	} bad[] = {
		{{.params = no_such, .n_params = 1}, "no workload has a parameter 'colour'"},
		{{.params = no_equals, .n_params = 1}, "'size' is not of the form name=value"},
		{{.params = beyond, .n_params = 1}, "between 1 and 100, not 1000"},
		{{.subjects = subject, .n_subjects = 1}, "there is no subject 'go'; found are gmp, oldversion, other"},
		{{.filter = "size:>50"}, "no cell of the plan matches the filter 'size:>50'"},
		{{.filter = "sice:1"}, "unknown key 'sice'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = {{0}};

		assert_null(try_build("{\"workload\":\"work\"}", &bad[i].o, &err));
		if (!strstr(ERR_TEXT(err), bad[i].says))
			fail_msg("told '%s', not '%s'", ERR_TEXT(err), bad[i].says);
	}
}

static void test_estimate(void **state)
{
	struct plan *p = build("{\"workload\":\"work\",\"twin\":true,\"base\":\"gmp\",\"counted\":1}", NULL);
	struct estimate e;

	(void)state;
	estimate_plan(p, &e);
	assert_int_equal(e.calibrate, 2);
	assert_int_equal(e.timed, 27);
	assert_int_equal(e.counted, 2);
	assert_true(e.total_ns > 29 * INT64_C(200000000)); /* more than its regions */
	assert_true(e.total_ns < 29 * INT64_C(400000000));
	plan_free(p);
}

/* A group's own region: what its samples aim at, and what a finite problem is expected to take. */
static void test_region_of_a_group(void **state)
{
	struct plan *p = build("{\"workload\":\"work\",\"region_ms\":1000},{\"workload\":\"once\",\"region_ms\":1000},"
			       "{\"workload\":\"work\",\"params\":{\"size\":9}}",
			       NULL);
	struct err err = {{0}};

	(void)state;
	assert_int_equal(p->n_cells, 3);
	assert_int_equal(plan_region_ns(p, &p->cells[0]), 1000000000);
	assert_int_equal(plan_region_ns(p, &p->cells[2]), 200000000);
	assert_in_range(estimate_sample_ns(p, &p->cells[0]), 1100000000, 1300000000); /* and a tenth of it to warm up */
	assert_in_range(estimate_sample_ns(p, &p->cells[1]), 2000000000, 2200000000); /* warmed up by itself */
	assert_in_range(estimate_sample_ns(p, &p->cells[2]), 220000000, 420000000);
	plan_free(p);
	assert_null(try_build("{\"workload\":\"work\",\"region_ms\":5001}", &(struct plan_options){0}, &err));
	assert_non_null(strstr(ERR_TEXT(err), "region_ms of work must be a whole number between 10 and 5000"));
}

/* 2 * 2^-n <= 0.05 / m, worked by hand: 1/32 <= 0.05; 1/32 > 0.025, 1/64 <= 0.025; 1/128 <= 0.0125; 1/2048 <= 0.0005. */
static void test_power(void **state)
{
	(void)state;
	assert_int_equal(power_rounds_needed(0), 6);
	assert_int_equal(power_rounds_needed(1), 6);
	assert_int_equal(power_rounds_needed(2), 7);
	assert_int_equal(power_rounds_needed(3), 7);
	assert_int_equal(power_rounds_needed(4), 8);
	assert_int_equal(power_rounds_needed(100), 12);
}

/* A traced sample of each kind of scene: every report of the default plan has the three pictures. */
static void check_traced(const struct plan *p)
{
	static const char *const wanted[] = {"block/call", "switch/ring", "cpu/matmul"};

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		unsigned traced = 0;

		for (size_t c = 0; c < p->n_cells; c++)
			if (strcmp(p->cells[c].workload->name, wanted[i]) == 0)
				traced += p->cells[c].traced;
		assert_int_equal(traced, 1);
	}
}

/*
 * The checked-in plans against the subjects of this build: they are valid, and those that are run whole fit their time and
 * have rounds enough for what they compare. The time is an estimate from constants, not a measurement. Two CPUs, as the
 * plans were sized for.
 */
static void check_size(const struct plan *p, int64_t budget_s)
{
	struct estimate e;

	estimate_plan(p, &e);
	assert_true(e.total_ns <= budget_s * 1000000000);
	assert_int_equal(p->budget_ns, budget_s * 1000000000);
	assert_int_equal(power_say_shortage(p, stdout), 0);
	assert_int_equal(json_array_size(p->skipped), 0);
	for (size_t c = 0; c < p->n_cells; c++) /* every comparison with the event loop exists at one CPU */
		for (size_t s = 0; s < p->cells[c].n_subjects; s++)
			if (strcmp(p->cells[c].subjects[s]->id, "eventloop") == 0)
				assert_int_equal(p->cells[c].placed.workers, 1);
}

static void test_checked_in_plans(void **state)
{
	struct catalog *real;
	struct topology *two;
	static const struct plan_options none;

	(void)state;
	if (access(TEST_BINARY_DIR "/subjects/subject-gmp", X_OK) != 0 ||
	    catalog_load(TEST_BINARY_DIR "/subjects", &real, NULL) != 0)
		skip(); /* the subjects are not built */
	assert_int_equal(topology_synthetic("pack:1 l3:1 core:2 pu:1", &two, NULL), 0);
	for (int i = 0; i < 9; i++) {
		static const char *const names[] = {"default", "full",     "go",         "senses", "cliffs",
						    "scaling", "variants", "references", "stacks"};
		static const int64_t budgets_s[] = {540, 0, 0, 480, 600, 0, 0, 300, 330}; /* 0: not judged */
		const char *path = TEST_SOURCE_DIR "/harness/plan/plans/";
		char *full = xformat("%s%s.json", path, names[i]);
		struct err err = {{0}};
		struct plan *p = NULL;
		json_t *file;

		if (plan_read(full, &file, &err) != 0 || plan_build(file, real, two, &none, &p, &err) != 0)
			fail_msg("%s: %s", full, ERR_TEXT(err));
		assert_string_equal(p->name, names[i]);
		if (budgets_s[i])
			check_size(p, budgets_s[i]);
		if (i == 0)
			check_traced(p);
		plan_free(p);
		json_decref(file);
		free(full);
	}
	topology_free(two);
	catalog_free(real);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_catalog),
		cmocka_unit_test(test_product),
		cmocka_unit_test(test_defaults_rounds_and_counted),
		cmocka_unit_test(test_same_cell_twice_is_one),
		cmocka_unit_test(test_placements),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_event_sets),
		cmocka_unit_test(test_simulated),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_filter_reaches_beyond_the_plan),
		cmocka_unit_test(test_a_cell_named_twice),
		cmocka_unit_test(test_the_second_groups_twin),
		cmocka_unit_test(test_claims_take_rounds),
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_wrong_variants),
		cmocka_unit_test(test_smoke),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_option_errors),
		cmocka_unit_test(test_estimate),
		cmocka_unit_test(test_region_of_a_group),
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_checked_in_plans),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
