/*
 * test_subject_server.c - a real server and the real load generator, together, as the harness drives them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/harness/talk.h"

#define SUBJECT TEST_BINARY_DIR "/subjects/subject-pthread"
#define LOADGEN TEST_BINARY_DIR "/switchyard-loadgen"

static void start_server(struct talk *t, unsigned *port, unsigned *connections, unsigned *bytes)
{
	json_t *ready;
	const json_t *listen;

	talk_start(t, SUBJECT, "--run");
	talk_send(t, "{\"cmd\":\"run\",\"kind\":\"timed\",\"cell\":{\"workload\":\"net/echo\",\"version\":1,\"params\":"
		     "{\"connections\":8,\"message_bytes\":64,\"rate\":0},\"workers\":1,\"ops\":0}}");
	ready = talk_expect(t, "ready");
	listen = json_object_get(ready, "listen");
	*port = (unsigned)talk_int(listen, "port");
	*connections = (unsigned)talk_int(listen, "connections");
	*bytes = (unsigned)talk_int(listen, "message_bytes");
	json_decref(ready);
}

static void start_load(struct talk *t, unsigned port, unsigned connections, unsigned bytes)
{
	char line[300];

	snprintf(line, sizeof(line),
		 "{\"cmd\":\"load\",\"mode\":\"closed\",\"host\":\"127.0.0.1\",\"port\":%u,\"connections\":%u,"
		 "\"message_bytes\":%u,\"warmup_ns\":10000000,\"duration_ns\":50000000,\"seed\":\"0000000000000007\"}",
		 port, connections, bytes);
	talk_start(t, LOADGEN, NULL);
	talk_send(t, line);
}

/* The server answers the harness's begin or end, then the load generator goes on. */
static json_t *pass_on(struct talk *server, struct talk *load, const char *name)
{
	char line[100];
	json_t *answer;

	talk_expect_only(load, name);
	snprintf(line, sizeof(line), "{\"cmd\":\"%s\"}", name);
	talk_send(server, line);
	answer = talk_expect(server, name);
	talk_send(load, "{\"cmd\":\"ack\"}");
	return answer;
}

/* The server's certificate covers its whole life, and so does the generator's count. */
static void test_counts_agree(void **state)
{
	struct talk server, load;
	unsigned port, connections, bytes;
	json_t *end, *of_load, *of_server;
	const json_t *cert;
	int64_t cpu_ns;

	(void)state;
	start_server(&server, &port, &connections, &bytes);
	assert_int_equal(connections, 8);
	assert_int_equal(bytes, 64);
	start_load(&load, port, connections, bytes);
	json_decref(pass_on(&server, &load, "begin"));
	end = pass_on(&server, &load, "end");
	cpu_ns = talk_int(json_object_get(end, "rusage"), "user_ns") +
		 talk_int(json_object_get(end, "rusage"), "sys_ns");
	assert_true(cpu_ns > 0);
	of_load = talk_expect(&load, "sample");
	assert_true(talk_int(end, "wall_ns") >=
		    talk_int(of_load, "wall_ns")); /* the server's interval lies around it */
	talk_expect_end(&load, 0);
	talk_send(&server, "{\"cmd\":\"stop\"}");
	of_server = talk_expect(&server, "sample");
	cert = json_object_get(of_server, "cert");
	assert_int_equal(talk_int(cert, "ops"), talk_int(of_load, "requests_total"));
	assert_int_equal(talk_int(cert, "bytes_read"), talk_int(of_load, "bytes_sent"));
	assert_int_equal(talk_int(cert, "bytes_written"), talk_int(of_load, "bytes_received"));
	assert_int_equal(talk_int(cert, "units"), connections);
	json_decref(end);
	json_decref(of_load);
	json_decref(of_server);
	talk_expect_end(&server, 0);
}

static void test_stop_without_any_load(void **state)
{
	struct talk server;
	unsigned port, connections, bytes;
	json_t *sample;

	(void)state;
	start_server(&server, &port, &connections, &bytes);
	talk_send(&server, "{\"cmd\":\"stop\"}");
	sample = talk_expect(&server, "sample");
	assert_int_equal(talk_int(json_object_get(sample, "cert"), "ops"), 0);
	json_decref(sample);
	talk_expect_end(&server, 0);
}

/* The server dies under load: the generator says so and ends. */
static void test_server_dies(void **state)
{
	struct talk server, load;
	unsigned port, connections, bytes;

	(void)state;
	start_server(&server, &port, &connections, &bytes);
	start_load(&load, port, connections, bytes);
	talk_expect_only(&load, "begin");
	talk_close_input(&server); /* the harness seems to have gone */
	talk_expect_end(&server, 1);
	talk_send(&load, "{\"cmd\":\"ack\"}");
	talk_expect_error(&load, "connection");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_agree),
		cmocka_unit_test(test_stop_without_any_load),
		cmocka_unit_test(test_server_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
