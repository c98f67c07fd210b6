/*
 * test_see.c - dumps and traces where the kernel refuses what they want: less is shown, nothing is called that may not be
 * called, and what cannot be written is told.
 */
#include "fault_test.h"

#include <fcntl.h>

enum { GS = 10, MANY = 200, SAID = 1 << 18 };

static char said[SAID];
static gr_chan *chan;
static int n_gs;
static volatile int after; /* written after a call that must not become a jump */

static void wait_named(void *arg)
{
	char c;

	(void)arg;
	gr_chan_recv(chan, &c);
	after = 1;
}

struct refused {
	enum inject_kind kind;
	int err;
};

/* A dump with that refused, into said. */
static void dump_into(const struct refused *r)
{
	int fds[2];
	ssize_t got;
	size_t n = 0;

	CHECK(pipe(fds) == 0);
	fcntl(fds[1], F_SETPIPE_SZ, SAID);
	inject_arm(r->kind, INJECT_FROM, 1, r->err);
	gr_dump(fds[1]);
	inject_disarm();
	close(fds[1]);
	while (n < sizeof(said) - 1 && (got = read(fds[0], said + n, sizeof(said) - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = '\0';
	close(fds[0]);
}

static void wait_and_dump(void *arg)
{
	if (gr_chan_new(1, 0, &chan)) {
		CHECK(false);
		return;
	}
	for (int i = 0; i < n_gs; i++)
		CHECK(gr_go_named("waiter", wait_named, NULL) == 0);
	for (int i = 0; i < n_gs + 10; i++)
		gr_yield();
	dump_into(arg);
	gr_chan_close(chan);
	while (gr_count() > 1)
		gr_yield();
	gr_chan_free(chan);
}

static size_t count(const char *text)
{
	size_t n = 0;

	for (const char *at = said; (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

static void dump_with(enum inject_kind kind, int err, int gs)
{
	const struct gr_config config = {.procs = 1};
	struct refused r = {kind, err};

	n_gs = gs;
	assert_int_equal(gr_start(&config), 0);
	gr_run(wait_and_dump, &r);
	gr_stop();
	assert_int_equal(errors, 0);
}

static void dump_shows_less(void **state)
{
	(void)state;
	/* Nothing refused: the calls are shown by name. */
	dump_with(INJECT_FOPEN, ENOENT, GS);
	assert_int_equal(count("(waiter) [chan receive"), GS);
	assert_int_equal(count("\tat wait_named+"), GS);
	assert_non_null(strstr(said, "10 goroutines wait to receive on channel"));
	/* No descriptor for the files that have the names. */
	dump_with(INJECT_OPEN, EMFILE, GS);
	assert_int_equal(count("(waiter) [chan receive"), GS);
	assert_int_equal(count("\tat wait_named+"), 0);
	assert_true(count("\tat 0x") > GS);
	/* What can be opened cannot be read. */
	dump_with(INJECT_READ, EIO, GS);
	assert_int_equal(count("(waiter) [chan receive"), GS);
	assert_true(count("\tat 0x") > GS);
	dump_with(INJECT_FSTAT, EIO, GS);
	assert_int_equal(count("(waiter) [chan receive"), GS);
	assert_true(count("\tat test-fault-see+0x") > GS);
	/* No memory: the spare one has room for 64. */
	dump_with(INJECT_MMAP, ENOMEM, MANY);
	assert_int_equal(count("(waiter) [chan receive") + count("(main) [running]"), 64);
	assert_non_null(strstr(said, "... and 137 more goroutines\n"));
	assert_non_null(strstr(said, " goroutines wait to receive on channel"));
	/* Nobody to tell. */
	dump_with(INJECT_WRITE, EIO, GS);
	assert_string_equal(said, "");
}

static void dump_allocates_nothing(void **state)
{
	static const enum inject_kind kinds[] = {INJECT_MALLOC, INJECT_CALLOC, INJECT_REALLOC, INJECT_ALIGNED_ALLOC};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		dump_with(kinds[i], ENOMEM, GS);
		assert_int_equal(inject_failed(), 0);
		assert_int_equal(count("\tat wait_named+"), GS);
	}
}

static void nothing(void *arg)
{
	(void)arg;
}

static void spawn_some(void *arg)
{
	(void)arg;
	for (int i = 0; i < GS; i++)
		CHECK(gr_go(nothing, NULL) == 0);
	while (gr_count() > 1)
		gr_yield();
}

static int traced(enum inject_kind kind, int err, bool from_the_start)
{
	const struct gr_config config = {.procs = 1};
	struct inject_alive before;
	int result;

	inject_alive_read(&before);
	assert_int_equal(gr_start(&config), 0);
	if (from_the_start)
		inject_arm(kind, INJECT_FROM, 1, err);
	result = gr_trace_start("/dev/null");
	if (!result) {
		gr_run(spawn_some, NULL);
		if (!from_the_start)
			inject_arm(kind, INJECT_FROM, 1, err);
		result = gr_trace_stop();
	}
	inject_disarm();
	assert_true(inject_failed() > 0);
	assert_int_equal(gr_trace_stop(), -EAGAIN);
	gr_run(spawn_some, NULL);
	gr_stop();
	assert_true(inject_alive_same(&before));
	assert_int_equal(errors, 0);
	return result;
}

static void trace_is_refused(void **state)
{
	(void)state;
	assert_int_equal(traced(INJECT_OPEN, EMFILE, true), -EMFILE);
	assert_int_equal(traced(INJECT_WRITE, ENOSPC, false), -ENOSPC);
	assert_int_equal(traced(INJECT_MMAP, ENOMEM, false), -ENOMEM); /* to put it in order */
	assert_int_equal(traced(INJECT_OPEN, EMFILE, false), 0); /* without the names of functions */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_shows_less),
		cmocka_unit_test(dump_allocates_nothing),
		cmocka_unit_test(trace_is_refused),
	};

	fault_test_begin();
	return cmocka_run_group_tests_name("fault/see", tests, NULL, NULL);
}
