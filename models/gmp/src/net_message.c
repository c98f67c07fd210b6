/*
 * net_message.c - messages on sockets: datagrams with addresses, and everything else that recvmsg(2) and sendmsg(2) can do.
 *
 * Servers on datagrams often have several Gs on one socket. Receivers take turns by `turn`, with the lock of the
 * direction kept over the wait, so they get their datagrams in the order in which they came. Senders try without it:
 * nearly all datagrams fit, the kernel keeps each in one piece, and only who has met EAGAIN takes his turn, to clear the
 * word and to wait.
 *
 * A call that must not wait (MSG_DONTWAIT, MSG_ERRQUEUE) touches neither turn nor word.
 */
#include "netpoll.h"
#include "sema.h"

#include <errno.h>
#include <sys/socket.h>

enum { NEVER_WAITS = MSG_DONTWAIT | MSG_ERRQUEUE };

/* With EAGAIN the kernel has not changed *msg. Descriptors that come with it are not left to programs that are started. */
static __attribute__((noinline)) ssize_t try_receive(int fd, struct msghdr *msg, int flags)
{
	ssize_t r;

	do {
		r = recvmsg(fd, msg, flags | MSG_CMSG_CLOEXEC);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static __attribute__((noinline)) ssize_t try_send(int fd, const struct msghdr *msg, int flags)
{
	ssize_t r;

	do {
		r = sendmsg(fd, msg, flags | MSG_NOSIGNAL);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

/* In turn. */
static ssize_t receive(struct gr_sock *s, struct msghdr *msg, int flags, uint32_t cancels)
{
	for (;;) {
		ssize_t r = gr__np_prepare(s, GR__NP_READ, cancels, GR__WAIT_IO_READ);

		if (r)
			return r;
		r = try_receive(s->fd, msg, flags);
		if (r == -EAGAIN) {
			if (!gr__np_is_shut(s, GR__NP_READ))
				continue;
			r = 0; /* a socket without a peer, which the kernel cannot shut down */
		}
		gr__np_set_ready(s, GR__NP_READ); /* a message may always be followed by another */
		return r;
	}
}

ssize_t gr_sock_recvmsg(gr_sock *s, struct msghdr *msg, int flags)
{
	uint32_t cancels;
	ssize_t r;

	if (!gr__np_ref(s))
		return -ECANCELED;
	if (flags & NEVER_WAITS) {
		r = load_relaxed(&s->expired[GR__NP_READ]) ? -ETIMEDOUT : try_receive(s->fd, msg, flags);
	} else {
		cancels = gr__np_begin(s, GR__NP_READ);
		gr__sema_acquire(&s->turn[GR__NP_READ], false, GR__WAIT_SEMA);
		r = receive(s, msg, flags, cancels);
		gr__sema_release(&s->turn[GR__NP_READ], GR__SEMA_NEXT);
	}
	gr__np_unref(s);
	return r;
}

/* In turn, after EAGAIN. */
static ssize_t send_waiting(struct gr_sock *s, const struct msghdr *msg, int flags, uint32_t cancels)
{
	for (;;) {
		ssize_t r = gr__np_clear(s, GR__NP_WRITE, cancels);

		if (r)
			return r;
		r = try_send(s->fd, msg, flags);
		if (r != -EAGAIN) {
			gr__np_set_ready(s, GR__NP_WRITE); /* the next one in turn tries at once */
			return r;
		}
		if (gr__np_is_shut(s, GR__NP_WRITE))
			return -EINVAL;
		gr__np_wait(s, GR__NP_WRITE, GR__WAIT_IO_WRITE);
	}
}

static ssize_t send_message(struct gr_sock *s, const struct msghdr *msg, int flags)
{
	const uint32_t cancels = gr__np_begin(s, GR__NP_WRITE);
	ssize_t r;

	if (unlikely(load_relaxed(&s->expired[GR__NP_WRITE])))
		return -ETIMEDOUT;
	r = try_send(s->fd, msg, flags);
	if (r == -EAGAIN && !(flags & NEVER_WAITS)) {
		gr__sema_acquire(&s->turn[GR__NP_WRITE], false, GR__WAIT_SEMA);
		r = send_waiting(s, msg, flags, cancels);
		gr__sema_release(&s->turn[GR__NP_WRITE], GR__SEMA_NEXT);
	}
	return r == -EPIPE && gr__np_is_shut(s, GR__NP_WRITE) ? -EINVAL : r;
}

ssize_t gr_sock_sendmsg(gr_sock *s, const struct msghdr *msg, int flags)
{
	ssize_t r;

	if (!gr__np_ref(s))
		return -ECANCELED;
	r = send_message(s, msg, flags);
	gr__np_unref(s);
	return r;
}

ssize_t gr_sock_recvfrom(gr_sock *s, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
	struct iovec to = {.iov_base = buf, .iov_len = n};
	struct msghdr msg = {.msg_name = from, .msg_namelen = from ? *len : 0, .msg_iov = &to, .msg_iovlen = 1};
	ssize_t r = gr_sock_recvmsg(s, &msg, flags);

	if (from && r >= 0)
		*len = msg.msg_namelen;
	return r;
}

ssize_t gr_sock_sendto(gr_sock *s, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	struct iovec from = {.iov_base = (void *)(uintptr_t)buf, .iov_len = n}; /* only read */
	const struct msghdr msg = {
		.msg_name = (void *)(uintptr_t)to, .msg_namelen = to ? len : 0, .msg_iov = &from, .msg_iovlen = 1};

	return gr_sock_sendmsg(s, &msg, flags);
}
