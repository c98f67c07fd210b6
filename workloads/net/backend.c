/*
 * backend.c - see backend.h. One thread, one epoll set.
 *
 * All requests wait equally long, so the order in which they come is the order in which they are due: they wait in a ring.
 * A client that goes while its request waits leaves its record to the ring.
 *
 * It is forked, not executed: it needs no file beside the subject. It must not touch what it has inherited, so the standard
 * streams, which are the harness's pipes, are closed first of all.
 */
#include "workloads/net/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workloads/net/tcp.h"

#define WORD_A UINT64_C(0x9e3779b97f4a7c15) /* 2^64 by the golden ratio, odd */
#define NS_PER_S UINT64_C(1000000000)
enum { EVENTS_AT_ONCE = 64 }; /* arbitrary */

/* ---- bodies --------------------------------------------------------------------------------------- */

/* The i-th word of a body: spread bits, so that sums of different numbers differ. */
static uint64_t word_of(uint64_t number, uint64_t i)
{
	uint64_t x = (number + 1) * WORD_A + i;

	x = (x ^ x >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 29;
}

static void write_body(char *out, size_t bytes, uint64_t number)
{
	for (size_t at = 0; at < bytes; at += sizeof(uint64_t)) {
		uint64_t word = word_of(number, at / sizeof word);

		memcpy(out + at, &word, bytes - at < sizeof word ? bytes - at : sizeof word);
	}
}

uint64_t backend_sum(const char *body, size_t body_bytes)
{
	uint64_t sum = 0, word;
	size_t at = 0;

	for (; at + sizeof word <= body_bytes; at += sizeof word) {
		memcpy(&word, body + at, sizeof word);
		sum += word;
	}
	word = 0;
	memcpy(&word, body + at, body_bytes - at);
	return sum + word;
}

uint64_t backend_sum_of(uint64_t number, size_t body_bytes)
{
	uint64_t sum = 0, last = 0;
	char tail[sizeof last];
	size_t words = body_bytes / sizeof last;

	for (size_t i = 0; i < words; i++)
		sum += word_of(number, i);
	last = word_of(number, words);
	memcpy(tail, &last, sizeof tail);
	last = 0;
	memcpy(&last, tail, body_bytes % sizeof last);
	return sum + last;
}

size_t backend_head(char *out, size_t body_bytes)
{
	return (size_t)snprintf(out, BACKEND_HEAD_MAX,
				"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
				"Content-Length: %zu\r\n\r\n",
				body_bytes);
}

/* ---- the process ---------------------------------------------------------------------------------- */

struct client {
	int fd; /* -1: it has gone while a request of it waited */
	bool waits; /* a request of it is in the ring */
	size_t got; /* bytes of a request that is not complete */
	char request[BACKEND_REQUEST_MAX];
};

struct waiting {
	struct client *client;
	uint64_t number, due_ns;
};

/* All of it is the process's. */
struct server {
	int epoll_fd, listen_fd, life_fd;
	uint64_t delay_ns;
	size_t head_bytes, answer_bytes;
	char *answer; /* the head stays, the body is written for each */
	struct waiting *ring;
	size_t room, first, n; /* of the ring */
};

static void drop(struct client *c)
{
	close(c->fd); /* which takes it out of the epoll set */
	c->fd = -1;
	if (!c->waits)
		free(c);
}

static int watch(struct server *s, int fd, void *who)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = who};

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(struct server *s)
{
	int fd;

	while ((fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct client *c = calloc(1, sizeof *c);

		if (!c || watch(s, fd, c) < 0) { /* the client sees the end of its connection */
			close(fd);
			free(c);
			continue;
		}
		c->fd = fd;
	}
}

/* The number in "GET /<16 digits> ..."; false: this is no request of ours. */
static bool parse(const char *request, uint64_t *number)
{
	char digits[17] = {0}, *end;

	if (memcmp(request, "GET /", 5) != 0)
		return false;
	memcpy(digits, request + 5, 16);
	*number = strtoull(digits, &end, 16);
	return *end == '\0' && memcmp(request + 21, " HTTP/1.1\r\n", 11) == 0;
}

static void read_request(struct server *s, struct client *c)
{
	ssize_t n = recv(c->fd, c->request + c->got, sizeof c->request - c->got, 0);
	struct waiting *w = &s->ring[(s->first + s->n) % s->room];

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || c->waits || s->n == s->room) { /* one at a time on a connection */
		drop(c);
		return;
	}
	c->got += (size_t)n;
	if (c->got < 4 || memcmp(c->request + c->got - 4, "\r\n\r\n", 4) != 0) {
		if (c->got == sizeof c->request)
			drop(c);
		return;
	}
	if (c->got < 32 || !parse(c->request, &w->number)) {
		drop(c);
		return;
	}
	c->got = 0;
	c->waits = true;
	w->client = c;
	w->due_ns = bench_now_ns() + s->delay_ns;
	s->n++;
}

/* All of it: a client that does not read holds the others up, and ours do read. */
static void send_answer(struct server *s, struct client *c)
{
	size_t done = 0;

	while (done < s->answer_bytes) {
		struct pollfd room = {.fd = c->fd, .events = POLLOUT};
		ssize_t n = send(c->fd, s->answer + done, s->answer_bytes - done, MSG_NOSIGNAL);

		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			(void)poll(&room, 1, BACKEND_IDLE_S * 1000);
		} else if (errno != EINTR) {
			drop(c);
			return;
		}
	}
}

static void answer_due(struct server *s)
{
	while (s->n > 0) {
		struct waiting w = s->ring[s->first];

		if (w.due_ns > bench_now_ns())
			break;
		s->first = (s->first + 1) % s->room;
		s->n--;
		w.client->waits = false;
		if (w.client->fd < 0) {
			free(w.client);
			continue;
		}
		write_body(s->answer + s->head_bytes, s->answer_bytes - s->head_bytes, w.number);
		send_answer(s, w.client);
	}
}

/* Sleep until something comes or is due. epoll counts in ms: what is finer is waited for before. False: it is over. */
static bool await(const struct server *s)
{
	uint64_t wait_ns = BACKEND_IDLE_S * NS_PER_S, at_ns = s->n ? s->ring[s->first].due_ns : 0, now = bench_now_ns();
	struct pollfd p = {.fd = s->epoll_fd, .events = POLLIN};
	struct timespec t;

	if (s->n)
		wait_ns = at_ns > now ? at_ns - now : 0;
	t = (struct timespec){.tv_sec = (time_t)(wait_ns / NS_PER_S), .tv_nsec = (long)(wait_ns % NS_PER_S)};
	return ppoll(&p, 1, &t, NULL) != 0 || s->n > 0;
}

static void serve(struct server *s)
{
	struct epoll_event events[EVENTS_AT_ONCE];

	while (await(s)) {
		int n = epoll_wait(s->epoll_fd, events, EVENTS_AT_ONCE, 0);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &s->life_fd)
				return;
			if (events[i].data.ptr == &s->listen_fd)
				accept_all(s);
			else
				read_request(s, events[i].data.ptr);
		}
		answer_due(s);
	}
}

/* In the child. The kernel takes back what is not freed. */
static _Noreturn void run(struct server *s, size_t body_bytes)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	char head[BACKEND_HEAD_MAX];

	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null_fd, fd) < 0)
			_exit(1);
	s->head_bytes = backend_head(head, body_bytes);
	s->answer_bytes = s->head_bytes + body_bytes;
	s->answer = malloc(s->answer_bytes);
	s->ring = calloc(s->room, sizeof s->ring[0]);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!s->answer || !s->ring || s->epoll_fd < 0 || watch(s, s->listen_fd, &s->listen_fd) < 0 ||
	    watch(s, s->life_fd, &s->life_fd) < 0)
		_exit(1);
	memcpy(s->answer, head, s->head_bytes);
	serve(s);
	_exit(0);
}

/* ---- the subject's side ---------------------------------------------------------------------------- */

int backend_start(struct bench *b, uint64_t connections, uint64_t delay_ns, size_t body_bytes, struct backend *out)
{
	struct server s = {.delay_ns = delay_ns, .room = connections};
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof addr;
	int life[2], status;

	s.listen_fd = tcp_listen_at(b, &addr, connections);
	if (s.listen_fd < 0)
		return s.listen_fd;
	if (getsockname(s.listen_fd, (struct sockaddr *)&addr, &len) < 0 || pipe2(life, O_CLOEXEC) < 0) {
		status = bench_fail(b, -errno, "cannot prepare a backend: %s", strerror(errno));
		close(s.listen_fd);
		return status;
	}
	s.life_fd = life[0];
	out->pid = fork();
	if (out->pid == 0) {
		close(life[1]);
		run(&s, body_bytes);
	}
	status = out->pid < 0 ? bench_fail(b, -errno, "cannot start a backend: %s", strerror(errno)) : 0;
	close(s.listen_fd);
	close(life[0]);
	if (status < 0) {
		out->pid = 0;
		close(life[1]);
		return status;
	}
	out->life_fd = life[1];
	out->port = ntohs(addr.sin_port);
	return 0;
}

void backend_stop(struct backend *s)
{
	if (!s->pid)
		return;
	close(s->life_fd);
	(void)kill(s->pid, SIGKILL); /* it is ours and not reaped, so the number cannot be another's */
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
}

int backend_connect(struct bench *b, const struct backend *s)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct linger reset = {.l_onoff = 1}; /* at close: else each connection of each run would stay in TIME_WAIT */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, status;

	if (fd < 0)
		return bench_fail(b, -errno, "cannot make a socket: %s", strerror(errno));
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0 &&
	    connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0)
		return fd;
	status = bench_fail(b, -errno, "cannot connect to the backend: %s", strerror(errno));
	close(fd);
	return status;
}
