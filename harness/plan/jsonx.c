#include "harness/plan/jsonx.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
	if (p)
		return p;
	fputs("switchyard: out of memory\n", stderr);
	exit(2);
}

void *xcalloc(size_t n, size_t size)
{
	return must(calloc(n ? n : 1, size ? size : 1));
}

void *xgrow(void *old, size_t n, size_t size)
{
	return must(reallocarray(old, n ? n : 1, size));
}

char *xstrdup(const char *s)
{
	return must(strdup(s));
}

char *xformat(const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return must(n < 0 ? NULL : text);
}

json_t *jsonx_hex(uint64_t v)
{
	char text[17];

	snprintf(text, sizeof text, "%016" PRIx64, v);
	return json_string(text);
}

bool jsonx_parse_hex(const char *text, uint64_t *out)
{
	char *end;

	if (!text || strlen(text) == 0 || strlen(text) > 16 || strspn(text, "0123456789abcdefABCDEF") != strlen(text))
		return false;
	*out = strtoull(text, &end, 16);
	return *end == '\0';
}

bool jsonx_parse_int(const char *text, int64_t *out)
{
	char *end;
	long long v;

	if (!text || !*text || strspn(text, "-0123456789") != strlen(text))
		return false;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno || *end)
		return false;
	*out = v;
	return true;
}

const char *jsonx_str(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

int64_t jsonx_int(const json_t *object, const char *key, int64_t dflt)
{
	const json_t *v = json_object_get(object, key);

	if (json_is_integer(v))
		return json_integer_value(v);
	if (json_is_real(v) && fabs(json_real_value(v)) < 0x1p63)
		return (int64_t)json_real_value(v);
	return dflt;
}

double jsonx_real(const json_t *object, const char *key, double dflt)
{
	const json_t *v = json_object_get(object, key);

	return json_is_number(v) ? json_number_value(v) : dflt;
}

bool jsonx_bool(const json_t *object, const char *key, bool dflt)
{
	const json_t *v = json_object_get(object, key);

	return json_is_boolean(v) ? json_is_true(v) : dflt;
}

bool jsonx_numbers_fit(const json_t *value)
{
	const json_t *child;
	const char *key;
	size_t i;

	json_object_foreach ((json_t *)value, key, child)
		if (!jsonx_numbers_fit(child))
			return false;
	json_array_foreach (value, i, child)
		if (!jsonx_numbers_fit(child))
			return false;
	return !json_is_number(value) || fabs(json_number_value(value)) < 0x1p53;
}

json_t *jsonx_count(int64_t v)
{
	return v < 0 ? json_null() : json_integer(v);
}

json_t *jsonx_copy_or_null(const json_t *object, const char *key)
{
	json_t *v = json_object_get(object, key);

	return v ? json_deep_copy(v) : json_null();
}

void jsonx_scalar_text(const json_t *value, char *buf, size_t size)
{
	if (json_is_integer(value))
		snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_string(value))
		snprintf(buf, size, "%s", json_string_value(value));
	else if (json_is_boolean(value))
		snprintf(buf, size, "%s", json_is_true(value) ? "true" : "false");
	else
		snprintf(buf, size, "?");
}
