/*
 * check.h - does an executable keep the subject protocol? One line per rule: what is expected, what was seen.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

#include "harness/measure/measure.h"
#include "harness/plan/catalog.h"

struct check_config {
	const char *path; /* the executable */
	const char *loadgen; /* for servers */
	const char *certifier; /* a subject that knows the certificates, or NULL: the executable itself, if it can */
	const char *data_dir;
	const struct topology *topology;
	int64_t patience_ns; /* for each answer */
	FILE *out;
};

/* Returns the number of rules that are broken. */
unsigned check_subject(const struct check_config *config);

/* check_agree.c. Whether the workload is described as the others describe it; what a record of a good sample has of the optional
 * parts. False: with a sentence. */
bool check_agrees(const struct workload_def *mine, const struct catalog *others, struct err *why);
bool check_sample_parts(const json_t *record, struct err *why);

#endif
