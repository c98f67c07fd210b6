/*
 * oracle.h - what a correct run must have done: a subject that runs nothing and answers with certificates.
 *
 * One `subject --certify` process serves a whole run: it reads cells and prints the expected certificate of each. It
 * is asked between samples only and sleeps in read(2) otherwise. When it dies it is started again once per question; a
 * cell that kills it twice is answered with an error, and the run goes on.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <jansson.h>
#include <sched.h>

#include "harness/base/err.h"

struct oracle;

/* `cpus`: where it may run, or NULL. The process is started by the first question. */
struct oracle *oracle_new(const char *path, const cpu_set_t *cpus);
void oracle_free(struct oracle *o); /* may be NULL */

/* The expected certificate of a cell object (docs/subject-protocol.md): 0 and a new reference, or -errno. */
int oracle_expect(struct oracle *o, const json_t *cell, json_t **out, struct err *err);

/* Compare a certificate with the expected one, over the expected fields. 0, or -EBADMSG with the first difference. */
int oracle_compare(const json_t *expected, const json_t *cert, struct err *err);

#endif
