/*
 * bench.c - the calls that bodies make (bench.h), and the mailbox below them (mailbox.h).
 *
 * Runs on whatever stack the model gives its tasks, which may be a few KiB: no large locals, no stdio on the way that
 * every run takes.
 */
#include "harness/subject/bench.h"

#include <errno.h>
#include <linux/futex.h>
#include <math.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/usage.h"
#include "harness/base/utf8.h"
#include "harness/subject/mailbox.h"
#include "harness/subject/style.h"

/* Reads of stop_fd take 1 each: no body comes near this many. */
#define STOP_COUNT (UINT64_C(1) << 40)

int mailbox_init(struct mailbox *m, bool is_server)
{
	*m = (struct mailbox){.wake_fd = -1, .stop_fd = -1, .serving_port = -1, .is_server = is_server};
	if (hist_init(&m->delays) < 0)
		return -ENOMEM;
	m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->wake_fd < 0) {
		int status = -errno;

		hist_free(&m->delays);
		return status;
	}
	if (is_server) {
		m->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
		if (m->stop_fd < 0) {
			int status = -errno;

			close(m->wake_fd);
			hist_free(&m->delays);
			return status;
		}
	}
	return 0;
}

void mailbox_free(struct mailbox *m)
{
	hist_free(&m->delays);
	close(m->wake_fd);
	if (m->stop_fd >= 0)
		close(m->stop_fd);
}

/* Add to an eventfd. EAGAIN would mean that 2^64 - 2 is reached: as good as written. */
static int add_to_eventfd(int fd, uint64_t n)
{
	while (write(fd, &n, sizeof(n)) != (ssize_t)sizeof(n)) {
		if (errno == EAGAIN)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static void wake_main(struct mailbox *m)
{
	int status = add_to_eventfd(m->wake_fd, 1); /* step 3 */

	if (status < 0)
		err_fatal("cannot wake the subject's main thread: %s", strerrordesc_np(-status));
}

void mailbox_claim(struct mailbox *m)
{
	uint32_t none = MAIL_NONE;

	/* Acquire pairs with mailbox_answer: with tasks that ask in turn, the arguments of the one are done with. */
	if (!atomic_compare_exchange_strong_explicit(&m->request, &none, MAIL_CLAIMED, memory_order_acquire,
						     memory_order_relaxed))
		err_fatal("a body asked for two things at once: bench_begin, bench_end and bench_snapshot are for one "
			  "task at a time");
}

void mailbox_call(struct mailbox *m, enum mail request)
{
	/* Only the answer to this request changes it, and the main thread knows of none before step 2: so relaxed. */
	uint32_t before = atomic_load_explicit(&m->answers, memory_order_relaxed);

	/* Step 2. Release pairs with the acquire in mailbox_take: the arguments are there. */
	atomic_store_explicit(&m->request, (uint32_t)request, memory_order_release);
	wake_main(m);
	/* Acquire pairs with the release in mailbox_answer: the reply is there. */
	while (atomic_load_explicit(&m->answers, memory_order_acquire) == before) {
		/* EAGAIN: the answer came first; EINTR: a signal, such as a runtime's own preemption. Both look again. */
		if (syscall(SYS_futex, &m->answers, FUTEX_WAIT_PRIVATE, before, NULL, NULL, 0) != 0 &&
		    errno != EAGAIN && errno != EINTR)
			err_fatal("futex wait in the mailbox failed with errno %d", errno);
	}
}

void mailbox_clear_wake(struct mailbox *m)
{
	uint64_t n;

	/* EAGAIN: nothing was announced. */
	while (read(m->wake_fd, &n, sizeof(n)) < 0 && errno == EINTR)
		;
}

enum mail mailbox_take(struct mailbox *m)
{
	uint32_t request = atomic_load_explicit(&m->request, memory_order_acquire);

	return request == MAIL_CLAIMED ? MAIL_NONE : (enum mail)request;
}

bool mailbox_take_serving(struct mailbox *m, int *port)
{
	/* Acquire pairs with the release in bench_serving: the socket is bound and listens. */
	int value = atomic_exchange_explicit(&m->serving_port, -1, memory_order_acquire);

	if (value >= 0)
		*port = value;
	return value >= 0;
}

void mailbox_answer(struct mailbox *m)
{
	/* Freed before the body goes on, which may claim it again at once. Release pairs with mailbox_claim. */
	atomic_store_explicit(&m->request, MAIL_NONE, memory_order_release);
	atomic_fetch_add_explicit(&m->answers, 1, memory_order_release); /* step 4 */
	(void)syscall(SYS_futex, &m->answers, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); /* step 5; nobody asleep is fine */
}

int mailbox_stop(struct mailbox *m)
{
	return add_to_eventfd(m->stop_fd, STOP_COUNT);
}

/* ---- bench.h ------------------------------------------------------------------------------------ */

int64_t bench_param(const struct bench *b, const char *name)
{
	const struct bench_workload *w = b->workload;

	for (size_t i = 0; i < w->n_params; i++)
		if (strcmp(w->params[i].name, name) == 0)
			return b->param[i];
	err_fatal("bench_param: %s has no parameter \"%s\"", w->name, name);
}

void bench_begin(struct bench *b)
{
	struct mailbox *m = b->priv;
	struct region *r = &m->region;

	if (m->is_server)
		err_fatal("bench_begin: %s is a server, whose region is the load generator's", b->workload->name);
	if (r->has_begun)
		err_fatal("bench_begin: %s called it twice in one run", b->workload->name);
	r->has_begun = true;
	if (m->is_recorded) {
		mailbox_claim(m);
		mailbox_call(m, MAIL_BEGIN);
	}
	usage_now(&r->begin_usage);
	r->begin_ns = clock_now_ns();
}

void bench_end(struct bench *b)
{
	uint64_t now_ns = clock_now_ns(); /* before anything else: the region ends here */
	struct mailbox *m = b->priv;
	struct region *r = &m->region;

	if (!r->has_begun || r->has_ended)
		err_fatal("bench_end: %s called it %s in one run", b->workload->name,
			  r->has_begun ? "twice" : "before bench_begin");
	usage_now(&r->end_usage);
	r->end_ns = now_ns;
	r->has_ended = true;
	if (m->is_recorded) {
		mailbox_claim(m);
		mailbox_call(m, MAIL_END);
	}
}

uint64_t bench_now_ns(void)
{
	return clock_now_ns();
}

int64_t bench_delay(struct bench *b, uint64_t due_ns)
{
	const uint64_t now_ns = clock_now_ns(); /* before anything else: this is what is measured */
	struct mailbox *m = b->priv;

	if (!m->region.has_begun || m->region.has_ended)
		err_fatal("bench_delay: %s called it outside of bench_begin and bench_end", b->workload->name);
	if (now_ns < due_ns)
		return -(int64_t)(due_ns - now_ns);
	hist_record_shared(&m->delays, now_ns - due_ns);
	return (int64_t)(now_ns - due_ns);
}

void bench_figure(struct bench *b, const char *name, double value)
{
	struct mailbox *m = b->priv;
	struct figures *f = &m->figures;
	size_t i = 0;

	if (!m->region.has_ended)
		err_fatal("bench_figure: %s called it before bench_end", b->workload->name);
	if (!isfinite(value))
		err_fatal("bench_figure: %s of %s is no number", name, b->workload->name);
	while (i < f->n && strcmp(f->names[i], name) != 0)
		i++;
	if (i == BENCH_MAX_FIGURES)
		err_fatal("bench_figure: %s has more than %d figures", b->workload->name, BENCH_MAX_FIGURES);
	f->names[i] = name;
	f->values[i] = value;
	if (i == f->n)
		f->n++;
}

unsigned bench_threads(void)
{
	return usage_threads();
}

bool bench_is_recorded(const struct bench *b)
{
	const struct mailbox *m = b->priv;

	return m->is_recorded;
}

void bench_snapshot(struct bench *b, const char *name, uint64_t live_tasks)
{
	struct mailbox *m = b->priv;

	if (m->region.has_begun && !m->region.has_ended)
		err_fatal("bench_snapshot: %s called it between bench_begin and bench_end", b->workload->name);
	if (!m->is_recorded)
		return;
	mailbox_claim(m);
	m->snapshot_name = name;
	m->live_tasks = live_tasks;
	mailbox_call(m, MAIL_SNAPSHOT);
}

void bench_serving(struct bench *b, int listen_fd)
{
	struct mailbox *m = b->priv;
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	if (!m->is_server)
		err_fatal("bench_serving: %s is not a server", b->workload->name);
	if (b->loop > 0)
		return;
	/* Asked here and not in the main thread: the body may have closed the socket before that one looks. */
	if (getsockname(listen_fd, (struct sockaddr *)&addr, &len) < 0 || addr.sin_family != AF_INET)
		err_fatal("bench_serving: descriptor %d of %s is no IPv4 socket", listen_fd, b->workload->name);
	/* Release pairs with the acquire in mailbox_take_serving. */
	atomic_store_explicit(&m->serving_port, ntohs(addr.sin_port), memory_order_release);
	wake_main(m);
}

int bench_stop_fd(struct bench *b)
{
	struct mailbox *m = b->priv;

	if (!m->is_server)
		err_fatal("bench_stop_fd: %s is not a server", b->workload->name);
	return m->stop_fd;
}

void bench_done(struct bench *b, int status)
{
	style_done(b, status);
}

int bench_fail(struct bench *b, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->why, sizeof(b->why), fmt, ap);
	va_end(ap);
	utf8_clean(b->why); /* it may quote the cell, and becomes a message */
	return status;
}
