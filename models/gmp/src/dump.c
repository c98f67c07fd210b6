/*
 * dump.c - what is going on, for people: all Gs, the sentence of a fatal error, the deadlock message.
 *
 * Everything is formatted on the own stack and written with write(2): a dump may be made when memory is exhausted or
 * a lock of the libc is held. The Gs go on running, so a dump is a picture with a long exposure.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

static const char *const wait_names[] = {
#define TEXT(name, text) text,
	GR__WAITS(TEXT)
#undef TEXT
};

static const char *const state_names[] = {"free", "runnable", "running", "waiting", "syscall"};

static void put(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t done = write(fd, text, n);

		if (done <= 0)
			return; /* nobody to tell */
		text += done;
		n -= (size_t)done;
	}
}

static void __attribute__((format(printf, 2, 3))) say(int fd, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n > 0)
		put(fd, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

struct dump {
	int fd;
	int64_t now_ns;
};

static void dump_g(struct gr_g *g, void *arg)
{
	struct dump *d = arg;
	uint32_t state = load_relaxed(&g->state), wait = load_relaxed(&g->wait);
	const char *name = load_relaxed(&g->name), *what;
	int64_t age_ms = (d->now_ns - load_relaxed(&g->since_ns)) / 1000000;

	if (state == GR__G_FREE || state >= ARRAY_LEN(state_names))
		return; /* ended meanwhile */
	what = state == GR__G_WAITING && wait < ARRAY_LEN(wait_names) ? wait_names[wait] : state_names[state];
	say(d->fd, "goroutine %llu", (unsigned long long)load_relaxed(&g->id));
	if (name)
		say(d->fd, " (%s)", name);
	if ((state == GR__G_WAITING || state == GR__G_SYSCALL) && age_ms > 0)
		say(d->fd, " [%s, %lld ms]\n", what, (long long)age_ms);
	else
		say(d->fd, " [%s]\n", what);
}

/* It gets its number when it begins. */
static void dump_birth(const struct gr__birth *b, void *arg)
{
	struct dump *d = arg;

	if (b->name)
		say(d->fd, "goroutine new (%s) [runnable, not begun]\n", b->name);
	else
		say(d->fd, "goroutine new [runnable, not begun]\n");
}

void gr_dump(int fd)
{
	struct dump d = {fd, gr__now_ns()};

	gr__stacks_each(dump_g, &d);
	gr__births_each(dump_birth, &d);
}

void gr__fatal(const char *fmt, ...)
{
	char text[400];
	va_list ap;
	unsigned long long id = gr_id();

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (id)
		say(STDERR_FILENO, "gr: %s (g %llu)\n", text, id);
	else
		say(STDERR_FILENO, "gr: %s\n", text);
	abort();
}

void gr__throw(const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(STDERR_FILENO, "gr: internal error: %s\n", text);
	gr_dump(STDERR_FILENO);
	abort();
}

void gr__deadlock(void)
{
	say(STDERR_FILENO, "gr: all goroutines are asleep - deadlock\n");
	gr_dump(STDERR_FILENO);
	_exit(2);
}

void gr__stack_overflow(const struct gr_g *g)
{
	const char *name = load_relaxed(&g->name);

	say(STDERR_FILENO, "gr: stack overflow of goroutine %llu (%s); its stack has %zu bytes, guard included\n",
	    (unsigned long long)load_relaxed(&g->id), name ? name : "no name", gr__stack_bytes(g));
	abort();
}
