/*
 * timeline_scene.c - the first hand-off, steal and wake-up of a trace, the window around each, and the sentences about it.
 *
 * The first that is whole: of a hand-off the call, the moment in which the P is taken and who runs there next must be in the trace.
 * Nothing is picked by how long it took, so that a picture shows no best or worst case. A window shows some slices before and after,
 * but is never so long that the scene itself becomes thin.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/say.h"
#include "harness/report/timeline.h"
#include "harness/report/words.h"

enum {
	SLICES_BEFORE = 8,
	SLICES_AFTER = 16,
	TIMES_BEFORE = 2, /* the scene's own length, at most */
	TIMES_AFTER = 5,
	LEAST_NS = 500, /* a scene is taken to be this long at least */
};

static const char *const names[SCENE_KINDS] = {SAID("a hand-off"), SAID("a steal"), SAID("a wake-up")};

const char *scene_name(enum scene_kind kind)
{
	return names[kind];
}

/* ---- pieces -------------------------------------------------------------------------------------------------- */

static const char *ns_words(char buf[32], int64_t ns)
{
	words_number(buf, 32, (double)ns, UNIT_NS);
	return buf;
}

/* "G 5 (main)"; the trace of a G that began before it has no name for it. */
static const char *g_words(char buf[96], const struct tl_slice *ran)
{
	int used = snprintf(buf, 96, "G %ld", ran->g);

	if (strcmp(buf, ran->name) != 0)
		snprintf(buf + used, 96 - (size_t)used, " (%.60s)", ran->name);
	return buf;
}

static void add_point(struct scene *s, int64_t at, const char *text)
{
	char after[32];

	s->points[s->n_points].at = at;
	if (s->n_points == 0)
		snprintf(s->points[0].text, sizeof(s->points[0].text), "0: %.80s", say(text));
	else
		snprintf(s->points[s->n_points].text, sizeof(s->points[0].text), "+%s: %.72s",
			 ns_words(after, at - s->points[0].at), say(text));
	s->n_points++;
}

/* From some slices before the first point to some after the last, within limits. */
static void set_window(const struct timeline *t, struct scene *s)
{
	int64_t begin = s->points[0].at, end = s->points[s->n_points - 1].at;
	int64_t length = end - begin > LEAST_NS ? end - begin : LEAST_NS, from, to;
	size_t first = 0, past;

	while (first < t->n_ps && t->ps[first].from < begin)
		first++;
	past = first;
	while (past < t->n_ps && t->ps[past].from <= end)
		past++;
	from = first >= SLICES_BEFORE ? t->ps[first - SLICES_BEFORE].from : 0;
	to = past + SLICES_AFTER < t->n_ps ? t->ps[past + SLICES_AFTER].from : INT64_MAX;
	if (from < begin - TIMES_BEFORE * length)
		from = begin - TIMES_BEFORE * length;
	if (from > begin - length / 4)
		from = begin - length / 4;
	if (to > end + TIMES_AFTER * length)
		to = end + TIMES_AFTER * length;
	if (to < end + length / 4)
		to = end + length / 4;
	s->from = from > 0 ? from : 0;
	s->to = to;
}

/* ---- a hand-off ---------------------------------------------------------------------------------------------- */

/* What ran on the P that was taken. The slice ends where it is taken. */
static const struct tl_slice *taken_from(const struct timeline *t, const struct tl_mark *mark)
{
	for (size_t i = 0; i < t->n_ps && t->ps[i].from <= mark->at; i++)
		if (t->ps[i].row == mark->n && llabs(t->ps[i].to - mark->at) <= 1 && strcmp(t->ps[i].left, "call") == 0)
			return &t->ps[i];
	return NULL;
}

static bool show_handoff(const struct timeline *t, const struct tl_mark *mark, struct scene *s)
{
	const struct tl_slice *was = taken_from(t, mark), *call, *next;
	char taken[32], run[32], all[32], one[96], other[96];

	call = was ? timeline_slice_at(t->ms, t->n_ms, was->m, mark->at) : NULL;
	next = timeline_slice_from(t->ps, t->n_ps, mark->n, mark->at);
	if (!call || strcmp(call->name, "call") != 0 || !next)
		return false;
	add_point(s, call->from, SAID("the call begins"));
	add_point(s, mark->at, SAID("its P is taken"));
	add_point(s, next->from, SAID("another G runs there"));
	snprintf(s->text, sizeof(s->text),
		 say("%s is in a blocking call on M %ld, with P %ld. %s after the call's begin the P is taken "
		     "from it, "
		     "and %s later %s runs there, on M %ld. The call takes %s in all."),
		 g_words(one, was), was->m, mark->n, ns_words(taken, mark->at - call->from),
		 ns_words(run, next->from - mark->at), g_words(other, next), next->m,
		 ns_words(all, call->to - call->from));
	return true;
}

/* ---- a steal ------------------------------------------------------------------------------------------------- */

static const struct tl_wake *wake_of(const struct timeline *t, const struct tl_slice *ran)
{
	for (size_t i = 0; i < t->n_wakes && t->wakes[i].at <= ran->from; i++)
		if (t->wakes[i].to == ran->row && t->wakes[i].run == ran->from)
			return &t->wakes[i];
	return NULL;
}

static bool show_steal(const struct timeline *t, const struct tl_mark *mark, struct scene *s)
{
	const struct tl_slice *ran = NULL;
	const struct tl_wake *wake;
	char run[32], waited[32], one[96];
	int used;

	for (size_t i = 0; i < t->n_ps && !ran; i++)
		if (t->ps[i].m == mark->m && t->ps[i].from >= mark->at)
			ran = &t->ps[i];
	if (!ran || ran->row == mark->n)
		return false;
	wake = wake_of(t, ran);
	add_point(s, mark->at, SAID("M takes from another P's queue"));
	add_point(s, ran->from, SAID("and runs what it has taken"));
	used = snprintf(
		s->text, sizeof(s->text),
		say("M %ld has P %ld and nothing to run. It takes from the queue of P %ld, and %s later %s runs "
		    "on P %ld"),
		mark->m, ran->row, mark->n, ns_words(run, ran->from - mark->at), g_words(one, ran), ran->row);
	if (wake)
		used += snprintf(s->text + used, sizeof(s->text) - (size_t)used, say(", %s after it was made runnable"),
				 ns_words(waited, ran->from - wake->at));
	snprintf(s->text + used, sizeof(s->text) - (size_t)used, say("."));
	return true;
}

/* ---- a wake-up ----------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t median_wait(const struct timeline *t)
{
	int64_t *waits = malloc((t->n_wakes + 1) * sizeof(*waits)), median = -1;

	for (size_t i = 0; waits && i < t->n_wakes; i++)
		waits[i] = t->wakes[i].run - t->wakes[i].at;
	if (waits) {
		qsort(waits, t->n_wakes, sizeof(*waits), by_value);
		median = waits[t->n_wakes / 2];
	}
	free(waits);
	return median;
}

static bool show_wake(const struct timeline *t, const struct tl_wake *w, struct scene *s)
{
	const struct tl_slice *waker = timeline_slice_at(t->ps, t->n_ps, w->from, w->at);
	const struct tl_slice *ran = timeline_slice_from(t->ps, t->n_ps, w->to, w->run);
	char waited[32], median[32], one[96], other[96];
	size_t elsewhere = 0;

	if (!waker || !ran || ran->from != w->run)
		return false;
	for (size_t i = 0; i < t->n_wakes; i++)
		elsewhere += t->wakes[i].by_p && t->wakes[i].from != t->wakes[i].to;
	add_point(s, w->at, SAID("it is made runnable"));
	add_point(s, w->run, SAID("it runs"));
	snprintf(s->text, sizeof(s->text),
		 say("%s on P %ld makes %s runnable, which runs on %s P %ld %s later. In the whole "
		     "trace %zu "
		     "Gs were made runnable and ran, after a median of %s; %zu of them on another P than their "
		     "waker's."),
		 g_words(one, waker), w->from, g_words(other, ran),
		 w->to == w->from ? say("the same") : say("another,"), w->to, ns_words(waited, w->run - w->at),
		 t->n_wakes, ns_words(median, median_wait(t)), elsewhere);
	return true;
}

/* First from one P to another; where there is none, on one P. */
static bool find_wake(const struct timeline *t, struct scene *s)
{
	for (int same = 0; same < 2; same++)
		for (size_t i = 0; i < t->n_wakes; i++) {
			const struct tl_wake *w = &t->wakes[i];

			if (w->by_p && (w->from == w->to) == same && show_wake(t, w, s))
				return true;
		}
	return false;
}

bool scene_find(const struct timeline *t, enum scene_kind kind, struct scene *out)
{
	bool found = false;

	*out = (struct scene){.kind = kind};
	if (kind == SCENE_WAKE)
		found = find_wake(t, out);
	for (size_t i = 0; kind != SCENE_WAKE && i < t->n_marks && !found; i++) {
		const struct tl_mark *mark = &t->marks[i];

		if (kind == SCENE_HANDOFF && strcmp(mark->what, "hand-off") == 0)
			found = show_handoff(t, mark, out);
		else if (kind == SCENE_STEAL && strcmp(mark->what, "steal") == 0)
			found = show_steal(t, mark, out);
	}
	if (found)
		set_window(t, out);
	return found;
}
