/*
 * mix/server in the callback style: a record per connection, with a timer for the wait and a call for the pool of threads.
 */
#include "workloads/mix/server/server.h"
#include "workloads/net/http_evented.h"

struct connection {
	struct http_connection h;
	uint64_t request; /* the number of the one under way */
	ex_timer wait;
	ex_call call;
};

static void block(ex_call *call)
{
	struct connection *k = EX_CONTAINER(call, struct connection, call);

	server_block(server_part_of(k->h.c.server->b));
}

static void has_blocked(ex_call *call)
{
	http_worked(&EX_CONTAINER(call, struct connection, call)->h);
}

static void has_waited(ex_timer *timer)
{
	struct connection *k = EX_CONTAINER(timer, struct connection, wait);
	struct tcp_server *s = k->h.c.server;
	int status;

	if (!server_blocks(s->b->data, k->request)) {
		http_worked(&k->h);
		return;
	}
	status = ex_call_start(ex_loop_of(s->b), &k->call, block, has_blocked);
	if (status < 0) {
		tcp_note_failure(s, "the loop has no threads for calls that block", status);
		http_worked(&k->h);
	}
}

static void work(struct http_connection *h)
{
	struct connection *k = EX_CONTAINER(h, struct connection, h);
	struct bench *b = h->c.server->b;
	struct server_data *d = b->data;

	k->request = server_begin(d);
	server_add(server_part_of(b), steps_work(k->request, d->steps));
	ex_timer_start(ex_loop_of(b), &k->wait, d->wait_ns, has_waited);
}

static int ready(struct tcp_connection *c)
{
	return http_ready(c, work);
}

static int run_server(struct bench *b)
{
	const struct tcp_server like = {.connection_bytes = sizeof(struct connection),
					.zeroed_bytes = HTTP_ZEROED,
					.ready = ready,
					.certify = server_certify};
	struct server_data *d = b->data;

	return tcp_serve_evented(b, d->http.listeners, &like);
}

const struct bench_body mix_server_evented = {.run = run_server};
