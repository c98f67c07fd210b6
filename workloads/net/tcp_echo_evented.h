/*
 * tcp_echo_evented.h - a connection that sends back what it reads: one read per readiness, written at once. What the
 * socket does not take is kept, and nothing more is read before it is gone.
 */
#ifndef NET_TCP_ECHO_EVENTED_H
#define NET_TCP_ECHO_EVENTED_H

#include "workloads/net/tcp_evented.h"

struct tcp_echo_connection {
	struct tcp_connection c;
	size_t begin, end; /* of what is in the buffer and has not been written; valid while c.writes */
	char buffer[];
};

/* The buffer is what connection_bytes leaves for it. */
static inline int tcp_echo_ready(struct tcp_connection *c)
{
	struct tcp_echo_connection *e = EX_CONTAINER(c, struct tcp_echo_connection, c);
	ssize_t n;

	if (!c->writes) {
		n = tcp_read(c, e->buffer, c->server->connection_bytes - sizeof *e);
		if (n <= 0)
			return (int)n;
		e->begin = 0;
		e->end = (size_t)n;
	}
	while (e->begin < e->end) {
		n = tcp_write(c, e->buffer + e->begin, e->end - e->begin);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		e->begin += (size_t)n;
	}
	c->writes = e->begin < e->end;
	return 0;
}

#endif
