/*
 * junit.c - a run as JUnit XML, for continuous integration: a suite per workload, a test case per cell and subject.
 *
 * A case fails when a sample of it did (crashed, timed out, did other work than it should), even where others are good; what
 * a model cannot do, and what the run did not come to, is skipped. `time` is the time of its timed processes in seconds.
 * That a subject is slow is no failure: `switchyard gate` judges that.
 */
#include <math.h>
#include <string.h>

#include "harness/report/parts.h"

/* XML 1.0 has no way to write control characters. */
static void put_attribute(FILE *out, const char *name, const char *text)
{
	fprintf(out, " %s=\"", name);
	for (; *text; text++)
		html_put(out, (unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text);
	fputc('"', out);
}

static double seconds_of(const struct series *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->timed.n; i++) {
		double ns = field_number(json_object_get(s->timed.at[i].sample, "time"), "process_ns");

		sum += isfinite(ns) ? ns / 1e9 : 0;
	}
	return sum;
}

static bool has_failed(const struct series *s)
{
	return s->by_status[ST_FAILED] || s->by_status[ST_MISMATCH];
}

static bool is_skipped(const struct series *s)
{
	return !has_failed(s) && s->timed.n == 0 && strcmp(s->status, "smoke") != 0;
}

static const char *why_failed(const struct series *s)
{
	enum status_count of = s->by_status[ST_FAILED] ? ST_FAILED : ST_MISMATCH;

	return s->whys[of] ? s->whys[of] : "no reason given";
}

static void put_case(FILE *out, const struct cell *c, const struct series *s)
{
	char name[700];

	snprintf(name, sizeof(name), "%s: %s%s", c->id, s->subject, s->is_twin ? "'" : "");
	fputs("    <testcase", out);
	put_attribute(out, "classname", c->workload);
	put_attribute(out, "name", name);
	fprintf(out, " time=\"%.3f\"", seconds_of(s));
	if (has_failed(s)) {
		fputs(">\n      <failure", out);
		put_attribute(out, "message", why_failed(s));
		fprintf(out,
			">%zu of its samples failed, %zu did other work than they should, %zu are good</failure>\n",
			s->by_status[ST_FAILED], s->by_status[ST_MISMATCH], s->timed.n);
	} else if (is_skipped(s)) {
		char text[700];

		snprintf(text, sizeof(text), "%s: %s", s->status, s->why ? s->why : "no reason given");
		fputs(">\n      <skipped", out);
		put_attribute(out, "message", text);
		fputs("/>\n", out);
	} else {
		fputs("/>\n", out);
		return;
	}
	fputs("    </testcase>\n", out);
}

struct totals {
	size_t tests, failures, skipped;
	double seconds;
};

static struct totals count(const struct report *r, const char *workload)
{
	struct totals t = {0};

	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series; j++) {
			const struct series *s = &r->cells[i].series[j];

			if (workload && strcmp(r->cells[i].workload, workload) != 0)
				continue;
			t.tests++;
			t.failures += has_failed(s);
			t.skipped += is_skipped(s);
			t.seconds += seconds_of(s);
		}
	return t;
}

static void put_totals(FILE *out, const struct totals *t)
{
	fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"%.3f\"", t->tests,
		t->failures, t->skipped, t->seconds);
}

void junit_write(FILE *out, const struct report *r)
{
	struct totals all = count(r, NULL);

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
	put_attribute(out, "name", field_text(r->run, "run_id", "switchyard"));
	put_totals(out, &all);
	fputs(">\n", out);
	for (size_t w = 0; w < r->n_workloads; w++) {
		struct totals of = count(r, r->workloads[w]);

		fputs("  <testsuite", out);
		put_attribute(out, "name", r->workloads[w]);
		put_totals(out, &of);
		put_attribute(out, "timestamp", field_text(r->run, "started", ""));
		put_attribute(out, "hostname", field_text(json_object_get(r->run, "host"), "hostname", ""));
		fputs(">\n", out);
		for (size_t i = 0; i < r->n_cells; i++)
			for (size_t j = 0; j < r->cells[i].n_series; j++)
				if (strcmp(r->cells[i].workload, r->workloads[w]) == 0)
					put_case(out, &r->cells[i], &r->cells[i].series[j]);
		fputs("  </testsuite>\n", out);
	}
	fputs("</testsuites>\n", out);
}
