/* connect.c - see connect.h. */
#include "harness/loadgen/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/clock.h"

enum { SPARE_FDS = 16 }; /* standard streams, epoll and what libraries hold */

int connect_allow(uint32_t connections, struct err *e)
{
	struct rlimit limit;
	rlim_t need = (rlim_t)connections + SPARE_FDS;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(e, -errno, "cannot read the limit of open files");
	if (limit.rlim_cur >= need)
		return 0;
	if (limit.rlim_max < need)
		return err_set(e, -EMFILE, "%" PRIu32 " connections need %llu descriptors, and the hard limit is %llu",
			       connections, (unsigned long long)need, (unsigned long long)limit.rlim_max);
	limit.rlim_cur = need;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(e, -errno, "cannot raise the limit of open files");
	return 0;
}

/*
 * A source address in 127.0.0.0/8, so that the four-tuples of one sample, which stay in TIME_WAIT for a minute, are not
 * in the way of the next one. 127.0.x.y is left out: ordinary clients of the machine are there.
 */
static struct in_addr source_address(struct rng *rng)
{
	uint32_t a = 1 + (uint32_t)rng_below(rng, 254);
	uint32_t b = (uint32_t)rng_below(rng, 256);
	uint32_t c = 1 + (uint32_t)rng_below(rng, 254);

	return (struct in_addr){.s_addr = htonl(UINT32_C(127) << 24 | a << 16 | b << 8 | c)};
}

static bool is_loopback(struct in_addr a)
{
	return ntohl(a.s_addr) >> 24 == 127;
}

static int bind_source(int fd, struct in_addr source, struct err *e)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = source};
	int on = 1;
	char text[INET_ADDRSTRLEN];

	/* The port is chosen at connect, when the whole four-tuple is known: otherwise it would be held exclusively. */
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	return err_sys(e, -errno, "cannot bind to the source address %s",
		       inet_ntop(AF_INET, &source, text, sizeof(text)));
}

/* Wait until a connect that is under way has ended: its result. */
static int await_connect(int fd, uint64_t deadline_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof(error);

	for (;;) {
		int n = poll(&p, 1, clock_ms_until(deadline_ns));

		if (n > 0)
			break;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

int connect_begin(const struct load_config *c, struct rng *rng, struct err *e)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(c->port), .sin_addr = c->host};
	bool is_stream = c->protocol != LOAD_UDP;
	int on = 1, status = 0;
	int fd = socket(AF_INET, (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, -errno, "cannot make a socket");
	if (is_loopback(c->host))
		status = bind_source(fd, source_address(rng), e);
	if (status == 0 && is_stream && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		status = err_sys(e, -errno, "cannot set TCP_NODELAY");
	/* EINTR: the connect goes on without us, as with EINPROGRESS. */
	if (status == 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 && errno != EINPROGRESS &&
	    errno != EINTR)
		status = err_sys(e, -errno, "cannot connect to port %u", (unsigned)c->port);
	if (status == 0)
		return fd;
	close(fd);
	return status;
}

int connect_await(int fd, const struct load_config *c, struct err *e)
{
	int status = await_connect(fd, clock_now_ns() + c->timeout_ns);

	if (status == 0)
		return 0;
	close(fd);
	return err_sys(e, status, "cannot connect to port %u", (unsigned)c->port);
}
