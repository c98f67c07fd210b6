/* Timelines: what is found in a trace that the runtime wrote, how it is drawn, and files that are no traces. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/report/timeline.h"
#include "tests/harness/svg_texts.h"

/* block/call in_flight=16 call_us=1000 on two CPUs, written by subject-gmp: it has all three kinds of scenes. */
#define SAVED TEST_SOURCE_DIR "/tests/harness/traces/block-call.json"

static struct timeline read_saved(void)
{
	struct timeline t;
	struct err err = {""};

	if (timeline_read(SAVED, &t, &err) != 0)
		fail_msg("%s", err.why);
	return t;
}

static char *draw(const struct timeline *t, const struct scene *s)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	timeline_svg(out, t, s, "block/call in_flight=16 <gmp>");
	fclose(out);
	return text;
}

/* ---- what is read ------------------------------------------------------------------------------------------- */

static void check_order(const struct tl_slice *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_true(list[i].to >= list[i].from);
		assert_true(i == 0 || list[i].from >= list[i - 1].from);
	}
}

static void a_trace_is_read_whole(void **state)
{
	struct timeline t = read_saved();
	size_t events = json_array_size(json_object_get(t.file, "traceEvents")), names = 0;
	json_t *event;
	size_t i;

	(void)state;
	json_array_foreach (json_object_get(t.file, "traceEvents"), i, event)
		names += strcmp(json_string_value(json_object_get(event, "ph")), "M") == 0;
	assert_int_equal(t.n_ps + t.n_ms + t.n_marks + 2 * t.n_wakes + names, events);
	assert_true(t.n_ps > 20 && t.n_ms > 20 && t.n_wakes > 20 && t.n_marks > 5);
	check_order(t.ps, t.n_ps);
	check_order(t.ms, t.n_ms);
	for (i = 0; i < t.n_wakes; i++)
		assert_true(t.wakes[i].run >= t.wakes[i].at);
	timeline_clear(&t);
}

/* ---- scenes ------------------------------------------------------------------------------------------------- */

static const struct tl_mark *first_mark(const struct timeline *t, const char *what)
{
	for (size_t i = 0; i < t->n_marks; i++)
		if (strcmp(t->marks[i].what, what) == 0)
			return &t->marks[i];
	fail_msg("there is no %s", what);
	return NULL;
}

static void check_scene(const struct scene *s)
{
	assert_in_range(s->n_points, 2, SCENE_POINTS);
	assert_true(s->from >= 0 && s->from <= s->points[0].at && s->to > s->points[s->n_points - 1].at);
	for (size_t i = 1; i < s->n_points; i++)
		assert_true(s->points[i].at >= s->points[i - 1].at);
}

static void scenes_are_the_first_ones(void **state)
{
	struct timeline t = read_saved();
	struct scene s;
	const struct tl_slice *ran;

	(void)state;
	assert_true(scene_find(&t, SCENE_HANDOFF, &s));
	check_scene(&s);
	assert_int_equal(s.n_points, 3);
	assert_int_equal(s.points[1].at, first_mark(&t, "hand-off")->at);
	ran = timeline_slice_from(t.ps, t.n_ps, first_mark(&t, "hand-off")->n, s.points[1].at);
	assert_int_equal(s.points[2].at, ran->from);
	assert_true(scene_find(&t, SCENE_STEAL, &s));
	check_scene(&s);
	assert_int_equal(s.points[0].at, first_mark(&t, "steal")->at);
	assert_true(scene_find(&t, SCENE_WAKE, &s));
	check_scene(&s);
	for (size_t i = 0; i < t.n_wakes && t.wakes[i].at < s.points[0].at;
	     i++) /* none from one P to another before it */
		assert_false(t.wakes[i].by_p && t.wakes[i].from != t.wakes[i].to);
	timeline_clear(&t);
}

/* ---- pictures ----------------------------------------------------------------------------------------------- */

/* Slices of Ps: in the canvas, of one height, one behind the other in their row. */
static void check_slices(const char *svg)
{
	double right[64] = {0}, canvas_w, canvas_h;
	int rows[64], n_rows = 0, slices = 0;

	assert_int_equal(sscanf(strstr(svg, "viewBox"), "viewBox=\"0 0 %lf %lf\"", &canvas_w, &canvas_h), 2);
	for (const char *p = svg; (p = strstr(p, "<rect ")); p++) {
		double x, w;
		int y, h, i = 0;

		if (sscanf(p, "<rect x=\"%lf\" y=\"%d\" width=\"%lf\" height=\"%d\"", &x, &y, &w, &h) != 4)
			continue;
		assert_true(x >= 0 && x + w <= canvas_w + 0.7 && y >= 0 && y + h <= canvas_h);
		if (h != 24) /* of a P's row */
			continue;
		while (i < n_rows && rows[i] != y)
			i++;
		if (i == n_rows) {
			assert_true(n_rows < 64);
			rows[n_rows++] = y;
		}
		if (x < right[i] - 0.7) /* the least width of a slice */
			fail_msg("the slice at %g,%d begins before %g", x, y, right[i]);
		right[i] = x + w;
		slices++;
	}
	assert_true(slices > 0);
	for (int i = 0; i < n_rows; i++)
		for (int k = 0; k < i; k++)
			assert_true(abs(rows[i] - rows[k]) >= 24);
}

static void pictures_are_sound(void **state)
{
	struct timeline t = read_saved();

	(void)state;
	for (int kind = 0; kind < SCENE_KINDS; kind++) {
		struct scene s;
		char *svg, *again;

		assert_true(scene_find(&t, (enum scene_kind)kind, &s));
		svg = draw(&t, &s);
		again = draw(&t, &s);
		assert_string_equal(svg, again);
		svg_check_texts(svg);
		check_slices(svg);
		assert_non_null(strstr(svg, ">P 0</text>"));
		assert_non_null(strstr(svg, "&lt;gmp&gt;"));
		for (size_t i = 0; i < s.n_points; i++)
			assert_non_null(strstr(svg, s.points[i].text));
		free(svg);
		free(again);
	}
	timeline_clear(&t);
}

/* ---- files that are none ------------------------------------------------------------------------------------- */

static void read_text(const char *text, const char *sentence)
{
	char path[] = "/tmp/timeline-XXXXXX";
	int fd = mkstemp(path);
	struct timeline t;
	struct scene s;
	struct err err = {""};
	int rc;

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	rc = timeline_read(path, &t, &err);
	unlink(path);
	if (sentence) {
		assert_true(rc < 0);
		if (!strstr(err.why, sentence))
			fail_msg("'%s' does not say '%s'", err.why, sentence);
		return;
	}
	assert_int_equal(rc, 0);
	for (int kind = 0; kind < SCENE_KINDS; kind++)
		if (scene_find(&t, (enum scene_kind)kind, &s))
			free(draw(&t, &s));
	timeline_clear(&t);
}

#define SLICE(row, ts, dur)                                                                                            \
	"{\"ph\":\"X\",\"pid\":1,\"tid\":" row ",\"ts\":" ts ",\"dur\":" dur ",\"args\":{\"g\":1,\"m\":1}}"
#define FILE_OF(events) "{\"traceEvents\":[" events "]}"

static void bad_files_are_told(void **state)
{
	(void)state;
	read_text("", "it is not JSON");
	read_text("[]", "no list traceEvents");
	read_text("{\"traceEvents\":7}", "no list traceEvents");
	read_text(FILE_OF("7"), "event 0: it has no ph");
	read_text(FILE_OF(SLICE("0", "1", "1") ",{\"ph\":\"X\"}"), "event 1: its pid is neither 1 nor 2");
	read_text(FILE_OF(SLICE("-3", "1", "1")), "its tid is no row");
	read_text(FILE_OF(SLICE("0", "-1", "1")), "its ts is no time");
	read_text(FILE_OF(SLICE("0", "1e300", "1")), "its ts is no time");
	read_text(FILE_OF(SLICE("0", "1", "\"x\"")), "its dur is no time");
	read_text(FILE_OF("{\"ph\":\"X\",\"pid\":1,\"tid\":0,\"ts\":1,\"dur\":1}"), "no g or no m");
	read_text(FILE_OF(SLICE("0", "1", "5") "," SLICE("0", "3", "5")), "two slices of a row overlap");
	read_text(FILE_OF(SLICE("0", "1", "2") "," SLICE("0", "3", "5") "," SLICE("1", "3", "5")), NULL);
	read_text(FILE_OF(""), NULL);
	/* Marks and halves of arrows that nothing belongs to. */
	read_text(FILE_OF(SLICE("0", "1", "2") ",{\"ph\":\"i\",\"pid\":2,\"tid\":1,\"ts\":1,\"name\":\"steal\"},"
					       "{\"ph\":\"i\",\"pid\":2,\"tid\":0,\"ts\":2,\"name\":\"hand-off\"},"
					       "{\"ph\":\"s\",\"pid\":1,\"tid\":0,\"ts\":1,\"id\":4},"
					       "{\"ph\":\"f\",\"pid\":1,\"tid\":0,\"ts\":2,\"id\":5}"),
		  NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_is_read_whole),
		cmocka_unit_test(scenes_are_the_first_ones),
		cmocka_unit_test(pictures_are_sound),
		cmocka_unit_test(bad_files_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
