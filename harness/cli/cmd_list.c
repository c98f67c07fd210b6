/*
 * cmd_list.c - `switchyard list`: what the subjects describe, merged; or the questions.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/command.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/question_file.h"

static const struct option_spec specs[] = {
	{.name = "filter",
	 .letter = 'f',
	 .value = "FILTER",
	 .help = "only what matches, as in run (parameters at their defaults)"},
	{.name = "questions", .help = "the questions that the report answers, instead of workloads"},
	{.name = "json", .help = "as JSON"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};

static bool is_wanted(const struct filter *f, const struct workload_def *w, const struct subject *s)
{
	json_t *params = workload_defaults(w, false);
	struct filter_item item = {.workload = w->name,
				   .subject = s->id,
				   .placement = "same",
				   .kind = "timed",
				   .workers = 1,
				   .group = strchr(w->name, '/') + 1,
				   .params = params};
	bool wanted = !f || filter_match(f, &item);

	json_decref(params);
	return wanted;
}

/* The subjects that offer it and that the filter wants, as a JSON list. */
static json_t *offering(const struct catalog *c, const struct filter *f, const struct workload_def *w)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_subjects; i++)
		if (catalog_offers(c, &c->subjects[i], w) && is_wanted(f, w, &c->subjects[i]))
			json_array_append_new(list, json_string(c->subjects[i].id));
	return list;
}

static json_t *param_json(const struct param_def *p)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:O, s:O}", "name", p->name, "unit", p->unit, "help", p->help,
			      "kind", p->is_choice ? "choice" : "int", "default", p->dflt, "smoke", p->smoke);

	if (p->is_choice) {
		json_object_set(o, "choices", (json_t *)p->choices);
	} else {
		json_object_set_new(o, "min", json_integer(p->min));
		json_object_set_new(o, "max", json_integer(p->max));
	}
	return o;
}

static json_t *workload_json(const struct workload_def *w, json_t *subjects)
{
	json_t *params = json_array();

	for (size_t i = 0; i < w->n_params; i++)
		json_array_append_new(params, param_json(&w->params[i]));
	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:o, s:O}", "name", w->name, "version", w->version,
			 "summary", w->summary, "op", w->op, "fairness", w->fairness, "scaling",
			 scaling_name(w->scaling), "metric", metric_name(w->metric), "params", params, "subjects",
			 subjects);
}

static void print_param(const struct param_def *p)
{
	char dflt[80], range[200] = "";
	size_t used = 0, i;
	const json_t *c;

	jsonx_scalar_text(p->dflt, dflt, sizeof dflt);
	if (p->is_choice) {
		json_array_foreach (p->choices, i, c) {
			int n = used < sizeof range ? snprintf(range + used, sizeof range - used, "%s%s", i ? "|" : "",
							       json_string_value(c))
						    : 0;

			used += n > 0 ? (size_t)n : 0;
		}
	} else {
		snprintf(range, sizeof range, "%lld..%lld%s%s", (long long)p->min, (long long)p->max,
			 *p->unit ? " " : "", p->unit);
	}
	printf("    %-14s %-10s %-24s %s\n", p->name, dflt, range, p->help);
}

static void print_workload(const struct workload_def *w, const json_t *subjects)
{
	const json_t *s;
	size_t i;

	printf("%s - %s\n    one operation: %s; %s, %s\n    subjects:", w->name, w->summary, w->op,
	       scaling_name(w->scaling), metric_name(w->metric));
	json_array_foreach (subjects, i, s)
		printf(" %s", json_string_value(s));
	putchar('\n');
	for (i = 0; i < w->n_params; i++)
		print_param(&w->params[i]);
	putchar('\n');
}

static void print_not_built(const json_t *not_built)
{
	const json_t *one;
	size_t i;

	json_array_foreach (not_built, i, one)
		printf("not built: %s: %s; install %s and build again\n", jsonx_str(one, "id"), jsonx_str(one, "why"),
		       jsonx_str(one, "packages"));
}

static int list(const struct catalog *c, const char *filter_text, bool as_json, struct err *err)
{
	struct filter *f = NULL;
	json_t *all = json_array();
	size_t n_matching = 0;
	int rc = filter_text ? filter_parse(filter_text, c->param_keys, c->n_param_keys, &f, err) : 0;

	for (size_t i = 0; i < c->n_workloads && rc == 0; i++) {
		json_t *subjects = offering(c, f, &c->workloads[i]);

		n_matching += json_array_size(subjects) > 0;
		if (json_array_size(subjects) && as_json)
			json_array_append_new(all, workload_json(&c->workloads[i], subjects));
		else if (json_array_size(subjects))
			print_workload(&c->workloads[i], subjects);
		json_decref(subjects);
	}
	if (rc == 0 && n_matching == 0 && filter_text)
		rc = err_set(err, -ENOENT, "nothing is selected: no workload matches the filter '%.200s'", filter_text);
	if (rc == 0 && !as_json)
		print_not_built(c->not_built);
	if (as_json && rc == 0) {
		json_t *root = json_pack("{s:O, s:O}", "workloads", all, "not_built", c->not_built);

		cli_print_json(root);
		json_decref(root);
	}
	json_decref(all);
	filter_free(f);
	return rc;
}

/* ---- questions ------------------------------------------------------------------------------------------- */

static void print_question(const json_t *q)
{
	const json_t *both = json_object_get(q, "question"), *claim;
	size_t i;

	printf("%s %s - %s\n    %s\n", jsonx_str(q, "id"), jsonx_str(q, "slug"), question_text(both, QUESTION_EN),
	       question_text(both, QUESTION_ZH));
	json_array_foreach (json_object_get(q, "claims"), i, claim)
		printf("    claim %s\n", jsonx_str(claim, "id"));
	putchar('\n');
}

static int list_questions(bool as_json, struct err *err)
{
	json_t *all, *q;
	size_t i;
	int rc = questions_load(&all, err);

	if (rc)
		return cli_usage(err);
	if (as_json) {
		json_t *root = json_pack("{s:O}", "questions", all);

		cli_print_json(root);
		json_decref(root);
	} else {
		json_array_foreach (all, i, q)
			print_question(q);
		puts("Asked with: switchyard run --question ID[,ID]");
	}
	json_decref(all);
	return CLI_DONE;
}

static const struct command self = {
	.name = "list",
	.about = "usage: switchyard list [-f FILTER] [--json] | --questions [--json]\n\n"
		 "Lists the workloads that can be measured: what one operation is, which subjects offer it, and its\n"
		 "parameters with default, range and meaning. Behind them: subjects that this build could have and has "
		 "not.\n",
	.specs = specs,
	.n_specs = sizeof specs / sizeof *specs,
	.has_filter = true,
};

int cmd_list(int argc, char **argv)
{
	struct session_places places;
	struct catalog *catalog;
	struct options o;
	struct err err;
	int code;

	if (!command_begin(&self, argc, argv, &o, &code))
		return code;
	if (options_has(&o, "questions") && options_has(&o, "filter")) {
		cli_complain("list: --filter is about workloads, and --questions lists none");
		code = CLI_USAGE;
	} else if (options_has(&o, "questions")) {
		code = list_questions(options_has(&o, "json"), &err);
	} else if (cli_load(&places, &catalog, 0, &err) != 0) {
		code = cli_usage(&err);
	} else {
		code = list(catalog, options_get(&o, "filter"), options_has(&o, "json"), &err) ? cli_usage(&err)
											       : CLI_DONE;
		catalog_free(catalog);
		session_free_places(&places);
	}
	options_free(&o);
	return code;
}
