/*
 * out.h - text to a descriptor from anywhere: in signal handlers, without memory, with any lock of the libc held.
 */
#ifndef GR_OUT_H
#define GR_OUT_H

#include <stddef.h>

/* What is to be written and has not been yet. Whoever uses it owns it; a descriptor of -1 swallows everything. */
struct gr__out {
	int fd;
	unsigned n;
	int err; /* of the first write that failed, negative */
	char text[4096];
};

/* Write n bytes. 0, or -errno: then the rest is dropped. */
int gr__out_write(int fd, const char *text, size_t n);

/* Append text; what does not fit is written at once. %s of at most some hundred characters: a piece is cut at 512. */
void gr__out_put(struct gr__out *o, const char *text, size_t n);
void gr__out_say(struct gr__out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Write what is there. What cannot be written is dropped. */
void gr__out_flush(struct gr__out *o);

#endif
