/*
 * preempt_stress.h - Gs that do what must not be interrupted (malloc, printf, qsort, pthread mutexes, calls of the runtime)
 * and compute in marked code between, within and around it, under strikes as fast as they can be sent. Each strike is
 * judged in the handler; what the Gs compute must come out right.
 */
#ifndef PREEMPT_STRESS_H
#define PREEMPT_STRESS_H

#include "preempt_test.h"

enum { WORKERS = 12, VALUES = 64, WORDS = 32 };

enum inside { IN_NOTHING, IN_MALLOC, IN_PRINTF, IN_QSORT, IN_LOCK, IN_BRACKET };

static FILE *dev_null;
static pthread_mutex_t pthread_lock = PTHREAD_MUTEX_INITIALIZER;
static gr_mutex lock;
static uint64_t under_pthread_lock, under_lock; /* counted under them */
static gr_chan *tokens;
static struct striker striker;
static bool is_qsort_unprotected; /* the control: then strikes must be found in it */
static _Atomic uint64_t rounds_done;
static unsigned marked_parts = 1; /* how much of a round is marked code */

GR_PREEMPTIBLE static uint64_t churn(uint64_t x, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	return x;
}

/* What churn(x, 3000) does, as one multiplication and one addition; the multiplication is by churn's 3000th power. */
static uint64_t step_mul, step_add;

static void find_step(void)
{
	step_mul = 1;
	step_add = 0;
	for (int i = 0; i < 3000; i++) {
		step_mul *= 6364136223846793005u;
		step_add = step_add * 6364136223846793005u + 1442695040888963407u;
	}
}

GR_PREEMPTIBLE static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (churn(x, 3) == 0) + (x > y) - (x < y);
}

GR_PREEMPTIBLE static void add_under(uint64_t *sum)
{
	uint64_t v = *sum;

	churn(v, 50);
	*sum = v + 1;
}

/* Not inlined: the address of errno is not to be known from before a switch. */
static __attribute__((noinline)) void put_errno(int v)
{
	errno = v;
}

static __attribute__((noinline)) int get_errno(void)
{
	return errno;
}

static void allocate(struct worker *w)
{
	void *held[WORDS];

	store_relaxed(&w->inside, IN_MALLOC);
	for (int i = 0; i < WORDS; i++) {
		size_t n = 1 + (w->seed = w->seed * 1664525u + 1013904223u) % 3000;

		held[i] = malloc(n);
		CHECK(held[i]);
		memset(held[i], i, n);
	}
	for (int i = 0; i < WORDS; i++)
		free(held[i]);
	store_relaxed(&w->inside, IN_NOTHING);
}

static void print(struct worker *w)
{
	store_relaxed(&w->inside, IN_PRINTF);
	CHECK(fprintf(dev_null, "%u %p %.17g\n", w->seed, (void *)w, (double)w->seed / 3) > 0);
	store_relaxed(&w->inside, IN_NOTHING);
}

static void sort(struct worker *w)
{
	uint64_t v[VALUES];

	for (int i = 0; i < VALUES; i++)
		v[i] = w->sum = churn(w->sum, 1);
	if (!is_qsort_unprotected)
		gr_nopreempt_enter();
	store_relaxed(&w->inside, IN_QSORT);
	qsort(v, VALUES, sizeof(v[0]), compare);
	store_relaxed(&w->inside, IN_NOTHING);
	if (!is_qsort_unprotected)
		gr_nopreempt_leave();
	for (int i = 1; i < VALUES; i++)
		CHECK(v[i - 1] <= v[i]);
}

static void count_under_locks(struct worker *w)
{
	gr_nopreempt_enter();
	store_relaxed(&w->inside, IN_LOCK);
	pthread_mutex_lock(&pthread_lock);
	add_under(&under_pthread_lock);
	pthread_mutex_unlock(&pthread_lock);
	store_relaxed(&w->inside, IN_NOTHING);
	gr_nopreempt_leave();
	gr_mutex_lock(&lock); /* a G's: it may be stopped with it */
	add_under(&under_lock);
	gr_mutex_unlock(&lock);
}

static void call(struct worker *w)
{
	int token;

	store_relaxed(&w->inside, IN_BRACKET);
	gr_syscall_enter();
	w->sum = churn(w->sum, 100);
	gr_syscall_exit();
	store_relaxed(&w->inside, IN_NOTHING);
	token = recv_int(tokens);
	w->sum = churn(w->sum, 100);
	send_int(tokens, token);
}

/*
 * Strikes without anybody who sends them, so that they cost no CPU of their own and come at any instruction however busy
 * the machine is: each M's thread has a timer with the signal of preemption. A G allows one for its present run, before it
 * computes and before what must not be interrupted.
 */
enum { TIMERS_MAX = 64 };
static timer_t timers[TIMERS_MAX];
static _Atomic unsigned n_timers;
static _Thread_local bool has_timer;

static __attribute__((noinline)) void allow_strike(void)
{
	struct gr_p *p = gr__self_p();

	if (!striker.only_watches)
		return;
	if (!has_timer) {
		unsigned n = fetch_add_relaxed(&n_timers, 1);
		struct itimerspec every = {{0, 7000}, {0, 7000}};
		struct sigevent ev;

		memset(&ev, 0, sizeof(ev));
		ev.sigev_notify = SIGEV_THREAD_ID;
		ev.sigev_signo = SIGURG;
		ev._sigev_un._tid = gettid();
		has_timer = true;
		if (n == TIMERS_MAX || timer_create(CLOCK_MONOTONIC, &ev, &timers[n]) ||
		    timer_settime(timers[n], 0, &every, NULL))
			abort();
	}
	store_relaxed(&p->strike_tick, load_relaxed(&p->tick) + 1);
}

static void delete_timers(void)
{
	while (load_relaxed(&n_timers))
		timer_delete(timers[fetch_sub_relaxed(&n_timers, 1) - 1]);
}

static void work(void *arg)
{
	struct worker *w = arg;
	uint64_t mine = w->sum;

	while (!load_relaxed(&striker.is_done)) {
		uint64_t expected = mine;

		put_errno((int)(w->seed % 100) + 1);
		for (unsigned i = 0; i < marked_parts; i++) {
			allow_strike();
			mine = churn(mine, 3000);
		}
		CHECK(get_errno() == (int)(w->seed % 100) + 1);
		for (unsigned i = 0; i < marked_parts; i++) /* in one go, by the powers of the same step */
			expected = expected * step_mul + step_add;
		CHECK(mine == expected);
		allow_strike();
		allocate(w);
		allow_strike();
		print(w);
		allow_strike();
		sort(w);
		allow_strike();
		count_under_locks(w);
		allow_strike();
		call(w);
		fetch_add_relaxed(&rounds_done, 1);
	}
	gr_wg_done(&hogs);
}

static void work_all(void *arg)
{
	static struct worker workers[WORKERS];

	(void)arg;
	tokens = chan_of_ints(WORKERS / 2);
	for (int i = 0; i < WORKERS / 2; i++)
		send_int(tokens, i);
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){.seed = i + 1, .sum = i};
		gr_wg_add(&hogs, 1);
		spawn(work, &workers[i]);
	}
	gr_wg_wait(&hogs);
	gr_chan_free(tokens);
	delete_timers();
}

/* Until so many strikes have hit. A sentence if the state of things afterwards is wrong. */
static void stress(unsigned procs, uint64_t want)
{
	const struct gr_config config = {.procs = procs};

	worker_fn = work;
	find_step();
	dev_null = fopen("/dev/null", "we");
	assert_non_null(dev_null);
	under_pthread_lock = under_lock = 0;
	store_relaxed(&rounds_done, 0);
	atomic_store(&sync_failures, 0);
	assert_int_equal(gr_start(&config), 0);
	striker_start(&striker, want);
	gr_run(work_all, NULL);
	striker_end(&striker);
	gr_stop();
	gr__on_strike = NULL;
	fclose(dev_null);
	printf("%u Ps: %llu strikes, %llu rounds, %llu where they must not be\n", procs,
	       (unsigned long long)load_relaxed(&strikes), (unsigned long long)load_relaxed(&rounds_done),
	       (unsigned long long)load_relaxed(&bad_strikes));
	assert_int_equal(atomic_load(&sync_failures), 0);
	assert_int_equal(under_pthread_lock, load_relaxed(&rounds_done));
	assert_int_equal(under_lock, load_relaxed(&rounds_done));
	assert_true(load_relaxed(&strikes) >= want);
}

#endif
