/*
 * test_bind.c - the pthread model as workloads see it: through direct.h, whose contract checks are compiled here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SWITCHYARD_BIND "models/pthread/bind.h"
#include "harness/subject/direct.h"

static int start(void **state)
{
	(void)state;
	return dx_runtime_start(4, "", NULL, 0);
}

static int stop(void **state)
{
	(void)state;
	dx_runtime_stop();
	return 0;
}

static void test_identity(void **state)
{
	(void)state;
	const char *names[4];
	char values[4][32];
	uint64_t counts[4];

	assert_string_equal(DX_MODEL, "pthread");
	assert_int_equal(dx_runtime_knobs(names, values, 4), 2);
	assert_string_equal(names[0], "stack_kib");
	assert_true(strtoull(values[0], NULL, 10) >= 16);
	assert_string_equal(names[1], "pool");
	assert_string_equal(values[1], "0");
	assert_int_equal(dx_runtime_knobs(names, values, 1), 1);
	assert_int_equal(dx_runtime_knobs(names, values, 0), 0);
	assert_int_equal(dx_runtime_counters(names, counts, 4), 1);
	assert_string_equal(names[0], "threads_created");
	assert_int_equal(dx_runtime_counters(names, counts, 0), 0);
	assert_int_equal(dx_runtime_start(1, "", NULL, 0), -EBUSY);
}

/* ---- a root that uses every kind of object ------------------------------------------------------ */

struct sum {
	dx_mutex lock;
	dx_wg wg;
	dx_chan chan;
	long long guarded; /* under lock */
	long long received;
	int status;
	pthread_t root;
};

static void add_and_send(void *arg)
{
	struct sum *s = arg;

	for (int i = 1; i <= 100; i++) {
		dx_lock(&s->lock);
		s->guarded += i;
		dx_unlock(&s->lock);
		dx_send(&s->chan, &i);
		if (i % 10 == 0)
			dx_yield();
	}
	dx_wg_done(&s->wg);
}

static void close_when_done(void *arg)
{
	struct sum *s = arg;

	dx_wg_wait(&s->wg);
	dx_chan_close(&s->chan);
}

static void sum_root(void *arg)
{
	struct sum *s = arg;
	dx_task closer;
	int v;

	s->root = pthread_self();
	s->status = dx_mutex_init(&s->lock);
	s->status |= dx_wg_init(&s->wg);
	s->status |= dx_chan_init(&s->chan, sizeof(int), 8);
	dx_wg_add(&s->wg, 8);
	for (int i = 0; i < 8; i++)
		s->status |= dx_go(add_and_send, s);
	s->status |= dx_spawn(&closer, close_when_done, s);
	if (s->status)
		return;
	while (dx_recv(&s->chan, &v))
		s->received += v;
	dx_join(&closer);
	dx_chan_destroy(&s->chan);
	dx_wg_destroy(&s->wg);
	dx_mutex_destroy(&s->lock);
}

static void test_root_with_everything(void **state)
{
	(void)state;
	const char *name;
	uint64_t before, after;
	struct sum s = {0};

	dx_runtime_counters(&name, &before, 1);
	dx_runtime_run(sum_root, &s);
	dx_runtime_counters(&name, &after, 1);
	assert_int_equal(s.status, 0);
	assert_int_equal(s.guarded, 8 * 5050);
	assert_int_equal(s.received, 8 * 5050);
	assert_int_equal(after - before, 1 + 8 + 1); /* root, eight senders, the closer */
	assert_false(pthread_equal(s.root, pthread_self()));
}

static void test_sleep(void **state)
{
	(void)state;
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	dx_sleep_ns(3000000);
	clock_gettime(CLOCK_MONOTONIC, &to);
	int64_t slept = (to.tv_sec - from.tv_sec) * INT64_C(1000000000) + to.tv_nsec - from.tv_nsec;
	assert_true(slept >= 3000000); /* a lower bound only: late is allowed, early is not */
}

/* ---- sockets ------------------------------------------------------------------------------------ */

static int listen_on_loopback(uint16_t *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = a.sin_port;
	return fd;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = port};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

struct server {
	dx_sock listener;
	dx_wg live;
	int accept_status; /* why accepting ended */
	_Atomic int served;
	_Atomic int failed;
};

struct conn {
	struct server *server;
	dx_sock sock;
};

static void echo(void *arg)
{
	struct conn *c = arg;
	char buf[4096];
	ssize_t n;

	while ((n = dx_sock_read(&c->sock, buf, sizeof(buf))) > 0)
		if (dx_sock_write(&c->sock, buf, (size_t)n) != n)
			atomic_fetch_add(&c->server->failed, 1);
	if (n < 0)
		atomic_fetch_add(&c->server->failed, 1);
	dx_sock_close(&c->sock);
	atomic_fetch_add(&c->server->served, 1);
	dx_wg_done(&c->server->live);
	free(c);
}

static void serve(void *arg)
{
	struct server *s = arg;

	for (;;) {
		struct conn *c = malloc(sizeof(*c));

		if (!c)
			break;
		c->server = s;
		s->accept_status = dx_accept(&s->listener, &c->sock);
		if (s->accept_status < 0) {
			free(c);
			break;
		}
		dx_wg_add(&s->live, 1);
		if (dx_go(echo, c) < 0)
			atomic_fetch_add(&s->failed, 1);
	}
	dx_wg_wait(&s->live);
}

/* Echo of more than a socket buffer holds, over several connections, then a shutdown that wakes the acceptor. */
static void test_echo_and_shutdown(void **state)
{
	(void)state;
	enum { CONNS = 4, BYTES = 64 * 1024 };
	static unsigned char out[BYTES], in[BYTES];
	struct server s = {0};
	uint16_t port;
	dx_task t;

	assert_int_equal(dx_wg_init(&s.live), 0);
	assert_int_equal(dx_sock_adopt(&s.listener, listen_on_loopback(&port)), 0);
	assert_int_equal(fcntl(s.listener.fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(dx_spawn(&t, serve, &s), 0);
	for (int i = 0; i < BYTES; i++)
		out[i] = (unsigned char)(i * 7 + i / 256);
	for (int c = 0; c < CONNS; c++) {
		dx_sock k;

		assert_int_equal(dx_sock_adopt(&k, connect_to(port)), 0);
		for (int at = 0; at < BYTES; at += BYTES / 8)
			assert_int_equal(dx_sock_write(&k, out + at, BYTES / 8), BYTES / 8);
		for (size_t got = 0; got < BYTES;) {
			ssize_t n = dx_sock_read(&k, in + got, BYTES - got);

			assert_true(n > 0);
			got += (size_t)n;
		}
		assert_memory_equal(in, out, BYTES);
		dx_sock_close(&k);
	}
	usleep(10000); /* the acceptor sleeps in accept now; if it does not yet, it must find out all the same */
	dx_sock_shutdown(&s.listener);
	dx_join(&t);
	assert_int_equal(s.accept_status, -EINVAL);
	assert_int_equal(s.served, CONNS);
	assert_int_equal(s.failed, 0);
	dx_sock_close(&s.listener);
	dx_wg_destroy(&s.live);
}

struct reader {
	dx_sock sock;
	ssize_t result;
};

static void read_one(void *arg)
{
	struct reader *r = arg;
	char c;

	r->result = dx_sock_read(&r->sock, &c, 1);
}

static void test_shutdown_wakes_reader(void **state)
{
	(void)state;
	struct reader r = {.result = 99};
	dx_task t;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(dx_sock_adopt(&r.sock, fds[0]), 0);
	assert_int_equal(dx_spawn(&t, read_one, &r), 0);
	usleep(5000);
	dx_sock_shutdown(&r.sock);
	dx_join(&t);
	assert_int_equal(r.result, 0);
	dx_sock_shutdown(&r.sock); /* twice is harmless */
	dx_sock_close(&r.sock);
	close(fds[1]);
}

struct writer {
	dx_sock sock;
	unsigned char *bytes;
	size_t n;
	ssize_t result;
};

static void write_all(void *arg)
{
	struct writer *w = arg;

	w->result = dx_pipe_write(&w->sock, w->bytes, w->n);
	dx_sock_close(&w->sock);
}

/* More than a pipe holds: the write waits for who reads, and ends whole. */
static void test_pipe_write(void **state)
{
	(void)state;
	enum { BYTES = 300000 };
	static unsigned char out[BYTES], in[BYTES];
	struct writer w = {.bytes = out, .n = BYTES};
	size_t got = 0;
	ssize_t n;
	dx_task t;
	int fds[2];

	for (int i = 0; i < BYTES; i++)
		out[i] = (unsigned char)(i * 7 + i / 256);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_int_equal(dx_sock_adopt(&w.sock, fds[1]), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, 0), 0);
	assert_int_equal(dx_spawn(&t, write_all, &w), 0);
	while ((n = read(fds[0], in + got, BYTES - got)) > 0)
		got += (size_t)n;
	dx_join(&t);
	assert_int_equal(w.result, BYTES);
	assert_int_equal(got, BYTES);
	assert_memory_equal(in, out, BYTES);
	close(fds[0]);
}

static void test_errors(void **state)
{
	(void)state;
	char path[] = "/tmp/switchyard-bind-XXXXXX";
	char buf[16] = {0};
	int fds[2], file;
	dx_sock s, out;

	assert_int_equal(dx_sock_adopt(&s, -1), -EBADF);
	assert_int_equal(dx_pread(-1, buf, 1, 0), -EBADF);
	assert_int_equal(dx_read_blocking(-1, buf, 1), -EBADF);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(dx_sock_adopt(&s, fds[0]), 0);
	assert_true(dx_accept(&s, &out) < 0); /* not a listener */
	close(fds[1]);
	assert_int_equal(dx_sock_write(&s, "x", 1), -EPIPE); /* and no SIGPIPE, which would end the test */
	assert_int_equal(dx_sock_read(&s, buf, 1), 0);
	dx_sock_close(&s);

	file = mkstemp(path);
	assert_true(file >= 0);
	unlink(path);
	assert_int_equal(write(file, "0123456789", 10), 10);
	assert_int_equal(dx_pread(file, buf, 4, 3), 4);
	assert_memory_equal(buf, "3456", 4);
	assert_int_equal(dx_pread(file, buf, 16, 8), 2);
	assert_int_equal(dx_pread(file, buf, 16, 10), 0);
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_identity, start, stop),
		cmocka_unit_test_setup_teardown(test_root_with_everything, start, stop),
		cmocka_unit_test_setup_teardown(test_sleep, start, stop),
		cmocka_unit_test_setup_teardown(test_echo_and_shutdown, start, stop),
		cmocka_unit_test_setup_teardown(test_shutdown_wakes_reader, start, stop),
		cmocka_unit_test_setup_teardown(test_pipe_write, start, stop),
		cmocka_unit_test_setup_teardown(test_errors, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
