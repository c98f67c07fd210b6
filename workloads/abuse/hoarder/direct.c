/*
 * abuse/hoarder in the blocking style: one task that cannot let go of a lock, and others that want it now and then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/abuse/hoarder/hoarder.h"
#include "workloads/crew.h"

/* The lock and what it guards have lines of their own. */
struct shared {
	_Alignas(128) dx_mutex lock;
	/* under lock */
	volatile uint64_t word;
	bool is_over; /* the hoarder has gone */
	_Alignas(128) struct bench *b; /* immutable, as are the rest */
	struct polite_plan plan;
	uint64_t hoard_ns;
	bool sleeps;
};

struct member {
	_Alignas(128) struct crew_task crew;
	struct shared *shared; /* immutable */
	bool is_hoarder; /* immutable */
	/* the task's until it is joined */
	uint64_t locks; /* acquisitions */
	uint64_t during; /* those of them while the hoarder was there */
	uint64_t value; /* the hoarder's */
	bool is_disturbed; /* the hoarder's: the word has changed while it had the lock */
	struct polite polite;
};

/* Nothing but arithmetic: it can be stopped anywhere. */
static DX_PREEMPTIBLE uint64_t compute(uint64_t x, uint64_t steps)
{
	return steps_work(x, steps);
}

/* With the lock. */
static void hold(struct member *m)
{
	const struct shared *s = m->shared;
	uint64_t before = s->word;

	if (s->sleeps)
		dx_sleep_ns(s->hoard_ns);
	else
		m->value = compute(m->value, s->hoard_ns);
	m->is_disturbed |= s->word != before;
	m->locks++;
}

static void hoard(struct member *m)
{
	struct shared *s = m->shared;
	const uint64_t end_ns = m->crew.crew->begun_ns + polite_span_ns(&s->plan);
	bool is_over;

	do {
		dx_lock(&s->lock);
		hold(m);
		s->is_over = is_over = bench_now_ns() >= end_ns;
		dx_unlock(&s->lock);
	} while (!is_over);
	m->during = m->locks;
}

static void be_polite(struct member *m)
{
	struct shared *s = m->shared;
	const uint64_t begun_ns = m->crew.crew->begun_ns;

	while (!polite_is_done(&s->plan, &m->polite)) {
		uint64_t wait_ns = polite_wait_ns(&s->plan, &m->polite, begun_ns);

		if (wait_ns)
			dx_sleep_ns(wait_ns);
		dx_lock(&s->lock);
		polite_take(s->b, &s->plan, &m->polite, begun_ns);
		s->word = steps_work(s->word, HOARDER_POLITE_STEPS);
		m->during += !s->is_over;
		dx_unlock(&s->lock);
		m->locks++;
	}
}

static void work(void *arg)
{
	struct member *m = arg;

	if (!crew_start(&m->crew))
		return;
	if (m->is_hoarder)
		hoard(m);
	else
		be_polite(m);
}

/* The certificate and the figures. The hoarder is the first. */
static int report(struct bench *b, const struct shared *s, const struct member *m, uint64_t n)
{
	struct polite_total total = {0};
	struct jain jain = {0};

	b->cert = (struct bench_cert){.max_live = n};
	jain_add(&jain, m[0].during);
	for (uint64_t i = 1; i < n; i++) {
		polite_add(&total, &m[i].polite);
		jain_add(&jain, m[i].during);
		b->cert.locks += m[i].locks;
	}
	b->cert.ops = total.seen;
	b->cert.checksum = total.sum + s->word;
	if (total.is_early)
		return bench_fail(b, -EPROTO, "a task had the lock before its event was due");
	if (m[0].is_disturbed)
		return bench_fail(b, -EPROTO, "somebody wrote what the hoarder had locked");
	if (!s->sleeps && m[0].value != steps_jump(1, m[0].locks * s->hoard_ns))
		return bench_fail(b, -EPROTO, "the hoarder has not done its work under the lock");
	polite_figures(b, &total, &jain);
	bench_figure(b, "hoards", (double)m[0].locks);
	return 0;
}

static int run_tasks(struct bench *b, struct shared *s, struct member *m, uint64_t n)
{
	int status;

	for (uint64_t i = 0; i < n; i++)
		m[i] = (struct member){.shared = s, .is_hoarder = i == 0, .value = 1, .polite = {.index = i - 1}};
	status = crew_run(b, m, sizeof m[0], n, work);
	return status < 0 ? status : report(b, s, m, n);
}

static int run_hoarder(struct bench *b)
{
	const struct polite_plan plan = polite_plan_of(b);
	uint64_t n = plan.tasks + 1;
	struct shared *s = aligned_alloc(_Alignof(struct shared), sizeof *s);
	struct member *m = aligned_alloc(_Alignof(struct member), n * sizeof *m);
	int status = s && m ? dx_mutex_init(&s->lock) : -ENOMEM;

	if (status < 0) {
		bench_fail(b, status, "cannot prepare the lock and %d tasks: %s", (int)n, strerror(-status));
		goto out;
	}
	s->word = HOARDER_START;
	s->is_over = false;
	s->b = b;
	s->plan = plan;
	s->hoard_ns = (uint64_t)bench_param(b, "hoard_us") * 1000;
	s->sleeps = hoarder_sleeps(b);
	status = run_tasks(b, s, m, n);
	dx_mutex_destroy(&s->lock);
out:
	free(m);
	free(s);
	return status;
}

const struct bench_body abuse_hoarder_direct = {.run = run_hoarder};
