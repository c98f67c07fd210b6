/*
 * options.h - command-line options: --name VALUE, --name=VALUE, -x VALUE, and an environment variable for each.
 *
 * The variable is SWITCHYARD_ and the name in capitals; the command line wins. An empty variable counts as unset.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/base/err.h"

struct option_spec {
	const char *name; /* long name */
	char letter; /* short name, or 0 */
	const char *value; /* what it takes, for the help text; NULL: a flag */
	const char *help; /* one line */
	const char *env; /* its variable where that is not made from the name */
	bool is_repeatable; /* may be given several times */
};

enum { OPTIONS_MAX_VALUES = 64 };

struct options {
	const struct option_spec *specs;
	size_t n_specs;
	struct {
		size_t spec;
		char *value; /* "1" for a flag */
		bool from_environment;
	} given[OPTIONS_MAX_VALUES];
	size_t n_given;
	const char *args[16]; /* what is no option */
	size_t n_args;
};

/* Reads argv[0..argc) (without the command's name), then the environment. -EINVAL with one sentence. */
int options_parse(const struct option_spec *specs, size_t n_specs, int argc, char **argv, struct options *out,
		  struct err *err);
void options_free(struct options *o);

bool options_has(const struct options *o, const char *name);
/* Whether it was given on the command line: variables are for the runs that a user starts later, too. */
bool options_typed(const struct options *o, const char *name);
const char *options_get(const struct options *o, const char *name); /* the last one given, or NULL */
size_t options_all(const struct options *o, const char *name, const char **out, size_t max);
/* A whole number, `dflt` when not given. -EINVAL with a sentence. */
int options_int(const struct options *o, const char *name, int64_t dflt, int64_t min, int64_t max, int64_t *out,
		struct err *err);
/* A share above 0 and at most 1, as "5%" or "0.05". -EINVAL with a sentence. */
int options_share(const struct options *o, const char *name, double dflt, double *out, struct err *err);
/* A number above 0 with one of the units (the last has no name), times that unit's factor; as it is when not given. -EINVAL with a sentence. */
struct option_unit {
	const char *name;
	double factor;
};
int options_quantity(const struct options *o, const char *name, const struct option_unit *units, const char *example,
		     double *out, struct err *err);
/* Split "a,b,c" in place; returns the number of pieces, none of which is empty. */
size_t options_split(char *text, const char **out, size_t max);
/* "90", "90s", "5m", "1h30m" in nanoseconds. */
bool options_duration(const char *text, int64_t *ns);

/* Append the options that variables gave, as words of a command line, to an array. */
void options_append_environment(const struct options *o, json_t *words);

/* The table of options for --help. */
void options_print(const struct option_spec *specs, size_t n_specs, FILE *out);

#endif
