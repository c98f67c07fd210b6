/* runner.c - the thread that holds the model, and one run of a body in it; see subject.h. */
#include <errno.h>
#include <string.h>

#include "harness/subject/subject.h"

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

int runner_start(struct subject *s)
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
	(void)subject_next_event(s, false, &mail); /* MAIL_IDLE: the runner's first request in either case */
	status = s->box.status;
	if (status < 0) {
		mailbox_answer(&s->box);
		pthread_join(s->runner, NULL);
		mailbox_free(&s->box);
	}
	return status;
}

void runner_stop(struct subject *s)
{
	s->box.order = ORDER_QUIT;
	mailbox_answer(&s->box);
	pthread_join(s->runner, NULL);
	mailbox_free(&s->box);
}

void runner_order(struct subject *s, bool is_recorded)
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

/* Of a traced sample the region is traced: its times mean nothing, so that what this costs may lie between the stamps. */
static void trace(struct subject *s, const char *path)
{
	if (s->request.trace_file && s->trace_status == 0)
		s->trace_status = style_trace(path);
}

static void on_begin(struct subject *s)
{
	subject_say(json_pack("{s:s}", "msg", "begin"));
	subject_expect_command(s, "ack");
	trace(s, s->request.trace_file);
	s->helper_ns = s->b->helper_pid ? usage_cpu_of(s->b->helper_pid) : 0;
	style_read_counters(s->b, &s->before);
}

json_t *runner_end_message(uint64_t wall_ns, const struct usage *later, const struct usage *earlier)
{
	struct usage u = usage_diff(later, earlier);

	return json_pack("{s:s,s:I,s:o}", "msg", "end", "wall_ns", (json_int_t)wall_ns, "rusage", usage_json(&u));
}

static void on_end(struct subject *s)
{
	const struct region *r = &s->box.region;
	json_t *message = runner_end_message(r->end_ns - r->begin_ns, &r->end_usage, &r->begin_usage);

	if (s->b->helper_pid)
		json_object_set_new(message, "helper_ns",
				    json_integer((json_int_t)(usage_cpu_of(s->b->helper_pid) - s->helper_ns)));
	trace(s, NULL);
	style_read_counters(s->b, &s->after);
	subject_say(message);
	s->threads = usage_threads(); /* after the message: the harness stamps when that arrives */
	subject_expect_command(s, "ack");
	s->watches_input = false; /* nothing more is due from the harness */
}

void runner_on_snapshot(struct subject *s)
{
	subject_say(json_pack("{s:s,s:s,s:I}", "msg", "snapshot", "name", s->box.snapshot_name, "live_tasks",
			      (json_int_t)s->box.live_tasks));
	subject_expect_command(s, "ack");
	s->threads = usage_threads(); /* after the ack: what the harness reads of this process is undisturbed */
}

int runner_run(struct subject *s, bool is_recorded)
{
	enum mail mail = MAIL_NONE;
	const struct region *r = &s->box.region;

	style_read_counters(s->b, &s->before);
	runner_order(s, is_recorded);
	for (;;) {
		(void)subject_next_event(s, false, &mail);
		if (mail == MAIL_IDLE)
			break;
		if (mail == MAIL_BEGIN)
			on_begin(s);
		else if (mail == MAIL_END)
			on_end(s);
		else if (mail == MAIL_SNAPSHOT)
			runner_on_snapshot(s);
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
	if (s->trace_status < 0)
		return bench_fail(s->b, s->trace_status, "the trace cannot be written: %s", strerror(-s->trace_status));
	return 0;
}
