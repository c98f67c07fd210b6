/*
 * csv.c - a run as tables for spreadsheets and data frames (RFC 4180, but lines end with a line feed alone): every sample,
 * or every subject of every cell.
 *
 * What is not known is an empty field. Parameters are one field, "tasks=64 ws_kib=0": which there are depends on the
 * workload, and a table has one set of columns.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/parts.h"

/* ---- fields ---------------------------------------------------------------------------------------------- */

static void put_text(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void put_params(FILE *out, const json_t *params)
{
	char text[600] = "";
	size_t used = 0;
	json_t *value;
	const char *key;

	json_object_foreach ((json_t *)params, key, value) {
		int n = json_is_string(value) ? snprintf(text + used, sizeof(text) - used, "%s%s=%s", used ? " " : "",
							 key, json_string_value(value))
					      : snprintf(text + used, sizeof(text) - used, "%s%s=%lld", used ? " " : "",
							 key, (long long)json_integer_value(value));

		used += (size_t)n;
		if (used >= sizeof(text))
			break;
	}
	put_text(out, text);
}

/* A value as it is; objects are parameters. */
static void put_value(FILE *out, const json_t *value)
{
	if (json_is_string(value))
		put_text(out, json_string_value(value));
	else if (json_is_integer(value))
		fprintf(out, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		fprintf(out, "%.9g", json_real_value(value));
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "true" : "false", out);
	else if (json_is_object(value))
		put_params(out, value);
}

/* ---- samples --------------------------------------------------------------------------------------------- */

/* A column: its name, and where its value is, by up to three keys. */
static const struct {
	const char *name, *path[3];
} columns[] = {
	{"run_id", {"run_id"}},
	{"seq", {"seq"}},
	{"cell", {"cell"}},
	{"workload", {"workload"}},
	{"params", {"params"}},
	{"placement", {"placement"}},
	{"workers", {"workers"}},
	{"subject", {"subject"}},
	{"is_twin", {"is_twin"}},
	{"kind", {"kind"}},
	{"round", {"round"}},
	{"attempt", {"attempt"}},
	{"position", {"position"}},
	{"status", {"status"}},
	{"why", {"why"}},
	{"ops", {"ops"}},
	{"metric", {"metric", "name"}},
	{"unit", {"metric", "unit"}},
	{"value", {"metric", "value"}},
	{"work_ok", {"work", "ok"}},
	{"wall_ns", {"time", "wall_ns"}},
	{"user_ns", {"time", "user_ns"}},
	{"sys_ns", {"time", "sys_ns"}},
	{"process_ns", {"time", "process_ns"}},
	{"vcsw", {"sched", "vcsw"}},
	{"ivcsw", {"sched", "ivcsw"}},
	{"run_delay_ns", {"sched", "run_delay_ns"}},
	{"threads", {"sched", "threads"}},
	{"minflt", {"faults", "minflt"}},
	{"majflt", {"faults", "majflt"}},
	{"requests", {"load", "requests"}},
	{"latency_p50_ns", {"load", "latency", "p50"}},
	{"latency_p99_ns", {"load", "latency", "p99"}},
	{"delay_p50_ns", {"delays", "p50"}},
	{"delay_p99_ns", {"delays", "p99"}},
	{"rss_bytes_per_task", {"memory", "per_task", "rss_bytes"}},
	{"total_bytes_per_task", {"memory", "per_task", "total_bytes"}},
	{"steal_ns", {"noise", "steal_ns"}},
	{"foreign_ns", {"noise", "foreign_ns"}},
	{"noise_rate", {"noise", "rate"}},
	{"noise", {"noise", "verdict"}},
};
enum { N_COLUMNS = sizeof(columns) / sizeof(*columns) };

void csv_samples(FILE *out, const struct report *r)
{
	json_t *sample;
	size_t i;

	for (size_t c = 0; c < N_COLUMNS; c++)
		fprintf(out, "%s%s", c ? "," : "", columns[c].name);
	fputc('\n', out);
	json_array_foreach (r->samples, i, sample) {
		for (size_t c = 0; c < N_COLUMNS; c++) {
			const json_t *value = sample;

			for (size_t k = 0; k < 3 && columns[c].path[k]; k++)
				value = json_object_get(value, columns[c].path[k]);
			fputs(c ? "," : "", out);
			put_value(out, value);
		}
		fputc('\n', out);
	}
}

/* ---- cells ----------------------------------------------------------------------------------------------- */

static const char *const of_cell[] = {"id",      "workload", "version", "params",   "placement",
				      "workers", "metric",   "unit",    "floor_pct"};
static const char *const of_subject[] = {"id",
					 "is_twin",
					 "n",
					 "median",
					 "ci_low",
					 "ci_high",
					 "ci_level",
					 "min",
					 "max",
					 "mad_pct",
					 "wall_per_op_ns",
					 "cpu_per_op_ns",
					 "kernel_switches_per_op",
					 "threads",
					 "requests_per_s",
					 "latency_p50_ns",
					 "latency_p99_ns",
					 "rss_bytes",
					 "rank_group",
					 "n_contaminated",
					 "n_requeued",
					 "status",
					 "why"};
enum { N_OF_CELL = sizeof(of_cell) / sizeof(*of_cell), N_OF_SUBJECT = sizeof(of_subject) / sizeof(*of_subject) };

static void put_subject(FILE *out, const json_t *cell, const json_t *subject)
{
	for (size_t k = 0; k < N_OF_CELL; k++) {
		fputs(k ? "," : "", out);
		put_value(out, json_object_get(cell, of_cell[k]));
	}
	for (size_t k = 0; k < N_OF_SUBJECT; k++) {
		fputc(',', out);
		put_value(out, json_object_get(subject, of_subject[k]));
	}
	fputc('\n', out);
}

void csv_cells(FILE *out, const struct report *r)
{
	json_t *report = report_json(r), *cell, *subject;
	size_t i, j;

	for (size_t k = 0; k < N_OF_CELL; k++)
		fprintf(out, "%s%s", k ? "," : "", strcmp(of_cell[k], "id") == 0 ? "cell" : of_cell[k]);
	for (size_t k = 0; k < N_OF_SUBJECT; k++)
		fprintf(out, ",%s", strcmp(of_subject[k], "id") == 0 ? "subject" : of_subject[k]);
	fputc('\n', out);
	json_array_foreach (json_object_get(report, "cells"), i, cell)
		json_array_foreach (json_object_get(cell, "subjects"), j, subject)
			put_subject(out, cell, subject);
	json_decref(report);
}
