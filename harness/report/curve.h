/* curve.h - cells that differ in one parameter alone: what a curve is drawn through, and cliffs are looked for along. */
#ifndef REPORT_CURVE_H
#define REPORT_CURVE_H

#include "harness/report/model.h"

/* The value of a whole-number parameter; NaN: the cell has none of that name, or it is a choice. */
double cell_param(const struct cell *c, const char *key);

/* Whether c is like `like` in everything but the parameter `key`: workload, placement, workers, other parameters. */
bool curve_has(const struct cell *like, const char *key, const struct cell *c);

#endif
