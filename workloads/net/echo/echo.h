/*
 * echo.h - net/echo: what its bodies share.
 */
#ifndef NET_ECHO_H
#define NET_ECHO_H

#include <stdbool.h>

#include "harness/subject/bench.h"

extern const struct bench_workload net_echo_workload;
extern const struct bench_body net_echo_direct, net_echo_evented, net_echo_serial;

/* Bytes that a connection reads at most at one time, in every body. */
enum { ECHO_BUFFER = 65536 };

/* Made by setup(). */
struct echo_data {
	int listen_fd; /* non-blocking, TCP_NODELAY; the body takes it over and leaves -1: a server is run once */
};

/* Give the listening socket to the body, or -EBADF with b->why if a run has had it already. */
int echo_take_listener(struct bench *b);

/* Is a read's or write's error the peer's way of closing? Bytes that are lost by it are missing in the certificate. */
bool echo_is_hangup(int status);

/* Fill the certificate: a request is message_bytes bytes, however the reads cut them. */
void echo_certify(struct bench *b, uint64_t connections, uint64_t bytes_read, uint64_t bytes_written);

#endif
