/* load.c - requests over many connections, in a closed or an open loop; see load.h. */
#include "harness/loadgen/load.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/loadgen/connect.h"
#include "harness/loadgen/http.h"

enum {
	EVENTS_AT_ONCE = 256, /* arbitrary */
	SCRATCH_BYTES = 64 * 1024, /* one read(2); arbitrary */
	SEQUENCE_BITS = 40, /* of a request's number; above them is the connection's */
};

int load_times_init(struct load_times *t)
{
	*t = (struct load_times){0};
	if (hist_init(&t->response) < 0)
		return -ENOMEM;
	if (hist_init(&t->service) == 0)
		return 0;
	hist_free(&t->response);
	return -ENOMEM;
}

void load_times_free(struct load_times *t)
{
	hist_free(&t->response);
	hist_free(&t->service);
}

bool load_is_late(uint64_t late, uint64_t requests)
{
	return (unsigned __int128)late * 10000 > (unsigned __int128)requests * LOAD_LATE_PER_10K;
}

static uint32_t number_of(const struct load *l, const struct load_conn *c)
{
	return (uint32_t)(c - l->conns);
}

/* ---- opening and closing -------------------------------------------------------------------------- */

/* Begin to connect, and watch for what comes. */
static int begin_connection(struct load *l, struct load_conn *c, struct err *e)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = number_of(l, c)};

	c->fd = connect_begin(&l->config, &l->rng, e);
	if (c->fd < 0)
		return c->fd;
	c->waits_to_send = false;
	l->opened++;
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->fd, &event) < 0)
		return err_sys(e, -errno, "cannot watch connection %" PRIu32, number_of(l, c));
	return 0;
}

static int add_connection(struct load *l, uint32_t i, struct rng *contents, struct err *e)
{
	struct load_conn *c = &l->conns[i];
	size_t bytes = l->config.message_bytes;
	int status;

	c->message = l->messages + i * bytes;
	c->sequence = (uint64_t)i << SEQUENCE_BITS;
	if (l->config.protocol == LOAD_HTTP) {
		c->reader = &l->readers[i];
		http_write_request(c->message, bytes);
	} else {
		for (size_t at = 0; at < bytes; at++) /* of its own, so that mixed-up connections are found */
			c->message[at] = (uint8_t)rng_next(contents);
	}
	if (l->config.reconnects)
		return 0;
	status = begin_connection(l, c, e);
	if (status < 0)
		return status;
	status = connect_await(c->fd, &l->config, e);
	if (status < 0)
		c->fd = -1;
	return status;
}

/* What all answers' bodies are compared with; one of a process's life. */
static uint8_t *expected_body;

static int allocate(struct load *l)
{
	const struct load_config *c = &l->config;
	bool is_http = c->protocol == LOAD_HTTP;

	l->conns = calloc(c->connections, sizeof(l->conns[0]));
	l->messages = calloc(c->connections, c->message_bytes);
	l->idle = calloc(c->active, sizeof(l->idle[0]));
	l->readers = is_http ? calloc(c->connections, sizeof(l->readers[0])) : NULL;
	expected_body = is_http ? malloc((size_t)c->response_bytes + 1) : NULL;
	for (uint32_t i = 0; l->conns && i < c->connections; i++)
		l->conns[i].fd = -1;
	for (uint32_t at = 0; expected_body && at < c->response_bytes; at++)
		expected_body[at] = http_body_byte(at);
	if (!l->conns || !l->messages || !l->idle || (is_http && (!l->readers || !expected_body)))
		return -ENOMEM;
	return 0;
}

int load_open(struct load *l, const struct load_config *config, struct err *e)
{
	struct rng contents;
	int status = connect_allow(config->connections, e);

	*l = (struct load){.config = *config, .epoll_fd = -1};
	if (status < 0)
		return status;
	if (allocate(l) < 0) {
		status = err_set(e, -ENOMEM, "out of memory for %" PRIu32 " connections", config->connections);
		goto fail;
	}
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0) {
		status = err_sys(e, -errno, "cannot make an epoll instance");
		goto fail;
	}
	rng_seed(&l->rng, config->seed);
	rng_seed(&contents, ~config->seed);
	/* One after the other: on loopback a connect needs no round trip, and the server's backlog is not overrun. */
	for (uint32_t i = 0; i < config->connections && status == 0; i++)
		status = add_connection(l, i, &contents, e);
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
	free(l->idle);
	free(l->readers);
	free(expected_body);
	l->conns = NULL;
	l->messages = NULL;
	l->idle = NULL;
	l->readers = NULL;
	expected_body = NULL;
	l->epoll_fd = -1;
}

/* ---- one request -------------------------------------------------------------------------------- */

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

/* Send what the socket takes of the request under way. A connect that has not ended takes nothing yet. */
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

static int start_request(struct load *l, struct load_conn *c, uint64_t due_ns, uint64_t now_ns, struct err *e)
{
	size_t bytes = l->config.message_bytes;
	int status;

	c->sequence++;
	if (c->reader) {
		http_reader_reset(c->reader);
		http_number_request(c->message, c->sequence);
	} else {
		memcpy(c->message, &c->sequence, bytes < sizeof(c->sequence) ? bytes : sizeof(c->sequence));
	}
	c->sent = c->got = 0;
	c->due_ns = due_ns;
	c->sent_ns = now_ns;
	if (!c->is_in_flight) {
		c->is_in_flight = true;
		l->in_flight++;
	}
	if (c->fd < 0) {
		status = begin_connection(l, c, e);
		if (status < 0)
			return status;
	}
	return send_more(l, c, e);
}

static void become_idle(struct load *l, struct load_conn *c, uint64_t now_ns)
{
	c->idle_ns = now_ns;
	l->idle[(l->idle_first + l->n_idle++) % l->config.active] = number_of(l, c);
}

/* L2: the whole response has come and was right. Begin the next request, unless the phase is over. */
static int finish_request(struct load *l, struct load_conn *c, struct err *e)
{
	uint64_t now_ns = clock_now_ns();

	l->requests++;
	l->last_byte_ns = l->last_response_ns = now_ns;
	if (l->times)
		hist_record(&l->times->response, now_ns - c->due_ns);
	if (l->times && l->is_open)
		hist_record(&l->times->service, now_ns - c->sent_ns);
	if (l->config.reconnects) {
		close(c->fd);
		c->fd = -1;
	}
	if (!l->is_open && now_ns < l->deadline_ns)
		return start_request(l, c, now_ns, now_ns, e);
	c->is_in_flight = false;
	l->in_flight--;
	if (l->is_open)
		become_idle(l, c, now_ns);
	return 0;
}

/* Compare n bytes of an echo with those that were sent. 1: that was all of it, 0: more is to come, or -EPROTO. */
static int take_echo(struct load *l, struct load_conn *c, const uint8_t *bytes, size_t n, struct err *e)
{
	if (c->got + n > c->sent)
		return err_set(e, -EPROTO, "connection %" PRIu32 " got more bytes than it had sent", number_of(l, c));
	if (memcmp(bytes, c->message + c->got, n) != 0)
		return err_set(e, -EPROTO, "connection %" PRIu32 " got a wrong echo of request %" PRIu64,
			       number_of(l, c), c->sequence & ((UINT64_C(1) << SEQUENCE_BITS) - 1));
	c->got += n;
	return c->got == l->config.message_bytes;
}

/* An answer that has been given up, and comes all the same? */
static bool is_stale(const struct load *l, const struct load_conn *c, const uint8_t *bytes, size_t n)
{
	return l->lost > 0 && (!c->is_in_flight || n > c->sent || memcmp(bytes, c->message, n) != 0);
}

static int take_bytes(struct load *l, struct load_conn *c, const uint8_t *bytes, size_t n, struct err *e)
{
	l->bytes_received += n;
	if (is_stale(l, c, bytes, n))
		return 0;
	if (!c->is_in_flight)
		return err_set(e, -EPROTO, "connection %" PRIu32 " got bytes that it had not asked for",
			       number_of(l, c));
	l->last_byte_ns = clock_now_ns();
	if (!c->reader)
		return take_echo(l, c, bytes, n, e);
	if (c->sent < l->config.message_bytes)
		return err_set(e, -EPROTO, "connection %" PRIu32 " got an answer before it had asked", number_of(l, c));
	return http_reader_take(c->reader, bytes, n, expected_body, l->config.response_bytes, e);
}

/* Read what has come: of an echo at most one byte beyond it, which finds a server that sends too much. */
static int receive(struct load *l, struct load_conn *c, struct err *e)
{
	static uint8_t scratch[SCRATCH_BYTES];

	for (;;) {
		size_t want = c->reader ? sizeof(scratch) : l->config.message_bytes - c->got + 1;
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
		status = take_bytes(l, c, scratch, (size_t)n, e);
		if (status < 0)
			return status;
		if (status == 1)
			return finish_request(l, c, e); /* level-triggered: more, if it comes, wakes epoll again */
	}
}

static int handle_event(struct load *l, const struct epoll_event *event, struct err *e)
{
	struct load_conn *c = &l->conns[event->data.u32];
	int status = 0;

	if (event->events & EPOLLOUT)
		status = send_more(l, c, e);
	/* EPOLLERR and EPOLLHUP: recv says what it is. A connection that has been closed since has no events left. */
	if (status == 0 && event->events & ~(uint32_t)EPOLLOUT)
		status = receive(l, c, e);
	return status;
}

/* ---- what is due ---------------------------------------------------------------------------------- */

static void next_due(struct load *l)
{
	l->due_ns = pacer_next(&l->pacer);
	if (l->due_ns >= l->deadline_ns)
		l->due_ns = UINT64_MAX;
}

static void note_lateness(struct load *l, uint64_t could_ns, uint64_t now_ns)
{
	uint64_t late_ns = now_ns - could_ns;

	if (!l->times)
		return;
	l->times->late += late_ns > LOAD_LATE_NS;
	if (late_ns > l->times->latest_ns)
		l->times->latest_ns = late_ns;
}

/* Send every request that is due and has a connection. */
static int send_due(struct load *l, struct err *e)
{
	int status = 0;

	while (l->n_idle > 0 && status == 0) {
		uint64_t now_ns = clock_now_ns();
		struct load_conn *c = &l->conns[l->idle[l->idle_first]];
		uint64_t due_ns = l->due_ns;

		if (due_ns > now_ns)
			break;
		l->idle_first = (l->idle_first + 1) % l->config.active;
		l->n_idle--;
		note_lateness(l, due_ns > c->idle_ns ? due_ns : c->idle_ns, now_ns);
		if (l->in_flight == 0)
			l->last_byte_ns = now_ns; /* L3 counts while something is awaited */
		next_due(l);
		status = start_request(l, c, due_ns, now_ns, e);
	}
	if (status == 0 && l->due_ns != UINT64_MAX && clock_now_ns() > l->give_up_ns)
		return err_set(e, -ETIMEDOUT,
			       "the server does not keep up with %" PRIu64 " requests per second, far from it",
			       l->config.rate);
	return status;
}

/* ---- a phase ------------------------------------------------------------------------------------ */

/* L3: how long the server may be silent. */
static uint64_t patience_ns(const struct load *l)
{
	uint64_t timeout_ns = l->config.timeout_ns;

	return l->config.protocol == LOAD_UDP && timeout_ns > LOAD_LOSS_NS ? LOAD_LOSS_NS : timeout_ns;
}

/* How long to wait for events: until the time-out, and in an open loop not beyond the next request. */
static uint64_t ns_to_wait(const struct load *l)
{
	uint64_t now_ns = clock_now_ns(), until_ns = l->last_byte_ns + patience_ns(l);

	if (l->in_flight == 0 || (l->n_idle > 0 && l->due_ns < until_ns))
		until_ns = l->due_ns;
	return until_ns > now_ns ? until_ns - now_ns : 0;
}

/* The server has been silent for too long. Datagrams are given up, if it has ever answered. */
static int end_patience(struct load *l, struct err *e)
{
	uint64_t now_ns = clock_now_ns();

	if (l->config.protocol != LOAD_UDP || l->requests == 0)
		return err_set(e, -ETIMEDOUT,
			       "no byte from the server for %" PRIu64 " ms, with requests open on %" PRIu32
			       " of %" PRIu32 " connections",
			       patience_ns(l) / CLOCK_NS_PER_MSEC, l->in_flight, l->config.connections);
	for (uint32_t i = 0; i < l->config.connections; i++) {
		struct load_conn *c = &l->conns[i];

		if (!c->is_in_flight)
			continue;
		c->is_in_flight = false;
		l->in_flight--;
		l->lost++;
		if (l->is_open)
			become_idle(l, c, now_ns);
	}
	return 0;
}

/* Wait for events and handle them once. L3. epoll counts in ms: what is finer is waited for before. */
static int turn(struct load *l, struct err *e)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	uint64_t wait_ns = ns_to_wait(l);
	int n, status = 0, wait_ms = (int)((wait_ns + CLOCK_NS_PER_MSEC - 1) / CLOCK_NS_PER_MSEC);

	if (l->is_open) {
		struct timespec left = {.tv_sec = (time_t)(wait_ns / CLOCK_NS_PER_SEC),
					.tv_nsec = (long)(wait_ns % CLOCK_NS_PER_SEC)};
		struct pollfd p = {.fd = l->epoll_fd, .events = POLLIN};

		wait_ms = 0;
		if (wait_ns > 0 && ppoll(&p, 1, &left, NULL) < 0 && errno != EINTR)
			return err_sys(e, -errno, "cannot wait for events");
	}
	n = epoll_wait(l->epoll_fd, events, EVENTS_AT_ONCE, wait_ms);
	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0)
		return err_sys(e, -errno, "cannot wait for events");
	if (n == 0 && l->in_flight > 0 && clock_now_ns() >= l->last_byte_ns + patience_ns(l))
		return end_patience(l, e);
	for (int i = 0; i < n && status == 0; i++)
		status = handle_event(l, &events[i], e);
	return status;
}

static int run_open(struct load *l, uint64_t start_ns, uint64_t duration_ns, struct err *e)
{
	uint32_t n = l->config.active;
	int status = 0;

	l->is_open = true;
	l->give_up_ns = start_ns + LOAD_DRAIN_FACTOR * duration_ns;
	l->idle_first = l->n_idle = 0;
	for (uint32_t i = 0; i < n; i++)
		become_idle(l, &l->conns[i], start_ns);
	/* the schedule of each phase is its own, and follows from the seed */
	pacer_init(&l->pacer, PACER_EXPONENTIAL, l->config.rate, start_ns, l->config.seed + l->requests + 1);
	next_due(l);
	while ((l->in_flight > 0 || l->due_ns != UINT64_MAX) && status == 0) { /* L1 */
		status = send_due(l, e);
		if (status == 0 && (l->in_flight > 0 || l->due_ns != UINT64_MAX))
			status = turn(l, e);
	}
	l->is_open = false;
	return status;
}

static int run_closed(struct load *l, uint32_t connections, struct err *e)
{
	int status = 0;

	for (uint32_t i = 0; i < connections && status == 0; i++) {
		uint64_t now_ns = clock_now_ns();

		status = start_request(l, &l->conns[i], now_ns, now_ns, e);
	}
	while (l->in_flight > 0 && status == 0) /* L1 */
		status = turn(l, e);
	return status;
}

static uint64_t begin_phase(struct load *l, uint64_t duration_ns, struct load_times *times)
{
	uint64_t start_ns = clock_now_ns();

	l->times = times;
	l->deadline_ns = start_ns + duration_ns;
	l->last_byte_ns = l->last_response_ns = start_ns;
	l->due_ns = UINT64_MAX;
	return start_ns;
}

int load_touch(struct load *l, struct err *e)
{
	begin_phase(l, 0, NULL);
	return run_closed(l, l->config.connections, e);
}

int load_phase(struct load *l, uint64_t duration_ns, struct load_times *times, uint64_t *wall_ns, struct err *e)
{
	uint64_t start_ns = begin_phase(l, duration_ns, times);
	int status = l->config.rate ? run_open(l, start_ns, duration_ns, e) : run_closed(l, l->config.active, e);

	*wall_ns = (l->last_response_ns > start_ns ? l->last_response_ns : clock_now_ns()) - start_ns;
	return status;
}
