/*
 * benchstat.c - every timed process run as a line of Go's benchmark format, so that benchstat and its relatives can
 * read a run:
 *
 *   BenchmarkSwitchRing/tasks=64/ws_kib=0/placement=same/subject=gmp-1  812345  41.2 ns/op  41.0 cpu-ns/op  ...
 *
 * The number after the last dash is the number of CPUs, as with Go. `benchstat -col /subject benchstat.txt` compares
 * models. benchstat treats lines of one name as independent samples; its p values know nothing of the rounds that
 * this suite pairs.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "harness/report/parts.h"

/* "switch/ring" becomes SwitchRing. */
static void put_name(FILE *out, const char *workload)
{
	bool upper = true;

	fputs("Benchmark", out);
	for (const char *p = workload; *p; p++) {
		if (!isalnum((unsigned char)*p)) {
			upper = true;
			continue;
		}
		fputc(upper ? toupper((unsigned char)*p) : *p, out);
		upper = false;
	}
}

/* A key or value in a name: no blanks, no slashes; a dash before digits at the end would be taken for the CPU count. */
static void put_word(FILE *out, const char *word)
{
	for (; *word; word++)
		fputc(isalnum((unsigned char)*word) || strchr("_.+", *word) ? *word : '_', out);
}

static void put_params(FILE *out, const json_t *cell)
{
	json_t *value;
	const char *key;

	json_object_foreach (json_object_get(cell, "params"), key, value) {
		fputc('/', out);
		put_word(out, key);
		fputc('=', out);
		if (json_is_string(value))
			put_word(out, json_string_value(value));
		else if (json_is_integer(value))
			fprintf(out, "%lld", (long long)json_integer_value(value));
		else
			fprintf(out, "%g", json_number_value(value));
	}
}

static void put_quantity(FILE *out, double value, const char *unit)
{
	if (isfinite(value))
		fprintf(out, "\t%.6g %s", value, unit);
}

void benchstat_name(FILE *out, const json_t *cell, const char *subject, bool is_twin)
{
	long workers = field_whole(cell, "workers", 0);

	put_name(out, field_text(cell, "workload", ""));
	put_params(out, cell);
	fputs("/placement=", out);
	put_word(out, field_text(cell, "placement", ""));
	fputs("/subject=", out);
	put_word(out, subject);
	fprintf(out, "%s-%ld", is_twin ? "_twin" : "", workers > 0 ? workers : 1);
}

static void put_point(FILE *out, const struct cell *c, const struct series *s, const struct point *p)
{
	long ops = p->ops < 0x1p62 ? (long)p->ops : 1;

	benchstat_name(out, c->json, s->subject, s->is_twin);
	fprintf(out, "\t%ld", ops > 0 ? ops : 1);
	if (cell_is_memory(c)) {
		put_quantity(out, p->q[Q_VALUE], "bytes/task");
	} else {
		put_quantity(out, p->q[Q_WALL], "ns/op");
		put_quantity(out, p->q[Q_CPU], "cpu-ns/op");
		put_quantity(out, p->q[Q_SWITCHES], "kswitches/op");
		put_quantity(out, p->q[Q_P50], "p50-ns");
		put_quantity(out, p->q[Q_P99], "p99-ns");
	}
	fputc('\n', out);
}

void benchstat_head(FILE *out, const json_t *host)
{
	const char *arch = field_text(host, "arch", "unknown");

	fprintf(out, "goos: linux\ngoarch: %s\npkg: switchyard\ncpu: %s\n",
		strcmp(arch, "x86_64") == 0    ? "amd64"
		: strcmp(arch, "aarch64") == 0 ? "arm64"
					       : arch,
		field_text(host, "cpu_model", "unknown"));
}

void benchstat_write(FILE *out, const struct report *r)
{
	benchstat_head(out, json_object_get(r->run, "host"));
	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series; j++)
			for (size_t k = 0; k < r->cells[i].series[j].timed.n; k++)
				put_point(out, &r->cells[i], &r->cells[i].series[j],
					  &r->cells[i].series[j].timed.at[k]);
}
