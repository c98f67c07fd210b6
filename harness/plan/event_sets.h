/*
 * event_sets.h - what counted samples count: sets of a few events whose ratios belong together.
 *
 * A CPU counts few events at a time. More are multiplexed, and then each is an estimate from another part of the region, so that
 * a ratio of two of them may be of two different things. So a counted sample has one set, small enough to be counted at once, and
 * several sets take turns over the samples of a cell. The record says which set its sample had.
 *
 * A set is written as a name (`ipc`) or as its events (`cycles,page-faults`); several are a JSON array of such texts.
 */
#ifndef EVENT_SETS_H
#define EVENT_SETS_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "harness/base/err.h"

enum { EVENT_SET_MAX = 16 }; /* events of one set */

/* What cells are counted with where neither plan nor user say anything: an array (new reference). */
json_t *event_sets_default(void);

/*
 * From text: `ipc;cache` and `ipc,cache` are two sets; `cycles,page-faults` is one; in `ipc,cycles,page-faults` the name is a set of
 * its own and the rest is one. Each name is checked (counters_check_name). An array (new reference, empty for an empty text) or
 * -EINVAL with a sentence.
 */
int event_sets_parse(const char *text, json_t **out, struct err *err);

/* The events of a set, in *held (the caller frees it after use of out); how many. */
size_t event_set_events(const char *set, const char *out[EVENT_SET_MAX], char **held);

/* For --help: a line for each named set. */
void event_sets_print(FILE *out);

#endif
