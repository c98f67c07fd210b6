/*
 * topology_figure.c - the run's machine with the placements that its cells had: plots/topology.svg, drawn from run.json
 * alone, so that a report made elsewhere shows the machine that was measured and not the one that it is made on.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/topology_draw.h"

/* A cell's CPUs as a row of the picture. What was given to a load generator matters where there was one. */
static json_t *row_of(const struct cell *c)
{
	json_t *row = json_pack("{s:s, s:i, s:O*}", "placement", c->placement ? c->placement : "?", "workers",
				(int)c->workers, "cpus", json_object_get(c->json, "cpus"));

	if (cell_is_server(c))
		json_object_set(row, "load_cpus", json_object_get(c->json, "load_cpus"));
	return row;
}

static bool has_row(const json_t *rows, const json_t *row)
{
	json_t *other;
	size_t i;

	json_array_foreach (rows, i, other)
		if (json_equal(other, row))
			return true;
	return false;
}

/* The different rows of all cells, in the order of the plan. */
static json_t *rows_of(const struct report *r)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < r->n_cells; i++) {
		json_t *row = row_of(&r->cells[i]);

		if (!has_row(rows, row))
			json_array_append(rows, row);
		json_decref(row);
	}
	return rows;
}

static void name_figure(struct report *r, const json_t *host, const json_t *rows)
{
	struct plot *p = &r->topology;
	char counts[200];

	topology_counts(counts, sizeof counts, host);
	snprintf(p->id, sizeof p->id, "topology%s", say_suffix());
	snprintf(p->svg, sizeof p->svg, "plots/%.140s.svg", p->id);
	snprintf(p->title, sizeof p->title, say("The machine: %s"), counts);
	snprintf(
		p->alt, sizeof p->alt,
		say("The machine (%s), and the CPUs that the subjects had in the %zu placement%s of this run. A box is "
		    "what is "
		    "shared by all that lies in it; caches of a single core are not drawn."),
		counts, json_array_size(rows), json_array_size(rows) == 1 ? "" : "s");
}

int report_topology(struct report *r, const char *dir, struct err *err)
{
	const json_t *host = json_object_get(r->run, "host"), *map = json_object_get(host, "topology");
	char *text = NULL;
	size_t size = 0;
	json_t *rows;
	FILE *out;
	int rc;

	if (!json_is_object(map)) /* a run of an earlier version */
		return 0;
	out = open_memstream(&text, &size);
	if (!out)
		return err_set(err, -ENOMEM, "out of memory");
	rows = rows_of(r);
	topology_svg(out, host, map, rows);
	rc = fclose(out) ? err_set(err, -ENOMEM, "out of memory") : 0;
	name_figure(r, host, rows);
	if (rc == 0)
		rc = report_file_write(dir, r->topology.svg, text, size, err);
	r->topology.drawn = rc == 0;
	json_decref(rows);
	free(text);
	return rc;
}
