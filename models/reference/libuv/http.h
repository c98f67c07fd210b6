/*
 * http.h - an HTTP server on libuv: a stream per connection with the workload's parser and what is left of a request's work.
 *
 * What has been read and not parsed yet stays in the buffer, from `at` on, while an answer is being written or the work
 * of a request goes on. During that work the stream goes on reading into what room there is behind it, as a stream of libuv does until
 * it is told to stop, which costs two system calls; it is told when the buffer is full.
 */
#ifndef LV_HTTP_H
#define LV_HTTP_H

#include "models/reference/libuv/tcp.h"
#include "workloads/net/http_server.h"

struct lv_http {
	struct lv_connection c;
	struct http_parser parser;
	bool is_answer; /* what is being answered is a 200, which counts once it is gone */
	bool is_last; /* the connection ends after it */
	bool is_busy; /* a request's work goes on */
	bool is_paused; /* it has been told not to read */
	size_t at, end; /* of what was read and has not been parsed */
	char buffer[HTTP_BUFFER];
};

/* Bytes of the record that must be zeroed. */
enum { LV_HTTP_ZEROED = offsetof(struct lv_http, buffer) };

/*
 * Serve: `like` has the size of the record, which begins with a struct lv_http, and certify. `work`, where there is one, begins what
 * a request needs before it is answered, and goes on by callbacks, the last of which calls lv_http_worked.
 */
int lv_serve_http(struct bench *b, struct net_sockets *listeners, const struct lv_server *like);

/* The work of a request is done: answer it, and go on with what else has been read. */
void lv_http_worked(struct lv_http *h);

#endif
