/*
 * tcp.h - a TCP server as programs on libuv write it: a uv_tcp_t per connection that reads by itself into the connection's
 * buffer, and answers that are tried at once (uv_try_write), of which what the socket does not take is left to uv_write.
 *
 * The buffer is in the connection's record, as in the evented bodies, and of the same size: a buffer that all share would
 * make idle connections smaller than they are anywhere else, in every style. While something is left to be written nothing
 * is read, so that a client that does not read is held back by TCP.
 *
 * A record is freed when the callback of its last handle's closing has come; the server's when its connections are gone.
 */
#ifndef LV_TCP_H
#define LV_TCP_H

#include "harness/subject/evented.h"
#include "workloads/net/tcp.h"

struct lv_connection;

struct lv_server {
	struct bench *b; /* immutable, as all to the next line */
	size_t connection_bytes; /* of a record, which begins with a struct lv_connection */
	size_t zeroed_bytes; /* of these the first that must be 0 */
	uv_alloc_cb alloc;
	uv_read_cb read;
	void (*open)(struct lv_connection *c); /* NULL, or: makes its other handles */
	void (*close)(struct lv_connection *c); /* NULL, or: closes these */
	void (*work)(struct lv_connection *c); /* http.h's */
	void (*certify)(struct bench *b, const struct tcp_totals *totals);
	/* ---- */
	uv_tcp_t listener;
	uv_poll_t stop;
	unsigned handles; /* of these two, those that exist */
	bool serves; /* it has begun to; where not, nobody waits to hear how it ended */
	uint64_t connections; /* that exist */
	int status; /* of the first failure */
	const char *where; /* of that failure */
	struct tcp_totals totals;
};

struct lv_connection {
	uv_tcp_t tcp;
	struct lv_server *server;
	unsigned handles; /* that exist, this one included */
	uv_write_t write;
	size_t left; /* bytes that uv_write is to write */
};

static inline struct lv_connection *lv_connection_of(const void *handle)
{
	return ((const uv_handle_t *)handle)->data;
}

/* Start serving: `like` has the body's fields. The instance's socket is taken over. 0, or -errno with b->why. */
int lv_serve(struct bench *b, struct net_sockets *listeners, const struct lv_server *like);

/* A further handle of the connection's: it is one of those whose closing is awaited. */
void lv_connection_owns(struct lv_connection *c, void *handle);

/* For uv_close of such a handle. */
void lv_connection_closed(uv_handle_t *h);

/* The connection is over, with that status (of a read, a write): it is closed, once. */
void lv_connection_end(struct lv_connection *c, int status);

/* What failed of the server's first. */
void lv_note_failure(struct lv_server *s, const char *where, int status);

/*
 * Write. 0: all is gone; 1: the rest is on its way, and `written` will be called, whose first call is lv_written; or < 0, and the
 * connection is not usable.
 */
int lv_send(struct lv_connection *c, const char *bytes, size_t n, uv_write_cb written);

/* True: all is gone. False: the connection is over, and closed. */
bool lv_written(uv_write_t *write, int status);

/* ---- a connection that sends back what it reads ---------------------------------------------------- */

/* Serve with a buffer of so many bytes per connection. */
int lv_serve_echo(struct bench *b, size_t buffer_bytes,
		  void (*certify)(struct bench *b, const struct tcp_totals *totals));

#endif
