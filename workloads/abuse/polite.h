/*
 * polite.h - what workloads of this family share: tasks that behave, what is due to them and when, and how evenly they
 * get it.
 *
 * Each of the polite tasks has `events` events, one in a period, and the tasks are out of step. When an event is due is
 * known when the region begins: a task that is held up finds several due at once and each is late by its own delay, so
 * that nothing is left out because the task was not there to see it (no coordinated omission).
 */
#ifndef ABUSE_POLITE_H
#define ABUSE_POLITE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/subject/bench.h"

/* The first parameters of a workload that has polite tasks. */
#define POLITE_PARAMS                                                                                                  \
	{.name = "polite", .unit = "tasks", .help = "polite tasks", .dflt = 8, .min = 1, .max = 1000, .smoke = 3},     \
		{.name = "events",                                                                                     \
		 .unit = "events",                                                                                     \
		 .help = "of each of them; a 99th percentile takes 1000 in all",                                       \
		 .dflt = 150,                                                                                          \
		 .min = 1,                                                                                             \
		 .max = 100000,                                                                                        \
		 .smoke = 10},                                                                                         \
	{                                                                                                              \
		.name = "period_us", .unit = "us", .help = "between two events of a task", .dflt = 977, .min = 50,     \
		.max = 1000000, .smoke = 977                                                                           \
	}

/* Immutable. */
struct polite_plan {
	uint64_t tasks, events, period_ns;
};

/* One task's. */
struct polite {
	uint64_t index;
	uint64_t seen; /* events that have been counted */
	uint64_t in_time; /* those of them that were late by less than a period */
	uint64_t sum; /* for the certificate */
	int64_t worst_ns; /* the largest delay */
	bool is_early; /* one was counted before it was due, which fails the run */
};

static inline struct polite_plan polite_plan_of(const struct bench *b)
{
	return (struct polite_plan){.tasks = (uint64_t)bench_param(b, "polite"),
				    .events = (uint64_t)bench_param(b, "events"),
				    .period_ns = (uint64_t)bench_param(b, "period_us") * 1000};
}

/* When the abuse ends, from the region's beginning: when the last event has been due. */
static inline uint64_t polite_span_ns(const struct polite_plan *plan)
{
	return (plan->events + 1) * plan->period_ns;
}

static inline bool polite_is_done(const struct polite_plan *plan, const struct polite *p)
{
	return p->seen == plan->events;
}

/* When the task's next event is due. */
static inline uint64_t polite_due_ns(const struct polite_plan *plan, const struct polite *p, uint64_t begun_ns)
{
	return begun_ns + (p->seen + 1) * plan->period_ns + p->index * plan->period_ns / plan->tasks;
}

/* How long it is until then; 0: it is due. */
static inline uint64_t polite_wait_ns(const struct polite_plan *plan, const struct polite *p, uint64_t begun_ns)
{
	uint64_t due_ns = polite_due_ns(plan, p, begun_ns), now_ns = bench_now_ns();

	return now_ns < due_ns ? due_ns - now_ns : 0;
}

/* The task has come to its next event: count the delay. */
static inline void polite_take(struct bench *b, const struct polite_plan *plan, struct polite *p, uint64_t begun_ns)
{
	int64_t late_ns = bench_delay(b, polite_due_ns(plan, p, begun_ns));

	p->is_early |= late_ns < 0;
	p->in_time += late_ns < (int64_t)plan->period_ns;
	if (late_ns > p->worst_ns)
		p->worst_ns = late_ns;
	p->seen++;
	p->sum += p->seen * (p->index + 1);
}

/* What polite_take makes of all events of all tasks. */
static inline uint64_t polite_expect_sum(const struct polite_plan *plan)
{
	return plan->events * (plan->events + 1) / 2 * (plan->tasks * (plan->tasks + 1) / 2);
}

/*
 * Jain's index of n shares, (sum of x)^2 / (n * sum of x^2): 1 if all are equal, 1/n if one has everything. Of nothing
 * at all it says nothing, and is 0, which no index is.
 */
struct jain {
	uint64_t n;
	double sum, squares;
};

static inline void jain_add(struct jain *j, uint64_t share)
{
	j->n++;
	j->sum += (double)share;
	j->squares += (double)share * (double)share;
}

static inline double jain_index(const struct jain *j)
{
	return j->sum > 0 ? j->sum * j->sum / ((double)j->n * j->squares) : 0;
}

/* There is no such figure of nothing. */
static inline void jain_figure(struct bench *b, const char *name, const struct jain *j)
{
	double index = jain_index(j);

	if (index > 0)
		bench_figure(b, name, index);
}

/* All tasks' events. */
struct polite_total {
	uint64_t seen, in_time, sum;
	int64_t worst_ns;
	bool is_early;
};

static inline void polite_add(struct polite_total *t, const struct polite *p)
{
	t->seen += p->seen;
	t->in_time += p->in_time;
	t->sum += p->sum;
	if (p->worst_ns > t->worst_ns)
		t->worst_ns = p->worst_ns;
	t->is_early |= p->is_early;
}

/* What the polite ones have lost by the others. */
static inline void polite_figures(struct bench *b, const struct polite_total *t, const struct jain *shares)
{
	jain_figure(b, "jain", shares);
	bench_figure(b, "in_time_percent", 100 * (double)t->in_time / (double)t->seen);
	bench_figure(b, "worst_wait_us", (double)t->worst_ns / 1000);
}

#endif
