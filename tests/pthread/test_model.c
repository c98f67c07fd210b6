/*
 * test_model.c - the pthread model by its own API: threads, channels, wait groups, and what misuse does.
 *
 * Threads report what they saw in variables that are checked after the join: cmocka's assertions jump, and may be
 * used in the thread that runs the test only.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models/pthread/pt.h"

static int start(void **state)
{
	(void)state;
	return pt_start("");
}

static int stop(void **state)
{
	(void)state;
	pt_stop();
	return 0;
}

/* ---- the runtime -------------------------------------------------------------------------------- */

static void test_knobs(void **state)
{
	(void)state;
	static const char *const wrong[] = {"stack",         "stack_kib=",  "stack_kib=-1", "stack_kib=x",
					    "stack_kib=64x", "stack_kib=0", "threads=4",    "stack_kib=64,foo=1",
					    "stack_kib=1",   "pool=",       "pool=5000"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(pt_start(wrong[i]), -EINVAL);
	assert_int_equal(pt_start("stack_kib=256"), 0);
	assert_int_equal(pt_stack_bytes(), 256 * 1024);
	assert_int_equal(pt_start(""), -EBUSY);
	pt_stop();
	assert_int_equal(pt_start(NULL), 0);
	assert_true(pt_stack_bytes() > 0);
	pt_stop();
}

/* ---- the pool ------------------------------------------------------------------------------------ */

enum { POOL = 3, POOL_TASKS = 500 };

struct pooled {
	_Atomic int started, live, most;
	_Atomic uint64_t in_order; /* tasks that began after all with a lower number; of a pool of one thread all do */
};

struct pooled_task {
	struct pt_task task;
	struct pooled *all;
	int number;
	bool ran;
};

static void pooled_main(void *arg)
{
	struct pooled_task *t = arg;
	int live = atomic_fetch_add(&t->all->live, 1) + 1, most = atomic_load(&t->all->most);

	t->all->in_order += atomic_fetch_add(&t->all->started, 1) == t->number;
	while (live > most && !atomic_compare_exchange_weak(&t->all->most, &most, live))
		;
	sched_yield();
	t->ran = true;
	atomic_fetch_sub(&t->all->live, 1);
}

/* Start and join POOL_TASKS tasks with a pool of n threads; how many ran. */
static int run_pooled(unsigned n, struct pooled *all)
{
	struct pooled_task *tasks = calloc(POOL_TASKS, sizeof *tasks);
	char knobs[40];
	int ran = 0;

	assert_non_null(tasks);
	*all = (struct pooled){0};
	snprintf(knobs, sizeof knobs, "pool=%u", n);
	assert_int_equal(pt_start(knobs), 0);
	assert_int_equal(pt_pool_threads(), n);
	for (int i = 0; i < POOL_TASKS; i++) {
		tasks[i].all = all;
		tasks[i].number = i;
		assert_int_equal(pt_spawn(&tasks[i].task, pooled_main, &tasks[i]), 0);
	}
	for (int i = 0; i < POOL_TASKS; i++) {
		pt_join(&tasks[i].task);
		ran += tasks[i].ran;
	}
	assert_int_equal(pt_threads_created(), n);
	pt_stop();
	assert_int_equal(pt_pool_threads(), 0);
	free(tasks);
	return ran;
}

static void test_pool(void **state)
{
	struct pooled all;

	(void)state;
	assert_int_equal(run_pooled(POOL, &all), POOL_TASKS);
	assert_in_range(all.most, 1, POOL);
	assert_int_equal(run_pooled(1, &all), POOL_TASKS);
	assert_int_equal(all.most, 1);
	assert_int_equal(all.in_order, POOL_TASKS);
}

static void pooled_root(void *arg)
{
	struct pooled_task *t = arg;

	for (int i = 0; i < POOL_TASKS; i++)
		if (pt_go(pooled_main, &t[i]) != 0)
			abort();
}

/* Detached tasks of a pool have all run when pt_stop returns, and the root holds no thread of it. */
static void test_pool_of_detached(void **state)
{
	struct pooled_task *tasks = calloc(POOL_TASKS, sizeof *tasks);
	struct pooled all = {0};

	(void)state;
	assert_non_null(tasks);
	for (int i = 0; i < POOL_TASKS; i++) {
		tasks[i].all = &all;
		tasks[i].number = i;
	}
	assert_int_equal(pt_start("pool=1"), 0);
	pt_run(pooled_root, tasks);
	pt_stop();
	assert_int_equal(all.started, POOL_TASKS);
	assert_int_equal(all.in_order, POOL_TASKS);
	free(tasks);
}

static void note_stack_size(void *arg)
{
	pthread_attr_t attr;
	size_t *bytes = arg;

	if (pthread_getattr_np(pthread_self(), &attr))
		return;
	pthread_attr_getstacksize(&attr, bytes);
	pthread_attr_destroy(&attr);
}

static void go_and_note_stack_size(void *arg)
{
	if (pt_go(note_stack_size, arg) < 0)
		*(size_t *)arg = 0;
}

/*
 * The knob is what a thread really gets, whichever way it is started. What glibc or a sanitizer puts beside the stack
 * is the same for both sizes, so the difference is exact.
 */
static void test_stack_knob_is_in_force(void **state)
{
	(void)state;
	size_t joined[2] = {0, 0}, detached[2] = {0, 0};

	for (int i = 0; i < 2; i++) {
		assert_int_equal(pt_start(i ? "stack_kib=32768" : "stack_kib=1024"), 0);
		pt_run(note_stack_size, &joined[i]);
		pt_run(go_and_note_stack_size, &detached[i]);
		pt_stop();
		assert_true(joined[i] > 0);
		assert_true(detached[i] > 0);
	}
	assert_int_equal(joined[1] - joined[0], 31 << 20);
	assert_int_equal(detached[1] - detached[0], 31 << 20);
}

static void add_one(void *arg)
{
	atomic_fetch_add((_Atomic int *)arg, 1);
}

static void test_spawn_join_1000(void **state)
{
	(void)state;
	enum { ROUNDS = 10, WIDE = 100 };
	_Atomic int ran = 0;
	uint64_t before = pt_threads_created();

	for (int r = 0; r < ROUNDS; r++) {
		struct pt_task t[WIDE];

		for (int i = 0; i < WIDE; i++)
			assert_int_equal(pt_spawn(&t[i], add_one, &ran), 0);
		for (int i = 0; i < WIDE; i++)
			pt_join(&t[i]);
		assert_int_equal(ran, (r + 1) * WIDE);
	}
	assert_int_equal(pt_threads_created() - before, ROUNDS * WIDE);
}

static void sleep_then_add_one(void *arg)
{
	usleep(20000);
	add_one(arg);
}

/* pt_stop returns after the last detached task, also when it has only just been started. */
static void test_stop_waits_for_detached(void **state)
{
	(void)state;
	_Atomic int ran = 0;

	assert_int_equal(pt_start(""), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(pt_go(sleep_then_add_one, &ran), 0);
	pt_stop();
	assert_int_equal(ran, 20);
}

/* Where the environment refuses a thread the caller is told, and nothing is left behind that pt_stop waits for. */
static void test_refused_thread_is_an_error(void **state)
{
	(void)state;
	_Atomic int ran = 0;
	struct pt_task t;

	assert_int_equal(pt_start("stack_kib=1099511627776"), 0); /* 1 PiB: no address space has room for it */
	int joinable = pt_spawn(&t, add_one, &ran);
	int detached = pt_go(add_one, &ran);
	pt_stop();
	assert_int_equal(joinable, -EAGAIN);
	assert_int_equal(detached, -EAGAIN);
	assert_int_equal(ran, 0);
}

/* ---- channels ----------------------------------------------------------------------------------- */

struct one_way {
	struct pt_chan chan;
	int n;
	_Atomic int progress; /* sends completed */
	bool is_ordered;
};

static void send_numbers(void *arg)
{
	struct one_way *w = arg;

	for (int i = 0; i < w->n; i++) {
		pt_chan_send(&w->chan, &i);
		atomic_fetch_add(&w->progress, 1);
	}
	pt_chan_close(&w->chan);
}

static void fifo(size_t capacity)
{
	struct one_way w = {.n = 2000};
	struct pt_task t;
	int got, next = 0;

	assert_int_equal(pt_chan_init(&w.chan, sizeof(int), capacity), 0);
	assert_int_equal(pt_spawn(&t, send_numbers, &w), 0);
	while (pt_chan_recv(&w.chan, &got))
		assert_int_equal(got, next++);
	assert_int_equal(next, w.n);
	assert_false(pt_chan_recv(&w.chan, &got)); /* closed and drained stays so */
	pt_join(&t);
	pt_chan_destroy(&w.chan);
}

static void test_chan_fifo_and_close(void **state)
{
	(void)state;
	fifo(0);
	fifo(1);
	fifo(64);
}

static void wait_for(_Atomic int *value, int at_least)
{
	while (atomic_load(value) < at_least)
		sched_yield();
}

/*
 * A sender gets as far as the capacity and no farther. That something does not happen cannot be waited for, so it is
 * given 20 ms in which to go wrong; on a slow machine the test sees less, and never fails without a cause.
 */
static void send_blocks_at(size_t capacity)
{
	struct one_way w = {.n = (int)capacity + 3};
	struct pt_task t;
	int got;

	assert_int_equal(pt_chan_init(&w.chan, sizeof(int), capacity), 0);
	assert_int_equal(pt_spawn(&t, send_numbers, &w), 0);
	wait_for(&w.progress, (int)capacity);
	usleep(20000);
	assert_int_equal(w.progress, capacity);
	for (int i = 0; i < w.n; i++) {
		assert_true(pt_chan_recv(&w.chan, &got));
		assert_int_equal(got, i);
		int freed = (int)capacity + i + 1;
		wait_for(&w.progress, freed < w.n ? freed : w.n); /* each receive lets one more send return */
	}
	pt_join(&t);
	pt_chan_destroy(&w.chan);
}

static void test_chan_send_blocks_when_full(void **state)
{
	(void)state;
	send_blocks_at(0);
	send_blocks_at(1);
	send_blocks_at(64);
}

struct receiver {
	struct pt_chan *chan;
	_Atomic int *done;
	bool got;
};

static void receive_one(void *arg)
{
	struct receiver *r = arg;
	int ignored;

	r->got = pt_chan_recv(r->chan, &ignored);
	atomic_fetch_add(r->done, 1);
}

static void test_chan_close_wakes_all_receivers(void **state)
{
	(void)state;
	enum { N = 8 };
	_Atomic int done = 0;
	struct receiver r[N];
	struct pt_task t[N];
	struct pt_chan c;

	assert_int_equal(pt_chan_init(&c, sizeof(int), 4), 0);
	for (int i = 0; i < N; i++) {
		r[i] = (struct receiver){.chan = &c, .done = &done, .got = true};
		assert_int_equal(pt_spawn(&t[i], receive_one, &r[i]), 0);
	}
	usleep(10000); /* let most of them fall asleep; whichever do not, take the other path to the same end */
	assert_int_equal(done, 0);
	pt_chan_close(&c);
	for (int i = 0; i < N; i++) {
		pt_join(&t[i]);
		assert_false(r[i].got);
	}
	pt_chan_destroy(&c);
}

struct crowd {
	struct pt_chan chan;
	struct pt_wg producers;
	int per_producer;
	_Atomic uint8_t *seen; /* one per element: how often it was received */
	_Atomic int disordered;
};

struct member {
	struct crowd *crowd;
	int id;
};

static void produce(void *arg)
{
	struct member *m = arg;

	for (int i = 0; i < m->crowd->per_producer; i++) {
		uint32_t v = (uint32_t)(m->id * m->crowd->per_producer + i);

		pt_chan_send(&m->crowd->chan, &v);
	}
	pt_wg_add(&m->crowd->producers, -1);
}

static void consume(void *arg)
{
	struct member *m = arg;
	int last[8];
	uint32_t v;

	for (int i = 0; i < 8; i++)
		last[i] = -1;
	while (pt_chan_recv(&m->crowd->chan, &v)) {
		int producer = (int)v / m->crowd->per_producer;
		int n = (int)v % m->crowd->per_producer;

		atomic_fetch_add(&m->crowd->seen[v], 1);
		if (n <= last[producer]) /* FIFO: of one producer, a consumer sees a growing sequence */
			atomic_fetch_add(&m->crowd->disordered, 1);
		last[producer] = n;
	}
}

static void many_to_many(size_t capacity)
{
	enum { PRODUCERS = 4, CONSUMERS = 3, EACH = 1000 };
	static _Atomic uint8_t seen[PRODUCERS * EACH];
	struct crowd crowd = {.per_producer = EACH, .seen = seen};
	struct member p[PRODUCERS], c[CONSUMERS];
	struct pt_task tp[PRODUCERS], tc[CONSUMERS];

	memset((void *)seen, 0, sizeof(seen));
	assert_int_equal(pt_chan_init(&crowd.chan, sizeof(uint32_t), capacity), 0);
	assert_int_equal(pt_wg_init(&crowd.producers), 0);
	pt_wg_add(&crowd.producers, PRODUCERS);
	for (int i = 0; i < CONSUMERS; i++) {
		c[i] = (struct member){&crowd, i};
		assert_int_equal(pt_spawn(&tc[i], consume, &c[i]), 0);
	}
	for (int i = 0; i < PRODUCERS; i++) {
		p[i] = (struct member){&crowd, i};
		assert_int_equal(pt_spawn(&tp[i], produce, &p[i]), 0);
	}
	pt_wg_wait(&crowd.producers);
	pt_chan_close(&crowd.chan);
	for (int i = 0; i < CONSUMERS; i++)
		pt_join(&tc[i]);
	for (int i = 0; i < PRODUCERS; i++)
		pt_join(&tp[i]);
	for (int i = 0; i < PRODUCERS * EACH; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(crowd.disordered, 0);
	pt_wg_destroy(&crowd.producers);
	pt_chan_destroy(&crowd.chan);
}

static void send_many(void *arg)
{
	for (int i = 0; i < 2000; i++)
		pt_chan_send(arg, &i);
}

/* Many senders that meet one receiver: each must be woken when its own element has been taken, or all stand still. */
static void test_chan_rendezvous_of_many(void **state)
{
	enum { SENDERS = 17 };
	struct pt_task t[SENDERS];
	struct pt_chan c;
	int got;

	(void)state;
	assert_int_equal(pt_chan_init(&c, sizeof(int), 0), 0);
	for (int i = 0; i < SENDERS; i++)
		assert_int_equal(pt_spawn(&t[i], send_many, &c), 0);
	for (int i = 0; i < SENDERS * 2000; i++)
		assert_true(pt_chan_recv(&c, &got));
	for (int i = 0; i < SENDERS; i++)
		pt_join(&t[i]);
	pt_chan_destroy(&c);
}

static void test_chan_many_to_many(void **state)
{
	(void)state;
	many_to_many(0);
	many_to_many(1);
	many_to_many(64);
}

static void send_seven(void *arg)
{
	int seven = 7;

	pt_chan_send(arg, &seven);
}

/*
 * A received message proves the send: the receiver may destroy and free the channel at once, though the sender may
 * still be on its way out. The sanitizers judge; without them glibc's heap has a chance to.
 */
static void test_chan_destroyed_by_receiver(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		struct pt_chan *c = malloc(sizeof(*c));
		struct pt_task t;
		int got = 0;

		assert_non_null(c);
		assert_int_equal(pt_chan_init(c, sizeof(int), i % 2), 0);
		assert_int_equal(pt_spawn(&t, send_seven, c), 0);
		assert_true(pt_chan_recv(c, &got));
		assert_int_equal(got, 7);
		pt_chan_destroy(c);
		memset(c, 0xa5, sizeof(*c));
		free(c);
		pt_join(&t);
	}
}

static void test_chan_sizes(void **state)
{
	(void)state;
	struct pt_chan c;
	unsigned char big_in[300], big_out[300];

	assert_int_equal(pt_chan_init(&c, SIZE_MAX / 2, 4), -ENOMEM);
	assert_int_equal(pt_chan_init(&c, 0, 4), 0); /* a queue of signals */
	pt_chan_send(&c, NULL);
	assert_true(pt_chan_recv(&c, NULL));
	pt_chan_destroy(&c);
	assert_int_equal(pt_chan_init(&c, sizeof(big_in), 3), 0);
	for (int round = 0; round < 7; round++) { /* not a multiple of the capacity: the ring wraps everywhere */
		memset(big_in, round, sizeof(big_in));
		pt_chan_send(&c, big_in);
		assert_true(pt_chan_recv(&c, big_out));
		assert_memory_equal(big_in, big_out, sizeof(big_in));
	}
	pt_chan_destroy(&c);
}

/* ---- wait groups -------------------------------------------------------------------------------- */

static void done_on(void *arg)
{
	pt_wg_add(arg, -1);
}

/* The group lives on the waiter's stack and dies as soon as the wait is over. */
static void test_wg(void **state)
{
	(void)state;
	for (int round = 0; round < 100; round++) {
		enum { N = 4 };
		struct pt_wg *wg = malloc(sizeof(*wg));
		struct pt_task t[N];

		assert_non_null(wg);
		assert_int_equal(pt_wg_init(wg), 0);
		pt_wg_wait(wg); /* 0: does not block */
		pt_wg_add(wg, N);
		for (int i = 0; i < N; i++)
			assert_int_equal(pt_spawn(&t[i], done_on, wg), 0);
		pt_wg_wait(wg);
		pt_wg_destroy(wg);
		memset(wg, 0xa5, sizeof(*wg));
		free(wg);
		for (int i = 0; i < N; i++)
			pt_join(&t[i]);
	}
}

struct waiter {
	struct pt_wg *wg;
	_Atomic int *passed;
};

static void wait_on(void *arg)
{
	struct waiter *w = arg;

	pt_wg_wait(w->wg);
	atomic_fetch_add(w->passed, 1);
}

static void test_wg_wakes_all_and_is_reusable(void **state)
{
	(void)state;
	enum { N = 5 };
	_Atomic int passed = 0;
	struct pt_wg wg;
	struct waiter w = {&wg, &passed};

	assert_int_equal(pt_wg_init(&wg), 0);
	for (int round = 1; round <= 3; round++) {
		struct pt_task t[N];

		pt_wg_add(&wg, 2);
		for (int i = 0; i < N; i++)
			assert_int_equal(pt_spawn(&t[i], wait_on, &w), 0);
		pt_wg_add(&wg, -1);
		usleep(5000);
		assert_int_equal(passed, (round - 1) * N); /* 1 is not 0 */
		pt_wg_add(&wg, -1);
		for (int i = 0; i < N; i++)
			pt_join(&t[i]);
		assert_int_equal(passed, round * N);
	}
	pt_wg_destroy(&wg);
}

/* ---- misuse: the process ends by abort, with a sentence that names the call --------------------- */

static void misuse_send_closed(void)
{
	struct pt_chan c;
	int v = 0;

	pt_chan_init(&c, sizeof(v), 1);
	pt_chan_close(&c);
	pt_chan_send(&c, &v);
}

static void misuse_close_twice(void)
{
	struct pt_chan c;

	pt_chan_init(&c, 1, 1);
	pt_chan_close(&c);
	pt_chan_close(&c);
}

static void misuse_wg_negative(void)
{
	struct pt_wg wg;

	pt_wg_init(&wg);
	pt_wg_add(&wg, -1);
}

static void misuse_destroy_with_receiver(void)
{
	struct pt_task t;
	struct pt_chan c;
	_Atomic int done = 0;
	struct receiver r = {.chan = &c, .done = &done};

	if (pt_start("") || pt_chan_init(&c, sizeof(int), 1) || pt_spawn(&t, receive_one, &r))
		return;
	for (;;) { /* until it sleeps */
		pthread_mutex_lock(&c.hub->lock);
		unsigned sleepers = c.hub->sleepers;
		pthread_mutex_unlock(&c.hub->lock);
		if (sleepers)
			break;
		sched_yield();
	}
	pt_chan_destroy(&c);
}

static void misuse_join_twice(void)
{
	_Atomic int ran = 0;
	struct pt_task t;

	if (pt_start("") == 0 && pt_spawn(&t, add_one, &ran) == 0) {
		pt_join(&t);
		pt_join(&t);
	}
}

static void misuse_not_started(void)
{
	struct pt_task t;

	pt_spawn(&t, add_one, NULL);
}

static void dies_saying(void (*misuse)(void), const char *sentence)
{
	char text[512] = "";
	size_t n = 0;
	ssize_t got;
	int fds[2], status;

	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit no_core = {0, 0};

		setrlimit(RLIMIT_CORE, &no_core);
		dup2(fds[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL); /* cmocka's handler would jump back into the test */
		misuse();
		_exit(0);
	}
	close(fds[1]);
	while (n < sizeof(text) - 1 && (got = read(fds[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(strstr(text, sentence));
}

static void test_misuse(void **state)
{
	(void)state;
	dies_saying(misuse_send_closed, "pt_chan_send: the channel is closed");
	dies_saying(misuse_close_twice, "pt_chan_close: the channel is closed already");
	dies_saying(misuse_destroy_with_receiver, "pt_chan_destroy: a task is waiting on the channel");
	dies_saying(misuse_wg_negative, "pt_wg_add: the count fell to -1");
	dies_saying(misuse_join_twice, "pt_join: the task was never started");
	dies_saying(misuse_not_started, "pt_spawn: the runtime is not started");
}

/* ---- stacks of a stated size ---------------------------------------------------------------------- */

enum { SIZED_BYTES = 300 * 1024 };

static _Atomic size_t sized_bytes, sized_sum;

/* Use all of what was asked for, and note what the system gave. */
static void use_stack(void *arg)
{
	volatile unsigned char *block = __builtin_alloca(SIZED_BYTES);
	pthread_attr_t attr;
	size_t bytes = 0, sum = 0;

	(void)arg;
	for (size_t at = 0; at < SIZED_BYTES; at += 1024)
		block[at] = 1;
	for (size_t at = 0; at < SIZED_BYTES; at += 1024)
		sum += block[at];
	if (pthread_getattr_np(pthread_self(), &attr) == 0) {
		pthread_attr_getstacksize(&attr, &bytes);
		pthread_attr_destroy(&attr);
	}
	sized_bytes = bytes;
	sized_sum = sum;
}

static void test_sized_stack(void **state)
{
	(void)state;
	assert_int_equal(pt_start(""), 0);
	assert_int_equal(pt_go_sized(SIZE_MAX, use_stack, NULL), -EINVAL);
	assert_int_equal(pt_go_sized((size_t)PT_STACK_MAX + 1, use_stack, NULL), -EINVAL);
	assert_int_equal(pt_go_sized(SIZED_BYTES, use_stack, NULL), 0);
	pt_stop();
	assert_int_equal(sized_sum, SIZED_BYTES / 1024);
	assert_in_range(sized_bytes, SIZED_BYTES, SIZED_BYTES + (1 << 20)); /* and not the 8 MiB of other threads */
	assert_int_equal(pt_start("pool=1"), 0);
	assert_int_equal(pt_go_sized(SIZED_BYTES, use_stack, NULL), -EOPNOTSUPP);
	pt_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_misuse), /* first: a fork is simplest while there is one thread */
		cmocka_unit_test(test_knobs),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_pool_of_detached),
		cmocka_unit_test(test_stack_knob_is_in_force),
		cmocka_unit_test(test_sized_stack),
		cmocka_unit_test(test_stop_waits_for_detached),
		cmocka_unit_test(test_refused_thread_is_an_error),
		cmocka_unit_test_setup_teardown(test_spawn_join_1000, start, stop),
		cmocka_unit_test_setup_teardown(test_chan_fifo_and_close, start, stop),
		cmocka_unit_test_setup_teardown(test_chan_send_blocks_when_full, start, stop),
		cmocka_unit_test_setup_teardown(test_chan_close_wakes_all_receivers, start, stop),
		cmocka_unit_test_setup_teardown(test_chan_many_to_many, start, stop),
		cmocka_unit_test_setup_teardown(test_chan_rendezvous_of_many, start, stop),
		cmocka_unit_test_setup_teardown(test_chan_destroyed_by_receiver, start, stop),
		cmocka_unit_test_setup_teardown(test_chan_sizes, start, stop),
		cmocka_unit_test_setup_teardown(test_wg, start, stop),
		cmocka_unit_test_setup_teardown(test_wg_wakes_all_and_is_reusable, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
