/*
 * schedtrace.c - one line about the scheduler now and then, for a person who watches: GRDEBUG=schedtrace_ms=N.
 *
 * Written by the monitor, of what can be read without a lock: a picture with an exposure of some microseconds.
 */
#include <unistd.h>

#include "internal.h"
#include "out.h"
#include "runq.h"

static int64_t first_ns, next_ns; /* the monitor's */

static void say_line(int64_t now_ns)
{
	struct gr_sched *s = &gr__sched;
	struct gr__out o = {.fd = STDERR_FILENO};
	struct gr_stats stats;

	gr_stats_read(&stats);
	gr__out_say(&o,
		    "gr: %lld ms: %llu goroutines, %u of %u Ps idle, %llu Ms, %u spinning, %u in calls, global %u+%u, "
		    "local",
		    (long long)((now_ns - first_ns) / 1000000), (unsigned long long)gr_count(),
		    load_relaxed(&s->n_idle_ps), gr__nprocs(), (unsigned long long)(stats.m_created - stats.m_reaped),
		    load_relaxed(&s->spinning), load_relaxed(&s->n_syscall_block), load_relaxed(&s->global_n),
		    load_relaxed(&s->spill_n));
	for (unsigned i = 0; i < gr__nprocs() && i < 64; i++) {
		struct gr_p *p = s->ps[i];

		gr__out_say(&o, " %u+%u", gr__runq_len(p) + (load_relaxed(&p->runnext) != NULL), gr__nursery_len(p));
	}
	gr__out_say(&o,
		    "; switches %llu, steals %llu, hand-offs %llu (%llu early, %llu back), wakes %llu, polls %llu\n",
		    (unsigned long long)stats.switches, (unsigned long long)stats.steals,
		    (unsigned long long)stats.handoffs, (unsigned long long)stats.handoffs_early,
		    (unsigned long long)stats.handoffs_back, (unsigned long long)stats.wakes,
		    (unsigned long long)stats.polls);
	gr__out_flush(&o);
}

int64_t gr__schedtrace(int64_t now_ns)
{
	int64_t each_ns = gr__sched.knobs.schedtrace_ns;

	if (!each_ns)
		return INT64_MAX;
	if (!first_ns || now_ns < first_ns)
		first_ns = next_ns = now_ns;
	if (now_ns >= next_ns) {
		say_line(now_ns);
		next_ns = now_ns + each_ns;
	}
	return next_ns;
}
