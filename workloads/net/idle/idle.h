/*
 * idle.h - net/idle: what its bodies share.
 */
#ifndef NET_IDLE_H
#define NET_IDLE_H

#include "harness/subject/bench.h"
#include "workloads/net/tcp.h"

extern const struct bench_workload net_idle_workload;
extern const struct bench_body net_idle_direct, net_idle_evented, net_idle_serial;

/* Bytes that a connection reads at most at one time, in every body. */
enum { IDLE_BUFFER = 4096 };

/* Fill the certificate. */
void idle_certify(struct bench *b, const struct tcp_totals *totals);

#endif
