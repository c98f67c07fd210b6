/* load.c - a closed loop of requests over many connections; see load.h. */
#include "harness/loadgen/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/rng.h"

enum {
	EVENTS_AT_ONCE = 256, /* arbitrary */
	SCRATCH_BYTES = 64 * 1024, /* one read(2); arbitrary */
	SPARE_FDS = 16, /* standard streams, epoll and what libraries hold */
};

/* ---- connecting --------------------------------------------------------------------------------- */

/* Let this process have as many descriptors as it needs, if the hard limit allows. */
static int raise_fd_limit(uint32_t connections, struct err *e)
{
	struct rlimit limit;
	rlim_t need = (rlim_t)connections + SPARE_FDS;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(e, -errno, "cannot read the limit of open files");
	if (limit.rlim_cur >= need)
		return 0;
	if (limit.rlim_max < need)
		return err_set(e, -EMFILE, "%" PRIu32 " connections need %llu descriptors, and the hard limit is %llu",
			       connections, (unsigned long long)need, (unsigned long long)limit.rlim_max);
	limit.rlim_cur = need;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(e, -errno, "cannot raise the limit of open files");
	return 0;
}

/*
 * A source address in 127.0.0.0/8, so that the four-tuples of one sample, which stay in TIME_WAIT for a minute, are not
 * in the way of the next one. 127.0.x.y is left out: ordinary clients of the machine are there.
 */
static struct in_addr source_address(struct rng *rng)
{
	uint32_t a = 1 + (uint32_t)rng_below(rng, 254);
	uint32_t b = (uint32_t)rng_below(rng, 256);
	uint32_t c = 1 + (uint32_t)rng_below(rng, 254);

	return (struct in_addr){.s_addr = htonl(UINT32_C(127) << 24 | a << 16 | b << 8 | c)};
}

static bool is_loopback(struct in_addr a)
{
	return ntohl(a.s_addr) >> 24 == 127;
}

static int bind_source(int fd, struct in_addr source, struct err *e)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = source};
	int on = 1;
	char text[INET_ADDRSTRLEN];

	/* The port is chosen at connect, when the whole four-tuple is known: otherwise it would be held exclusively. */
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	return err_sys(e, -errno, "cannot bind to the source address %s",
		       inet_ntop(AF_INET, &source, text, sizeof(text)));
}

/* Wait until a connect that is under way has ended: its result. */
static int await_connect(int fd, uint64_t deadline_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof(error);

	for (;;) {
		int n = poll(&p, 1, clock_ms_until(deadline_ns));

		if (n > 0)
			break;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

/* One connection: its descriptor, or -errno with a sentence. */
static int connect_one(const struct load_config *c, struct rng *rng, struct err *e)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(c->port), .sin_addr = c->host};
	int on = 1;
	int status = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, -errno, "cannot make a socket");
	if (is_loopback(c->host))
		status = bind_source(fd, source_address(rng), e);
	if (status == 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		status = err_sys(e, -errno, "cannot set TCP_NODELAY");
	if (status < 0)
		goto fail;
	/* EINTR: the connect goes on without us, as with EINPROGRESS. */
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		status = -errno;
		if (status == -EINPROGRESS || status == -EINTR)
			status = await_connect(fd, clock_now_ns() + c->timeout_ns);
		if (status < 0) {
			err_sys(e, status, "cannot connect to port %u", (unsigned)c->port);
			goto fail;
		}
	}
	return fd;
fail:
	close(fd);
	return status;
}

static int add_connection(struct load *l, uint32_t i, struct rng *rng, struct err *e)
{
	struct load_conn *c = &l->conns[i];
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
	size_t bytes = l->config.message_bytes;

	c->message = l->messages + i * bytes;
	for (size_t at = 0; at < bytes; at++) /* a pattern of its own, so that mixed-up connections are found */
		c->message[at] = (uint8_t)rng_next(rng);
	c->sequence = (uint64_t)i << 40;
	c->fd = connect_one(&l->config, rng, e);
	if (c->fd < 0)
		return c->fd;
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->fd, &event) < 0)
		return err_sys(e, -errno, "cannot watch connection %" PRIu32, i);
	return 0;
}

int load_open(struct load *l, const struct load_config *config, struct err *e)
{
	struct rng rng;
	int status = raise_fd_limit(config->connections, e);

	*l = (struct load){.config = *config, .epoll_fd = -1};
	if (status < 0)
		return status;
	l->conns = calloc(config->connections, sizeof(l->conns[0]));
	l->messages = calloc(config->connections, config->message_bytes);
	if (!l->conns || !l->messages) {
		status = err_set(e, -ENOMEM, "out of memory for %" PRIu32 " connections", config->connections);
		goto fail;
	}
	for (uint32_t i = 0; i < config->connections; i++)
		l->conns[i].fd = -1;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0) {
		status = err_sys(e, -errno, "cannot make an epoll instance");
		goto fail;
	}
	rng_seed(&rng, config->seed);
	/* One after the other: on loopback a connect needs no round trip, and the server's backlog is not overrun. */
	for (uint32_t i = 0; i < config->connections && status == 0; i++)
		status = add_connection(l, i, &rng, e);
	if (status == 0)
		return 0;
fail:
	load_close(l);
	return status;
}

void load_close(struct load *l)
{
	for (uint32_t i = 0; l->conns && i < l->config.connections; i++)
		if (l->conns[i].fd >= 0)
			close(l->conns[i].fd);
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	free(l->conns);
	free(l->messages);
	l->conns = NULL;
	l->messages = NULL;
	l->epoll_fd = -1;
}

/* ---- one request -------------------------------------------------------------------------------- */

static uint32_t number_of(const struct load *l, const struct load_conn *c)
{
	return (uint32_t)(c - l->conns);
}

static int watch(struct load *l, struct load_conn *c, bool waits_to_send, struct err *e)
{
	struct epoll_event event = {.events = EPOLLIN | (waits_to_send ? EPOLLOUT : 0), .data.u32 = number_of(l, c)};

	if (c->waits_to_send == waits_to_send)
		return 0;
	c->waits_to_send = waits_to_send;
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, c->fd, &event) < 0)
		return err_sys(e, -errno, "cannot watch connection %" PRIu32, number_of(l, c));
	return 0;
}

/* Send what the socket takes of the request under way. */
static int send_more(struct load *l, struct load_conn *c, struct err *e)
{
	size_t bytes = l->config.message_bytes;

	while (c->sent < bytes) {
		ssize_t n = send(c->fd, c->message + c->sent, bytes - c->sent, MSG_NOSIGNAL);

		if (n >= 0) {
			c->sent += (size_t)n;
			l->bytes_sent += (uint64_t)n;
		} else if (errno == EAGAIN) {
			return watch(l, c, true, e);
		} else if (errno != EINTR) {
			return err_sys(e, -errno, "cannot send on connection %" PRIu32, number_of(l, c));
		}
	}
	return watch(l, c, false, e);
}

static int start_request(struct load *l, struct load_conn *c, uint64_t now_ns, struct err *e)
{
	size_t bytes = l->config.message_bytes;

	c->sequence++;
	memcpy(c->message, &c->sequence, bytes < sizeof(c->sequence) ? bytes : sizeof(c->sequence));
	c->sent = c->got = 0;
	c->start_ns = now_ns;
	if (!c->is_in_flight) {
		c->is_in_flight = true;
		l->in_flight++;
	}
	return send_more(l, c, e);
}

/* L2: the whole response has come and was right. Begin the next request, unless the phase is over. */
static int finish_request(struct load *l, struct load_conn *c, struct err *e)
{
	uint64_t now_ns = clock_now_ns();

	l->requests++;
	l->last_byte_ns = l->last_response_ns = now_ns;
	if (l->latencies)
		hist_record(l->latencies, now_ns - c->start_ns);
	if (now_ns < l->deadline_ns)
		return start_request(l, c, now_ns, e);
	c->is_in_flight = false;
	l->in_flight--;
	return 0;
}

/* Compare n bytes that have come with those that were sent. */
static int check_bytes(struct load *l, struct load_conn *c, const uint8_t *bytes, size_t n, struct err *e)
{
	l->bytes_received += n;
	if (!c->is_in_flight)
		return err_set(e, -EPROTO, "connection %" PRIu32 " got bytes that it had not asked for",
			       number_of(l, c));
	if (c->got + n > c->sent)
		return err_set(e, -EPROTO, "connection %" PRIu32 " got more bytes than it had sent", number_of(l, c));
	if (memcmp(bytes, c->message + c->got, n) != 0)
		return err_set(e, -EPROTO, "connection %" PRIu32 " got a wrong echo of request %" PRIu64,
			       number_of(l, c), c->sequence & ((UINT64_C(1) << 40) - 1));
	c->got += n;
	l->last_byte_ns = clock_now_ns();
	return 0;
}

/* Read what has come: at most one byte beyond the response, which finds a server that sends too much. */
static int receive(struct load *l, struct load_conn *c, struct err *e)
{
	static uint8_t scratch[SCRATCH_BYTES];
	size_t bytes = l->config.message_bytes;

	for (;;) {
		size_t want = bytes - c->got + 1;
		ssize_t n = recv(c->fd, scratch, want < sizeof(scratch) ? want : sizeof(scratch), 0);
		int status;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return err_sys(e, -errno, "connection %" PRIu32 " failed", number_of(l, c));
		if (n == 0)
			return err_set(e, -ECONNRESET, "the server has closed connection %" PRIu32, number_of(l, c));
		status = check_bytes(l, c, scratch, (size_t)n, e);
		if (status < 0)
			return status;
		if (c->got == bytes)
			return finish_request(l, c, e); /* level-triggered: more, if it comes, wakes epoll again */
	}
}

/* ---- a phase ------------------------------------------------------------------------------------ */

static int handle_event(struct load *l, const struct epoll_event *event, struct err *e)
{
	struct load_conn *c = &l->conns[event->data.u32];
	int status = 0;

	if (event->events & EPOLLOUT)
		status = send_more(l, c, e);
	/* EPOLLERR and EPOLLHUP: recv says what it is. */
	if (status == 0 && event->events & ~(uint32_t)EPOLLOUT)
		status = receive(l, c, e);
	return status;
}

/* Wait for events and handle them once. L3. */
static int turn(struct load *l, struct err *e)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n = epoll_wait(l->epoll_fd, events, EVENTS_AT_ONCE, clock_ms_until(l->last_byte_ns + l->config.timeout_ns));
	int status = 0;

	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0)
		return err_sys(e, -errno, "cannot wait for events");
	if (n == 0)
		return err_set(e, -ETIMEDOUT,
			       "no byte from the server for %" PRIu64 " ms, with requests open on %" PRIu32
			       " of %" PRIu32 " connections",
			       l->config.timeout_ns / CLOCK_NS_PER_MSEC, l->in_flight, l->config.connections);
	for (int i = 0; i < n && status == 0; i++)
		status = handle_event(l, &events[i], e);
	return status;
}

int load_phase(struct load *l, uint64_t duration_ns, struct hist *latencies, uint64_t *wall_ns, struct err *e)
{
	uint64_t start_ns = clock_now_ns();
	int status = 0;

	l->latencies = latencies;
	l->deadline_ns = start_ns + duration_ns;
	l->last_byte_ns = start_ns;
	for (uint32_t i = 0; i < l->config.connections && status == 0; i++)
		status = start_request(l, &l->conns[i], clock_now_ns(), e);
	while (l->in_flight > 0 && status == 0) /* L1 */
		status = turn(l, e);
	*wall_ns = l->last_response_ns - start_ns;
	return status;
}
