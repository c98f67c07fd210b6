/*
 * advise_show.c - the advice as text and as JSON (schema switchyard.advise/1).
 */
#include <math.h>
#include <string.h>

#include "harness/report/advise.h"
#include "harness/report/model.h"
#include "harness/report/parts.h"
#include "harness/report/words.h"

static const char *const fit_names[] = {"fits", "fails", "unknown"};

static const char *axis_value(char *buf, size_t size, enum advise_axis axis, double value)
{
	if (axis == AXIS_TASKS)
		snprintf(buf, size, "%.0f", value);
	else
		words_number(buf, size, value, UNIT_NS);
	return buf;
}

static const char *id_or(const struct advise_answer *a, int which, const char *otherwise)
{
	return which >= 0 ? a->models[which].id : otherwise;
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

/* "1.20 us to 1.34 us", "at least 40 ns", "not known". */
static const char *span_text(char *buf, size_t size, struct span s, enum unit unit)
{
	char lo[32], hi[32];

	words_number(lo, sizeof lo, s.lo, unit);
	words_number(hi, sizeof hi, s.hi, unit);
	if (!isfinite(s.hi) && !(s.lo > 0))
		snprintf(buf, size, "not known");
	else if (!isfinite(s.hi))
		snprintf(buf, size, "at least %s", lo);
	else
		snprintf(buf, size, strcmp(lo, hi) == 0 ? "%s" : "%s to %s", lo, hi);
	return buf;
}

static void model_text(FILE *out, const struct advise_model *m)
{
	char text[80];

	fprintf(out, "\n%s %s%s%s\n", m->id,
		m->fit == FIT_YES  ? "fits"
		: m->fit == FIT_NO ? "fails"
				   : "is not known to fit",
		*m->why ? ": " : "", m->why);
	fprintf(out, "  CPU of a wait    %s\n", span_text(text, sizeof text, m->wait_ns, UNIT_NS));
	fprintf(out, "  CPU of a turn    %s\n", span_text(text, sizeof text, m->turn_ns, UNIT_NS));
	fprintf(out, "  CPUs busy        %.0f %% to %.0f %% of %.0f\n", m->busy.lo * 100, m->busy.hi * 100, m->cpus);
	fprintf(out, "  memory           %s\n", span_text(text, sizeof text, m->memory_bytes, UNIT_BYTES));
	fprintf(out, "  p99 of a turn    %s\n", span_text(text, sizeof text, m->p99_ns, UNIT_NS));
	for (size_t i = 0; i < m->cells.n; i++)
		fprintf(out, "  %s %s\n", i ? "                " : "from the cells  ", m->cells.id[i]);
	if (m->cells.n == 0)
		fprintf(out, "  from no cell\n");
}

/* "pthread", "none of them", "gmp or pthread", "not known". */
static const char *answer_name(char *buf, size_t size, const struct advise_answer *a)
{
	if (a->verdict == ADVISE_CHOSEN)
		snprintf(buf, size, "%s", a->models[a->choice].id);
	else if (a->verdict == ADVISE_UNDECIDED)
		snprintf(buf, size, "%s or %s", a->models[a->choice].id, a->models[a->runner_up].id);
	else
		snprintf(buf, size, "%s", a->verdict == ADVISE_NONE_FITS ? "none of them" : "not known");
	return buf;
}

/* The model that makes the difference: the one that is advised beyond or, where none is, the one that was. */
static const struct advise_model *deciding(const struct advise_flip *f, const struct advise_answer *from)
{
	int which = f->beyond.choice >= 0 ? f->beyond.choice : from->choice >= 0 ? from->choice : 0;

	return &f->beyond.models[which];
}

static const struct advise_model *model_like(const struct advise_answer *a, const struct advise_model *m)
{
	size_t i = 0;

	while (strcmp(a->models[i].id, m->id) != 0)
		i++;
	return &a->models[i];
}

static bool has_cell(const struct advise_model *m, const char *id)
{
	for (size_t i = 0; i < m->cells.n; i++)
		if (strcmp(m->cells.id[i], id) == 0)
			return true;
	return false;
}

static void flips_text(FILE *out, const struct advice *a)
{
	const struct advise_answer *from = &a->answer;

	fprintf(out, "\nWhere the answer would flip, the rest unchanged:\n");
	if (a->n_flips == 0)
		fprintf(out, "  nowhere within a factor of a thousand\n");
	for (size_t i = 0; i < a->n_flips; i++) {
		const struct advise_flip *f = &a->flips[i];
		char value[32], name[80];
		const struct advise_model *m = deciding(f, from);

		fprintf(out, "  --%-6s %s %-10s %s (%s)\n", advise_axis_name(f->axis),
			f->other_from > a->load.axis[f->axis] ? "from   " : "down to",
			axis_value(value, sizeof value, f->axis, f->other_from),
			answer_name(name, sizeof name, &f->beyond), f->beyond.sentence);
		fprintf(out, "           by the cells of %s above", m->id);
		for (size_t c = 0; c < m->cells.n; c++)
			if (!has_cell(model_like(&a->answer, m), m->cells.id[c]))
				fprintf(out, "; and %s", m->cells.id[c]);
		fputc('\n', out);
	}
}

void advise_text(FILE *out, const struct advice *a, const json_t *notes)
{
	const double *axis = a->load.axis;
	char cpu[32], wait[32], p99[32], memory[32];
	const json_t *note;
	size_t i;

	words_number(cpu, sizeof cpu, axis[AXIS_CPU], UNIT_NS);
	words_number(wait, sizeof wait, axis[AXIS_WAIT], UNIT_NS);
	words_number(p99, sizeof p99, axis[AXIS_P99], UNIT_NS);
	words_number(memory, sizeof memory, a->load.memory_bytes, UNIT_BYTES);
	json_array_foreach (notes, i, note)
		fprintf(out, "%s\n", json_string_value(note));
	fprintf(out,
		"Asked: %.0f tasks, each of which in turns computes for %s and waits for %s (%s); 99 of 100 turns, the "
		"wait included, "
		"within %s; on %.0f CPU%s and %s of memory.\n\n",
		axis[AXIS_TASKS], cpu, wait, advise_kind_name(a->load.kind), p99, a->load.cpus,
		a->load.cpus == 1 ? "" : "s", memory);
	fprintf(out, "Answer: %s\n", a->answer.sentence);
	if (a->answer.verdict == ADVISE_CHOSEN)
		fprintf(out, "Runner-up: %s\n",
			id_or(&a->answer, a->answer.runner_up, "none, no other is known to fit"));
	for (i = 0; i < ADVISE_MODELS; i++)
		model_text(out, &a->answer.models[i]);
	flips_text(out, a);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static json_t *cells_json(const struct advise_model *m)
{
	json_t *cells = json_array();

	for (size_t i = 0; i < m->cells.n; i++)
		json_array_append_new(cells, json_string(m->cells.id[i]));
	return cells;
}

static json_t *span_json(struct span s)
{
	return json_pack("{s:o, s:o}", "low", json_number_or_null(s.lo), "high", json_number_or_null(s.hi));
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *model_json(const struct advise_model *m)
{
	return json_pack("{s:s, s:s, s:o, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", m->id, "fit",
			 fit_names[m->fit], "why", text_or_null(m->why), "cpus", m->cpus, "wait_cpu_ns",
			 span_json(m->wait_ns), "turn_cpu_ns", span_json(m->turn_ns), "busy", span_json(m->busy),
			 "memory_bytes", span_json(m->memory_bytes), "late_p99_ns", span_json(m->late_ns), "p99_ns",
			 span_json(m->p99_ns), "cells", cells_json(m));
}

/* The verdict with the models that it names. */
static json_t *answer_json(const struct advise_answer *a)
{
	return json_pack("{s:s, s:o, s:o, s:s}", "verdict", advise_verdict_name(a->verdict), "choice",
			 text_or_null(id_or(a, a->choice, NULL)), "runner_up",
			 text_or_null(id_or(a, a->runner_up, NULL)), "sentence", a->sentence);
}

json_t *advise_json(const struct advice *a, const json_t *notes)
{
	const json_t *run = json_object_get(a->report, "run");
	const double *axis = a->load.axis;
	json_t *models = json_array(), *flips = json_array();

	for (size_t i = 0; i < ADVISE_MODELS; i++)
		json_array_append_new(models, model_json(&a->answer.models[i]));
	for (size_t i = 0; i < a->n_flips; i++) {
		const struct advise_flip *f = &a->flips[i];
		const struct advise_model *m = deciding(f, &a->answer);

		json_array_append_new(flips,
				      json_pack("{s:s, s:f, s:f, s:o, s:s, s:o}", "axis", advise_axis_name(f->axis),
						"same_until", f->same_until, "other_from", f->other_from, "beyond",
						answer_json(&f->beyond), "model", m->id, "cells", cells_json(m)));
	}
	return json_pack("{s:s, s:o, s:{s:f, s:f, s:f, s:f, s:s, s:f, s:f}, s:o, s:o, s:o, s:o}", "schema",
			 "switchyard.advise/1", "run_id", text_or_null(field_text(run, "run_id", NULL)), "load",
			 "tasks", axis[AXIS_TASKS], "cpu_ns", axis[AXIS_CPU], "wait_ns", axis[AXIS_WAIT], "p99_ns",
			 axis[AXIS_P99], "kind", advise_kind_name(a->load.kind), "cpus", a->load.cpus, "memory_bytes",
			 a->load.memory_bytes, "answer", answer_json(&a->answer), "models", models, "flips", flips,
			 "notes", notes ? json_deep_copy(notes) : json_array());
}
