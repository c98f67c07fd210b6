/*
 * cli.h - the commands. Each gets the arguments behind its name and returns the exit code.
 */
#ifndef CLI_H
#define CLI_H

#include "harness/base/err.h"
#include "harness/plan/catalog.h"
#include "harness/plan/session.h"

enum {
	CLI_DONE = 0,
	CLI_CHECK_FAILED = 1,
	CLI_USAGE = 2,
	CLI_REFUSED = 3,
	CLI_SOME_FAILED = 4,
	CLI_UNTRUSTED = 5,
	CLI_INTERRUPTED = 130,
};

/* A run of which some samples failed is a run all the same, and can be judged. */
static inline bool cli_is_measured(int code)
{
	return code == CLI_DONE || code == CLI_SOME_FAILED;
}

int cmd_list(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_cross(int argc, char **argv);
int cmd_selftest(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_gate(int argc, char **argv);
int cmd_advise(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_topo(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_subject(int argc, char **argv);

/*
 * `switchyard run` for another command, which shows its own result: no summary is printed. `request` (NULL: made from the
 * options) and `seed` are as in run.json, `command` (NULL: the words of the run) is what run.json will say was typed.
 */
struct run_order {
	json_t *request, *command;
	uint64_t seed;
};
int run_with(int argc, char **argv, const struct run_order *order);

/* One sentence on standard error: "switchyard: ...". Returns CLI_USAGE, for `return cli_usage(&err)`. */
int cli_usage(const struct err *err);
void cli_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The subjects of this build and of SWITCHYARD_SUBJECTS; warnings go to standard error unless quiet. */
int cli_load(struct session_places *places, struct catalog **catalog, int quiet, struct err *err);

/* A command line as an array: "switchyard", the command, its arguments (new reference). */
json_t *cli_words(const char *command, int argc, char **argv);

/* One JSON text and a newline on standard output, with as many digits as in the files of a run. `json` may be NULL: nothing. */
void cli_print_json(const json_t *json);

/* --lang of a command that writes reports: whether it asks for Chinese beside the English. -EINVAL: for another language. */
struct options;
int cli_language(const struct options *o, bool *is_chinese, struct err *err);
#define CLI_LANG_OPTION                                                                                                \
	{                                                                                                              \
		.name = "lang", .value = "LANGUAGE",                                                                   \
		.help = "zh: also the report in Chinese, report.zh-CN.html and .md, and the summary in it (default: "  \
			"en)"                                                                                          \
	}

/* Width of the terminal on standard output, 100 where it is none. */
unsigned cli_width(void);

#endif
