/*
 * jsonline.h - one JSON object per line, over a descriptor, with a bound on everything.
 *
 * The other side may be a program under test that hangs, dies in the middle of a line or prints nonsense; none of
 * that may block, grow or end the reader. So: a line has a greatest length, a read has a deadline for the whole
 * line (not for each piece of it), and what does not parse is given back as text to be quoted.
 *
 * stdio was rejected: it can neither wait with a deadline nor say how much it has already buffered.
 */
#ifndef BASE_JSONLINE_H
#define BASE_JSONLINE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "harness/base/err.h"

enum {
	JSONLINE_MAX = 64 * 1024, /* greatest length of a message of the subject protocol, newline included */
	JSONLINE_DESCRIBE_MAX =
		4 * 1024 * 1024, /* the same for the answer to --describe, which grows with the workloads */
};

/* Owned by one thread. */
struct jsonline {
	int fd; /* not owned: never closed here; blocking or not */
	bool at_eof; /* the descriptor has reported end of file */
	char *buf; /* max + 1 bytes */
	size_t max; /* greatest length of a line */
	size_t start; /* first byte that has not been given out */
	size_t end; /* behind the last byte read */
};

/* Make a reader. 0 or -ENOMEM. */
int jsonline_init(struct jsonline *jl, int fd, size_t max);
void jsonline_free(struct jsonline *jl);

/*
 * Read one line, without its newline, as a string that lives until the next call. timeout_ms < 0: no deadline, 0: only
 * what is there already.
 *
 *   1           a line is in *line
 *   0           end of file, at a line's border
 *   -ETIMEDOUT  no whole line in time; what has come is kept for the next call
 *   -EMSGSIZE   the line is longer than max; *line is its beginning, and the reader is of no more use
 *   -EPIPE      end of file in the middle of a line; *line is that piece
 *   -errno      of read(2) or poll(2)
 */
int jsonline_read(struct jsonline *jl, int timeout_ms, char **line);

/*
 * The same, parsed: 1 and a new reference in *out when the line is a JSON object; -EBADMSG when it is something else.
 * For every negative result *e has a sentence, with the line quoted where there is one.
 */
int jsonline_read_object(struct jsonline *jl, int timeout_ms, json_t **out, struct err *e);

/* Parse one line as a JSON object: 1 or -EBADMSG, as above. */
int jsonline_parse(const char *line, json_t **out, struct err *e);

/* Is a whole line, or the end of file, already in the buffer, so that poll(2) on the descriptor would be wrong? */
bool jsonline_pending(const struct jsonline *jl);

/*
 * Write the object and a newline completely, as one write(2) where the descriptor takes it. 0, -ETIMEDOUT or -errno
 * (-EPIPE needs SIGPIPE to be ignored). The deadline holds for descriptors in non-blocking mode; a blocking one may
 * block in write(2) for as long as the reader does not read. timeout_ms < 0: no deadline. Does not take the reference.
 */
int jsonline_write(int fd, const json_t *msg, int timeout_ms);

/* The same for text that ends with its newline. */
int jsonline_write_text(int fd, const char *text, size_t len, int timeout_ms);

#endif
