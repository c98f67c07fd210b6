/*
 * mix/server with nothing but blocking calls: one connection at a time.
 */
#include "workloads/mix/server/server.h"
#include "workloads/net/http_serial.h"

static void work(struct bench *b)
{
	struct server_data *d = b->data;
	uint64_t request = server_begin(d);
	struct timespec left = {.tv_sec = (time_t)(d->wait_ns / 1000000000),
				.tv_nsec = (long)(d->wait_ns % 1000000000)};

	server_add(server_part_of(b), steps_work(request, d->steps));
	while (d->wait_ns && clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
	if (server_blocks(d, request))
		server_block(server_part_of(b));
}

static int serve(struct bench *b, int fd, struct tcp_totals *t)
{
	return http_serve(b, fd, t, work);
}

static int run_server(struct bench *b)
{
	struct server_data *d = b->data;
	struct tcp_totals totals;
	int status = tcp_serve_serial(b, d->http.listeners, serve, &totals);

	server_certify(b, &totals);
	return status;
}

const struct bench_body mix_server_serial = {.unsupported = tcp_one_at_a_time, .run = run_server};
