/* streams.c - targets: lines and HTTP, as processes exchange them. */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/base/jsonline.h"
#include "harness/loadgen/http.h"
#include "harness/loadgen/request.h"
#include "harness/plan/oracle.h"
#include "workloads/net/http/parser.h"

/* ---- lines ------------------------------------------------------------------------------------------------- */

enum { SHORT_LINE = 1024 }; /* so that lines that are too long need no long inputs */

/* A descriptor that reads as the input does, to its end. */
static int input_fd(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)
		fuzz_fault("the input cannot be given: %s", strerror(errno));
	return fd;
}

int fuzz_jsonline(const uint8_t *data, size_t size)
{
	struct jsonline in;
	int status = 1, lines = 0;

	if (jsonline_init(&in, input_fd(data, size), SHORT_LINE) < 0)
		fuzz_fault("out of memory");
	while (status == 1 || status == -EBADMSG) {
		struct err e = {{0}};
		json_t *message = NULL;

		status = jsonline_read_object(&in, 0, &message, &e);
		fuzz_check(status, &e);
		if ((status == 1) != (message != NULL))
			fuzz_fault("status %d, and message %p", status, (void *)message);
		json_decref(message);
		if (lines++ > (int)size)
			fuzz_fault("more lines than bytes");
	}
	if (status != 0 && status != -EMSGSIZE && status != -EPIPE)
		fuzz_fault("a file ends with %d", status);
	jsonline_free(&in);
	return 0;
}

/* ---- what is asked ----------------------------------------------------------------------------------------- */

int fuzz_load(const uint8_t *data, size_t size)
{
	static struct load_request request; /* holds a path */
	json_t *object = fuzz_object(data, size);
	struct err e = {{0}};
	int rc;

	if (!object)
		return 0;
	rc = load_request_parse(object, &request, &e);
	fuzz_check(rc, &e);
	if (rc == 0 && (request.config.connections == 0 || request.config.message_bytes == 0 ||
			request.config.active > request.config.connections))
		fuzz_fault("a request that cannot be served was taken");
	json_decref(object);
	return 0;
}

int fuzz_certificate(const uint8_t *data, size_t size)
{
	json_t *both = json_loadb((const char *)data, size, 0, NULL);
	const json_t *expected = json_array_get(both, 0), *cert = json_array_get(both, 1);
	struct err e = {{0}};
	int rc;

	if (json_is_object(expected) && json_is_object(cert)) { /* both callers have made sure of that */
		rc = oracle_compare(expected, cert, &e);
		fuzz_check(rc, &e);
		if (rc == 0 && oracle_compare(expected, expected, &e) != 0)
			fuzz_fault("a certificate is not what it is");
	}
	json_decref(both);
	return 0;
}

/* ---- HTTP -------------------------------------------------------------------------------------------------- */

/* What became of the bytes: of the requests up to the first that is refused. */
struct requests {
	size_t n, used;
	uint16_t status;
	bool closes;
};

static struct requests parse_in_pieces(const uint8_t *data, size_t size, size_t piece)
{
	struct http_parser p = {0};
	struct requests out = {0};

	while (out.used < size) {
		size_t n = size - out.used < piece ? size - out.used : piece, used = 0;
		enum http_result result = http_parse(&p, (const char *)data + out.used, n, &used);

		if (used == 0 || used > n || (result == HTTP_MORE && used != n))
			fuzz_fault("%zu of %zu bytes were used", used, n);
		out.used += used;
		if (result == HTTP_REQUEST)
			out.closes |= p.closes, out.n++;
		if (result == HTTP_REFUSED) {
			out.status = p.status;
			if (strncmp(http_refusal(p.status), "HTTP/1.1 4", 10) != 0 &&
			    strncmp(http_refusal(p.status), "HTTP/1.1 5", 10) != 0)
				fuzz_fault("refused with %u", p.status);
			break;
		}
	}
	return out;
}

/* However the bytes come, they mean the same. */
int fuzz_http_request(const uint8_t *data, size_t size)
{
	struct requests whole = parse_in_pieces(data, size, size ? size : 1), bytes = parse_in_pieces(data, size, 1),
			some = parse_in_pieces(data, size, 7);

	if (whole.n != bytes.n || whole.used != bytes.used || whole.status != bytes.status ||
	    whole.closes != bytes.closes || some.n != bytes.n || some.used != bytes.used || some.status != bytes.status)
		fuzz_fault("in one piece %zu requests and status %u after %zu bytes, byte by byte %zu, %u and %zu",
			   whole.n, whole.status, whole.used, bytes.n, bytes.status, bytes.used);
	return 0;
}

enum { BODY_BYTES = 200 };

static int take_in_pieces(const uint8_t *data, size_t size, size_t piece, uint64_t body_bytes)
{
	static uint8_t expected[BODY_BYTES];
	struct http_reader reader;
	struct err e = {{0}};
	int rc = 0;

	for (size_t i = 0; i < BODY_BYTES; i++)
		expected[i] = http_body_byte(i);
	http_reader_reset(&reader);
	for (size_t at = 0; at < size && rc == 0; at += piece)
		rc = http_reader_take(&reader, data + at, size - at < piece ? size - at : piece, expected, body_bytes,
				      &e);
	fuzz_check(rc, &e);
	return rc;
}

int fuzz_http_answer(const uint8_t *data, size_t size)
{
	for (uint64_t body = 0; body <= BODY_BYTES; body += BODY_BYTES) {
		int whole = take_in_pieces(data, size, size ? size : 1, body);
		int bytes = take_in_pieces(data, size, 1, body);

		/* Byte by byte the answer may be whole before bytes that are too many come. */
		if (whole != bytes && !(whole < 0 && bytes == 1))
			fuzz_fault("in one piece %d, byte by byte %d", whole, bytes);
	}
	return 0;
}
