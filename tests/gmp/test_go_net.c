/*
 * The netpoller and descriptors, paired with Go's tests of os, internal/poll and the runtime's poller. What the names
 * mean, and what has no pair: go_test.h.
 */
#include "go_test.h"

static gr_sock *adopt(int fd)
{
	gr_sock *s = NULL;

	CHECK(gr_sock_adopt(fd, &s) == 0);
	return s;
}

/* ---- os.TestPipeThreads --------------------------------------------------------------------------------------- */

enum { PIPES = 100 };

struct pipes {
	int fds[PIPES][2];
	gr_wg done;
	_Atomic int reading;
	struct gr_stats while_blocked;
};

struct pipe_reader {
	struct pipes *p;
	int i;
};

static void read_pipe(void *arg)
{
	struct pipe_reader *r = arg;
	gr_sock *s = adopt(r->p->fds[r->i][0]);
	char byte;

	atomic_fetch_add(&r->p->reading, 1);
	CHECK(gr_sock_read(s, &byte, 1) == 1 && byte == (char)r->i);
	CHECK(gr_sock_read(s, &byte, 1) == 0);
	gr_sock_close(s);
	gr_wg_done(&r->p->done);
}

/* Catches: a read of a pipe that blocks a thread: then there are as many threads as readers. */
static void go_TestPipeThreads(void *arg)
{
	struct pipes *p = calloc(1, sizeof(*p));
	struct pipe_reader *readers = calloc(PIPES, sizeof(*readers));

	(void)arg;
	gr_wg_add(&p->done, PIPES);
	for (int i = 0; i < PIPES; i++) {
		CHECK(pipe(p->fds[i]) == 0);
		readers[i] = (struct pipe_reader){p, i};
		spawn(read_pipe, &readers[i]);
	}
	await_int(&p->reading, PIPES);
	gr_sleep_ns(20 * MS); /* a thread that is missing would have been made by now */
	gr_stats_read(&p->while_blocked);
	CHECK(p->while_blocked.m_created - p->while_blocked.m_reaped <= PIPES / 2);
	for (int i = 0; i < PIPES; i++) {
		CHECK(write(p->fds[i][1], &(char){(char)i}, 1) == 1);
		close(p->fds[i][1]);
	}
	gr_wg_wait(&p->done);
	free(readers);
	free(p);
}

/* ---- os: TestClosedPipeRaceRead, TestClosedPipeRaceWrite ----------------------------------------------------------- */

struct closing {
	gr_sock *s;
	gr_chan *entered;
	gr_wg done;
	ssize_t result;
};

static void read_until_closed(void *arg)
{
	struct closing *c = arg;
	char byte;

	send_int(c->entered, 1);
	c->result = gr_sock_read(c->s, &byte, 1);
	gr_wg_done(&c->done);
}

static void write_until_closed(void *arg)
{
	static char much[1 << 20];
	struct closing *c = arg;

	send_int(c->entered, 1);
	c->result = gr_sock_write(c->s, much, sizeof(much));
	gr_wg_done(&c->done);
}

static void close_under(void (*fn)(void *), int side, bool shuts_down)
{
	struct closing c = {.entered = chan_of_ints(1)};
	int fds[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	c.s = adopt(fds[side]);
	gr_wg_add(&c.done, 1);
	CHECK(gr_go_named("victim", fn, &c) == 0);
	CHECK(recv_int(c.entered) == 1);
	await_blocked("victim"); /* a close must not come before the call has begun */
	if (shuts_down)
		gr_sock_shutdown(c.s);
	else
		gr_sock_close(c.s);
	gr_wg_wait(&c.done);
	if (shuts_down)
		gr_sock_close(c.s);
	CHECK(shuts_down ? c.result <= 0 : c.result == -ECANCELED);
	close(fds[!side]);
	gr_chan_free(c.entered);
}

/* Catches: a close that does not wake who is blocked (hangs), or is not told to them. */
static void go_TestClosedPipeRaceRead(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++)
		close_under(read_until_closed, i % 2, false);
}

static void go_TestClosedPipeRaceWrite(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++)
		close_under(write_until_closed, i % 2, false);
}

/* ---- internal/poll: TestMutexCloseUnblock, TestMutexStress ------------------------------------------------------------ */

/* Catches: a shutdown that wakes only one of a descriptor's two sides (hangs). */
static void go_TestMutexCloseUnblock(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++) {
		close_under(read_until_closed, 0, true);
		close_under(write_until_closed, 0, true);
	}
}

struct duplex {
	gr_sock *s;
	int messages;
	gr_wg done;
};

static void write_numbers(void *arg)
{
	struct duplex *d = arg;

	for (int i = 0; i < d->messages; i++)
		CHECK(gr_sock_write(d->s, &i, sizeof(i)) == sizeof(i));
	gr_wg_done(&d->done);
}

static void read_numbers(void *arg)
{
	struct duplex *d = arg;

	for (int i = 0; i < d->messages; i++) {
		size_t have = 0;
		int v = -1;

		while (have < sizeof(v)) {
			ssize_t n = gr_sock_read(d->s, (char *)&v + have, sizeof(v) - have);

			CHECK(n > 0);
			if (n <= 0)
				break;
			have += (size_t)n;
		}
		CHECK(v == i);
	}
	gr_wg_done(&d->done);
}

/* Catches: a reader and a writer of one descriptor that take each other's events (hangs) or bytes. */
static void go_TestMutexStress(void *arg)
{
	struct duplex ends[2];
	int fds[2];

	(void)arg;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	for (int i = 0; i < 2; i++)
		ends[i] = (struct duplex){adopt(fds[i]), TIMES(5000), {0}};
	for (int i = 0; i < 2; i++) {
		gr_wg_add(&ends[i].done, 2);
		spawn(write_numbers, &ends[i]);
		spawn(read_numbers, &ends[i]);
	}
	for (int i = 0; i < 2; i++)
		gr_wg_wait(&ends[i].done);
	for (int i = 0; i < 2; i++)
		gr_sock_close(ends[i].s);
}

/* ---- TestNetpollBreak: work for a runtime of which one thread is in the poller for good -------------------------------- */

static int break_fds[2];

static void read_for_good(void *arg)
{
	gr_sock *s = adopt(break_fds[0]);
	char byte;

	(void)arg;
	gr_sock_read(s, &byte, 1);
}

static void sleep_for_an_hour(void *arg)
{
	(void)arg;
	gr_sleep_ns(3600 * 1000 * MS);
}

static void start_waiters(void *arg)
{
	(void)arg;
	spawn(read_for_good, NULL);
	spawn(sleep_for_an_hour, NULL);
	let_others_run();
}

static void count_and_nap(void *arg)
{
	atomic_fetch_add((_Atomic int *)arg, 1);
	gr_sleep_ns(MS / 10); /* earlier than anything that the poller knows of */
	atomic_fetch_add((_Atomic int *)arg, 1);
}

/*
 * Catches: a poller that is not told of a G from outside, or of a timer that is earlier than the one for which it waits
 * (hangs, an hour long).
 */
static void go_TestNetpollBreak(void **state)
{
	for (unsigned procs = 1; procs <= 4; procs *= 2) {
		const struct gr_config config = {.procs = procs};
		_Atomic int n = 0;

		(void)state;
		atomic_store(&sync_failures, 0);
		assert_int_equal(pipe(break_fds), 0);
		assert_int_equal(gr_start(&config), 0);
		gr_run(start_waiters, NULL);
		for (int i = 0; i < 50; i++) {
			const struct timespec pause = {0, i % 3 * 500000};

			nanosleep(&pause, NULL);
			gr_run(count_and_nap, &n);
		}
		gr_stop(); /* closes the adopted end */
		close(break_fds[1]);
		assert_int_equal(atomic_load(&n), 100);
		assert_int_equal(atomic_load(&sync_failures), 0);
	}
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		EACH(go_TestPipeThreads),
		EACH(go_TestClosedPipeRaceRead),
		EACH(go_TestClosedPipeRaceWrite),
		EACH(go_TestMutexCloseUnblock),
		EACH(go_TestMutexStress),
		cmocka_unit_test(go_TestNetpollBreak),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/go_net", tests, NULL, NULL);
}
