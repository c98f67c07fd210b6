/*
 * cmd_topo.c - `switchyard topo`: the machine, and which CPUs each placement would give to whom.
 *
 * --topology shows another machine. It is for looking only: nothing that measures takes it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/command.h"
#include "harness/measure/measure.h"
#include "harness/plan/jsonx.h"
#include "harness/report/topology_draw.h"

static const struct option_spec specs[] = {
	{.name = "topology",
	 .value = "WHAT",
	 .help = "another machine: a file that lstopo wrote (XML), or a description such as 'pack:2 core:4 pu:2'"},
	{.name = "workers", .value = "N", .help = "CPUs of the subject (default: as many as the placement allows)"},
	{.name = "network", .help = "as for a server: one CPU is left to the load generator where there is one"},
	{.name = "probe", .help = "measure whether two cores are hardware threads of one (some milliseconds)"},
	{.name = "svg", .value = "FILE", .help = "draw it into this file, too"},
	{.name = "json", .help = "as JSON"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};

static int write_svg(const char *path, const json_t *all, struct err *err)
{
	FILE *out = fopen(path, "w");
	bool failed;

	if (!out)
		return err_sys(err, -errno, "cannot create %.300s", path);
	topology_svg(out, json_object_get(all, "summary"), json_object_get(all, "map"),
		     json_object_get(all, "placements"));
	failed = ferror(out) != 0;
	failed |= fclose(out) != 0;
	return failed ? err_set(err, -EIO, "cannot write %.300s", path) : 0;
}

/* What the probe found, in words; or why it was not asked. */
static void print_probe(const json_t *probe)
{
	const char *why = jsonx_str(probe, "why");
	json_t *cpus = json_object_get(probe, "cpus");

	if (!json_is_object(probe))
		return;
	printf("\nprobe: ");
	if (json_array_size(cpus) == 2)
		printf("beside a busy CPU %lld, CPU %lld needs %.2f times the CPU time: ",
		       (long long)json_integer_value(json_array_get(cpus, 1)),
		       (long long)json_integer_value(json_array_get(cpus, 0)), jsonx_real(probe, "ratio", 0));
	puts(why                                    ? why
	     : jsonx_bool(probe, "siblings", false) ? "they behave like hardware threads of one core"
						    : "they are cores of their own");
}

/* All that is told: {"schema","summary","map","placements","probe"}. */
static json_t *describe(const struct topology *t, unsigned workers, bool is_network, bool wants_probe)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "schema", "switchyard.topology/1", "summary", topology_json(t),
			 "map", topology_map(t), "placements", topology_placements(t, workers, is_network), "probe",
			 wants_probe ? topology_probe(t) : json_null());
}

static int show(const struct options *o, const json_t *all, struct err *err)
{
	const char *svg = options_get(o, "svg");
	int rc = svg ? write_svg(svg, all, err) : 0;

	if (rc)
		return rc;
	if (options_has(o, "json")) {
		cli_print_json(all);
	} else {
		topology_text(stdout, json_object_get(all, "summary"), json_object_get(all, "map"),
			      json_object_get(all, "placements"), cli_width());
		print_probe(json_object_get(all, "probe"));
	}
	return 0;
}

static int topo(const struct options *o, struct err *err)
{
	const char *other = options_get(o, "topology");
	struct topology *t;
	int64_t workers;
	json_t *all;
	int rc = options_int(o, "workers", 0, 1, CPU_SETSIZE, &workers, err);

	if (rc == 0)
		rc = other ? topology_synthetic(other, &t, err) : topology_load(&t, err);
	if (rc)
		return cli_usage(err);
	all = describe(t, (unsigned)workers, options_has(o, "network"), options_has(o, "probe"));
	rc = show(o, all, err);
	json_decref(all);
	topology_free(t);
	return rc ? cli_usage(err) : CLI_DONE;
}

static const struct command self = {
	.name = "topo",
	.about =
		"usage: switchyard topo [--topology WHAT] [--workers N] [--network] [--probe] [--svg FILE] [--json]\n\n"
		"Draws the machine and, for each placement, the CPUs that the subject, the load generator and the\n"
		"harness would get, or why there is no such placement here.\n",
	.specs = specs,
	.n_specs = sizeof specs / sizeof *specs,
};

int cmd_topo(int argc, char **argv)
{
	struct options o;
	struct err err;
	int code;

	if (!command_begin(&self, argc, argv, &o, &code))
		return code;
	code = topo(&o, &err);
	options_free(&o);
	return code;
}
