/*
 * preempt_test.h - what the tests of preemption share: whether there is any here, Gs that compute for ever in marked code,
 * and the check of each strike.
 */
#ifndef PREEMPT_TEST_H
#define PREEMPT_TEST_H

#include "go_test.h"

#include "internal.h"
#include "os.h"
#include "preempt.h"

/* Where it cannot be ("0 (thread sanitizer)") there is nothing to test. While the runtime runs or not. */
static inline bool has_preemption(void)
{
	return !strchr(gr__preempt_state(), '(');
}

static inline uint64_t preemptions(void)
{
	struct gr_stats s;

	gr_stats_read(&s);
	return s.preemptions;
}

static _Atomic int hogs_end; /* told to end */
static gr_wg hogs; /* those that have not */

/* Calls nothing at all until it is told to end. */
GR_PREEMPTIBLE static void hog(void *arg)
{
	(void)arg;
	while (!load_relaxed(&hogs_end))
		;
	gr_wg_done(&hogs);
}

static inline void start_hogs(unsigned n)
{
	store_relaxed(&hogs_end, 0);
	for (unsigned i = 0; i < n; i++) {
		gr_wg_add(&hogs, 1);
		spawn(hog, NULL);
	}
}

static inline void end_hogs(void)
{
	store_relaxed(&hogs_end, 1);
	gr_wg_wait(&hogs);
}

/* ---- where strikes may be -------------------------------------------------------------------------------------- */

enum { LIBRARIES_MAX = 64 };

static struct {
	uintptr_t lo, hi;
} libraries[LIBRARIES_MAX]; /* mapped code that is not this program's: the libc and what else there is */
static unsigned n_libraries;
static _Atomic uint64_t strikes, bad_strikes;
static _Atomic(const void *) bad_pc;

/* Read beforehand: the handler cannot. */
static inline void find_libraries(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char *line = NULL, name[512], self[512];
	size_t cap = 0;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	n_libraries = 0;
	while (f && getline(&line, &cap, f) > 0) {
		unsigned long lo, hi;
		char rights[8];

		name[0] = '\0';
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %511s", &lo, &hi, rights, name) < 3 || rights[2] != 'x')
			continue;
		if (strcmp(name, self) && n_libraries < LIBRARIES_MAX) {
			libraries[n_libraries].lo = lo;
			libraries[n_libraries++].hi = hi;
		}
	}
	free(line);
	if (f)
		fclose(f);
}

/* A G that says what it is in the middle of, of what must not be interrupted. It is the argument of its function. */
struct worker {
	_Atomic uint32_t inside; /* malloc, printf, qsort, a lock of pthreads, a bracket; 0: nothing */
	uint32_t seed;
	uint64_t sum;
};
static void (*worker_fn)(void *);

/*
 * In the handler, just before the switch. Neither the libc nor the runtime (which is in this program, and not in the marked
 * section) has been interrupted, and no G in the middle of something.
 */
static inline void judge_strike(struct gr_g *g, const void *pc, const void *sp)
{
	bool good = (const char *)pc >= gr__marked_lo && (const char *)pc < gr__marked_hi;

	for (unsigned i = 0; i < n_libraries; i++)
		good &= (uintptr_t)pc < libraries[i].lo || (uintptr_t)pc >= libraries[i].hi;
	good &= (const char *)sp > g->stack_lo && (const char *)sp <= g->stack_hi;
	good &= gr__m() && gr__m()->curg == g && gr__m()->p && !gr__m()->on_g0 && g->nopreempt == 0;
	good &= load_relaxed(&g->state) == GR__G_RUNNING && gr__m()->after == GR__AFTER_NOTHING;
	if (g->fn == worker_fn)
		good &= load_relaxed(&((struct worker *)g->arg)->inside) == 0;
	fetch_add_relaxed(&strikes, 1);
	if (!good) {
		fetch_add_relaxed(&bad_strikes, 1);
		store_relaxed(&bad_pc, pc);
	}
}

/*
 * A thread that strikes all Ps again and again, hundreds of times as often as sysmon would. Until `want` strikes have
 * hit, or it is told to end.
 */
struct striker {
	pthread_t thread;
	uint64_t want;
	bool only_watches; /* somebody else strikes */
	_Atomic int end, is_done;
};

static void *strike_main(void *arg)
{
	struct striker *s = arg;
	unsigned seed = 1;

	while (load_relaxed(&strikes) < s->want && !load_relaxed(&s->end)) {
		if (s->only_watches) {
			gr__os_sleep_ns((int64_t)MS);
			continue;
		}
		gr__strike_all(NULL);
		for (volatile int i = rand_r(&seed) % 2000; i > 0; i--) /* not in step with what is struck */
			;
	}
	store_relaxed(&s->is_done, 1);
	return NULL;
}

static inline void striker_start(struct striker *s, uint64_t want)
{
	find_libraries();
	store_relaxed(&strikes, 0);
	store_relaxed(&bad_strikes, 0);
	gr__on_strike = judge_strike;
	s->want = want;
	store_relaxed(&s->end, 0);
	store_relaxed(&s->is_done, 0);
	if (pthread_create(&s->thread, NULL, strike_main, s))
		abort();
}

static inline void striker_end(struct striker *s)
{
	store_relaxed(&s->end, 1);
	pthread_join(s->thread, NULL);
}

#endif
