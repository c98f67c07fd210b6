/*
 * net.c - reading, writing, accepting and closing descriptors that the netpoller watches.
 *
 * Every call tries first and waits only when the kernel says EAGAIN; the rules that keep an edge from being lost are
 * in netpoll.c. Connecting is in net_connect.c, messages in net_message.c, deadlines in deadline.c. Two things are decided
 * here.
 *
 * A short read means drained. Reading a request costs one read(2), not two: when read(2) has returned less than was
 * asked, the socket was empty at that moment, so the next gr_sock_read need not try but can wait for an edge. Why
 * that is safe:
 *   - READY was cleared before the read(2). An edge that arrives during or after it sets READY, and the next call
 *     tries. (An edge that arrived before but is delivered after also does: a useless try.)
 *   - end of stream and errors may have arrived together with the last data, with one edge for both. Such an edge has
 *     RDHUP, HUP or ERR, which is remembered in `hung_up` before READY is set; from then on no read infers anything.
 *     If they arrive later, they make an edge of their own.
 *   - it holds for TCP and for pipes only. A read on a datagram or sequenced socket, on a packet pipe or on a Unix
 *     stream socket (which stops at passed descriptors and at a change of credentials) may be short with more behind.
 *     TCP with urgent data stops at the mark; urgent data is not supported with this inference and is never asked for.
 *
 * Writing tries without clearing first: nearly all writes fit, and then no word is touched. Only after EAGAIN the
 * word is cleared and the write is tried again, as the rule demands.
 *
 * errno is read in functions of their own that do not switch: a G may come back on another thread, and the compiler
 * may have kept the address of the old one's errno.
 *
 * SIGPIPE: sockets are written with MSG_NOSIGNAL. A pipe without a reader raises it as ever; the program decides.
 */
#include "grow.h"
#include "netpoll.h"
#include "san.h"
#include "sema.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

GR__FITS_SMALL_STACKS;

/* ---- system calls, with -errno --------------------------------------------------------------------- */

/*
 * In a process with several threads libc's recv and send are points of cancellation: two locked operations around each
 * call, together a hundredth of a request. Nobody cancels an M. Sanitizers have to see the calls: what buffers they
 * touch, and that bytes which go through the kernel order what was done before.
 */
enum { BY_LIBC = GR_TSAN || GR_ASAN };

static inline ssize_t sys_recv(int fd, void *buf, size_t n)
{
	return BY_LIBC ? recv(fd, buf, n, 0) : syscall(SYS_recvfrom, fd, buf, n, 0, NULL, NULL);
}

static inline ssize_t sys_send(int fd, const void *buf, size_t n, int flags)
{
	return BY_LIBC ? send(fd, buf, n, flags) : syscall(SYS_sendto, fd, buf, n, flags, NULL, 0);
}

/* recv and send go a shorter way through the kernel than read and write. */
static __attribute__((noinline)) ssize_t try_read(const struct gr_sock *s, void *buf, size_t n)
{
	ssize_t r;

	do {
		r = s->is_socket ? sys_recv(s->fd, buf, n) : read(s->fd, buf, n);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static __attribute__((noinline)) ssize_t try_write(const struct gr_sock *s, const void *buf, size_t n)
{
	ssize_t r;

	do {
		r = s->is_socket ? sys_send(s->fd, buf, n, MSG_NOSIGNAL) : write(s->fd, buf, n);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

/* A connection that was given up before it could be taken is no reason to bother the server. */
static __attribute__((noinline)) int try_accept(int fd)
{
	int r;

	do {
		r = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (r < 0 && (errno == EINTR || errno == ECONNABORTED));
	return r < 0 ? -errno : r;
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return flags;
}

bool gr__np_is_tcp(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 && protocol == IPPROTO_TCP;
}

/* ---- taking over ----------------------------------------------------------------------------------- */

int gr_sock_adopt(int fd, gr_sock **out)
{
	struct stat st;
	int flags, err;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return -EPERM; /* as epoll says, before anything is changed */
	flags = set_nonblocking(fd);
	if (flags < 0)
		return flags;
	if (S_ISSOCK(st.st_mode))
		err = gr__np_open(fd, true, gr__np_is_tcp(fd), out);
	else
		err = gr__np_open(fd, false, S_ISFIFO(st.st_mode) && !(flags & O_DIRECT), out);
	if (err && !(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags); /* as it was; if that fails there is nothing better to report than err */
	return err;
}

int gr_sock_fd(const gr_sock *s)
{
	return s->fd;
}

/* ---- operations ------------------------------------------------------------------------------------ */

static ssize_t read_some(struct gr_sock *s, void *buf, size_t n)
{
	const uint32_t cancels = gr__np_begin(s, GR__NP_READ);

	for (;;) {
		ssize_t r = gr__np_prepare(s, GR__NP_READ, cancels, GR__WAIT_IO_READ);

		if (unlikely(r))
			return r;
		r = try_read(s, buf, n);
		if (r == -EAGAIN) {
			if (!gr__np_is_shut(s, GR__NP_READ))
				continue;
			r = 0; /* shut down by us, and of a kind that the kernel cannot shut down: a pipe */
		}
		/* Nothing to infer: full, the end, an error, or not a stream whose short reads mean anything. */
		if (r <= 0 || (size_t)r == n || !s->short_is_drained || load_relaxed(&s->hung_up) ||
		    gr__np_is_shut(s, GR__NP_READ))
			gr__np_set_ready(s, GR__NP_READ);
		return r;
	}
}

/* Write until `least` bytes at least have been taken, without clearing the word before the first EAGAIN. */
static ssize_t write_some(struct gr_sock *s, const char *buf, size_t n, size_t least)
{
	const uint32_t cancels = gr__np_begin(s, GR__NP_WRITE);
	bool was_cleared = false; /* since the word was last known to be READY */
	size_t done = 0;

	if (unlikely(load_relaxed(&s->expired[GR__NP_WRITE])))
		return -ETIMEDOUT;
	while (done < least) {
		ssize_t r = try_write(s, buf + done, n - done);

		if (r >= 0) {
			done += (size_t)r;
			continue;
		}
		if ((r == -EAGAIN || r == -EPIPE) && gr__np_is_shut(s, GR__NP_WRITE))
			return -EINVAL;
		if (r != -EAGAIN)
			return r;
		if (was_cleared)
			gr__np_wait(s, GR__NP_WRITE, GR__WAIT_IO_WRITE);
		r = gr__np_clear(s, GR__NP_WRITE, cancels);
		if (r)
			return r;
		was_cleared = true;
	}
	return (ssize_t)done;
}

static int accept_one(struct gr_sock *s, uint32_t cancels)
{
	for (;;) {
		int r = gr__np_prepare(s, GR__NP_READ, cancels, GR__WAIT_IO_ACCEPT);

		if (r)
			return r;
		r = try_accept(s->fd);
		if (r == -EAGAIN) {
			if (!gr__np_is_shut(s, GR__NP_READ))
				continue;
			r = -EINVAL;
		}
		/* There may be more in the backlog; also after an error like EMFILE. */
		gr__np_set_ready(s, GR__NP_READ);
		return r;
	}
}

ssize_t gr_sock_read(gr_sock *s, void *buf, size_t n)
{
	ssize_t r;

	if (n == 0)
		return 0;
	if (!gr__np_ref(s))
		return -ECANCELED;
	r = read_some(s, buf, n);
	gr__np_unref(s);
	return r;
}

ssize_t gr_sock_write(gr_sock *s, const void *buf, size_t n)
{
	ssize_t r;

	if (!gr__np_ref(s))
		return -ECANCELED;
	r = write_some(s, buf, n, n);
	gr__np_unref(s);
	return r;
}

ssize_t gr_sock_write_some(gr_sock *s, const void *buf, size_t n)
{
	ssize_t r;

	if (!gr__np_ref(s))
		return -ECANCELED;
	r = write_some(s, buf, n, n != 0);
	gr__np_unref(s);
	return r;
}

int gr_sock_accept(gr_sock *listener, gr_sock **out)
{
	uint32_t cancels;
	int fd, err;

	if (!gr__np_ref(listener))
		return -ECANCELED;
	cancels = gr__np_begin(listener, GR__NP_READ); /* who is called off while it waits for its turn sees it then */
	gr__sema_acquire(&listener->turn[GR__NP_READ], false, GR__WAIT_SEMA);
	fd = accept_one(listener, cancels);
	gr__sema_release(&listener->turn[GR__NP_READ], GR__SEMA_NEXT);
	/* What is accepted is of the listener's kind. */
	const bool short_is_drained = listener->short_is_drained;
	gr__np_unref(listener);
	if (fd < 0)
		return fd;
	err = gr__np_open(fd, true, short_is_drained, out);
	if (err)
		close(fd);
	return err;
}

/* ---- ending ---------------------------------------------------------------------------------------- */

/*
 * `shut` is set first: who is woken by the kernel sees it. The swap to READY in gr__np_wake comes after both: a call that
 * clears the word before it sees READY again at its wait, and one that clears it after sees `shut`.
 */
void gr_sock_shutdown(gr_sock *s)
{
	if (!gr__np_ref(s))
		return;
	fetch_or_relaxed(&s->shut, GR__NP_BOTH);
	/* Pipes (ENOTSOCK) and sockets without a peer (ENOTCONN) have only our flag. */
	if (s->is_socket)
		shutdown(s->fd, SHUT_RDWR);
	gr__np_wake(s, GR__NP_BOTH);
	gr__np_unref(s);
}

/* Here the peer is what matters, so what the kernel cannot do is refused, and nothing has changed. */
static int shut_writing(struct gr_sock *s)
{
	const uint8_t bit = 1u << GR__NP_WRITE;
	uint8_t was;
	int err;

	if (!s->is_socket)
		return -ENOTSOCK;
	was = fetch_or_relaxed(&s->shut, bit);
	if (shutdown(s->fd, SHUT_WR) != 0) {
		err = -errno;
		if (!(was & bit))
			fetch_and_relaxed(&s->shut, (uint8_t)~bit);
		return err;
	}
	gr__np_wake(s, bit);
	return 0;
}

int gr_sock_shutdown_write(gr_sock *s)
{
	int err;

	if (!gr__np_ref(s))
		return -ECANCELED;
	err = shut_writing(s);
	gr__np_unref(s);
	return err;
}

void gr_sock_cancel(gr_sock *s, int dirs)
{
	if (dirs <= 0 || dirs > GR_SOCK_BOTH)
		gr__fatal("gr_sock_cancel: no directions %d", dirs);
	if (!gr__np_ref(s))
		return;
	for (enum gr__np_dir d = GR__NP_READ; d <= GR__NP_WRITE; d++) {
		if (dirs >> d & 1)
			fetch_add_relaxed(&s->cancels[d], 1);
	}
	gr__np_wake(s, (unsigned)dirs);
	gr__np_unref(s);
}

/* The steps are those of netpoll.c's head. */
void gr_sock_close(gr_sock *s)
{
	uint32_t refs;
	int fd;

	if (!gr__np_ref(s))
		gr__fatal("gr_sock_close: the descriptor is closed already");
	refs = fetch_and_seq_cst(&s->refs, ~(uint32_t)GR__NP_OPEN); /* 1 */
	if (!(refs & GR__NP_OPEN))
		gr__fatal("gr_sock_close: two goroutines close one descriptor");
	gr__np_wake(s, GR__NP_BOTH); /* 2 */
	if (refs != (GR__NP_OPEN | GR__NP_REF)) /* 3: the last of the others gives the permit */
		gr__sema_acquire(&s->idle, false, GR__WAIT_SEMA);
	gr__np_deadlines_off(s);
	fd = s->fd;
	gr__np_backend_remove(s);
	store_release(&s->refs, 0); /* 4; I6 */
	fetch_add_acq_rel(&s->tag, 1); /* I5: before the number can come back */
	/* The result is not looked at: the descriptor is gone in any case, and what was written has been promised. */
	close(fd);
}
