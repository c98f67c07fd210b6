/* talk.c - what the main thread says, and what it waits for; see subject.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/subject/subject.h"

/* ---- talking to the harness ----------------------------------------------------------------------- */

/* S2. Not exit(): the model's threads may be anywhere. */
static _Noreturn void exit_orphaned(void)
{
	static const char text[] = "subject: the harness has closed the pipe\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(EXIT_FAILED); /* nobody listens there either */
	_exit(EXIT_FAILED);
}

void subject_say(json_t *msg)
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

int subject_say_error(const char *why)
{
	subject_say(json_pack("{s:s,s:s}", "msg", "error", "why", why));
	return EXIT_FAILED;
}

_Noreturn void subject_refuse(const char *why)
{
	subject_say_error(why);
	_exit(EXIT_FAILED);
}

const char *subject_read_command(struct subject *s, json_t **line)
{
	struct err e;
	const char *name;
	int status = jsonline_read_object(&s->in, -1, line, &e);

	if (status == 0)
		exit_orphaned();
	if (status < 0)
		subject_refuse(e.why);
	name = json_string_value(json_object_get(*line, "cmd"));
	if (!name)
		subject_refuse("a line of the harness has no \"cmd\"");
	return name;
}

void subject_expect_command(struct subject *s, const char *wanted)
{
	json_t *line;
	const char *name = subject_read_command(s, &line);

	if (strcmp(name, wanted) != 0) {
		struct err e;

		err_set(&e, 0, "expected the command \"%s\", not \"%.32s\"", wanted, name);
		subject_refuse(e.why);
	}
	json_decref(line);
}

/* ---- waiting ------------------------------------------------------------------------------------ */

static bool input_is_unread(const struct subject *s)
{
	int bytes = 0;

	return s->in.start < s->in.end || (ioctl(STDIN_FILENO, FIONREAD, &bytes) == 0 && bytes > 0);
}

enum event subject_next_event(struct subject *s, bool wants_command, enum mail *mail)
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
