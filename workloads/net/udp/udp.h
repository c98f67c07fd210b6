/*
 * udp.h - net/udp: what its bodies share.
 */
#ifndef NET_UDP_H
#define NET_UDP_H

#include <netinet/in.h>

#include "harness/subject/bench.h"
#include "workloads/net/sockets.h"

extern const struct bench_workload net_udp_workload;
extern const struct bench_body net_udp_direct, net_udp_evented, net_udp_serial;

enum { UDP_BUFFER = 8192 }; /* no datagram of the load is longer */

/* Fill the certificate. */
void udp_certify(struct bench *b, uint64_t received, uint64_t bytes_read, uint64_t bytes_written);

#endif
