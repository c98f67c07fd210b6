/*
 * test_loadgen_open.c - the load generator in an open loop, over HTTP, and with connections that it makes anew: against
 * a server that pauses, with a generator that is stopped, and with answers that are wrong in each way.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "tests/harness/talk.h"

#define LOADGEN TEST_BINARY_DIR "/switchyard-loadgen"

enum { MAX_CONNS = 64 };

/* A server in a thread; one poll loop. */
struct server {
	const char *answer; /* HTTP: what every read is answered by; NULL: echo */
	bool in_bytes; /* one send per byte of the answer */
	int listen_fd;
	unsigned port;
	pthread_t thread;
	_Atomic bool stop;
	_Atomic unsigned pause_ms; /* sleep so long before the next read, once */
	unsigned accepted; /* the thread's until it is joined */
};

static void answer(const struct server *s, int fd, const char *bytes, size_t n)
{
	size_t step = s->in_bytes ? 1 : n;

	for (size_t at = 0; at < n; at += step)
		(void)send(fd, bytes + at, step, MSG_NOSIGNAL);
}

static bool serve_once(struct server *s, int fd)
{
	char buffer[4096];
	unsigned pause_ms = atomic_exchange(&s->pause_ms, 0);
	ssize_t n;

	if (pause_ms)
		usleep(pause_ms * 1000);
	n = read(fd, buffer, sizeof(buffer));
	if (n <= 0)
		return false;
	if (s->answer)
		answer(s, fd, s->answer, strlen(s->answer));
	else
		answer(s, fd, buffer, (size_t)n);
	return true;
}

/* Put the new connection into a place that is free. */
static void accept_one(struct server *s, struct pollfd *p)
{
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	for (int i = 1; fd >= 0 && i <= MAX_CONNS; i++) {
		if (p[i].fd >= 0)
			continue;
		p[i] = (struct pollfd){.fd = fd, .events = POLLIN};
		s->accepted++;
		return;
	}
	close(fd);
}

static void *serve(void *arg)
{
	struct server *s = arg;
	struct pollfd p[MAX_CONNS + 1] = {{.fd = s->listen_fd, .events = POLLIN}};

	for (int i = 1; i <= MAX_CONNS; i++)
		p[i].fd = -1;
	while (!atomic_load(&s->stop)) {
		(void)poll(p, MAX_CONNS + 1, 5);
		for (int i = 1; i <= MAX_CONNS; i++) {
			if (p[i].fd < 0 || !p[i].revents || serve_once(s, p[i].fd))
				continue;
			close(p[i].fd);
			p[i].fd = -1;
		}
		if (p[0].revents)
			accept_one(s, p);
	}
	for (int i = 1; i <= MAX_CONNS; i++)
		if (p[i].fd >= 0)
			close(p[i].fd);
	return NULL;
}

static void start_server(struct server *s, const char *answer_text, bool in_bytes)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);

	*s = (struct server){.answer = answer_text, .in_bytes = in_bytes};
	s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->listen_fd >= 0);
	assert_int_equal(bind(s->listen_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(s->listen_fd, MAX_CONNS), 0);
	assert_int_equal(getsockname(s->listen_fd, (struct sockaddr *)&addr, &len), 0);
	s->port = ntohs(addr.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop_server(struct server *s)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	close(s->listen_fd);
}

/* `more` are fields that are added to the line: ",\"rate\":100". */
static void start_load(struct talk *t, unsigned port, const char *mode, unsigned connections, unsigned duration_ms,
		       const char *more)
{
	char line[600];

	snprintf(line, sizeof(line),
		 "{\"cmd\":\"load\",\"mode\":\"%s\",\"host\":\"127.0.0.1\",\"port\":%u,\"connections\":%u,"
		 "\"message_bytes\":64,\"warmup_ns\":5000000,\"duration_ns\":%u000000,"
		 "\"seed\":\"00000000000000a5\",\"timeout_ms\":5000%s}",
		 mode, port, connections, duration_ms, more);
	talk_start(t, LOADGEN, NULL);
	talk_send(t, line);
	talk_expect_only(t, "begin");
	talk_send(t, "{\"cmd\":\"ack\"}");
}

static json_t *end_load(struct talk *t)
{
	json_t *sample;

	talk_expect_only(t, "end");
	talk_send(t, "{\"cmd\":\"ack\"}");
	sample = talk_expect(t, "sample");
	talk_expect_end(t, 0);
	return sample;
}

/* As many requests as the rate says, within five standard deviations of a Poisson process. */
static void test_rate(void **state)
{
	struct server s;
	struct talk t;
	json_t *sample;
	const json_t *service;
	int64_t requests;

	(void)state;
	start_server(&s, NULL, false);
	start_load(&t, s.port, "open", 8, 300, ",\"rate\":2000");
	sample = end_load(&t);
	stop_server(&s);
	requests = talk_int(sample, "requests");
	service = json_object_get(sample, "service");
	assert_in_range(requests, 600 - 123, 600 + 123);
	assert_int_equal(talk_int(sample, "rate"), 2000);
	assert_null(json_object_get(sample, "in_flight")); /* nobody holds it constant */
	assert_int_equal(talk_int(json_object_get(sample, "latency"), "count"), requests);
	assert_int_equal(talk_int(service, "count"), requests);
	assert_true(talk_int(json_object_get(sample, "latency"), "mean") >= talk_int(service, "mean"));
	assert_true(talk_int(sample, "requests_total") >= requests + 8);
	assert_null(json_object_get(sample, "epochs")); /* what is done in a time is what was asked for */
	json_decref(sample);
}

/*
 * The server stops for 200 ms of 400. With four connections only four requests are sent meanwhile; a closed loop, or one
 * that counts from the sending, sees four slow ones of hundreds. Those that were due must count, from when they were.
 */
static void test_a_pause_is_not_omitted(void **state)
{
	struct server s;
	struct talk t;
	json_t *sample;

	(void)state;
	start_server(&s, NULL, false);
	start_load(&t, s.port, "open", 4, 400, ",\"rate\":1000");
	usleep(50 * 1000);
	atomic_store(&s.pause_ms, 200);
	sample = end_load(&t);
	stop_server(&s);
	assert_in_range(talk_int(sample, "requests"), 300, 500);
	assert_true(talk_int(json_object_get(sample, "latency"), "p90") > 50 * 1000 * 1000);
	assert_true(talk_int(json_object_get(sample, "service"), "p90") < 50 * 1000 * 1000);
	json_decref(sample);
}

/* The generator itself is stopped for 100 ms of 300: about a third of the requests is late, and the sample void. */
static void test_a_late_generator_says_so(void **state)
{
	struct server s;
	struct talk t;
	json_t *sample;
	const json_t *generator;

	(void)state;
	start_server(&s, NULL, false);
	start_load(&t, s.port, "open", 8, 300, ",\"rate\":1000");
	usleep(100 * 1000);
	assert_int_equal(kill(t.pid, SIGSTOP), 0);
	usleep(100 * 1000);
	assert_int_equal(kill(t.pid, SIGCONT), 0);
	sample = end_load(&t);
	stop_server(&s);
	generator = json_object_get(sample, "generator");
	assert_true(json_is_true(json_object_get(generator, "void")));
	assert_true(talk_int(generator, "late") >= 8);
	assert_true(talk_int(generator, "latest_ns") >= 60 * 1000 * 1000);
	json_decref(sample);
}

/* A closed loop has no time at which a request is due, and so none that is late. */
static void test_a_closed_loop_is_never_late(void **state)
{
	struct server s;
	struct talk t;
	json_t *sample;

	(void)state;
	start_server(&s, NULL, false);
	start_load(&t, s.port, "closed", 4, 100, "");
	kill(t.pid, SIGSTOP);
	usleep(50 * 1000);
	kill(t.pid, SIGCONT);
	sample = end_load(&t);
	stop_server(&s);
	assert_true(json_is_false(json_object_get(json_object_get(sample, "generator"), "void")));
	assert_int_equal(talk_int(json_object_get(sample, "generator"), "late"), 0);
	assert_null(json_object_get(sample, "service"));
	json_decref(sample);
}

static void test_a_connection_per_request(void **state)
{
	struct server s;
	struct talk t;
	json_t *sample;
	int64_t requests;

	(void)state;
	start_server(&s, NULL, false);
	start_load(&t, s.port, "closed", 4, 50, ",\"reconnects\":true");
	sample = end_load(&t);
	stop_server(&s);
	requests = talk_int(sample, "requests_total");
	assert_true(requests > 8);
	assert_int_equal(talk_int(sample, "opened"), requests);
	assert_int_equal(s.accepted, requests);
	json_decref(sample);
}

static void test_few_are_active(void **state)
{
	struct server s;
	struct talk t;
	json_t *sample;

	(void)state;
	start_server(&s, NULL, false);
	start_load(&t, s.port, "closed", 20, 50, ",\"active\":2");
	sample = end_load(&t);
	stop_server(&s);
	assert_int_equal(s.accepted, 20);
	assert_int_equal(talk_int(sample, "opened"), 20);
	assert_true(talk_int(sample, "requests_total") >= talk_int(sample, "requests") + 20 + 2);
	json_decref(sample);
}

/* ---- HTTP ----------------------------------------------------------------------------------------- */

static const char right[] = "HTTP/1.1 200 OK\r\ncontent-LENGTH: 30\r\nX: y\r\n\r\nabcdefghijklmnopqrstuvwxyzabcd";

static void test_http(void **state)
{
	struct server s;
	struct talk t;
	json_t *sample;
	int64_t total;

	(void)state;
	for (int in_bytes = 0; in_bytes < 2; in_bytes++) {
		start_server(&s, right, in_bytes);
		start_load(&t, s.port, "closed", 3, 30, ",\"protocol\":\"http\",\"response_bytes\":30");
		sample = end_load(&t);
		stop_server(&s);
		total = talk_int(sample, "requests_total");
		assert_true(total > 6);
		assert_int_equal(talk_int(sample, "bytes_sent"), total * 64);
		assert_int_equal(talk_int(sample, "bytes_received"), total * (int64_t)strlen(right));
		json_decref(sample);
	}
}

static void test_wrong_answers(void **state)
{
	static const struct {
		const char *answer, *part;
	} cases[] = {
		{"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc", "404"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", "should have 3"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabc", "no Content-Length"},
		{"HTTP/1.1 200 OK\r\nServer: none\r\n\r\nabc", "no Content-Length"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabd", "is wrong"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabca", "more than"},
		{"abc", "no byte from the server"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[400];
		struct server s;
		struct talk t;

		start_server(&s, cases[i].answer, false);
		snprintf(line, sizeof(line),
			 "{\"cmd\":\"load\",\"mode\":\"closed\",\"host\":\"127.0.0.1\",\"port\":%u,\"connections\":1,"
			 "\"message_bytes\":80,\"warmup_ns\":0,\"duration_ns\":1,\"seed\":\"00000000000000a5\","
			 "\"timeout_ms\":100,\"protocol\":\"http\",\"response_bytes\":3}",
			 s.port);
		talk_start(&t, LOADGEN, NULL);
		talk_send(&t, line);
		talk_expect_error(&t, cases[i].part);
		stop_server(&s);
	}
}

/* The distribution in a file of its own: as many values as there were requests. */
static void test_file_of_percentiles(void **state)
{
	char path[] = TEST_BINARY_DIR "/hdr-XXXXXX", more[sizeof(path) + 40], text[65536] = "", foot[80];
	int fd = mkstemp(path);
	struct server s;
	struct talk t;
	json_t *sample;

	(void)state;
	assert_true(fd >= 0);
	snprintf(more, sizeof(more), ",\"hdr_file\":\"%s\"", path);
	start_server(&s, NULL, false);
	start_load(&t, s.port, "closed", 2, 20, more);
	sample = end_load(&t);
	stop_server(&s);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	snprintf(foot, sizeof(foot), "Total count    = %12lld]", (long long)talk_int(sample, "requests"));
	assert_non_null(strstr(text, foot));
	json_decref(sample);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_a_pause_is_not_omitted),
		cmocka_unit_test(test_a_late_generator_says_so),
		cmocka_unit_test(test_a_closed_loop_is_never_late),
		cmocka_unit_test(test_a_connection_per_request),
		cmocka_unit_test(test_few_are_active),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_wrong_answers),
		cmocka_unit_test(test_file_of_percentiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
