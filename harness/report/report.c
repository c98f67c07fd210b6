/*
 * report.c - a run's folder in, its report out (contract: report.h).
 */
#include "harness/report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/plan/question_file.h"
#include "harness/report/doc.h"
#include "harness/report/figure.h"
#include "harness/report/parts.h"
#include "harness/report/question.h"
#include "harness/report/say.h"
#include "harness/results/store.h"

/* A question file that is wrong costs the answers, not the report. */
static int ask(struct report *r, struct err *err)
{
	struct err why = {""};
	json_t *files = NULL;
	int rc = 0;

	if (questions_load(&files, &why))
		snprintf(r->questions_why, sizeof(r->questions_why), "%.*s", (int)sizeof(r->questions_why) - 1,
			 why.why);
	else
		rc = report_questions(r, files, err);
	json_decref(files);
	return rc;
}

int report_load(const char *dir, struct report **out, struct err *err)
{
	json_t *run = NULL, *samples = NULL, *warnings = NULL;
	int rc = store_load(dir, &run, &samples, &warnings, err);

	if (rc == 0)
		rc = report_build(run, samples, warnings, out, err);
	if (rc == 0) {
		rc = ask(*out, err);
		if (rc)
			report_free(*out);
	}
	json_decref(run);
	json_decref(samples);
	json_decref(warnings);
	return rc;
}

static int write_json(const struct report *r, const char *dir, struct err *err)
{
	json_t *json = report_json(r);
	int rc = report_json_write(dir, "report.json", json, err);

	json_decref(json);
	return rc;
}

static int write_page(const struct report *r, const struct doc_format *format, const char *dir, const char *name,
		      struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct doc doc;
	int rc;

	if (!out)
		return err_set(err, -ENOMEM, "out of memory");
	rc = doc_open(&doc, format, dir, out);
	if (rc == 0) {
		content_write(&doc, r);
		rc = doc_close(&doc);
	}
	if (fclose(out) && rc == 0)
		rc = -ENOMEM;
	if (rc == 0 && format == &doc_html) {
		char *whole = html_with_contents(text);

		free(text);
		text = whole;
		size = text ? strlen(text) : 0;
		rc = text ? 0 : -ENOMEM;
	}
	if (rc)
		err_set(err, rc, "cannot compose %s: %s", name, strerror(-rc));
	else
		rc = report_file_write(dir, name, text, size, err);
	free(text);
	return rc;
}

static int write_benchstat(const struct report *r, const char *dir, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int rc;

	if (!out)
		return err_set(err, -ENOMEM, "out of memory");
	benchstat_write(out, r);
	rc = fclose(out) ? err_set(err, -ENOMEM, "out of memory")
			 : report_file_write(dir, "benchstat.txt", text, size, err);
	free(text);
	return rc;
}

/* The figures of the language, then its pages. */
static int write_pages(struct report *r, const char *dir, const char *md, const char *html, struct err *err)
{
	int rc = report_plots(r, dir, err);

	if (rc == 0)
		rc = plots_questions(r, dir, err);
	if (rc == 0)
		rc = report_topology(r, dir, err);
	if (rc == 0)
		rc = report_timelines(r, dir, err);
	if (rc == 0)
		rc = write_page(r, &doc_markdown, dir, md, err);
	return rc ? rc : write_page(r, &doc_html, dir, html, err);
}

int report_write_chinese(const char *dir, struct err *err)
{
	struct report *r;
	int rc = report_load(dir, &r, err); /* in English, as all that is kept */

	if (rc)
		return rc;
	say_in(SAY_CHINESE);
	rc = write_pages(r, dir, "report.zh-CN.md", "report.zh-CN.html", err);
	say_in(SAY_ENGLISH);
	report_free(r);
	return rc;
}

int report_write(const char *dir, struct err *err)
{
	struct report *r;
	int rc = report_load(dir, &r, err);

	if (rc)
		return rc;
	rc = write_pages(r, dir, "report.md", "report.html", err);
	if (rc == 0)
		rc = write_json(r, dir, err);
	if (rc == 0)
		rc = write_benchstat(r, dir, err);
	report_free(r);
	return rc;
}

static int read_file(const char *path, json_t **out, struct err *err)
{
	json_error_t je;

	*out = json_load_file(path, 0, &je);
	if (!*out && je.line < 0)
		return err_set(err, -ENOENT, "%.300s cannot be read: %s", path, strerror(errno));
	if (!*out)
		return err_set(err, -EBADMSG, "%.300s is not JSON: line %d: %.100s", path, je.line, je.text);
	if (strcmp(field_text(*out, "schema", ""), "switchyard.report/1") == 0)
		return 0;
	json_decref(*out);
	*out = NULL;
	return err_set(err, -EBADMSG, "%.300s is not of schema switchyard.report/1", path);
}

int report_read(const char *path, json_t **out, struct err *err)
{
	struct report *r;
	struct stat st;
	int rc;

	*out = NULL;
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return read_file(path, out, err);
	rc = report_load(path, &r, err);
	if (rc)
		return rc;
	*out = report_json(r);
	report_free(r);
	return *out ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int report_export(const char *dir, const char *format, FILE *out, struct err *err)
{
	static const struct {
		const char *name;
		void (*write)(FILE *out, const struct report *r);
	} forms[] = {{"csv", csv_samples},
		     {"csv-cells", csv_cells},
		     {"gbench", gbench_write},
		     {"junit", junit_write},
		     {"benchstat", benchstat_write}};
	struct report *r;
	size_t i = 0, n = sizeof(forms) / sizeof(*forms);
	int rc;

	while (i < n && strcmp(forms[i].name, format) != 0)
		i++;
	if (i == n)
		return err_set(err, -EINVAL,
			       "there is no format '%.40s'; known are csv, csv-cells, gbench, junit, benchstat",
			       format);
	rc = report_load(dir, &r, err);
	if (rc)
		return rc;
	forms[i].write(out, r);
	report_free(r);
	return ferror(out) ? err_set(err, -EIO, "cannot write the report") : 0;
}

static int summary(const char *dir, enum say_language language, FILE *out, unsigned width, struct err *err)
{
	struct report *r;
	int rc = report_load(dir, &r, err);

	if (rc)
		return rc;
	say_in(language);
	summary_write(out, r, dir, width);
	say_in(SAY_ENGLISH);
	report_free(r);
	return ferror(out) ? err_set(err, -EIO, "cannot write the summary") : 0;
}

int report_summary(const char *dir, FILE *out, unsigned width, struct err *err)
{
	return summary(dir, SAY_ENGLISH, out, width, err);
}

int report_summary_chinese(const char *dir, FILE *out, unsigned width, struct err *err)
{
	return summary(dir, SAY_CHINESE, out, width, err);
}
