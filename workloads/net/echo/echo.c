/*
 * net/echo - a TCP server that sends back what it receives.
 *
 * The load generator, a process of its own, holds `connections` connections and sends messages of message_bytes on
 * them; it waits for each message to come back whole before it sends the next on that connection. With a rate it sends
 * when a message is due (an open loop). The server knows
 * nothing of messages: it reads what there is (up to ECHO_BUFFER bytes), writes it back, and ends a connection at its
 * end of stream. Begin, end and latency are the load generator's; the bodies call neither bench_begin nor bench_end.
 *
 * setup() makes the listening socket, on a port of the kernel's choice of 127.0.0.1. TCP_NODELAY is set on it, and
 * accepted connections inherit that on Linux: no body spends a call on it, and none can forget it. The queue is long
 * enough for all connections to arrive before the first accept.
 *
 * The certificate covers the life of the server, warm-up included: requests are the bytes read over message_bytes.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workloads/net/echo/echo.h"

enum { PARAM_CONNECTIONS, PARAM_MESSAGE_BYTES, PARAM_RATE };

static const struct bench_param params[] = {
	[PARAM_CONNECTIONS] = {.name = "connections",
			       .unit = "connections",
			       .help = "held open at one time",
			       .dflt = 64,
			       .min = 1,
			       .max = 10000,
			       .smoke = 4},
	[PARAM_MESSAGE_BYTES] = {.name = "message_bytes",
				 .unit = "bytes",
				 .help = "a request, and its answer",
				 .dflt = 64,
				 .min = 1,
				 .max = 65536,
				 .smoke = 64},
	[PARAM_RATE] = {.name = "rate",
			.unit = "requests/s",
			.help = "of an open loop, latency counted from when a request was due; 0: a closed loop",
			.dflt = 0,
			.min = 0,
			.max = 10000000,
			.smoke = 0},
};

enum {
	BACKLOG = 4096, /* as many as the kernel allows by default; the generator connects one after the other */
	OTHER_FILES = 64, /* descriptors that a model and the harness need beside the connections; arbitrary */
};

/* Raise the soft limit of descriptors, if it is in the way and the hard one allows. */
static int allow_descriptors(struct bench *b)
{
	rlim_t needed = (rlim_t)b->param[PARAM_CONNECTIONS] + OTHER_FILES;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return bench_fail(b, -errno, "cannot ask for the limit of open files: %s", strerror(errno));
	if (limit.rlim_cur >= needed)
		return 0;
	if (limit.rlim_max < needed)
		return bench_fail(b, -EMFILE, "%llu open files are needed and the limit (ulimit -Hn) is %llu",
				  (unsigned long long)needed, (unsigned long long)limit.rlim_max);
	limit.rlim_cur = needed;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return bench_fail(b, -errno, "cannot raise the limit of open files to %llu: %s",
				  (unsigned long long)needed, strerror(errno));
	return 0;
}

static int echo_setup(struct bench *b)
{
	struct sockaddr_in any_port = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd, one = 1, status = allow_descriptors(b);
	struct echo_data *d;

	if (status < 0)
		return status;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return bench_fail(b, -errno, "cannot make a socket: %s", strerror(errno));
	d = malloc(sizeof *d);
	if (!d || bind(fd, (struct sockaddr *)&any_port, sizeof any_port) < 0 || listen(fd, BACKLOG) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0) {
		status = bench_fail(b, -errno, "cannot listen on 127.0.0.1: %s", strerror(errno));
		free(d);
		close(fd);
		return status;
	}
	d->listen_fd = fd;
	b->data = d;
	return 0;
}

static void echo_teardown(struct bench *b)
{
	struct echo_data *d = b->data;

	if (!d)
		return;
	if (d->listen_fd >= 0)
		close(d->listen_fd);
	free(d);
	b->data = NULL;
}

int echo_take_listener(struct bench *b)
{
	struct echo_data *d = b->data;
	int fd = d->listen_fd;

	d->listen_fd = -1;
	return fd >= 0 ? fd : bench_fail(b, -EBADF, "the server has been run and stopped already");
}

bool echo_is_hangup(int status)
{
	return status == -ECONNRESET || status == -EPIPE;
}

void echo_certify(struct bench *b, uint64_t connections, uint64_t bytes_read, uint64_t bytes_written)
{
	b->cert = (struct bench_cert){.ops = bytes_read / (uint64_t)b->param[PARAM_MESSAGE_BYTES],
				      .units = connections,
				      .bytes_read = bytes_read,
				      .bytes_written = bytes_written};
}

static void echo_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t bytes = b->ops * (uint64_t)b->param[PARAM_MESSAGE_BYTES];

	*out = (struct bench_cert){.ops = b->ops,
				   .units = (uint64_t)b->param[PARAM_CONNECTIONS],
				   .bytes_read = bytes,
				   .bytes_written = bytes};
}

static void echo_load(const struct bench *b, struct bench_load *out)
{
	out->connections = (uint64_t)b->param[PARAM_CONNECTIONS];
	out->message_bytes = (uint64_t)b->param[PARAM_MESSAGE_BYTES];
	out->rate = (uint64_t)b->param[PARAM_RATE];
}

const struct bench_workload net_echo_workload = {
	.name = "net/echo",
	.version = 1,
	.summary = "a TCP server on loopback that sends back what it receives",
	.op = "one request: message_bytes received and sent back",
	.fairness =
		"Socket options, buffer size and load are the same for every body, and each buffer is on the heap. A "
		"direct "
		"connection is a task that blocks in read and write; an evented one is a record that keeps what could "
		"not "
		"be written yet. The evented body makes one read and one write per readiness and is told when to; a "
		"direct model on a poller tries first and asks the poller when there is nothing, one failing read more "
		"per request; a thread sleeps in the read itself. The load generator takes CPU time of the same "
		"machine: "
		"compare CPU time per request. The serial body serves one connection at a time.",
	.scaling = BENCH_SERVER,
	.metric = BENCH_CPU_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.setup = echo_setup,
	.teardown = echo_teardown,
	.expect = echo_expect,
	.load = echo_load,
};
