/*
 * sample_talk.c - messages to and from the children of a sample, and what ends them early: a child that says it cannot go on,
 * that says what nobody expected, that is silent for too long or is gone; and the user.
 *
 * Interrupting. The signal handler cannot wait for the talk to end. It kills the process groups of the children that
 * run now (their ids are kept in two lock-free words for it); the talk then meets an end of stream and comes to its
 * end in the ordinary way, and sample_take() throws the record away.
 */
#include "harness/plan/sample_talk.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/jsonx.h"

static atomic_bool interrupted;
static atomic_int running[2]; /* process groups: subject, load generator; 0: none. Read by the signal handler. */

void sample_interrupt(void)
{
	atomic_store(&interrupted, true);
	for (int i = 0; i < 2; i++) {
		pid_t pid = atomic_load(&running[i]);

		if (pid > 0)
			kill(-pid, SIGKILL);
	}
}

bool sample_is_interrupted(void)
{
	return atomic_load(&interrupted);
}

void sample_reset_interrupt(void)
{
	atomic_store(&interrupted, false);
}

void take_fail(struct take *t, const char *status, const char *fmt, ...)
{
	va_list ap;

	if (t->status)
		return;
	t->status = status;
	va_start(ap, fmt);
	vsnprintf(t->why, sizeof t->why, fmt, ap);
	va_end(ap);
}

static const char *who_is(const struct take *t, const struct process *p)
{
	return p == t->loadgen ? "the load generator" : "the subject";
}

void take_unexpected(struct take *t, const char *awaited, const json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);

	take_fail(t, "failed", "it said %.200s where '%s' was expected", text ? text : "?", awaited);
	free(text);
}

bool take_is_message(const json_t *m, const char *name)
{
	const char *msg = jsonx_str(m, "msg");

	return msg && strcmp(msg, name) == 0;
}

void take_note_limit(struct take *t, uint64_t live_tasks)
{
	if (t->subject && !json_is_object(t->limit_hit)) {
		json_decref(t->limit_hit);
		t->limit_hit = limits_hit(process_pid(t->subject), live_tasks);
	}
}

json_t *take_receive(struct take *t, struct process *p, const char *awaited, int64_t timeout_ns, bool early)
{
	struct err err = {{0}};
	json_t *m = NULL;
	const char *why;
	int rc = process_receive(p, timeout_ns, &m, &err);

	if (rc == -ETIMEDOUT) {
		take_fail(t, "timeout", "%s did not say '%s' within %lld s", who_is(t, p), awaited,
			  (long long)(timeout_ns / 1000000000));
		return NULL;
	}
	if (rc == -EPIPE) { /* the sentence needs its exit status: finish() writes it */
		t->awaited = awaited;
		if (p == t->loadgen)
			t->loadgen_ended = true;
		else
			t->subject_ended = true;
		take_fail(t, "failed", "%s ended before it said '%s'", who_is(t, p), awaited);
		return NULL;
	}
	if (rc) {
		take_fail(t, "failed", "%s, where '%s' was expected, printed what is no message: %.300s", who_is(t, p),
			  awaited, ERR_TEXT(err));
		return NULL;
	}
	if (!jsonx_numbers_fit(m)) {
		take_fail(t, "failed", "%s, where '%s' was expected, said a number that is not below 2^53",
			  who_is(t, p), awaited);
		json_decref(m);
		return NULL;
	}
	why = jsonx_str(m, "why");
	if (!why || !*why)
		why = "it does not say why";
	if (take_is_message(m, "error") && p == t->subject)
		take_note_limit(t, 0);
	if (take_is_message(m, "error"))
		take_fail(t, "failed", "%s%.500s", p == t->loadgen ? "the load generator: " : "", why);
	else if (early && take_is_message(m, "unsupported"))
		take_fail(t, "unsupported", "%.500s", why);
	else if (early && take_is_message(m, "too_slow"))
		take_fail(t, "too_slow", "%.500s", why);
	if (!t->status)
		return m;
	json_decref(m);
	return NULL;
}

json_t *take_expect(struct take *t, struct process *p, const char *awaited, int64_t timeout_ns)
{
	json_t *m = take_receive(t, p, awaited, timeout_ns, false);

	if (m && !take_is_message(m, awaited)) {
		take_unexpected(t, awaited, m);
		json_decref(m);
		return NULL;
	}
	return m;
}

bool take_send(struct take *t, struct process *p, json_t *message)
{
	struct err err = {{0}};
	int rc = process_send(p, message, &err);

	json_decref(message);
	/* A process that is gone shows at the next read, which knows what was awaited. */
	if (rc && rc != -EPIPE)
		take_fail(t, "failed", "%s does not take messages: %.300s", who_is(t, p), ERR_TEXT(err));
	return rc == 0 || rc == -EPIPE;
}

bool take_command(struct take *t, struct process *p, const char *cmd)
{
	return take_send(t, p, json_pack("{s:s}", "cmd", cmd));
}

int take_start(struct take *t, const struct process_spec *spec, bool is_loadgen)
{
	struct process **slot = is_loadgen ? &t->loadgen : &t->subject;
	struct err err = {{0}};
	int rc = process_start(spec, slot, &err);

	if (rc) {
		*slot = NULL;
		take_fail(t, "failed", "%s cannot be started: %.400s", is_loadgen ? "the load generator" : "it",
			  ERR_TEXT(err));
		return rc;
	}
	atomic_store(&running[is_loadgen], process_pid(*slot));
	if (sample_is_interrupted()) /* the handler may have run between the fork and the line above */
		sample_interrupt();
	return 0;
}

void take_ended(struct take *t, bool is_loadgen)
{
	*(is_loadgen ? &t->loadgen : &t->subject) = NULL;
	atomic_store(&running[is_loadgen], 0);
}
