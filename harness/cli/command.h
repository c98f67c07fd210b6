/*
 * command.h - what all commands have in common: their words are read, --help is printed, their arguments are counted.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/cli/options.h"

struct command {
	const char *name;
	const char *about; /* how --help begins: the usage, and what it does */
	const struct option_spec *specs;
	size_t n_specs;
	void (*explain)(void); /* what --help prints behind the options; NULL: nothing */
	const char *codes; /* how it ends: the exit codes; NULL: those that every command has */
	size_t args_min, args_max;
	const char *args; /* what is said where there are others: a sentence; NULL: of a command that takes none */
	bool has_filter; /* likewise: an argument may be meant for -f */
};

/*
 * The options and arguments, which the caller frees, and true; or false where there is nothing left to do: help was printed,
 * or a sentence says what is wrong. Then *code is the exit code, and there is nothing to free.
 */
bool command_begin(const struct command *c, int argc, char **argv, struct options *o, int *code);

#endif
