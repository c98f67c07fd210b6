/*
 * question_internal.h - what question_file.c and question_check.c share.
 */
#ifndef QUESTION_INTERNAL_H
#define QUESTION_INTERNAL_H

#include "harness/plan/question_file.h"

/* Whether a name begins as questions' ids and files do: Q08, S01. */
bool question_id_is(const char *name);
/* Before expanding: keys, types, and the form of all expressions. */
int question_check_shape(const json_t *question, const char *name, struct err *err);
/* After it: what refers to something that is not there, and what nothing could refute. */
int question_check_sense(const json_t *question, const char *name, struct err *err);

#endif
