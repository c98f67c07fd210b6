/*
 * jsonx.h - the few things that the harness wants from JSON values and memory beside jansson's own.
 *
 * Allocation here cannot fail: the harness holds kilobytes, and a machine that cannot give it those cannot measure.
 * It then ends with a sentence and exit code 2; what a run has written so far is complete lines and stays usable.
 */
#ifndef JSONX_H
#define JSONX_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

/* The sentence of a struct err. */
#define ERR_TEXT(e) ((e).why)

void *xcalloc(size_t n, size_t size);
void *xgrow(void *old, size_t n, size_t size); /* like reallocarray; new part is not cleared */
char *xstrdup(const char *s);
char *xformat(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* 64-bit values travel as strings of 16 hexadecimal digits. */
json_t *jsonx_hex(uint64_t v);
bool jsonx_parse_hex(const char *text, uint64_t *out);

/* A whole number in decimal, with nothing before or after it. */
bool jsonx_parse_int(const char *text, int64_t *out);

/* Member of an object, or NULL / the default where it is absent, of another type or out of range. */
const char *jsonx_str(const json_t *object, const char *key);
int64_t jsonx_int(const json_t *object, const char *key, int64_t dflt);
double jsonx_real(const json_t *object, const char *key, double dflt);
bool jsonx_bool(const json_t *object, const char *key, bool dflt);

/* Whether every number in it lies between -2^53 and 2^53, as the protocol has it: then sums and products of a few fit, too. */
bool jsonx_numbers_fit(const json_t *value);

/* A number, or null where v is negative (= not measured). */
json_t *jsonx_count(int64_t v);
/* A member that is copied (new reference), or null. */
json_t *jsonx_copy_or_null(const json_t *object, const char *key);

/* A scalar value as it is written in cell names: 64, warm. Writes at most `size` bytes, always terminated. */
void jsonx_scalar_text(const json_t *value, char *buf, size_t size);

#endif
