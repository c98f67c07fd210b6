#include "harness/cli/run_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/estimate.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/power.h"

static void print_subjects(const struct cell *cell)
{
	for (size_t i = 0; i < cell_entries(cell); i++) {
		bool is_twin;
		const struct subject *s = cell_entry(cell, i, &is_twin);

		printf("%s%s%s", i ? " " : "", s->id, is_twin ? "'" : "");
	}
}

/* ", 24 simulated" where there are any: few runs have some. */
static void print_some(FILE *out, unsigned n, const char *word)
{
	if (n)
		fprintf(out, ", %u %s", n, word);
}

void run_show_estimate(const struct plan *p, FILE *out)
{
	struct estimate e;

	estimate_plan(p, &e);
	fprintf(out, "plan %s: %zu cells, %u timed samples, %u calibrations, %u counted samples", p->name, p->n_cells,
		e.timed, e.calibrate, e.counted);
	print_some(out, e.traced, "traced samples");
	print_some(out, e.simulated, "simulated samples");
	fprintf(out, ", %sabout %.0f s (%.1f min)\n", p->is_rigorous ? "at most " : "", (double)e.total_ns / 1e9,
		(double)e.total_ns / 6e10);
}

void run_show_plan(const struct plan *p, uint64_t seed)
{
	size_t *cells = xcalloc(p->n_cells, sizeof *cells);
	const json_t *skipped;
	size_t k;

	printf("cells:\n");
	for (size_t i = 0; i < p->n_cells; i++) {
		const struct cell *cell = &p->cells[i];
		struct estimate e;

		estimate_cell(p, cell, &e);
		printf("  %-64s %2u rounds, %u counted", cell->id, cell->rounds, cell->counted);
		print_some(stdout, cell->traced, "traced");
		print_some(stdout, cell->simulated, "simulated");
		printf(", %6.1f s: ", (double)e.total_ns / 1e9);
		print_subjects(cell);
		putchar('\n');
	}
	json_array_foreach (p->skipped, k, skipped)
		printf("left out: %s: %s\n", jsonx_str(skipped, "cell"), jsonx_str(skipped, "why"));
	printf("order of the first round (seed %016llx):\n", (unsigned long long)seed);
	order_cells(seed, 0, p->n_cells, cells);
	for (size_t i = 0; i < p->n_cells; i++) {
		const struct cell *cell = &p->cells[cells[i]];
		size_t order[ORDER_MAX];

		printf("  %-64s ", cell->id);
		order_subjects(seed, order_hash(cell->id), 0, cell_entries(cell), order);
		for (size_t j = 0; j < cell_entries(cell); j++) {
			bool is_twin;
			const struct subject *s = cell_entry(cell, order[j], &is_twin);

			printf("%s%s%s", j ? " " : "", s->id, is_twin ? "'" : "");
		}
		putchar('\n');
	}
	power_say_shortage(p, stdout);
	run_show_estimate(p, stdout);
	free(cells);
}

void run_show_missing(const json_t *missing, const struct engine_result *r)
{
	static const char *const kinds[] = {"calibrate", "timed", "counted", "traced", "simulated", "smoke"};
	const char *cell;
	json_t *of_cell;

	json_object_foreach ((json_t *)missing, cell, of_cell) {
		const char *comma = "";

		printf("  %-64s ", cell);
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
			if (!json_object_get(of_cell, kinds[i]))
				continue;
			printf("%s%lld %s", comma, (long long)jsonx_int(of_cell, kinds[i], 0), kinds[i]);
			comma = ", ";
		}
		putchar('\n');
	}
	if (r->n_missing)
		printf("%u samples are missing, about %.0f s\n", r->n_missing, (double)r->missing_ns / 1e9);
	else
		puts("nothing is missing");
}

/* ---- what failed ----------------------------------------------------------------------------------------- */

static bool is_failure(const json_t *sample)
{
	static const char *const fine[] = {"ok", "requeued", "unsupported", "too_slow"};
	const char *status = jsonx_str(sample, "status");

	for (size_t i = 0; status && i < sizeof fine / sizeof *fine; i++)
		if (strcmp(status, fine[i]) == 0)
			return false;
	return true;
}

struct failures {
	json_t *has_ok; /* "cell subject" */
	json_t *seen; /* sentence -> how many times */
};

static char *pair_of(const json_t *sample)
{
	return xformat("%s %s", jsonx_str(sample, "cell"), jsonx_str(sample, "subject"));
}

static bool has_word(const json_t *sample, const char *key, const char *word)
{
	const char *text = jsonx_str(sample, key);

	return text && strcmp(text, word) == 0;
}

static void note_success(void *arg, const json_t *sample)
{
	struct failures *f = arg;
	char *pair = pair_of(sample);

	if (has_word(sample, "status", "ok") && !has_word(sample, "kind", "calibrate"))
		json_object_set_new(f->has_ok, pair, json_true());
	free(pair);
}

/* As the engine counts: a void sample is a failure only where the subject has no other on the cell. */
static void note_failure(void *arg, const json_t *sample)
{
	struct failures *f = arg;
	char *pair, *text;

	if (!is_failure(sample))
		return;
	pair = pair_of(sample);
	if (!has_word(sample, "status", "void") || !json_object_get(f->has_ok, pair)) {
		text = xformat("%s: %s: %s", pair, jsonx_str(sample, "status"),
			       jsonx_str(sample, "why") ? jsonx_str(sample, "why") : "");
		json_object_set_new(f->seen, text, json_integer(jsonx_int(f->seen, text, 0) + 1));
		free(text);
	}
	free(pair);
}

void run_show_failures(const struct store *s, FILE *out)
{
	struct failures f = {json_object(), json_object()};
	const char *text;
	json_t *times;

	store_each(s, note_success, &f);
	store_each(s, note_failure, &f);
	json_object_foreach (f.seen, text, times) {
		if (json_integer_value(times) > 1)
			fprintf(out, "%s (%lld times)\n", text, (long long)json_integer_value(times));
		else
			fprintf(out, "%s\n", text);
	}
	json_decref(f.has_ok);
	json_decref(f.seen);
}

/* ---- smoke ----------------------------------------------------------------------------------------------- */

struct smoke_table {
	json_t *rows; /* workload -> subject -> status */
	json_t *subjects; /* array of ids, in order of appearance in the plan */
};

static void take_smoke(void *arg, const json_t *sample)
{
	struct smoke_table *t = arg;
	const char *workload = jsonx_str(sample, "workload");
	json_t *row = json_object_get(t->rows, workload);

	if (!row) {
		row = json_object();
		json_object_set_new(t->rows, workload, row);
	}
	json_object_set_new(row, jsonx_str(sample, "subject"), json_string(jsonx_str(sample, "status")));
}

static void add_subject(json_t *list, const char *id)
{
	const json_t *have;
	size_t i;

	json_array_foreach (list, i, have)
		if (strcmp(json_string_value(have), id) == 0)
			return;
	json_array_append_new(list, json_string(id));
}

void run_show_smoke(const struct plan *p, const struct store *s, const struct engine_result *r)
{
	struct smoke_table t = {json_object(), json_array()};
	const char *workload;
	const json_t *id;
	json_t *row;
	size_t i;

	for (size_t c = 0; c < p->n_cells; c++)
		for (size_t k = 0; k < p->cells[c].n_subjects; k++)
			add_subject(t.subjects, p->cells[c].subjects[k]->id);
	store_each(s, take_smoke, &t);
	printf("%-20s", "workload");
	json_array_foreach (t.subjects, i, id)
		printf(" %-11s", json_string_value(id));
	putchar('\n');
	json_object_foreach (t.rows, workload, row) {
		printf("%-20s", workload);
		json_array_foreach (t.subjects, i, id) {
			const char *status = jsonx_str(row, json_string_value(id));

			printf(" %-11s", status ? status : "-");
		}
		putchar('\n');
	}
	putchar('\n');
	run_show_failures(s, stdout);
	printf("%u passed, %u failed, %u skipped\n", r->pairs_ok, r->pairs_failed, r->pairs_skipped);
	json_decref(t.rows);
	json_decref(t.subjects);
}
