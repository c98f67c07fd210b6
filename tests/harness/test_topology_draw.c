/* The picture of a machine: nothing lies on anything else, nothing lies outside, and whatever a record holds is survived. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "harness/measure/measure.h"
#include "harness/report/topology_draw.h"
#include "tests/harness/svg_texts.h"

#define SAVED(name) TEST_SOURCE_DIR "/tests/harness/topologies/" name ".xml"

static const char *const machines[] = {
	"pack:2 numa:1(memory=1GB) l3:1(size=33554432) l2:4(size=1048576) core:1 pu:2",
	"pack:1 l3:1(size=33554432) core:2 pu:1",
	"pu:1",
	"pack:2 numa:2(memory=1GB) l3:1(size=33554432) core:16 pu:2", /* 128 CPUs, 4 NUMA nodes */
	"pack:4 core:32 pu:8", /* 1024 CPUs */
	SAVED("big_little"),
	SAVED("hybrid"),
};
enum { N_MACHINES = sizeof machines / sizeof *machines };

static char *draw(void (*how)(FILE *, const json_t *, const json_t *, const json_t *), const json_t *summary,
		  const json_t *map, const json_t *rows)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	how(out, summary, map, rows);
	fclose(out);
	return text;
}

static void in_text(FILE *out, const json_t *summary, const json_t *map, const json_t *rows)
{
	topology_text(out, summary, map, rows, 80);
}

/* All of a made-up machine, without every third CPU if there are so many. */
static char *draw_machine(const char *description, void (*how)(FILE *, const json_t *, const json_t *, const json_t *))
{
	struct topology *t;
	struct err err = {""};
	json_t *summary, *map, *rows;
	cpu_set_t allowed;
	char *text;

	if (topology_synthetic(description, &t, &err) != 0)
		fail_msg("%s", err.why);
	CPU_ZERO(&allowed);
	for (unsigned cpu = 0; cpu < topology_pus(t); cpu++)
		if (cpu % 3 != 1)
			CPU_SET(cpu, &allowed);
	assert_int_equal(topology_restrict(t, &allowed, &err), 0);
	summary = topology_json(t);
	map = topology_map(t);
	rows = topology_placements(t, 0, true);
	text = draw(how, summary, map, rows);
	json_decref(summary);
	json_decref(map);
	json_decref(rows);
	topology_free(t);
	return text;
}

struct frame {
	double x, y, w, h;
};

/* The frames of the drawing: rectangles with round corners. */
static size_t frames_of(const char *svg, struct frame *out, size_t max)
{
	size_t n = 0;

	for (const char *p = svg; (p = strstr(p, "<rect ")) && n < max; p++) {
		int round = 0;

		if (sscanf(p, "<rect x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\" rx=\"%d\"", &out[n].x, &out[n].y,
			   &out[n].w, &out[n].h, &round) == 5)
			n++;
	}
	return n;
}

static bool is_inside(const struct frame *a, const struct frame *b)
{
	return a->x >= b->x && a->y >= b->y && a->x + a->w <= b->x + b->w && a->y + a->h <= b->y + b->h;
}

static bool is_apart(const struct frame *a, const struct frame *b)
{
	return a->x + a->w <= b->x || b->x + b->w <= a->x || a->y + a->h <= b->y || b->y + b->h <= a->y;
}

static void check_frames(const char *svg)
{
	enum { MOST = 4000 };
	struct frame *f = calloc(MOST, sizeof *f), canvas = {0};
	size_t n = frames_of(svg, f, MOST);

	assert_int_equal(sscanf(strstr(svg, "viewBox"), "viewBox=\"0 0 %lf %lf\"", &canvas.w, &canvas.h), 2);
	assert_true(n > 3 && n < MOST);
	for (size_t i = 0; i < n; i++) {
		if (!is_inside(&f[i], &canvas))
			fail_msg("frame %zu lies outside", i);
		for (size_t j = 0; j < i; j++)
			if (!is_apart(&f[i], &f[j]) && !is_inside(&f[i], &f[j]) && !is_inside(&f[j], &f[i]))
				fail_msg("the frames at %g,%g (%g x %g) and %g,%g (%g x %g) overlap", f[i].x, f[i].y,
					 f[i].w, f[i].h, f[j].x, f[j].y, f[j].w, f[j].h);
	}
	free(f);
}

static void test_svg(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MACHINES; i++) {
		char *svg = draw_machine(machines[i], topology_svg);

		check_frames(svg);
		svg_check_texts(svg);
		assert_non_null(strstr(svg, ">same w1</text>"));
		free(svg);
	}
}

static void test_text(void **state)
{
	char *text = draw_machine(machines[0], in_text);

	(void)state;
	assert_non_null(strstr(text, "2 packages, 2 NUMA nodes, 8 cores, 11 CPUs"));
	assert_non_null(strstr(text, "core 0: 0 (1)   core 1: 2 3"));
	assert_non_null(strstr(text, "CPUs in brackets may not be used here."));
	assert_non_null(strstr(text, "smt w2     14-15"));
	free(text);
	text = draw_machine(SAVED("big_little"), in_text);
	assert_non_null(strstr(text, "Kinds of CPUs, the least able first: k0 (LITTLE) 0-3, k1 (big) 4-7"));
	assert_non_null(strstr(text, "(CPUs of different kinds)"));
	free(text);
	text = draw_machine("pu:1", in_text);
	assert_non_null(strstr(text, "cross      this machine has one CPU: cross needs two"));
	assert_null(strstr(text, "in brackets"));
	free(text);
}

/* As text, as a picture: whatever the record is. */
static void test_odd_records(void **state)
{
	static const char *const maps[] = {
		"{}",
		"[]",
		"{\"allowed\":7,\"kinds\":{},\"tree\":[3,null,\"x\",[]]}",
		"{\"kinds\":[1,2],\"tree\":[{\"type\":7},{\"type\":\"core\",\"cpus\":[\"a\",-1,99999999999]}]}",
		"{\"tree\":[{\"type\":\"<&>\",\"of\":[{\"type\":\"numa\",\"ids\":3,\"bytes\":\"much\",\"of\":{}}]}]}",
	};
	json_t *rows =
		json_loads("[1,{},{\"placement\":3,\"cpus\":[0]},{\"placement\":\"<b>\",\"why\":\"a & b\"}]", 0, NULL);
	json_t *deep = json_array(), *summary = json_loads("{\"caches\":[4,{}],\"pus\":\"x\"}", 0, NULL);

	(void)state;
	for (int i = 0; i < 500; i++) {
		json_t *outer = json_pack("[{s:s, s:i, s:o}]", "type", "package", "id", i, "of", deep);

		deep = outer;
	}
	for (size_t i = 0; i <= sizeof maps / sizeof *maps; i++) {
		json_t *map = i < sizeof maps / sizeof *maps ? json_loads(maps[i], 0, NULL)
							     : json_pack("{s:O}", "tree", deep);
		char *svg = draw(topology_svg, summary, map, rows), *text = draw(in_text, summary, map, rows);

		assert_non_null(map);
		assert_non_null(strstr(svg, "</svg>"));
		assert_null(strstr(svg, "<b>"));
		assert_null(strstr(svg, "<&>"));
		assert_non_null(text);
		free(svg);
		free(text);
		json_decref(map);
	}
	json_decref(deep);
	json_decref(rows);
	json_decref(summary);
}

static void test_ranges(void **state)
{
	json_t *cpus = json_loads("[0,1,2,5,7,8]", 0, NULL), *none = json_array();
	char text[40], narrow[16];

	(void)state;
	topology_ranges(text, sizeof text, cpus);
	assert_string_equal(text, "0-2,5,7-8");
	topology_ranges(text, sizeof text, none);
	assert_string_equal(text, "none");
	topology_ranges(narrow, sizeof narrow, cpus);
	assert_string_equal(narrow, "0-2,5,7-8");
	topology_ranges(narrow, 10, cpus);
	assert_string_equal(narrow, "0-2,5,7-8");
	topology_ranges(narrow, 9, cpus);
	assert_int_equal(strlen(narrow) < 9, 1);
	json_decref(cpus);
	json_decref(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_svg),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_odd_records),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
