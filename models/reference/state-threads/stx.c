/*
 * stx.c - see stx.h.
 *
 * A condition variable of this library has no spurious wake-ups, but whoever is woken runs later, when another may have
 * taken what there was: waiting is a loop. A thread that is woken touches the channel once more on its way out, while the
 * one that woke it may take what it got as its leave to destroy the channel; so destroying waits, by letting others run,
 * until nobody is inside.
 *
 * Invariants
 *  I1  n_sent - n_received == count <= n_slots; element n lies in slot (n - 1) mod n_slots.
 *  I2  Rendezvous: a sender leaves only when its element has been received.
 *  I3  `inside` counts the threads that still touch the channel.
 */
#include "models/reference/state-threads/stx.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int stack_bytes; /* immutable after stx_start */

void stx_fatal(const char *what)
{
	fprintf(stderr, "state-threads: %s\n", what);
	abort();
}

/* ---- the runtime -------------------------------------------------------------------------------- */

/* What a leak checker asks, in a build that has one: the library cannot be ended, and keeps what st_init makes. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libst.so\n";
}

/* The library's own clock is the time of day, which can be set back. */
static st_utime_t monotonic_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail: the clock exists and t is ours */
	return (st_utime_t)t.tv_sec * 1000000 + (st_utime_t)t.tv_nsec / 1000;
}

static int parse_knobs(const char *text)
{
	static const char name[] = "stack_kib=";
	unsigned long kib;
	char *end;

	stack_bytes = 0;
	if (!*text)
		return 0;
	if (strncmp(text, name, strlen(name)) != 0)
		return -EINVAL;
	text += strlen(name);
	if (*text < '0' || *text > '9') /* strtoul would take a sign and blanks */
		return -EINVAL;
	errno = 0;
	kib = strtoul(text, &end, 10);
	if (errno || *end || kib < 1 || kib > INT_MAX / 1024)
		return -EINVAL;
	stack_bytes = (int)kib * 1024;
	return 0;
}

int stx_start(const char *knobs)
{
	int status = parse_knobs(knobs);

	if (status < 0)
		return status;
	/*
	 * All before st_init. epoll is what a user of the library asks for on Linux; a library built without it, as Debian's
	 * is, takes no notice. Then poll: the default, select, ends at 1024 descriptors.
	 */
	st_set_utime_function(monotonic_us);
	st_set_eventsys(ST_EVENTSYS_ALT);
	if (st_get_eventsys() < 0)
		st_set_eventsys(ST_EVENTSYS_POLL);
	return st_init() < 0 ? -errno : 0;
}

int stx_stack_bytes(void)
{
	return stack_bytes;
}

struct start {
	void (*fn)(void *);
	void *arg;
};

static void *start_main(void *p)
{
	struct start start = *(struct start *)p;

	free(p);
	start.fn(start.arg);
	return NULL;
}

int stx_go(size_t bytes, void (*fn)(void *), void *arg)
{
	struct start *start = malloc(sizeof *start);

	if (!start)
		return -ENOMEM;
	*start = (struct start){fn, arg};
	if (st_thread_create(start_main, start, 0, (int)bytes))
		return 0;
	free(start);
	return -ENOMEM; /* the only thing that can be missing, and errno is not always set */
}

/* ---- channels ----------------------------------------------------------------------------------- */

/* What is there of it; NULLs are passed over. */
static void free_parts(struct stx_chan *c)
{
	if (c->not_empty)
		st_cond_destroy(c->not_empty);
	if (c->not_full)
		st_cond_destroy(c->not_full);
	if (c->taken)
		st_cond_destroy(c->taken);
	free(c->slots);
}

int stx_chan_init(struct stx_chan *c, size_t elem_bytes, size_t capacity)
{
	size_t bytes;

	*c = (struct stx_chan){
		.elem_bytes = elem_bytes, .is_rendezvous = capacity == 0, .n_slots = capacity ? capacity : 1};
	if (__builtin_mul_overflow(c->n_slots, elem_bytes, &bytes))
		return -ENOMEM;
	c->slots = malloc(bytes ? bytes : 1);
	c->not_empty = st_cond_new();
	c->not_full = st_cond_new();
	c->taken = st_cond_new();
	if (c->slots && c->not_empty && c->not_full && c->taken)
		return 0;
	free_parts(c);
	return -ENOMEM;
}

void stx_chan_destroy(struct stx_chan *c)
{
	while (c->inside)
		st_usleep(0); /* they are runnable: each needs one turn */
	free_parts(c);
}

void stx_chan_send(struct stx_chan *c, const void *elem)
{
	uint64_t ticket;
	size_t tail;

	c->inside++; /* I3 */
	while (c->count == c->n_slots)
		st_cond_wait(c->not_full);
	if (c->is_closed)
		stx_fatal("a send on a channel that is closed");
	tail = c->head + c->count; /* below 2 * n_slots: one subtraction is enough, and a division is slow */
	if (tail >= c->n_slots)
		tail -= c->n_slots;
	memcpy(c->slots + tail * c->elem_bytes, elem, c->elem_bytes);
	c->count++;
	ticket = ++c->n_sent;
	st_cond_signal(c->not_empty);
	while (c->is_rendezvous && c->n_received < ticket) /* I2 */
		st_cond_wait(c->taken);
	c->inside--;
}

/* There is an element. */
static void take(struct stx_chan *c, void *elem)
{
	memcpy(elem, c->slots + c->head * c->elem_bytes, c->elem_bytes);
	if (++c->head == c->n_slots)
		c->head = 0;
	c->count--;
	c->n_received++;
	if (c->is_rendezvous)
		st_cond_broadcast(c->taken); /* those that wait there wait for different numbers */
	st_cond_signal(c->not_full);
}

bool stx_chan_recv(struct stx_chan *c, void *elem)
{
	bool got;

	c->inside++; /* I3 */
	while (c->count == 0 && !c->is_closed)
		st_cond_wait(c->not_empty);
	got = c->count > 0;
	if (got)
		take(c, elem);
	c->inside--;
	return got;
}

void stx_chan_close(struct stx_chan *c)
{
	c->is_closed = true;
	st_cond_broadcast(c->not_empty);
}

/* ---- sets --------------------------------------------------------------------------------------- */

int stx_set_init(struct stx_set *s, struct stx_chan *chans, size_t n, void *elem)
{
	*s = (struct stx_set){.chans = chans, .n = n, .elem = elem};
	s->not_empty = st_cond_new();
	if (!s->not_empty)
		return -ENOMEM;
	s->own = malloc(n * sizeof s->own[0]);
	if (!s->own) {
		st_cond_destroy(s->not_empty);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		s->own[i] = chans[i].not_empty;
		chans[i].not_empty = s->not_empty;
	}
	return 0;
}

void stx_set_destroy(struct stx_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->chans[i].not_empty = s->own[i];
	st_cond_destroy(s->not_empty);
	free(s->own);
}

int stx_select(struct stx_set *s)
{
	for (;;) {
		bool is_open = false;

		for (size_t k = 0, i = s->next; k < s->n; k++) {
			if (s->chans[i].count) {
				take(&s->chans[i], s->elem);
				s->next = i + 1 == s->n ? 0 : i + 1;
				return (int)i;
			}
			is_open |= !s->chans[i].is_closed;
			if (++i == s->n)
				i = 0;
		}
		if (!is_open)
			return -1;
		st_cond_wait(s->not_empty);
	}
}
