/*
 * peer.c - see peer.h.
 *
 * All wait equally long, so requests are due in the order in which they came: a queue. The thread sleeps in epoll, where a
 * timer descriptor is due with the first of the queue; unlike time-outs it is not put off by the thread's timer slack.
 */
#include "workloads/block/peer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { EVENTS = 64 }; /* taken from the kernel at one time; arbitrary */

struct connection {
	int fd; /* the peer's end */
	bool is_waiting; /* it is in the queue */
	bool is_closed; /* at the other end, while it was in the queue */
	uint64_t request, due_ns;
	struct connection *next; /* in the queue */
};

struct peer {
	/* immutable while the thread runs */
	pthread_t thread;
	uint64_t delay_ns;
	int epoll_fd, timer_fd, stop_fd;
	/* the thread's */
	struct connection *first, *last;
	bool is_over; /* it has been told to stop: it does when the last connection has left */
	/* ---- */
	_Atomic unsigned live; /* connections */
};

static void leave(struct peer *p, struct connection *c)
{
	close(c->fd);
	free(c);
	atomic_fetch_sub_explicit(&p->live, 1, memory_order_relaxed);
}

/* Something has come: a request, or the end. */
static void hear(struct peer *p, struct connection *c)
{
	ssize_t n = recv(c->fd, &c->request, sizeof c->request, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return; /* it is told again */
	if (n != (ssize_t)sizeof c->request || c->is_waiting) {
		epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
		c->is_closed = true;
		if (!c->is_waiting)
			leave(p, c);
		return;
	}
	c->is_waiting = true;
	c->due_ns = bench_now_ns() + p->delay_ns;
	c->next = NULL;
	if (p->first)
		p->last->next = c;
	else
		p->first = c;
	p->last = c;
}

static void answer_due(struct peer *p)
{
	const uint64_t now_ns = bench_now_ns();
	struct itimerspec at = {0};

	while (p->first && p->first->due_ns <= now_ns) {
		struct connection *c = p->first;
		const uint64_t answer = peer_answer(c->request);

		p->first = c->next;
		c->is_waiting = false;
		if (c->is_closed)
			leave(p, c);
		else /* there is room: who asks waits for this; who has gone need not be told */
			send(c->fd, &answer, sizeof answer, MSG_NOSIGNAL);
	}
	if (p->first) {
		at.it_value.tv_sec = (time_t)(p->first->due_ns / 1000000000);
		at.it_value.tv_nsec = (long)(p->first->due_ns % 1000000000);
	}
	timerfd_settime(p->timer_fd, TFD_TIMER_ABSTIME, &at, NULL); /* it is not readable after that */
}

static void *peer_main(void *arg)
{
	struct peer *p = arg;
	struct epoll_event events[EVENTS];

	while (!p->is_over || atomic_load_explicit(&p->live, memory_order_relaxed)) {
		int n = epoll_wait(p->epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &p->stop_fd) {
				p->is_over = true;
				epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, p->stop_fd, NULL);
			} else if (events[i].data.ptr != &p->timer_fd) {
				hear(p, events[i].data.ptr);
			}
		}
		answer_due(p);
	}
	return NULL;
}

static int watch(const struct peer *p, int fd, void *ptr)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = ptr};

	return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static void close_all(struct peer *p)
{
	for (int *fd = (int[]){p->epoll_fd, p->timer_fd, p->stop_fd, -2}; *fd != -2; fd++)
		if (*fd >= 0)
			close(*fd);
	free(p);
}

int peer_start(struct bench *b, uint64_t delay_ns, struct peer **out)
{
	struct peer *p = calloc(1, sizeof *p);
	int status;

	if (!p)
		return bench_fail(b, -ENOMEM, "out of memory for the peer");
	p->delay_ns = delay_ns;
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	p->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	status = p->epoll_fd < 0 || p->timer_fd < 0 || p->stop_fd < 0 ? -errno : 0;
	if (status == 0)
		status = watch(p, p->timer_fd, &p->timer_fd);
	if (status == 0)
		status = watch(p, p->stop_fd, &p->stop_fd);
	if (status == 0)
		status = -pthread_create(&p->thread, NULL, peer_main, p);
	if (status < 0) {
		close_all(p);
		return bench_fail(b, status, "cannot start the peer: %s", strerror(-status));
	}
	*out = p;
	return 0;
}

void peer_stop(struct peer *p)
{
	const uint64_t one = 1;

	if (!p)
		return;
	while (write(p->stop_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
	pthread_join(p->thread, NULL);
	close_all(p);
}

int peer_connect(struct peer *p)
{
	struct connection *c = calloc(1, sizeof *c);
	int fds[2], status;

	if (!c)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		status = -errno;
		free(c);
		return status;
	}
	c->fd = fds[1];
	atomic_fetch_add_explicit(&p->live, 1, memory_order_relaxed);
	status = watch(p, c->fd, c);
	if (status == 0)
		return fds[0];
	close(fds[0]);
	leave(p, c);
	return status;
}
