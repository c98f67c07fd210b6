/*
 * timeline.c - reads a trace (contract: timeline.h).
 *
 * Numbers are turned into whole ns at once: ends of slices are sums of two rounded numbers, and doubles would make neighbours
 * overlap by a rounding. A slice that overlaps the one before in its row all the same makes the file a bad one: pictures of such
 * would lie.
 */
#include "harness/report/timeline.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/model.h"

enum { PID_P = 1, PID_M = 2, ROWS_MOST = 1 << 20 };
#define MOST_US 1e12 /* eleven days */

/* Half an arrow. */
struct flow {
	json_int_t id;
	int64_t at;
	long pid, row, g;
};

struct reading {
	struct timeline *t;
	struct flow *begins, *ends;
	size_t n_begins, n_ends;
};

static bool is_time(double us)
{
	return us >= 0 && us <= MOST_US; /* false for NaN */
}

static int64_t whole_ns(double us)
{
	return (int64_t)llround(us * 1000);
}

/* NULL, or what is wrong with a slice, a mark or half an arrow: they all have a row and a time. */
static const char *read_place(const json_t *event, long *pid, long *row, int64_t *at)
{
	double ts = field_number(event, "ts");

	*pid = field_whole(event, "pid", 0);
	*row = field_whole(event, "tid", -1);
	if (*pid != PID_P && *pid != PID_M)
		return "its pid is neither 1 nor 2";
	if (*row < 0 || *row > ROWS_MOST)
		return "its tid is no row";
	if (!is_time(ts))
		return "its ts is no time";
	*at = whole_ns(ts);
	return NULL;
}

static const char *read_slice(struct reading *r, const json_t *event)
{
	const json_t *args = json_object_get(event, "args");
	struct tl_slice one = {.name = field_text(event, "name", ""), .left = field_text(args, "left", "")}, *slot;
	double dur = field_number(event, "dur");
	const char *wrong;
	long pid;

	wrong = read_place(event, &pid, &one.row, &one.from);
	if (wrong)
		return wrong;
	if (!is_time(dur))
		return "its dur is no time";
	one.to = one.from + whole_ns(dur);
	one.g = field_whole(args, "g", -1);
	one.m = field_whole(args, "m", -1);
	if (pid == PID_P && (one.g < 0 || one.m < 0))
		return "it is on a P and has no g or no m";
	slot = pid == PID_P ? GROW(r->t->ps, r->t->n_ps) : GROW(r->t->ms, r->t->n_ms);
	if (!slot)
		return "there is no memory for it";
	*slot = one;
	return NULL;
}

static const char *read_mark(struct reading *r, const json_t *event)
{
	struct tl_mark one = {.what = field_text(event, "name", ""),
			      .n = field_whole(json_object_get(event, "args"), "n", -1)},
		       *slot;
	long pid;
	const char *wrong = read_place(event, &pid, &one.m, &one.at);

	if (wrong || pid != PID_M)
		return wrong;
	slot = GROW(r->t->marks, r->t->n_marks);
	if (!slot)
		return "there is no memory for it";
	*slot = one;
	return NULL;
}

static const char *read_flow(struct reading *r, const json_t *event, bool is_end)
{
	struct flow one = {.id = json_integer_value(json_object_get(event, "id")),
			   .g = field_whole(json_object_get(event, "args"), "g", -1)},
		    *slot;
	const char *wrong = read_place(event, &one.pid, &one.row, &one.at);

	if (wrong)
		return wrong;
	slot = is_end ? GROW(r->ends, r->n_ends) : GROW(r->begins, r->n_begins);
	if (!slot)
		return "there is no memory for it";
	*slot = one;
	return NULL;
}

static const char *read_event(struct reading *r, const json_t *event)
{
	const char *ph = field_text(event, "ph", NULL);

	if (!ph)
		return "it has no ph";
	if (strcmp(ph, "X") == 0)
		return read_slice(r, event);
	if (strcmp(ph, "i") == 0)
		return read_mark(r, event);
	if (strcmp(ph, "s") == 0 || strcmp(ph, "f") == 0)
		return read_flow(r, event, *ph == 'f');
	return NULL; /* names of rows, and what others may add */
}

/* ---- order --------------------------------------------------------------------------------------------------- */

#define BEFORE(a, b) (((a) > (b)) - ((a) < (b)))

static int by_id(const void *a, const void *b)
{
	return BEFORE(((const struct flow *)a)->id, ((const struct flow *)b)->id);
}

static int by_row(const void *a, const void *b)
{
	const struct tl_slice *x = a, *y = b;

	return x->row != y->row     ? BEFORE(x->row, y->row)
	       : x->from != y->from ? BEFORE(x->from, y->from)
				    : BEFORE(x->to, y->to);
}

static int by_start(const void *a, const void *b)
{
	const struct tl_slice *x = a, *y = b;

	return x->from != y->from ? BEFORE(x->from, y->from) : BEFORE(x->row, y->row);
}

static int by_run(const void *a, const void *b)
{
	const struct tl_wake *x = a, *y = b;

	return x->at != y->at ? BEFORE(x->at, y->at) : x->run != y->run ? BEFORE(x->run, y->run) : BEFORE(x->to, y->to);
}

static int by_moment(const void *a, const void *b)
{
	const struct tl_mark *x = a, *y = b;

	return x->at != y->at ? BEFORE(x->at, y->at) : BEFORE(x->m, y->m);
}

static void sort(void *list, size_t n, size_t size, int (*order)(const void *, const void *))
{
	if (n > 1)
		qsort(list, n, size, order);
}

/* False: two slices of a row overlap. */
static bool put_in_order(struct tl_slice *list, size_t n)
{
	bool fits = true;

	sort(list, n, sizeof(*list), by_row);
	for (size_t i = 1; i < n; i++)
		fits = fits && (list[i].row != list[i - 1].row || list[i].from >= list[i - 1].to);
	sort(list, n, sizeof(*list), by_start);
	return fits;
}

/* Both halves of an arrow, by its id; halves without the other are left out. */
static bool join_flows(struct reading *r)
{
	size_t b = 0;

	sort(r->begins, r->n_begins, sizeof(*r->begins), by_id);
	sort(r->ends, r->n_ends, sizeof(*r->ends), by_id);
	for (size_t e = 0; e < r->n_ends; e++) {
		const struct flow *end = &r->ends[e], *begin;
		struct tl_wake *slot;

		while (b < r->n_begins && r->begins[b].id < end->id)
			b++;
		begin = b < r->n_begins && r->begins[b].id == end->id ? &r->begins[b] : NULL;
		if (!begin || end->pid != PID_P || begin->at > end->at)
			continue;
		slot = GROW(r->t->wakes, r->t->n_wakes);
		if (!slot)
			return false;
		*slot = (struct tl_wake){begin->at, end->at, begin->pid == PID_P, begin->row, end->row, end->g};
	}
	sort(r->t->wakes, r->t->n_wakes, sizeof(*r->t->wakes), by_run);
	return true;
}

/* ---- the file ------------------------------------------------------------------------------------------------ */

static int read_events(struct timeline *t, struct err *err)
{
	const json_t *events = json_object_get(t->file, "traceEvents");
	struct reading r = {.t = t};
	const char *wrong = NULL;
	json_t *event;
	int rc = 0;
	size_t i;

	if (!json_is_array(events))
		return err_set(err, -EBADMSG, "it has no list traceEvents");
	json_array_foreach (events, i, event) {
		wrong = read_event(&r, event);
		if (wrong)
			break;
	}
	if (wrong)
		rc = err_set(err, -EBADMSG, "event %zu: %s", i, wrong);
	else if (!put_in_order(t->ps, t->n_ps) || !put_in_order(t->ms, t->n_ms))
		rc = err_set(err, -EBADMSG, "two slices of a row overlap");
	else if (!join_flows(&r))
		rc = err_set(err, -ENOMEM, "out of memory");
	sort(t->marks, t->n_marks, sizeof(*t->marks), by_moment);
	free(r.begins);
	free(r.ends);
	return rc;
}

int timeline_read(const char *path, struct timeline *out, struct err *err)
{
	json_error_t je;
	int rc;

	*out = (struct timeline){.file = json_load_file(path, 0, &je)};
	if (!out->file && je.line < 0)
		return err_set(err, -ENOENT, "it cannot be read");
	if (!out->file)
		return err_set(err, -EBADMSG, "it is not JSON: line %d: %.100s", je.line, je.text);
	rc = read_events(out, err);
	if (rc)
		timeline_clear(out);
	return rc;
}

void timeline_clear(struct timeline *t)
{
	json_decref(t->file);
	free(t->ps);
	free(t->ms);
	free(t->wakes);
	free(t->marks);
	*t = (struct timeline){0};
}

const struct tl_slice *timeline_slice_at(const struct tl_slice *list, size_t n, long row, int64_t at)
{
	for (size_t i = 0; i < n && list[i].from <= at; i++)
		if (list[i].row == row && list[i].to >= at)
			return &list[i];
	return NULL;
}

const struct tl_slice *timeline_slice_from(const struct tl_slice *list, size_t n, long row, int64_t at)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].row == row && list[i].from >= at)
			return &list[i];
	return NULL;
}
