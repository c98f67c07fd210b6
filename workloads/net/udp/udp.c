/*
 * net/udp - datagrams that are sent back to where they came from.
 *
 * One socket serves all clients, or, of several event loops, one in each; the kernel gives all datagrams of a client to the same
 * by a hash of its address. The load generator has `clients` sockets, each with one datagram under way, so that
 * nothing is lost unless the server's receive buffer is too small for all of them: setup() sees to it that it is not, or
 * fails. With the default buffer of 212,992 bytes 10 clients with datagrams of 8 KiB lose one in every run of a server that
 * lets them queue up (drops in /proc/net/udp). A sample that lost one all the same is void: load.h.
 *
 * `tasks` tasks of a direct body wait on the socket at one time. More of them than CPUs is how such servers are
 * written where handling a datagram can block; here nothing does, and one is the least.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "workloads/net/udp/udp.h"

enum { PARAM_CLIENTS, PARAM_MESSAGE_BYTES, PARAM_TASKS, PARAM_RATE };

static const struct bench_param params[] = {
	[PARAM_CLIENTS] = {.name = "clients",
			   .unit = "clients",
			   .help = "each with one datagram under way",
			   .dflt = 16,
			   .min = 1,
			   .max = 10000,
			   .smoke = 4},
	[PARAM_MESSAGE_BYTES] = {.name = "message_bytes",
				 .unit = "bytes",
				 .help = "a datagram, and its answer",
				 .dflt = 64,
				 .min = 1,
				 .max = UDP_BUFFER,
				 .smoke = 64},
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "that receive on the socket at one time, in direct bodies",
			 .dflt = 1,
			 .min = 1,
			 .max = 1000,
			 .smoke = 3},
	[PARAM_RATE] = {.name = "rate",
			.unit = "requests/s",
			.help = "of an open loop, latency counted from when a request was due; 0: a closed loop",
			.dflt = 0,
			.min = 0,
			.max = 10000000,
			.smoke = 0},
};

enum { DATAGRAM_OVERHEAD = 1280 }; /* of kernel memory, beside up to twice its bytes; measured: about 770 */

/* Have the kernel keep a datagram of each client. It gives memory of what was received back in quarters of the buffer. */
static int make_room(struct bench *b, int fd, int64_t clients)
{
	int64_t need = clients * (2 * b->param[PARAM_MESSAGE_BYTES] + DATAGRAM_OVERHEAD) * 3 / 2;
	int half = (int)(need / 2), has;
	socklen_t len = sizeof has;

	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &has, &len) < 0)
		return bench_fail(b, -errno, "cannot ask for the size of the receive buffer: %s", strerror(errno));
	if (has >= need)
		return 0;
	/* The kernel doubles what it is told, and cuts it to a limit without an error. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &half, sizeof half) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &has, &len) < 0)
		return bench_fail(b, -errno, "cannot set the size of the receive buffer: %s", strerror(errno));
	if (has < need - 1)
		return bench_fail(
			b, -ENOBUFS,
			"the receive buffer would have to be %lld bytes and can be %d: raise net.core.rmem_max "
			"to %d",
			(long long)need, has, half);
	return 0;
}

static int udp_open(struct bench *b, const struct sockaddr_in *addr, uint64_t clients)
{
	int status, fd = net_bind_at(b, SOCK_DGRAM, addr);

	if (fd < 0)
		return fd;
	status = make_room(b, fd, (int64_t)clients); /* all of them: the hash may give one socket so many */
	if (status == 0)
		return fd;
	close(fd);
	return status;
}

static int udp_setup(struct bench *b)
{
	return net_setup(b, udp_open, (uint64_t)b->param[PARAM_CLIENTS]);
}

void udp_certify(struct bench *b, uint64_t received, uint64_t bytes_read, uint64_t bytes_written)
{
	b->cert = (struct bench_cert){
		.ops = received, .messages = received, .bytes_read = bytes_read, .bytes_written = bytes_written};
}

static void udp_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t bytes = b->ops * (uint64_t)b->param[PARAM_MESSAGE_BYTES];

	*out = (struct bench_cert){.ops = b->ops, .messages = b->ops, .bytes_read = bytes, .bytes_written = bytes};
}

static void udp_load(const struct bench *b, struct bench_load *out)
{
	out->protocol = "udp";
	out->connections = (uint64_t)b->param[PARAM_CLIENTS];
	out->message_bytes = (uint64_t)b->param[PARAM_MESSAGE_BYTES];
	out->rate = (uint64_t)b->param[PARAM_RATE];
}

const struct bench_workload net_udp_workload = {
	.name = "net/udp",
	.version = 1,
	.summary = "a UDP server on loopback that sends back what it receives",
	.op = "one datagram: received and sent back",
	.fairness =
		"One socket, its receive buffer, the buffer of a datagram and the load are the same for every body, "
		"and so are the calls per datagram: one to receive, one to send. The evented body and a direct one on "
		"a "
		"poller receive until there is nothing, which is one failing call per wake-up; a thread sleeps in the "
		"call itself. How many tasks wait is a parameter of the direct bodies; the evented and the serial body "
		"have one place to receive; of several loops (eventloop+loops=N) each has a thread and a socket of its "
		"own, "
		"and the kernel gives each client to one of them by a hash, however busy that one is, so with few "
		"clients "
		"some may idle. The Go subject's buffer is made as large in the same way. The load "
		"generator takes CPU time of the same machine: compare CPU time "
		"per request.",
	.scaling = BENCH_SERVER,
	.metric = BENCH_CPU_PER_OP,
	.loops = true,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.setup = udp_setup,
	.teardown = net_teardown,
	.expect = udp_expect,
	.load = udp_load,
};
