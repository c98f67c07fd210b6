/*
 * variant.h - a subject beside itself with other settings.
 *
 * "gmp+steal=0" is the subject gmp with its knob steal at 0: a name that stands wherever a subject's name does (a plan's
 * lists, --subjects, filters), so that what a setting is worth is measured in the same rounds as all else. Several
 * settings follow each other: "gmp+steal=0+runnext=0". In a catalog a variant is a subject of its own, of the same binary
 * and the same description; `model` names the subject that it is a variant of, `knobs` what its cells say.
 *
 * A knob that the subject does not list is refused; what a value means, and whether it may be, only the subject knows:
 * it answers when it is started. A variant of a subject that this build does not have does not exist either.
 */
#ifndef VARIANT_H
#define VARIANT_H

#include <stddef.h>

#include "harness/plan/catalog.h"

/* Whether `name` is written as a variant. */
bool variant_is(const char *name);

/*
 * Put the variant `name` into the catalog, if it is not there. 0; -ENOENT: there is no such subject; -EINVAL: it is not of
 * the form above, or the subject has no such knob. Pointers to the catalog's subjects are void afterwards.
 */
int variant_add(struct catalog *c, const char *name, struct err *err);

/* Whether the subject has a knob of this name (n characters): -EINVAL and a sentence if not. One that lists none is believed. */
int variant_check_knob(const struct subject *s, const char *name, size_t n, struct err *err);

/* "a=1,b=2" of both lists, the second last: it decides where both name a knob. A new string; NULL is an empty list. */
char *variant_join(const char *knobs, const char *more);

#endif
