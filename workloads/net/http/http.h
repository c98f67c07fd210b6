/*
 * http.h - net/http: what its bodies share.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "harness/subject/bench.h"
#include "workloads/net/http/parser.h"
#include "workloads/net/tcp.h"

extern const struct bench_workload net_http_workload;
extern const struct bench_body net_http_direct, net_http_evented, net_http_serial;

/* Bytes that a connection reads at most at one time, in every body. */
enum { HTTP_BUFFER = 4096 };

/* Made by setup(). */
struct http_data {
	int listen_fd; /* non-blocking; the body takes it over and leaves -1 */
	size_t answer_bytes;
	char *answer; /* head and body of every answer 200; immutable */
};

/* Fill the certificate: an operation is a request that was answered 200. */
void http_certify(struct bench *b, const struct tcp_totals *totals);

#endif
