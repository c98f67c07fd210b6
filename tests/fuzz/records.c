/* records.c - targets: what runs have written, and what is read of it again. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/plan/jsonx.h"
#include "harness/report/advise.h"
#include "harness/report/compare.h"
#include "harness/report/doc.h"
#include "harness/report/gate.h"
#include "harness/report/parts.h"
#include "harness/report/pool.h"
#include "harness/report/report.h"
#include "harness/report/say.h"
#include "harness/report/selftest.h"
#include "harness/report/timeline.h"
#include "harness/results/store.h"

/* ---- a run's folder ------------------------------------------------------------------------------------------ */

static void write_page(const struct report *r, const struct doc_format *format)
{
	struct doc doc;

	if (doc_open(&doc, format, fuzz_dir(), fuzz_sink()) != 0)
		fuzz_fault("no page");
	content_write(&doc, r);
	if (doc_close(&doc) != 0)
		fuzz_fault("a page cannot be written");
}

/* All that is made of a run but the figures that gnuplot draws. */
static void report_all(void)
{
	struct report *r;
	struct err e = {{0}};
	json_t *json;
	char *text;
	int rc = report_load(fuzz_dir(), &r, &e);

	fuzz_check(rc, &e);
	if (rc)
		return;
	json = report_json(r);
	text = json ? json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL;
	if (!text)
		fuzz_fault("report.json cannot be written");
	free(text);
	json_decref(json);
	write_page(r, &doc_markdown);
	write_page(r, &doc_html);
	summary_write(fuzz_sink(), r, fuzz_dir(), 100);
	say_in(SAY_CHINESE);
	write_page(r, &doc_html);
	summary_write(fuzz_sink(), r, fuzz_dir(), 100);
	say_in(SAY_ENGLISH);
	csv_samples(fuzz_sink(), r);
	csv_cells(fuzz_sink(), r);
	gbench_write(fuzz_sink(), r);
	junit_write(fuzz_sink(), r);
	benchstat_write(fuzz_sink(), r);
	fuzz_put("plots/there", "", 0); /* report_plots() makes the folder */
	if (report_topology(r, fuzz_dir(), &e) != 0)
		fuzz_fault("no picture of the machine: %s", e.why);
	report_free(r);
}

static void judge_all(void)
{
	struct gate_batch batch;
	struct selftest t;
	struct err e = {{0}};
	json_t *json;
	int rc = gate_read(fuzz_dir(), &(struct gate_rule){.margin = 0.05}, &batch, &e);

	fuzz_check(rc, &e);
	if (rc == 0) {
		gate_text(fuzz_sink(), &batch, "first");
		json = gate_rows_json(&batch);
		if (!json)
			fuzz_fault("the gate's rows cannot be written");
		json_decref(json);
	}
	gate_clear(&batch);
	rc = selftest_read(fuzz_dir(), &t, &e);
	fuzz_check(rc, &e);
	if (rc)
		return;
	selftest_print(fuzz_sink(), &t);
	json = selftest_json(&t, NULL);
	if (!json)
		fuzz_fault("the selftest cannot be written");
	json_decref(json);
}

/* The whole file `name` of the run; the caller frees. */
static char *read_back(const char *name, size_t *size)
{
	struct err e = {{0}};
	char *text;

	if (report_file_read(fuzz_dir(), name, &text, size, &e) != 0)
		fuzz_fault("%s is gone: %s", name, e.why);
	return text;
}

/* Going on with a run keeps every whole line, cuts off a torn one, and a sample that is added is there then. */
static void resume(const uint8_t *samples, size_t n)
{
	const uint8_t *end = n ? memrchr(samples, '\n', n) : NULL;
	size_t whole = end ? (size_t)(end - samples) + 1 : 0, after;
	json_t *more = json_pack("{s:s, s:s, s:n}", "schema", "switchyard.sample/1", "key", "not one of a sample", "x");
	struct store *s = NULL;
	struct err e = {{0}};
	char *text;
	int rc = store_resume(fuzz_dir(), &s, &e);

	fuzz_check(rc, &e);
	text = read_back("samples.jsonl", &after);
	if (after != (rc ? n : whole) || memcmp(text, samples, after) != 0)
		fuzz_fault("going on has changed whole lines: %zu bytes instead of %zu", after, rc ? n : whole);
	free(text);
	if (rc == 0 && !store_find(s, "not one of a sample")) {
		rc = store_append(s, more, &e);
		text = read_back("samples.jsonl", &after);
		if (rc || after <= whole || memcmp(text, samples, whole) != 0 || text[after - 1] != '\n')
			fuzz_fault("a sample was not appended: %s", e.why);
		free(text);
	}
	store_close(s);
	json_decref(more);
}

static void read_run(const void *run, size_t n_run, const void *samples, size_t n_samples)
{
	size_t after;
	char *text;

	fuzz_put("run.json", run, n_run);
	fuzz_put("samples.jsonl", samples, n_samples);
	fuzz_look_for_missing();
	report_all();
	judge_all();
	text = read_back("samples.jsonl", &after);
	if (after != n_samples || memcmp(text, samples, after) != 0)
		fuzz_fault("a run was changed by being read");
	free(text);
	resume(samples, n_samples);
}

/* Which of the corpus' runs the other file is taken from: they come in pairs, run/<name>.json and samples/<name>.jsonl. */
static const char *partner(const uint8_t *data, size_t size)
{
	static const char *const signs[][2] = {{"slow_permille", "selftest"}, {"net/echo", "models"}};

	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
		if (size && memmem(data, size, signs[i][0], strlen(signs[i][0])))
			return signs[i][1];
	return "run";
}

int fuzz_run(const uint8_t *data, size_t size)
{
	char *name = xformat("samples/%s.jsonl", partner(data, size));
	size_t n;
	char *samples = fuzz_seed(name, &n);

	read_run(data, size, samples, n);
	free(samples);
	free(name);
	return 0;
}

int fuzz_samples(const uint8_t *data, size_t size)
{
	char *name = xformat("run/%s.json", partner(data, size));
	size_t n;
	char *run = fuzz_seed(name, &n);

	read_run(run, n, data, size);
	free(run);
	free(name);
	return 0;
}

/* ---- reports ------------------------------------------------------------------------------------------------- */

static void compare(json_t *a, json_t *b)
{
	struct compare *c;
	struct err e = {{0}};
	json_t *json;
	int rc = compare_reports(a, b, 0.05, false, &c, &e);

	fuzz_check(rc, &e);
	if (rc)
		return;
	compare_text(fuzz_sink(), c);
	compare_benchstat(fuzz_sink(), c);
	(void)compare_is_disturbed(c);
	json = compare_json(c);
	if (!json)
		fuzz_fault("a comparison cannot be written");
	json_decref(json);
	compare_free(c);
}

int fuzz_report(const uint8_t *data, size_t size)
{
	json_t *other = fuzz_seed_json("report/run.json"), *report;
	char *path = fuzz_path("report.json");
	struct err e = {{0}};
	int rc;

	fuzz_put("report.json", data, size);
	rc = report_read(path, &report, &e);
	fuzz_check(rc, &e);
	if (rc == 0) {
		json_t *pair[] = {report, other};
		struct pool *p;

		compare(report, other);
		compare(other, report);
		rc = pool_reports(pair, 2, &p, &e);
		fuzz_check(rc, &e);
		if (rc == 0) {
			pool_text(fuzz_sink(), p);
			pool_markdown(fuzz_sink(), p);
			pool_free(p);
		}
	}
	json_decref(report);
	free(path);
	return 0;
}

int fuzz_advise(const uint8_t *data, size_t size)
{
	static struct advice advice;
	char *path = fuzz_path("report.json");
	struct advise_load load = {.axis = {200, 20e3, 10e6, 30e6}};
	json_t *report, *json;
	struct err e = {{0}};
	int rc;

	fuzz_put("report.json", data, size);
	rc = report_read(path, &report, &e);
	fuzz_check(rc, &e);
	for (int kind = 0; rc == 0 && kind < ADVISE_KINDS; kind++) {
		load.kind = (enum advise_kind)kind;
		rc = advise(report, &load, &advice, &e);
		fuzz_check(rc, &e);
		if (rc)
			break;
		json = advise_json(&advice, NULL);
		advise_text(fuzz_sink(), &advice, NULL);
		if (!json)
			fuzz_fault("advice cannot be written");
		json_decref(json);
	}
	json_decref(report);
	free(path);
	return 0;
}

/* ---- figures ----------------------------------------------------------------------------------------------- */

int fuzz_svg(const uint8_t *data, size_t size)
{
	struct plot plot = {.id = "ring", .title = "A ring of <tasks> & \"one\" token", .svg = "figure.svg"};
	char *svg;

	fuzz_put(plot.svg, data, size);
	svg = plot_inline_svg(fuzz_dir(), &plot);
	if (svg && strncmp(svg, "<svg role=", 10) != 0)
		fuzz_fault("a figure begins: %.20s", svg);
	free(svg);
	return 0;
}

/* ---- a record's text, in another language --------------------------------------------------------------------- */

int fuzz_said(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *said;

	say_in(SAY_CHINESE);
	said = say_record(text);
	say_in(SAY_ENGLISH);
	if (!said || (*text && !*said))
		fuzz_fault("a text is lost");
	free(said);
	free(text);
	return 0;
}

/* ---- a trace ------------------------------------------------------------------------------------------------- */

int fuzz_trace(const uint8_t *data, size_t size)
{
	char *path = fuzz_path("trace.json");
	struct timeline t;
	struct scene s;
	struct err e = {{0}};
	int rc;

	fuzz_put("trace.json", data, size);
	rc = timeline_read(path, &t, &e);
	fuzz_check(rc, &e);
	for (int kind = 0; rc == 0 && kind < SCENE_KINDS; kind++)
		if (scene_find(&t, (enum scene_kind)kind, &s))
			timeline_svg(fuzz_sink(), &t, &s, "a title");
	if (rc == 0)
		timeline_clear(&t);
	free(path);
	return 0;
}
