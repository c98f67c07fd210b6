/*
 * source_cost.h - what the bodies took to write, counted by scripts/source_cost when the suite is built.
 */
#ifndef SOURCE_COST_H
#define SOURCE_COST_H

struct source_cost {
	const char *workload; /* "family/name" */
	const char *style; /* "direct", "evented", "serial" */
	int lines; /* of code, in the body's own file */
	int shared; /* in headers of its style that it includes */
	int calls; /* places in which a primitive of the model is called */
	const char *primitives; /* their names, with blanks between them */
};

/* NULL: there is no body of that style. */
const struct source_cost *source_cost(const char *workload, const char *style);

#endif
