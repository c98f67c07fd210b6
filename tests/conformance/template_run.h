/*
 * template_run.h - running the template's body without a subject around it: between template_run.c, which stands for
 * the harness, and template_<style>.c, which starts the model.
 */
#ifndef TEMPLATE_RUN_H
#define TEMPLATE_RUN_H

#include "docs/templates/workload/template.h"

/* Run the body once in a model of its own: its status. */
int template_run(struct bench *b, const struct bench_body *body);

/* What bench_done is for this style. */
void template_done(struct bench *b, int status);

#endif
