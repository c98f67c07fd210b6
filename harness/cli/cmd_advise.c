/*
 * cmd_advise.c - `switchyard advise`: a load in, a model out, or a refusal (harness/report/advise.h has the reasoning).
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/baseline.h"
#include "harness/cli/cli.h"
#include "harness/cli/command.h"
#include "harness/plan/jsonx.h"
#include "harness/report/advise.h"
#include "harness/report/report.h"

static const struct option_spec specs[] = {
	{.name = "tasks", .value = "N", .help = "how many there are at once"},
	{.name = "cpu", .value = "TIME", .help = "what a task computes in a turn: 50us"},
	{.name = "wait", .value = "TIME", .help = "how long it then waits: 5ms"},
	{.name = "p99", .value = "TIME", .help = "99 of 100 turns, the wait included, are to end within this: 20ms"},
	{.name = "kind",
	 .value = "KIND",
	 .help = "what it waits for: socket (default), timer, or blocking: a call that holds its thread"},
	{.name = "cpus", .value = "N", .help = "that may be used (default: those that the run's machine had)"},
	{.name = "memory", .value = "SIZE", .help = "that may be used, 2GiB (default: what the run's machine had)"},
	{.name = "json", .help = "as JSON (schema switchyard.advise/1)"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};

static const struct command self = {
	.name = "advise",
	.about = "usage: switchyard advise --tasks N --cpu TIME --wait TIME --p99 TIME [OPTION...] [RUN]\n\n"
		 "Names the model to choose for so many tasks, each of which computes and waits in turns, for ever; "
		 "the runner-up; and where\n"
		 "the answer would flip; each with the cells it rests on. RUN is a run's folder, its name, a baseline "
		 "or a report.json;\n"
		 "without it the newest run in results/ counts or, where there is none, a committed reference run, of "
		 "another machine.\n",
	.specs = specs,
	.n_specs = sizeof specs / sizeof *specs,
	.args_max = 1,
	.args = "advise takes one argument at most, a run",
	.codes = "\n"
		 "Exit codes: 0 a model is named; 1 none of them can; 2 wrong use; 3 refused: the run does not support "
		 "an answer; 5 two cannot\n"
		 "be told apart.",
};

/* ---- which run ------------------------------------------------------------------------------------------------- */

/* The last folder in `dir`, in the order of the alphabet, that has samples and whose name begins with a date. The caller frees. */
static char *last_run(const char *dir)
{
	DIR *d = opendir(dir);
	char *best = NULL;

	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		char *path = xformat("%s/%s/samples.jsonl", dir, e->d_name);
		bool is_dated = e->d_name[0] >= '0' && e->d_name[0] <= '9';

		if (is_dated && access(path, R_OK) == 0 && (!best || strcmp(e->d_name, best) > 0)) {
			free(best);
			best = xstrdup(e->d_name);
		}
		free(path);
	}
	if (d)
		closedir(d);
	return best;
}

/* The committed run of the default plan that was started last: the path of its report. The caller frees. */
static char *newest_reference(const char *dir)
{
	DIR *d = opendir(dir);
	char *best = NULL, *best_started = NULL;

	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		char *path = xformat("%s/%s/run.json", dir, e->d_name),
		     *report = xformat("%s/%s/report.json", dir, e->d_name);
		json_t *run = e->d_name[0] != '.' && access(report, R_OK) == 0 ? json_load_file(path, 0, NULL) : NULL;
		const char *started = jsonx_str(run, "started"),
			   *plan = jsonx_str(json_object_get(run, "plan"), "name");

		if (started && plan && strcmp(plan, "default") == 0 && (!best || strcmp(started, best_started) > 0)) {
			free(best);
			free(best_started);
			best = xstrdup(report);
			best_started = xstrdup(started);
		}
		json_decref(run);
		free(path);
		free(report);
	}
	if (d)
		closedir(d);
	free(best_started);
	return best;
}

/* The run that was asked for, or the newest there is. NULL with a sentence. */
static char *choose_run(const struct options *o, bool *is_reference, struct err *err)
{
	char *name, *path;

	*is_reference = false;
	if (o->n_args == 1)
		return run_find(o->args[0]);
	name = last_run("results");
	path = name ? xformat("results/%s", name) : newest_reference("results/reference");
	*is_reference = !name;
	free(name);
	if (!path)
		err_set(err, -ENOENT,
			"there is no run in results/ and none in results/reference: give one, or measure with "
			"switchyard run");
	return path;
}

/* What a reader has to know about the run before the answer. */
static json_t *notes_of(const json_t *report, const char *path, bool is_reference)
{
	const json_t *run = json_object_get(report, "run"), *host = json_object_get(report, "host");
	const char *name = jsonx_str(host, "hostname"), *cpu = jsonx_str(host, "cpu_model"),
		   *id = jsonx_str(run, "run_id");
	const char *started = jsonx_str(run, "started");
	json_t *notes = json_array();
	char here[256] = "", *text;

	gethostname(here, sizeof here - 1);
	text = xformat("From the run %s (%s), started %s on %s.", id ? id : "?", path, started ? started : "?",
		       cpu ? cpu : "an unknown CPU");
	json_array_append_new(notes, json_string(text));
	free(text);
	if (is_reference || !name || strcmp(name, here) != 0)
		json_array_append_new(
			notes, json_string("It was measured on another machine: what it says holds there, and here "
					   "perhaps. `switchyard run` measures this one."));
	if (strcmp(jsonx_str(json_object_get(report, "stamp"), "state")
			   ? jsonx_str(json_object_get(report, "stamp"), "state")
			   : "",
		   "noisy") == 0)
		json_array_append_new(notes, json_string("It is stamped noisy: other programs disturbed it."));
	if (!jsonx_bool(run, "complete", true))
		json_array_append_new(notes, json_string("It is not complete."));
	return notes;
}

/* ---- the load -------------------------------------------------------------------------------------------------- */

static int read_kind(const struct options *o, enum advise_kind *out, struct err *err)
{
	const char *text = options_get(o, "kind");

	*out = ADVISE_SOCKET;
	for (int kind = 0; text && kind < ADVISE_KINDS; kind++)
		if (strcmp(text, advise_kind_name((enum advise_kind)kind)) == 0) {
			*out = (enum advise_kind)kind;
			return 0;
		}
	return text ? err_set(err, -EINVAL, "--kind is '%.60s', it must be socket, timer or blocking", text) : 0;
}

static int read_load(const struct options *o, struct advise_load *load, struct err *err)
{
	static const struct option_unit times[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {NULL, 0}};
	static const struct option_unit sizes[] = {
		{"KiB", 1024}, {"MiB", 1024.0 * 1024}, {"GiB", 1024.0 * 1024 * 1024}, {NULL, 0}};
	int64_t tasks, cpus;
	int rc = 0;

	*load = (struct advise_load){.kind = ADVISE_SOCKET};
	for (int i = 0; i < ADVISE_AXES && rc == 0; i++)
		if (!options_has(o, advise_axis_name((enum advise_axis)i)))
			rc = err_set(err, -EINVAL, "advise needs --tasks, --cpu, --wait and --p99: --%s is missing",
				     advise_axis_name((enum advise_axis)i));
	if (rc == 0)
		rc = options_int(o, "tasks", 0, 1, 1000000000, &tasks, err);
	if (rc == 0)
		rc = options_int(o, "cpus", 0, 1, 4096, &cpus, err);
	for (int i = AXIS_CPU; i < ADVISE_AXES && rc == 0; i++)
		rc = options_quantity(o, advise_axis_name((enum advise_axis)i), times, "50us, 5ms or 1s",
				      &load->axis[i], err);
	if (rc == 0)
		rc = options_quantity(o, "memory", sizes, "512MiB or 2GiB", &load->memory_bytes, err);
	if (rc)
		return rc;
	load->axis[AXIS_TASKS] = (double)tasks;
	load->cpus = (double)cpus;
	return read_kind(o, &load->kind, err);
}

/* ---- the answer ------------------------------------------------------------------------------------------------ */

static int exit_code(const struct advice *a)
{
	static const int codes[] = {[ADVISE_CHOSEN] = CLI_DONE,
				    [ADVISE_NONE_FITS] = CLI_CHECK_FAILED,
				    [ADVISE_UNDECIDED] = CLI_UNTRUSTED,
				    [ADVISE_REFUSED] = CLI_REFUSED};

	return codes[a->answer.verdict];
}

static void show(const struct options *o, const struct advice *a, const json_t *notes)
{
	json_t *json;

	if (!options_has(o, "json")) {
		advise_text(stdout, a, notes);
	} else {
		json = advise_json(a, notes);
		cli_print_json(json);
		json_decref(json);
	}
	if (a->answer.verdict == ADVISE_REFUSED) {
		fflush(stdout);
		cli_complain("refused: %s", a->answer.sentence);
	}
}

static int answer(const struct options *o, struct err *err)
{
	struct advice *a = xcalloc(1, sizeof *a);
	json_t *report = NULL, *notes = NULL;
	struct advise_load load;
	char *path = NULL;
	bool is_reference = false;
	int rc = read_load(o, &load, err), code;

	if (rc == 0) {
		path = choose_run(o, &is_reference, err);
		rc = path ? report_read(path, &report, err) : -ENOENT;
	}
	if (rc == 0)
		rc = advise(report, &load, a, err);
	if (rc == 0) {
		notes = notes_of(report, path, is_reference);
		show(o, a, notes);
		code = exit_code(a);
	} else {
		code = cli_usage(err);
	}
	json_decref(notes);
	json_decref(report);
	free(path);
	free(a);
	return code;
}

int cmd_advise(int argc, char **argv)
{
	struct options o;
	struct err err;
	int code;

	if (!command_begin(&self, argc, argv, &o, &code))
		return code;
	code = answer(&o, &err);
	options_free(&o);
	return code;
}
