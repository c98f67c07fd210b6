/*
 * trial.h - a runtime is started, refused something, and stopped; again and again, for each call that can be refused.
 */
#ifndef TRIAL_H
#define TRIAL_H

#include "fault_test.h"

enum {
	MAX_N = 2000, /* more calls than any case makes: the end of a loop that would not end */
	FEWER = GR_ASAN || GR_TSAN ? 5 : 1, /* where everything is ten to fifty times slower, not so many n */
};

struct trial {
	enum inject_kind kind;
	enum inject_when when;
	uint32_t n;
	int err;
};

static inline void arm(const struct trial *t)
{
	inject_arm(t->kind, t->when, t->n, t->err);
}

/* One run of fn, which arms and disarms by itself, in a runtime of its own. */
static inline void run_trial(const struct gr_config *config, void (*fn)(void *), struct trial *t)
{
	struct inject_alive before;
	int err;

	snprintf(trying, sizeof(trying), "%s, %u Ps, when %d, n %u, errno %d\n", inject_name(t->kind), config->procs,
		 t->when, t->n, t->err);
	inject_alive_read(&before);
	err = gr_start(config);
	assert_int_equal(err, 0);
	gr_run(fn, t);
	inject_disarm();
	gr_stop();
	if (errors)
		fail_msg("%s", trying);
	if (!inject_alive_same(&before))
		fail_msg("%sthings are left", trying);
}

/* Once and from there on, for all n at which something fails. `least`: that many there must be. */
static inline void sweep(const struct gr_config *config, void (*fn)(void *), enum inject_kind kind, int err,
			 uint32_t least)
{
	for (enum inject_when when = INJECT_ONCE; when <= INJECT_FROM; when++) {
		struct trial t = {kind, when, 1, err};

		for (;; t.n++) {
			run_trial(config, fn, &t);
			if (!inject_failed())
				break;
			assert_true(t.n < MAX_N);
		}
		if (t.n <= least)
			fail_msg("%s: only %u calls", trying, t.n - 1);
	}
}

#endif
