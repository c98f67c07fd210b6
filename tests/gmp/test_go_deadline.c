/*
 * Deadlines of descriptors, paired with Go's timeout_test.go of net and of os. What the names mean, and what has no pair:
 * go_test.h. What ours promise beyond that is in test_deadline.c.
 *
 * Times are compared in one direction only: nothing ends before its deadline. That it ends at all is the other half, and
 * the alarm's.
 */
#include "net_test.h"

#include <fcntl.h>

#include "internal.h"

/* Something that waits on s, and is to be ended by a deadline. */
typedef ssize_t operation(gr_sock *s);

static ssize_t do_accept(gr_sock *s)
{
	gr_sock *conn = NULL;
	int err = gr_sock_accept(s, &conn);

	if (!err)
		gr_sock_close(conn);
	return err;
}

static ssize_t do_read(gr_sock *s)
{
	char byte;

	return gr_sock_read(s, &byte, 1);
}

static ssize_t do_receive(gr_sock *s)
{
	char byte;

	return gr_sock_recvfrom(s, &byte, 1, 0, NULL, NULL);
}

/* Until all that can be buffered has been. */
static ssize_t do_write(gr_sock *s)
{
	static const char much[1 << 20];
	ssize_t n;

	while ((n = gr_sock_write(s, much, sizeof(much))) > 0)
		;
	return n;
}

static gr_sock *udp_socket(struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	gr_sock *s = NULL;

	*addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	CHECK(gr_sock_open(AF_INET, SOCK_DGRAM, 0, &s) == 0);
	CHECK(bind(gr_sock_fd(s), (struct sockaddr *)addr, len) == 0);
	CHECK(getsockname(gr_sock_fd(s), (struct sockaddr *)addr, &len) == 0);
	return s;
}

/* A descriptor on which the operation waits, with its far end or -1. */
struct subject {
	gr_sock *s;
	int theirs;
	operation *op;
	int dir;
};

enum kind { LISTENER, TCP_READ, TCP_WRITE, PIPE_READ, PIPE_WRITE, UDP_READ, KINDS };

static struct subject subject_of(enum kind kind)
{
	struct subject x = {.theirs = -1};
	struct sockaddr_in addr;
	int fds[2];

	x.dir = kind == TCP_WRITE || kind == PIPE_WRITE ? GR_SOCK_WRITE : GR_SOCK_READ;
	switch (kind) {
	case LISTENER:
		x.s = listen_on_loopback(&addr);
		x.op = do_accept;
		break;
	case TCP_READ:
	case TCP_WRITE:
		tcp_pair(&x.s, &x.theirs);
		x.op = kind == TCP_READ ? do_read : do_write;
		break;
	case PIPE_READ:
	case PIPE_WRITE:
		CHECK(pipe2(fds, O_CLOEXEC) == 0);
		x.s = adopt(fds[kind == PIPE_WRITE]);
		x.theirs = fds[kind == PIPE_READ];
		x.op = kind == PIPE_READ ? do_read : do_write;
		break;
	default:
		x.s = udp_socket(&addr);
		x.op = do_receive;
		break;
	}
	return x;
}

static void end_subject(struct subject *x)
{
	gr_sock_close(x->s);
	if (x->theirs >= 0)
		close(x->theirs);
}

/* ---- Test*Timeout: a deadline in the past, and one to come; and all calls until it is set again ----------------------- */

static void times_out(enum kind kind)
{
	static const uint64_t after[] = {0, 1, 5 * MS};
	struct subject x = subject_of(kind);

	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		int64_t begin = clock_ns();

		CHECK(gr_sock_set_deadline(x.s, x.dir, after[i]) == 0);
		for (int k = 0; k < 3; k++)
			CHECK(x.op(x.s) == -ETIMEDOUT);
		CHECK(clock_ns() - begin >= (int64_t)after[i]);
	}
	end_subject(&x);
}

/* Catches: a deadline that is not noticed (hangs), or forgotten after the first call (hangs); one that passes too early. */
static void go_TestAcceptTimeout(void *arg)
{
	(void)arg;
	times_out(LISTENER);
}

static void go_TestReadTimeout(void *arg)
{
	(void)arg;
	times_out(TCP_READ);
	times_out(PIPE_READ);
}

static void go_TestReadFromTimeout(void *arg)
{
	(void)arg;
	times_out(UDP_READ);
}

static void go_TestWriteTimeout(void *arg)
{
	(void)arg;
	times_out(TCP_WRITE);
	times_out(PIPE_WRITE);
}

/* ---- Test*TimeoutMustReturn, *MustNotReturn: a deadline that is set, or taken back, while the call waits --------------- */

struct waiting {
	struct subject x;
	_Atomic bool has_returned;
	ssize_t result;
	gr_wg done;
};

static void wait_in_it(void *arg)
{
	struct waiting *w = arg;

	w->result = w->x.op(w->x.s);
	atomic_store(&w->has_returned, true);
	gr_wg_done(&w->done);
}

static void begin_waiting(struct waiting *w, enum kind kind)
{
	memset(w, 0, sizeof(*w));
	w->x = subject_of(kind);
	gr_wg_add(&w->done, 1);
}

static void must_return(enum kind kind)
{
	for (int earlier = 0; earlier < 2; earlier++) {
		struct waiting w;
		int64_t begin;

		begin_waiting(&w, kind);
		/* None, or one that comes much later. */
		CHECK(gr_sock_set_deadline(w.x.s, GR_SOCK_BOTH, earlier ? 3600 * 1000 * MS : UINT64_MAX) == 0);
		CHECK(gr_go_named("waiter", wait_in_it, &w) == 0);
		await_blocked("waiter");
		begin = clock_ns();
		CHECK(gr_sock_set_deadline(w.x.s, w.x.dir, 10 * MS) == 0);
		gr_wg_wait(&w.done);
		CHECK(w.result == -ETIMEDOUT && clock_ns() - begin >= 10 * (int64_t)MS);
		end_subject(&w.x);
	}
}

static void must_not_return(enum kind kind)
{
	struct waiting w;

	begin_waiting(&w, kind);
	CHECK(gr_sock_set_deadline(w.x.s, GR_SOCK_BOTH, 20 * MS) == 0);
	CHECK(gr_go_named("waiter", wait_in_it, &w) == 0);
	gr_yield();
	/* Unless it has passed already, on a very slow machine. */
	CHECK(gr_sock_set_deadline(w.x.s, w.x.dir, UINT64_MAX) == 0);
	if (!atomic_load(&w.has_returned)) {
		await_blocked("waiter");
		gr_sleep_ns(40 * MS);
		CHECK(!atomic_load(&w.has_returned));
		/* And the other direction's is no business of its. */
		CHECK(gr_sock_set_deadline(w.x.s, GR_SOCK_BOTH & ~w.x.dir, 0) == 0);
		let_others_run();
		CHECK(!atomic_load(&w.has_returned));
	}
	CHECK(gr_sock_set_deadline(w.x.s, w.x.dir, 0) == 0);
	gr_wg_wait(&w.done);
	CHECK(w.result == -ETIMEDOUT);
	end_subject(&w.x);
}

/* Catches: a call that does not hear of a deadline that is set after it has begun to wait (hangs). */
static void go_TestAcceptTimeoutMustReturn(void *arg)
{
	(void)arg;
	must_return(LISTENER);
}

static void go_TestReadTimeoutMustReturn(void *arg)
{
	(void)arg;
	must_return(TCP_READ);
	must_return(PIPE_READ);
	must_return(UDP_READ);
}

static void go_TestWriteTimeoutMustReturn(void *arg)
{
	(void)arg;
	must_return(TCP_WRITE);
	must_return(PIPE_WRITE);
}

/* Catches: a deadline that has been taken back and passes all the same, or that ends the other direction's calls. */
static void go_TestAcceptTimeoutMustNotReturn(void *arg)
{
	(void)arg;
	must_not_return(LISTENER);
}

static void go_TestReadTimeoutMustNotReturn(void *arg)
{
	(void)arg;
	must_not_return(TCP_READ);
	must_not_return(PIPE_READ);
}

static void go_TestWriteTimeoutMustNotReturn(void *arg)
{
	(void)arg;
	must_not_return(TCP_WRITE);
	must_not_return(PIPE_WRITE);
}

/* ---- Test*TimeoutFluctuation: the deadline set anew before each call ------------------------------------------------------ */

static void fluctuates(enum kind kind)
{
	struct subject x = subject_of(kind);
	uint64_t after = 1000;

	CHECK(gr_sock_set_deadline(x.s, x.dir, 0) == 0);
	CHECK(x.op(x.s) == -ETIMEDOUT); /* a write: the buffers are full */
	for (; after < 20 * MS; after += after / 3) {
		int64_t begin = clock_ns();

		CHECK(gr_sock_set_deadline(x.s, x.dir, after) == 0);
		CHECK(x.op(x.s) == -ETIMEDOUT);
		CHECK(clock_ns() - begin >= (int64_t)after);
	}
	end_subject(&x);
}

/* Catches: an early end, by the deadline before; a deadline later than the last that is never looked at (hangs). */
static void go_TestTimeoutFluctuation(void *arg)
{
	(void)arg;
	for (enum kind kind = LISTENER; kind < KINDS; kind++)
		fluctuates(kind);
}

/* ---- TestVariousDeadlines: a peer that writes without end, and readers that have had enough --------------------------------- */

static void write_without_end(void *arg)
{
	static const char much[1 << 16];
	gr_sock *s = NULL;

	while (gr_sock_accept(arg, &s) == 0) {
		while (gr_sock_write(s, much, sizeof(much)) > 0)
			;
		gr_sock_close(s);
	}
}

/* Catches: a reader that is never out of data and does not see its deadline (hangs); a lost wake-up of either (hangs). */
static void go_TestVariousDeadlines(void *arg)
{
	static const uint64_t after[] = {1,      2,      50, 1000,   5000,   25000,  50000,
					 100000, 250000, MS, 2 * MS, 5 * MS, 20 * MS};
	struct sockaddr_in addr;
	gr_sock *l = listen_on_loopback(&addr);
	char *buf = malloc(1 << 16);

	(void)arg;
	spawn(write_without_end, l);
	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		for (int run = 0; run < 3; run++) {
			gr_sock *s = NULL;
			int64_t begin;
			ssize_t n;

			CHECK(gr_sock_open(AF_INET, SOCK_STREAM, 0, &s) == 0);
			CHECK(gr_sock_connect(s, (struct sockaddr *)&addr, sizeof(addr)) == 0);
			begin = clock_ns();
			CHECK(gr_sock_set_deadline(s, GR_SOCK_BOTH, after[i]) == 0);
			while ((n = gr_sock_read(s, buf, 1 << 16)) > 0)
				;
			CHECK(n == -ETIMEDOUT && clock_ns() - begin >= (int64_t)after[i]);
			gr_sock_close(s);
		}
	}
	gr_sock_shutdown(l);
	await_gs(1);
	gr_sock_close(l);
	free(buf);
}

/* ---- TestReadWriteProlongedTimeout: deadlines that are put off again and again while both directions work ----------------- */

struct prolonged {
	gr_sock *s;
	int bytes;
	_Atomic bool over;
	gr_wg done;
};

static void read_prolonged(void *arg)
{
	struct prolonged *p = arg;

	for (int i = 0; i < p->bytes;) {
		unsigned char c;
		ssize_t n;

		CHECK(gr_sock_set_deadline(p->s, GR_SOCK_READ, 300000) == 0);
		n = gr_sock_read(p->s, &c, 1);
		CHECK(n == -ETIMEDOUT || (n == 1 && c == (unsigned char)i));
		i += n == 1;
		if (n < 0)
			gr_yield(); /* it need not have waited */
	}
	gr_wg_done(&p->done);
}

static void write_prolonged(void *arg)
{
	struct prolonged *p = arg;

	for (int i = 0; i < p->bytes;) {
		unsigned char c = (unsigned char)i;
		ssize_t n;

		CHECK(gr_sock_set_deadline(p->s, GR_SOCK_WRITE, 300000) == 0);
		n = gr_sock_write(p->s, &c, 1);
		CHECK(n == -ETIMEDOUT || n == 1);
		i += n == 1;
		if (n < 0)
			gr_yield();
		if (i % 100 == 0)
			gr_sleep_ns(450000); /* until the reader's has passed */
	}
	gr_wg_done(&p->done);
}

/* Catches: bytes that are lost where a call ends by its deadline; a wait that nothing ends (hangs). */
static void go_TestReadWriteProlongedTimeout(void *arg)
{
	struct prolonged ends[2];
	int theirs;

	(void)arg;
	memset(ends, 0, sizeof(ends));
	tcp_pair(&ends[0].s, &theirs);
	ends[1].s = adopt(theirs);
	for (int i = 0; i < 2; i++) {
		ends[i].bytes = TIMES(2000);
		gr_wg_add(&ends[i].done, 2);
		spawn(read_prolonged, &ends[i]);
		spawn(write_prolonged, &ends[i]);
	}
	for (int i = 0; i < 2; i++)
		gr_wg_wait(&ends[i].done);
	for (int i = 0; i < 2; i++)
		gr_sock_close(ends[i].s);
}

/* ---- TestReadWriteDeadlineRace: deadlines that have all but passed, set beside calls ---------------------------------------- */

static void set_near_deadlines(void *arg)
{
	struct prolonged *p = arg;

	for (int i = 0; i < TIMES(2000); i++)
		CHECK(gr_sock_set_deadline(p->s, GR_SOCK_BOTH, (uint64_t)(i % 20) * 200) == 0);
	atomic_store(&p->over, true);
	gr_wg_done(&p->done);
}

static void read_beside(void *arg)
{
	struct prolonged *p = arg;
	char c;

	while (!atomic_load(&p->over)) {
		if (gr_sock_read(p->s, &c, 1) != -ETIMEDOUT)
			CHECK(false);
		gr_yield();
	}
	gr_wg_done(&p->done);
}

static void write_beside(void *arg)
{
	struct prolonged *p = arg;
	static const char some[64];

	while (!atomic_load(&p->over)) {
		ssize_t n = gr_sock_write(p->s, some, sizeof(some));

		CHECK(n == -ETIMEDOUT || n == sizeof(some));
		gr_yield();
	}
	gr_wg_done(&p->done);
}

/* Catches: a deadline whose passing is wiped out by its own setting (hangs: the last one of the reader). */
static void go_TestReadWriteDeadlineRace(void *arg)
{
	struct prolonged p = {0};
	int theirs;

	(void)arg;
	tcp_pair(&p.s, &theirs);
	gr_wg_add(&p.done, 3);
	spawn(read_beside, &p);
	spawn(write_beside, &p);
	spawn(set_near_deadlines, &p);
	gr_wg_wait(&p.done);
	gr_sock_close(p.s);
	close(theirs);
}

/* ---- TestConcurrentSetDeadline --------------------------------------------------------------------------------------------- */

enum { CONNS = 10, SETTERS = 8 };

struct concurrent {
	gr_sock *s[CONNS];
	gr_wg done;
};

static void set_on_all(void *arg)
{
	struct concurrent *c = arg;

	for (int round = 0; round < TIMES(200); round++) {
		for (int i = 0; i < CONNS; i++) {
			/* Later and sooner, all an hour away. */
			uint64_t after = (3600 + (uint64_t)((round * 7 + i * 3) % 60)) * 1000 * MS;

			CHECK(gr_sock_set_deadline(c->s[i], 1 + (round + i) % 3, after) == 0);
		}
		gr_yield();
	}
	gr_wg_done(&c->done);
}

/* Catches: a timer that is put into a heap by two, which damages it. */
static void go_TestConcurrentSetDeadline(void *arg)
{
	struct concurrent c = {0};
	int theirs[CONNS];

	(void)arg;
	for (int i = 0; i < CONNS; i++)
		tcp_pair(&c.s[i], &theirs[i]);
	gr_wg_add(&c.done, SETTERS);
	for (int i = 0; i < SETTERS; i++)
		spawn(set_on_all, &c);
	gr_wg_wait(&c.done);
	for (int i = 0; i < CONNS; i++) {
		CHECK(gr_sock_set_deadline(c.s[i], GR_SOCK_READ, MS) == 0);
		CHECK(do_read(c.s[i]) == -ETIMEDOUT);
		gr_sock_close(c.s[i]);
		close(theirs[i]);
	}
}

/* ---- TestDialTimeout: nobody accepts, and the backlog is full -------------------------------------------------------------- */

/* Catches: a connection under way that does not end by its deadline, or by being called off (hangs, for minutes). */
static void go_TestDialTimeout(void *arg)
{
	enum { ENOUGH = 16 };
	struct sockaddr_in addr;
	gr_sock *l = listen_on_loopback_for(&addr, 1), *s[ENOUGH];
	int n, timed_out = 0;

	(void)arg;
	for (n = 0; n < ENOUGH && timed_out < 2; n++) {
		int64_t begin = clock_ns();
		int err;

		CHECK(gr_sock_open(AF_INET, SOCK_STREAM, 0, &s[n]) == 0);
		CHECK(gr_sock_set_deadline(s[n], GR_SOCK_WRITE, 30 * MS) == 0);
		err = gr_sock_connect(s[n], (struct sockaddr *)&addr, sizeof(addr));
		CHECK(err == 0 || err == -ETIMEDOUT);
		CHECK(err == 0 || clock_ns() - begin >= 30 * (int64_t)MS);
		timed_out += err != 0;
	}
	CHECK(timed_out == 2);
	while (n-- > 0)
		gr_sock_close(s[n]);
	gr_sock_close(l);
}

/* ---- TestNetpollWaiters: the count of who waits for the poller returns to 0 ------------------------------------------------ */

/* Catches: a waiter that is counted and not uncounted, or the other way round, whatever ends its wait. */
static void go_TestNetpollWaiters(void *arg)
{
	(void)arg;
	for (int how = 0; how < 4; how++) {
		for (enum kind kind = LISTENER; kind < KINDS; kind++) {
			struct waiting w;

			CHECK(!gr__netpoll_has_waiters());
			begin_waiting(&w, kind);
			CHECK(gr_go_named("waiter", wait_in_it, &w) == 0);
			await_blocked("waiter");
			CHECK(gr__netpoll_has_waiters());
			if (how == 0)
				gr_sock_shutdown(w.x.s);
			else if (how == 1)
				gr_sock_cancel(w.x.s, w.x.dir);
			else if (how == 2)
				CHECK(gr_sock_set_deadline(w.x.s, w.x.dir, 1) == 0);
			else
				gr_sock_close(w.x.s);
			gr_wg_wait(&w.done);
			CHECK(!gr__netpoll_has_waiters());
			if (how < 3)
				gr_sock_close(w.x.s);
			if (w.x.theirs >= 0)
				close(w.x.theirs);
		}
	}
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		EACH(go_TestAcceptTimeout),
		EACH(go_TestReadTimeout),
		EACH(go_TestReadFromTimeout),
		EACH(go_TestWriteTimeout),
		EACH(go_TestAcceptTimeoutMustReturn),
		EACH(go_TestReadTimeoutMustReturn),
		EACH(go_TestWriteTimeoutMustReturn),
		EACH(go_TestAcceptTimeoutMustNotReturn),
		EACH(go_TestReadTimeoutMustNotReturn),
		EACH(go_TestWriteTimeoutMustNotReturn),
		EACH(go_TestTimeoutFluctuation),
		EACH(go_TestVariousDeadlines),
		EACH(go_TestReadWriteProlongedTimeout),
		EACH(go_TestReadWriteDeadlineRace),
		EACH(go_TestConcurrentSetDeadline),
		EACH(go_TestDialTimeout),
		EACH(go_TestNetpollWaiters),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/go_deadline", tests, NULL, NULL);
}
