/*
 * mailbox.h - how a body reaches the main OS thread, and how the main thread lets it go on.
 *
 * The main thread has to wait for three things at once: a request of the body, a command of the harness on standard
 * input, and the end of that input (the harness is gone). So requests are announced through an eventfd, which
 * poll(2) can wait for. The body waits for one thing only, the answer, and does so in a futex: that blocks its OS
 * thread and nothing else, whatever the model is. A pthread condition was rejected for the way down because it
 * cannot be polled, and for the way up because a goroutine that waits in one would hold a mutex of libc across the
 * wait.
 *
 *      body                                       main thread
 *      ----                                       -----------
 *      1  claims the slot, fills the arguments    1  poll: wake_fd is readable; reads it
 *      2  request = R              (release)      2  takes request                   (acquire)
 *      3  writes wake_fd                          3  does what R asks, writes the reply
 *      4  waits while answers is unchanged        4  answers++                       (release)
 *         (acquire)                               5  futex wake
 *
 * A wake-up cannot be lost: in the one direction the eventfd remembers it, in the other one the futex call compares
 * `answers` with the value that the body read before its step 2.
 *
 * I1: at most one request is under way; a second one is a bug of the workload and dies with a sentence.
 * I2: the main thread touches the arguments between its steps 2 and 4 only, the body outside its 2 to 4 only.
 */
#ifndef SUBJECT_MAILBOX_H
#define SUBJECT_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/hist.h"
#include "harness/base/usage.h"
#include "harness/subject/bench.h"

enum mail {
	MAIL_NONE,
	MAIL_CLAIMED, /* a body fills the arguments; nothing to take yet */
	MAIL_IDLE, /* the runner has started the model or has ended a run, and wants its next order */
	MAIL_BEGIN, /* bench_begin */
	MAIL_END, /* bench_end */
	MAIL_SNAPSHOT, /* bench_snapshot */
};

enum order {
	ORDER_RUN, /* run the body once */
	ORDER_QUIT, /* leave the model and stop it */
};

/* What the body has stamped in its latest run. */
struct region {
	bool has_begun, has_ended;
	uint64_t begin_ns, end_ns;
	struct usage begin_usage, end_usage;
};

/* What bench_figure was told in the latest run. */
struct figures {
	size_t n;
	const char *names[BENCH_MAX_FIGURES]; /* of static duration */
	double values[BENCH_MAX_FIGURES];
};

/* bench.priv */
struct mailbox {
	/* immutable after mailbox_init */
	int wake_fd; /* eventfd: the body writes, the main thread polls and reads */
	int stop_fd; /* servers: eventfd in semaphore mode, readable for good after mailbox_stop; else -1 */
	bool is_server; /* */

	/* written by the main thread before it orders a run */
	bool is_recorded; /* begin, end and snapshot reach the harness; else only the stamps are taken */

	/* atomic, any thread */
	_Atomic uint32_t request; /* enum mail: step 2 of both sides */
	_Atomic uint32_t answers; /* futex word: step 4 of both sides */
	_Atomic int serving_port; /* bench_serving's port until the main thread takes it, else -1; it needs no answer */

	/* arguments and replies, I2 */
	int status; /* MAIL_IDLE: of the run that has ended */
	const char *snapshot_name; /* MAIL_SNAPSHOT */
	uint64_t live_tasks; /* MAIL_SNAPSHOT */
	enum order order; /* reply to MAIL_IDLE */
	struct region region; /* zeroed by the main thread before each run, filled by the body */
	struct figures figures; /* likewise */
	struct hist delays; /* likewise: what bench_delay counted; a page of it is memory when it is first touched */
};

/* 0 or -errno. */
int mailbox_init(struct mailbox *m, bool is_server);
void mailbox_free(struct mailbox *m);

/* Body side: the slot is this task's, which may fill the arguments now (step 1). I1. */
void mailbox_claim(struct mailbox *m);

/* Body side, the slot is claimed: post the request and block the calling OS thread until it is answered. */
void mailbox_call(struct mailbox *m, enum mail request);

/* Main side: make wake_fd unreadable until the next announcement. To be called before the looks below. */
void mailbox_clear_wake(struct mailbox *m);

/* Main side: the request that waits for mailbox_answer, or MAIL_NONE. */
enum mail mailbox_take(struct mailbox *m);

/* Main side: true once per call of bench_serving, with the port of its socket. */
bool mailbox_take_serving(struct mailbox *m, int *port);

/* Main side: answer the request that was taken. */
void mailbox_answer(struct mailbox *m);

/* Main side: make stop_fd readable. 0 or -errno. */
int mailbox_stop(struct mailbox *m);

#endif
