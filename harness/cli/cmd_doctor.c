/*
 * cmd_doctor.c - `switchyard doctor`: what the environment says about how well this machine can measure.
 */
#include <stdio.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/command.h"
#include "harness/measure/measure.h"
#include "harness/plan/jsonx.h"

static const struct option_spec specs[] = {
	{.name = "strict", .help = "exit with 3 when a finding is bad"},
	{.name = "json", .help = "as JSON"},
	{.name = "data-dir",
	 .value = "DIR",
	 .help = "where files of workloads would lie (default: the current directory)"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};

static bool is_severity(const json_t *finding, const char *severity)
{
	const char *s = jsonx_str(finding, "severity");

	return s && strcmp(s, severity) == 0;
}

static void print_finding(const json_t *f)
{
	const char *fix = jsonx_str(f, "fix"), *undo = jsonx_str(f, "undo"), *text = jsonx_str(f, "text");
	const char *severity = jsonx_str(f, "severity"), *code = jsonx_str(f, "code");

	printf("%-5s %s: %s\n", severity ? severity : "?", code ? code : "?", text ? text : "");
	if (fix && *fix)
		printf("      fix:  %s\n", fix);
	if (undo && *undo)
		printf("      undo: %s\n", undo);
}

static int doctor(const char *data_dir, bool as_json, bool is_strict, struct err *err)
{
	struct topology *t;
	json_t *findings, *f;
	bool has_bad = false;
	size_t i;

	if (topology_load(&t, err) != 0)
		return cli_usage(err);
	findings = environment_doctor(t, data_dir);
	topology_free(t);
	json_array_foreach (findings, i, f)
		has_bad |= is_severity(f, "bad");
	if (as_json) {
		cli_print_json(findings);
	} else {
		json_array_foreach (findings, i, f)
			print_finding(f);
	}
	json_decref(findings);
	return is_strict && has_bad ? CLI_REFUSED : CLI_DONE;
}

static const struct command self = {
	.name = "doctor",
	.about = "usage: switchyard doctor [--strict] [--json]\n\n"
		 "Says what on this machine disturbs measuring, how much it matters, how to change it and how to undo\n"
		 "the change. It changes nothing itself.\n",
	.specs = specs,
	.n_specs = sizeof specs / sizeof *specs,
};

int cmd_doctor(int argc, char **argv)
{
	struct options o;
	struct err err;
	const char *dir;
	int code;

	if (!command_begin(&self, argc, argv, &o, &code))
		return code;
	dir = options_get(&o, "data-dir");
	code = doctor(dir ? dir : ".", options_has(&o, "json"), options_has(&o, "strict"), &err);
	options_free(&o);
	return code;
}
