#include "harness/cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/jsonx.h"

static void variable_name(const struct option_spec *spec, char *buf, size_t size)
{
	if (spec->env) {
		snprintf(buf, size, "%s", spec->env);
		return;
	}
	snprintf(buf, size, "SWITCHYARD_%s", spec->name);
	for (char *c = buf; *c; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

static int add(struct options *o, size_t spec, const char *value, struct err *err)
{
	if (o->n_given == OPTIONS_MAX_VALUES)
		return err_set(err, -EINVAL, "too many options");
	o->given[o->n_given].spec = spec;
	o->given[o->n_given].from_environment = false;
	o->given[o->n_given++].value = xstrdup(value);
	return 0;
}

static bool find_long(const struct options *o, const char *text, size_t n, size_t *out)
{
	for (size_t i = 0; i < o->n_specs; i++) {
		if (strlen(o->specs[i].name) == n && strncmp(o->specs[i].name, text, n) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool find_short(const struct options *o, char letter, size_t *out)
{
	for (size_t i = 0; i < o->n_specs; i++) {
		if (letter && o->specs[i].letter == letter) {
			*out = i;
			return true;
		}
	}
	return false;
}

static int take_option(struct options *o, int argc, char **argv, int *at, struct err *err)
{
	const char *text = argv[*at], *equals = strchr(text, '=');
	size_t n = equals ? (size_t)(equals - text) : strlen(text), spec;
	bool known = text[1] == '-' ? find_long(o, text + 2, n - 2, &spec)
				    : text[2] == '\0' && find_short(o, text[1], &spec);

	if (text[1] != '-')
		equals = NULL;
	if (!known)
		return err_set(err, -EINVAL, "unknown option '%.100s'", text);
	if (!o->specs[spec].value) {
		if (equals)
			return err_set(err, -EINVAL, "option --%s takes no value", o->specs[spec].name);
		return add(o, spec, "1", err);
	}
	if (equals)
		return add(o, spec, equals + 1, err);
	if (*at + 1 >= argc)
		return err_set(err, -EINVAL, "option --%s needs a value: %s", o->specs[spec].name,
			       o->specs[spec].value);
	(*at)++;
	return add(o, spec, argv[*at], err);
}

static int take_environment(struct options *o, struct err *err)
{
	for (size_t i = 0; i < o->n_specs; i++) {
		char name[80];
		const char *value;
		int rc;

		variable_name(&o->specs[i], name, sizeof name);
		value = getenv(name);
		if (!value || !*value || options_has(o, o->specs[i].name))
			continue;
		if (!o->specs[i].value && strcmp(value, "0") == 0)
			continue;
		if (!o->specs[i].value && strcmp(value, "1") != 0)
			return err_set(err, -EINVAL, "%s is '%.60s', it must be 0 or 1", name, value);
		rc = add(o, i, value, err);
		if (rc)
			return rc;
		o->given[o->n_given - 1].from_environment = true;
	}
	return 0;
}

static int check_repeated(const struct options *o, struct err *err)
{
	for (size_t i = 0; i < o->n_given; i++)
		for (size_t j = 0; j < i; j++)
			if (o->given[i].spec == o->given[j].spec && !o->specs[o->given[i].spec].is_repeatable)
				return err_set(err, -EINVAL, "option --%s is given twice",
					       o->specs[o->given[i].spec].name);
	return 0;
}

int options_parse(const struct option_spec *specs, size_t n_specs, int argc, char **argv, struct options *out,
		  struct err *err)
{
	int rc = 0;

	*out = (struct options){.specs = specs, .n_specs = n_specs};
	for (int i = 0; i < argc && rc == 0; i++) {
		if (argv[i][0] == '-' && argv[i][1])
			rc = take_option(out, argc, argv, &i, err);
		else if (out->n_args == sizeof out->args / sizeof *out->args)
			rc = err_set(err, -EINVAL, "too many arguments");
		else
			out->args[out->n_args++] = argv[i];
	}
	if (rc == 0)
		rc = check_repeated(out, err);
	if (rc == 0)
		rc = take_environment(out, err);
	if (rc)
		options_free(out);
	return rc;
}

void options_free(struct options *o)
{
	for (size_t i = 0; i < o->n_given; i++)
		free(o->given[i].value);
	o->n_given = 0;
}

size_t options_all(const struct options *o, const char *name, const char **out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n_given && n < max; i++)
		if (strcmp(o->specs[o->given[i].spec].name, name) == 0)
			out[n++] = o->given[i].value;
	return n;
}

const char *options_get(const struct options *o, const char *name)
{
	const char *all[OPTIONS_MAX_VALUES];
	size_t n = options_all(o, name, all, OPTIONS_MAX_VALUES);

	return n ? all[n - 1] : NULL;
}

bool options_has(const struct options *o, const char *name)
{
	return options_get(o, name) != NULL;
}

bool options_typed(const struct options *o, const char *name)
{
	for (size_t i = 0; i < o->n_given; i++)
		if (!o->given[i].from_environment && strcmp(o->specs[o->given[i].spec].name, name) == 0)
			return true;
	return false;
}

void options_append_environment(const struct options *o, json_t *words)
{
	for (size_t i = 0; i < o->n_given; i++) {
		const struct option_spec *spec = &o->specs[o->given[i].spec];
		char *name;

		if (!o->given[i].from_environment)
			continue;
		name = xformat("--%s", spec->name);
		json_array_append_new(words, json_string(name));
		free(name);
		if (spec->value)
			json_array_append_new(words, json_string(o->given[i].value));
	}
}

int options_int(const struct options *o, const char *name, int64_t dflt, int64_t min, int64_t max, int64_t *out,
		struct err *err)
{
	const char *text = options_get(o, name);

	*out = dflt;
	if (!text)
		return 0;
	if (!jsonx_parse_int(text, out) || *out < min || *out > max)
		return err_set(err, -EINVAL, "--%s is '%.60s', it must be a whole number between %lld and %lld", name,
			       text, (long long)min, (long long)max);
	return 0;
}

size_t options_split(char *text, const char **out, size_t max)
{
	char *save = NULL;
	size_t n = 0;

	for (char *piece = strtok_r(text, ",", &save); piece && n < max; piece = strtok_r(NULL, ",", &save))
		out[n++] = piece;
	return n;
}

int options_share(const struct options *o, const char *name, double dflt, double *out, struct err *err)
{
	const char *text = options_get(o, name);
	char *end;

	*out = dflt;
	if (!text)
		return 0;
	*out = strtod(text, &end);
	if (end != text && *end == '%') {
		*out /= 100;
		end++;
	}
	if (end != text && !*end && *out > 0 && *out <= 1)
		return 0;
	return err_set(err, -EINVAL, "--%s is '%.60s', it must be a share such as 5%% or 0.05", name, text);
}

int options_quantity(const struct options *o, const char *name, const struct option_unit *units, const char *example,
		     double *out, struct err *err)
{
	const char *text = options_get(o, name);
	char *end;

	if (!text)
		return 0;
	*out = isdigit((unsigned char)*text) ? strtod(text, &end) : 0;
	for (; *out > 0 && isfinite(*out) && units->name; units++)
		if (strcmp(end, units->name) == 0) {
			*out *= units->factor;
			return 0;
		}
	return err_set(err, -EINVAL, "--%s is '%.60s', it must be a number with its unit, such as %s", name, text,
		       example);
}

enum { MOST_S = 1000000000 }; /* thirty years; in nanoseconds it fits its type */

bool options_duration(const char *text, int64_t *ns)
{
	int64_t total_s = 0;

	if (!isdigit((unsigned char)*text))
		return false;
	while (*text) {
		char *end;
		unsigned long long v;

		if (!isdigit((unsigned char)*text))
			return false;
		v = strtoull(text, &end, 10);
		if (v > 10000000)
			return false;
		switch (*end) {
		case 'h':
			v *= 3600;
			break;
		case 'm':
			v *= 60;
			break;
		case 's':
		case '\0':
			break;
		default:
			return false;
		}
		total_s += (int64_t)v;
		if (total_s > MOST_S)
			return false;
		text = *end ? end + 1 : end;
	}
	*ns = total_s * 1000000000;
	return total_s > 0;
}

void options_print(const struct option_spec *specs, size_t n_specs, FILE *out)
{
	for (size_t i = 0; i < n_specs; i++) {
		char left[60], letter[8] = "    ", name[80];

		if (specs[i].letter)
			snprintf(letter, sizeof letter, "-%c, ", specs[i].letter);
		snprintf(left, sizeof left, "%s--%s%s%s", letter, specs[i].name, specs[i].value ? " " : "",
			 specs[i].value ? specs[i].value : "");
		variable_name(&specs[i], name, sizeof name);
		fprintf(out, "  %-28s %s", left, specs[i].help);
		if (specs[i].env)
			fprintf(out, " (variable: %s)", specs[i].env);
		fputc('\n', out);
	}
}
