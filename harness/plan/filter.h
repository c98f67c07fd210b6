/*
 * filter.h - which cells and subjects to run, in one line of text.
 *
 *      filter := and { ("OR" | "|") and }           'workload:ring | workload:fib'
 *      and    := not { not }                        white space means AND
 *      not    := ("-" | "NOT") not | "(" filter ")" | key ":" value
 *      value  := atom { "," atom } | "(" atom { ("OR" | "|" | ",") atom } ")"
 *      atom   := word | "quoted" | "/" regex "/" | (">=" | "<=" | ">" | "<" | "=") number
 *
 * Keys: workload, family, subject, placement, kind, group, workers and the name of any parameter. A workload is named
 * in full ("switch/ring") or by its last part ("ring"), a family by its first. A parameter that a workload does not
 * have matches nothing. Regular expressions are POSIX extended, unanchored; one that would be thousands of characters long
 * with its repetitions written out is refused.
 */
#ifndef FILTER_H
#define FILTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/base/err.h"

/* A parameter name that may be used as a key. */
struct filter_key {
	const char *name;
	bool is_number; /* compares as a number; an atom that is not one is an error */
};

struct filter;

/* What is matched: one subject on one cell. NULL fields match nothing. */
struct filter_item {
	const char *workload, *subject, *placement, *kind, *group;
	unsigned workers;
	const json_t *params; /* object: name -> integer or string */
};

/* 0, or -EINVAL with a sentence that names the place, and for an unknown key the known ones. */
int filter_parse(const char *text, const struct filter_key *params, size_t n_params, struct filter **out,
		 struct err *err);
bool filter_match(const struct filter *f, const struct filter_item *item);
/*
 * Whether anything of a workload and group can match, whatever its subjects, parameters and placements are: only
 * `workload` and `group` of the item are looked at.
 */
bool filter_may_match(const struct filter *f, const struct filter_item *item);
/* Whether the filter asks for workloads by name or family (not only to exclude them). */
bool filter_names_workloads(const struct filter *f);
void filter_free(struct filter *f);

#endif
