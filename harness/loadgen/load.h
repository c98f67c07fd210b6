/*
 * load.h - load on an echo server over TCP: connections, phases of traffic, and what they gave.
 *
 * Closed loop: each connection has one request under way at a time, sends a message, reads back exactly as many
 * bytes, compares them and sends the next. One thread and one epoll loop, so that the generator's own cost per
 * request is small and the same for every server; the generator never shares code with a model.
 *
 * The region of interest must begin and end with nothing in flight: else a request that was begun before it would
 * be counted without its cost. So traffic comes in phases. A phase starts every connection at once, and after its
 * time each connection finishes the request it has and sends no more; the phase ends with the last response.
 * Between phases all connections are idle, and messages to the harness are sent only then.
 *
 * L1: between phases no connection has a request under way.
 * L2: a response is counted only after all of its bytes have been compared.
 * L3: every wait ends: connecting, and the time without any byte from the server, are bounded by timeout_ns.
 */
#ifndef LOADGEN_LOAD_H
#define LOADGEN_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "harness/base/hist.h"

struct load_config {
	struct in_addr host;
	uint16_t port;
	uint32_t connections;
	uint32_t message_bytes;
	uint64_t timeout_ns; /* L3 */
	uint64_t seed; /* source addresses and message contents */
};

struct load_conn {
	int fd;
	uint8_t *message; /* what is sent, and so what must come back; message_bytes long */
	uint64_t sequence; /* of the request under way; its first bytes in the message */
	uint64_t start_ns; /* when that request was begun */
	size_t sent, got; /* bytes of it */
	bool is_in_flight;
	bool waits_to_send; /* EPOLLOUT is registered: the socket took only a part */
};

/* Owned by one thread. */
struct load {
	struct load_config config; /* immutable after load_open */
	int epoll_fd;
	struct load_conn *conns; /* config.connections of them; fd is -1 where not open */
	uint8_t *messages; /* the memory behind conns[].message */
	uint32_t in_flight; /* connections with a request under way */
	/* the whole life */
	uint64_t requests; /* L2 */
	uint64_t bytes_sent, bytes_received;
	/* the phase under way */
	uint64_t deadline_ns; /* no new request from here on */
	uint64_t last_byte_ns; /* when the server last sent anything, or the phase began */
	uint64_t last_response_ns; /* */
	struct hist *latencies; /* response times in ns, or NULL: not recorded */
};

/* Connect everything. 0, or -errno with a sentence and nothing left open. */
int load_open(struct load *l, const struct load_config *config, struct err *e);

/*
 * One phase of traffic: at least duration_ns (0: one request per connection), plus what the last responses take.
 * *wall_ns is from its start to the last response. 0, or -errno with a sentence.
 */
int load_phase(struct load *l, uint64_t duration_ns, struct hist *latencies, uint64_t *wall_ns, struct err *e);

/* Close everything; the client closes first, so TIME_WAIT is at its varying addresses and not at the server's port. */
void load_close(struct load *l);

#endif
