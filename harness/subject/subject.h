/*
 * subject.h - a subject process from within: shared by main.c, talk.c, runner.c and warmup.c, and by nobody else.
 *
 * Two OS threads belong to the harness's side. The main thread speaks the protocol and never runs a body. The runner
 * starts the model, runs the body in it as often as the cell needs (warm-up, calibration, the recorded run) and stops
 * the model; all of the model's own threads are its offspring. They meet in the mailbox only.
 *
 * Why the main thread does not run the model itself: a model may block the thread that enters it, and begin, end and
 * snapshot have to reach the harness while the model runs. And why the runner is one thread for all runs: a model's
 * start, entry and stop may be bound to one thread.
 *
 * S1: between begin and end the main thread sleeps in one poll(2); it wakes when the body asks or the harness dies.
 * S2: when standard input ends early the harness is gone, and the process exits at once, whatever the model does.
 * S3: everything that can be refused is refused before setup() has touched the machine.
 */
#ifndef SUBJECT_SUBJECT_H
#define SUBJECT_SUBJECT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "harness/base/clock.h"
#include "harness/base/epochs.h"
#include "harness/base/err.h"
#include "harness/base/jsonline.h"
#include "harness/base/usage.h"
#include "harness/subject/mailbox.h"
#include "harness/subject/protocol.h"
#include "harness/subject/style.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* All of it belongs to the main thread, except what style.h and mailbox.h give to the runner. */
struct subject {
	struct jsonline in;
	struct run_request request;
	struct bench *b; /* in request.cell */
	const struct bench_workload *w;
	const struct bench_body *body;
	struct mailbox box;
	pthread_t runner;
	bool watches_input; /* the harness still owes a line, so the end of input means that it is gone */
	int listen_port; /* servers: of the socket that bench_serving named */
	uint64_t setup_ns; /* setup() and the model's start */
	uint64_t helper_ns; /* CPU time of b->helper_pid when the region began */
	int trace_status; /* of beginning the trace and of writing it: 0 or -errno */
	unsigned threads; /* of this process, at end or at the latest snapshot */
	struct style_counters before, after; /* around the region; where there is none, around the run */
	struct epochs epochs; /* of the warm-up */
};

/* ---- talk.c: with the harness ---------------------------------------------------------------------- */

/* Say one message; takes the reference. */
void subject_say(json_t *msg);

/* EXIT_FAILED, for the caller to return. */
int subject_say_error(const char *why);

/* The harness broke the protocol, which no model can mend: say so and end. */
_Noreturn void subject_refuse(const char *why);

/* Read the next command and give back its name, which lives until *line is released. */
const char *subject_read_command(struct subject *s, json_t **line);
void subject_expect_command(struct subject *s, const char *wanted);

enum event {
	EVENT_MAIL, /* the body asks something */
	EVENT_SERVING, /* bench_serving was called */
	EVENT_COMMAND, /* the harness has sent a line, or has gone */
};

/*
 * Sleep until the body or, where `wants_command`, the harness has something to say. Without wants_command standard
 * input is watched for its end only (poll reports POLLHUP unasked), and lines wait in the pipe.
 */
enum event subject_next_event(struct subject *s, bool wants_command, enum mail *mail);

/* ---- runner.c: the model, and the body in it --------------------------------------------------------- */

/* Start the runner and the model in it. 0, or -errno with b->why and no runner. */
int runner_start(struct subject *s);

/* The runner is idle: let it stop the model, and wait for that. */
void runner_stop(struct subject *s);

/* The runner is idle: let it run the body once. */
void runner_order(struct subject *s, bool is_recorded);

/* Run the body once and serve its requests. Its status; a failure always has b->why. */
int runner_run(struct subject *s, bool is_recorded);

/* Parts of that which servers use, too. */
json_t *runner_end_message(uint64_t wall_ns, const struct usage *later, const struct usage *earlier);
void runner_on_snapshot(struct subject *s);

/* ---- warmup.c: what is run before -------------------------------------------------------------------- */

/* The warm-up of a cell that is not a server and has a region: s->epochs. 0, or < 0 with b->why. */
int warmup_run(struct subject *s);

#endif
