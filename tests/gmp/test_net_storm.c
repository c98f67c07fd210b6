/*
 * A server under bad weather: connections by the hundred at once, peers that reset, or that have closed their half, no
 * descriptors left, and signals that interrupt every call. Whatever happens, who was accepted is served or told why
 * not, and when the weather has passed as many descriptors are open as before.
 */
#include "net_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "held.h"

static long open_descriptors(void)
{
	return held_entries("/proc/self/fd");
}

/* ---- the server: echoes until the end, and then says good-bye --------------------------------------------------- */

struct server {
	gr_sock *listener;
	struct sockaddr_in at;
	_Atomic int served, broken, out_of_descriptors;
	gr_wg all;
};

struct connection {
	struct server *server;
	gr_sock *s;
};

static void serve_conn(void *arg)
{
	struct connection *c = arg;
	struct server *server = c->server;
	char buf[512];
	ssize_t n;

	while ((n = gr_sock_read(c->s, buf, sizeof(buf))) > 0)
		if ((n = gr_sock_write(c->s, buf, (size_t)n)) < 0)
			break;
	if (n == 0)
		n = gr_sock_write(c->s, "bye", 3);
	atomic_fetch_add(n == 3 ? &server->served : &server->broken, 1);
	CHECK(n == 3 || n == -ECONNRESET || n == -EPIPE);
	gr_sock_close(c->s);
	free(c);
	gr_wg_done(&server->all);
}

static void serve(void *arg)
{
	struct server *server = arg;

	for (;;) {
		struct connection *c;
		gr_sock *s = NULL;
		int err = gr_sock_accept(server->listener, &s);

		if (err == -EINVAL)
			break;
		if (err) {
			CHECK(err == -EMFILE);
			atomic_fetch_add(&server->out_of_descriptors, 1);
			gr_sleep_ns(MS / 2);
			continue;
		}
		c = malloc(sizeof(*c));
		*c = (struct connection){server, s};
		gr_wg_add(&server->all, 1);
		CHECK(gr_go(serve_conn, c) == 0);
	}
	gr_wg_done(&server->all);
}

static void open_server(struct server *server, int acceptors)
{
	memset(server, 0, sizeof(*server));
	server->listener = listen_on_loopback_for(&server->at, 0);
	gr_wg_add(&server->all, acceptors);
	for (int i = 0; i < acceptors; i++)
		spawn(serve, server);
}

static void close_server(struct server *server)
{
	gr_sock_shutdown(server->listener);
	gr_wg_wait(&server->all);
	gr_sock_close(server->listener);
}

/* ---- clients ------------------------------------------------------------------------------------------------------ */

struct client {
	struct server *server;
	int id;
	gr_wg *done;
};

static gr_sock *dial(struct client *c)
{
	gr_sock *s = NULL;

	CHECK(gr_sock_open(AF_INET, SOCK_STREAM, 0, &s) == 0);
	CHECK(gr_sock_connect(s, (struct sockaddr *)&c->server->at, sizeof(c->server->at)) == 0);
	return s;
}

static void talk_and_half_close(void *arg)
{
	struct client *c = arg;
	gr_sock *s = dial(c);
	char out[64], in[70];

	memset(out, c->id, sizeof(out));
	CHECK(gr_sock_write(s, out, sizeof(out)) == sizeof(out));
	CHECK(gr_sock_shutdown_write(s) == 0);
	CHECK(read_full(s, in, sizeof(in)) == sizeof(out) + 3);
	CHECK(!memcmp(in, out, sizeof(out)) && !memcmp(in + sizeof(out), "bye", 3));
	gr_sock_close(s);
	gr_wg_done(c->done);
}

static void reset_somewhere(void *arg)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	struct client *c = arg;
	gr_sock *s = dial(c);
	char buf[64] = {0};

	if (c->id % 4 > 0)
		CHECK(gr_sock_write(s, buf, sizeof(buf)) == sizeof(buf));
	if (c->id % 4 > 1)
		CHECK(read_full(s, buf, sizeof(buf)) == sizeof(buf));
	if (c->id % 4 > 2) /* with an answer on its way */
		CHECK(gr_sock_write(s, buf, sizeof(buf)) == sizeof(buf));
	CHECK(setsockopt(gr_sock_fd(s), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
	gr_sock_close(s);
	gr_wg_done(c->done);
}

static void with_clients(struct server *server, int n, void (*fn)(void *))
{
	struct client *clients = calloc((size_t)n, sizeof(*clients));
	gr_wg done = {0};

	gr_wg_add(&done, n);
	for (int i = 0; i < n; i++) {
		clients[i] = (struct client){server, i, &done};
		spawn(fn, &clients[i]);
	}
	gr_wg_wait(&done);
	free(clients);
}

/* All at once, several times; each with two ends in this process. */
static void storm(void *arg)
{
	enum { CLIENTS = 200 };
	struct server server;
	long before = open_descriptors();

	(void)arg;
	open_server(&server, 2);
	for (int round = 0; round < 4; round++)
		with_clients(&server, TIMES(CLIENTS), talk_and_half_close);
	close_server(&server);
	CHECK(server.served == 4 * TIMES(CLIENTS) && server.broken == 0);
	CHECK(open_descriptors() == before);
}

static void resets(void *arg)
{
	enum { CLIENTS = 200 };
	struct server server;
	long before = open_descriptors();

	(void)arg;
	open_server(&server, 1);
	with_clients(&server, TIMES(CLIENTS), reset_somewhere);
	with_clients(&server, 20, talk_and_half_close); /* the service goes on */
	close_server(&server);
	CHECK(server.served >= 20 && server.broken > 0);
	CHECK(open_descriptors() == before);
}

/* ---- no descriptors left --------------------------------------------------------------------------------------------- */

/* The clients are there before the limit falls; the server gets three descriptors at a time for them. */
static void out_of_descriptors(void *arg)
{
	enum { CLIENTS = 40, SPARE = 3 };
	struct rlimit old, few;
	struct server server;
	gr_sock *s[CLIENTS];
	char in[8];
	long before = open_descriptors();
	int fd[CLIENTS], limit = 0;

	(void)arg;
	memset(&server, 0, sizeof(server));
	server.listener = listen_on_loopback_for(&server.at, 0);
	for (int i = 0; i < CLIENTS; i++) {
		fd[i] = connect_plain(&server.at);
		limit = fd[i] >= limit ? fd[i] + 1 : limit;
		s[i] = adopt(fd[i]);
	}
	CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
	few = (struct rlimit){(rlim_t)(limit + SPARE), old.rlim_max};
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	gr_wg_add(&server.all, 1);
	spawn(serve, &server);
	while (atomic_load(&server.out_of_descriptors) < 2)
		gr_sleep_ns(MS);
	/* Who goes makes room for who waits. */
	for (int i = 0; i < CLIENTS; i++) {
		CHECK(gr_sock_write(s[i], "q", 1) == 1);
		CHECK(gr_sock_shutdown_write(s[i]) == 0);
		CHECK(read_full(s[i], in, sizeof(in)) == 4 && !memcmp(in, "qbye", 4));
	}
	close_server(&server);
	CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
	for (int i = 0; i < CLIENTS; i++)
		gr_sock_close(s[i]);
	CHECK(server.served == CLIENTS && server.broken == 0);
	CHECK(open_descriptors() == before);
}

/* ---- accept bursts --------------------------------------------------------------------------------------------------- */

/* Many that have come in one edge are taken without waiting for another, and without a poll for each. */
static void bursts(void *arg)
{
	enum { CLIENTS = 60 };
	struct sockaddr_in addr;
	gr_sock *l = listen_on_loopback_for(&addr, 0), *s[CLIENTS];
	struct gr_stats before, after;
	int fd[CLIENTS];

	(void)arg;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < CLIENTS; i++)
			fd[i] = connect_plain(&addr);
		gr_stats_read(&before);
		for (int i = 0; i < CLIENTS; i++)
			CHECK(gr_sock_accept(l, &s[i]) == 0);
		gr_stats_read(&after);
		CHECK(after.parks - before.parks <= 2);
		for (int i = 0; i < CLIENTS; i++) {
			gr_sock_close(s[i]);
			close(fd[i]);
		}
	}
	gr_sock_close(l);
}

/* ---- signals ---------------------------------------------------------------------------------------------------------- */

static _Atomic int signals, bombing;

static void count_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&signals, 1);
}

/* Sends a signal to each thread of the process in turn, without pause. */
static void *bomb(void *arg)
{
	pid_t self = (pid_t)syscall(SYS_gettid);
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (atomic_load(&bombing)) {
		DIR *dir = opendir("/proc/self/task");
		const struct dirent *e;

		while (dir && (e = readdir(dir))) {
			pid_t thread = (pid_t)strtol(e->d_name, NULL, 10);

			if (thread > 0 && thread != self)
				syscall(SYS_tgkill, getpid(), thread, SIGUSR1);
			usleep(20);
		}
		if (dir)
			closedir(dir);
	}
	return arg;
}

static void begin_bombing(pthread_t *bomber)
{
	struct sigaction sa = {.sa_handler = count_signal, .sa_flags = SA_ONSTACK}; /* no SA_RESTART */

	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
	atomic_store(&bombing, 1);
	CHECK(pthread_create(bomber, NULL, bomb, NULL) == 0);
}

static void end_bombing(pthread_t bomber)
{
	atomic_store(&bombing, 0);
	CHECK(pthread_join(bomber, NULL) == 0);
}

struct slow_pipe {
	gr_sock *to;
	int fd;
	gr_wg done;
};

static void feed_slowly(void *arg)
{
	struct slow_pipe *p = arg;

	for (int i = 0; i < 10; i++) {
		gr_sleep_ns(MS);
		CHECK(gr_sock_write(p->to, "p", 1) == 1);
	}
	gr_wg_done(&p->done);
}

/* Calls that block the thread. */
static void read_blocking(void *arg)
{
	struct slow_pipe *p = arg;
	char c = 0;

	for (int i = 0; i < 10; i++)
		CHECK(gr_read_blocking(p->fd, &c, 1) == 1 && c == 'p');
	gr_wg_done(&p->done);
}

static void blocking_reads(void)
{
	struct slow_pipe p = {0};
	int fds[2];

	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	p.fd = fds[0];
	p.to = adopt(fds[1]);
	gr_wg_add(&p.done, 2);
	spawn(read_blocking, &p);
	spawn(feed_slowly, &p);
	gr_wg_wait(&p.done);
	gr_sock_close(p.to);
	close(fds[0]);
}

static void short_waits(void)
{
	struct sockaddr_in addr;
	gr_sock *l = listen_on_loopback(&addr), *s = NULL;
	int64_t begin;
	char c;

	for (int i = 0; i < 5; i++) {
		begin = clock_ns();
		gr_sleep_ns(MS);
		CHECK(clock_ns() - begin >= (int64_t)MS);
		begin = clock_ns();
		CHECK(gr_sock_set_deadline(l, GR_SOCK_READ, MS) == 0);
		CHECK(gr_sock_accept(l, &s) == -ETIMEDOUT);
		CHECK(clock_ns() - begin >= (int64_t)MS);
	}
	gr_sock_close(l);
	CHECK(gr_sock_open(AF_INET, SOCK_DGRAM, 0, &s) == 0);
	CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, MS) == 0);
	CHECK(gr_sock_recvfrom(s, &c, 1, 0, NULL, NULL) == -ETIMEDOUT);
	gr_sock_close(s);
}

/* Every call of the runtime that goes into the kernel, under fire: no result is other than without. */
static void signals_interrupt(void *arg)
{
	struct server server;
	pthread_t bomber;
	char buf[16];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	long before = open_descriptors();

	(void)arg;
	atomic_store(&signals, 0);
	begin_bombing(&bomber);
	open_server(&server, 2);
	for (int round = 0; round < 3 || atomic_load(&signals) < 100; round++) {
		with_clients(&server, TIMES(40), talk_and_half_close);
		with_clients(&server, 8, reset_somewhere);
		blocking_reads();
		short_waits();
		for (int i = 0; i < 50; i++)
			CHECK(gr_pread(fd, buf, sizeof(buf), i) == sizeof(buf));
	}
	close_server(&server);
	end_bombing(bomber);
	CHECK(open_descriptors() == before);
	close(fd);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		EACH(storm),
		EACH(resets),
		EACH(out_of_descriptors),
		EACH(bursts),
		EACH(signals_interrupt),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/net_storm", tests, NULL, NULL);
}
