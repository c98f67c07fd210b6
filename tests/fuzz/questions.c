/* questions.c - target: a question's file, which is planned, and answered out of a run of the corpus. */
#include "fuzz.h"

#include <stdlib.h>

#include "harness/plan/jsonx.h"
#include "harness/plan/question_file.h"
#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/question.h"
#include "harness/report/report.h"

static struct report *run_of_models(void)
{
	static struct report *r;
	struct err e = {{0}};
	char *text;
	size_t size;

	if (r)
		return r;
	text = fuzz_seed("run/models.json", &size);
	fuzz_put("run.json", text, size);
	free(text);
	text = fuzz_seed("samples/models.jsonl", &size);
	fuzz_put("samples.jsonl", text, size);
	free(text);
	if (report_load(fuzz_dir(), &r, &e) != 0)
		fuzz_fault("no report: %s", e.why);
	return r;
}

static void answer(struct report *r, json_t *all)
{
	struct err e = {{0}};
	struct doc doc;
	json_t *json;

	if (report_questions(r, all, &e) != 0)
		fuzz_fault("no answers: %s", e.why);
	if (doc_open(&doc, &doc_html, fuzz_dir(), fuzz_sink()) != 0)
		fuzz_fault("no page");
	content_write(&doc, r);
	if (doc_close(&doc) != 0)
		fuzz_fault("a page cannot be written");
	json = report_json(r);
	if (!json)
		fuzz_fault("report.json cannot be written");
	json_decref(json);
}

static void plan(const json_t *all)
{
	const json_t *q;
	json_t *file;
	size_t i;
	struct err e = {{0}};

	json_array_foreach (all, i, q) {
		int rc = questions_plan(all, jsonx_str(q, "id"), &file, &e);

		fuzz_check(rc, &e);
		if (rc == 0)
			fuzz_show_plan_of(file);
		json_decref(rc ? NULL : file);
	}
}

int fuzz_question(const uint8_t *data, size_t size)
{
	struct report *r = run_of_models();
	char *folder = fuzz_path("questions");
	struct err e = {{0}};
	json_t *all;
	int rc;

	fuzz_put("questions/Q01-of-the-input.json", data, size);
	setenv("SWITCHYARD_QUESTION_DIR", folder, 1);
	rc = questions_load(&all, &e);
	unsetenv("SWITCHYARD_QUESTION_DIR");
	fuzz_check(rc, &e);
	if (rc == 0) {
		plan(all);
		answer(r, all);
	}
	json_decref(rc ? NULL : all);
	free(folder);
	return 0;
}
