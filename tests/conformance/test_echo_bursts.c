/*
 * net/echo under a client that sends without reading until the server is full in both directions, and that closes one
 * direction while the other still runs: what the load generator never does. A server that drops what a partial write
 * left over, that waits for one connection while others starve, or that takes the end of the input for the end of the
 * connection fails here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "tests/conformance/peer.h"

enum {
	BURST_CONNECTIONS = 3,
	BURST_CHUNK = 65536,
	BURST_SOCKET_BYTES = 262144, /* of the client's buffers; less than a few segments makes TCP wait for timers */
	BURST_MORE_BYTES = 300000, /* sent while reading, after the connection was full in both directions */
	BURST_MAX_BYTES = 256 << 20, /* no kernel buffers that much */
	BURST_FULL_MS = 50, /* a socket that takes nothing for so long is full */
};

/* A connection whose client sends far more than it reads, and then makes up for it. */
struct burst {
	int id, fd;
	size_t sent, got;
	size_t total; /* to be sent; known once the connection is full */
};

static unsigned char burst_byte(const struct burst *c, size_t at)
{
	return (unsigned char)((at * 2654435761u >> 13) + (unsigned)c->id);
}

static void burst_connect(struct burst *c, int id, int port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int bytes = BURST_SOCKET_BYTES;

	*c = (struct burst){.id = id, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	assert_true(c->fd >= 0);
	assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
	assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof to), 0);
}

/* Send once, up to `limit` bytes in all, as much as the socket takes. */
static void burst_send(struct burst *c, size_t limit)
{
	static unsigned char chunk[BURST_CHUNK];
	size_t bytes = limit - c->sent < sizeof chunk ? limit - c->sent : sizeof chunk;
	ssize_t n;

	for (size_t i = 0; i < bytes; i++)
		chunk[i] = burst_byte(c, c->sent + i);
	n = send(c->fd, chunk, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	assert_true(n > 0 || (n < 0 && errno == EAGAIN));
	c->sent += n > 0 ? (size_t)n : 0;
}

static void burst_fill(struct burst *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLOUT};

	while (c->sent < BURST_MAX_BYTES && poll(&p, 1, BURST_FULL_MS) == 1)
		burst_send(c, BURST_MAX_BYTES);
	assert_true(c->sent < BURST_MAX_BYTES);
	c->total = c->sent + BURST_MORE_BYTES;
}

/* Read once and check what came. False: the end of the stream. */
static bool burst_receive(struct burst *c)
{
	static unsigned char chunk[BURST_CHUNK];
	ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
	bool is_right = true;

	if (n < 0 && errno == EAGAIN)
		return true;
	assert_true(n >= 0);
	for (ssize_t i = 0; i < n; i++)
		is_right &= chunk[i] == burst_byte(c, c->got + (size_t)i);
	assert_true(is_right);
	c->got += (size_t)n;
	return n > 0;
}

/* Send the rest and read everything; the sending direction is closed as soon as it is through. */
static void burst_drain(struct burst *c)
{
	bool is_closed = false;

	do {
		struct pollfd p = {.fd = c->fd, .events = (short)(POLLIN | (is_closed ? 0 : POLLOUT))};

		assert_int_equal(poll(&p, 1, ANSWER_MS), 1);
		if (!is_closed && (p.revents & POLLOUT))
			burst_send(c, c->total);
		if (!is_closed && c->sent == c->total) {
			assert_int_equal(shutdown(c->fd, SHUT_WR), 0);
			is_closed = true;
		}
	} while (burst_receive(c));
	assert_true(is_closed);
	assert_int_equal(c->got, c->total);
	close(c->fd);
}

/* All connections are full before the first is read from: a server that waits for one of them is stuck. */
static size_t drive_with_bursts(int port, int connections)
{
	struct burst bursts[BURST_CONNECTIONS];
	size_t total = 0;

	for (int i = 0; i < connections; i++) {
		burst_connect(&bursts[i], i, port);
		burst_fill(&bursts[i]);
		total += bursts[i].total;
	}
	for (int i = connections - 1; i >= 0; i--)
		burst_drain(&bursts[i]);
	return total;
}

static void test_bursts(void **state)
{
	const char *model = *state;
	int connections = strcmp(model, "serial") == 0 ? 1 : BURST_CONNECTIONS;
	json_t *sample, *ready, *cell;
	struct peer p;
	size_t bytes;

	if (!is_built(model))
		skip(); /* a foreign runtime's that is not found here */
	cell = json_pack("{s:s,s:i,s:{s:i,s:i,s:i},s:i,s:I,s:s,s:s,s:s}", "workload", "net/echo", "version", 1,
			 "params", "connections", connections, "message_bytes", 1, "rate", 0, "workers", 2, "ops",
			 (json_int_t)0, "seed", "0000000000000001", "data_dir", TEST_BINARY_DIR, "knobs", "");
	start_subject(&p, model, "--run", 0);
	run_command(&p, "timed", cell);
	ready = peer_expect(&p, "ready");
	bytes = drive_with_bursts((int)json_integer_value(json_object_get(json_object_get(ready, "listen"), "port")),
				  connections);
	peer_command(&p, "stop");
	sample = peer_expect(&p, "sample");
	json_object_set_new(cell, "ops", json_integer((json_int_t)bytes));
	check_certificate(sample, cell);
	json_decref(sample);
	json_decref(ready);
	json_decref(cell);
	peer_end(&p, 0);
}

static int start_oracle(void **state)
{
	(void)state;
	start_subject(&oracle, "serial", "--certify", 0);
	return 0;
}

static int end_oracle(void **state)
{
	(void)state;
	peer_end(&oracle, 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"gmp", test_bursts, NULL, NULL, (void *)"gmp"},
		{"pthread", test_bursts, NULL, NULL, (void *)"pthread"},
		{"eventloop", test_bursts, NULL, NULL, (void *)"eventloop"},
		{"libuv", test_bursts, NULL, NULL, (void *)"libuv"},
		{"serial", test_bursts, NULL, NULL, (void *)"serial"},
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("echo bursts", tests, start_oracle, end_oracle);
}
