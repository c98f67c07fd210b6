/* test_loadgen_loss.c - the load generator and datagrams that are lost, or answered when they have been given up. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "tests/harness/talk.h"

#define LOADGEN TEST_BINARY_DIR "/switchyard-loadgen"

enum { CLIENTS = 3, BYTES = 16, NEVER = 0 };

/* A server in a thread, which answers all but one datagram, and that one late. */
struct server {
	unsigned holds; /* the number of the datagram that is not answered, from 1; NEVER */
	bool is_silent; /* answers nothing at all */
	int fd;
	unsigned port;
	pthread_t thread;
	_Atomic bool stop;
};

static void *serve(void *arg)
{
	struct server *s = arg;
	struct sockaddr_in from, held_from;
	char bytes[2 * BYTES], held[2 * BYTES];
	uint64_t held_ns = 0;

	for (unsigned received = 0; !atomic_load(&s->stop);) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(s->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len);

		if (n < 0 || s->is_silent)
			continue; /* it was time to look at `stop` */
		if (++received == s->holds) {
			memcpy(held, bytes, BYTES);
			held_from = from;
			held_ns = clock_now_ns();
			continue;
		}
		if (held_ns && clock_now_ns() - held_ns > CLOCK_NS_PER_SEC) {
			(void)sendto(s->fd, held, BYTES, 0, (struct sockaddr *)&held_from, sizeof(held_from));
			held_ns = 0;
		}
		(void)sendto(s->fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
	return NULL;
}

static void start_server(struct server *s)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval look = {.tv_usec = 20000};
	socklen_t len = sizeof(addr);

	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof(look)), 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&addr, &len), 0);
	s->port = ntohs(addr.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop_server(struct server *s)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static void start_load(struct talk *t, const struct server *s, const char *mode)
{
	char line[400];

	snprintf(
		line, sizeof(line),
		"{\"cmd\":\"load\",\"mode\":%s,\"protocol\":\"udp\",\"host\":\"127.0.0.1\",\"port\":%u,\"connections\":"
		"%d,\"message_bytes\":%d,\"warmup_ns\":20000000,\"duration_ns\":50000000,\"seed\":"
		"\"00000000000000a5\"}",
		mode, s->port, CLIENTS, BYTES);
	talk_start(t, LOADGEN, NULL);
	talk_send(t, line);
}

static void expect_losses(struct server *s, const char *mode, int64_t lost)
{
	struct talk t;
	const json_t *generator;
	json_t *sample;

	start_server(s);
	start_load(&t, s, mode);
	talk_expect_only(&t, "begin");
	talk_send(&t, "{\"cmd\":\"ack\"}");
	talk_expect_only(&t, "end");
	talk_send(&t, "{\"cmd\":\"ack\"}");
	sample = talk_expect(&t, "sample");
	generator = json_object_get(sample, "generator");
	assert_int_equal(talk_int(generator, "lost"), lost);
	if (lost)
		assert_true(json_is_true(json_object_get(generator, "void")));
	assert_true(talk_int(sample, "requests") >= CLIENTS);
	json_decref(sample);
	talk_expect_end(&t, 0);
	stop_server(s);
}

/* The fifth is one of the warm-up: what was lost there comes back in the region. */
static void test_losses_are_counted(void **state)
{
	(void)state;
	expect_losses(&(struct server){.holds = NEVER}, "\"closed\"", 0);
	expect_losses(&(struct server){.holds = 5}, "\"closed\"", 1);
	expect_losses(&(struct server){.holds = 5}, "\"open\",\"rate\":2000", 1);
}

static void test_a_silent_server_is_no_loss(void **state)
{
	struct server s = {.is_silent = true};
	struct talk t;

	(void)state;
	start_server(&s);
	start_load(&t, &s, "\"closed\"");
	talk_expect_error(&t, "open on 3 of 3 connections");
	stop_server(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_losses_are_counted),
		cmocka_unit_test(test_a_silent_server_is_no_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
