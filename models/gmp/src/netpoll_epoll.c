/*
 * netpoll_epoll.c - the netpoller on epoll.
 *
 * One epoll descriptor for all Ps. Every watched descriptor is added once, for both directions, edge-triggered, and
 * removed at its close; its data is {tag, number}, see netpoll.h. An eventfd ends a wait from outside; it is
 * level-triggered, so that a poll that does not block and happens to see it does not steal it from the one that
 * does.
 *
 * Breaking the wait, with `break_sent` so that a hundred breaks cost one write:
 *
 *      who breaks                                 who blocks
 *      ----------                                 ----------
 *      1 publishes why (a timer, work)            1 epoll_wait returns the eventfd, reads it empty
 *      2 StoreLoad fence                          2 break_sent = 0 (read-modify-write), StoreLoad fence
 *      3 break_sent 0 -> 1: writes the eventfd    3 returns; the caller looks at everything again
 *        already 1: nothing to do
 *
 * If 3 sees a 1, it came before the other's 2, so the other's 3 sees what was published in 1. The order of read and
 * reset matters: the other way round a write between them would be read away while break_sent stays 1, and no break
 * would ever be sent again.
 *
 * Waits are precise to the nanosecond with epoll_pwait2 (Linux 5.11); where that is missing epoll_wait rounds up to
 * a millisecond, never down: a wait that ends too early spins.
 */
#include "netpoll.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Per call; Go's number. More than that at once is taken by the next poll. 12 bytes each on a scheduler's stack. */
enum { EVENTS = 128 };

/* No descriptor has this tag and number: they are not negative. */
#define BREAK_DATA UINT64_MAX
#define RING_DATA (UINT64_MAX - 1) /* an io_uring has completions: file_uring.c looks into all of them */

static int epoll_fd = -1; /* immutable while the runtime runs */
static int break_fd = -1; /* likewise */
static _Atomic uint32_t break_sent;
static _Atomic bool has_no_pwait2; /* the kernel has said ENOSYS */

int gr__np_backend_open(void)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = BREAK_DATA};
	int err;

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		return -errno;
	break_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (break_fd >= 0 && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, break_fd, &ev) == 0) {
		store_relaxed(&break_sent, 0);
		return 0;
	}
	err = -errno;
	gr__np_backend_close();
	return err;
}

void gr__np_backend_close(void)
{
	if (break_fd >= 0)
		close(break_fd);
	if (epoll_fd >= 0)
		close(epoll_fd);
	break_fd = -1;
	epoll_fd = -1;
}

/* Level-triggered: as long as there are completions, nobody sleeps. */
int gr__np_backend_watch(int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = RING_DATA};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

int gr__np_backend_add(const struct gr_sock *s)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u64 = gr__np_data(s)};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) == 0 ? 0 : -errno;
}

/* close(2) would do it, but for a descriptor that has been duplicated; then events with an old tag would go on. */
void gr__np_backend_remove(const struct gr_sock *s)
{
	if (epoll_ctl(epoll_fd, EPOLL_CTL_DEL, s->fd, NULL) != 0 && errno != ENOENT && errno != EBADF)
		gr__throw("epoll_ctl(DEL, %d): errno %d", s->fd, errno);
}

static int wait_for_events(struct epoll_event *events, int64_t delay_ns)
{
	int64_t ms;

	if (delay_ns > 0 && !load_relaxed(&has_no_pwait2)) {
		const struct timespec ts = {.tv_sec = delay_ns / 1000000000, .tv_nsec = delay_ns % 1000000000};
		int n = epoll_pwait2(epoll_fd, events, EVENTS, &ts, NULL);

		if (n >= 0 || errno != ENOSYS)
			return n;
		store_relaxed(&has_no_pwait2, true);
	}
	ms = delay_ns <= 0 ? delay_ns : delay_ns / 1000000 + (delay_ns % 1000000 != 0);
	return epoll_wait(epoll_fd, events, EVENTS, ms < 0 ? -1 : ms > INT_MAX ? INT_MAX : (int)ms);
}

/* Step 1 and 2 of who blocks. */
static void take_break(void)
{
	uint64_t count;

	if (read(break_fd, &count, sizeof(count)) < 0 && errno != EAGAIN && errno != EINTR)
		gr__throw("the netpoller's eventfd cannot be read: errno %d", errno);
	xchg_seq_cst(&break_sent, 0);
	/*
	 * Where a read-modify-write is a loop of exclusive load and store (arm64 without LSE), loads that follow may be
	 * made before the store.
	 */
	fence_seq_cst();
}

/*
 * Whether this says that there is more to come than data: an end or an error. HUP alone is a pipe without a writer. With
 * OUT and nothing else it is a stream socket that is not connected yet; its next edges are those of the connection.
 */
static inline bool is_hung_up(uint32_t ev)
{
	return (ev & (EPOLLRDHUP | EPOLLERR)) || (ev & (EPOLLHUP | EPOLLOUT)) == EPOLLHUP;
}

static void handle(const struct epoll_event *e, int64_t delay_ns, struct gr__glist *out)
{
	const uint32_t ev = e->events;

	if (e->data.u64 == BREAK_DATA) {
		if (delay_ns != 0)
			take_break();
		return;
	}
	if (e->data.u64 == RING_DATA)
		return; /* the caller looks into the rings */
	/* HUP and ERR end a wait in either direction: the call that follows says what it was. */
	gr__np_event(e->data.u64, (ev & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0,
		     (ev & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0, is_hung_up(ev), out);
}

/*
 * Interrupted by a signal means nothing has happened: the caller looks at everything again anyway.
 *
 * Of a thousand connections neither slots nor Gs are in the cache, and each event would wait for three lines, one after
 * the other. So all are asked for before the first is needed.
 */
void gr__np_backend_wait(int64_t delay_ns, struct gr__glist *out)
{
	struct epoll_event events[EVENTS];
	int n = wait_for_events(events, delay_ns);

	if (n < 0 && errno != EINTR)
		gr__throw("epoll_wait: errno %d", errno);
	for (int i = 0; i < n; i++)
		gr__np_prefetch_slot(events[i].data.u64);
	for (int i = 0; i < n; i++)
		gr__np_prefetch_g(events[i].data.u64);
	for (int i = 0; i < n; i++)
		handle(&events[i], delay_ns, out);
	for (const struct gr_g *g = out->head; g; g = g->link)
		__builtin_prefetch(g->sp, 1);
}

void gr__netpoll_break(void)
{
	const uint64_t one = 1;
	uint32_t none = 0;

	fence_seq_cst(); /* step 2 */
	if (!cas_strong_seq_cst(&break_sent, &none, 1))
		return;
	/* Only full after 2^64 - 1 writes that nobody read. */
	while (write(break_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}
