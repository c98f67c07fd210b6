/*
 * http.h - net/http: what its bodies share.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "harness/subject/bench.h"

extern const struct bench_workload net_http_workload;
extern const struct bench_body net_http_direct, net_http_evented, net_http_serial;

#endif
