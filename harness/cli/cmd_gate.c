/*
 * cmd_gate.c - `switchyard gate --old X`: exit code 1 when this build is slower than another one, and 0 when that was not
 * shown twice (harness/report/gate.h has the rules).
 *
 * It is `run --old` and, where something looks slower, the same cells once more in reversed orders. Both batches are runs
 * like any other, in <gate folder>/first and /second, each with its report.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/command.h"
#include "harness/cli/gate_batch.h"
#include "harness/plan/jsonx.h"

/* Those without `own` are run's, and go to it as they are. */
static const struct option_spec specs[] = {
	{.name = "old",
	 .value = "DIR",
	 .help = "the other build: a folder of its subjects, or a baseline (run --save-baseline)"},
	{.name = "margin", .value = "SHARE", .help = "a slow-down up to this does not matter (default: 5%)"},
	{.name = "force", .help = "judge on a machine that is too noisy, too"},
	{.name = "out",
	 .letter = 'o',
	 .value = "DIR",
	 .help = "the gate's folder (default: results/<UTC time>-<host>-gate)"},
	{.name = "filter", .letter = 'f', .value = "FILTER", .is_repeatable = true, .help = "as for run"},
	{.name = "plan", .value = "PLAN", .help = "as for run"},
	{.name = "rounds", .value = "N", .help = "as for run; 20 by default: a gate needs narrow intervals"},
	{.name = "seed", .value = "S", .help = "as for run"},
	{.name = "budget", .value = "TIME", .help = "as for run, for each of the two batches"},
	{.name = "placement", .value = "LIST", .help = "as for run"},
	{.name = "data-dir", .value = "DIR", .help = "as for run"},
	{.name = "subjects", .value = "LIST", .help = "as for run", .env = "SWITCHYARD_ONLY_SUBJECTS"},
	{.name = "param", .letter = 'p', .value = "NAME=V[,V]", .is_repeatable = true, .help = "as for run"},
	{.name = "knobs", .value = "SUBJECT:NAME=V[,NAME=V]", .is_repeatable = true, .help = "as for run"},
	{.name = "quiet", .letter = 'q', .help = "no progress"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};
enum { MAX_ARGS = OPTIONS_MAX_VALUES + 8 };

struct gate {
	struct options o;
	char *dir, *first_dir, *second_dir;
	json_t *command;
	double margin;
	struct gate_batch first, second;
	bool has_second;
	struct err err;
};

static const struct command self = {
	.name = "gate",
	.about = "usage: switchyard gate --old DIR [OPTION...]\n\n"
		 "Is this build slower than another one? Both builds' subjects run in the same rounds, side by side. "
		 "What looks\n"
		 "slower by more than the margin is measured once more, with every order turned round; the gate fails "
		 "only\n"
		 "when both batches show it.\n",
	.specs = specs,
	.n_specs = sizeof specs / sizeof *specs,
	.codes = "\n"
		 "Exit codes: 0 no regression was shown twice; 1 one was; 2 wrong use or set-up; 3 the machine is too "
		 "noisy to judge;\n"
		 "4 the new build failed where the old one did not; 5 untrusted: the A/A twin differs, certificates do "
		 "not match, or too few rounds are left for an interval.",
};

static bool is_own(const char *name)
{
	static const char *const own[] = {"margin", "force", "out", "help"};

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (strcmp(own[i], name) == 0)
			return true;
	return false;
}

/* What was typed for run; the variables run reads itself. */
static int run_arguments(const struct gate *g, char **argv)
{
	int n = 0;

	for (size_t i = 0; i < g->o.n_given; i++) {
		const struct option_spec *spec = &specs[g->o.given[i].spec];

		if (g->o.given[i].from_environment || is_own(spec->name))
			continue;
		argv[n++] =
			spec->value ? xformat("--%s=%s", spec->name, g->o.given[i].value) : xformat("--%s", spec->name);
	}
	argv[n++] = xformat("--out=%s", g->first_dir);
	if (!options_has(&g->o, "rounds"))
		argv[n++] = xstrdup("--rounds=20");
	return n;
}

static int measure_first(const struct gate *g)
{
	struct run_order order = {.command = NULL};
	char *argv[MAX_ARGS];
	int argc = run_arguments(g, argv), code = run_with(argc, argv, &order);

	while (argc)
		free(argv[--argc]);
	return code;
}

static int measure_second(struct gate *g)
{
	json_t *suspects = gate_suspects(&g->first);
	struct gate_order order = {.of_run = g->first_dir,
				   .suspects = suspects,
				   .out = g->second_dir,
				   .command = g->command,
				   .is_quiet = options_has(&g->o, "quiet"),
				   .budget = options_get(&g->o, "budget")};
	int code = gate_measure_again(&order, &g->err);

	if (cli_is_measured(code)) {
		struct gate_rule rule = {g->margin, options_has(&g->o, "force"), suspects, &g->first};

		g->has_second = true;
		if (gate_read(g->second_dir, &rule, &g->second, &g->err) != 0)
			code = cli_usage(&g->err);
		else
			gate_text(stdout, &g->second, "Second batch");
	}
	json_decref(suspects);
	return code;
}

static int gate(struct gate *g)
{
	bool is_forced = options_has(&g->o, "force");
	struct gate_rule rule = {.margin = g->margin, .is_forced = is_forced};
	enum gate_outcome outcome;
	int code = measure_first(g);

	if (!cli_is_measured(code))
		return code;
	if (gate_read(g->first_dir, &rule, &g->first, &g->err) != 0)
		return cli_usage(&g->err);
	gate_text(stdout, &g->first, "First batch");
	outcome = gate_outcome(&g->first, NULL, is_forced);
	if (outcome == GATE_OPEN) {
		code = measure_second(g);
		if (!cli_is_measured(code))
			return code;
		outcome = gate_outcome(&g->first, &g->second, is_forced);
	}
	if (gate_write(g->dir, options_get(&g->o, "old"), g->margin, outcome, &g->first,
		       g->has_second ? &g->second : NULL, &g->err) != 0)
		return cli_usage(&g->err);
	return gate_conclude(outcome);
}

static void choose_folders(struct gate *g)
{
	char *id = session_run_id();

	g->dir = session_choose_dir(options_get(&g->o, "out"), id, "-gate");
	g->first_dir = xformat("%s/first", g->dir);
	g->second_dir = xformat("%s/second", g->dir);
	free(id);
}

static void gate_free(struct gate *g)
{
	gate_clear(&g->first);
	gate_clear(&g->second);
	json_decref(g->command);
	free(g->dir);
	free(g->first_dir);
	free(g->second_dir);
	options_free(&g->o);
	free(g);
}

int cmd_gate(int argc, char **argv)
{
	struct gate *g = xcalloc(1, sizeof *g);
	int code, rc = 0;

	if (!command_begin(&self, argc, argv, &g->o, &code)) {
		gate_free(g);
		return code;
	}
	if (!options_has(&g->o, "old"))
		rc = err_set(&g->err, -EINVAL,
			     "gate needs --old: a folder of the other build's subjects, or a baseline");
	if (rc == 0)
		rc = options_share(&g->o, "margin", VERDICT_MARGIN, &g->margin, &g->err);
	if (rc) {
		code = cli_usage(&g->err);
	} else {
		g->command = cli_words("gate", argc, argv);
		choose_folders(g);
		code = gate(g);
	}
	gate_free(g);
	return code;
}
