/*
 * main.c - a subject process: one model, all workloads, one cell per process (docs/subject-protocol.md). How it works is told
 * in subject.h; here is the way of a cell from its line to its sample, and the commands beside --run.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "harness/subject/registry.h"
#include "harness/subject/subject.h"

#include "build_info.h"

#define TOO_SLOW_NS (UINT64_C(5) * CLOCK_NS_PER_SEC)
enum {
	CALIBRATE_FIRST_OPS = 64, /* arbitrary: microseconds for every operation that is worth measuring */
	CALIBRATE_GROWTH = 4,
};

/* ---- what the kinds of cells say ------------------------------------------------------------------ */

static void say_sample(struct subject *s)
{
	struct style_knobs knobs;
	struct style_stack stack;
	json_t *notes = json_object(), *delays = NULL;

	if (s->box.delays.count)
		delays = hist_json(&s->box.delays, "delay");

	style_read_knobs(s->b, &knobs);
#ifdef SWITCHYARD_MODEL_VERSION
	json_object_set_new(notes, style_model, json_string(SWITCHYARD_MODEL_VERSION));
#endif
	style_read_stack(s->b, &stack);
	if (BUILD_SANITIZE[0])
		json_object_set_new(notes, "sanitize", json_string(BUILD_SANITIZE));
	subject_say(json_pack("{s:s,s:o,s:I,s:i,s:o,s:o,s:o,s:o,s:o*,s:o*,s:o*}", "msg", "sample", "cert",
			      protocol_cert(&s->b->cert), "setup_ns", (json_int_t)s->setup_ns, "threads",
			      (int)s->threads, "knobs", protocol_knobs(&knobs), "stack", protocol_stack(&stack),
			      "runtime", protocol_counters(&s->after, &s->before), "notes", notes, "delays", delays,
			      "figures", protocol_figures(&s->box.figures), "epochs", epochs_json(&s->epochs)));
}

/* Timed, counted, traced and smoke cells of everything but servers. 0, or < 0 with b->why. */
static int do_run(struct subject *s)
{
	int status = 0;

	if (s->request.cell.warmup && s->w->scaling != BENCH_STATE)
		status = warmup_run(s);
	if (status < 0)
		return status;
	subject_say(json_pack("{s:s,s:i}", "msg", "ready", "threads", (int)usage_threads()));
	subject_expect_command(s, "go");
	status = runner_run(s, true);
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
		int status = runner_run(s, false);
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
	subject_say(json_pack("{s:s,s:{s:I,s:I}}", "msg", "sample", "calibration", "ops", (json_int_t)s->b->ops,
			      "region_ns", (json_int_t)region_ns));
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
	subject_say(json_pack("{s:s,s:i,s:o}", "msg", "ready", "threads", (int)usage_threads(), "listen", listen));
}

/* A command to a server: begin, end or stop; anything else ends the process. True for stop. */
static bool serve_command(struct subject *s)
{
	struct region *r = &s->box.region; /* servers' bodies have no region of their own, so this one is free */
	json_t *line;
	const char *name = subject_read_command(s, &line);
	bool is_stop = strcmp(name, "stop") == 0;

	if (strcmp(name, "begin") == 0 && !r->has_begun) {
		style_read_counters(s->b, &s->before);
		r->has_begun = true;
		usage_now(&r->begin_usage);
		r->begin_ns = clock_now_ns();
		subject_say(json_pack("{s:s}", "msg", "begin"));
	} else if (strcmp(name, "end") == 0 && r->has_begun && !r->has_ended) {
		r->end_ns = clock_now_ns();
		usage_now(&r->end_usage);
		style_read_counters(s->b, &s->after);
		r->has_ended = true;
		subject_say(runner_end_message(r->end_ns - r->begin_ns, &r->end_usage, &r->begin_usage));
		s->threads = usage_threads();
	} else if (!is_stop) {
		struct err e;

		err_set(&e, 0, "a server at this point cannot do \"%.32s\"", name);
		subject_refuse(e.why);
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
	runner_order(s, true);
	for (;;) {
		enum event event = subject_next_event(s, is_listening && !is_stopping, &mail);

		if (event == EVENT_MAIL && mail == MAIL_IDLE)
			break;
		status = 0;
		if (event == EVENT_MAIL) { /* MAIL_SNAPSHOT: bench.c lets a server make no other request */
			runner_on_snapshot(s);
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
			subject_refuse("cannot write to the stop descriptor");
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
		why = protocol_lacks(s->w->name);
		why = why ? why : e.why;
	} else if (s->body->unsupported) {
		why = s->body->unsupported(s->b);
	}
	if (!why && s->request.trace_file && !style_can_trace)
		why = "this model has no trace of its scheduler";
	if (!why && s->b->loops > 1 && !s->w->loops) {
		err_set(&e, 0, "%u loops: this work cannot be split among them", s->b->loops);
		why = e.why;
	}
	if (why) {
		subject_say(json_pack("{s:s,s:s}", "msg", "unsupported", "why", why));
		return true;
	}
	if (calibrates && (s->w->scaling == BENCH_SERVER || s->w->scaling == BENCH_STATE)) {
		err_set(&e, 0, "%s cannot be calibrated: its size does not depend on ops", s->w->name);
		*exit_code = subject_say_error(e.why);
		return true;
	}
	if (s->w->scaling == BENCH_FINITE && s->body->estimate_ns)
		estimate_ns = s->body->estimate_ns(s->b);
	if (estimate_ns > TOO_SLOW_NS) {
		err_set(&e, 0, "estimated %.1f s", (double)estimate_ns / (double)CLOCK_NS_PER_SEC);
		if (estimate_ns > PROTOCOL_MAX_INT)
			estimate_ns = PROTOCOL_MAX_INT;
		subject_say(json_pack("{s:s,s:s,s:I}", "msg", "too_slow", "why", e.why, "estimate_ns",
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
		subject_say(json_pack("{s:s,s:s}", "msg", "unsupported", "why", s->b->why));
		return 0;
	}
	if (status < 0)
		return subject_say_error(s->b->why[0] ? s->b->why : strerror(-status));
	status = runner_start(s);
	s->setup_ns = clock_now_ns() - start_ns;
	if (status == 0) {
		if (s->request.kind == KIND_CALIBRATE)
			status = do_calibrate(s);
		else if (s->w->scaling == BENCH_SERVER)
			status = do_serve(s);
		else
			status = do_run(s);
		if (status < 0)
			subject_say_error(s->b->why);
		runner_stop(s);
	} else if (status == -EOPNOTSUPP) {
		subject_say(json_pack("{s:s,s:s}", "msg", "unsupported", "why", s->b->why));
		status = 0;
	} else {
		subject_say_error(s->b->why);
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
		return subject_say_error("out of memory");
	status = jsonline_read_object(&s.in, -1, &line, &e);
	if (status == 0)
		status = err_set(&e, -EPIPE, "standard input ended before the cell came");
	if (status > 0)
		status = protocol_parse_run(line, &s.request, &e);
	json_decref(line);
	if (status < 0) {
		jsonline_free(&s.in);
		return subject_say_error(e.why);
	}
	s.b = &s.request.cell.bench;
	s.w = s.b->workload;
	s.body = s.request.cell.entry->body;
	exit_code = do_cell(&s);
	run_request_free(&s.request);
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
		subject_say(certify_line(text));
	if (status < 0)
		subject_say(json_pack("{s:s}", "error",
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
	subject_say(text);
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
