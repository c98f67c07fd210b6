/*
 * main.c - switchyard: finds the command and leaves the rest to it.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "build_info.h"
#include "harness/cli/cli.h"
#include "harness/cli/options.h"
#include "harness/plan/jsonx.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"list", cmd_list, "what can be measured: workloads, their parameters, the subjects that offer them"},
	{"run", cmd_run, "measure: a plan, or what a filter selects; writes a folder with records and report"},
	{"cross", cmd_cross, "the value of a parameter at which two subjects change places"},
	{"report", cmd_report, "write the report of a run again from its records"},
	{"compare", cmd_compare, "what changed between two runs, or since a saved baseline"},
	{"gate", cmd_gate, "fails when this build is slower than another one, in two batches of common rounds"},
	{"advise", cmd_advise,
	 "which model for so many tasks that compute and wait so long, and where that would flip"},
	{"replay", cmd_replay, "measure one cell of a run again, as it was, and show both figures"},
	{"doctor", cmd_doctor, "what on this machine disturbs measuring, with fix and undo; changes nothing"},
	{"topo", cmd_topo, "the machine, and which CPUs each placement gives to whom; as a picture, too"},
	{"selftest", cmd_selftest,
	 "how many planted slow-downs the verdicts find on this machine, how many that are none"},
	{"subject", cmd_subject, "check whether an executable keeps the subject protocol"},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

void cli_complain(const char *fmt, ...)
{
	va_list ap;

	fputs("switchyard: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int cli_usage(const struct err *err)
{
	cli_complain("%s", ERR_TEXT(*err));
	return CLI_USAGE;
}

int cli_load(struct session_places *places, struct catalog **catalog, int quiet, struct err *err)
{
	const json_t *warning;
	size_t i;
	int rc = session_find_places(places, err);

	*catalog = NULL;
	if (rc)
		return rc;
	rc = catalog_load(places->subject_dirs, catalog, err);
	if (rc) {
		session_free_places(places);
		return rc;
	}
	json_array_foreach ((*catalog)->warnings, i, warning)
		if (!quiet)
			cli_complain("warning: %s", json_string_value(warning));
	return 0;
}

void cli_print_json(const json_t *json)
{
	if (!json)
		return;
	json_dumpf(json, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	putchar('\n');
}

int cli_language(const struct options *o, bool *is_chinese, struct err *err)
{
	const char *name = options_has(o, "lang") ? options_get(o, "lang") : "en";

	*is_chinese = strcmp(name, "zh") == 0;
	if (*is_chinese || strcmp(name, "en") == 0)
		return 0;
	return err_set(err, -EINVAL, "--lang: there is no language '%.40s'; known are en and zh", name);
}

unsigned cli_width(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
		return size.ws_col;
	return 100;
}

static void print_help(FILE *out)
{
	fputs("switchyard compares concurrency models by running the same work on each.\n\n"
	      "usage: switchyard COMMAND [OPTION...]      (switchyard COMMAND --help says more)\n\n",
	      out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].help);
	fputs("\nEvery option has a variable: --rounds is SWITCHYARD_ROUNDS. SWITCHYARD_SUBJECTS=dir1:dir2 adds "
	      "directories\n"
	      "of foreign subjects (executables named subject-*).\n\n"
	      "Exit codes: 0 done; 1 a check failed; 2 wrong use or set-up; 3 refused; 4 some samples failed;\n"
	      "5 untrusted (gate); 130 interrupted (what was measured is kept).\n",
	      out);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	char known[200] = "";

	signal(SIGPIPE, SIG_IGN); /* a child that is gone is an error of one write, not of the run */
	signal(SIGXFSZ, SIG_IGN); /* as is a file that may not grow (ulimit -f) */
	if (!name || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		print_help(name ? stdout : stderr);
		return name ? CLI_DONE : CLI_USAGE;
	}
	if (strcmp(name, "--version") == 0) {
		printf("switchyard %s (%s%s, %s, %s)\n", BUILD_VERSION, *BUILD_GIT_REV ? BUILD_GIT_REV : "no revision",
		       BUILD_GIT_DIRTY ? " changed" : "", BUILD_TYPE, BUILD_CC);
		return CLI_DONE;
	}
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		int code = commands[i].run(argc - 2, argv + 2);

		if (fflush(stdout) != 0 && code == CLI_DONE)
			code = CLI_USAGE;
		return code;
	}
	for (size_t i = 0, at = 0; i < N_COMMANDS && at < sizeof known; i++)
		at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", commands[i].name);
	cli_complain("there is no command '%.60s'; known are %s", name, known);
	return CLI_USAGE;
}
