/*
 * parts.h - the pieces of report_write() (report.c), one file each.
 */
#ifndef PARTS_H
#define PARTS_H

#include <stdint.h>
#include <stdio.h>

#include "harness/report/model.h"
#include "harness/report/words.h"

struct doc;

/* json.c: report.json, a new reference. */
json_t *report_json(const struct report *r);
/* NaN and infinity have no place in JSON: null. */
json_t *json_number_or_null(double v);
/* The object of a list whose "id" is this, borrowed; or NULL. */
json_t *json_by_id(const json_t *list, const char *id);
/* The codes of a verdict's reasons, a new array. */
json_t *verdict_reasons_json(const struct verdict *v);

/* content.c, question_show.c, sections.c, appendix.c: the report itself, written once for all page formats. */
void content_write(struct doc *d, const struct report *r);
void content_short(struct doc *d, const struct report *r); /* the headline questions */
void content_questions(struct doc *d, const struct report *r);
json_t *questions_json(const struct report *r);
void content_workload(struct doc *d, const struct report *r, const char *workload);
void content_cliffs(struct doc *d, const struct report *r, const char *workload, const json_t *about); /* cliffs.c */
void content_scaling(struct doc *d, const struct report *r, const char *workload); /* scaling.c */
json_t *scaling_json(const struct report *r);
void content_knees(struct doc *d, const struct report *r, const char *workload); /* knees.c */
json_t *knees_json(const struct report *r);
/* steadiness.c: the rows that are marked, the table of all, and a row's entry in report.json. */
void content_unsteady(struct doc *d, const struct report *r, const char *workload);
void content_steadiness(struct doc *d, const struct report *r);
json_t *steadiness_json(const struct series *series);
/* runtimes.c: which runtimes, what they lack, which are not built; the same for the terminal; and its pieces: a subject's name
 * with its release, what it describes of itself, what its first timed sample that has it tells, settings as text. */
void content_runtimes(struct doc *d, const struct report *r, const char **subjects, size_t n);
void summary_runtimes(FILE *out, const struct report *r, const char **subjects, size_t n);
void content_name(struct doc *d, const struct report *r, const char *subject);
const json_t *runtime_describe(const struct report *r, const char *subject);
json_t *runtime_told(const struct report *r, const char *subject, const char *key, const struct cell **where);
void runtime_settings(struct doc *d, json_t *knobs);
bool report_is_of_all(const struct report *r); /* run --subjects all */
void content_memory(struct doc *d, const struct report *r);
void content_figures(struct doc *d, const struct report *r);
void content_simulated(struct doc *d, const struct report *r); /* simulated.c */
json_t *simulated_json(const struct report *r);
void content_timelines(struct doc *d, const struct report *r); /* timelines.c */
json_t *timelines_json(const struct report *r);
void content_counters(struct doc *d, const struct report *r);
void content_twins(struct doc *d, const struct report *r);
void content_excluded(struct doc *d, const struct report *r);
void content_repeat(struct doc *d, const struct report *r);
void content_host(struct doc *d, const struct report *r);

/* Pieces that several tables need (sections.c): the heads, a value with its interval, how many samples it has, a
 * row's name. */
void content_heads(struct doc *d, const char *const *names, size_t n);
#define CONTENT_HEADS(d, names) content_heads(d, names, sizeof(names) / sizeof((names)[0]))
void content_value(struct doc *d, const struct stats_estimate *e, enum unit unit, bool best);
void content_count(struct doc *d, const struct series *s);
void content_series(struct doc *d, const struct cell *c, const struct series *s);
#define BUSY_SHARE 0.95 /* of its CPUs: from there on a server, or the generator, is what limits */
/* A new row that begins with a cell and a subject (appendix.c). */
void content_row_head(struct doc *d, const struct cell *c, const char *subject);

/* provenance.c: which command, seed, commit and binaries a workload's figures come from; as '#' comments of a file. */
void provenance_note(struct doc *d, const struct report *r, const char *workload);
void provenance_comment(FILE *out, const struct report *r, const char *workload);

/* stamp.c: the same into the figure's SVG and PNG themselves. */
int stamp_plot(const char *dir, const struct report *r, const struct plot *p, struct err *err);
uint32_t stamp_crc(const unsigned char *p, size_t n);

/* benchstat.c: the text format that Go's benchstat reads; one line per process run. */
void benchstat_write(FILE *out, const struct report *r);
/* Its pieces: the lines about the machine; the name of a line, from a cell of run.json or report.json. */
void benchstat_head(FILE *out, const json_t *host);
void benchstat_name(FILE *out, const json_t *cell, const char *subject, bool is_twin);

/* html.c: a character of text as HTML and XML want it. */
void html_put(FILE *out, char c);
/* The page with its contents behind the first heading (malloc'd); NULL when out of memory, or where there is no heading. */
char *html_with_contents(const char *page);

/* csv.c, gbench.c, junit.c: the other forms of report_export(). */
void csv_samples(FILE *out, const struct report *r);
void csv_cells(FILE *out, const struct report *r);
void gbench_write(FILE *out, const struct report *r);
void junit_write(FILE *out, const struct report *r);

/* summary.c: the table for the terminal. */
void summary_write(FILE *out, const struct report *r, const char *dir, unsigned width);

/* A figure that we draw ourselves as a whole file, spelled so that plot_inline_svg() takes it into a page. */
void svg_write(FILE *out, int width, int height, const char *body);

/* plots.c: the SVG of a plot as text (malloc'd), fit for being put into a page; NULL when it cannot be read. */
char *plot_inline_svg(const char *dir, const struct plot *p);

/* files.c: write a whole file by way of a temporary one, so that a reader never sees half of it. */
int report_file_write(const char *dir, const char *name, const char *data, size_t size, struct err *err);
/* Read a whole file, malloc'd and NUL-terminated. */
int report_file_read(const char *dir, const char *name, char **data, size_t *size, struct err *err);

#endif
