/*
 * curve.h - cells that differ in one number alone: what a curve is drawn through, cliffs are looked for along, and the
 * scalability law is fitted to.
 *
 * The number is a parameter of the workload, or "workers", the CPUs that the model may use. On that axis the cell on one
 * CPU (placement `same`) is the first point of every other placement's curve, and begins none of its own.
 */
#ifndef REPORT_CURVE_H
#define REPORT_CURVE_H

#include "harness/report/model.h"

#define CURVE_WORKERS "workers"

/* The number of a cell on the axis `key`; NaN: it has no parameter of that name, or it is a choice. */
double cell_param(const struct cell *c, const char *key);

/* Whether c is like `like` in everything but `key`: workload, placement, workers, other parameters. */
bool curve_has(const struct cell *like, const char *key, const struct cell *c);

/* Whether a curve along `key` may be named by this cell. */
bool curve_may_begin(const struct cell *c, const char *key);

#endif
