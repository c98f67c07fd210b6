/*
 * mix/server on libuv: a stream per connection, a timer of its own for the wait, and uv_queue_work for the call that blocks.
 *
 * The wait is whole milliseconds, rounded up (lv.h): in the latencies that favours everybody else.
 */
#include "models/reference/libuv/http.h"
#include "workloads/mix/server/server.h"

struct connection {
	struct lv_http h;
	uint64_t request; /* the number of the one under way */
	uv_timer_t wait;
	uv_work_t call;
};

static struct connection *of(struct lv_connection *c)
{
	return LV_CONTAINER(c, struct connection, h.c);
}

static void block(uv_work_t *call)
{
	struct connection *k = LV_CONTAINER(call, struct connection, call);

	server_block(server_part_of(k->h.c.server->b));
}

static void has_blocked(uv_work_t *call, int status)
{
	(void)status; /* nobody cancels */
	lv_http_worked(&LV_CONTAINER(call, struct connection, call)->h);
}

static void has_waited(uv_timer_t *wait)
{
	struct connection *k = LV_CONTAINER(wait, struct connection, wait);

	if (server_blocks(k->h.c.server->b->data, k->request))
		lv_must(uv_queue_work(wait->loop, &k->call, block, has_blocked), "uv_queue_work");
	else
		lv_http_worked(&k->h);
}

static void work(struct lv_connection *c)
{
	struct connection *k = of(c);
	struct bench *b = c->server->b;
	struct server_data *d = b->data;

	k->request = server_begin(d);
	server_add(server_part_of(b), steps_work(k->request, d->steps));
	uv_timer_start(&k->wait, has_waited, lv_timeout_ms(k->wait.loop, d->wait_ns), 0);
}

static void open_timer(struct lv_connection *c)
{
	struct connection *k = of(c);

	uv_timer_init(c->tcp.loop, &k->wait);
	lv_connection_owns(c, &k->wait);
}

static void close_timer(struct lv_connection *c)
{
	uv_close((uv_handle_t *)&of(c)->wait, lv_connection_closed);
}

static int run_server(struct bench *b)
{
	const struct lv_server like = {.connection_bytes = sizeof(struct connection),
				       .open = open_timer,
				       .close = close_timer,
				       .work = work,
				       .certify = server_certify};
	struct server_data *d = b->data;

	return lv_serve_http(b, d->http.listeners, &like);
}

const struct bench_body mix_server_evented = {.run = run_server};
