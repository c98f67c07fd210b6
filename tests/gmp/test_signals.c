/*
 * test_signals.c - signals and the runtime: faults that are not the runtime's go where they would go without it, Ms take
 * the signals that gr_start's thread takes, and gr_dump may be called from a handler at any time.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "child.h"
#include "internal.h"
#include "san.h"

enum { MINE = 3, SURVIVED = 5 };

static void nothing(void *arg)
{
	(void)arg;
}

static void start(unsigned procs)
{
	struct gr_config c = {.procs = procs};

	if (gr_start(&c))
		_exit(9);
}

/* ---- faults, in child processes ---------------------------------------------------------------------------- */

static void handle(int sig)
{
	(void)sig;
	_exit(MINE);
}

static void sent_by_somebody(void)
{
	start(1);
	gr_run(nothing, NULL);
	raise(SIGSEGV); /* no access to be repeated: it must not be forgotten */
}

static void handler_set_before(void)
{
	signal(SIGSEGV, handle);
	start(1);
	gr_run(nothing, NULL);
	raise(SIGSEGV);
}

static void handler_set_meanwhile(void)
{
	start(1);
	signal(SIGSEGV, handle);
	gr_run(nothing, NULL);
	gr_stop();
	raise(SIGSEGV);
}

static void ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	start(1);
	raise(SIGSEGV);
	gr_stop();
	raise(SIGSEGV);
}

static void begin_child(const void *arg)
{
	void (*const *child)(void) = arg;

	signal(SIGSEGV, SIG_DFL); /* not the test's */
	(*child)();
	_exit(SURVIVED);
}

static int end_of(void (*child)(void))
{
	char said[64];
	int status = child_says(begin_child, &child, said, sizeof(said));

	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void faults_go_where_they_belong(void **state)
{
	(void)state;
	if (GR_ASAN || GR_TSAN)
		skip(); /* their handlers are in between */
	assert_int_equal(end_of(sent_by_somebody), -SIGSEGV);
	assert_int_equal(end_of(handler_set_before), MINE);
	assert_int_equal(end_of(handler_set_meanwhile), MINE);
	assert_int_equal(end_of(ignored), SURVIVED);
}

/* ---- a dump from a handler ---------------------------------------------------------------------------------- */

static _Atomic uint32_t dumps, ended, dumps_go_on;
static int nowhere;

/* The next dump, some time after this one has ended: where one takes longer than that, something else is done too. */
static void ask_for_dump(void)
{
	const struct itimerval soon = {{0, 0}, {0, 500}};

	setitimer(ITIMER_REAL, &soon, NULL);
}

static void dump(int sig)
{
	(void)sig;
	gr_dump(nowhere);
	fetch_add_relaxed(&dumps, 1);
	if (load_relaxed(&dumps_go_on))
		ask_for_dump();
}

static void end_at_once(void *arg)
{
	(void)arg;
	fetch_add_release(&ended, 1);
}

enum { ROUNDS = GR_TSAN ? 20 : 400, EACH = 500 };

/* So many that stacks and credit go back and forth under the locks that the handler meets. */
static void come_and_go(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		store_relaxed(&ended, 0);
		for (int k = 0; k < EACH; k++)
			if (gr_go(end_at_once, NULL))
				return;
		while (load_acquire(&ended) < EACH)
			gr_yield();
	}
}

/* Hangs where a dump waits for a lock that the interrupted thread holds. */
static void dumps_from_a_handler(void **state)
{
	const struct itimerval never = {{0, 0}, {0, 0}};
	struct sigaction sa = {.sa_handler = dump, .sa_flags = SA_RESTART | SA_ONSTACK};

	(void)state;
	nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_true(nowhere >= 0);
	for (unsigned procs = 1; procs <= 2; procs++) {
		store_relaxed(&dumps, 0);
		start(procs);
		sigaction(SIGALRM, &sa, NULL);
		store_relaxed(&dumps_go_on, 1);
		ask_for_dump();
		gr_run(come_and_go, NULL);
		store_relaxed(&dumps_go_on, 0);
		gr_stop(); /* who was in the handler has left it */
		setitimer(ITIMER_REAL, &never, NULL);
		assert_int_equal(load_relaxed(&ended), EACH);
	}
	signal(SIGALRM, SIG_DFL);
	close(nowhere);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_go_where_they_belong), /* first: it forks, and there are no threads yet */
		cmocka_unit_test(dumps_from_a_handler),
	};

	return cmocka_run_group_tests_name("gmp/signals", tests, NULL, NULL);
}
