/*
 * cmd_compare.c - `switchyard compare A B`: what changed between two runs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/cli/baseline.h"
#include "harness/cli/cli.h"
#include "harness/cli/options.h"
#include "harness/report/compare.h"
#include "harness/report/report.h"

static const struct option_spec specs[] = {
	{.name = "margin", .value = "SHARE", .help = "differences below it do not matter (default: 5%)"},
	{.name = "json", .help = "as JSON (schema switchyard.compare/1)"},
	{.name = "benchstat", .help = "both runs as Go benchmark text, for `benchstat -col run`"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};
enum { N_SPECS = sizeof specs / sizeof *specs };

static void print_help(void)
{
	puts("usage: switchyard compare A B [OPTION...]\n\n"
	     "Sets two runs side by side, cell by cell and subject by subject: A the older, B the newer. Each is a "
	     "run's\n"
	     "folder, a name under results/, the name of a baseline (switchyard run --save-baseline NAME) or a "
	     "report.json.\n"
	     "The two were not measured in common rounds: to judge a change of code, `switchyard gate` measures both "
	     "builds\n"
	     "side by side.\n");
	options_print(specs, N_SPECS, stdout);
	puts("\nExit codes: 0 compared, whatever came out; 2 wrong use, or nothing to compare.");
}

static int show(const struct options *o, const struct compare *c)
{
	if (options_has(o, "json")) {
		json_t *json = compare_json(c);

		json_dumpf(json, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
		putchar('\n');
		json_decref(json);
	} else if (options_has(o, "benchstat")) {
		compare_benchstat(stdout, c);
	} else {
		compare_text(stdout, c);
	}
	return CLI_DONE;
}

static int read_one(const char *name, json_t **out, struct err *err)
{
	char *path = run_find(name);
	int rc = report_read(path, out, err);

	free(path);
	return rc;
}

static int compare(const struct options *o, struct err *err)
{
	json_t *a = NULL, *b = NULL;
	struct compare *c = NULL;
	double margin;
	int code = CLI_USAGE, rc = options_share(o, "margin", 0.05, &margin, err);

	if (rc == 0 && options_has(o, "json") && options_has(o, "benchstat"))
		rc = err_set(err, -EINVAL, "--json and --benchstat are two forms, give one");
	if (rc == 0)
		rc = read_one(o->args[0], &a, err);
	if (rc == 0)
		rc = read_one(o->args[1], &b, err);
	if (rc == 0)
		rc = compare_reports(a, b, margin, &c, err);
	code = rc ? cli_usage(err) : show(o, c);
	compare_free(c);
	json_decref(a);
	json_decref(b);
	return code;
}

int cmd_compare(int argc, char **argv)
{
	struct options o;
	struct err err;
	int code = CLI_DONE;

	if (options_parse(specs, N_SPECS, argc, argv, &o, &err) != 0)
		return cli_usage(&err);
	if (options_has(&o, "help")) {
		print_help();
	} else if (o.n_args != 2) {
		cli_complain("compare takes two arguments, the older and the newer run");
		code = CLI_USAGE;
	} else {
		code = compare(&o, &err);
	}
	options_free(&o);
	return code;
}
