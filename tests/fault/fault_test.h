/*
 * fault_test.h - what the fault tests share: a workload with a certificate, checks inside of Gs, and an end to hanging.
 *
 * The certificate: each G that gr_go has accepted adds its number to a sum when it is through. Whatever failed
 * meanwhile, the sum over those accepted must come out, or one was lost or ran twice.
 */
#ifndef FAULT_TEST_H
#define FAULT_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gr.h"
#include "inject.h"
#include "san.h"

/*
 * cmocka's asserts jump, which must not happen on a G's stack: in Gs this one, and `errors` is asserted afterwards.
 * Without the libc's formatting, which wants more stack than there may be left, and may be refused.
 */
static _Atomic int errors;
#define LINE_TEXT_(line) #line
#define LINE_TEXT(line) LINE_TEXT_(line)
#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		static const char text_[] = __FILE__ ":" LINE_TEXT(__LINE__) ": not true: " #condition "\n";           \
                                                                                                                       \
		if (!(condition)) {                                                                                    \
			atomic_fetch_add(&errors, 1);                                                                  \
			while (write(STDERR_FILENO, text_, sizeof(text_) - 1) < 0 && errno == EINTR)                   \
				;                                                                                      \
		}                                                                                                      \
	} while (0)

/* What is being tried, for the message of a run that hangs or fails. */
static char trying[128];

static void on_alarm(int sig)
{
	const char *text = trying;

	(void)sig;
	inject_disarm();
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		_exit(1);
	gr_dump(STDERR_FILENO);
	abort();
}

static inline void fault_test_begin(void)
{
	const struct gr_config config = {.procs = 1};

	signal(SIGALRM, on_alarm);
	alarm(110);
	/* Threads that a sanitizer starts for itself, with the first of ours, do not count. */
	if (gr_start(&config) == 0)
		gr_stop();
}

struct certificate {
	_Atomic uint64_t promised, kept;
	gr_wg left;
};

static inline void keep_promise(struct certificate *c, uint64_t number)
{
	atomic_fetch_add(&c->kept, number);
	gr_wg_done(&c->left);
}

/* A new G that will keep_promise(number). Returns what gr_go does. */
static inline int promise(struct certificate *c, uint64_t number, void (*fn)(void *), void *arg)
{
	int err;

	gr_wg_add(&c->left, 1);
	err = gr_go(fn, arg);
	if (err)
		gr_wg_done(&c->left);
	else
		atomic_fetch_add(&c->promised, number);
	return err;
}

static inline void check_certificate(struct certificate *c)
{
	gr_wg_wait(&c->left);
	CHECK(c->promised == c->kept);
}

#endif
