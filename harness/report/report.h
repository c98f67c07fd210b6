/*
 * report.h - from a run's two files (run.json, samples.jsonl) to its report. Everything that the report says is
 * computed from them: the same files give the same report, byte for byte.
 */
#ifndef REPORT_H
#define REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "harness/base/err.h"

/*
 * Read the run in `dir`, write report.json, report.md, report.html, benchstat.txt and plots/ there. Without gnuplot
 * the figures are left out and the report says so. 0 or -errno with a sentence.
 */
int report_write(const char *dir, struct err *err);

/*
 * The same pages in Chinese, beside those of report_write(): report.zh-CN.md, report.zh-CN.html and the figures as
 * plots/<name>_zh.*. Files for machines have one language and are not written.
 */
int report_write_chinese(const char *dir, struct err *err);

/* A JSON file of a run, by way of a temporary one: a kill or a full disk leaves what was there. 0 or -errno with a sentence. */
int report_json_write(const char *dir, const char *name, const json_t *json, struct err *err);

/*
 * What report.json says (a new reference): of a run's folder it is made now from the records, of a file it is read.
 * -EBADMSG where a file is no report of switchyard.
 */
int report_read(const char *path, json_t **out, struct err *err);

/*
 * A run in a form that other tools read, on `out`: "csv" (a line per sample), "csv-cells" (a line per cell and subject),
 * "gbench" (google-benchmark's JSON), "junit" (JUnit XML), "benchstat" (Go's text). -EINVAL for another name.
 */
int report_export(const char *dir, const char *format, FILE *out, struct err *err);

/* The summary table of a finished run, for the terminal (width in columns; colour never). */
int report_summary(const char *dir, FILE *out, unsigned width, struct err *err);
int report_summary_chinese(const char *dir, FILE *out, unsigned width, struct err *err);

#endif
