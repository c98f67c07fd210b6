/*
 * report_made.h - for tests: a report of cells and samples that a test has made, and its pages.
 */
#ifndef REPORT_MADE_H
#define REPORT_MADE_H

#include <stdio.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"

enum { RUNS = 7 }; /* processes of each subject */

/* What a run.json's plan and a samples.jsonl hold; build() takes both. */
struct made {
	json_t *cells, *samples;
};

static inline struct report *build(struct made *m)
{
	json_t *run = json_pack("{s:s, s:s, s:b, s:{s:s, s:i, s:o}}", "schema", "switchyard.run/1", "run_id", "r",
				"complete", 1, "plan", "name", "p", "rounds", RUNS, "cells", m->cells);
	json_t *warnings = json_array();
	struct report *r;
	struct err err;

	if (report_build(run, m->samples, warnings, &r, &err) != 0)
		fail_msg("%s", err.why);
	json_decref(run);
	json_decref(m->samples);
	json_decref(warnings);
	return r;
}

/* The section of a workload, as Markdown. */
__attribute__((noinline, unused)) static char *page_of(const struct report *r, const char *workload)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct doc d;

	assert_int_equal(doc_open(&d, &doc_markdown, ".", out), 0);
	content_workload(&d, r, workload);
	assert_int_equal(doc_close(&d), 0);
	fclose(out);
	return text;
}

#endif
