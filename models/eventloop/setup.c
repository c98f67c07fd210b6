/*
 * setup.c - making a loop, unmaking it, its knobs, and what it says about itself.
 */
#include "models/eventloop/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ev__fatal(const char *fmt, ...)
{
	va_list ap;

	fputs("eventloop model: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

struct config {
	enum ev__file_choice file;
	unsigned pool_threads;
	unsigned loops; /* 0: as many as CPUs */
};

static int parse_file(const char *value, enum ev__file_choice *out)
{
	if (strcmp(value, "auto") == 0)
		*out = EV_FILE_AUTO;
	else if (strcmp(value, "io_uring") == 0)
		*out = EV_FILE_RING;
	else if (strcmp(value, "pool") == 0)
		*out = EV_FILE_POOL;
	else
		return -EINVAL;
	return 0;
}

static int parse_number(const char *value, unsigned max, unsigned *out)
{
	unsigned n = 0;

	for (const char *c = value; *c; c++) {
		if (*c < '0' || *c > '9')
			return -EINVAL;
		n = n * 10 + (unsigned)(*c - '0');
		if (n > max)
			return -EINVAL;
	}
	if (n == 0)
		return -EINVAL;
	*out = n;
	return 0;
}

static int parse_loops(const char *value, unsigned *out)
{
	if (strcmp(value, "cpus") != 0)
		return parse_number(value, EV_LOOPS_MAX, out);
	*out = 0;
	return 0;
}

static int parse_knobs(const char *knobs, struct config *out)
{
	char text[256], *save = NULL;

	*out = (struct config){.file = EV_FILE_AUTO, .pool_threads = EV_POOL_THREADS_DEFAULT, .loops = 1};
	if (!knobs)
		return 0;
	if (strlen(knobs) >= sizeof(text))
		return -EINVAL;
	strcpy(text, knobs);
	for (char *knob = strtok_r(text, ",", &save); knob; knob = strtok_r(NULL, ",", &save)) {
		char *value = strchr(knob, '=');
		int rc = -EINVAL;

		if (!value)
			return -EINVAL;
		*value++ = '\0';
		if (strcmp(knob, "file") == 0)
			rc = parse_file(value, &out->file);
		else if (strcmp(knob, "pool_threads") == 0)
			rc = parse_number(value, EV_POOL_THREADS_MAX, &out->pool_threads);
		else if (strcmp(knob, "loops") == 0)
			rc = parse_loops(value, &out->loops);
		if (rc < 0)
			return rc;
	}
	return 0;
}

unsigned ev_loops_of(const char *knobs, unsigned cpus)
{
	struct config config;

	if (parse_knobs(knobs, &config) < 0)
		return 1;
	return config.loops ? config.loops : cpus;
}

int ev_start(const char *knobs, struct ev_loop **out)
{
	struct ev_loop *loop;
	struct config config;
	int rc;

	*out = NULL;
	rc = parse_knobs(knobs, &config);
	if (rc < 0)
		return rc;
	loop = calloc(1, sizeof(*loop));
	if (!loop)
		return -ENOMEM;
	loop->loops = config.loops;
	rc = ev__io_open(loop);
	if (rc < 0)
		goto fail_loop;
	rc = ev__files_open(loop, config.file, config.pool_threads);
	if (rc < 0)
		goto fail_io;
	*out = loop;
	return 0;

fail_io:
	ev__io_close(loop);
fail_loop:
	free(loop);
	return rc;
}

void ev_stop(struct ev_loop *loop)
{
	if (loop->is_running)
		ev__fatal("ev_stop: called from inside a callback");
	ev__files_close(loop);
	ev__io_close(loop);
	free(loop->heap);
	free(loop);
}

struct ev_counters ev_counters_of(const struct ev_loop *loop)
{
	const struct ev__counts *c = &loop->count;

	return (struct ev_counters){
		.turns = atomic_load_explicit(&c->turns, memory_order_relaxed),
		.polls = atomic_load_explicit(&c->polls, memory_order_relaxed),
		.callbacks = atomic_load_explicit(&c->callbacks, memory_order_relaxed),
		.posted = atomic_load_explicit(&c->posted, memory_order_relaxed),
		.timers_fired = atomic_load_explicit(&c->timers_fired, memory_order_relaxed),
		.file_reads = atomic_load_explicit(&c->file_reads, memory_order_relaxed),
	};
}

/* The ways in which io_uring is refused in practice, by the names that a reader can look up. */
static const char *refusal(int error)
{
	switch (error) {
	case ENOSYS:
		return "io_uring: ENOSYS (kernel)";
	case EPERM:
		return "io_uring: EPERM (forbidden)";
	case ENOMEM:
		return "io_uring: ENOMEM (memlock)";
	default:
		return NULL;
	}
}

void ev_settings_of(const struct ev_loop *loop, struct ev_settings *out)
{
	const char *reason = loop->is_file_asked ? "asked for" : "default";

	if (loop->ring_refused) {
		reason = refusal(loop->ring_refused);
		if (!reason)
			snprintf(out->file_reason, sizeof(out->file_reason), "io_uring: errno %d", loop->ring_refused);
	}
	if (reason)
		snprintf(out->file_reason, sizeof(out->file_reason), "%s", reason);
	snprintf(out->loops, sizeof(out->loops), loop->loops ? "%u" : "cpus", loop->loops);
	out->file_backend = loop->ring ? "io_uring" : "pool";
	out->poll_call = loop->has_pwait2 ? "epoll_pwait2" : "epoll_wait";
	out->pool_threads = loop->pool ? ev__pool_threads(loop->pool) : 0;
	out->ready_batch = EV_READY_BATCH;
}
