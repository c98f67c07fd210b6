/*
 * net/udp with nothing but plain calls: receive, send, and poll when there is nothing.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workloads/net/udp/udp.h"

/* static: a server is run once, and this is much for a stack */
static char buffer[UDP_BUFFER];

/* Wait for a datagram or the word to stop: 1, 0, or -errno. */
static int await(int fd, int stop_fd)
{
	struct pollfd awaited[] = {{.fd = fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};

	while (poll(awaited, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	return awaited[1].revents ? 0 : 1;
}

static int send_back(int fd, size_t n, const struct sockaddr_in *to)
{
	struct pollfd room = {.fd = fd, .events = POLLOUT};

	while (sendto(fd, buffer, n, MSG_NOSIGNAL, (const struct sockaddr *)to, sizeof *to) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (errno == EAGAIN && poll(&room, 1, -1) < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

static int run_udp(struct bench *b)
{
	uint64_t received = 0, bytes_read = 0, bytes_written = 0;
	int status = 1, fd = net_take(b, b->data);

	if (fd < 0)
		return fd;
	bench_serving(b, fd);
	while (status > 0) {
		struct sockaddr_in from;
		socklen_t len = sizeof from;
		ssize_t n = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &len);

		if (n < 0) {
			status = errno == EAGAIN ? await(fd, bench_stop_fd(b)) : errno == EINTR ? 1 : -errno;
			continue;
		}
		received++;
		bytes_read += (uint64_t)n;
		status = send_back(fd, (size_t)n, &from);
		if (status < 0)
			break;
		bytes_written += (uint64_t)n;
		status = 1;
	}
	close(fd);
	udp_certify(b, received, bytes_read, bytes_written);
	return status < 0 ? bench_fail(b, status, "a datagram failed: %s", strerror(-status)) : 0;
}

const struct bench_body net_udp_serial = {.run = run_udp};
