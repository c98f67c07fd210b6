/*
 * cmd_compare.c - `switchyard compare A B`: what changed between two runs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/cli/baseline.h"
#include "harness/cli/cli.h"
#include "harness/cli/command.h"
#include "harness/cli/gate_batch.h"
#include "harness/plan/jsonx.h"
#include "harness/report/compare.h"
#include "harness/report/report.h"

static const struct option_spec specs[] = {
	{.name = "margin", .value = "SHARE", .help = "differences below it do not matter (default: 5%)"},
	{.name = "json", .help = "as JSON (schema switchyard.compare/1)"},
	{.name = "benchstat", .help = "both runs as Go benchmark text, for `benchstat -col run`"},
	{.name = "gate",
	 .value = "SHARE",
	 .help = "exit with 1 when B is slower by more than this and a second batch, old and new side by side, shows "
		 "it too"},
	{.name = "force", .help = "judge samples that other programs disturbed, too"},
	{.name = "out",
	 .letter = 'o',
	 .value = "DIR",
	 .help = "with --gate: folder of the second batch (default: results/<UTC time>-<host>-gate)"},
	{.name = "budget", .value = "TIME", .help = "with --gate: start no round of the second batch after it"},
	{.name = "quiet", .letter = 'q', .help = "with --gate: no progress"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};

static const struct command self = {
	.name = "compare",
	.about = "usage: switchyard compare A B [OPTION...]\n\n"
		 "Sets two runs side by side, cell by cell and subject by subject: A the older, B the newer. Each is a "
		 "run's\n"
		 "folder, a name under results/, the name of a baseline (switchyard run --save-baseline NAME) or a "
		 "report.json.\n"
		 "The two were not measured in common rounds: to judge a change of code, `switchyard gate` measures "
		 "both builds\n"
		 "side by side.\n",
	.specs = specs,
	.n_specs = sizeof specs / sizeof *specs,
	.args_min = 2,
	.args_max = 2,
	.args = "compare takes two arguments, the older and the newer run",
	.codes = "\n"
		 "--gate needs a baseline as A, for its binaries, and a run's folder as B; what it measures is this "
		 "build beside A's.\n\n"
		 "Exit codes: 0 compared, whatever came out (--gate: no regression was confirmed); 2 wrong use, or "
		 "nothing to\n"
		 "compare; with --gate 1 a regression was confirmed, 3 the machine was too noisy, 4 samples failed, 5 "
		 "untrusted.",
};

static int show(const struct options *o, const struct compare *c)
{
	if (options_has(o, "json")) {
		json_t *json = compare_json(c);

		cli_print_json(json);
		json_decref(json);
	} else if (options_has(o, "benchstat")) {
		compare_benchstat(stdout, c);
	} else {
		compare_text(stdout, c);
	}
	return CLI_DONE;
}

/* ---- the gate -------------------------------------------------------------------------------------------- */

/* Rows that look slower, as a second batch wants them; or why there is none. */
static enum gate_outcome look(const struct compare *c, double margin, bool is_forced, json_t *suspects)
{
	bool untrusted = false;

	for (size_t i = 0; i < c->n_rows; i++) {
		untrusted |= c->rows[i].verdict.kind == VERDICT_UNTRUSTED || !c->rows[i].cmp.has_interval;
		if (verdict_is_regression(&c->rows[i].verdict, &c->rows[i].cmp, margin))
			json_array_append_new(suspects, json_pack("{s:s, s:s}", "cell", c->rows[i].id, "subject",
								  c->rows[i].subject));
	}
	if (compare_is_disturbed(c) && !is_forced)
		return GATE_NOISY;
	if (json_array_size(suspects))
		return GATE_OPEN;
	return untrusted ? GATE_UNTRUSTED : GATE_PASSED;
}

/* The second batch decides alone: of the first there are only records. */
static int confirm(const struct options *o, const char *of_run, const char *old, const json_t *suspects, double margin,
		   json_t *command, struct err *err)
{
	char *id = session_run_id(), *dir = session_choose_dir(options_get(o, "out"), id, "-gate");
	struct gate_order order = {.of_run = of_run,
				   .old = old,
				   .suspects = suspects,
				   .out = dir,
				   .command = command,
				   .is_quiet = options_has(o, "quiet"),
				   .budget = options_get(o, "budget")};
	struct gate_rule rule = {.margin = margin, .is_forced = options_has(o, "force"), .only = suspects};
	struct gate_batch batch = {0};
	int code = gate_measure_again(&order, err);

	if (cli_is_measured(code)) {
		if (gate_read(dir, &rule, &batch, err) != 0) {
			code = cli_usage(err);
		} else {
			enum gate_outcome outcome = gate_outcome(&batch, &batch, rule.is_forced);

			gate_text(stdout, &batch, "Second batch");
			code = gate_write(dir, old, margin, outcome, NULL, &batch, err) ? cli_usage(err)
											: gate_conclude(outcome);
		}
	}
	gate_clear(&batch);
	free(dir);
	free(id);
	return code;
}

static int gate(const struct options *o, const struct compare *c, json_t *command, struct err *err)
{
	json_t *suspects = json_array();
	char *a = run_find(o->args[0]), *b = run_find(o->args[1]), *kept = baseline_subjects(a);
	char *old = kept ? realpath(kept, NULL) : NULL;
	double margin;
	int rc = options_share(o, "gate", 0, &margin, err), code;
	enum gate_outcome outcome = rc ? GATE_OPEN : look(c, margin, options_has(o, "force"), suspects);

	if (rc == 0 && outcome == GATE_OPEN && !old)
		rc = err_set(err, -EINVAL,
			     "%zu rows look slower, and A keeps no binaries to measure again: save it with "
			     "run --save-baseline",
			     json_array_size(suspects));
	if (rc)
		code = cli_usage(err);
	else if (outcome == GATE_OPEN)
		code = confirm(o, b, old, suspects, margin, command, err);
	else
		code = gate_conclude(outcome);
	json_decref(suspects);
	free(a);
	free(b);
	free(kept);
	free(old);
	return code;
}

/* ---- reading --------------------------------------------------------------------------------------------- */

static int read_one(const char *name, json_t **out, struct err *err)
{
	char *path = run_find(name);
	int rc = report_read(path, out, err);

	free(path);
	return rc;
}

static int compare(const struct options *o, json_t *command, struct err *err)
{
	json_t *a = NULL, *b = NULL;
	struct compare *c = NULL;
	double margin, unused;
	int code = CLI_USAGE, rc = options_share(o, "margin", VERDICT_MARGIN, &margin, err);

	if (rc == 0)
		rc = options_share(o, "gate", 0, &unused, err);
	if (rc == 0 && options_has(o, "json") && options_has(o, "benchstat"))
		rc = err_set(err, -EINVAL, "--json and --benchstat are two forms, give one");
	if (rc == 0)
		rc = read_one(o->args[0], &a, err);
	if (rc == 0)
		rc = read_one(o->args[1], &b, err);
	if (rc == 0)
		rc = compare_reports(a, b, margin, options_has(o, "force"), &c, err);
	code = rc ? cli_usage(err) : show(o, c);
	if (rc == 0 && options_has(o, "gate"))
		code = gate(o, c, command, err);
	compare_free(c);
	json_decref(a);
	json_decref(b);
	return code;
}

int cmd_compare(int argc, char **argv)
{
	struct options o;
	struct err err;
	json_t *words;
	int code;

	if (!command_begin(&self, argc, argv, &o, &code))
		return code;
	words = cli_words("compare", argc, argv);
	code = compare(&o, words, &err);
	json_decref(words);
	options_free(&o);
	return code;
}
