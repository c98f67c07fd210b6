#include "harness/cli/command.h"

#include <stdio.h>

#include "harness/cli/cli.h"

static void print_help(const struct command *c)
{
	puts(c->about);
	options_print(c->specs, c->n_specs, stdout);
	if (c->explain)
		c->explain();
	if (c->codes)
		puts(c->codes);
}

static void complain_of_args(const struct command *c, const struct options *o)
{
	if (c->args)
		cli_complain("%s", c->args);
	else if (c->has_filter)
		cli_complain("%s takes no argument '%.60s' (perhaps -f workload:%.60s)", c->name, o->args[0],
			     o->args[0]);
	else
		cli_complain("%s takes no argument '%.60s'", c->name, o->args[0]);
}

bool command_begin(const struct command *c, int argc, char **argv, struct options *o, int *code)
{
	struct err err;

	*code = CLI_DONE;
	if (options_parse(c->specs, c->n_specs, argc, argv, o, &err) != 0) {
		*code = cli_usage(&err);
		return false;
	}
	if (options_has(o, "help")) {
		print_help(c);
	} else if (o->n_args < c->args_min || o->n_args > c->args_max) {
		complain_of_args(c, o);
		*code = CLI_USAGE;
	} else {
		return true;
	}
	options_free(o);
	return false;
}
