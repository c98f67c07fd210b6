/*
 * load.h - load on a server: connections, phases of traffic, and what they gave.
 *
 * One thread and one epoll loop, so that the generator's own cost per request is small and the same for every server;
 * the generator never shares code with a model. A connection has one request under way at a time: it sends a message,
 * reads the whole answer and compares it.
 *
 * Closed loop (rate 0): a connection sends its next message when it has its answer. Open loop: requests are due at
 * times of a Poisson process that the server cannot move. A request that is due takes the connection that has been idle
 * longest, or waits for one; its response time counts from when it was due, so that what a slow server makes wait is
 * seen (no coordinated omission). Service time counts from when it was sent.
 *
 * The generator was late with a request where it could have sent it earlier: it was due, a connection was idle, and it
 * was sent more than LOAD_LATE_NS after both. Such a response time is longer than the server made it; a sample with
 * more than LOAD_LATE_PER_10K of them is void. Where all connections are busy nothing of this can be seen; then the
 * generator's CPU time (`busy`) tells.
 *
 * The region of interest must begin and end with nothing in flight: else a request that was begun before it would
 * be counted without its cost. So traffic comes in phases. A phase ends its giving out of requests at its time, and
 * itself with the last response. Between phases all connections are idle, and messages to the harness are sent only
 * then.
 *
 * L1: between phases no connection has a request under way.
 * L2: a response is counted only after all of its bytes have been compared.
 * L3: every wait ends: connecting, and the time without any byte from the server, are bounded by timeout_ns; what an
 *     open loop is behind with at the end of its time it must catch up with in LOAD_DRAIN_FACTOR times that.
 *
 * Datagrams may be lost, most of all in a receive buffer that is full. Nothing is sent again: a server under test must not
 * do some operations twice. When nothing has come for LOAD_LOSS_NS, those under way are counted as lost and the phase
 * goes on without them; a sample with any of them is void. An answer that comes after that is passed over.
 */
#ifndef LOADGEN_LOAD_H
#define LOADGEN_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "harness/base/hist.h"
#include "harness/base/pacer.h"
#include "harness/base/rng.h"

enum load_protocol {
	LOAD_ECHO, /* TCP: the message comes back */
	LOAD_HTTP, /* TCP: GET requests, answered 200 with a body of response_bytes */
	LOAD_UDP, /* a datagram comes back, or is lost */
};

enum {
	LOAD_LATE_NS = 1000 * 1000, /* 1 ms: ten times what a timer of an idle machine is late */
	LOAD_LATE_PER_10K = 100, /* 1 %: more would reach the 99th percentile */
	LOAD_DRAIN_FACTOR = 10, /* arbitrary */
};
#define LOAD_LOSS_NS UINT64_C(1000000000) /* far more than a datagram takes on a loaded machine; arbitrary */

struct load_config {
	struct in_addr host;
	uint16_t port;
	enum load_protocol protocol;
	uint32_t connections;
	uint32_t active; /* the first of them carry the load, the others one request each, before it; <= connections */
	uint32_t message_bytes; /* of a request; HTTP: LOAD_HTTP_MIN_REQUEST at least */
	uint32_t response_bytes; /* HTTP: of the body */
	bool reconnects; /* a connection per request, closed by us after the answer */
	uint64_t rate; /* requests per second; 0: closed loop */
	uint64_t timeout_ns; /* L3 */
	uint64_t seed; /* source addresses, message contents and due times */
};

struct http_reader;

struct load_conn {
	int fd; /* -1: not open */
	uint8_t *message; /* what is sent; message_bytes long */
	struct http_reader *reader; /* HTTP: of the answer under way */
	uint64_t sequence; /* of the request under way */
	uint64_t due_ns; /* when that request was due; in a closed loop when it was sent */
	uint64_t sent_ns; /* when it was begun to be sent */
	uint64_t idle_ns; /* since when there has been no request */
	size_t sent, got; /* bytes of the request, and of its echo */
	bool is_in_flight;
	bool waits_to_send; /* EPOLLOUT is registered: the socket took only a part */
};

/* Owned by one thread. */
struct load {
	struct load_config config; /* immutable after load_open */
	int epoll_fd;
	struct load_conn *conns; /* config.connections of them */
	uint8_t *messages; /* the memory behind conns[].message */
	struct http_reader *readers; /* and behind conns[].reader; NULL unless HTTP */
	struct rng rng; /* source addresses */
	uint32_t in_flight; /* connections with a request under way */
	uint32_t *idle; /* open loop: numbers of the idle connections, a ring of config.active */
	uint32_t idle_first, n_idle;
	/* the whole life */
	uint64_t requests; /* L2 */
	uint64_t lost; /* datagrams without an answer */
	uint64_t opened; /* connections */
	uint64_t bytes_sent, bytes_received;
	/* the phase under way */
	struct load_times *times; /* NULL: not recorded */
	struct pacer pacer;
	bool is_open; /* paced */
	uint64_t due_ns; /* of the next request; UINT64_MAX: none is left */
	uint64_t deadline_ns; /* no request is due from here on */
	uint64_t give_up_ns; /* L3 */
	uint64_t last_byte_ns; /* when the server last sent anything, or something was sent to it, or the phase began */
	uint64_t last_response_ns; /* */
};

/* What a phase measured. */
struct load_times {
	struct hist response, service; /* ns; service only in an open loop */
	uint64_t late; /* requests that we were late with */
	uint64_t latest_ns; /* the most that we were late */
};

/* 0 or -ENOMEM. */
int load_times_init(struct load_times *t);
void load_times_free(struct load_times *t);

/* Connect everything. 0, or -errno with a sentence and nothing left open. */
int load_open(struct load *l, const struct load_config *config, struct err *e);

/* One request on each connection, so that the server has accepted all of them. 0, or -errno with a sentence. */
int load_touch(struct load *l, struct err *e);

/*
 * One phase of traffic of duration_ns, plus what the last responses take; a closed loop does at least one request per
 * active connection. *wall_ns is from its start to the last response, or to its end where there was none. 0, or -errno
 * with a sentence.
 */
int load_phase(struct load *l, uint64_t duration_ns, struct load_times *times, uint64_t *wall_ns, struct err *e);

/* Is a sample with so many late requests void? */
bool load_is_late(uint64_t late, uint64_t requests);

/* Close everything; the client closes first, so TIME_WAIT is at its varying addresses and not at the server's port. */
void load_close(struct load *l);

#endif
