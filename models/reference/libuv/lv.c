/*
 * lv.c - a loop of libuv as lv.h offers it.
 */
#include "models/reference/libuv/lv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void lv_fatal(const char *fmt, ...)
{
	va_list ap;

	fputs("libuv subject: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

/* ---- knobs ------------------------------------------------------------------------------------------ */

static int parse_number(const char *text, unsigned max, unsigned *out)
{
	char *end;
	unsigned long n;

	if (*text < '1' || *text > '9')
		return -EINVAL;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (*end || errno || n > max)
		return -EINVAL;
	*out = (unsigned)n;
	return 0;
}

/* *threads stays as it is where the knobs do not say. */
static int parse_knobs(const char *knobs, unsigned *loops, unsigned *threads)
{
	char text[256], *save = NULL;

	*loops = 1;
	if (strlen(knobs) >= sizeof text)
		return -EINVAL;
	strcpy(text, knobs);
	for (char *knob = strtok_r(text, ",", &save); knob; knob = strtok_r(NULL, ",", &save)) {
		int status = -EINVAL;

		if (strcmp(knob, "loops=cpus") == 0)
			status = *loops = 0;
		else if (strncmp(knob, "loops=", 6) == 0)
			status = parse_number(knob + 6, LV_LOOPS_MAX, loops);
		else if (strncmp(knob, "pool_threads=", 13) == 0)
			status = parse_number(knob + 13, LV_POOL_THREADS_MAX, threads);
		if (status < 0)
			return status;
	}
	return 0;
}

unsigned lv_loops_of(const char *knobs, unsigned cpus)
{
	unsigned loops, threads;

	if (parse_knobs(knobs, &loops, &threads) < 0)
		return 1;
	return loops ? loops : cpus;
}

unsigned lv_year(void)
{
	/* By its ChangeLog; a later one has no year, rather than a guessed one. */
	static const unsigned year_of_1[] = {
		[34] = 2020, [35] = 2020, [36] = 2020, [37] = 2020, [38] = 2020, [39] = 2020, [40] = 2020, [41] = 2021,
		[42] = 2021, [43] = 2022, [44] = 2022, [45] = 2023, [46] = 2023, [47] = 2023, [48] = 2024,
	};
	const unsigned version = uv_version(), minor = version >> 8 & 0xff;

	return version >> 16 == 1 && minor < sizeof year_of_1 / sizeof year_of_1[0] ? year_of_1[minor] : 0;
}

/* As libuv reads it when the pool is used for the first time. */
unsigned lv_pool_threads(void)
{
	const char *set = getenv("UV_THREADPOOL_SIZE");
	unsigned n = LV_POOL_THREADS_DEFAULT;

	if (set && parse_number(set, LV_POOL_THREADS_MAX, &n) < 0)
		n = atoi(set) > 0 ? LV_POOL_THREADS_MAX : 1;
	return n;
}

/* ---- the loop --------------------------------------------------------------------------------------- */

static void run_ready(uv_idle_t *ready)
{
	struct lv_loop *loop = ready->data;

	for (unsigned n = 0; n < LV_READY_BATCH && loop->head && !loop->is_broken; n++) {
		struct lv_work *w = loop->head;

		loop->head = w->next;
		w->fn(w); /* may free it */
	}
	if (!loop->head)
		uv_idle_stop(ready);
}

void lv_post(struct lv_loop *loop, struct lv_work *w, void (*fn)(struct lv_work *))
{
	w->fn = fn;
	w->next = NULL;
	if (loop->head) {
		loop->tail->next = w;
	} else {
		loop->head = w;
		uv_idle_start(&loop->ready, run_ready); /* nothing where it is active */
	}
	loop->tail = w;
}

int lv_start(const char *knobs, struct lv_loop **out)
{
	struct lv_loop *loop;
	unsigned loops, threads = 0;
	char text[16];
	int status = parse_knobs(knobs, &loops, &threads);

	if (status < 0)
		return status;
	if (threads) {
		snprintf(text, sizeof text, "%u", threads);
		setenv("UV_THREADPOOL_SIZE", text, 1);
	}
	loop = calloc(1, sizeof *loop);
	if (!loop)
		return -ENOMEM;
	status = uv_loop_init(&loop->uv);
	if (status < 0) {
		free(loop);
		return status;
	}
	loop->loops = loops;
	uv_idle_init(&loop->uv, &loop->ready);
	loop->ready.data = loop;
	*out = loop;
	return 0;
}

void lv_run(struct lv_loop *loop)
{
	loop->is_broken = false;
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void lv_break(struct lv_loop *loop)
{
	loop->is_broken = true;
	uv_stop(&loop->uv);
}

static void name_open_handle(uv_handle_t *h, void *arg)
{
	(void)arg;
	lv_fatal("a handle was left open: %s, %s", uv_handle_type_name(h->type), uv_is_active(h) ? "active" : "idle");
}

static void close_spare(struct lv_loop *loop);

void lv_stop(struct lv_loop *loop)
{
	uv_close((uv_handle_t *)&loop->ready, NULL);
	close_spare(loop);
	uv_run(&loop->uv, UV_RUN_NOWAIT); /* one turn calls all that are closing */
	if (uv_loop_close(&loop->uv) < 0) {
		uv_walk(&loop->uv, name_open_handle, NULL);
		lv_fatal("a request was left under way");
	}
	free(loop);
}

/* ---- for bind.h: timers ------------------------------------------------------------------------------ */

struct lv_timer_handle {
	uv_timer_t timer;
	uv_idle_t soon; /* for a time of 0 */
	struct lv_timer *owner; /* while pending */
	struct lv_loop *loop;
	struct lv_timer_handle *next; /* in the list of spare ones */
};

static void free_timer_handle(uv_handle_t *soon)
{
	free(LV_CONTAINER(soon, struct lv_timer_handle, soon));
}

static void close_spare(struct lv_loop *loop)
{
	for (struct lv_timer_handle *h = loop->spare, *next; h; h = next) {
		next = h->next;
		uv_close((uv_handle_t *)&h->soon, free_timer_handle); /* called last: the newest is first */
		uv_close((uv_handle_t *)&h->timer, NULL);
	}
	loop->spare = NULL;
}

static struct lv_timer_handle *take_timer_handle(struct lv_loop *loop)
{
	struct lv_timer_handle *h = loop->spare;

	if (h) {
		loop->spare = h->next;
		return h;
	}
	h = malloc(sizeof *h);
	if (!h)
		lv_fatal("no memory for a timer");
	h->loop = loop;
	uv_timer_init(&loop->uv, &h->timer);
	uv_idle_init(&loop->uv, &h->soon);
	return h;
}

static void give_back(struct lv_timer *t)
{
	struct lv_timer_handle *h = t->handle;

	t->handle = NULL;
	h->next = h->loop->spare;
	h->loop->spare = h;
}

static void call_timer(struct lv_timer_handle *h)
{
	struct lv_timer *t = h->owner;

	give_back(t);
	t->fn(t); /* may free it */
}

static void timer_ran_out(uv_timer_t *timer)
{
	call_timer(LV_CONTAINER(timer, struct lv_timer_handle, timer));
}

static void turn_came(uv_idle_t *soon)
{
	uv_idle_stop(soon);
	call_timer(LV_CONTAINER(soon, struct lv_timer_handle, soon));
}

bool lv_timer_stop(struct lv_loop *loop, struct lv_timer *t)
{
	(void)loop;
	if (!t->handle)
		return false;
	uv_timer_stop(&t->handle->timer);
	uv_idle_stop(&t->handle->soon);
	give_back(t);
	return true;
}

bool lv_timer_start(struct lv_loop *loop, struct lv_timer *t, uint64_t ns, void (*fn)(struct lv_timer *))
{
	bool was_pending = lv_timer_stop(loop, t);
	struct lv_timer_handle *h = take_timer_handle(loop);

	t->fn = fn;
	t->handle = h;
	h->owner = t;
	if (ns)
		uv_timer_start(&h->timer, timer_ran_out, lv_timeout_ms(&loop->uv, ns), 0);
	else
		uv_idle_start(&h->soon, turn_came);
	return was_pending;
}

/* ---- for bind.h: descriptors ------------------------------------------------------------------------ */

struct lv_poll {
	uv_poll_t poll;
	struct lv_io *io;
};

static void free_poll(uv_handle_t *h)
{
	free(LV_CONTAINER(h, struct lv_poll, poll));
}

static void is_ready(uv_poll_t *poll, int status, int events)
{
	struct lv_io *io = LV_CONTAINER(poll, struct lv_poll, poll)->io;

	/* An error shows in the call that the body makes. */
	io->fn(io, status < 0 ? UV_READABLE | UV_WRITABLE : (unsigned)events);
}

int lv_io_change(struct lv_io *io, unsigned events)
{
	return events ? uv_poll_start(&io->poll->poll, (int)events, is_ready) : uv_poll_stop(&io->poll->poll);
}

int lv_io_start(struct lv_loop *loop, struct lv_io *io, int fd, unsigned events,
		void (*fn)(struct lv_io *, unsigned events))
{
	struct lv_poll *p = malloc(sizeof *p);
	int status = p ? uv_poll_init(&loop->uv, &p->poll, fd) : -ENOMEM;

	if (status < 0) {
		free(p); /* libuv does not know it */
		return status;
	}
	*io = (struct lv_io){.fn = fn, .fd = fd, .poll = p};
	p->io = io;
	status = lv_io_change(io, events);
	if (status < 0)
		lv_io_stop(io);
	return status;
}

void lv_io_stop(struct lv_io *io)
{
	if (io->poll)
		uv_close((uv_handle_t *)&io->poll->poll, free_poll);
	io->poll = NULL;
}

/* ---- for bind.h: the pool --------------------------------------------------------------------------- */

void lv_file_done(uv_fs_t *req)
{
	struct lv_file *f = LV_CONTAINER(req, struct lv_file, req);
	ssize_t result = req->result;

	uv_fs_req_cleanup(req);
	f->fn(f, result); /* may start it anew, or free it */
}

static void call_work(uv_work_t *req)
{
	struct lv_call *c = LV_CONTAINER(req, struct lv_call, req);

	c->work(c);
}

static void call_done(uv_work_t *req, int status)
{
	struct lv_call *c = LV_CONTAINER(req, struct lv_call, req);

	(void)status; /* nobody cancels */
	c->done(c);
}

int lv_call_start(struct lv_loop *loop, struct lv_call *c, void (*work)(struct lv_call *),
		  void (*done)(struct lv_call *))
{
	c->work = work;
	c->done = done;
	return uv_queue_work(&loop->uv, &c->req, call_work, call_done);
}
