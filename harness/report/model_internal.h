/*
 * model_internal.h - what model.c, which reads the plan, and model_samples.c share.
 */
#ifndef MODEL_INTERNAL_H
#define MODEL_INTERNAL_H

#include "harness/report/model.h"

/* One line of samples.jsonl into its series, or among what was left out. 0 or -ENOMEM. */
int model_read_sample(struct report *r, const json_t *sample);
/* After the last line: points in order, what each series is worth, and the run's totals. */
void model_settle(struct report *r);

#endif
