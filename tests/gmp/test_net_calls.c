/*
 * The calls on descriptors beside reading and writing streams: connecting and listening, messages, half-closing, calling
 * off; and the kinds of descriptors. Streams are in test_net.c, deadlines in test_go_deadline.c.
 */
#include "net_test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/un.h>
#include <termios.h>

#include "netpoll.h"

/* ---- connecting ------------------------------------------------------------------------------------------- */

static void answer_one(void *arg)
{
	gr_sock *s = NULL;
	char c = 0;

	CHECK(gr_sock_accept(arg, &s) == 0);
	CHECK(gr_sock_read(s, &c, 1) == 1);
	c++;
	CHECK(gr_sock_write(s, &c, 1) == 1);
	gr_sock_close(s);
}

static void connects_over_tcp(void *arg)
{
	struct sockaddr_in addr;
	gr_sock *l = listen_on_loopback(&addr), *s = NULL;
	char buf[8] = "a";

	(void)arg;
	for (int i = 0; i < TIMES(200); i++) {
		spawn(answer_one, l);
		CHECK(gr_sock_open(AF_INET, SOCK_STREAM, 0, &s) == 0);
		CHECK(gr_sock_connect(s, (struct sockaddr *)&addr, sizeof(addr)) == 0);
		buf[0] = 'a';
		CHECK(gr_sock_write(s, buf, 1) == 1);
		CHECK(gr_sock_read(s, buf, sizeof(buf)) == 1 && buf[0] == 'b');
		CHECK(gr_sock_read(s, buf, sizeof(buf)) == 0);
		gr_sock_close(s);
	}
	gr_sock_close(l);
}

/* The edge of a socket that is not connected yet is not the peer's end: short reads mean something on it. */
static void connected_reads_infer(void *arg)
{
	struct sockaddr_in addr;
	gr_sock *l = listen_on_loopback(&addr), *s = NULL, *far = NULL;
	char buf[8];

	(void)arg;
	CHECK(gr_sock_open(AF_INET, SOCK_STREAM, 0, &s) == 0);
	gr_sleep_ns(2 * MS); /* the edge is there */
	CHECK(gr_sock_connect(s, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	CHECK(gr_sock_accept(l, &far) == 0);
	CHECK(gr_sock_write(far, "abc", 3) == 3);
	CHECK(gr_sock_read(s, buf, sizeof(buf)) == 3);
	CHECK(!load_relaxed(&s->hung_up));
	gr_sock_close(far);
	CHECK(gr_sock_read(s, buf, sizeof(buf)) == 0);
	gr_sock_close(s);
	gr_sock_close(l);
}

static void connection_is_refused(void *arg)
{
	struct sockaddr_in addr;
	gr_sock *l = listen_on_loopback(&addr), *s = NULL;

	(void)arg;
	gr_sock_close(l); /* nobody is there now */
	CHECK(gr_sock_open(AF_INET, SOCK_STREAM, 0, &s) == 0);
	CHECK(gr_sock_connect(s, (struct sockaddr *)&addr, sizeof(addr)) == -ECONNREFUSED);
	gr_sock_close(s);
	CHECK(gr_sock_open(AF_INET, 12345, 0, &s) < 0);
	/* A number that is in use. */
	l = listen_on_loopback(&addr);
	s = NULL;
	CHECK(gr_sock_listen((struct sockaddr *)&addr, sizeof(addr), 0, &s) == -EADDRINUSE && s == NULL);
	gr_sock_close(l);
}

static void connect_twice(void *arg)
{
	struct sockaddr_in addr;
	gr_sock *l = listen_on_loopback(&addr), *s = NULL;

	(void)arg;
	CHECK(gr_sock_open(AF_INET, SOCK_STREAM, 0, &s) == 0);
	CHECK(gr_sock_connect(s, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	CHECK(gr_sock_connect(s, (struct sockaddr *)&addr, sizeof(addr)) == -EISCONN);
	gr_sock_close(s);
	gr_sock_close(l);
}

/* ---- Unix sockets ----------------------------------------------------------------------------------------- */

static socklen_t unix_address(struct sockaddr_un *addr, const char *name)
{
	*addr = (struct sockaddr_un){.sun_family = AF_UNIX};
	/* Without a file: the first byte is 0. */
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)snprintf(addr->sun_path + 1, sizeof(addr->sun_path) - 1, "gr-%s-%d", name,
					    getpid()));
}

static void unix_streams(void *arg)
{
	struct sockaddr_un addr;
	socklen_t len = unix_address(&addr, "stream");
	gr_sock *l = NULL, *s = NULL, *unserved[64];
	char buf[8] = "x";
	int n, err = 0;

	(void)arg;
	CHECK(gr_sock_listen((struct sockaddr *)&addr, len, 4, &l) == 0);
	spawn(answer_one, l);
	CHECK(gr_sock_open(AF_UNIX, SOCK_STREAM, 0, &s) == 0);
	CHECK(gr_sock_connect(s, (struct sockaddr *)&addr, len) == 0);
	CHECK(gr_sock_write(s, buf, 1) == 1);
	CHECK(gr_sock_read(s, buf, sizeof(buf)) == 1 && buf[0] == 'y');
	gr_sock_close(s);
	/* The backlog is full. */
	for (n = 0; n < 64 && !err; n++) {
		CHECK(gr_sock_open(AF_UNIX, SOCK_STREAM, 0, &unserved[n]) == 0);
		err = gr_sock_connect(unserved[n], (struct sockaddr *)&addr, len);
	}
	CHECK(err == -EAGAIN);
	while (n-- > 0)
		gr_sock_close(unserved[n]);
	gr_sock_close(l);
}

static void sequenced_packets(void *arg)
{
	gr_sock *near, *far;
	char buf[16];
	int fds[2];

	(void)arg;
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	near = adopt(fds[0]);
	far = adopt(fds[1]);
	CHECK(gr_sock_write(near, "first", 5) == 5);
	CHECK(gr_sock_write(near, "2nd", 3) == 3);
	CHECK(gr_sock_read(far, buf, sizeof(buf)) == 5 && !memcmp(buf, "first", 5));
	CHECK(gr_sock_recvfrom(far, buf, 2, MSG_TRUNC, NULL, NULL) == 3 && !memcmp(buf, "2n", 2));
	gr_sock_close(near);
	CHECK(gr_sock_read(far, buf, sizeof(buf)) == 0);
	gr_sock_close(far);
}

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static ssize_t send_descriptor(gr_sock *s, int fd)
{
	union control control;
	struct iovec iov = {.iov_base = (char[]){'d'}, .iov_len = 1};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *head;

	memset(&control, 0, sizeof(control));
	head = CMSG_FIRSTHDR(&msg);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	return gr_sock_sendmsg(s, &msg, 0);
}

static int receive_descriptor(gr_sock *s)
{
	union control control;
	char byte = 0;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	int fd = -1;

	memset(&control, 0, sizeof(control));
	CHECK(gr_sock_recvmsg(s, &msg, 0) == 1 && byte == 'd');
	CHECK(msg.msg_controllen == CMSG_SPACE(sizeof(int)));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

struct handover {
	gr_sock *s;
	gr_chan *got;
};

static void take_over(void *arg)
{
	struct handover *h = arg;

	send_int(h->got, receive_descriptor(h->s)); /* waits for it */
}

static void descriptors_are_passed(void *arg)
{
	struct handover h = {.got = chan_of_ints(1)};
	gr_sock *near, *reader;
	int fds[2], pipe_fds[2], got;
	char c = 0;

	(void)arg;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	near = adopt(fds[0]);
	h.s = adopt(fds[1]);
	CHECK(pipe(pipe_fds) == 0);
	CHECK(gr_go_named("receiver", take_over, &h) == 0);
	await_blocked("receiver");
	CHECK(send_descriptor(near, pipe_fds[0]) == 1);
	got = recv_int(h.got);
	CHECK(got > 2 && fcntl(got, F_GETFD) == FD_CLOEXEC);
	close(pipe_fds[0]);
	reader = adopt(got);
	CHECK(write(pipe_fds[1], "q", 1) == 1);
	CHECK(gr_sock_read(reader, &c, 1) == 1 && c == 'q');
	close(pipe_fds[1]);
	gr_sock_close(reader);
	gr_sock_close(near);
	gr_sock_close(h.s);
	gr_chan_free(h.got);
}

/* ---- datagrams -------------------------------------------------------------------------------------------- */

static gr_sock *udp(struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	gr_sock *s = NULL;

	*addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	CHECK(gr_sock_open(AF_INET, SOCK_DGRAM, 0, &s) == 0);
	CHECK(bind(gr_sock_fd(s), (struct sockaddr *)addr, len) == 0);
	CHECK(getsockname(gr_sock_fd(s), (struct sockaddr *)addr, &len) == 0);
	return s;
}

struct udp_server {
	gr_sock *s;
	_Atomic int served;
	gr_wg done;
};

/* Answers to where it came from, until it is told to end. Several of these on one socket. */
static void serve_datagrams(void *arg)
{
	struct udp_server *server = arg;
	char buf[64];

	for (;;) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n = gr_sock_recvfrom(server->s, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

		if (n < 0)
			break;
		CHECK(n == 4 && len == sizeof(from));
		CHECK(gr_sock_sendto(server->s, buf, (size_t)n, 0, (struct sockaddr *)&from, len) == n);
		atomic_fetch_add(&server->served, 1);
	}
	gr_wg_done(&server->done);
}

struct udp_client {
	const struct sockaddr_in *server;
	uint32_t id;
	gr_wg *done;
};

static void ask_datagrams(void *arg)
{
	struct udp_client *c = arg;
	struct sockaddr_in mine;
	gr_sock *s = udp(&mine);

	for (int i = 0; i < TIMES(200); i++) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		uint32_t out = c->id * 1000 + (uint32_t)i, in = 0;

		CHECK(gr_sock_sendto(s, &out, sizeof(out), 0, (const struct sockaddr *)c->server, sizeof(*c->server)) ==
		      sizeof(out));
		CHECK(gr_sock_recvfrom(s, &in, sizeof(in), 0, (struct sockaddr *)&from, &len) == sizeof(in));
		CHECK(in == out && from.sin_port == c->server->sin_port);
	}
	gr_sock_close(s);
	gr_wg_done(c->done);
}

static void datagrams_to_and_fro(void *arg)
{
	enum { SERVERS = 3, CLIENTS = 5 };
	struct udp_server server = {0};
	struct sockaddr_in addr;
	struct udp_client clients[CLIENTS];
	gr_wg done = {0};

	(void)arg;
	server.s = udp(&addr);
	gr_wg_add(&server.done, SERVERS);
	for (int i = 0; i < SERVERS; i++)
		spawn(serve_datagrams, &server);
	gr_wg_add(&done, CLIENTS);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		clients[i] = (struct udp_client){&addr, i, &done};
		spawn(ask_datagrams, &clients[i]);
	}
	gr_wg_wait(&done);
	gr_sock_close(server.s); /* all servers wait in it, one after the other */
	gr_wg_wait(&server.done);
	CHECK(atomic_load(&server.served) == CLIENTS * TIMES(200));
}

static void datagram_flags(void *arg)
{
	struct sockaddr_in a, b, from;
	socklen_t len = sizeof(from);
	gr_sock *s = udp(&a), *t = udp(&b);
	char buf[4];

	(void)arg;
	CHECK(gr_sock_recvfrom(t, buf, sizeof(buf), MSG_DONTWAIT, NULL, NULL) == -EAGAIN);
	CHECK(gr_sock_sendto(s, "", 0, 0, (struct sockaddr *)&b, sizeof(b)) == 0);
	CHECK(gr_sock_recvfrom(t, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len) == 0); /* not an end */
	CHECK(len == sizeof(from) && from.sin_port == a.sin_port);
	CHECK(gr_sock_connect(s, (struct sockaddr *)&b, sizeof(b)) == 0);
	CHECK(gr_sock_write(s, "longer", 6) == 6);
	CHECK(gr_sock_recvfrom(t, buf, sizeof(buf), MSG_PEEK, NULL, NULL) == 4);
	CHECK(gr_sock_recvfrom(t, buf, sizeof(buf), MSG_TRUNC, NULL, NULL) == 6 && !memcmp(buf, "long", 4));
	/* Nobody is there: the answer comes with the next call, and its edge has said so. */
	gr_sock_close(t);
	CHECK(gr_sock_write(s, "x", 1) == 1);
	CHECK(gr_sock_read(s, buf, sizeof(buf)) == -ECONNREFUSED);
	gr_sock_close(s);
}

enum { SENDERS = 4, DATAGRAMS = 200, DATAGRAM_BYTES = 4096 };

struct sender {
	gr_sock *s;
	int id;
	gr_wg *done;
};

static void send_many(void *arg)
{
	struct sender *a = arg;
	char buf[DATAGRAM_BYTES];

	memset(buf, 'a' + a->id, sizeof(buf));
	for (int i = 0; i < DATAGRAMS; i++)
		CHECK(gr_sock_sendto(a->s, buf, sizeof(buf), 0, NULL, 0) == sizeof(buf));
	gr_wg_done(a->done);
}

/* Unix datagrams are not lost: when the receiver's queue is full, senders wait, each for its turn. */
static void several_senders_wait(void *arg)
{
	struct sender senders[SENDERS];
	int fds[2], from[SENDERS] = {0};
	gr_wg done = {0};
	gr_sock *s, *t;
	char *buf = malloc(DATAGRAM_BYTES);

	(void)arg;
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) == 0);
	s = adopt(fds[0]);
	t = adopt(fds[1]);
	gr_wg_add(&done, SENDERS);
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){s, i, &done};
		spawn(send_many, &senders[i]);
	}
	let_others_run(); /* until the queue is full */
	for (int i = 0; i < SENDERS * DATAGRAMS; i++) {
		CHECK(gr_sock_recvfrom(t, buf, DATAGRAM_BYTES, 0, NULL, NULL) == DATAGRAM_BYTES);
		CHECK(buf[0] >= 'a' && buf[0] < 'a' + SENDERS && buf[DATAGRAM_BYTES - 1] == buf[0]);
		from[buf[0] - 'a']++;
	}
	gr_wg_wait(&done);
	for (int i = 0; i < SENDERS; i++)
		CHECK(from[i] == DATAGRAMS);
	gr_sock_close(s);
	gr_sock_close(t);
	free(buf);
}

/* ---- half-closing ----------------------------------------------------------------------------------------- */

static void writing_is_shut_down(void *arg)
{
	struct call write = {.buf = calloc(1, 64u << 20), .n = 64u << 20};
	int theirs, fds[2];
	gr_sock *s, *t;
	char buf[8];

	(void)arg;
	tcp_pair(&s, &theirs);
	t = adopt(theirs);
	CHECK(gr_sock_write(s, "bye", 3) == 3);
	CHECK(gr_sock_shutdown_write(s) == 0);
	CHECK(gr_sock_write(s, "x", 1) == -EINVAL);
	CHECK(gr_sock_write_some(s, "x", 1) == -EINVAL);
	CHECK(gr_sock_sendto(s, "x", 1, 0, NULL, 0) == -EINVAL);
	CHECK(read_full(t, buf, sizeof(buf)) == 3 && !memcmp(buf, "bye", 3));
	CHECK(gr_sock_write(t, "answer", 6) == 6);
	CHECK(gr_sock_read(s, buf, sizeof(buf)) == 6 && !memcmp(buf, "answer", 6));
	gr_sock_close(s);
	gr_sock_close(t);

	/* Who is blocked in a write. */
	tcp_pair(&s, &theirs);
	begin_call(&write, call_write, s);
	await_blocked("call");
	CHECK(gr_sock_shutdown_write(s) == 0);
	CHECK(end_call(&write) == -EINVAL);
	gr_sock_close(s);
	close(theirs);
	free(write.buf);

	/* What cannot be shut down is as it was. */
	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	s = adopt(fds[1]);
	CHECK(gr_sock_shutdown_write(s) == -ENOTSOCK);
	CHECK(gr_sock_write(s, "x", 1) == 1);
	gr_sock_close(s);
	close(fds[0]);
	CHECK(gr_sock_open(AF_INET, SOCK_STREAM, 0, &s) == 0);
	CHECK(gr_sock_shutdown_write(s) == -ENOTCONN);
	CHECK(!gr__np_is_shut(s, GR__NP_WRITE));
	gr_sock_close(s);
}

static void writes_some(void *arg)
{
	size_t n = 64u << 20, done = 0;
	char *much = calloc(1, n);
	gr_sock *s;
	int theirs;
	ssize_t r;

	(void)arg;
	tcp_pair(&s, &theirs);
	r = gr_sock_write_some(s, much, n);
	CHECK(r > 0 && (size_t)r < n); /* as many as fit: nobody reads */
	done += (size_t)r;
	CHECK(gr_sock_write_some(s, much, 0) == 0);
	CHECK(gr_sock_set_deadline(s, GR_SOCK_WRITE, 20 * MS) == 0);
	while ((r = gr_sock_write_some(s, much, n)) > 0)
		done += (size_t)r;
	CHECK(r == -ETIMEDOUT);
	/* What was said to be written is what arrives. */
	CHECK(gr_sock_set_deadline(s, GR_SOCK_WRITE, UINT64_MAX) == 0);
	gr_sock_close(s);
	s = adopt(theirs);
	while ((r = gr_sock_read(s, much, n)) > 0)
		done -= (size_t)r;
	CHECK(r == 0 && done == 0);
	gr_sock_close(s);
	free(much);
}

/* ---- calling off ------------------------------------------------------------------------------------------ */

/* Calls in progress are called off, in the given directions only; later ones work. */
static void cancel_wakes(void *arg)
{
	struct call read = {0}, write = {.buf = calloc(1, 64u << 20), .n = 64u << 20};
	gr_sock *s;
	int theirs;
	char c = 0;

	(void)arg;
	tcp_pair(&s, &theirs);
	for (int i = 0; i < 5; i++) {
		begin_call(&read, call_read, s);
		await_blocked("call");
		gr_sock_cancel(s, GR_SOCK_WRITE);
		let_others_run();
		CHECK(!atomic_load(&read.has_returned));
		gr_sock_cancel(s, i % 2 ? GR_SOCK_READ : GR_SOCK_BOTH);
		CHECK(end_call(&read) == -ECANCELED);
		CHECK(send(theirs, "x", 1, MSG_NOSIGNAL) == 1);
		CHECK(gr_sock_read(s, &c, 1) == 1 && c == 'x');
	}
	begin_call(&write, call_write, s);
	await_blocked("call");
	gr_sock_cancel(s, GR_SOCK_READ);
	let_others_run();
	CHECK(!atomic_load(&write.has_returned));
	gr_sock_cancel(s, GR_SOCK_WRITE);
	CHECK(end_call(&write) == -ECANCELED);
	/* One that nobody waits for concerns nobody. */
	gr_sock_cancel(s, GR_SOCK_BOTH);
	CHECK(send(theirs, "y", 1, MSG_NOSIGNAL) == 1);
	CHECK(gr_sock_read(s, &c, 1) == 1 && c == 'y');
	gr_sock_close(s);
	close(theirs);
	free(write.buf);
}

/* Those too that wait for their turn; and the next one after them gets what comes. */
static void cancel_wakes_all_in_line(void *arg)
{
	enum { CALLS = 4 };
	struct call accepts[CALLS], receives[CALLS], last = {0};
	struct sockaddr_in addr, from;
	gr_sock *l = listen_on_loopback(&addr), *u = udp(&from);
	int client;

	(void)arg;
	memset(accepts, 0, sizeof(accepts));
	memset(receives, 0, sizeof(receives));
	for (int i = 0; i < CALLS; i++) {
		begin_call(&accepts[i], call_accept, l);
		begin_call(&receives[i], call_receive, u);
	}
	while (dumped("call", "[I/O") < 2 || dumped("call", "[sema") < 2 * CALLS - 2)
		gr_sleep_ns(MS / 10);
	gr_sock_cancel(l, GR_SOCK_READ);
	gr_sock_cancel(u, GR_SOCK_READ);
	for (int i = 0; i < CALLS; i++) {
		CHECK(end_call(&accepts[i]) == -ECANCELED);
		CHECK(end_call(&receives[i]) == -ECANCELED);
	}
	begin_call(&last, call_accept, l);
	client = connect_plain(&addr);
	CHECK(end_call(&last) == 0);
	close(client);
	gr_sock_close(l);
	gr_sock_close(u);
}

struct race {
	gr_sock *s;
	int theirs, bytes;
	_Atomic int asked;
	_Atomic bool over;
	gr_wg done;
};

static void cancel_again_and_again(void *arg)
{
	struct race *r = arg;

	while (!atomic_load(&r->over)) {
		gr_sock_cancel(r->s, GR_SOCK_READ);
		gr_yield();
	}
	gr_wg_done(&r->done);
}

/* One byte after the other, each some time after it is waited for. */
static void send_when_asked(void *arg)
{
	struct race *r = arg;

	for (int i = 0; i < r->bytes; i++) {
		unsigned char c = (unsigned char)i;

		while (atomic_load(&r->asked) <= i)
			gr_yield();
		for (int k = 0; k < i % 4; k++)
			gr_yield();
		CHECK(send(r->theirs, &c, 1, MSG_NOSIGNAL) == 1);
	}
	gr_wg_done(&r->done);
}

/* No byte is lost and no edge: what a call that was called off has not read, the next one does. */
static void cancel_loses_nothing(void *arg)
{
	struct race r = {.bytes = TIMES(3000)};
	int canceled = 0;

	(void)arg;
	tcp_pair(&r.s, &r.theirs);
	gr_wg_add(&r.done, 2);
	spawn(cancel_again_and_again, &r);
	spawn(send_when_asked, &r);
	for (int i = 0; i < r.bytes; i++) {
		unsigned char c = 0;
		ssize_t n;

		atomic_store(&r.asked, i + 1);
		while ((n = gr_sock_read(r.s, &c, 1)) == -ECANCELED)
			canceled++;
		CHECK(n == 1 && c == (unsigned char)i);
	}
	atomic_store(&r.over, true);
	gr_wg_wait(&r.done);
	CHECK(canceled > 0);
	gr_sock_close(r.s);
	close(r.theirs);
}

/* ---- terminals -------------------------------------------------------------------------------------------- */

struct typist {
	gr_sock *tty;
	char line[16];
	ssize_t n;
	gr_wg done;
};

static void read_line(void *arg)
{
	struct typist *t = arg;

	t->n = gr_sock_read(t->tty, t->line, sizeof(t->line));
	gr_wg_done(&t->done);
}

static int open_terminal(gr_sock **master)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), tty;
	struct termios raw;

	CHECK(fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0);
	tty = open(ptsname(fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(tty >= 0 && tcgetattr(tty, &raw) == 0);
	raw.c_lflag &= ~(tcflag_t)ECHO;
	raw.c_oflag &= ~(tcflag_t)OPOST;
	CHECK(tcsetattr(tty, TCSANOW, &raw) == 0);
	*master = adopt(fd);
	return tty;
}

/* By lines: what has been typed is there when the line is complete. */
static void terminals(void *arg)
{
	struct typist t = {0};
	gr_sock *master;
	int tty = open_terminal(&master), flags;
	char buf[64];

	(void)arg;
	t.tty = adopt(tty);
	for (int i = 0; i < 3; i++) {
		gr_wg_add(&t.done, 1);
		CHECK(gr_go_named("typist", read_line, &t) == 0);
		await_blocked("typist");
		CHECK(gr_sock_write(master, "he", 2) == 2);
		CHECK(gr_sock_write(master, "llo\n", 4) == 4);
		gr_wg_wait(&t.done);
		CHECK(t.n == 6 && !memcmp(t.line, "hello\n", 6));
		CHECK(gr_sock_write(t.tty, "answer", 6) == 6);
		CHECK(read_full(master, buf, 6) == 6 && !memcmp(buf, "answer", 6));
	}
	/* It belongs to what is open: others who have it see it. */
	flags = fcntl(tty, F_GETFL);
	CHECK(flags & O_NONBLOCK);
	gr_wg_add(&t.done, 1);
	CHECK(gr_go_named("typist", read_line, &t) == 0);
	await_blocked("typist");
	gr_sock_close(master); /* a hang-up */
	gr_wg_wait(&t.done);
	CHECK(t.n == 0 || t.n == -EIO);
	gr_sock_close(t.tty);
}

/* More than a terminal holds: the writer waits, again and again. */
static void terminal_is_slow(void *arg)
{
	enum { BYTES = 40000 };
	struct call write = {.buf = malloc(BYTES), .n = BYTES};
	gr_sock *master, *tty;
	int fd = open_terminal(&master);
	char *buf = malloc(BYTES);

	(void)arg;
	for (int i = 0; i < BYTES; i++)
		((char *)write.buf)[i] = (char)('a' + i % 23);
	tty = adopt(fd);
	begin_call(&write, call_write, tty);
	await_blocked("call");
	CHECK(read_full(master, buf, BYTES) == BYTES);
	CHECK(end_call(&write) == BYTES && !memcmp(buf, write.buf, BYTES));
	gr_sock_close(tty);
	gr_sock_close(master);
	free(buf);
	free(write.buf);
}

/* A character device that epoll does not know. */
static void unpollable(void *arg)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	gr_sock *s = NULL;

	(void)arg;
	CHECK(gr_sock_adopt(fd, &s) == -EPERM && s == NULL);
	CHECK(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	close(fd);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		ON_1_AND_2(connects_over_tcp),
		ON_1_AND_2(connected_reads_infer),
		ON_1_AND_2(connection_is_refused),
		ON_1_AND_2(connect_twice),
		ON_1_AND_2(unix_streams),
		ON_1_AND_2(sequenced_packets),
		ON_1_AND_2(descriptors_are_passed),
		ON_1_AND_2(datagrams_to_and_fro),
		ON_1_AND_2(datagram_flags),
		ON_1_AND_2(several_senders_wait),
		ON_1_AND_2(writing_is_shut_down),
		ON_1_AND_2(writes_some),
		ON_1_AND_2(cancel_wakes),
		ON_1_AND_2(cancel_wakes_all_in_line),
		ON_1_AND_2(cancel_loses_nothing),
		ON_1_AND_2(terminals),
		ON_1_AND_2(terminal_is_slow),
		ON_1_AND_2(unpollable),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/net_calls", tests, NULL, NULL);
}
