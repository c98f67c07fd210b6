/*
 * test_call.c - calls that block: made by the pool's threads while the loop goes on, told in the loop's thread, as many
 * at one time as there are threads; with io_uring for files and without.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "models/eventloop/ev.h"

enum { N_CALLS = 20 };

static struct ev_loop *loop;
static pthread_t loop_thread;

struct blocker {
	struct ev_call call;
	bool was_elsewhere; /* work ran in another thread than the loop's */
	unsigned done;
};

static struct blocker blockers[N_CALLS];
static _Atomic int now_blocked, most_blocked;
static unsigned n_done, n_to_do;

static void open_loop(const char *knobs)
{
	int rc = ev_start(knobs, &loop);

	if (rc == -ENOSYS || rc == -EPERM || rc == -ENOMEM) {
		print_message("skipped: \"%s\" is refused here: %s\n", knobs, strerror(-rc));
		skip();
	}
	assert_int_equal(rc, 0);
	loop_thread = pthread_self();
	memset(blockers, 0, sizeof blockers);
	now_blocked = most_blocked = 0;
	n_done = 0;
}

static void block(struct ev_call *c)
{
	struct blocker *b = EV_CONTAINER(c, struct blocker, call);
	int now = atomic_fetch_add(&now_blocked, 1) + 1, most = atomic_load(&most_blocked);

	while (now > most && !atomic_compare_exchange_weak(&most_blocked, &most, now))
		;
	b->was_elsewhere = !pthread_equal(pthread_self(), loop_thread);
	usleep(5000);
	atomic_fetch_sub(&now_blocked, 1);
}

static void is_over(struct ev_call *c)
{
	struct blocker *b = EV_CONTAINER(c, struct blocker, call);

	assert_true(pthread_equal(pthread_self(), loop_thread));
	b->done++;
	if (++n_done == n_to_do)
		ev_break(loop);
}

/* All are called, each once, and not more than `threads` at a time. */
static void call_all(const char *knobs, int threads)
{
	struct ev_settings s;

	open_loop(knobs);
	n_to_do = N_CALLS;
	for (int i = 0; i < N_CALLS; i++)
		assert_int_equal(ev_call_start(loop, &blockers[i].call, block, is_over), 0);
	assert_int_equal(n_done, 0); /* never from inside */
	assert_int_equal(ev_run(loop), 0);
	for (int i = 0; i < N_CALLS; i++) {
		assert_true(blockers[i].was_elsewhere);
		assert_int_equal(blockers[i].done, 1);
	}
	assert_in_range(most_blocked, threads > 1 ? 2 : 1, threads); /* all of them, unless the machine is busy */
	ev_settings_of(loop, &s);
	assert_int_equal(s.pool_threads, threads);
	ev_stop(loop);
}

static void test_calls_beside_a_ring(void **state)
{
	(void)state;
	call_all("file=io_uring", 4);
	call_all("file=io_uring,pool_threads=1", 1);
}

static void test_calls_in_the_files_pool(void **state)
{
	(void)state;
	call_all("file=pool,pool_threads=3", 3);
}

/* Started anew out of its own end, as the next request of a connection would be. */
static void again(struct ev_call *c)
{
	struct blocker *b = EV_CONTAINER(c, struct blocker, call);

	if (++b->done == 5)
		ev_break(loop);
	else
		assert_int_equal(ev_call_start(loop, c, block, again), 0);
}

static unsigned ticks;

static void tick(struct ev_timer *t)
{
	ticks++;
	ev_timer_start(loop, t, 500000, tick);
}

/* The loop turns while a call blocks: that is what it is for. */
static void test_the_loop_goes_on(void **state)
{
	(void)state;
	struct ev_timer timer = {0};

	open_loop("");
	ticks = 0;
	ev_timer_start(loop, &timer, 0, tick);
	assert_int_equal(ev_call_start(loop, &blockers[0].call, block, again), 0);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(blockers[0].done, 5);
	assert_true(ticks >= 10); /* 5 calls of 5 ms; a tick each half millisecond */
	ev_timer_stop(loop, &timer);
	ev_stop(loop);
}

static char buf[4];

static void was_read(struct ev_file *f, ssize_t result)
{
	(void)f;
	assert_int_equal(result, sizeof buf);
	if (++n_done == n_to_do)
		ev_break(loop);
}

/* A file call and a blocking call at one time, through one ring and one pool, or both through the pool. */
static void beside_a_file_call(const char *knobs)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	struct ev_file f;

	assert_true(fd >= 0);
	open_loop(knobs);
	n_to_do = 2;
	assert_int_equal(ev_call_start(loop, &blockers[0].call, block, is_over), 0);
	assert_int_equal(ev_file_read(loop, &f, fd, buf, sizeof buf, 0, was_read), 0);
	assert_int_equal(ev_run(loop), 0);
	assert_memory_equal(buf, "\177ELF", 4);
	assert_int_equal(blockers[0].done, 1);
	ev_stop(loop);
	close(fd);
}

static void test_beside_a_file_call(void **state)
{
	(void)state;
	beside_a_file_call("");
	beside_a_file_call("file=pool,pool_threads=1");
}

/* A call that is being made is waited for by ev_stop, and nobody is called back. */
static void test_stop_in_flight(void **state)
{
	(void)state;
	open_loop("pool_threads=1");
	n_to_do = 1;
	assert_int_equal(ev_call_start(loop, &blockers[0].call, block, is_over), 0);
	assert_int_equal(ev_call_start(loop, &blockers[1].call, block, again), 0);
	assert_int_equal(ev_run(loop), 0); /* ends with the first; the second is in its thread, or on its way */
	ev_stop(loop);
	assert_int_equal(now_blocked, 0);
	assert_int_equal(blockers[1].done, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_beside_a_ring), cmocka_unit_test(test_calls_in_the_files_pool),
		cmocka_unit_test(test_the_loop_goes_on),    cmocka_unit_test(test_beside_a_file_call),
		cmocka_unit_test(test_stop_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
