/*
 * udp.h - net/udp: what its bodies share.
 */
#ifndef NET_UDP_H
#define NET_UDP_H

#include <netinet/in.h>

#include "harness/subject/bench.h"

extern const struct bench_workload net_udp_workload;
extern const struct bench_body net_udp_direct, net_udp_evented, net_udp_serial;

enum { UDP_BUFFER = 8192 }; /* no datagram of the load is longer */

/* Made by setup(). */
struct udp_data {
	int fd; /* bound, non-blocking; the body takes it over and leaves -1: a server is run once */
};

/* Give the socket to the body, or -EBADF with b->why if a run has had it already. */
int udp_take(struct bench *b);

/* Fill the certificate. */
void udp_certify(struct bench *b, uint64_t received, uint64_t bytes_read, uint64_t bytes_written);

#endif
