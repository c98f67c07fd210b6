/*
 * references.h - the reference subjects that a build could have and has not: their toolchain was not found.
 *
 * The build writes references.json beside the subjects, because only it knows what it looked for:
 *
 *      {"references": [{"id": "libuv", "packages": "libuv1-dev", "built": false}, ...]}
 *
 * So a table of all runtimes can say which are absent, and what brings them, without any name of a runtime in the harness.
 */
#ifndef REFERENCES_H
#define REFERENCES_H

#include <jansson.h>

struct catalog;

/* What the text tells, less what the catalog has: {"id","packages","why"} are appended to `out`. A sentence, or NULL: the
 * text is not of the form above, and nothing was appended. */
const char *references_add(const char *text, const struct catalog *c, json_t *out);

/* The same of references.json in each of these directories (colon-separated). A file that is wrong is a warning of the catalog. */
json_t *references_missing(const char *dirs, const struct catalog *c);

#endif
