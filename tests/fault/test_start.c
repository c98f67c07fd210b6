/*
 * test_start.c - gr_start when the n-th thing that it asks for is refused: an error that gr.h names, or a runtime that
 * works; nothing is left behind in either case, and the next gr_start works.
 */
#include "fault_test.h"

#include <malloc.h>

enum { MAX_N = 200 }; /* more than a start makes of any kind of call: the end of a loop that would not end */

struct fault {
	enum inject_kind kind;
	int err;
	int result; /* what gr_start may return instead of 0; 0: it has to do without, always */
};

/* Each is asked for by every start. Those without a result stay armed until the runtime has stopped. */
static const struct fault faults[] = {
	{INJECT_CALLOC, ENOMEM, -ENOMEM},    {INJECT_ALIGNED_ALLOC, ENOMEM, -ENOMEM}, {INJECT_SIGACTION, EPERM, -EPERM},
	{INJECT_THREAD, EAGAIN, -EAGAIN},    {INJECT_EPOLL_CREATE, EMFILE, -EMFILE},  {INJECT_EVENTFD, ENFILE, -ENFILE},
	{INJECT_EPOLL_CTL, ENOMEM, -ENOMEM}, {INJECT_MADVISE_GUARD, EINVAL, 0},       {INJECT_SIGALTSTACK, ENOMEM, 0},
	{INJECT_FOPEN, EMFILE, 0},
};

/* ---- the work that a runtime which has started must be able to do -------------------------------------------- */

enum { GS = 20 };

struct work {
	struct certificate certificate;
	gr_chan *c;
};

static void pass_on(void *arg)
{
	struct work *w = arg;
	uint64_t v = 0;

	gr_chan_recv(w->c, &v);
	gr_sleep_ns(1000);
	keep_promise(&w->certificate, v);
}

static void do_work(void *arg)
{
	struct work *w = arg;

	if (gr_chan_new(sizeof(uint64_t), 0, &w->c)) {
		CHECK(false);
		return;
	}
	for (uint64_t i = 1; i <= GS; i++)
		CHECK(promise(&w->certificate, i, pass_on, w) == 0);
	for (uint64_t i = 1; i <= GS; i++)
		gr_chan_send(w->c, &i);
	check_certificate(&w->certificate);
	gr_chan_free(w->c);
}

static void work_and_stop(void)
{
	struct work w;

	memset(&w, 0, sizeof(w));
	gr_run(do_work, &w);
	gr_stop();
	assert_int_equal(errors, 0);
	assert_int_equal(w.certificate.kept, GS * (GS + 1) / 2);
}

/* ---- cases ------------------------------------------------------------------------------------------------- */

/* Whether something failed. */
static bool start_fails_at(const struct fault *f, unsigned procs, enum inject_when when, uint32_t n, bool *refused)
{
	const struct gr_config config = {.procs = procs};
	struct inject_alive before;
	uint32_t failed;
	int err;

	snprintf(trying, sizeof(trying), "%s, %u Ps, when %d, n %u\n", inject_name(f->kind), procs, when, n);
	inject_alive_read(&before);
	inject_arm(f->kind, when, n, f->err);
	err = gr_start(&config);
	failed = f->result ? inject_disarm() : 0;
	if (err != 0 && err != f->result)
		fail_msg("%sgr_start: %d", trying, err);
	if (!err)
		work_and_stop();
	if (!f->result)
		failed = inject_disarm();
	if (err && !failed)
		fail_msg("%sgr_start: %d, and nothing had failed", trying, err);
	*refused |= err != 0;
	if (!inject_alive_same(&before))
		fail_msg("%sthings are left", trying);
	assert_int_equal(gr_start(&config), 0);
	work_and_stop();
	if (!inject_alive_same(&before))
		fail_msg("%sthings are left by the next one", trying);
	return failed;
}

static void sweep(const struct fault *f)
{
	bool refused = false;

	for (unsigned procs = 1; procs <= 2; procs++) {
		for (enum inject_when when = INJECT_ONCE; when <= INJECT_FROM; when++) {
			uint32_t n = 1;

			while (n < MAX_N && start_fails_at(f, procs, when, n, &refused))
				n++;
			assert_in_range(n, 2, MAX_N - 1); /* else nothing was tried; else there was no end */
		}
	}
	if (refused != (f->result != 0))
		fail_msg("%s: %s", inject_name(f->kind), refused ? "refused" : "never refused");
}

static void sweep_one(void **state)
{
	const struct fault *f = *state;

	if (GR_ASAN && f->kind == INJECT_SIGALTSTACK)
		skip(); /* it asks for one itself, and insists */
	sweep(f);
}

/* In KiB; all that is mapped, by whomever. */
static long virtual_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long pages = -1;

	if (f && fscanf(f, "%ld", &pages) != 1)
		pages = -1;
	if (f)
		fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* What the wrappers do not see (the libc's stacks, leaks of what was never counted): flat over many refused starts. */
static void address_space_is_flat(void **state)
{
	enum { ROUNDS = 3 };
	long size[ROUNDS];

	(void)state;
	if (GR_ASAN || GR_TSAN)
		skip(); /* they map for themselves */
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
			sweep(&faults[i]);
		size[round] = virtual_kib();
	}
	/* There are some hundred starts in a round: one lost page in each of the refused ones would be more. */
	if (size[ROUNDS - 1] - size[1] > 128)
		fail_msg("mapped: %ld, %ld, %ld KiB", size[0], size[1], size[2]);
}

/* With the settings left to the runtime: it reads the number of CPUs and the limits of cgroups. */
static void defaults_need_no_files(void **state)
{
	(void)state;
	for (uint32_t n = 1;; n++) {
		inject_arm(INJECT_FOPEN, INJECT_FROM, n, EMFILE);
		assert_int_equal(gr_start(NULL), 0);
		if (!inject_disarm())
			n = MAX_N;
		work_and_stop();
		if (n >= MAX_N)
			return;
	}
}

/* Without memory for timers: sleeping costs a thread, and works. */
static void sleeps_without_timers(void **state)
{
	(void)state;
	for (uint32_t n = 1; n < MAX_N; n++) {
		const struct gr_config config = {.procs = 2};
		int err;

		inject_arm(INJECT_ALIGNED_ALLOC, INJECT_EVERY, n, ENOMEM);
		err = gr_start(&config);
		assert_true(err == 0 || err == -ENOMEM);
		if (!err)
			work_and_stop(); /* armed: heaps cannot grow either */
		if (!inject_disarm())
			break;
	}
}

int main(void)
{
	struct CMUnitTest tests[sizeof(faults) / sizeof(faults[0]) + 3];
	size_t n = 0;

	mallopt(M_ARENA_MAX, 1); /* else the libc maps 64 MiB for a new thread's malloc, or not, as it comes */
	for (; n < sizeof(faults) / sizeof(faults[0]); n++) {
		tests[n] = (struct CMUnitTest){inject_name(faults[n].kind), sweep_one, NULL, NULL,
					       (void *)(uintptr_t)&faults[n]};
	}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(address_space_is_flat);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(defaults_need_no_files);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(sleeps_without_timers);
	fault_test_begin();
	return cmocka_run_group_tests_name("fault/start", tests, NULL, NULL);
}
