/*
 * cmd_replay.c - `switchyard replay RUN --cell ID`: one cell of a run once more, with the seed, the rounds, the parameters and
 * the subjects of the record, and both figures side by side.
 *
 * The record's request builds its whole plan again, of which the one cell is kept: so its twin, its base and the order of
 * its rounds are what they were. What cannot be what it was - the machine's state, perhaps the commit and the binaries - is
 * told with the result, as `compare` does it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build_info.h"
#include "harness/cli/baseline.h"
#include "harness/cli/cli.h"
#include "harness/cli/command.h"
#include "harness/plan/jsonx.h"
#include "harness/report/compare.h"
#include "harness/report/report.h"

static const struct option_spec specs[] = {
	{.name = "cell", .value = "ID", .help = "the cell: its id, or a part of it that no other has"},
	{.name = "out",
	 .letter = 'o',
	 .value = "DIR",
	 .help = "the new run's folder (default: results/<UTC time>-<host>-replay)"},
	{.name = "budget", .value = "TIME", .help = "start no round after it"},
	{.name = "json", .help = "both figures as JSON (schema switchyard.compare/1)"},
	{.name = "quiet", .letter = 'q', .help = "no progress"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};
enum { MARGIN_PCT = 5 };

static const struct command self = {
	.name = "replay",
	.about = "usage: switchyard replay RUN --cell ID [OPTION...]\n\n"
		 "RUN is a run's folder, its name under results/, a baseline or a report.json. The cell is measured "
		 "again with the\n"
		 "record's seed, rounds, parameters and subjects; what is not as it was then is told.\n",
	.specs = specs,
	.n_specs = sizeof specs / sizeof *specs,
	.args_min = 1,
	.args_max = 1,
	.args = "replay takes one argument, a run, and --cell",
	.codes = "\nExit codes: those of run; what came out does not change them.",
};

/* The cell that is meant, borrowed; NULL and a sentence. */
static json_t *find_cell(const json_t *report, const char *wanted, struct err *err)
{
	json_t *cell, *found = NULL;
	size_t i, hits = 0;

	json_array_foreach (json_object_get(report, "cells"), i, cell) {
		const char *id = jsonx_str(cell, "id");

		if (id && strcmp(id, wanted) == 0)
			return cell;
		if (id && strstr(id, wanted)) {
			found = cell;
			hits++;
		}
	}
	if (hits == 1)
		return found;
	if (hits)
		err_set(err, -EINVAL, "'%.200s' is part of the names of %zu cells", wanted, hits);
	else
		err_set(err, -EINVAL, "there is no cell '%.200s'", wanted);
	return NULL;
}

/* Before the time is spent. What the binaries are is known when they have been measured. */
static void warn_of_build(const json_t *report)
{
	const json_t *tool = json_object_get(report, "tool");
	const char *rev = jsonx_str(tool, "git_rev");

	if (!rev || strcmp(rev, BUILD_GIT_REV) != 0)
		cli_complain("warning: the record is of commit %s, this build of %s", rev && *rev ? rev : "unknown",
			     *BUILD_GIT_REV ? BUILD_GIT_REV : "unknown");
	if (jsonx_bool(tool, "git_dirty", false) || BUILD_GIT_DIRTY)
		cli_complain("warning: %s was built with uncommitted changes: the commit does not say what they are",
			     !BUILD_GIT_DIRTY                       ? "the record"
			     : jsonx_bool(tool, "git_dirty", false) ? "the record, and this program,"
								    : "this program");
}

/* The old report with the one cell: both figures of it, and nothing that is missing in the new run. */
static json_t *only_cell(const json_t *report, json_t *cell)
{
	json_t *copy = json_copy((json_t *)report), *list = json_array();

	json_array_append(list, cell);
	json_object_set_new(copy, "cells", list);
	return copy;
}

static int show(const struct options *o, const json_t *report, json_t *cell, const char *dir, struct err *err)
{
	json_t *old = only_cell(report, cell), *fresh = NULL;
	struct compare *c = NULL;
	int rc = report_read(dir, &fresh, err);

	if (rc == 0)
		rc = compare_reports(old, fresh, MARGIN_PCT / 100.0, false, &c, err);
	if (rc == 0 && options_has(o, "json")) {
		json_t *json = compare_json(c);

		cli_print_json(json);
		json_decref(json);
	} else if (rc == 0) {
		puts("A is the record, B its replay.");
		compare_text(stdout, c);
	}
	compare_free(c);
	json_decref(old);
	json_decref(fresh);
	return rc ? cli_usage(err) : CLI_DONE;
}

static int measure(const struct options *o, const struct run_order *order, const char *dir)
{
	char *argv[5], *budget = NULL, quiet[] = "--quiet";
	int argc = 0, code;

	argv[argc++] = xformat("--out=%s", dir);
	if (options_has(o, "quiet"))
		argv[argc++] = quiet;
	if (options_has(o, "budget"))
		argv[argc++] = budget = xformat("--budget=%s", options_get(o, "budget"));
	code = run_with(argc, argv, order);
	free(argv[0]);
	free(budget);
	return code;
}

static int replay(const struct options *o, json_t *command, struct err *err)
{
	char *path = run_find(o->args[0]), *id = session_run_id(), *dir;
	struct run_order order = {.command = command};
	json_t *report = NULL, *cell = NULL, *run;
	int code = CLI_USAGE, rc = report_read(path, &report, err);

	dir = session_choose_dir(options_get(o, "out"), id, "-replay");
	if (rc == 0)
		cell = find_cell(report, options_get(o, "cell"), err);
	run = json_object_get(report, "run");
	if (cell && (!json_is_object(json_object_get(run, "request")) ||
		     !jsonx_parse_hex(jsonx_str(run, "seed"), &order.seed))) {
		err_set(err, -EINVAL,
			"the report has no request and seed: it is of an older version; give the run's folder");
		cell = NULL;
	}
	if (cell) {
		order.request = json_deep_copy(json_object_get(run, "request"));
		json_object_set_new(order.request, "cells", json_pack("[O]", json_object_get(cell, "id")));
		warn_of_build(report);
		code = measure(o, &order, dir);
		if (cli_is_measured(code)) {
			int shown = show(o, report, cell, dir, err);

			code = shown ? shown : code;
		}
	} else {
		code = cli_usage(err);
	}
	json_decref(order.request);
	json_decref(report);
	free(path);
	free(id);
	free(dir);
	return code;
}

int cmd_replay(int argc, char **argv)
{
	struct options o;
	struct err err;
	int code;

	if (!command_begin(&self, argc, argv, &o, &code))
		return code;
	if (!options_has(&o, "cell")) {
		cli_complain("%s", self.args);
		code = CLI_USAGE;
	} else {
		json_t *words = cli_words("replay", argc, argv);

		code = replay(&o, words, &err);
		json_decref(words);
	}
	options_free(&o);
	return code;
}
