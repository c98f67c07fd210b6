/*
 * test_report_answers.c - the sentences of the first page and the warnings of the tables against runs that were changed
 * on purpose: each must come out differently when the samples do, and be silent when there are none.
 */
#include "tests/harness/report_fixture.h"

/*
 * report.md of the fixture's run as changed by `change`; report.json too unless NULL. Nothing is drawn: gnuplot is not
 * found, and no sentence depends on it.
 */
static char *page_of(const char *name, void (*change)(json_t *run, json_t *samples), json_t **json)
{
	struct err err = {""};
	char dir[320], *text, *path = strdup(getenv("PATH"));
	int rc;

	snprintf(dir, sizeof(dir), "%s/%s", base_dir, name);
	doctor = change;
	write_run(dir, 1, false);
	doctor = NULL;
	setenv("PATH", base_dir, 1);
	rc = report_write(dir, &err);
	setenv("PATH", path, 1);
	free(path);
	if (rc)
		fail_msg("%s", err.why);
	if (json) {
		text = get_file(dir, "report.json");
		*json = json_loads(text, 0, NULL);
		assert_non_null(*json);
		free(text);
	}
	return get_file(dir, "report.md");
}

static void assert_says(const char *page, const char *phrase)
{
	if (!strstr(page, phrase))
		fail_msg("the page does not say \"%s\"", phrase);
}

static void assert_silent(const char *page, const char *phrase)
{
	if (strstr(page, phrase))
		fail_msg("the page says \"%s\"", phrase);
}

static bool is_of(const json_t *sample, const char *cell, const char *subject)
{
	return strncmp(field_text(sample, "cell", ""), cell, strlen(cell)) == 0 &&
	       (!subject || strcmp(field_text(sample, "subject", ""), subject) == 0);
}

static void set_number(json_t *sample, const char *object, const char *key, double value)
{
	json_object_set_new(json_object_get(sample, object), key, json_real(value));
}

static void scale(json_t *samples, const char *cell, const char *subject, double factor)
{
	json_t *sample;
	size_t i;

	json_array_foreach (samples, i, sample)
		if (is_of(sample, cell, subject))
			set_number(sample, "metric", "value",
				   field_number(json_object_get(sample, "metric"), "value") * factor);
}

/* ---- three runs, three answers ------------------------------------------------------------------- */

/* The ring of two that question Q08 asks for. */
static void of_two(json_t *run)
{
	json_t *cell;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(run, "plan"), "cells"), i, cell)
		if (strcmp(field_text(cell, "id", ""), "switch/ring tasks=64 ws_kib=0 same w1") == 0)
			json_object_set_new(json_object_get(cell, "params"), "tasks", json_integer(2));
}

static void wins(json_t *run, json_t *samples)
{
	(void)samples;
	of_two(run);
}

static void loses(json_t *run, json_t *samples)
{
	of_two(run);
	scale(samples, "switch/ring tasks=64 ws_kib=0 same", "gmp", 1000);
}

/* Sometimes above and sometimes below the threads. */
static void ties(json_t *run, json_t *samples)
{
	json_t *sample;
	size_t i;

	of_two(run);
	json_array_foreach (samples, i, sample)
		if (is_of(sample, "switch/ring tasks=64 ws_kib=0 same", "gmp"))
			set_number(sample, "metric", "value", field_whole(sample, "round", 0) % 2 ? 2200 : 1200);
}

static const json_t *claim_in(const json_t *report, const char *question, const char *claim)
{
	json_t *q = json_by_id(json_object_get(report, "questions"), question);

	return json_by_id(json_object_get(q, "claims"), claim);
}

static void three_runs_give_three_answers(void **state)
{
	static const char *const says[] = {"because the goroutines do not ask the kernel", "Here it is **not** faster",
					   "Whether it is faster cannot be told here"};
	static void (*const runs[])(json_t *, json_t *) = {wins, loses, ties};
	static const char *const verdicts[] = {"supported", "refuted", "inconclusive"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		json_t *json;
		char *page = page_of(verdicts[i], runs[i], &json);

		assert_says(page, "## In short");
		assert_says(page, "**Why are there fewer kernel switches?**");
		assert_says(page, "### Q08: Why is the context switch fast");
		for (int k = 0; k < 3; k++)
			(k == i ? assert_says : assert_silent)(page, says[k]);
		assert_string_equal(field_text(claim_in(json, "Q08", "cheaper"), "verdict", ""), verdicts[i]);
		assert_says(page, "```sh\nswitchyard run --question Q08\n```");
		json_decref(json);
		free(page);
	}
}

/* The numbers, the limits and the verdicts of an answer are those of the samples. */
static void an_answer_is_made_of_its_samples(void **state)
{
	char *page = page_of("made", wins, NULL);

	(void)state;
	assert_says(page, "a hop between two tasks costs `gmp` 41.2 ns [");
	assert_says(page, "3e-06 [3e-06, 3e-06] kernel switches per hop against 1.02 [1.02, 1.02]");
	assert_says(page, "(`gmp` over `pthread` below 0.1x). | 0.024x [");
	assert_says(page, "x] | **supported** |");
	/* The event loop's hop is cheaper, so that a goroutine's is not the cheapest; no pipe was measured. */
	assert_says(
		page,
		"of the thread's round trip. | not measured | not in this run: the run has no such cell of mix/pipe |");
	free(page);
	page = page_of("dear", loses, NULL);
	assert_says(page, "(`gmp` over `pthread` below 0.1x). | 24");
	assert_says(page, "x] | **refuted** |");
	free(page);
}

static void dear_while_small(json_t *run, json_t *samples)
{
	(void)run;
	scale(samples, "switch/ring tasks=64 ws_kib=4 same", "gmp", 100);
}

static void the_cache_is_answered_for_too(void **state)
{
	char *page = page_of("small", NULL, NULL);

	(void)state;
	assert_says(page, "**Why is it cache-friendly, and when is it not?**");
	/* Medians of 250 and 190 ns; the difference is paired by rounds. */
	assert_says(page, "with 4 KiB per task the switch adds 57 ns [");
	assert_says(page,
		    "There the switch is more than 50 % of the thread's hop. | 93.6 % [92.9, 93.9] | **supported** |");
	free(page);
	page = page_of("dearsmall", dear_while_small, NULL);
	assert_says(page, "goroutines are **not** the more cache-friendly ones");
	free(page);
}

static void without_the_files_there_is_a_report(void **state)
{
	char *page;

	(void)state;
	setenv("SWITCHYARD_QUESTION_DIR", "/nonexistent", 1);
	page = page_of("nofiles", wins, NULL);
	unsetenv("SWITCHYARD_QUESTION_DIR");
	assert_says(page, "The questions are missing: there are no question files in /nonexistent.");
	assert_silent(page, "In short");
	assert_says(page, "## Results");
	free(page);
}

/* ---- runs that cannot answer ----------------------------------------------------------------------- */

/* Other workloads of the same shape. */
static void other_names(json_t *run, json_t *samples)
{
	json_t *o;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(run, "plan"), "cells"), i, o)
		if (strncmp(field_text(o, "workload", ""), "switch/", 7) == 0)
			json_object_set_new(o, "workload", json_string("other/ring"));
	(void)samples;
}

static void without_the_cells_nothing_is_said(void **state)
{
	char *page = page_of("other", other_names, NULL);

	(void)state;
	assert_silent(page, "In short");
	assert_silent(page, "### Q08");
	assert_says(page, "Not answered by this run");
	assert_says(
		page,
		"- Q08: Why is the context switch fast (no switch to kernel mode)? `switchyard run --question Q08`");
	free(page);
}

static void five_rounds(json_t *run, json_t *samples)
{
	of_two(run);
	for (size_t i = json_array_size(samples); i-- > 0;)
		if (field_whole(json_array_get(samples, i), "round", 0) >= 5)
			json_array_remove(samples, i);
}

static void few_rounds_claim_nothing(void **state)
{
	json_t *json, *twin;
	char *page = page_of("five", five_rounds, &json);

	(void)state;
	assert_says(page, " (5 rounds: no interval)");
	assert_says(page, "inconclusive: 5 rounds, and an interval takes 9 at this level");
	assert_silent(page, "**supported**");
	assert_silent(page, "**refuted**");
	assert_says(page, "The A/A twins have too few rounds to tell how much identical programs differ here.");
	assert_silent(page, "Identical programs differed");
	assert_says(page, "| none: too few rounds | – | 5 | not known |");
	twin = json_array_get(json_object_get(json, "twins"), 0);
	assert_true(json_is_null(json_object_get(twin, "differs")));
	json_decref(json);
	free(page);
}

/* ---- samples that are not to be relied on ------------------------------------------------------------ */

static void restless(json_t *run, json_t *samples)
{
	json_t *sample;
	size_t i;

	of_two(run);
	json_array_foreach (samples, i, sample) {
		long round = field_whole(sample, "round", 0);

		if (is_of(sample, "memory/parked tasks=1000 ", "gmp") && round < 4)
			json_object_set_new(
				json_object_get(json_object_get(sample, "memory"), round % 2 ? "base" : "live"),
				"settled", json_false());
		if (is_of(sample, "switch/", NULL) && round < 4)
			json_object_set_new(json_object_get(sample, "noise"), "verdict", json_string("contaminated"));
	}
}

static void disturbed_samples_are_told(void **state)
{
	json_t *json, *o;
	size_t i, found = 0;
	char *page = page_of("restless", restless, &json);

	(void)state;
	assert_says(page,
		    "In 4 of 81 samples a snapshot of memory did not wait until the kernel's figures had come to rest");
	assert_says(page, "samples behind this were disturbed by other programs: not to be relied on.");
	assert_says(page, "stamped **NOISY**");
	json_array_foreach (json_object_get(json, "comparisons"), i, o)
		if (strstr(field_text(o, "cell", ""), "tasks=1000 ") &&
		    strcmp(field_text(o, "subject", ""), "gmp") == 0 &&
		    strcmp(field_text(o, "base", ""), "pthread") == 0) {
			found++;
			/* 4 of the 18 samples in its pairs. */
			assert_string_equal(field_text(o, "verdict", ""), "UNTRUSTED");
			assert_true(fabs(field_number(o, "contaminated_share") - 4.0 / 18) < 1e-9);
		}
	assert_int_equal(found, 1);
	assert_int_equal(field_whole(json_object_get(json, "summary"), "unsettled", 0), 4);
	json_decref(json);
	free(page);
	page = page_of("quiet", NULL, NULL);
	assert_silent(page, "come to rest");
	assert_silent(page, "not to be relied on");
	assert_silent(page, "NOISY");
	free(page);
}

/* ---- many cells -------------------------------------------------------------------------------------- */

static void many_cells(json_t *run, json_t *samples)
{
	json_t *cells = json_object_get(json_object_get(run, "plan"), "cells"), *sample;
	size_t n = json_array_size(samples), i;

	for (int k = 0; k < 20; k++) {
		json_t *cell = json_deep_copy(json_array_get(cells, 1)); /* cpu/fib */
		char id[64];

		snprintf(id, sizeof(id), "cpu/fib n=%d same w1", 50 + k);
		json_object_set_new(cell, "id", json_string(id));
		json_object_set_new(cell, "params",
				    json_pack("{s:i,s:s}", "n", 50 + k, "how", "a long name that no column holds"));
		json_array_append_new(cells, cell);
		for (i = 0; i < n; i++) {
			sample = json_array_get(samples, i);
			if (!is_of(sample, "cpu/fib n=30", "gmp"))
				continue;
			sample = json_deep_copy(sample);
			json_object_set_new(sample, "cell", json_string(id));
			json_object_set_new(sample, "key",
					    json_sprintf("%016x", 1000000 + (int)json_array_size(samples)));
			json_array_append_new(samples, sample);
		}
	}
}

static void many_cells_become_several_charts(void **state)
{
	char *page = page_of("many", many_cells, NULL), *text = NULL, *dat, dir[320];
	struct err err = {""};
	size_t size;
	FILE *f;

	(void)state;
	free(page);
	snprintf(dir, sizeof(dir), "%s/many", base_dir);
	dat = get_file(dir, "plots/cpu_fib_cells.dat");
	assert_says(dat, "# cpu/fib n=30");
	assert_says(dat, "# cpu/fib n=59");
	assert_silent(dat, "# cpu/fib n=60");
	free(dat);
	dat = get_file(dir, "plots/cpu_fib_cells_2.dat");
	assert_silent(dat, "# cpu/fib n=59");
	assert_says(dat, "# cpu/fib n=60");
	assert_says(dat, "# cpu/fib n=69");
	free(dat);
	/* A name that does not fit stands above its numbers, whole. */
	f = open_memstream(&text, &size);
	assert_int_equal(report_summary(dir, f, 60, &err), 0);
	fclose(f);
	assert_says(text, "  n=50 how=a long name that no column holds\n   ");
	free(text);
}

/* The echo server's cells as neighbours at these numbers of connections. */
static void set_connections(json_t *run, json_int_t first, json_int_t second, json_int_t third)
{
	json_t *cell;
	size_t i, seen = 0;
	json_int_t values[] = {first, second, third};

	json_array_foreach (json_object_get(json_object_get(run, "plan"), "cells"), i, cell)
		if (strcmp(field_text(cell, "workload", ""), "net/echo") == 0)
			json_object_set_new(json_object_get(cell, "params"), "connections",
					    json_integer(values[seen++]));
	assert_int_equal(seen, 3);
}

static void near_cells(json_t *run, json_t *samples)
{
	set_connections(run, 1000, 1020, 1024);
	scale(samples, "net/echo connections=16", "gmp", 12000 / 6100.);
	scale(samples, "net/echo connections=128", "gmp", 5900 / 5600.);
}

static void far_cells(json_t *run, json_t *samples)
{
	set_connections(run, 1000, 1200, 1400);
	scale(samples, "net/echo connections=16", "gmp", 12000 / 6100.);
}

/* Steps are told between near cells, and where there is none, what the intervals leave open. */
static void cliffs_are_told_between_neighbours(void **state)
{
	char *page = page_of("near", near_cells, NULL);

	(void)state;
	assert_says(page, "**Cliff.** `gmp`: from `connections=1000` to connections=1020 an operation costs 1.2");
	assert_says(page, "**Drop.** `gmp`: from `connections=1020` to connections=1024 an operation costs 0.4");
	assert_silent(page, "**Cliff.** `pthread`"); /* 8200 and 8600: a step too small to be one */
	assert_says(page, "**Cliffs** along `connections`: 5 steps among 6 pairs of neighbours between 1000 and 1024; "
			  "where there is none, the intervals leave open up to 1.");
	free(page);
	page = page_of("far", far_cells, NULL);
	assert_silent(page, "**Cliff");
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_runs_give_three_answers),
		cmocka_unit_test(an_answer_is_made_of_its_samples),
		cmocka_unit_test(the_cache_is_answered_for_too),
		cmocka_unit_test(without_the_files_there_is_a_report),
		cmocka_unit_test(without_the_cells_nothing_is_said),
		cmocka_unit_test(few_rounds_claim_nothing),
		cmocka_unit_test(disturbed_samples_are_told),
		cmocka_unit_test(many_cells_become_several_charts),
		cmocka_unit_test(cliffs_are_told_between_neighbours),
	};

	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
