/*
 * cmd_report.c - `switchyard report RUN`: from the records of a run to its report, again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/baseline.h"
#include "harness/cli/cli.h"
#include "harness/cli/command.h"
#include "harness/report/pool.h"
#include "harness/report/report.h"
#include "harness/report/say.h"

static const struct option_spec specs[] = {
	{.name = "format",
	 .value = "FORM",
	 .help = "print it instead, as csv (a line per sample), csv-cells, gbench (JSON), junit (XML) or benchstat"},
	CLI_LANG_OPTION,
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};

/* Several runs: one table of ratios. */
static int pool(const struct options *o, struct err *err)
{
	const char *format = options_has(o, "format") ? options_get(o, "format") : "text";
	json_t *reports[POOL_MAX_RUNS] = {NULL};
	struct pool *p = NULL;
	bool is_chinese;
	int rc = cli_language(o, &is_chinese, err);

	if (rc == 0 && strcmp(format, "text") != 0 && strcmp(format, "markdown") != 0)
		rc = err_set(err, -EINVAL, "several runs are shown as text or markdown, not as '%.40s'", format);
	for (size_t i = 0; i < o->n_args && i < POOL_MAX_RUNS && rc == 0; i++) {
		char *path = run_find(o->args[i]);

		rc = report_read(path, &reports[i], err);
		free(path);
	}
	if (rc == 0)
		rc = pool_reports(reports, o->n_args, &p, err);
	say_in(is_chinese ? SAY_CHINESE : SAY_ENGLISH);
	if (rc == 0 && strcmp(format, "text") == 0)
		pool_text(stdout, p);
	else if (rc == 0)
		pool_markdown(stdout, p);
	say_in(SAY_ENGLISH);
	pool_free(p);
	for (size_t i = 0; i < POOL_MAX_RUNS; i++)
		json_decref(reports[i]);
	return rc ? cli_usage(err) : CLI_DONE;
}

/* One run: its report written, or shown in another form. */
static int report_one(const struct options *o, struct err *err)
{
	char *dir = run_find(o->args[0]);
	bool is_chinese;
	int rc = cli_language(o, &is_chinese, err);

	if (rc) {
		free(dir);
		return cli_usage(err);
	}
	if (options_has(o, "format")) {
		rc = report_export(dir, options_get(o, "format"), stdout, err);
	} else {
		rc = report_write(dir, err);
		if (rc == 0 && is_chinese)
			rc = report_write_chinese(dir, err);
		if (rc == 0)
			rc = is_chinese ? report_summary_chinese(dir, stdout, cli_width(), err)
					: report_summary(dir, stdout, cli_width(), err);
	}
	free(dir);
	return rc ? cli_usage(err) : CLI_DONE;
}

static const struct command self = {
	.name = "report",
	.about =
		"usage: switchyard report RUN [--lang zh | --format FORM]      switchyard report RUN RUN...\n\n"
		"Reads run.json and samples.jsonl in the folder RUN (or results/RUN), writes report.json, report.md, "
		"report.html,\n"
		"benchstat.txt and plots/ beside them, and prints the summary. The same records give the same report.\n"
		"With --lang zh also report.zh-CN.html and report.zh-CN.md, which say the same in Chinese; forms for "
		"machines have\n"
		"one language.\n\n"
		"Several runs, of as many machines (folders, names, report.json files): one table with the ratios that "
		"each\n"
		"shows, on standard output; --format markdown for a page.\n",
	.specs = specs,
	.n_specs = sizeof specs / sizeof *specs,
	.args_min = 1,
	.args_max = SIZE_MAX,
	.args = "report takes one argument, the folder of a run, or several to pool them",
};

int cmd_report(int argc, char **argv)
{
	struct options o;
	struct err err;
	int code;

	if (!command_begin(&self, argc, argv, &o, &code))
		return code;
	code = o.n_args > 1 ? pool(&o, &err) : report_one(&o, &err);
	options_free(&o);
	return code;
}
