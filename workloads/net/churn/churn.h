/*
 * churn.h - net/churn: what its bodies share.
 */
#ifndef NET_CHURN_H
#define NET_CHURN_H

#include "harness/subject/bench.h"
#include "workloads/net/tcp.h"

extern const struct bench_workload net_churn_workload;
extern const struct bench_body net_churn_direct, net_churn_evented, net_churn_serial;

/* Bytes that a connection reads at most at one time, in every body. */
enum { CHURN_BUFFER = 4096 };

/* Fill the certificate. */
void churn_certify(struct bench *b, const struct tcp_totals *totals);

#endif
