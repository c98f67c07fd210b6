/*
 * test_file.c - calls on files when the kernel refuses io_uring, or what goes through it, or interrupts: what is read is
 * right, what is written is there, and the sample's knob tells the truth.
 *
 * Reads and writes go through io_uring when they are known to wait: with O_DIRECT, and somebody who always wants their P.
 */
#include "fault_test.h"

#include <fcntl.h>

enum {
	FILES_GS = 12,
	OPS_EACH = GR_ASAN || GR_TSAN ? 24 : 60,
	BLOCK = 4096,
};

static struct {
	int fd; /* with O_DIRECT */
	bool arm_inside;
	enum inject_kind kind;
	enum inject_when when;
	uint32_t n;
	int err;
	struct certificate certificate;
	_Atomic bool stop;
	gr_wg keeper;
} work;

/* ---- the work: each G writes its own blocks and reads them back ------------------------------------------------- */

static void write_and_read(void *arg)
{
	const uintptr_t first = (uintptr_t)arg * OPS_EACH;
	unsigned char *buf = aligned_alloc(BLOCK, BLOCK);

	for (uintptr_t b = first; buf && b < first + OPS_EACH; b++) {
		memset(buf, (int)b + 1, BLOCK);
		CHECK(gr_pwrite(work.fd, buf, BLOCK, (off_t)b * BLOCK) == BLOCK);
		memset(buf, 0, BLOCK);
		CHECK(gr_pread(work.fd, buf, BLOCK, (off_t)b * BLOCK) == BLOCK);
		CHECK(buf[0] == (unsigned char)(b + 1) && buf[BLOCK - 1] == (unsigned char)(b + 1));
	}
	CHECK(gr_fsync(work.fd) == 0);
	free(buf);
	keep_promise(&work.certificate, (uintptr_t)arg + 1);
}

static void want_the_p(void *arg)
{
	(void)arg;
	while (!atomic_load(&work.stop))
		gr_yield();
	gr_wg_done(&work.keeper);
}

static void do_work(void *arg)
{
	(void)arg;
	gr_wg_add(&work.keeper, 1);
	CHECK(gr_go(want_the_p, NULL) == 0);
	if (work.arm_inside)
		inject_arm(work.kind, work.when, work.n, work.err);
	for (uintptr_t i = 0; i < FILES_GS; i++)
		CHECK(promise(&work.certificate, i + 1, write_and_read, (void *)i) == 0);
	check_certificate(&work.certificate);
	atomic_store(&work.stop, true);
	gr_wg_wait(&work.keeper);
	inject_disarm();
}

/* A file with O_DIRECT, or without where there is no such thing. */
static int new_file(void)
{
	char name[] = TEST_BINARY_DIR "/gr_test_fault_XXXXXX";
	int fd = mkstemp(name), direct = open(name, O_RDWR | O_DIRECT | O_CLOEXEC);

	assert_true(fd >= 0);
	unlink(name);
	if (direct < 0)
		return fd;
	close(fd);
	return direct;
}

static void knob_of_files(char out[32])
{
	const char *names[32];
	char values[32][32];
	size_t n = gr_knobs(names, values, 32);

	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], "files"))
			strcpy(out, values[i]);
}

/* One run of the work; with what the knob said. Returns how many calls failed. */
static uint32_t trial(unsigned procs, bool inside, enum inject_kind kind, enum inject_when when, uint32_t n, int err,
		      char knob[32])
{
	const struct gr_config config = {.procs = procs};
	struct inject_alive before;

	snprintf(trying, sizeof(trying), "%s, %u Ps, when %d, n %u, errno %d\n", inject_name(kind), procs, when, n,
		 err);
	memset(&work, 0, sizeof(work));
	work.kind = kind;
	work.when = when;
	work.n = n;
	work.err = err;
	work.arm_inside = inside;
	work.fd = new_file();
	inject_alive_read(&before);
	if (!inside)
		inject_arm(kind, when, n, err);
	assert_int_equal(gr_start(&config), 0);
	knob_of_files(knob);
	gr_run(do_work, NULL);
	inject_disarm();
	gr_stop();
	if (errors)
		fail_msg("%s", trying);
	if (!inject_alive_same(&before))
		fail_msg("%sthings are left", trying);
	close(work.fd);
	return inject_failed();
}

/* ---- cases ----------------------------------------------------------------------------------------------------- */

static bool is_uring_here(void)
{
	char knob[32];

	trial(1, false, INJECT_URING_SETUP, INJECT_ONCE, 1000000, 0, knob);
	return strcmp(knob, "uring") == 0;
}

/* Refused at the start: with threads then, and the knob says why. */
static void refused_at_start(void **state)
{
	static const struct {
		int err;
		const char *knob;
	} all[] = {
		{EPERM, "threads (no io_uring: EPERM)"},   {ENOSYS, "threads (no io_uring: ENOSYS)"},
		{ENOMEM, "threads (no io_uring: ENOMEM)"}, {EMFILE, "threads (no io_uring: EMFILE)"},
		{EINVAL, "threads (no io_uring: EINVAL)"},
	};
	char knob[32];

	(void)state;
	if (!is_uring_here())
		skip();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_int_equal(trial(2, false, INJECT_URING_SETUP, INJECT_FROM, 1, all[i].err, knob), 1);
		assert_string_equal(knob, all[i].knob);
	}
	assert_int_equal(trial(1, false, INJECT_URING_PROBE, INJECT_FROM, 1, 0, knob), 1);
	assert_string_equal(knob, "threads (no io_uring: ENOMEM)");
	/* The first registration is the netpoller's own. */
	assert_int_equal(trial(1, false, INJECT_EPOLL_CTL, INJECT_ONCE, 2, ENOSPC, knob), 1);
	assert_string_equal(knob, "threads (no io_uring: ENOSPC)");
}

/* The second P gets no ring of its own. */
static void one_ring_for_all(void **state)
{
	char knob[32];
	uint32_t failed = 0;

	(void)state;
	if (!is_uring_here())
		skip();
	for (int i = 0; i < 20 && !failed; i++)
		failed += trial(2, false, INJECT_URING_SETUP, INJECT_FROM, 2, EMFILE, knob);
	assert_string_equal(knob, "uring");
	assert_true(failed); /* both Ps have had something to wait for, once in twenty times */
}

/* Submissions are refused now and then: nothing is lost. */
static void submissions_are_refused(void **state)
{
	static const int errnos[] = {EAGAIN, EBUSY, ENOMEM, EINTR};
	uint32_t failed = 0;
	char knob[32];

	(void)state;
	if (!is_uring_here())
		skip();
	for (unsigned procs = 1; procs <= 2; procs++) {
		for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++) {
			failed +=
				trial(procs, true, INJECT_URING_SUBMIT, INJECT_ONCE, 1 + (uint32_t)i, errnos[i], knob);
			failed += trial(procs, true, INJECT_URING_SUBMIT, INJECT_EVERY, 2, errnos[i], knob);
		}
	}
	assert_true(failed);
}

/* Completions that say "not now", or that less was done than was asked for. */
static void results_are_refused(void **state)
{
	static const int errnos[] = {ECANCELED, EAGAIN, EINTR, EOPNOTSUPP, 0};
	char knob[32];

	(void)state;
	if (!is_uring_here())
		skip();
	for (unsigned procs = 1; procs <= 2; procs++) {
		for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++) {
			uint32_t failed = 0;

			for (int k = 0; k < 20 && !failed; k++)
				failed = trial(procs, true, INJECT_URING_RESULT, INJECT_EVERY, 3, errnos[i], knob);
			assert_true(failed);
		}
	}
}

/* What a blocking call or a probe answers. */
static void calls_are_interrupted(void **state)
{
	static const struct {
		enum inject_kind kind;
		int err;
	} all[] = {
		{INJECT_PREAD, EINTR},        {INJECT_PWRITE, EINTR},  {INJECT_FSYNC, EINTR},
		{INJECT_PREADV2, EOPNOTSUPP}, {INJECT_PREADV2, EINTR}, {INJECT_LSEEK, ESPIPE},
	};
	char knob[32];

	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++)
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			trial(procs, true, all[i].kind, INJECT_EVERY, 2, all[i].err, knob);
}

static void open_and_close(void *arg)
{
	int fd;

	(void)arg;
	inject_arm(INJECT_OPEN, INJECT_ONCE, 1, EINTR);
	fd = gr_open("/dev/null", O_RDWR | O_CLOEXEC, 0);
	CHECK(inject_disarm() == 1);
	CHECK(fd >= 0);
	inject_arm(INJECT_CLOSE, INJECT_ONCE, 1, EINTR);
	CHECK(gr_close(fd) == 0); /* it is closed */
	CHECK(inject_disarm() == 1);
	CHECK(gr_close(fd) == -EBADF);
	inject_arm(INJECT_OPEN, INJECT_ONCE, 1, EMFILE);
	CHECK(gr_open("/dev/null", O_RDWR | O_CLOEXEC, 0) == -EMFILE);
	CHECK(inject_disarm() == 1);
	fd = gr_open("/dev/null", O_RDWR | O_CLOEXEC, 0);
	inject_arm(INJECT_CLOSE, INJECT_ONCE, 1, EIO);
	CHECK(gr_close(fd) == -EIO);
	CHECK(inject_disarm() == 1);
}

static void opening_is_interrupted(void **state)
{
	const struct gr_config config = {.procs = 1};

	(void)state;
	assert_int_equal(gr_start(&config), 0);
	gr_run(open_and_close, NULL);
	gr_stop();
	assert_int_equal(errors, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_at_start),        cmocka_unit_test(one_ring_for_all),
		cmocka_unit_test(submissions_are_refused), cmocka_unit_test(results_are_refused),
		cmocka_unit_test(calls_are_interrupted),   cmocka_unit_test(opening_is_interrupted),
	};

	fault_test_begin();
	return cmocka_run_group_tests_name("fault/file", tests, NULL, NULL);
}
