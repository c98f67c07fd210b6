/*
 * main.c - a subject process: one model, all workloads, one cell per process (docs/subject-protocol.md).
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
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/jsonline.h"
#include "harness/base/usage.h"
#include "harness/subject/mailbox.h"
#include "harness/subject/protocol.h"
#include "harness/subject/registry.h"
#include "harness/subject/style.h"

#include "build_info.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define TOO_SLOW_NS (UINT64_C(5) * CLOCK_NS_PER_SEC)
enum {
	CALIBRATE_FIRST_OPS = 64, /* arbitrary: microseconds for every operation that is worth measuring */
	CALIBRATE_GROWTH = 4,
	WARMUP_SHARE = 10, /* a linear warm-up does a tenth of the ops */
};

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
	unsigned threads; /* of this process, at end or at the latest snapshot */
	struct style_counters before, after; /* around the region; where there is none, around the run */
};

/* ---- talking to the harness ----------------------------------------------------------------------- */

/* S2. Not exit(): the model's threads may be anywhere. */
static _Noreturn void exit_orphaned(void)
{
	static const char text[] = "subject: the harness has closed the pipe\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(EXIT_FAILED); /* nobody listens there either */
	_exit(EXIT_FAILED);
}

/* Say one message; takes the reference. */
static void say(json_t *msg)
{
	int status = msg ? jsonline_write(STDOUT_FILENO, msg, -1) : -ENOMEM;

	json_decref(msg);
	if (status == -EPIPE)
		exit_orphaned();
	if (status < 0) {
		fprintf(stderr, "subject: cannot write to standard output: %s\n", strerror(-status));
		_exit(EXIT_FAILED);
	}
}

static int say_error(const char *why)
{
	say(json_pack("{s:s,s:s}", "msg", "error", "why", why));
	return EXIT_FAILED;
}

/* The harness broke the protocol, which no model can mend: say so and end. */
static _Noreturn void refuse(const char *why)
{
	say_error(why);
	_exit(EXIT_FAILED);
}

/* Read the next command and give back its name, which lives until *line is released. */
static const char *read_command(struct subject *s, json_t **line)
{
	struct err e;
	const char *name;
	int status = jsonline_read_object(&s->in, -1, line, &e);

	if (status == 0)
		exit_orphaned();
	if (status < 0)
		refuse(e.why);
	name = json_string_value(json_object_get(*line, "cmd"));
	if (!name)
		refuse("a line of the harness has no \"cmd\"");
	return name;
}

static void expect_command(struct subject *s, const char *wanted)
{
	json_t *line;
	const char *name = read_command(s, &line);

	if (strcmp(name, wanted) != 0) {
		struct err e;

		err_set(&e, 0, "expected the command \"%s\", not \"%.32s\"", wanted, name);
		refuse(e.why);
	}
	json_decref(line);
}

/* ---- waiting ------------------------------------------------------------------------------------ */

enum event {
	EVENT_MAIL, /* the body asks something */
	EVENT_SERVING, /* bench_serving was called */
	EVENT_COMMAND, /* the harness has sent a line, or has gone */
};

static bool input_is_unread(const struct subject *s)
{
	int bytes = 0;

	return s->in.start < s->in.end || (ioctl(STDIN_FILENO, FIONREAD, &bytes) == 0 && bytes > 0);
}

/*
 * Sleep until the body or, where `wants_command`, the harness has something to say. Without wants_command standard
 * input is watched for its end only (poll reports POLLHUP unasked), and lines wait in the pipe.
 */
static enum event next_event(struct subject *s, bool wants_command, enum mail *mail)
{
	for (;;) {
		struct pollfd p[2] = {{.fd = s->box.wake_fd, .events = POLLIN}, {.fd = -1}};

		if (mailbox_take_serving(&s->box, &s->listen_port))
			return EVENT_SERVING;
		*mail = mailbox_take(&s->box);
		if (*mail != MAIL_NONE)
			return EVENT_MAIL;
		if (wants_command && jsonline_pending(&s->in))
			return EVENT_COMMAND;
		if (s->watches_input || wants_command)
			p[1].fd = STDIN_FILENO;
		if (wants_command)
			p[1].events = POLLIN;
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			err_fatal("poll in the main thread failed with errno %d", errno);
		mailbox_clear_wake(
			&s->box); /* before the next look at the requests: what comes later wakes poll again */
		if (!p[1].revents)
			continue;
		if (wants_command)
			return EVENT_COMMAND;
		if (!input_is_unread(s))
			exit_orphaned();
		s->watches_input = false; /* the rest is here already: a script on a pipe, not the harness */
	}
}

/* ---- the runner --------------------------------------------------------------------------------- */

static void runner_root(void *arg)
{
	struct subject *s = arg;
	int status = 0;

	for (;;) {
		mailbox_claim(&s->box);
		s->box.status = status;
		mailbox_call(&s->box, MAIL_IDLE);
		if (s->box.order == ORDER_QUIT)
			return;
		status = style_run(s->b, s->body);
	}
}

static void *runner_main(void *arg)
{
	struct subject *s = arg;
	int status = style_start(s->b, s->request.cell.knobs);

	if (status < 0) {
		mailbox_claim(&s->box);
		s->box.status = status;
		mailbox_call(&s->box, MAIL_IDLE);
		return NULL;
	}
	style_enter(s->b, runner_root, s);
	style_stop(s->b);
	return NULL;
}

/* Start the runner and the model in it. 0, or -errno with b->why and no runner. */
static int start_runner(struct subject *s)
{
	enum mail mail;
	int status = mailbox_init(&s->box, s->w->scaling == BENCH_SERVER);

	if (status < 0)
		return bench_fail(s->b, status, "cannot make an eventfd: %s", strerror(-status));
	s->b->priv = &s->box;
	status = -pthread_create(&s->runner, NULL, runner_main, s);
	if (status < 0) {
		mailbox_free(&s->box);
		return bench_fail(s->b, status, "cannot create the runner thread: %s", strerror(-status));
	}
	s->watches_input = true;
	(void)next_event(s, false, &mail); /* MAIL_IDLE: the runner's first request in either case */
	status = s->box.status;
	if (status < 0) {
		mailbox_answer(&s->box);
		pthread_join(s->runner, NULL);
		mailbox_free(&s->box);
	}
	return status;
}

/* The runner is idle: let it stop the model, and wait for that. */
static void stop_runner(struct subject *s)
{
	s->box.order = ORDER_QUIT;
	mailbox_answer(&s->box);
	pthread_join(s->runner, NULL);
	mailbox_free(&s->box);
}

/* The runner is idle: let it run the body once. */
static void order_run(struct subject *s, bool is_recorded)
{
	s->b->cert = (struct bench_cert){0};
	s->b->why[0] = '\0';
	s->box.region = (struct region){0};
	s->box.figures.n = 0;
	if (s->box.delays.count)
		hist_reset(&s->box.delays);
	s->box.is_recorded = is_recorded;
	s->box.order = ORDER_RUN;
	mailbox_answer(&s->box);
}

/* ---- one run of the body -------------------------------------------------------------------------- */

static void on_begin(struct subject *s)
{
	say(json_pack("{s:s}", "msg", "begin"));
	expect_command(s, "ack");
	s->helper_ns = s->b->helper_pid ? usage_cpu_of(s->b->helper_pid) : 0;
	style_read_counters(s->b, &s->before);
}

static json_t *end_message(uint64_t wall_ns, const struct usage *later, const struct usage *earlier)
{
	struct usage u = usage_diff(later, earlier);

	return json_pack("{s:s,s:I,s:o}", "msg", "end", "wall_ns", (json_int_t)wall_ns, "rusage", usage_json(&u));
}

static void on_end(struct subject *s)
{
	const struct region *r = &s->box.region;
	json_t *message = end_message(r->end_ns - r->begin_ns, &r->end_usage, &r->begin_usage);

	if (s->b->helper_pid)
		json_object_set_new(message, "helper_ns",
				    json_integer((json_int_t)(usage_cpu_of(s->b->helper_pid) - s->helper_ns)));
	style_read_counters(s->b, &s->after);
	say(message);
	s->threads = usage_threads(); /* after the message: the harness stamps when that arrives */
	expect_command(s, "ack");
	s->watches_input = false; /* nothing more is due from the harness */
}

static void on_snapshot(struct subject *s)
{
	say(json_pack("{s:s,s:s,s:I}", "msg", "snapshot", "name", s->box.snapshot_name, "live_tasks",
		      (json_int_t)s->box.live_tasks));
	expect_command(s, "ack");
	s->threads = usage_threads(); /* after the ack: what the harness reads of this process is undisturbed */
}

/* Run the body once and serve its requests. Its status; a failure always has b->why. */
static int run_body(struct subject *s, bool is_recorded)
{
	enum mail mail = MAIL_NONE;
	const struct region *r = &s->box.region;

	style_read_counters(s->b, &s->before);
	order_run(s, is_recorded);
	for (;;) {
		(void)next_event(s, false, &mail);
		if (mail == MAIL_IDLE)
			break;
		if (mail == MAIL_BEGIN)
			on_begin(s);
		else if (mail == MAIL_END)
			on_end(s);
		else if (mail == MAIL_SNAPSHOT)
			on_snapshot(s);
		mailbox_answer(&s->box);
	}
	if (s->box.status < 0 && s->b->why[0] == '\0')
		bench_fail(s->b, 0, "%s failed: %s", s->w->name, strerror(-s->box.status));
	if (s->box.status < 0)
		return s->box.status;
	if (!r->has_ended && s->w->scaling != BENCH_STATE)
		return bench_fail(s->b, -EPROTO, "%s returned without a whole region: bench_%s was not called",
				  s->w->name, r->has_begun ? "end" : "begin");
	if (!r->has_ended)
		style_read_counters(s->b, &s->after);
	return 0;
}

static int run_warmup(struct subject *s)
{
	uint64_t ops = s->b->ops;
	int status;

	if (s->w->scaling == BENCH_LINEAR)
		s->b->ops = protocol_round_ops(s->b, ops / WARMUP_SHARE);
	status = run_body(s, false);
	s->b->ops = ops;
	return status;
}

/* ---- what the kinds of cells say ------------------------------------------------------------------ */

static void say_sample(struct subject *s)
{
	struct style_knobs knobs;
	json_t *notes = json_object(), *delays = NULL;

	if (s->box.delays.count)
		delays = hist_json(&s->box.delays, "delay");

	style_read_knobs(s->b, &knobs);
	if (BUILD_SANITIZE[0])
		json_object_set_new(notes, "sanitize", json_string(BUILD_SANITIZE));
	say(json_pack("{s:s,s:o,s:I,s:i,s:o,s:o,s:o,s:o*,s:o*}", "msg", "sample", "cert", protocol_cert(&s->b->cert),
		      "setup_ns", (json_int_t)s->setup_ns, "threads", (int)s->threads, "knobs", protocol_knobs(&knobs),
		      "runtime", protocol_counters(&s->after, &s->before), "notes", notes, "delays", delays, "figures",
		      protocol_figures(&s->box.figures)));
}

/* Timed, counted, traced and smoke cells of everything but servers. 0, or < 0 with b->why. */
static int do_run(struct subject *s)
{
	int status = 0;

	if (s->request.cell.warmup && s->w->scaling != BENCH_STATE)
		status = run_warmup(s);
	if (status < 0)
		return status;
	say(json_pack("{s:s,s:i}", "msg", "ready", "threads", (int)usage_threads()));
	expect_command(s, "go");
	status = run_body(s, true);
	if (status == 0)
		say_sample(s);
	return status;
}

static int do_calibrate(struct subject *s)
{
	const struct region *r = &s->box.region;
	uint64_t region_ns;

	if (s->w->scaling == BENCH_LINEAR) {
		uint64_t quantum = protocol_round_ops(s->b, 0);

		s->b->ops = protocol_round_ops(s->b, CALIBRATE_FIRST_OPS + quantum - 1);
	}
	for (;;) {
		int status = run_body(s, false);
		uint64_t more;

		if (status < 0)
			return status;
		region_ns = r->end_ns - r->begin_ns;
		if (s->w->scaling != BENCH_LINEAR || region_ns >= s->request.target_ns / 4 ||
		    s->b->ops > PROTOCOL_MAX_INT / CALIBRATE_GROWTH)
			break;
		more = protocol_round_ops(s->b, s->b->ops * CALIBRATE_GROWTH);
		if (more <= s->b->ops)
			break; /* all that one run can do */
		s->b->ops = more;
	}
	say(json_pack("{s:s,s:{s:I,s:I}}", "msg", "sample", "calibration", "ops", (json_int_t)s->b->ops, "region_ns",
		      (json_int_t)region_ns));
	return 0;
}

static void say_listening(struct subject *s)
{
	struct bench_load load = {0};
	json_t *listen;

	s->w->load(s->b, &load);
	listen = json_pack("{s:i,s:I,s:I,s:s,s:b}", "port", s->listen_port, "connections", (json_int_t)load.connections,
			   "message_bytes", (json_int_t)load.message_bytes, "protocol",
			   load.protocol ? load.protocol : "echo", "reconnects", load.reconnects);
	if (load.rate)
		json_object_set_new(listen, "rate", json_integer((json_int_t)load.rate));
	if (load.active)
		json_object_set_new(listen, "active", json_integer((json_int_t)load.active));
	if (load.response_bytes)
		json_object_set_new(listen, "response_bytes", json_integer((json_int_t)load.response_bytes));
	say(json_pack("{s:s,s:i,s:o}", "msg", "ready", "threads", (int)usage_threads(), "listen", listen));
}

/* A command to a server: begin, end or stop; anything else ends the process. True for stop. */
static bool serve_command(struct subject *s)
{
	struct region *r = &s->box.region; /* servers' bodies have no region of their own, so this one is free */
	json_t *line;
	const char *name = read_command(s, &line);
	bool is_stop = strcmp(name, "stop") == 0;

	if (strcmp(name, "begin") == 0 && !r->has_begun) {
		style_read_counters(s->b, &s->before);
		r->has_begun = true;
		usage_now(&r->begin_usage);
		r->begin_ns = clock_now_ns();
		say(json_pack("{s:s}", "msg", "begin"));
	} else if (strcmp(name, "end") == 0 && r->has_begun && !r->has_ended) {
		r->end_ns = clock_now_ns();
		usage_now(&r->end_usage);
		style_read_counters(s->b, &s->after);
		r->has_ended = true;
		say(end_message(r->end_ns - r->begin_ns, &r->end_usage, &r->begin_usage));
		s->threads = usage_threads();
	} else if (!is_stop) {
		struct err e;

		err_set(&e, 0, "a server at this point cannot do \"%.32s\"", name);
		refuse(e.why);
	}
	json_decref(line);
	return is_stop;
}

/* The body's own status, once it is idle again: an end before `stop` is a failure, too. */
static int server_status(struct subject *s, bool is_stopping)
{
	int status = s->box.status;

	if (status == 0 && !is_stopping)
		return bench_fail(s->b, -EPROTO, "%s ended before it was told to stop", s->w->name);
	if (status < 0 && s->b->why[0] == '\0')
		return bench_fail(s->b, status, "%s failed: %s", s->w->name, strerror(-status));
	return status;
}

/* The body runs until `stop`; commands are served meanwhile. 0, or < 0 with b->why; the runner is idle again. */
static int do_serve(struct subject *s)
{
	bool is_listening = false, is_stopping = false;
	enum mail mail;
	int status;

	style_read_counters(s->b, &s->before);
	order_run(s, true);
	for (;;) {
		enum event event = next_event(s, is_listening && !is_stopping, &mail);

		if (event == EVENT_MAIL && mail == MAIL_IDLE)
			break;
		status = 0;
		if (event == EVENT_MAIL) { /* MAIL_SNAPSHOT: bench.c lets a server make no other request */
			on_snapshot(s);
			mailbox_answer(&s->box);
		} else if (event == EVENT_SERVING) {
			say_listening(s);
			is_listening = true;
		} else if (serve_command(s)) {
			status = mailbox_stop(&s->box);
			is_stopping = true;
			s->watches_input = false; /* nothing more is due from the harness */
		}
		if (status < 0)
			refuse("cannot write to the stop descriptor");
	}
	status = server_status(s, is_stopping);
	if (status < 0)
		return status;
	if (!s->box.region.has_ended)
		style_read_counters(s->b, &s->after);
	say_sample(s);
	return 0;
}

/* ---- a cell from its line to its sample ----------------------------------------------------------- */

/* S3: can this subject do the cell at all? True if not, after having said so; *exit_code is the process's then. */
static bool is_refused(struct subject *s, int *exit_code)
{
	bool calibrates = s->request.kind == KIND_CALIBRATE;
	uint64_t estimate_ns = 0;
	const char *why = NULL;
	struct err e;

	*exit_code = EXIT_DONE;
	if (!s->body) {
		err_set(&e, 0, "%s has no body in the %s style", s->w->name, SWITCHYARD_STYLE_NAME);
		why = e.why;
	} else if (s->body->unsupported) {
		why = s->body->unsupported(s->b);
	}
	if (!why && s->b->loops > 1 && !s->w->loops) {
		err_set(&e, 0, "%u loops: this work cannot be split among them", s->b->loops);
		why = e.why;
	}
	if (why) {
		say(json_pack("{s:s,s:s}", "msg", "unsupported", "why", why));
		return true;
	}
	if (calibrates && (s->w->scaling == BENCH_SERVER || s->w->scaling == BENCH_STATE)) {
		err_set(&e, 0, "%s cannot be calibrated: its size does not depend on ops", s->w->name);
		*exit_code = say_error(e.why);
		return true;
	}
	if (s->w->scaling == BENCH_FINITE && s->body->estimate_ns)
		estimate_ns = s->body->estimate_ns(s->b);
	if (estimate_ns > TOO_SLOW_NS) {
		err_set(&e, 0, "estimated %.1f s", (double)estimate_ns / (double)CLOCK_NS_PER_SEC);
		if (estimate_ns > PROTOCOL_MAX_INT)
			estimate_ns = PROTOCOL_MAX_INT;
		say(json_pack("{s:s,s:s,s:I}", "msg", "too_slow", "why", e.why, "estimate_ns",
			      (json_int_t)estimate_ns));
		return true;
	}
	return false;
}

static int do_cell(struct subject *s)
{
	uint64_t start_ns;
	int status, exit_code;

	s->b->loops = style_loops(s->b, s->request.cell.knobs);
	if (is_refused(s, &exit_code))
		return exit_code;
	start_ns = clock_now_ns();
	status = s->w->setup ? s->w->setup(s->b) : 0;
	if (status == -EOPNOTSUPP && s->b->why[0]) {
		say(json_pack("{s:s,s:s}", "msg", "unsupported", "why", s->b->why));
		return 0;
	}
	if (status < 0)
		return say_error(s->b->why[0] ? s->b->why : strerror(-status));
	status = start_runner(s);
	s->setup_ns = clock_now_ns() - start_ns;
	if (status == 0) {
		if (s->request.kind == KIND_CALIBRATE)
			status = do_calibrate(s);
		else if (s->w->scaling == BENCH_SERVER)
			status = do_serve(s);
		else
			status = do_run(s);
		if (status < 0)
			say_error(s->b->why);
		stop_runner(s);
	} else if (status == -EOPNOTSUPP) {
		say(json_pack("{s:s,s:s}", "msg", "unsupported", "why", s->b->why));
		status = 0;
	} else {
		say_error(s->b->why);
	}
	if (s->w->teardown)
		s->w->teardown(s->b);
	return status < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int command_run(void)
{
	static struct subject s; /* static: it is large, and the runner holds its address */
	json_t *line = NULL;
	struct err e;
	int status, exit_code;

	signal(SIGPIPE,
	       SIG_IGN); /* a harness that has gone is EPIPE, and a client that has gone is the workload's affair */
	if (jsonline_init(&s.in, STDIN_FILENO, JSONLINE_MAX) < 0)
		return say_error("out of memory");
	status = jsonline_read_object(&s.in, -1, &line, &e);
	if (status == 0)
		status = err_set(&e, -EPIPE, "standard input ended before the cell came");
	if (status > 0)
		status = protocol_parse_run(line, &s.request, &e);
	json_decref(line);
	if (status < 0) {
		jsonline_free(&s.in);
		return say_error(e.why);
	}
	s.b = &s.request.cell.bench;
	s.w = s.b->workload;
	s.body = s.request.cell.entry->body;
	exit_code = do_cell(&s);
	cell_free(&s.request.cell);
	jsonline_free(&s.in);
	return exit_code;
}

/* ---- the other commands --------------------------------------------------------------------------- */

/* The answer to one line: the certificate that a correct run of this cell gives. New reference. */
static json_t *certify_line(const char *text)
{
	json_t *line = NULL;
	json_t *answer;
	struct cell cell;
	struct bench_cert cert = {0};
	struct err e;
	int status = jsonline_parse(text, &line, &e);

	if (status > 0)
		status = protocol_parse_cell(line, &cell, &e);
	json_decref(line);
	if (status < 0)
		return json_pack("{s:s}", "error", e.why);
	cell.bench.workload->expect(&cell.bench, &cert);
	answer = json_pack("{s:o}", "cert", protocol_cert(&cert));
	cell_free(&cell);
	return answer;
}

static int command_certify(void)
{
	struct jsonline in;
	char *text;
	int status;

	signal(SIGPIPE, SIG_IGN);
	if (jsonline_init(&in, STDIN_FILENO, JSONLINE_MAX) < 0) {
		fputs("subject: out of memory\n", stderr);
		return EXIT_FAILED;
	}
	while ((status = jsonline_read(&in, -1, &text)) > 0)
		say(certify_line(text));
	if (status < 0)
		say(json_pack("{s:s}", "error",
			      status == -EMSGSIZE ? "a line is too long"
			      : status == -EPIPE  ? "the last line has no end"
						  : "cannot read standard input"));
	jsonline_free(&in);
	return status < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int command_describe(void)
{
	json_t *text = protocol_describe();

	if (!text) {
		fputs("subject: cannot describe itself: out of memory, or a workload's definition lacks a text\n",
		      stderr);
		return EXIT_FAILED;
	}
	say(text);
	return EXIT_DONE;
}

static void print_usage(FILE *to, const char *program)
{
	fprintf(to,
		"usage: %s --describe | --run | --certify | --help\n"
		"  --describe  print what this subject offers, as one JSON object\n"
		"  --run       read one cell from standard input, run it, talk in JSON lines\n"
		"  --certify   read cells, print for each the certificate that a correct run must give\n"
		"See docs/subject-protocol.md.\n",
		program);
}

int main(int argc, char **argv)
{
	const char *command = argc == 2 ? argv[1] : "";

	if (strcmp(command, "--run") == 0)
		return command_run();
	if (strcmp(command, "--certify") == 0)
		return command_certify();
	if (strcmp(command, "--describe") == 0)
		return command_describe();
	if (strcmp(command, "--help") == 0) {
		print_usage(stdout, argv[0]);
		return EXIT_DONE;
	}
	if (argc != 2)
		fprintf(stderr, "%s: exactly one argument is needed\n", argv[0]);
	else
		fprintf(stderr, "%s: there is no command \"%s\"\n", argv[0], argv[1]);
	print_usage(stderr, argv[0]);
	return EXIT_USAGE;
}
