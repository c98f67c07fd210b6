/*
 * cmd_report.c - `switchyard report RUN`: from the records of a run to its report, again.
 */
#include <stdio.h>

#include "harness/cli/cli.h"
#include "harness/cli/options.h"
#include "harness/report/report.h"

static const struct option_spec specs[] = {
	{.name = "format",
	 .value = "FORM",
	 .help = "print it instead, as csv (a line per sample), csv-cells, gbench (JSON), junit (XML) or benchstat"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};

int cmd_report(int argc, char **argv)
{
	struct options o;
	struct err err;
	int rc = CLI_DONE;

	if (options_parse(specs, sizeof specs / sizeof *specs, argc, argv, &o, &err) != 0)
		return cli_usage(&err);
	if (options_has(&o, "help")) {
		puts("usage: switchyard report RUN [--format FORM]\n\n"
		     "Reads run.json and samples.jsonl in the folder RUN, writes report.json, report.md, report.html,\n"
		     "benchstat.txt and plots/ beside them, and prints the summary. The same records give the same "
		     "report.\n");
		options_print(specs, sizeof specs / sizeof *specs, stdout);
	} else if (o.n_args != 1) {
		cli_complain("report takes one argument, the folder of a run");
		rc = CLI_USAGE;
	} else if (options_has(&o, "format")) {
		if (report_export(o.args[0], options_get(&o, "format"), stdout, &err) != 0)
			rc = cli_usage(&err);
	} else if (report_write(o.args[0], &err) != 0 || report_summary(o.args[0], stdout, cli_width(), &err) != 0) {
		rc = cli_usage(&err);
	}
	options_free(&o);
	return rc;
}
