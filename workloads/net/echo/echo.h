/*
 * echo.h - net/echo: what its bodies share.
 */
#ifndef NET_ECHO_H
#define NET_ECHO_H

#include "workloads/net/tcp.h"

extern const struct bench_workload net_echo_workload;
extern const struct bench_body net_echo_direct, net_echo_evented, net_echo_serial;

/* Bytes that a connection reads at most at one time, in every body. */
enum { ECHO_BUFFER = 65536 };

/* Fill the certificate. */
void echo_certify(struct bench *b, const struct tcp_totals *totals);

#endif
