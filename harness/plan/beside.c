#include "harness/plan/beside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/jsonx.h"

bool beside_is_old(const char *id)
{
	size_t n = strlen(id), suffix = strlen(BESIDE_SUFFIX);

	return n > suffix && strcmp(id + n - suffix, BESIDE_SUFFIX) == 0;
}

const struct subject *beside_of(const struct catalog *c, const struct subject *s)
{
	char *id = xformat("%s%s", s->id, BESIDE_SUFFIX);
	const struct subject *found = catalog_subject(c, id);

	free(id);
	return found;
}

/* By what each workload of `c` is called in the other catalog, where its version is the same. */
static bool *offers_of(const struct catalog *c, const struct catalog *other, const struct subject *s)
{
	bool *offers = xcalloc(c->n_workloads, sizeof *offers);

	for (size_t i = 0; i < c->n_workloads; i++)
		for (size_t j = 0; j < other->n_workloads; j++)
			if (strcmp(c->workloads[i].name, other->workloads[j].name) == 0 &&
			    c->workloads[i].version == other->workloads[j].version)
				offers[i] = s->offers[j];
	return offers;
}

static void add_one(struct catalog *c, const struct catalog *other, const struct subject *s)
{
	struct subject made = *s;

	made.id = xformat("%s%s", s->id, BESIDE_SUFFIX);
	made.path = xstrdup(s->path);
	made.model = xstrdup(s->id);
	made.knobs = NULL;
	json_incref(made.describe);
	made.offers = offers_of(c, other, s);
	c->subjects = xgrow(c->subjects, c->n_subjects + 1, sizeof *c->subjects);
	c->subjects[c->n_subjects++] = made;
}

int beside_add(struct catalog *c, const char *dir, struct err *err)
{
	struct catalog *other;
	size_t known = 0;
	int rc = catalog_load(dir, &other, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < other->n_subjects; i++) {
		const struct subject *s = catalog_subject(c, other->subjects[i].id);

		if (!s)
			continue;
		known++;
		if (!beside_of(c, s))
			add_one(c, other, &other->subjects[i]);
	}
	catalog_free(other);
	return known ? 0 : err_set(err, -ENOENT, "no subject in %.300s has the name of one of this build", dir);
}
