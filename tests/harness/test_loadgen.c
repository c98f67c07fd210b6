/* test_loadgen.c - the load generator against servers that are right, and wrong in each way. */
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

enum fault {
	NO_FAULT,
	WRONG_BYTE, /* the last byte of each echo is another one */
	CLOSES, /* after 10 reads */
	RESETS, /* the same, with a reset */
	SILENT, /* reads and never answers */
	TOO_MUCH, /* sends one byte more */
	STARTS_TALKING, /* sends before it is asked */
};

enum { MAX_CONNS = 128 };

/* A server in a thread; one poll loop. */
struct server {
	enum fault fault;
	int listen_fd;
	unsigned port;
	pthread_t thread;
	_Atomic bool stop;
	/* the thread's until it is joined */
	unsigned accepted, distinct_sources, outside_loopback_net, closed_by_client;
	uint32_t sources[MAX_CONNS];
	uint64_t bytes_read;
};

static void note_source(struct server *s, struct in_addr a)
{
	uint32_t addr = ntohl(a.s_addr);
	bool is_new = true;

	for (unsigned i = 0; i < s->accepted; i++)
		is_new = is_new && s->sources[i] != addr;
	s->sources[s->accepted++] = addr;
	s->distinct_sources += is_new;
	s->outside_loopback_net += addr >> 24 != 127 || addr == 0x7f000001;
}

static int accept_one(struct server *s)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	int fd = accept4(s->listen_fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);

	if (fd >= 0)
		note_source(s, peer.sin_addr);
	if (fd >= 0 && s->fault == STARTS_TALKING)
		(void)send(fd, "hello", 5, MSG_NOSIGNAL);
	return fd;
}

static void reset_on_close(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* Echo what has come; false when the connection is over. */
static bool echo_once(struct server *s, int fd, unsigned *reads)
{
	uint8_t buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	size_t len;

	if (n <= 0) {
		s->closed_by_client += n == 0;
		return false;
	}
	s->bytes_read += (uint64_t)n;
	len = (size_t)n;
	if (s->fault == SILENT)
		return true;
	if ((s->fault == CLOSES || s->fault == RESETS) && ++*reads > 10) {
		if (s->fault == RESETS)
			reset_on_close(fd);
		return false;
	}
	if (s->fault == WRONG_BYTE)
		buf[len - 1] ^= 1;
	if (s->fault == TOO_MUCH)
		buf[len++] = 0;
	return send(fd, buf, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void *serve(void *arg)
{
	struct server *s = arg;
	struct pollfd p[MAX_CONNS + 1] = {{.fd = s->listen_fd, .events = POLLIN}};
	unsigned n = 1, reads = 0, open = 0;

	/* Told to stop only when the generator has ended: then every connection ends, and is counted as it does. */
	while (!atomic_load(&s->stop) || open > 0) {
		(void)poll(p, n, 10);
		for (unsigned i = 1; i < n; i++)
			if (p[i].fd >= 0 && p[i].revents && !echo_once(s, p[i].fd, &reads)) {
				close(p[i].fd);
				p[i].fd = -1;
				open--;
			}
		if (p[0].revents && n <= MAX_CONNS) {
			p[n] = (struct pollfd){.fd = accept_one(s), .events = POLLIN};
			open += p[n].fd >= 0;
			n++;
		}
	}
	return NULL;
}

static void start_server(struct server *s, enum fault fault)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);

	*s = (struct server){.fault = fault};
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

static void send_load(struct talk *t, unsigned port, unsigned connections, unsigned bytes, unsigned duration_ms)
{
	char line[400];

	snprintf(line, sizeof(line),
		 "{\"cmd\":\"load\",\"mode\":\"closed\",\"host\":\"127.0.0.1\",\"port\":%u,\"connections\":%u,"
		 "\"message_bytes\":%u,\"warmup_ns\":5000000,\"duration_ns\":%u000000,\"seed\":\"00000000000000a5\","
		 "\"timeout_ms\":%u}",
		 port, connections, bytes, duration_ms, 5000u);
	talk_send(t, line);
}

static void check_latency(const json_t *latency, int64_t requests)
{
	int64_t p50;

	assert_string_equal(json_string_value(json_object_get(latency, "kind")), "response");
	assert_string_equal(json_string_value(json_object_get(latency, "unit")), "ns");
	assert_int_equal(talk_int(latency, "count"), requests);
	assert_int_equal(json_is_null(json_object_get(latency, "p99")), requests < 1000);
	assert_int_equal(json_is_null(json_object_get(latency, "p99_9")), requests < 10000);
	if (requests < 20)
		return;
	p50 = talk_int(latency, "p50");
	assert_true(talk_int(latency, "min") > 0 && talk_int(latency, "min") <= p50);
	assert_true(p50 <= talk_int(latency, "max"));
	assert_in_range(talk_int(latency, "mean"), talk_int(latency, "min"), talk_int(latency, "max"));
}

/* The warm-up is told in windows, which hold all that was not in the region. */
static void check_epochs(const json_t *epochs, unsigned connections, int64_t requests)
{
	const json_t *epoch;
	int64_t sum = 0;
	size_t i;

	assert_in_range(json_array_size(epochs), 1, 10);
	json_array_foreach (epochs, i, epoch) {
		assert_true(talk_int(epoch, "ops") >= connections);
		assert_true(talk_int(epoch, "wall_ns") > 0);
		sum += talk_int(epoch, "ops");
	}
	assert_int_equal(sum, requests);
}

/* A whole sample; returns requests_total. */
static int64_t run_sample(unsigned port, unsigned connections, unsigned bytes)
{
	struct talk t;
	json_t *end, *sample;
	int64_t total, requests;
	uint64_t acked_ns, wall_ns;

	talk_start(&t, LOADGEN, NULL);
	send_load(&t, port, connections, bytes, 30);
	talk_expect_only(&t, "begin");
	acked_ns = clock_now_ns();
	talk_send(&t, "{\"cmd\":\"ack\"}");
	end = talk_expect(&t, "end");
	wall_ns = (uint64_t)talk_int(end, "wall_ns");
	requests = talk_int(end, "requests");
	assert_true(wall_ns <= clock_now_ns() - acked_ns);
	assert_true(requests >= connections);
	talk_send(&t, "{\"cmd\":\"ack\"}");
	sample = talk_expect(&t, "sample");
	total = talk_int(sample, "requests_total");
	assert_int_equal(talk_int(sample, "requests"), requests);
	assert_int_equal(talk_int(sample, "wall_ns"), wall_ns);
	assert_int_equal(talk_int(sample, "in_flight"), connections);
	assert_true(total >= requests + connections); /* the warm-up did at least one on each */
	assert_int_equal(talk_int(sample, "bytes_sent"), total * bytes);
	assert_int_equal(talk_int(sample, "bytes_received"), total * bytes);
	check_epochs(json_object_get(sample, "epochs"), connections, total - requests);
	check_latency(json_object_get(sample, "latency"), requests);
	assert_true(json_is_real(json_object_get(json_object_get(sample, "generator"), "busy")));
	assert_int_equal(talk_int(json_object_get(sample, "generator"), "cpu_ns"),
			 talk_int(json_object_get(sample, "rusage"), "user_ns") +
				 talk_int(json_object_get(sample, "rusage"), "sys_ns"));
	json_decref(end);
	json_decref(sample);
	talk_expect_end(&t, 0);
	return total;
}

static void test_counts_agree_with_the_server(void **state)
{
	static const struct {
		unsigned connections, bytes;
	} shapes[] = {{1, 1}, {1, 64}, {100, 64}, {3, 300000}};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct server s;
		int64_t total;

		start_server(&s, NO_FAULT);
		total = run_sample(s.port, shapes[i].connections, shapes[i].bytes);
		stop_server(&s);
		assert_int_equal(s.bytes_read, total * shapes[i].bytes);
		assert_int_equal(s.accepted, shapes[i].connections);
		assert_int_equal(s.closed_by_client, shapes[i].connections);
		assert_int_equal(s.outside_loopback_net, 0);
		assert_true(s.distinct_sources > shapes[i].connections * 9 / 10);
	}
}

static void expect_failure(enum fault fault, const char *part)
{
	struct server s;
	struct talk t;
	json_t *msg;

	start_server(&s, fault);
	talk_start(&t, LOADGEN, NULL);
	send_load(&t, s.port, fault == SILENT ? 2 : 4, 64, 1000);
	msg = talk_read(&t);
	if (strcmp(json_string_value(json_object_get(msg, "msg")), "begin") == 0) { /* a fault that comes late */
		json_decref(msg);
		talk_send(&t, "{\"cmd\":\"ack\"}");
		talk_expect_error(&t, part);
	} else {
		const char *why = json_string_value(json_object_get(msg, "why"));

		if (!why || !strstr(why, part))
			fail_msg("the error says \"%s\", without \"%s\"", why ? why : "nothing", part);
		json_decref(msg);
		talk_expect_end(&t, 1);
	}
	stop_server(&s);
}

static void test_faults_of_servers(void **state)
{
	(void)state;
	expect_failure(WRONG_BYTE, "wrong echo");
	expect_failure(CLOSES, "closed connection");
	expect_failure(RESETS, "reset");
	expect_failure(TOO_MUCH, "more bytes than it had sent");
	expect_failure(STARTS_TALKING, " got "); /* a wrong echo or too many bytes: as the segments happen to come */
}

static void test_silent_server_times_out(void **state)
{
	struct server s;
	struct talk t;

	(void)state;
	start_server(&s, SILENT);
	talk_start(&t, LOADGEN, NULL);
	{
		char line[300];

		snprintf(line, sizeof(line),
			 "{\"cmd\":\"load\",\"mode\":\"closed\",\"host\":\"127.0.0.1\",\"port\":%u,\"connections\":2,"
			 "\"message_bytes\":8,\"warmup_ns\":0,\"duration_ns\":1000,\"seed\":\"0000000000000001\","
			 "\"timeout_ms\":50}",
			 s.port);
		talk_send(&t, line);
	}
	talk_expect_error(&t, "open on 2 of 2 connections");
	stop_server(&s);
}

static void test_nobody_listens(void **state)
{
	struct server s;
	struct talk t;

	(void)state;
	start_server(&s, NO_FAULT);
	stop_server(&s); /* its port is free now */
	talk_start(&t, LOADGEN, NULL);
	send_load(&t, s.port, 1, 64, 10);
	talk_expect_error(&t, "refused");
}

static void test_harness_goes(void **state)
{
	struct server s;
	struct talk t;

	(void)state;
	start_server(&s, NO_FAULT);
	talk_start(&t, LOADGEN, NULL);
	send_load(&t, s.port, 1, 64, 10);
	talk_expect_only(&t, "begin");
	talk_close_input(&t);
	talk_expect_error(&t, "closed the pipe");
	stop_server(&s);
}

#define LOAD(mode, port, conns, bytes, seed)                                                                           \
	"{\"cmd\":\"load\",\"mode\":" mode ",\"host\":\"127.0.0.1\",\"port\":" port ",\"connections\":" conns          \
	",\"message_bytes\":" bytes ",\"warmup_ns\":0,\"duration_ns\":1,\"seed\":" seed "}"

static void test_wrong_input(void **state)
{
	static const struct {
		const char *line, *part;
	} cases[] = {
		{"nonsense", "not JSON"},
		{"{\"cmd\":\"\xff\"}", "not JSON"}, /* what is quoted is no UTF-8 either */
		{"{}", "\"cmd\""},
		{"{\"cmd\":\"run\",\"mode\":\"closed\",\"host\":\"\",\"seed\":\"\"}", "must be \"load\""},
		{LOAD("\"ajar\"", "1", "1", "1", "\"0000000000000001\""), "\"mode\""},
		{LOAD("\"open\"", "1", "1", "1", "\"0000000000000001\""), "\"rate\""},
		{LOAD("\"closed\"", "1", "1", "1", "\"0000000000000001\",\"protocol\":\"gopher\""), "\"protocol\""},
		{LOAD("\"closed\"", "1", "1", "63", "\"0000000000000001\",\"protocol\":\"http\""), "too short"},
		{LOAD("\"closed\"", "1", "1", "65508", "\"0000000000000001\",\"protocol\":\"udp\""), "too long"},
		{LOAD("\"closed\"", "1", "2", "1", "\"0000000000000001\",\"active\":3"), "\"active\""},
		{LOAD("\"closed\"", "0", "1", "1", "\"0000000000000001\""), "\"port\""},
		{LOAD("\"closed\"", "70000", "1", "1", "\"0000000000000001\""), "\"port\""},
		{LOAD("\"closed\"", "1", "-1", "1", "\"0000000000000001\""), "\"connections\""},
		{LOAD("\"closed\"", "1", "1.5", "1", "\"0000000000000001\""), "\"connections\""},
		{LOAD("\"closed\"", "1", "1000000", "16777216", "\"0000000000000001\""), "1 GiB"},
		{LOAD("\"closed\"", "1", "1", "0", "\"0000000000000001\""), "\"message_bytes\""},
		{LOAD("\"closed\"", "1", "1", "1", "\"1\""), "\"seed\""},
		{LOAD("\"closed\"", "1", "1", "1", "1"), "\"seed\""},
	};
	struct talk t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		talk_start(&t, LOADGEN, NULL);
		talk_send(&t, cases[i].line);
		talk_expect_error(&t, cases[i].part);
	}
	talk_start(&t, LOADGEN, NULL);
	talk_close_input(&t);
	talk_expect_error(&t, "before the load line");
	talk_start(&t, LOADGEN, "--surprise");
	talk_expect_end(&t, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_agree_with_the_server),
		cmocka_unit_test(test_faults_of_servers),
		cmocka_unit_test(test_silent_server_times_out),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_harness_goes),
		cmocka_unit_test(test_wrong_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
