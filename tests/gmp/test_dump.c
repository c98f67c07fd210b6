/*
 * test_dump.c - what a process says of its Gs: gr_dump, SIGQUIT, fatal errors, deadlocks.
 *
 * Each scene is played in a process of its own, which says it on stderr and, in most of them, ends by it. What is looked
 * for: each G's line with its wait and what it waits for, the calls that it is in, by name and in order, who waits for
 * what, and the end that was told.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backtrace.h"
#include "child.h"
#include "preempt.h"
#include "san.h"

enum { MS = 1000 * 1000, SAID = 1 << 20 };

static gr_chan *empty, *full;
static gr_mutex mutex;
static gr_wg wg;
static gr_once once;
static gr_cond cond;
static gr_rwmutex *rw;
static _Atomic uint32_t sema;
static int pipe_fds[2], call_fds[2];
static _Atomic uint32_t begun;
static volatile int after; /* written after a call that must not become a jump */

/* ---- one G for each kind of wait ---------------------------------------------------------------------------------- */

static __attribute__((noinline)) void receive_deep(int depth)
{
	int v;

	if (depth)
		receive_deep(depth - 1);
	else
		gr_chan_recv(empty, &v);
	after = depth;
}

static void wait_receiving(void *arg)
{
	(void)arg;
	fetch_add_relaxed(&begun, 1);
	receive_deep(2);
	after = 1;
}

static void wait_sending(void *arg)
{
	int v = 1;

	(void)arg;
	gr_chan_send(full, &v);
	after = 1;
}

static void wait_selecting(void *arg)
{
	gr_case cases[3];
	int v = 1;

	(void)arg;
	gr_case_recv(&cases[0], empty, &v);
	gr_case_recv(&cases[1], NULL, &v);
	gr_case_send(&cases[2], full, &v);
	gr_select(cases, 3);
	after = 1;
}

static void wait_locking(void *arg)
{
	(void)arg;
	gr_set_label("GET /index");
	gr_mutex_lock(&mutex);
	after = 1;
}

static void wait_for_group(void *arg)
{
	(void)arg;
	gr_wg_wait(&wg);
	after = 1;
}

static void do_it(void *arg)
{
	gr_sema_acquire(arg);
	after = 1;
}

static void wait_for_once(void *arg)
{
	(void)arg;
	gr_once_do(&once, do_it, &sema);
	after = 1;
}

static void wait_on_condition(void *arg)
{
	static gr_mutex m;

	(void)arg;
	gr_mutex_lock(&m);
	gr_cond_wait(&cond, &m);
	after = 1;
}

static void wait_to_read_lock(void *arg)
{
	(void)arg;
	gr_rwmutex_rlock(rw);
	after = 1;
}

static void wait_reading(void *arg)
{
	gr_sock *s;
	char c;

	(void)arg;
	if (gr_sock_adopt(pipe_fds[0], &s) == 0)
		(void)gr_sock_read(s, &c, 1);
	after = 1;
}

static void wait_sleeping(void *arg)
{
	(void)arg;
	gr_sleep_ns(3600ull * 1000 * MS);
	after = 1;
}

static void wait_in_call(void *arg)
{
	char c;

	(void)arg;
	(void)!gr_read_blocking(call_fds[0], &c, 1);
	after = 1;
}

static void compute_on(void *arg)
{
	(void)arg;
	fetch_add_relaxed(&begun, 1);
	for (;;)
		gr_pause();
}

GR_PREEMPTIBLE static void compute_marked(void *arg)
{
	fetch_add_relaxed(&begun, 1);
	while (!load_relaxed((_Atomic uint32_t *)arg))
		;
	after = 1;
}

static void compute_below(void *arg)
{
	compute_marked(arg);
	after = 1;
}

static void fill_the_scene(void)
{
	int v = 0;

	if (pipe(pipe_fds) || pipe(call_fds) || gr_chan_new(sizeof(int), 0, &empty) ||
	    gr_chan_new(sizeof(int), 2, &full) || gr_rwmutex_new(&rw))
		_exit(3);
	gr_chan_send(full, &v);
	gr_chan_send(full, &v);
	gr_mutex_lock(&mutex);
	gr_wg_add(&wg, 2);
	gr_rwmutex_lock(rw);
	gr_go_named("receiver", wait_receiving, NULL);
	while (!load_relaxed(&begun))
		gr_yield();
	gr_sleep_ns(60 * MS); /* it waits longest */
	gr_go_named("sender", wait_sending, NULL);
	gr_go_named("selector", wait_selecting, NULL);
	gr_go_named("locker", wait_locking, NULL);
	gr_go_named("group", wait_for_group, NULL);
	gr_go_named("doer", wait_for_once, NULL);
	gr_sleep_ns(10 * MS);
	gr_go_named("once", wait_for_once, NULL);
	gr_go_named("condition", wait_on_condition, NULL);
	gr_go_named("rwmutex", wait_to_read_lock, NULL);
	gr_go_named("reader", wait_reading, NULL);
	gr_go_named("sleeper", wait_sleeping, NULL);
	gr_go_named("caller", wait_in_call, NULL);
	gr_sleep_ns(60 * MS);
}

/* ---- scenes --------------------------------------------------------------------------------------------------------- */

static void dump_all(void *arg)
{
	const struct gr_attr large = {.name = "large", .stack_bytes = gr__sched.knobs.stack_bytes * 2};

	(void)arg;
	fill_the_scene();
	gr_set_name("asker");
	gr_set_label("asks");
	gr_go_with(&large, wait_sending, NULL); /* has a stack, and has not begun */
	gr_go_named("unborn", wait_sending, NULL);
	gr_dump(STDERR_FILENO);
	_exit(0);
}

/* On its P's only M: the other one is off it, in the middle of its loop, when this one goes on. */
static void preempted(void *arg)
{
	static _Atomic uint32_t enough;

	(void)arg;
	gr_go_named("computer", compute_below, &enough);
	while (!load_relaxed(&begun))
		gr_yield();
	gr_sleep_ns(5 * MS);
	gr_dump(STDERR_FILENO);
	_exit(0);
}

static void quit(void *arg)
{
	(void)arg;
	fill_the_scene();
	gr_go_named("computer", compute_on, NULL);
	while (load_relaxed(&begun) < 2)
		gr_yield();
	kill(getpid(), SIGQUIT);
	for (;;)
		gr_sleep_ns(MS);
}

/* With the allocator's lock held, most of the time, by the thread that is interrupted. */
static void quit_in_malloc(void *arg)
{
	static void *volatile mem;

	(void)arg;
	signal(SIGALRM, SIG_DFL);
	if (fork() == 0) {
		usleep(3000 + getpid() % 7 * 500);
		kill(getppid(), SIGQUIT);
		_exit(0);
	}
	for (size_t i = 0;; i++) {
		mem = malloc(64 + i % 5000);
		free(mem);
	}
}

static void say_mine(int sig)
{
	static const char text[] = "mine\n";

	(void)sig;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(7);
}

static void quit_me(void *arg)
{
	(void)arg;
	kill(getpid(), SIGQUIT);
	for (;;)
		gr_sleep_ns(MS);
}

static void fatal(void *arg)
{
	static gr_mutex other;

	(void)arg;
	fill_the_scene();
	gr_mutex_unlock(&other);
	after = 1;
}

static void wait_as_many(void *arg)
{
	char c;

	fetch_add_relaxed(&begun, 1);
	gr_chan_recv(arg, &c);
	after = 1;
}

static void too_many(void *arg)
{
	(void)arg;
	if (gr_chan_new(1, 0, &empty))
		_exit(3);
	for (int i = 0; i < 1500; i++)
		gr_go_named("many", wait_as_many, empty);
	while (load_relaxed(&begun) < 1500) /* with one P, who has begun waits */
		gr_yield();
	for (int i = 0; i < 1500; i++)
		gr_go_named("unborn", wait_as_many, empty);
	gr_dump(STDERR_FILENO);
	_exit(0);
}

static void deep(void *arg)
{
	(void)arg;
	if (gr_chan_new(sizeof(int), 0, &empty))
		_exit(3);
	receive_deep(40);
	after = 1;
}

/* Waits for what has been freed since, has a name and a label that are nowhere. */
static void dangling(void *arg)
{
	char *name = strdup("gone");

	(void)arg;
	if (gr_chan_new(sizeof(int), 0, &empty))
		_exit(3);
	gr_go_named("receiver", wait_receiving, NULL);
	gr_set_name((const char *)16);
	gr_set_label((const char *)~(uintptr_t)0);
	gr_sleep_ns(20 * MS);
	free(name);
	gr_dump(STDERR_FILENO);
	_exit(0);
}

/* ---- deadlocks behind an idle poller --------------------------------------------------------------------------------- */

static void read_then_receive(void *arg)
{
	int v;
	char c;

	(void)!gr_sock_read(arg, &c, 1);
	gr_chan_recv(empty, &v);
	after = 1;
}

static void last_waiter_goes(void *arg)
{
	gr_sock *s;
	int v;

	(void)arg;
	if (pipe(pipe_fds) || gr_chan_new(sizeof(int), 0, &empty) || gr_sock_adopt(pipe_fds[0], &s))
		_exit(3);
	gr_go_named("reader", read_then_receive, s);
	gr_go_named("receiver", wait_receiving, NULL);
	gr_sleep_ns(20 * MS);
	/* Another M blocks in the poller, for the reader: the monitor sees to that. */
	while (gr_procs() > 1 && !load_relaxed(&gr__sched.poller))
		gr_pause();
	gr_sock_close(s);
	gr_chan_recv(empty, &v);
}

struct scene {
	const char *name;
	void (*fn)(void *);
	unsigned procs;
	const char *knobs;
};

static const struct scene scenes[] = {
	{"dump_all", dump_all, 1, NULL},
	{"preempted", preempted, 1, "slice_us=1000"},
	{"quit", quit, 2, NULL},
	{"quit_in_malloc", quit_in_malloc, 1, NULL},
	{"quit_mine", quit_me, 1, NULL},
	{"quit_off", quit_me, 1, "sigquit=0"},
	{"fatal", fatal, 2, NULL},
	{"too_many", too_many, 1, NULL},
	{"deep", deep, 1, NULL},
	{"dangling", dangling, 1, NULL},
	{"last_waiter_goes", last_waiter_goes, 2, NULL},
	{"last_waiter_goes/1", last_waiter_goes, 1, NULL},
	{"last_waiter_goes/4", last_waiter_goes, 4, NULL},
};

static void play(const char *name)
{
	alarm(60);
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		struct gr_config c = {.procs = scenes[i].procs, .knobs = scenes[i].knobs};

		if (strcmp(scenes[i].name, name) != 0)
			continue;
		if (!strcmp(name, "quit_mine"))
			signal(SIGQUIT, say_mine);
		if (gr_start(&c))
			_exit(4);
		gr_run(scenes[i].fn, NULL);
		_exit(5);
	}
	_exit(6);
}

/* ---- looking at what was said ------------------------------------------------------------------------------------------ */

static void play_anew(const void *name)
{
	become_anew(name, NULL);
}

static char said[SAID];

static int watch(const char *name)
{
	return child_says(play_anew, name, said, sizeof(said));
}

/* What was said of the G of that name: its line and the calls that follow it. */
static const char *of_g(const char *name)
{
	static char part[8192];
	char head[64];
	const char *line = said, *at;
	size_t n = 0;

	snprintf(head, sizeof(head), " (%s) [", name);
	for (; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *end = strchr(line, '\n');

		at = strstr(line, head);
		if (strncmp(line, "goroutine ", 10) || !at || (end && at > end))
			continue;
		for (const char *next = end; next && next[1] == '\t'; next = strchr(next + 1, '\n'))
			end = strchr(next + 1, '\n');
		n = end ? (size_t)(end - line) : strlen(line);
		if (n >= sizeof(part))
			n = sizeof(part) - 1;
		memcpy(part, line, n);
		part[n] = '\0';
		return part;
	}
	fail_msg("no goroutine %s in:\n%s", name, said);
	return "";
}

/* All the texts are there, in that order. NULL ends them. */
static void in_order(const char *text, ...)
{
	const char *at = text, *one;
	va_list ap;

	va_start(ap, text);
	while ((one = va_arg(ap, const char *))) {
		at = strstr(at, one);
		if (!at)
			fail_msg("'%s' is missing, or not where it belongs, in:\n%s", one, text);
		at += strlen(one);
	}
	va_end(ap);
}

static void assert_scene_is_told(void)
{
	in_order(of_g("receiver"), "[chan receive, ", " ms] to receive on channel 0x", " (capacity 0)\n",
		 "\tat receive_deep+", "\tat receive_deep+", "\tat receive_deep+", "\tat wait_receiving+",
		 "(test-gmp-dump)", "\tat g_main+", NULL);
	in_order(of_g("sender"), "[chan send, ", "] to send on channel 0x", " (capacity 2, 2 in it)",
		 "\tat wait_sending+", NULL);
	in_order(of_g("selector"), "[select, ", "] to receive on channel 0x", " (capacity 0), or to send on channel 0x",
		 "\tat wait_selecting+", NULL);
	in_order(of_g("locker"), "[mutex, ", " ms] {GET /index} to lock mutex 0x", " (locked, 1 wait)",
		 "\tat wait_locking+", NULL);
	in_order(of_g("group"), "[wait group, ", "] for wait group 0x", " (at 2)", "\tat wait_for_group+", NULL);
	in_order(of_g("doer"), "[semaphore, ", "] for a permit of semaphore 0x", "\tat do_it+", "\tat wait_for_once+",
		 NULL);
	in_order(of_g("once"), "[once, ", "] for once 0x", " (goroutine ", " does it)", "\tat wait_for_once+", NULL);
	in_order(of_g("condition"), "[cond, ", "] on condition 0x", "\tat wait_on_condition+", NULL);
	in_order(of_g("rwmutex"), "[rwmutex read, ", "] to lock for reading rwmutex 0x", "\tat wait_to_read_lock+",
		 NULL);
	in_order(of_g("reader"), "[I/O read, ", "] to read from descriptor ", "\tat wait_reading+", NULL);
	in_order(of_g("sleeper"), "[sleep, ", "] for 3599", " ms more", "\tat wait_sleeping+", NULL);
	in_order(of_g("caller"), "[syscall, ", "\tat gr_read_blocking+", "\tat wait_in_call+", "\tat g_main+", NULL);
	/* The one that has waited longest first. */
	in_order(said, "(receiver) [chan receive", "(sender) [chan send", NULL);
	in_order(said, "\n2 goroutines wait to send on channel 0x", " in it): ", "(sender)", "(selector) in a select",
		 NULL);
	in_order(said, "\n2 goroutines wait to receive on channel 0x", "(selector) in a select", NULL);
	in_order(said, "\n1 goroutine waits to lock mutex 0x", " (locker)\n", NULL);
	in_order(said, "\n1 goroutine waits for once 0x", " (once)\n", NULL);
	in_order(said, "\n1 goroutine waits to read from descriptor ", " (reader)\n", NULL);
	assert_null(strstr(said, "for time to pass"));
}

static void every_wait_is_explained(void **state)
{
	(void)state;
	int status = watch("dump_all");

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	in_order(said, "goroutine ", NULL);
	assert_ptr_equal(strstr(said, "goroutine "), said);
	in_order(of_g("asker"), "[running] {asks} on M ", "\tat dump_all+", "\tat run_main+", "\tat g_main+", NULL);
	assert_true(strstr(said, "(asker)") < strstr(said, "(receiver)")); /* who asks comes first */
	in_order(of_g("large"), "[runnable]", "\tnot begun\n\tat wait_sending+0 (", NULL);
	in_order(said, "goroutine new (unborn) [runnable, not begun]\n", NULL);
	assert_scene_is_told();
}

static void who_was_preempted_is_shown_where_it_was(void **state)
{
	(void)state;
	if (strchr(gr__preempt_state(), '(')) /* cannot be here */
		skip();
	int status = watch("preempted");

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	in_order(of_g("computer"), "[runnable]", "\tat compute_marked+", "\tat g_main+", NULL);
}

static void sigquit_dumps_and_ends_with_2(void **state)
{
	(void)state;
	if (GR_TSAN)
		skip(); /* it delivers a signal when the thread next calls the libc, and one that computes never does */
	int status = watch("quit");

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	in_order(said, "gr: SIGQUIT\ngoroutine ", NULL);
	in_order(of_g("computer"), "[running]", NULL);
	assert_scene_is_told();
}

static void sigquit_needs_no_allocator(void **state)
{
	(void)state;
	if (GR_ASAN || GR_TSAN)
		skip(); /* their allocators are not the libc's, and a process of theirs cannot fork */
	for (int i = 0; i < 20; i++) {
		int status = watch("quit_in_malloc");

		if (!WIFEXITED(status) || WEXITSTATUS(status) != 2)
			fail_msg("status %#x, said: %s", (unsigned)status, said);
		in_order(of_g("main"), "[running]", NULL);
	}
}

static void sigquit_is_the_programs_if_it_wants_it(void **state)
{
	(void)state;
	int status = watch("quit_mine");

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_int_equal(strcmp(said, "mine\n"), 0);
	status = watch("quit_off");
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGQUIT);
	assert_null(strstr(said, "goroutine")); /* an emulator says something itself */
}

static void sigquit_is_as_before_after_the_end(void **state)
{
	const struct gr_config c = {.procs = 1};
	struct sigaction now;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(gr_start(&c), 0);
		assert_int_equal(sigaction(SIGQUIT, NULL, &now), 0);
		assert_true(now.sa_flags & SA_SIGINFO);
		gr_stop();
		assert_int_equal(sigaction(SIGQUIT, NULL, &now), 0);
		assert_true(!(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL);
	}
	signal(SIGQUIT, SIG_IGN);
	assert_int_equal(gr_start(&c), 0);
	gr_stop();
	assert_int_equal(sigaction(SIGQUIT, NULL, &now), 0);
	assert_true(now.sa_handler == SIG_IGN);
	signal(SIGQUIT, SIG_DFL);
}

static void fatal_shows_who_did_it_first(void **state)
{
	(void)state;
	int status = watch("fatal");

	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	in_order(said, "gr: gr_mutex_unlock: the mutex is not locked (g ", ")\ngoroutine ", "(main) [running]",
		 "\tat fatal+", "\tat run_main+", "goroutine ", NULL);
	assert_scene_is_told();
}

static size_t lines_with(const char *text)
{
	size_t n = 0;

	for (const char *at = said; (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

static void many_are_counted(void **state)
{
	(void)state;
	if (GR_ASAN || GR_TSAN)
		skip(); /* so many stacks are too many for them */
	int status = watch("too_many");

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(lines_with("(many) [chan receive"), 999);
	in_order(said, "\n... and 501 more goroutines\n", "... and 500 more that have not begun\n",
		 "1500 goroutines wait to receive on channel 0x", " (many) and 1484 more\n", NULL);
	assert_int_equal(lines_with("(unborn) [runnable, not begun]"), 1000);
}

static void deep_calls_are_cut_in_the_middle(void **state)
{
	(void)state;
	int status = watch("deep");

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2); /* a deadlock */
	in_order(of_g("main"), "\tat receive_deep+", "\n\t... ", " more\n", "\tat receive_deep+", "\tat deep+",
		 "\tat run_main+", "\tat g_main+", NULL);
	assert_int_equal(lines_with("\tat "), GR__FRAMES_FIRST + GR__FRAMES_LAST);
}

static void what_is_gone_is_survived(void **state)
{
	(void)state;
	if (getenv("TEST_EMULATOR"))
		skip(); /* cannot tell what is readable: os.h */
	int status = watch("dangling");

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	in_order(said, " (?) [running] {?}", NULL);
}

static void deadlock_is_seen(const char *scene)
{
	int status = watch(scene);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 2)
		fail_msg("%s: status %#x, said: %s", scene, (unsigned)status, said);
	in_order(said, "gr: all goroutines are asleep - deadlock\n", " goroutines wait to receive on channel 0x",
		 " (capacity 0): ", "\ngoroutine ", NULL);
}

static void deadlock_is_seen_behind_an_idle_poller(void **state)
{
	(void)state;
	for (int i = 0; i < (GR_TSAN ? 1 : 5); i++) {
		deadlock_is_seen("last_waiter_goes");
		assert_non_null(strstr(said, "3 goroutines wait to receive on channel"));
		deadlock_is_seen("last_waiter_goes/1");
		deadlock_is_seen("last_waiter_goes/4");
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_wait_is_explained),
		cmocka_unit_test(who_was_preempted_is_shown_where_it_was),
		cmocka_unit_test(sigquit_dumps_and_ends_with_2),
		cmocka_unit_test(sigquit_needs_no_allocator),
		cmocka_unit_test(sigquit_is_the_programs_if_it_wants_it),
		cmocka_unit_test(sigquit_is_as_before_after_the_end),
		cmocka_unit_test(fatal_shows_who_did_it_first),
		cmocka_unit_test(many_are_counted),
		cmocka_unit_test(deep_calls_are_cut_in_the_middle),
		cmocka_unit_test(what_is_gone_is_survived),
		cmocka_unit_test(deadlock_is_seen_behind_an_idle_poller),
	};

	if (argc > 1)
		play(argv[1]);
	return cmocka_run_group_tests_name("gmp/dump", tests, NULL, NULL);
}
