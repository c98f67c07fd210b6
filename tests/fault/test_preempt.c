/*
 * test_preempt.c - preemption without what it needs: signals that are not sent, no memory for another alternate stack, an
 * alternate stack that is refused. A G that cannot be stopped computes on; nothing else suffers, and nothing is left.
 */
#include "fault_test.h"

#include "internal.h"
#include "preempt.h"

enum { OTHERS = 4, ROUNDS = 30 };

static _Atomic int turn;
static struct certificate certificate;

/* Until it is the turn of `mine`; but not for ever, for whose turn it is may have nobody who makes way. */
GR_PREEMPTIBLE static void wait_for_turn(int mine)
{
	for (volatile int i = 0; i < 3000000 && load_relaxed(&turn) != mine; i++)
		;
}

static void other(void *arg)
{
	int mine = (int)(uintptr_t)arg;

	for (int i = 0; i < ROUNDS / OTHERS; i++) {
		wait_for_turn(mine);
		store_relaxed(&turn, (mine + 1) % OTHERS);
	}
	keep_promise(&certificate, (uint64_t)mine + 1);
}

struct trial {
	enum inject_kind kind;
	enum inject_when when;
	uint32_t n;
	int err;
};

static void take_turns(void *arg)
{
	const struct trial *t = arg;

	memset(&certificate, 0, sizeof(certificate));
	store_relaxed(&turn, 0);
	for (uintptr_t i = 0; i < OTHERS; i++)
		CHECK(promise(&certificate, i + 1, other, (void *)i) == 0);
	inject_arm(t->kind, t->when, t->n, t->err);
	check_certificate(&certificate);
}

/* True if something failed. */
static bool try_one(enum inject_kind kind, enum inject_when when, uint32_t n, int err, unsigned procs,
		    uint64_t *preemptions)
{
	const struct gr_config config = {.procs = procs, .knobs = "slice_us=50"};
	struct trial t = {kind, when, n, err};
	struct inject_alive before;
	struct gr_stats stats;
	uint32_t failed;

	snprintf(trying, sizeof(trying), "%s, %u Ps, when %d, n %u\n", inject_name(kind), procs, when, n);
	inject_alive_read(&before);
	assert_int_equal(gr_start(&config), 0);
	gr_run(take_turns, &t);
	failed = inject_disarm();
	gr_stats_read(&stats);
	*preemptions = stats.preemptions;
	gr_stop();
	if (errors)
		fail_msg("%s", trying);
	if (!inject_alive_same(&before))
		fail_msg("%sthings are left", trying);
	return failed != 0;
}

static bool has_preemption(void)
{
	return !strchr(gr__preempt_state(), '(');
}

static void signals_are_not_sent(void **state)
{
	uint64_t n;

	(void)state;
	if (!has_preemption())
		skip();
	for (unsigned procs = 1; procs <= 2; procs++) {
		assert_true(try_one(INJECT_TGKILL, INJECT_FROM, 1, EAGAIN, procs, &n));
		assert_int_equal(n, 0);
		assert_true(try_one(INJECT_TGKILL, INJECT_EVERY, 2, EAGAIN, procs, &n));
		assert_true(n > 0); /* who asks asks again */
	}
}

static void no_memory_for_an_alternate_stack(void **state)
{
	uint64_t n;

	(void)state;
	if (!has_preemption())
		skip();
	/* One P and one M: the first mapping is for its spare stack. */
	assert_true(try_one(INJECT_MMAP, INJECT_FROM, 1, ENOMEM, 1, &n));
	assert_true(try_one(INJECT_MMAP, INJECT_ONCE, 1, ENOMEM, 1, &n));
	for (uint32_t i = 1; i < 6; i++)
		try_one(INJECT_MMAP, INJECT_FROM, i, ENOMEM, 2, &n);
}

/* That M goes on without one, and what it runs is not stopped any more. */
static void an_alternate_stack_is_refused(void **state)
{
	uint64_t n;
	uint32_t i;

	(void)state;
	if (!has_preemption() || GR_ASAN)
		skip(); /* the address sanitizer asks for one itself, and insists */
	for (unsigned procs = 1; procs <= 2; procs++) {
		for (i = 1; i < 8; i++)
			if (!try_one(INJECT_SIGALTSTACK, INJECT_ONCE, i, ENOMEM, procs, &n))
				break;
		assert_true(i > 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_are_not_sent),
		cmocka_unit_test(no_memory_for_an_alternate_stack),
		cmocka_unit_test(an_alternate_stack_is_refused),
	};

	fault_test_begin();
	return cmocka_run_group_tests_name("fault/preempt", tests, NULL, NULL);
}
