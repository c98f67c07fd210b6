/*
 * fatal.c - the end of a process: by a bug of the caller, by one of ours, by a deadlock, by a stack that is too small, by
 * SIGQUIT. A sentence, then the G that did it and all others.
 *
 * Several threads may come to their end at the same time, and an end may meet another while it tells of itself: the first
 * one tells, the others wait for it to end them all.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump.h"
#include "os.h"
#include "out.h"
#include "trace.h"

static _Atomic(pthread_t) teller; /* who tells; 0: nobody yet */

/* False: this thread was telling already, when something else happened to it. Others do not come back. */
static bool begin_end(void)
{
	pthread_t nobody = 0;

	if (cas_strong_acq_rel(&teller, &nobody, pthread_self()))
		return true;
	if (pthread_equal(nobody, pthread_self()))
		return false;
	for (;;)
		gr__os_sleep_ns(1000000000);
}

static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	char text[500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	gr__out_write(STDERR_FILENO, text, strlen(text));
}

/* The calling G, NULL: none, or it is being switched. */
static const struct gr_g *own_g(void)
{
	struct gr_m *m = gr__m();

	return m ? m->curg : NULL;
}

static _Noreturn void end_by_abort(const struct gr_g *g, const struct gr__place *at)
{
	gr__dump(STDERR_FILENO, GR__DUMP_FATAL, g, at);
	gr__trace_rescue();
	abort();
}

__attribute__((noinline)) void gr__fatal(const char *fmt, ...)
{
	const struct gr__place at = GR__CALLER();
	unsigned long long id = gr_id();
	char text[400];
	va_list ap;

	if (!begin_end())
		abort();
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (id)
		say("gr: %s (g %llu)\n", text, id);
	else
		say("gr: %s\n", text);
	end_by_abort(own_g(), &at);
}

__attribute__((noinline)) void gr__throw(const char *fmt, ...)
{
	const struct gr__place at = GR__CALLER();
	char text[400];
	va_list ap;

	if (!begin_end())
		abort();
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("gr: internal error: %s\n", text);
	end_by_abort(own_g(), &at);
}

void gr__deadlock(void)
{
	if (!begin_end())
		abort();
	say("gr: all goroutines are asleep - deadlock\n");
	gr__dump(STDERR_FILENO, GR__DUMP_DEADLOCK, NULL, NULL);
	gr__trace_rescue();
	_exit(2);
}

void gr__stack_overflow(const struct gr_g *g, uintptr_t pc, uintptr_t fp)
{
	const struct gr__place at = {pc, fp, false};
	const char *name = load_relaxed(&g->name);

	if (!begin_end())
		abort();
	say("gr: stack overflow of goroutine %llu (%s); its stack has %zu bytes, guard included\n",
	    (unsigned long long)load_relaxed(&g->id), name ? name : "no name", gr__stack_bytes(g));
	end_by_abort(g, &at);
}

void gr__quit(uintptr_t pc, uintptr_t fp)
{
	const struct gr__place at = {pc, fp, false};

	if (!begin_end())
		return; /* it is being told of */
	say("gr: SIGQUIT\n");
	gr__dump(STDERR_FILENO, GR__DUMP_ALL, own_g(), &at);
	gr__trace_rescue();
	_exit(2);
}
