/*
 * cmd_subject.c - `switchyard subject check PATH`: for authors of subjects.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/command.h"
#include "harness/plan/check.h"
#include "harness/plan/jsonx.h"

static const struct option_spec specs[] = {
	{.name = "data-dir",
	 .value = "DIR",
	 .help = "where its workloads may keep files (default: a folder in /var/tmp)"},
	{.name = "patience", .value = "S", .help = "seconds to wait for each answer (default 10)"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};

static int check(const struct options *o, const char *path, struct err *err)
{
	const char *parent = options_get(o, "data-dir");
	struct check_config config = {.path = path, .out = stdout};
	struct session_places places;
	struct topology *topology;
	int64_t patience_s;
	char *serial, *dir;
	int code = CLI_USAGE;

	if (options_int(o, "patience", 10, 1, 600, &patience_s, err) != 0 || session_find_places(&places, err) != 0)
		return cli_usage(err);
	if (topology_load(&topology, err) != 0) {
		session_free_places(&places);
		return cli_usage(err);
	}
	serial = xformat("%s/subjects/subject-serial", places.exe_dir);
	dir = xformat("%s/switchyard-check-XXXXXX", parent ? parent : "/var/tmp");
	if (!mkdtemp(dir)) {
		cli_complain("cannot make a folder in %s", parent ? parent : "/var/tmp");
	} else {
		unsigned n_failed;

		config.loadgen = places.loadgen;
		config.certifier = access(serial, X_OK) == 0 ? serial : NULL;
		config.data_dir = dir;
		config.topology = topology;
		config.patience_ns = patience_s * 1000000000;
		n_failed = check_subject(&config);
		session_remove_tree(dir);
		printf("%u rules broken\n", n_failed);
		code = n_failed ? CLI_CHECK_FAILED : CLI_DONE;
	}
	topology_free(topology);
	session_free_places(&places);
	free(serial);
	free(dir);
	return code;
}

static const struct command self = {
	.name = "subject",
	.about = "usage: switchyard subject check PATH\n\n"
		 "Tries every rule of the subject protocol (docs/subject-protocol.md) on the executable PATH and takes "
		 "a\n"
		 "smoke sample of each workload that it offers. One line per rule: ok, or FAIL with what was seen.\n"
		 "Exit code 1 when a rule is broken.\n",
	.specs = specs,
	.n_specs = sizeof specs / sizeof *specs,
	.args_min = 2,
	.args_max = 2,
	.args = "usage: switchyard subject check PATH",
};

int cmd_subject(int argc, char **argv)
{
	struct options o;
	struct err err;
	int code;

	if (!command_begin(&self, argc, argv, &o, &code))
		return code;
	if (strcmp(o.args[0], "check") != 0) {
		cli_complain("%s", self.args);
		code = CLI_USAGE;
	} else if (access(o.args[1], F_OK) != 0) {
		cli_complain("there is no file '%.200s'", o.args[1]);
		code = CLI_USAGE;
	} else {
		code = check(&o, o.args[1], &err);
	}
	options_free(&o);
	return code;
}
