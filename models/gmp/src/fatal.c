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
#include "grow.h"
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

struct last_words {
	const struct gr__place *at;
	const char *fmt;
	va_list *ap;
	bool is_ours;
};

static void tell(void *arg)
{
	const struct last_words *l = arg;
	unsigned long long id = gr_id();
	char text[400];

	if (!begin_end())
		abort();
	vsnprintf(text, sizeof(text), l->fmt, *l->ap);
	if (l->is_ours)
		say("gr: internal error: %s\n", text);
	else if (id)
		say("gr: %s (g %llu)\n", text, id);
	else
		say("gr: %s\n", text);
	end_by_abort(own_g(), l->at);
}

/* gr__fatal and gr__throw take no floating point, so nothing of theirs need be saved for it. */
#if defined(__x86_64__)
#define NO_FLOATS __attribute__((target("general-regs-only")))
#else
#define NO_FLOATS
#endif

/* Where there is room for it; so that a debugger shows the stack, on that of the caller if it can be. */
static _Noreturn void tell_somewhere(struct last_words *l)
{
	if (gr__limit())
		gr__on_g0(tell, l);
	else
		tell(l);
	abort();
}

__attribute__((noinline)) NO_FLOATS void gr__fatal(const char *fmt, ...)
{
	const struct gr__place at = GR__CALLER();
	va_list ap;

	va_start(ap, fmt);
	tell_somewhere(&(struct last_words){&at, fmt, &ap, false});
}

__attribute__((noinline)) NO_FLOATS void gr__throw(const char *fmt, ...)
{
	const struct gr__place at = GR__CALLER();
	va_list ap;

	va_start(ap, fmt);
	tell_somewhere(&(struct last_words){&at, fmt, &ap, true});
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
	if (g->seg)
		say("gr: stack overflow of goroutine %llu (%s); code without checks wanted more than the %zu bytes of "
		    "a "
		    "segment of its stack, guard included\n",
		    (unsigned long long)load_relaxed(&g->id), name ? name : "no name", gr__stack_bytes(g->seg));
	else
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
