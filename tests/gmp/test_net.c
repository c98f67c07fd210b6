/*
 * Sockets and pipes on the netpoller. Each case names the Go test that it mirrors in behaviour, where there is one.
 */
#include "net_test.h"

#include "netpoll.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

/* ---- echo: many connections, messages of all sizes ------------------------------------------------- */

struct echo {
	gr_sock *listener;
	struct sockaddr_in addr;
	gr_wg servers, clients;
	int messages;
	_Atomic uint64_t echoed;
};

struct echo_conn {
	struct echo *e;
	gr_sock *s;
	unsigned id;
};

static void serve_conn(void *arg)
{
	struct echo_conn *c = arg;
	char *buf = malloc(16384);
	ssize_t n;

	while ((n = gr_sock_read(c->s, buf, 16384)) > 0)
		CHECK(gr_sock_write(c->s, buf, (size_t)n) == n);
	CHECK(n == 0);
	gr_sock_close(c->s);
	gr_wg_done(&c->e->servers);
	free(buf);
	free(c);
}

static void serve(void *arg)
{
	struct echo *e = arg;
	gr_sock *s;
	int err;

	while ((err = gr_sock_accept(e->listener, &s)) == 0) {
		struct echo_conn *c = malloc(sizeof(*c));

		*c = (struct echo_conn){e, s, 0};
		gr_wg_add(&e->servers, 1);
		CHECK(gr_go(serve_conn, c) == 0);
	}
	CHECK(err == -EINVAL);
	gr_wg_done(&e->servers);
}

static void be_client(void *arg)
{
	struct echo_conn *c = arg;
	/* Also larger than the buffers of two sockets together would need to hold at once. */
	static const size_t sizes[] = {1, 64, 1000, 16384, 40000};
	char *out = malloc(40000), *in = malloc(40000);
	gr_sock *s = adopt(connect_plain(&c->e->addr));

	for (int i = 0; i < c->e->messages; i++) {
		size_t n = sizes[((unsigned)i + c->id) % 5];

		memset(out, (int)(c->id + (unsigned)i), n);
		memset(in, 0, n);
		CHECK(gr_sock_write(s, out, n) == (ssize_t)n);
		CHECK(read_full(s, in, n) == (ssize_t)n);
		CHECK(memcmp(in, out, n) == 0);
		atomic_fetch_add(&c->e->echoed, n);
	}
	gr_sock_close(s);
	gr_wg_done(&c->e->clients);
	free(in);
	free(out);
}

static void echo_64(void *arg)
{
	enum { CONNS = 64 };
	struct echo e = {.messages = TIMES(200)};
	struct echo_conn *c = calloc(CONNS, sizeof(*c));

	(void)arg;
	e.listener = listen_on_loopback(&e.addr);
	gr_wg_add(&e.servers, 1);
	gr_go(serve, &e);
	gr_wg_add(&e.clients, CONNS);
	for (unsigned i = 0; i < CONNS; i++) {
		c[i] = (struct echo_conn){&e, NULL, i};
		CHECK(gr_go(be_client, &c[i]) == 0);
	}
	gr_wg_wait(&e.clients);
	gr_sock_shutdown(e.listener);
	gr_wg_wait(&e.servers);
	gr_sock_close(e.listener);
	CHECK(atomic_load(&e.echoed) > 0);
	free(c);
}

/* ---- a write that is larger than all buffers: blocks until the reader has taken it ----------------- */

struct bulk {
	gr_sock *s;
	size_t n;
	ssize_t result;
	_Atomic bool returned;
	gr_wg done;
};

static void write_bulk(void *arg)
{
	struct bulk *b = arg;
	unsigned char *buf = malloc(b->n);

	for (size_t i = 0; i < b->n; i++)
		buf[i] = (unsigned char)(i % 251);
	b->result = gr_sock_write(b->s, buf, b->n);
	atomic_store(&b->returned, true);
	free(buf);
	gr_wg_done(&b->done);
}

static void large_write(void *arg)
{
	struct bulk b = {.n = 32u << 20};
	unsigned char *buf = malloc(65536);
	size_t got = 0, wrong = 0;
	gr_sock *reader;
	ssize_t r;
	int fd;

	(void)arg;
	tcp_pair(&b.s, &fd);
	reader = adopt(fd);
	gr_wg_add(&b.done, 1);
	gr_go(write_bulk, &b);
	gr_sleep_ns(10 * MS);
	CHECK(!atomic_load(&b.returned));
	while (got < b.n && (r = gr_sock_read(reader, buf, 65536)) > 0) {
		for (ssize_t i = 0; i < r; i++)
			wrong += buf[i] != (got + (size_t)i) % 251;
		got += (size_t)r;
	}
	gr_wg_wait(&b.done);
	CHECK(b.result == (ssize_t)b.n && got == b.n && wrong == 0);
	gr_sock_close(b.s);
	gr_sock_close(reader);
	free(buf);
}

/* ---- half close: the peer has sent its last, and can still be answered ----------------------------- */

struct asker {
	gr_sock *s;
	char answer[8];
	ssize_t n;
	gr_wg done;
};

static void ask_and_half_close(void *arg)
{
	struct asker *a = arg;

	CHECK(gr_sock_write(a->s, "abc", 3) == 3);
	gr_sleep_ns(2 * MS);
	CHECK(gr_sock_write(a->s, "defg", 4) == 4);
	CHECK(shutdown(gr_sock_fd(a->s), SHUT_WR) == 0);
	a->n = read_full(a->s, a->answer, sizeof(a->answer));
	gr_wg_done(&a->done);
}

static void half_close(void *arg)
{
	struct asker a = {0};
	char buf[64];
	gr_sock *ours;
	size_t n = 0;
	ssize_t r;
	int theirs;

	(void)arg;
	tcp_pair(&ours, &theirs);
	a.s = adopt(theirs);
	gr_wg_add(&a.done, 1);
	gr_go(ask_and_half_close, &a);
	while ((r = gr_sock_read(ours, buf + n, sizeof(buf) - n)) > 0)
		n += (size_t)r;
	CHECK(r == 0 && n == 7 && memcmp(buf, "abcdefg", 7) == 0);
	CHECK(gr_sock_read(ours, buf, 1) == 0); /* and again */
	CHECK(gr_sock_write(ours, "ok", 2) == 2);
	gr_sock_close(ours);
	gr_wg_wait(&a.done);
	CHECK(a.n == 2 && memcmp(a.answer, "ok", 2) == 0);
	gr_sock_close(a.s);
}

/* ---- data and end of stream in one edge: a short read must not make the reader wait for another one ---- */

static void end_together_with_data(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20; i++) {
		char buf[64];
		gr_sock *ours;
		int theirs;

		tcp_pair(&ours, &theirs);
		if (i % 2) { /* the reader waits first */
			CHECK(write(theirs, "x", 1) == 1);
			CHECK(gr_sock_read(ours, buf, sizeof(buf)) == 1);
		}
		CHECK(write(theirs, "last", 4) == 4);
		close(theirs);
		gr_sleep_ns(MS); /* the edge for both is there before the first read */
		CHECK(read_full(ours, buf, sizeof(buf)) == 4);
		CHECK(memcmp(buf, "last", 4) == 0);
		gr_sock_close(ours);
	}
}

/* ---- the peer resets the connection ---------------------------------------------------------------- */

static void reset_it(void *arg)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	int fd = *(int *)arg;

	gr_sleep_ns(2 * MS);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
	close(fd);
}

static void reset_by_peer(void *arg)
{
	gr_sock *ours;
	int theirs;
	char buf[8];

	(void)arg;
	tcp_pair(&ours, &theirs);
	gr_go(reset_it, &theirs);
	CHECK(gr_sock_read(ours, buf, sizeof(buf)) == -ECONNRESET);
	CHECK(gr_sock_write(ours, "x", 1) == -EPIPE); /* and no SIGPIPE */
	gr_sock_close(ours);
}

/* ---- shutdown and close wake who is blocked -------------------------------------------------------- */

struct blocked {
	gr_sock *s;
	_Atomic ssize_t result;
	char *bulk;
	size_t n;
	gr_wg done;
};

static void blocked_accept(void *arg)
{
	struct blocked *b = arg;
	gr_sock *s;

	b->result = gr_sock_accept(b->s, &s);
	gr_wg_done(&b->done);
}

static void blocked_read(void *arg)
{
	struct blocked *b = arg;
	char c;

	b->result = gr_sock_read(b->s, &c, 1);
	gr_wg_done(&b->done);
}

static void blocked_write(void *arg)
{
	struct blocked *b = arg;

	b->result = gr_sock_write(b->s, b->bulk, b->n);
	gr_wg_done(&b->done);
}

/* Have fn block on s, end it by `end`, and return what it got. */
static ssize_t end_blocked(gr_sock *s, void (*fn)(void *), void (*end)(gr_sock *))
{
	struct blocked b = {.s = s, .result = 12345, .n = 64u << 20};

	b.bulk = calloc(1, b.n);
	gr_wg_add(&b.done, 1);
	gr_go(fn, &b);
	gr_sleep_ns(3 * MS);
	CHECK(b.result == 12345);
	end(s);
	gr_wg_wait(&b.done);
	free(b.bulk);
	return b.result;
}

static void shutdown_wakes(void *arg)
{
	struct sockaddr_in addr;
	gr_sock *s, *unused;
	int theirs, fds[2];
	char c;

	(void)arg;
	s = listen_on_loopback(&addr);
	CHECK(end_blocked(s, blocked_accept, gr_sock_shutdown) == -EINVAL);
	CHECK(gr_sock_accept(s, &unused) == -EINVAL); /* and from then on */
	gr_sock_close(s);

	tcp_pair(&s, &theirs);
	CHECK(end_blocked(s, blocked_read, gr_sock_shutdown) == 0);
	CHECK(gr_sock_read(s, &c, 1) == 0);
	CHECK(gr_sock_write(s, "x", 1) == -EINVAL);
	gr_sock_close(s);
	close(theirs);

	tcp_pair(&s, &theirs);
	CHECK(end_blocked(s, blocked_write, gr_sock_shutdown) == -EINVAL);
	gr_sock_close(s);
	close(theirs);

	/* What the kernel cannot shut down. */
	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	s = adopt(fds[0]);
	CHECK(end_blocked(s, blocked_read, gr_sock_shutdown) == 0);
	CHECK(gr_sock_read(s, &c, 1) == 0);
	gr_sock_close(s);
	close(fds[1]);
}

/* TestFDMutexCloseUnblock. */
static void close_wakes(void *arg)
{
	struct sockaddr_in addr;
	int theirs, fds[2];
	gr_sock *s;

	(void)arg;
	CHECK(end_blocked(listen_on_loopback(&addr), blocked_accept, gr_sock_close) == -ECANCELED);
	tcp_pair(&s, &theirs);
	CHECK(end_blocked(s, blocked_read, gr_sock_close) == -ECANCELED);
	close(theirs);
	tcp_pair(&s, &theirs);
	CHECK(end_blocked(s, blocked_write, gr_sock_close) == -ECANCELED);
	close(theirs);
	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	CHECK(end_blocked(adopt(fds[0]), blocked_read, gr_sock_close) == -ECANCELED);
	CHECK(fcntl(fds[0], F_GETFD) == -1); /* closed when gr_sock_close returned */
	close(fds[1]);
}

/* Several that accept wait in a queue, and the close's wake-up is handed on to the last. */
static void close_wakes_all_acceptors(void *arg)
{
	enum { GS = 3 };
	struct sockaddr_in addr;
	gr_sock *l = listen_on_loopback(&addr);
	struct blocked b[GS];

	(void)arg;
	for (int i = 0; i < GS; i++) {
		b[i] = (struct blocked){.s = l, .result = 12345};
		gr_wg_add(&b[i].done, 1);
		gr_go(blocked_accept, &b[i]);
	}
	gr_sleep_ns(3 * MS);
	gr_sock_close(l);
	for (int i = 0; i < GS; i++) {
		gr_wg_wait(&b[i].done);
		CHECK(b[i].result == -ECANCELED);
	}
}

/* ---- several Gs accept on one listener ------------------------------------------------------------- */

struct acceptors {
	gr_sock *listener;
	_Atomic int accepted, refused;
	gr_wg done;
};

static void accept_until_shut(void *arg)
{
	struct acceptors *a = arg;
	gr_sock *s;
	int err;

	while ((err = gr_sock_accept(a->listener, &s)) == 0) {
		atomic_fetch_add(&a->accepted, 1);
		gr_sock_close(s);
	}
	if (err == -EINVAL)
		atomic_fetch_add(&a->refused, 1);
	gr_wg_done(&a->done);
}

static void several_acceptors(void *arg)
{
	enum { GS = 3, CLIENTS = 30 };
	struct acceptors a = {0};
	struct sockaddr_in addr;
	int fd[CLIENTS];

	(void)arg;
	a.listener = listen_on_loopback(&addr);
	gr_wg_add(&a.done, GS);
	for (int i = 0; i < GS; i++)
		gr_go(accept_until_shut, &a);
	for (int i = 0; i < CLIENTS; i++) {
		fd[i] = connect_plain(&addr);
		if (i % 7 == 0)
			gr_sleep_ns(MS);
	}
	while (atomic_load(&a.accepted) < CLIENTS)
		gr_sleep_ns(MS);
	gr_sock_shutdown(a.listener);
	gr_wg_wait(&a.done);
	CHECK(atomic_load(&a.refused) == GS);
	gr_sock_close(a.listener);
	for (int i = 0; i < CLIENTS; i++)
		close(fd[i]);
}

/* ---- numbers are used again at once: no event of the old user disturbs the new one ----------------- */

static void numbers_again(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES(2000); i++) {
		char buf[4] = {0};
		int fds[2];
		gr_sock *s;

		CHECK(pipe2(fds, O_CLOEXEC) == 0);
		s = adopt(fds[0]);
		CHECK(write(fds[1], "ab", 2) == 2);
		if (i % 2) /* else closed with its edge still on the way */
			CHECK(gr_sock_read(s, buf, 2) == 2 && buf[0] == 'a' && buf[1] == 'b');
		gr_sock_close(s);
		close(fds[1]);
	}
}

/* ---- os.TestPipeThreads: Gs that are blocked on pipes need no threads ------------------------------ */

enum { PIPES = 100 };

struct pipes {
	int fds[PIPES][2];
	gr_sock *s[PIPES];
	_Atomic int got;
	gr_wg done;
};

struct pipe_reader {
	struct pipes *p;
	int i;
};

static void read_pipe(void *arg)
{
	struct pipe_reader *r = arg;
	char c = 0;

	CHECK(gr_sock_read(r->p->s[r->i], &c, 1) == 1 && c == (char)r->i);
	atomic_fetch_add(&r->p->got, 1);
	CHECK(gr_sock_read(r->p->s[r->i], &c, 1) == 0);
	gr_wg_done(&r->p->done);
}

/* From a thread that is no M, so that nothing but the poller can wake anybody. */
static void *feed_pipes(void *arg)
{
	struct pipes *p = arg;

	usleep(20 * 1000);
	for (int i = 0; i < PIPES; i++) {
		char c = (char)i;

		if (write(p->fds[i][1], &c, 1) != 1)
			abort();
		close(p->fds[i][1]);
	}
	return NULL;
}

static void pipe_threads(void *arg)
{
	struct pipes *p = calloc(1, sizeof(*p));
	struct pipe_reader r[PIPES];
	struct gr_stats st;
	pthread_t feeder;

	(void)arg;
	gr_wg_add(&p->done, PIPES);
	for (int i = 0; i < PIPES; i++) {
		CHECK(pipe2(p->fds[i], O_CLOEXEC) == 0);
		p->s[i] = adopt(p->fds[i][0]);
		r[i] = (struct pipe_reader){p, i};
		gr_go(read_pipe, &r[i]);
	}
	CHECK(pthread_create(&feeder, NULL, feed_pipes, p) == 0);
	gr_wg_wait(&p->done);
	CHECK(pthread_join(feeder, NULL) == 0);
	CHECK(atomic_load(&p->got) == PIPES);
	gr_stats_read(&st);
	CHECK(st.m_created <= 10);
	for (int i = 0; i < PIPES; i++)
		gr_sock_close(p->s[i]);
	free(p);
}

/* ---- descriptors whose short reads say nothing ----------------------------------------------------- */

static void datagrams(void *arg)
{
	char buf[64];
	int fds[2];
	gr_sock *s;

	(void)arg;
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) == 0);
	s = adopt(fds[0]);
	for (int i = 1; i <= 3; i++)
		CHECK(write(fds[1], "datagram", (size_t)i) == i);
	gr_sleep_ns(MS);
	for (int i = 1; i <= 3; i++)
		CHECK(gr_sock_read(s, buf, sizeof(buf)) == i);
	gr_sock_close(s);
	close(fds[1]);
}

/* ---- the environment refuses ----------------------------------------------------------------------- */

static void refusals(void *arg)
{
	char name[] = TEST_BINARY_DIR "/gr_test_net_XXXXXX";
	int fd = mkstemp(name);
	gr_sock *s = NULL;

	(void)arg;
	CHECK(fd >= 0);
	unlink(name);
	CHECK(gr_sock_adopt(fd, &s) == -EPERM && s == NULL);
	CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
	close(fd);
	CHECK(gr_sock_adopt(fd, &s) == -EBADF);
	CHECK(gr_sock_adopt(-1, &s) == -EBADF);
}

/* No descriptor left: accept says so, and works again when there is one. */
static void out_of_descriptors(void *arg)
{
	struct rlimit old, few;
	struct sockaddr_in addr;
	gr_sock *l, *s = NULL;
	int client, spare;

	(void)arg;
	l = listen_on_loopback(&addr);
	client = connect_plain(&addr);
	gr_sleep_ns(MS);
	CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
	spare = dup(client); /* the lowest free number: everything below it is in use */
	close(spare);
	few = (struct rlimit){(rlim_t)spare, old.rlim_max};
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	CHECK(gr_sock_accept(l, &s) == -EMFILE);
	CHECK(gr_sock_accept(l, &s) == -EMFILE); /* the edge is long gone: it does not wait */
	CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
	CHECK(gr_sock_accept(l, &s) == 0);
	gr_sock_close(s);
	gr_sock_close(l);
	close(client);
}

/* ---- the runtime ends with descriptors open: it owns them ------------------------------------------ */

static int left_open[2];

static void leave_open(void *arg)
{
	(void)arg;
	CHECK(pipe2(left_open, O_CLOEXEC) == 0);
	adopt(left_open[0]);
}

static void closed_by_stop(void **state)
{
	struct sync_case c = {1, leave_open};
	void *case_state = &c;

	(void)state;
	run_case(&case_state);
	assert_int_equal(fcntl(left_open[0], F_GETFD), -1);
	assert_int_equal(fcntl(left_open[1], F_GETFD), FD_CLOEXEC);
	close(left_open[1]);
}

static void close_it(void *arg)
{
	gr_sock_close(arg);
	CHECK(false); /* the one reference is never given back */
}

static void leave_closing(void *arg)
{
	gr_sock *s;

	(void)arg;
	CHECK(pipe2(left_open, O_CLOEXEC) == 0);
	s = adopt(left_open[0]);
	CHECK(gr__np_ref(s));
	gr_go(close_it, s);
	gr_sleep_ns(5 * MS);
	CHECK(fcntl(left_open[0], F_GETFD) != -1);
}

/* A close that still waited for a call when the runtime ended. */
static void closed_by_stop_in_the_middle(void **state)
{
	struct sync_case c = {1, leave_closing};
	void *case_state = &c;

	(void)state;
	run_case(&case_state);
	assert_int_equal(fcntl(left_open[0], F_GETFD), -1);
	close(left_open[1]);
}

/* ---- a poller there is, with as many threads as are allowed ---------------------------------------- */

struct turns {
	int fds[2];
	_Atomic int asked, given;
};

/* A thread that is no M: nobody but the poller brings its bytes to a G. */
static void *give_turns(void *arg)
{
	struct turns *t = arg;
	int asked;

	for (int given = 0; (asked = atomic_load(&t->asked)) >= 0;) {
		if (asked == given) {
			usleep(100);
			continue;
		}
		usleep(2000); /* until all are asleep */
		atomic_store(&t->given, ++given);
		if (write(t->fds[1], "x", 1) != 1)
			abort();
	}
	return NULL;
}

/* Computes for as long as sysmon takes to poll in its place, give or take, and then waits for I/O. */
static void wait_after_computing(void *arg)
{
	struct turns *t = arg;
	gr_sock *s = adopt(t->fds[0]);
	struct blocked b = {0}; /* waits for I/O all the time: a reason for sysmon to poll */
	int fds[2];
	char c;

	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	b.s = adopt(fds[0]);
	gr_wg_add(&b.done, 1);
	gr_go(blocked_read, &b);
	for (int i = 1; i <= TIMES(100); i++) {
		int64_t until = gr__now_ns() + (int64_t)MS + i % 20 * 50000;

		while (gr__now_ns() < until)
			;
		atomic_store(&t->asked, i);
		CHECK(gr_sock_read(s, &c, 1) == 1);
		CHECK(atomic_load(&t->given) == i);
	}
	gr_sock_close(b.s);
	gr_wg_wait(&b.done);
	close(fds[1]);
	gr_sock_close(s);
	atomic_store(&t->asked, -1);
}

static void poller_is_never_missing(void **state)
{
	const struct gr_config config = {.procs = 1, .max_ms = 1};
	struct turns t = {.asked = 0};
	pthread_t giver;

	(void)state;
	atomic_store(&sync_failures, 0);
	assert_int_equal(pipe2(t.fds, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&giver, NULL, give_turns, &t), 0);
	assert_int_equal(gr_start(&config), 0);
	gr_run(wait_after_computing, &t);
	gr_stop();
	pthread_join(giver, NULL);
	close(t.fds[1]);
	assert_int_equal(atomic_load(&sync_failures), 0);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		ON_1_AND_2(echo_64),
		ON_1_AND_2(large_write),
		ON_1_AND_2(half_close),
		ON_1_AND_2(end_together_with_data),
		ON_1_AND_2(reset_by_peer),
		ON_1_AND_2(shutdown_wakes),
		ON_1_AND_2(close_wakes),
		ON_1_AND_2(close_wakes_all_acceptors),
		ON_1_AND_2(several_acceptors),
		ON_1_AND_2(numbers_again),
		ON_1_AND_2(pipe_threads),
		ON_1_AND_2(datagrams),
		ON_1_AND_2(refusals),
		ON(1, out_of_descriptors),
		cmocka_unit_test(closed_by_stop),
		cmocka_unit_test(closed_by_stop_in_the_middle),
		cmocka_unit_test(poller_is_never_missing),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
