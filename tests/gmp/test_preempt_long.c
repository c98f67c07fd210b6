/*
 * test_preempt_long.c - ten million preemptions, each of them judged; what test_preempt.c does with thousands. STRIKES=n in
 * the environment for another number.
 */
#include "preempt_stress.h"

static void ten_million_strikes(void **state)
{
	const char *asked = getenv("STRIKES");
	uint64_t want = asked ? strtoull(asked, NULL, 10) : 10 * 1000 * 1000;

	(void)state;
	if (!has_preemption())
		skip();
	marked_parts = 20;
	striker.only_watches = true;
	for (unsigned procs = 1; procs <= 4; procs++) {
		stress(procs, is_slow() ? want / 400 : want / 4);
		assert_int_equal(load_relaxed(&bad_strikes), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ten_million_strikes)};

	return cmocka_run_group_tests_name("gmp/preempt_long", tests, NULL, NULL);
}
