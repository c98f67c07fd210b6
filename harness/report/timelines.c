/*
 * timelines.c - the traced samples of a run: each one's pictures, their section of the page and their part of report.json.
 *
 * What the record says of the file is held against the file: another one of that name, one that is cut or no trace at all is a note
 * among what was left out, and the report goes on. Pictures are made of the file alone, so that they come out the same each time.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/sha256.h"
#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/timeline.h"

enum {
	DRAWN_MOST = 24, /* traces with pictures: a page with more of them is for nobody; the files are all there */
	FILE_MOST = 32 << 20, /* as traced.h */
};

/* ---- one picture --------------------------------------------------------------------------------------------- */

static void name_scene(struct report *r, const struct traced_run *run, struct traced_scene *slot, const struct scene *s)
{
	static const char *const words[SCENE_KINDS] = {"handoff", "steal", "wakeup"};
	static const char *const kinds[SCENE_KINDS] = {SAID("hand-off"), SAID("steal"), SAID("wake-up")};
	struct plot *p = &slot->plot;
	char length[32];

	snprintf(p->id, sizeof(p->id), "timeline-%zu-%s%s", r->n_traces, words[s->kind], say_suffix());
	snprintf(p->svg, sizeof(p->svg), "plots/%.140s.svg", p->id);
	snprintf(p->title, sizeof(p->title), say("%s (%.180s, %.80s)"), say(kinds[s->kind]), run->cell->id,
		 run->subject);
	words_number(length, sizeof(length), (double)(s->to - s->from), UNIT_NS);
	snprintf(
		p->alt, sizeof(p->alt),
		say("A timeline of %s around %s, of %.200s in %.80s. Rows: the Ps with the Gs that ran on each, the Ms "
		    "with the P "
		    "or the blocking call that each was in. Colours are Gs; lines lead from where a G was made "
		    "runnable "
		    "to where "
		    "it ran."),
		length, say(scene_name(s->kind)), run->subject, run->cell->id);
	p->workload = run->cell->workload;
	slot->name = scene_name(s->kind);
	slot->kind = s->kind;
	memcpy(slot->text, s->text, sizeof(slot->text));
	for (size_t i = 0; i < 2; i++)
		slot->after_ns[i] = i + 1 < s->n_points ? (double)(s->points[i + 1].at - s->points[0].at) : NAN;
}

static int draw_scene(const char *dir, struct report *r, const struct timeline *t, const struct scene *s,
		      struct traced_scene *slot, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int rc;

	if (!out)
		return err_set(err, -ENOMEM, "out of memory");
	timeline_svg(out, t, s, slot->plot.title);
	rc = fclose(out) ? err_set(err, -ENOMEM, "out of memory")
			 : report_file_write(dir, slot->plot.svg, text, size, err);
	if (rc == 0)
		rc = stamp_plot(dir, r, &slot->plot, err);
	slot->plot.drawn = rc == 0;
	free(text);
	return rc;
}

/* ---- one trace ----------------------------------------------------------------------------------------------- */

/* A name that leads out of the run's folder is no file of the run. */
static bool is_trace_name(const char *name)
{
	size_t n = strlen(name);

	return n > 11 && n < 256 && strncmp(name, "trace-", 6) == 0 && strcmp(name + n - 5, ".json") == 0 &&
	       !strchr(name, '/');
}

static int check_file(const char *path, const json_t *record, struct err *why)
{
	char digest[65];
	int rc;

	if (field_whole(record, "bytes", FILE_MOST + 1L) > FILE_MOST)
		return err_set(why, -EFBIG, "it is larger than %d bytes", FILE_MOST);
	rc = sha256_file(path, digest);
	if (rc)
		return err_set(why, rc, "it cannot be read: %s", strerror(-rc));
	if (strcmp(digest, field_text(record, "sha256", "")) != 0)
		return err_set(why, -EBADMSG, "it is not the file that the run wrote: its digest is another");
	return 0;
}

/* 0 with *why where it cannot be drawn. */
static int draw_trace(struct report *r, const char *dir, struct traced_run *run, const json_t *record, struct err *why,
		      struct err *err)
{
	struct timeline t;
	char path[4096];
	int rc = 0;

	if (!is_trace_name(run->file))
		return err_set(why, 0, "its record names no file of the run");
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, run->file) >= sizeof(path))
		return err_set(why, 0, "its path is too long");
	if (check_file(path, record, why) || timeline_read(path, &t, why))
		return 0;
	for (int kind = 0; kind < SCENE_KINDS && rc == 0; kind++) {
		struct traced_scene *slot = &run->scenes[run->n_scenes];
		struct scene s;

		if (!scene_find(&t, (enum scene_kind)kind, &s))
			continue;
		name_scene(r, run, slot, &s);
		rc = draw_scene(dir, r, &t, &s, slot, err);
		run->n_scenes += rc == 0;
	}
	timeline_clear(&t);
	if (run->n_scenes == 0)
		run->why = SAID("There is no hand-off, steal or wake-up in it.");
	return rc;
}

static int add_trace(struct report *r, const char *dir, const struct cell *c, const struct series *s,
		     const struct point *p, struct err *err)
{
	const json_t *record = json_object_get(p->sample, "trace");
	struct err why = {""};
	struct traced_run *run = GROW(r->traces, r->n_traces);
	int rc;

	if (!run)
		return err_set(err, -ENOMEM, "out of memory");
	run->cell = c;
	run->subject = s->subject;
	run->file = field_text(record, "file", "");
	run->opens_with = field_text(record, "opens_with", NULL);
	if (run->opens_with) {
		run->why = SAID("Not drawn: it is of the runtime's own form.");
		return 0;
	}
	if (r->n_traces > DRAWN_MOST) {
		run->why = SAID("Not drawn: the report draws the first 24 traces of a run.");
		return 0;
	}
	rc = draw_trace(r, dir, run, record, &why, err);
	if (why.why[0]) {
		model_exclude(r, c->id, "the trace of %s (%.260s) is not drawn: %.200s", s->subject, run->file,
			      why.why);
		r->n_traces--;
	}
	return rc;
}

int report_timelines(struct report *r, const char *dir, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series; j++) {
			const struct series *s = &r->cells[i].series[j];

			for (size_t k = 0; k < s->traced.n && rc == 0; k++)
				rc = add_trace(r, dir, &r->cells[i], s, &s->traced.at[k], err);
		}
	return rc;
}

/* ---- the page ------------------------------------------------------------------------------------------------ */

static void show_trace(struct doc *d, const struct traced_run *run)
{
	static const char *const titles[SCENE_KINDS] = {SAID("Hand-off."), SAID("Steal."), SAID("Wake-up.")};

	words_plain(d->text, run->cell->id);
	doc_say(d, ", ");
	words_plain(d->text, run->subject);
	doc_heading(d, 3, NULL);
	words_code(d->text, run->file);
	doc_say(d, ".");
	if (run->why)
		doc_say(d, " %s", say(run->why));
	if (run->opens_with) {
		doc_say(d, " It opens with ");
		words_code(d->text, run->opens_with);
		doc_say(d, ".");
	}
	doc_para(d, PARA_PLAIN);
	for (size_t i = 0; i < run->n_scenes; i++) {
		doc_say(d, "**%s** ", say(titles[run->scenes[i].kind]));
		words_plain(d->text, run->scenes[i].text);
		doc_para(d, PARA_PLAIN);
		doc_figure(d, &run->scenes[i].plot);
	}
}

void content_timelines(struct doc *d, const struct report *r)
{
	if (r->n_traces == 0)
		return;
	doc_say(d, "Timelines");
	doc_heading(d, 2, "timelines");
	doc_say(d,
		"What schedulers did, from samples that were traced: short, apart from all others, and with no time in "
		"any "
		"result, since noting everything down makes a model slower. The pictures show the first hand-off, "
		"steal and "
		"wake-up that a trace has, not typical ones. The files, in the run's folder, open in ui.perfetto.dev.");
	doc_para(d, PARA_PLAIN);
	for (size_t i = 0; i < r->n_traces; i++)
		show_trace(d, &r->traces[i]);
}

/* ---- report.json --------------------------------------------------------------------------------------------- */

static json_t *scenes_json(const struct traced_run *run)
{
	json_t *list = json_array();

	for (size_t i = 0; i < run->n_scenes; i++) {
		const struct traced_scene *s = &run->scenes[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:[o, o]}", "what", s->name + 2, "text", s->text,
						"svg", s->plot.svg, "after_ns", json_number_or_null(s->after_ns[0]),
						json_number_or_null(s->after_ns[1])));
	}
	return list;
}

json_t *timelines_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_traces; i++) {
		const struct traced_run *run = &r->traces[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:o, s:s?, s:s*}", "cell", run->cell->id, "subject",
						run->subject, "file", run->file, "scenes", scenes_json(run), "why",
						run->why, "opens_with", run->opens_with));
	}
	return list;
}
