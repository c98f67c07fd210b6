/* jsonline.c - bounded JSON lines over a descriptor; see jsonline.h. */
#include "harness/base/jsonline.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"

enum { QUOTE_MAX = 200 }; /* bytes of a bad line that an error sentence quotes; arbitrary */

int jsonline_init(struct jsonline *jl, int fd, size_t max)
{
	*jl = (struct jsonline){.fd = fd, .max = max};
	jl->buf = malloc(max + 1);
	return jl->buf ? 0 : -ENOMEM;
}

void jsonline_free(struct jsonline *jl)
{
	free(jl->buf);
	jl->buf = NULL;
}

/* Cut the line that ends before `end` (an index into buf) out of the buffer; `next` is the first byte behind it. */
static char *cut_line(struct jsonline *jl, size_t end, size_t next)
{
	char *line = jl->buf + jl->start;

	jl->buf[end] = '\0';
	jl->start = next;
	return line;
}

static bool find_newline(const struct jsonline *jl, size_t from, size_t *at)
{
	const char *nl = memchr(jl->buf + from, '\n', jl->end - from);

	if (nl)
		*at = (size_t)(nl - jl->buf);
	return nl != NULL;
}

/*
 * Wait until the descriptor can be read or written, or the deadline has passed. 0, -ETIMEDOUT, -errno.
 * End of file and errors count as readable: read(2) or write(2) then says which.
 */
static int wait_ready(int fd, short events, bool has_deadline, uint64_t deadline_ns)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		int n = poll(&p, 1, has_deadline ? clock_ms_until(deadline_ns) : -1);

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

/* One read(2) into the free space. > 0: bytes, 0: end of file, -EAGAIN, -errno. */
static ssize_t fill(struct jsonline *jl)
{
	for (;;) {
		ssize_t n = read(jl->fd, jl->buf + jl->end, jl->max - jl->end);

		if (n >= 0) {
			jl->end += (size_t)n;
			return n;
		}
		if (errno != EINTR)
			return -errno;
	}
}

/* Move what has not been given out to the front, so that the whole of buf is there for one line. */
static void compact(struct jsonline *jl)
{
	if (jl->start == 0)
		return;
	memmove(jl->buf, jl->buf + jl->start, jl->end - jl->start);
	jl->end -= jl->start;
	jl->start = 0;
}

int jsonline_read(struct jsonline *jl, int timeout_ms, char **line)
{
	bool has_deadline = timeout_ms >= 0;
	uint64_t deadline_ns = has_deadline ? clock_now_ns() + (uint64_t)timeout_ms * CLOCK_NS_PER_MSEC : 0;
	size_t searched = jl->start;
	size_t nl;

	for (;;) {
		ssize_t n;
		int status;

		if (find_newline(jl, searched, &nl)) {
			*line = cut_line(jl, nl, nl + 1);
			return 1;
		}
		if (jl->at_eof) {
			if (jl->start == jl->end)
				return 0;
			*line = cut_line(jl, jl->end, jl->end);
			return -EPIPE;
		}
		compact(jl);
		searched = jl->end;
		if (jl->end == jl->max) {
			*line = cut_line(jl, jl->end, jl->end);
			return -EMSGSIZE;
		}
		/* A blocking descriptor without a deadline needs no poll: read(2) waits by itself. */
		status = has_deadline ? wait_ready(jl->fd, POLLIN, true, deadline_ns) : 0;
		if (status < 0)
			return status;
		n = fill(jl);
		if (n == 0)
			jl->at_eof = true;
		if (n == -EAGAIN) {
			status = wait_ready(jl->fd, POLLIN, has_deadline, deadline_ns);
			if (status < 0)
				return status;
		} else if (n < 0) {
			return (int)n;
		}
	}
}

bool jsonline_pending(const struct jsonline *jl)
{
	size_t nl;

	return jl->at_eof || find_newline(jl, jl->start, &nl);
}

int jsonline_parse(const char *line, json_t **out, struct err *e)
{
	json_error_t error;
	json_t *value = json_loads(line, JSON_REJECT_DUPLICATES, &error);

	if (!value)
		return err_set(e, -EBADMSG, "not JSON (%s): %.*s", error.text, QUOTE_MAX, line);
	if (!json_is_object(value)) {
		json_decref(value);
		return err_set(e, -EBADMSG, "not a JSON object: %.*s", QUOTE_MAX, line);
	}
	*out = value;
	return 1;
}

int jsonline_read_object(struct jsonline *jl, int timeout_ms, json_t **out, struct err *e)
{
	char *line = NULL;
	int status = jsonline_read(jl, timeout_ms, &line);

	switch (status) {
	case 1:
		return jsonline_parse(line, out, e);
	case 0:
		return 0;
	case -ETIMEDOUT:
		return err_set(e, status, "no whole line within %d ms", timeout_ms);
	case -EMSGSIZE:
		return err_set(e, status, "a line longer than %zu bytes: %.*s", jl->max, QUOTE_MAX, line);
	case -EPIPE:
		return err_set(e, status, "end of file in the middle of a line: %.*s", QUOTE_MAX, line);
	default:
		return err_sys(e, status, "cannot read a line");
	}
}

int jsonline_write_text(int fd, const char *text, size_t len, int timeout_ms)
{
	bool has_deadline = timeout_ms >= 0;
	uint64_t deadline_ns = has_deadline ? clock_now_ns() + (uint64_t)timeout_ms * CLOCK_NS_PER_MSEC : 0;

	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n >= 0) {
			text += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			int status = wait_ready(fd, POLLOUT, has_deadline, deadline_ns);

			if (status < 0)
				return status;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

int jsonline_write(int fd, const json_t *msg, int timeout_ms)
{
	const size_t flags = JSON_COMPACT;
	size_t len = json_dumpb(msg, NULL, 0, flags);
	char *text;
	int status;

	if (len == 0)
		return -EINVAL; /* not an object or array, or text that is not UTF-8 */
	text = malloc(len + 1);
	if (!text)
		return -ENOMEM;
	json_dumpb(msg, text, len, flags);
	text[len] = '\n';
	status = jsonline_write_text(fd, text, len + 1, timeout_ms);
	free(text);
	return status;
}
