/* err.c - sentences for errors; see err.h. */
#include "harness/base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/utf8.h"

int err_set(struct err *e, int status, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return status;
	va_start(ap, fmt);
	vsnprintf(e->why, sizeof(e->why), fmt, ap);
	va_end(ap);
	utf8_clean(e->why);
	return status;
}

int err_sys(struct err *e, int status, const char *fmt, ...)
{
	va_list ap;
	size_t used;
	char text[128];

	if (!e)
		return status;
	va_start(ap, fmt);
	vsnprintf(e->why, sizeof(e->why), fmt, ap);
	va_end(ap);
	used = strlen(e->why);
	/* The GNU strerror_r: it gives back the text, which need not lie in the buffer. */
	snprintf(e->why + used, sizeof(e->why) - used, ": %s", strerror_r(-status, text, sizeof(text)));
	utf8_clean(e->why);
	return status;
}

void err_fatal(const char *fmt, ...)
{
	va_list ap;
	char text[512];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "fatal: %s\n", text);
	fflush(stderr);
	abort();
}
