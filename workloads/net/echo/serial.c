/*
 * net/echo with nothing but blocking calls: one connection is served to its end before the next is accepted.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workloads/net/echo/echo.h"

/* static: a server is run once, and this is too much for a stack */
static char buffer[ECHO_BUFFER];

static int write_back(int fd, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t n = send(fd, buffer + done, bytes - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

/* Until the end of the stream (0), or -errno. Adds what passed to the totals. */
static int serve(int fd, uint64_t *bytes_read, uint64_t *bytes_written)
{
	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof buffer, 0);
		int status;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 || echo_is_hangup(-errno) ? 0 : -errno;
		*bytes_read += (uint64_t)n;
		status = write_back(fd, (size_t)n);
		if (status < 0)
			return echo_is_hangup(status) ? 0 : status;
		*bytes_written += (uint64_t)n;
	}
}

/* The next connection, -ECANCELED when it is time to stop, or another -errno. The listener does not block. */
static int await_connection(int listen_fd, int stop_fd)
{
	struct pollfd awaited[] = {{.fd = listen_fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};

	for (;;) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			return fd;
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			return -errno;
		if (poll(awaited, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (awaited[1].revents)
			return -ECANCELED;
	}
}

static int run_echo(struct bench *b)
{
	uint64_t served = 0, bytes_read = 0, bytes_written = 0;
	int fd, status = 0, listen_fd = echo_take_listener(b);

	if (listen_fd < 0)
		return listen_fd;
	bench_serving(b, listen_fd);
	while (status == 0 && (fd = await_connection(listen_fd, bench_stop_fd(b))) >= 0) {
		status = serve(fd, &bytes_read, &bytes_written);
		close(fd);
		served++;
	}
	close(listen_fd);
	echo_certify(b, served, bytes_read, bytes_written);
	if (status == 0 && fd != -ECANCELED)
		status = fd;
	if (status < 0)
		return bench_fail(b, status, "serving failed: %s", strerror(-status));
	return 0;
}

static const char *one_at_a_time(const struct bench *b)
{
	return bench_param(b, "connections") > 1 ? "sequential: one connection is served at a time" : NULL;
}

const struct bench_body net_echo_serial = {.unsupported = one_at_a_time, .run = run_echo};
