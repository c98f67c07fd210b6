#include "harness/plan/variant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/jsonx.h"

bool variant_is(const char *name)
{
	return strchr(name, '+') != NULL;
}

int variant_check_knob(const struct subject *s, const char *name, size_t n, struct err *err)
{
	const json_t *list = json_object_get(s->describe, "knobs"), *knob;
	char known[260] = "";
	size_t used = 0, i;

	if (!json_is_array(list))
		return 0;
	json_array_foreach (list, i, knob) {
		const char *have = jsonx_str(knob, "name");

		if (have && strlen(have) == n && strncmp(have, name, n) == 0)
			return 0;
		if (have && used < sizeof known)
			used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", have);
	}
	return err_set(err, -EINVAL, "%.40s has no knob '%.*s'; it has %s", s->id, n > 60 ? 60 : (int)n, name,
		       used ? known : "none");
}

char *variant_join(const char *knobs, const char *more)
{
	bool both = knobs && *knobs && more && *more;

	return xformat("%s%s%s", knobs ? knobs : "", both ? "," : "", more ? more : "");
}

/* The settings behind the first '+', with commas between them; NULL and a sentence if they are none. */
static char *knobs_of(const struct subject *s, const char *name, const char *settings, struct err *err)
{
	char *knobs = xstrdup(settings), *at = knobs;

	for (;;) {
		size_t n = strcspn(at, "=+"), whole = strcspn(at, "+");

		if (n == 0 || at[n] != '=' || whole == n + 1 || strcspn(at, ",") < whole) {
			err_set(err, -EINVAL, "subject '%.80s' is not of the form SUBJECT+NAME=VALUE", name);
			break;
		}
		if (variant_check_knob(s, at, n, err) != 0)
			break;
		if (at[whole] == '\0')
			return knobs;
		at[whole] = ',';
		at += whole + 1;
	}
	free(knobs);
	return NULL;
}

int variant_add(struct catalog *c, const char *name, struct err *err)
{
	size_t n = strcspn(name, "+");
	char *model, *knobs;
	const struct subject *s;
	struct subject made;

	if (catalog_subject(c, name))
		return 0;
	model = xformat("%.*s", (int)n, name);
	s = catalog_subject(c, model);
	free(model);
	if (!s)
		return err_set(err, -ENOENT, "there is no subject '%.*s'", n > 60 ? 60 : (int)n, name);
	if (name[n] != '+')
		return err_set(err, -EINVAL, "subject '%.80s' is not of the form SUBJECT+NAME=VALUE", name);
	knobs = knobs_of(s, name, name + n + 1, err);
	if (!knobs)
		return -EINVAL;
	made = *s;
	made.id = xstrdup(name);
	made.path = xstrdup(s->path);
	made.model = xstrdup(s->id);
	made.knobs = knobs;
	json_incref(made.describe);
	made.offers = xcalloc(c->n_workloads, sizeof *made.offers);
	memcpy(made.offers, s->offers, c->n_workloads * sizeof *made.offers);
	c->subjects = xgrow(c->subjects, c->n_subjects + 1, sizeof *c->subjects);
	c->subjects[c->n_subjects++] = made;
	return 0;
}
