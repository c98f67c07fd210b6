/*
 * backend.h - a slow HTTP/1.1 server, for workloads that are its clients: it answers each request `delay_ns` after it has
 * come, on connections that are kept. It is a process of its own, so that its CPU time is not the subject's.
 *
 *	GET /<16 hexadecimal digits> HTTP/1.1		the number of the request
 *	-> 200, Content-Length, and a body that follows from the number
 *
 * It ends with the process that started it, however that ends, and where it hears nothing for BACKEND_IDLE_S seconds.
 */
#ifndef NET_BACKEND_H
#define NET_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "harness/subject/bench.h"

enum {
	BACKEND_IDLE_S = 120, /* arbitrary */
	BACKEND_REQUEST_MAX = 256, /* bytes of a request */
	BACKEND_HEAD_MAX = 128, /* bytes of an answer before its body */
};

struct backend {
	int pid; /* 0: not running */
	int life_fd; /* the backend lives as long as this end of a pipe is open */
	uint16_t port; /* of 127.0.0.1 */
};

/* Start one. To be called by setup(), before the process has other threads. 0, or -errno with b->why. */
int backend_start(struct bench *b, uint64_t connections, uint64_t delay_ns, size_t body_bytes, struct backend *out);
void backend_stop(struct backend *s);

/* A blocking socket connected to it: its descriptor, or -errno with b->why. */
int backend_connect(struct bench *b, const struct backend *s);

/* Write the head of its answers with bodies of so many bytes into `out` (BACKEND_HEAD_MAX): its length. */
size_t backend_head(char *out, size_t body_bytes);

/* What a body sums up to, as 8-byte words of which the last is filled up with zeros: of one that has come, */
uint64_t backend_sum(const char *body, size_t body_bytes);
/* and of the one that belongs to a number. */
uint64_t backend_sum_of(uint64_t number, size_t body_bytes);

#endif
