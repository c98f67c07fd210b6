/*
 * out.c - text to a descriptor from anywhere.
 *
 * Formatting is vsnprintf of plain numbers and strings, which takes no lock and no memory; writing is write(2). Nothing
 * is kept between calls, so two threads that write at the same time mix their lines at worst.
 */
#include "out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int gr__out_write(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t done = write(fd, text, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		text += done;
		n -= (size_t)done;
	}
	return 0;
}

void gr__out_flush(struct gr__out *o)
{
	int saved = errno; /* a handler must not change it */

	if (!o->err)
		o->err = gr__out_write(o->fd, o->text, o->n);
	o->n = 0;
	errno = saved;
}

void gr__out_put(struct gr__out *o, const char *text, size_t n)
{
	while (n) {
		size_t room = sizeof(o->text) - o->n, part = n < room ? n : room;

		memcpy(o->text + o->n, text, part);
		o->n += (unsigned)part;
		text += part;
		n -= part;
		if (o->n == sizeof(o->text))
			gr__out_flush(o);
	}
}

void gr__out_say(struct gr__out *o, const char *fmt, ...)
{
	char piece[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(piece, sizeof(piece), fmt, ap);
	va_end(ap);
	if (n > 0)
		gr__out_put(o, piece, (size_t)n < sizeof(piece) ? (size_t)n : sizeof(piece) - 1);
}
