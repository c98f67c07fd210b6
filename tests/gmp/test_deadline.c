/*
 * What deadlines of descriptors promise beyond what is paired with Go in test_go_deadline.c: the letter of gr.h, and the
 * races that deadline.c's head writes down.
 */
#include "net_test.h"

#include <fcntl.h>

#include "netpoll.h"

static void make_pipe(gr_sock **from, int *to)
{
	int fds[2];

	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	*from = adopt(fds[0]);
	*to = fds[1];
}

static void end_pipe(gr_sock *from, int to)
{
	gr_sock_close(from);
	close(to);
}

/* ---- the letter --------------------------------------------------------------------------------------------- */

/* A deadline that has passed ends calls that need not wait too, and takes nothing away. */
static void over_is_over(void *arg)
{
	struct sockaddr_in addr;
	gr_sock *s, *l, *conn = NULL;
	char buf[8];
	int to, client;

	(void)arg;
	make_pipe(&s, &to);
	CHECK(write(to, "abc", 3) == 3);
	CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, 0) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(gr_sock_read(s, buf, sizeof(buf)) == -ETIMEDOUT);
	CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, UINT64_MAX) == 0);
	CHECK(gr_sock_read(s, buf, sizeof(buf)) == 3 && !memcmp(buf, "abc", 3));
	end_pipe(s, to);

	l = listen_on_loopback(&addr);
	client = connect_plain(&addr);
	CHECK(gr_sock_set_deadline(l, GR_SOCK_BOTH, 0) == 0);
	CHECK(gr_sock_accept(l, &conn) == -ETIMEDOUT && conn == NULL);
	CHECK(gr_sock_set_deadline(l, GR_SOCK_BOTH, 3600 * 1000 * MS) == 0);
	CHECK(gr_sock_accept(l, &conn) == 0);
	CHECK(gr_sock_set_deadline(conn, GR_SOCK_WRITE, 0) == 0);
	CHECK(gr_sock_write(conn, "x", 1) == -ETIMEDOUT);
	CHECK(gr_sock_write_some(conn, "x", 1) == -ETIMEDOUT);
	CHECK(gr_sock_sendto(conn, "x", 1, 0, NULL, 0) == -ETIMEDOUT);
	CHECK(gr_sock_recvfrom(conn, buf, 1, MSG_DONTWAIT, NULL, NULL) == -EAGAIN); /* the other direction has none */
	CHECK(gr_sock_set_deadline(conn, GR_SOCK_READ, 0) == 0);
	CHECK(gr_sock_recvfrom(conn, buf, 1, MSG_DONTWAIT, NULL, NULL) == -ETIMEDOUT);
	CHECK(gr_sock_set_deadline(conn, GR_SOCK_BOTH, UINT64_MAX) == 0);
	CHECK(gr_sock_write(conn, "x", 1) == 1);
	gr_sock_close(conn);
	gr_sock_close(l);
	close(client);
}

/* Put off while the call waits: the timer comes at the old time, and must not end it then. */
static void put_off(void *arg)
{
	struct call read = {0};
	gr_sock *s;
	int64_t before, begin;
	int to;

	(void)arg;
	make_pipe(&s, &to);
	before = clock_ns();
	CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, 20 * MS) == 0);
	begin_call(&read, call_read, s);
	gr_yield();
	begin = clock_ns();
	CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, 60 * MS) == 0);
	CHECK(end_call(&read) == -ETIMEDOUT);
	/* Unless the first one had passed before the second was set, on a very slow machine. */
	CHECK(clock_ns() - begin >= 60 * (int64_t)MS || begin - before >= 20 * (int64_t)MS);
	end_pipe(s, to);
}

/* All that wait in line. */
static void ends_all_in_line(void *arg)
{
	enum { CALLS = 4 };
	struct call calls[CALLS];
	struct sockaddr_in addr;
	gr_sock *l = listen_on_loopback(&addr);

	(void)arg;
	memset(calls, 0, sizeof(calls));
	for (int i = 0; i < CALLS; i++)
		begin_call(&calls[i], call_accept, l);
	while (dumped("call", "[I/O") < 1 || dumped("call", "[sema") < CALLS - 1)
		gr_sleep_ns(MS / 10);
	CHECK(gr_sock_set_deadline(l, GR_SOCK_READ, 2 * MS) == 0);
	for (int i = 0; i < CALLS; i++)
		CHECK(end_call(&calls[i]) == -ETIMEDOUT);
	gr_sock_close(l);
}

/* The next user of a number has no deadline: not one that has passed, and not one that is still to come. */
static void numbers_again(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES(400); i++) {
		gr_sock *s;
		char c = 0;
		int to;

		make_pipe(&s, &to);
		CHECK(write(to, "x", 1) == 1);
		CHECK(gr_sock_read(s, &c, 1) == 1 && c == 'x');
		CHECK(gr_sock_set_deadline(s, GR_SOCK_BOTH, (uint64_t)(i % 50) * 1000) == 0);
		if (i % 3 == 0)
			gr_yield();
		end_pipe(s, to);
	}
}

/* A deadline on what is being closed: told, and nothing is armed. */
static void close_it(void *arg)
{
	gr_sock_close(arg);
}

static void set_while_closing(void *arg)
{
	gr_sock *s;
	int to;

	(void)arg;
	make_pipe(&s, &to);
	CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, 3600 * 1000 * MS) == 0);
	CHECK(gr__np_ref(s)); /* the close waits for this */
	CHECK(gr_go_named("closer", close_it, s) == 0);
	await_blocked("closer");
	CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, MS) == -ECANCELED);
	CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, UINT64_MAX) == -ECANCELED);
	gr__np_unref(s);
	await_gs(1);
	CHECK(gr__timers_earliest() == INT64_MAX);
	close(to);
}

/* ---- the races ---------------------------------------------------------------------------------------------- */

/*
 * Deadlines so near that they pass while they are being taken back. Afterwards there is none, whatever `fire` was about to
 * do; and after one that is set, it passes, whatever the one before has left.
 */
static void near_deadlines(void *arg)
{
	gr_sock *s;
	char c;
	int to;

	(void)arg;
	make_pipe(&s, &to);
	for (int i = 0; i < TIMES(6000); i++) {
		CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, 1 + (uint64_t)(i % 40) * 100) == 0);
		compute((unsigned)(i * 7 % 1500));
		if (i % 4 == 0)
			gr_yield();
		CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, i % 2 ? UINT64_MAX : 3600 * 1000 * MS) == 0);
		compute((unsigned)(i * 3 % 700));
		CHECK(write(to, "x", 1) == 1);
		CHECK(gr_sock_read(s, &c, 1) == 1);
		if (i % 8 == 0) {
			/* Directly over one that has passed, or is just passing. */
			CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, (uint64_t)(i % 3)) == 0);
			CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, 1 + (uint64_t)(i % 16) * 200) == 0);
			CHECK(gr_sock_read(s, &c, 1) == -ETIMEDOUT);
		}
	}
	end_pipe(s, to);
}

struct turns {
	gr_sock *s;
	int to, n;
	_Atomic int asked;
	gr_wg done;
};

static void answer_when_asked(void *arg)
{
	struct turns *t = arg;

	for (int i = 0; i < t->n; i++) {
		while (atomic_load(&t->asked) <= i)
			gr_yield();
		compute((unsigned)(i * 13 % 3000));
		CHECK(write(t->to, &(char){(char)i}, 1) == 1);
	}
	gr_wg_done(&t->done);
}

/* Data and deadline arrive together: either is told, neither is lost. */
static void data_beside_deadline(void *arg)
{
	struct turns t = {.n = TIMES(4000)};
	int timed_out = 0;

	(void)arg;
	make_pipe(&t.s, &t.to);
	gr_wg_add(&t.done, 1);
	spawn(answer_when_asked, &t);
	for (int i = 0; i < t.n; i++) {
		uint64_t more_ns = 0; /* where a call takes longer than the deadline, none would ever be made */
		char c = 0;
		ssize_t r;

		atomic_store(&t.asked, i + 1);
		do {
			CHECK(gr_sock_set_deadline(t.s, GR_SOCK_READ, 200 + (uint64_t)(i % 30) * 200 + more_ns) == 0);
			more_ns += 500;
			r = gr_sock_read(t.s, &c, 1);
			timed_out += r == -ETIMEDOUT;
		} while (r == -ETIMEDOUT);
		CHECK(r == 1 && c == (char)i);
	}
	gr_wg_wait(&t.done);
	CHECK(timed_out > 0);
	end_pipe(t.s, t.to);
}

/* The timers move with the heaps of Ps that are taken away. */
static void deadlines_move_with_ps(void *arg)
{
	enum { PIPES = 8 };
	struct call reads[PIPES];
	int to[PIPES];

	(void)arg;
	memset(reads, 0, sizeof(reads));
	for (int i = 0; i < PIPES; i++) {
		gr_sock *s;

		make_pipe(&s, &to[i]);
		CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, (10 + (uint64_t)i) * MS) == 0);
		begin_call(&reads[i], call_read, s);
		gr_yield();
		CHECK(gr_set_procs(i % 2 ? 1 : 4) == 0);
		CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, (8 + (uint64_t)i) * MS) == 0);
	}
	for (int i = 0; i < PIPES; i++) {
		CHECK(end_call(&reads[i]) == -ETIMEDOUT);
		end_pipe(reads[i].s, to[i]);
	}
}

/* ---- the end of the runtime --------------------------------------------------------------------------------- */

static int left_open;

static gr_sock *left;

static void read_left(void *arg)
{
	(void)arg;
	gr_sock_read(left, &(char){0}, 1);
}

static void leave_with_deadline(void *arg)
{
	(void)arg;
	make_pipe(&left, &left_open);
	CHECK(gr_sock_set_deadline(left, GR_SOCK_BOTH, 5 * MS) == 0);
	spawn(read_left, NULL); /* is dropped, waiting */
	let_others_run();
}

static void deadlines_end_with_the_runtime(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++) {
		struct sync_case c = {procs, leave_with_deadline}, after = {procs, over_is_over};
		void *first = &c, *second = &after;

		run_case(&first);
		close(left_open);
		run_case(&second);
	}
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		EACH(over_is_over),
		EACH(put_off),
		EACH(ends_all_in_line),
		EACH(numbers_again),
		EACH(set_while_closing),
		EACH(near_deadlines),
		EACH(data_beside_deadline),
		EACH(deadlines_move_with_ps),
		cmocka_unit_test(deadlines_end_with_the_runtime),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/deadline", tests, NULL, NULL);
}
