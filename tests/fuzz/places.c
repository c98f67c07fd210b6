/* places.c - targets: topologies of the user's and of records, and what cachegrind writes. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/utf8.h"
#include "harness/measure/cachegrind.h"
#include "harness/measure/measure.h"
#include "harness/plan/jsonx.h"
#include "harness/report/parts.h"
#include "harness/report/topology_draw.h"

/* A picture is text that a page can take. */
static void check_svg(const char *text, size_t size)
{
	struct plot plot = {.id = "topology", .svg = "topology.svg"};
	char *svg;

	for (size_t i = 0, n; i < size; i += n) {
		n = utf8_length(text + i, size - i);
		if (n == 0 || ((unsigned char)text[i] < ' ' && text[i] != '\n'))
			fuzz_fault("a picture has the byte %d", text[i]);
	}
	fuzz_put(plot.svg, text, size);
	svg = plot_inline_svg(fuzz_dir(), &plot);
	if (!svg)
		fuzz_fault("a picture does not fit a page");
	free(svg);
}

static void draw(const json_t *summary, const json_t *map, const json_t *rows)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		fuzz_fault("out of memory");
	topology_svg(out, summary, map, rows);
	fclose(out);
	check_svg(text, size);
	free(text);
	topology_text(fuzz_sink(), summary, map, rows, 80);
}

/* As `topo` shows it, and as a plan asks it. */
static void look(const struct topology *t)
{
	json_t *summary = topology_json(t), *map = topology_map(t), *nearness = topology_nearness(t);
	struct cachegrind c;
	struct err e = {{0}};

	for (unsigned workers = 0; workers <= 4; workers += 2) {
		json_t *rows = topology_placements(t, workers, workers == 2);

		if (!summary || !map || json_array_size(rows) == 0)
			fuzz_fault("a topology that cannot be told");
		draw(summary, map, rows);
		json_decref(rows);
	}
	fuzz_check(cachegrind_new(t, 0, &c, &e), &e);
	json_decref(summary);
	json_decref(map);
	json_decref(nearness);
}

/* What begins as XML is a file of lstopo's; all else a description. */
int fuzz_topology(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *path = fuzz_path("topology.xml");
	struct topology *t;
	struct err e = {{0}};
	int rc;

	setenv("HWLOC_HIDE_ERRORS", "2", 1);
	if (*text == '<')
		fuzz_put("topology.xml", data, size);
	rc = topology_synthetic(*text == '<' ? path : text, &t, &e);
	fuzz_check(rc, &e);
	if (rc == 0)
		look(t);
	topology_free(rc ? NULL : t);
	free(path);
	free(text);
	return 0;
}

int fuzz_drawn(const uint8_t *data, size_t size)
{
	json_t *all = fuzz_object(data, size);

	draw(json_object_get(all, "summary"), json_object_get(all, "map"), json_object_get(all, "placements"));
	json_decref(all);
	return 0;
}

int fuzz_cachegrind(const uint8_t *data, size_t size)
{
	char *path = fuzz_path("cachegrind.out");
	json_t *counts;
	struct err e = {{0}};
	int rc;

	fuzz_put("cachegrind.out", data, size);
	rc = cachegrind_read(path, &counts, &e);
	fuzz_check(rc, &e);
	if (rc == 0 && json_object_size(counts) != 5)
		fuzz_fault("not all counts are there");
	json_decref(counts);
	free(path);
	return 0;
}
