/*
 * test_net.c - the calls on descriptors are refused things, and interrupted: what cannot be had is told, and leaves
 * nothing behind; what was only interrupted is made again; what was accepted is done. Reading, writing and accepting are
 * in test_work.c.
 */
#include "trial.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

static struct sockaddr_in loopback(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* ---- making sockets ----------------------------------------------------------------------------------------- */

/* May be refused what is armed, and nothing else: then there is nothing, and the next try is not refused. */
static gr_sock *listen_again(const struct trial *t, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	gr_sock *s = NULL;
	int err;

	*addr = loopback();
	arm(t);
	err = gr_sock_listen((struct sockaddr *)addr, sizeof(*addr), 16, &s);
	inject_disarm();
	CHECK((err == 0) == !inject_failed());
	if (err) {
		CHECK(err == -t->err && s == NULL);
		CHECK(gr_sock_listen((struct sockaddr *)addr, sizeof(*addr), 16, &s) == 0);
	}
	CHECK(getsockname(gr_sock_fd(s), (struct sockaddr *)addr, &len) == 0);
	return s;
}

static void listen_and_open(void *arg)
{
	const struct trial *t = arg;
	struct sockaddr_in addr;
	gr_sock *l = listen_again(t, &addr), *s = NULL, *far = NULL;
	uint32_t failed = inject_failed();

	if (!failed) {
		int err;

		arm(t);
		err = gr_sock_open(AF_INET, SOCK_STREAM, 0, &s);
		failed = inject_disarm();
		CHECK(err == (failed ? -t->err : 0) && (s != NULL) == !failed);
	}
	if (!s)
		CHECK(gr_sock_open(AF_INET, SOCK_STREAM, 0, &s) == 0);
	CHECK(gr_sock_connect(s, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	CHECK(gr_sock_accept(l, &far) == 0);
	gr_sock_close(far);
	gr_sock_close(s);
	gr_sock_close(l);
}

/* Nothing stays behind: run_trial counts descriptors and allocations. */
static void sockets_are_refused(void **state)
{
	const struct gr_config config = {.procs = 1};

	(void)state;
	sweep(&config, listen_and_open, INJECT_SOCKET, EMFILE, 1);
	sweep(&config, listen_and_open, INJECT_SETSOCKOPT, ENOMEM, 1);
	sweep(&config, listen_and_open, INJECT_BIND, EADDRINUSE, 1);
	sweep(&config, listen_and_open, INJECT_LISTEN, EADDRINUSE, 1);
	sweep(&config, listen_and_open, INJECT_EPOLL_CTL, ENOSPC, 1);
	sweep(&config, listen_and_open, INJECT_ALIGNED_ALLOC, ENOMEM, 1);
}

/* ---- connecting --------------------------------------------------------------------------------------------- */

static void serve_one(void *arg)
{
	gr_sock *s = NULL;

	CHECK(gr_sock_accept(arg, &s) == 0);
	if (!s)
		return;
	CHECK(gr_sock_write(s, "y", 1) == 1);
	gr_sock_close(s);
}

static void connect_once(void *arg)
{
	const struct trial *t = arg;
	struct sockaddr_in addr = loopback();
	socklen_t len = sizeof(addr);
	gr_sock *l = NULL, *s = NULL;
	char c = 0;
	int err;

	CHECK(gr_sock_listen((struct sockaddr *)&addr, sizeof(addr), 16, &l) == 0);
	CHECK(getsockname(gr_sock_fd(l), (struct sockaddr *)&addr, &len) == 0);
	CHECK(gr_sock_open(AF_INET, SOCK_STREAM, 0, &s) == 0);
	arm(t);
	err = gr_sock_connect(s, (struct sockaddr *)&addr, sizeof(addr));
	inject_disarm();
	CHECK(err == 0 || (err == -t->err && inject_failed()));
	if (err == 0) {
		CHECK(gr_go(serve_one, l) == 0);
		CHECK(gr_sock_read(s, &c, 1) == 1 && c == 'y');
	}
	gr_sock_close(s);
	gr_sock_close(l);
}

static void connecting_is_refused(void **state)
{
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config config = {.procs = procs};

		(void)state;
		sweep(&config, connect_once, INJECT_CONNECT, EADDRNOTAVAIL, 1);
		sweep(&config, connect_once, INJECT_CONNECT, ENETUNREACH, 1);
		/* Made again by the runtime itself, which then finds it under way or done. */
		for (uint32_t n = 1; n <= 3; n++) {
			struct trial t = {INJECT_CONNECT, INJECT_ONCE, n, EINTR};

			run_trial(&config, connect_once, &t);
			assert_true(inject_failed() || n > 1);
		}
	}
}

/* ---- deadlines ------------------------------------------------------------------------------------------------ */

/* The first deadline of a number needs memory; without it nothing has changed. */
static void set_first_deadline(void *arg)
{
	int fds[2], err;
	gr_sock *s = NULL;
	char c = 0;

	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	CHECK(gr_sock_adopt(fds[0], &s) == 0);
	arm(arg);
	err = gr_sock_set_deadline(s, GR_SOCK_BOTH, 0);
	CHECK(gr_sock_set_deadline(s, GR_SOCK_BOTH, UINT64_MAX) == 0 || !err); /* none: needs nothing */
	inject_disarm();
	CHECK(err == (inject_failed() ? -ENOMEM : 0));
	CHECK(write(fds[1], "x", 1) == 1);
	CHECK(gr_sock_read(s, &c, 1) == 1 && c == 'x');
	CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, 1000) == 0);
	CHECK(gr_sock_read(s, &c, 1) == -ETIMEDOUT);
	gr_sock_close(s);
	close(fds[1]);
}

static void deadlines_are_refused(void **state)
{
	const struct gr_config config = {.procs = 1};

	(void)state;
	sweep(&config, set_first_deadline, INJECT_MALLOC, ENOMEM, 1);
}

/* ---- messages, and the ends of streams ------------------------------------------------------------------------ */

struct letters {
	struct certificate certificate;
	gr_sock *near, *far;
};

static void answer_letters(void *arg)
{
	struct letters *l = arg;
	int n = 0;
	ssize_t r;

	while ((r = gr_sock_recvfrom(l->far, &n, sizeof(n), 0, NULL, NULL)) == sizeof(n) && n >= 0)
		CHECK(gr_sock_sendto(l->far, &n, sizeof(n), 0, NULL, 0) == sizeof(n));
	CHECK(r == sizeof(n));
	keep_promise(&l->certificate, 1);
}

static void write_letters(void *arg)
{
	struct letters l;
	int fds[2], n, answer, end = -1;

	memset(&l, 0, sizeof(l));
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) == 0);
	CHECK(gr_sock_adopt(fds[0], &l.near) == 0 && gr_sock_adopt(fds[1], &l.far) == 0);
	arm(arg);
	CHECK(promise(&l.certificate, 1, answer_letters, &l) == 0);
	for (n = 0; n < 20; n++) {
		CHECK(gr_sock_sendto(l.near, &n, sizeof(n), 0, NULL, 0) == sizeof(n));
		CHECK(gr_sock_recvfrom(l.near, &answer, sizeof(answer), 0, NULL, NULL) == sizeof(n) && answer == n);
	}
	CHECK(gr_sock_sendto(l.near, &end, sizeof(end), 0, NULL, 0) == sizeof(end));
	check_certificate(&l.certificate);
	inject_disarm();
	gr_sock_close(l.near);
	gr_sock_close(l.far);
}

static void messages_are_interrupted(void **state)
{
	static const enum inject_kind kinds[] = {INJECT_RECVMSG, INJECT_SENDMSG, INJECT_EPOLL_WAIT};

	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config config = {.procs = procs};

		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			uint32_t failed = 0;

			for (uint32_t n = 1; n <= 40 / FEWER; n += n / 4 + 1) {
				struct trial t = {kinds[k], INJECT_ONCE, n, EINTR};

				run_trial(&config, write_letters, &t);
				failed += inject_failed();
				t.when = INJECT_EVERY;
				t.n = n + 1;
				run_trial(&config, write_letters, &t);
				failed += inject_failed();
			}
			assert_true(failed || kinds[k] == INJECT_EPOLL_WAIT);
		}
	}
}

/* What the kernel says goes to who asked, and the socket works on. */
static void message_by_message(void *arg)
{
	const struct trial *t = arg;
	int fds[2], in = -1, refused = 0;
	gr_sock *s, *r;

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) == 0);
	CHECK(gr_sock_adopt(fds[0], &s) == 0 && gr_sock_adopt(fds[1], &r) == 0);
	arm(t);
	for (int n = 0; n < 5; n++) {
		ssize_t k;

		while ((k = gr_sock_sendto(s, &n, sizeof(n), 0, NULL, 0)) == -t->err && refused < 3)
			refused++;
		CHECK(k == sizeof(n) || inject_failed());
		if (k < 0)
			break;
		while ((k = gr_sock_recvfrom(r, &in, sizeof(in), 0, NULL, NULL)) == -t->err && refused < 3)
			refused++;
		CHECK((k == sizeof(in) && in == n) || inject_failed());
		if (k < 0)
			break;
	}
	inject_disarm();
	CHECK(t->when != INJECT_ONCE || refused == (int)inject_failed());
	gr_sock_close(s);
	gr_sock_close(r);
}

static void messages_are_refused(void **state)
{
	const struct gr_config config = {.procs = 1};

	(void)state;
	sweep(&config, message_by_message, INJECT_RECVMSG, ENOBUFS, 5);
	sweep(&config, message_by_message, INJECT_SENDMSG, ENOBUFS, 5);
}

static void half_close(void *arg)
{
	int fds[2], err;
	gr_sock *s, *r;
	char c = 0;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	CHECK(gr_sock_adopt(fds[0], &s) == 0 && gr_sock_adopt(fds[1], &r) == 0);
	arm(arg);
	err = gr_sock_shutdown_write(s);
	inject_disarm();
	CHECK(err == (inject_failed() ? -((struct trial *)arg)->err : 0));
	CHECK(gr_sock_write(s, "x", 1) == (err ? 1 : -EINVAL));
	CHECK(gr_sock_read(r, &c, 1) == (err ? 1 : 0));
	gr_sock_close(s);
	gr_sock_close(r);
}

static void half_closing_is_refused(void **state)
{
	const struct gr_config config = {.procs = 1};

	(void)state;
	sweep(&config, half_close, INJECT_SHUTDOWN, ENOTCONN, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_are_refused),   cmocka_unit_test(connecting_is_refused),
		cmocka_unit_test(deadlines_are_refused), cmocka_unit_test(messages_are_interrupted),
		cmocka_unit_test(messages_are_refused),  cmocka_unit_test(half_closing_is_refused),
	};

	fault_test_begin();
	return cmocka_run_group_tests_name("fault/net", tests, NULL, NULL);
}
