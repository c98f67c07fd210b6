/*
 * waits.c - what a G waits for, in words.
 *
 * A G that parks leaves the address of what it waits on in wait_data; `wait` says what kind of thing that is. Both may be
 * old by the time that they are read, and the thing be freed: so its memory is read by gr__peek, and what is read is only
 * ever printed. A wrong number in one line of a dump is the worst that can come of it.
 *
 * wait_data by reason: the channel; of a select its struct gr__select; the semaphore's word of a mutex, wait group, once
 * or semaphore (the object is around it); the condition; the rwmutex; of I/O the struct gr_sock; of a sleep its end (ns).
 */
#include "waits.h"

#include "backtrace.h"
#include "chan.h"
#include "netpoll.h"
#include "sema.h"

static const char *const wait_names[] = {
#define TEXT(name, text) text,
	GR__WAITS(TEXT)
#undef TEXT
};

const char *gr__wait_name(uint32_t reason)
{
	return reason < ARRAY_LEN(wait_names) ? wait_names[reason] : "?";
}

/* The object that has its semaphore so many bytes from its beginning. */
static uintptr_t around(uintptr_t sema, size_t offset)
{
	return sema ? sema - offset : 0;
}

/* ---- what there is ---------------------------------------------------------------------------------------------- */

/* The channels of a select whose cases can be read. */
static size_t waits_of_select(uintptr_t select, struct gr__wait_for *out, size_t cap)
{
	struct gr__select s;
	size_t n = 0;

	if (!select || !gr__peek((const void *)select, &s, sizeof(s)))
		return 0;
	for (size_t i = 0; i < s.n && i < GR__CASES_MAX; i++) {
		gr_case c;

		if (!gr__peek(&s.cases[i], &c, sizeof(c)))
			break;
		if (!c.chan)
			continue;
		if (n < cap)
			out[n] = (struct gr__wait_for){c.is_send ? GR__WAIT_CHAN_SEND : GR__WAIT_CHAN_RECV,
						       (uintptr_t)c.chan};
		n++;
	}
	return n;
}

size_t gr__waits_of(uint32_t reason, uintptr_t wait_data, struct gr__wait_for *out, size_t cap)
{
	uintptr_t object = wait_data;

	switch (reason) {
	case GR__WAIT_SELECT:
		return waits_of_select(wait_data, out, cap);
	case GR__WAIT_MUTEX:
		object = around(wait_data, offsetof(gr_mutex, sema));
		break;
	case GR__WAIT_WG:
		object = around(wait_data, offsetof(gr_wg, sema));
		break;
	case GR__WAIT_ONCE:
		object = around(wait_data, offsetof(gr_once, sema));
		break;
	case GR__WAIT_CHAN_SEND:
	case GR__WAIT_CHAN_RECV:
	case GR__WAIT_RWMUTEX_READ:
	case GR__WAIT_RWMUTEX_WRITE:
	case GR__WAIT_SEMA:
	case GR__WAIT_COND:
	case GR__WAIT_IO_READ:
	case GR__WAIT_IO_WRITE:
	case GR__WAIT_IO_ACCEPT:
	case GR__WAIT_IO_CONNECT:
		break;
	default:
		object = 0;
	}
	if (cap)
		*out = (struct gr__wait_for){reason, object};
	return 1;
}

/* ---- in words --------------------------------------------------------------------------------------------------- */

static void say_chan(struct gr__out *o, uintptr_t object)
{
	struct gr_chan c;

	gr__out_say(o, "channel %#lx", (unsigned long)object);
	if (!gr__peek((const void *)object, &c, sizeof(c)))
		return;
	gr__out_say(o, " (capacity %u", c.cap);
	if (c.cap)
		gr__out_say(o, ", %u in it", load_relaxed(&c.count));
	gr__out_say(o, load_relaxed(&c.closed) ? ", closed)" : ")");
}

static void say_mutex(struct gr__out *o, uintptr_t object)
{
	gr_mutex m;
	uint32_t sleepers;
	bool locked;

	gr__out_say(o, "mutex %#lx", (unsigned long)object);
	if (!gr__peek((const void *)object, &m, sizeof(m)))
		return;
	locked = gr__mutex_state(load_relaxed(&m.state), &sleepers);
	gr__out_say(o, " (%s, %u wait)", locked ? "locked" : "not locked", sleepers);
}

static void say_wg(struct gr__out *o, uintptr_t object)
{
	gr_wg wg;

	gr__out_say(o, "wait group %#lx", (unsigned long)object);
	if (gr__peek((const void *)object, &wg, sizeof(wg)))
		gr__out_say(o, " (at %d)", (int)(load_relaxed(&wg.state) >> 32));
}

static void say_once(struct gr__out *o, uintptr_t object)
{
	gr_once once;

	gr__out_say(o, "once %#lx", (unsigned long)object);
	if (gr__peek((const void *)object, &once, sizeof(once)) && load_relaxed(&once.runner))
		gr__out_say(o, " (goroutine %llu does it)", (unsigned long long)load_relaxed(&once.runner));
}

static void say_sock(struct gr__out *o, uintptr_t object)
{
	const struct gr_sock *s = (const void *)object;
	int fd;

	if (gr__peek(&s->fd, &fd, sizeof(fd)))
		gr__out_say(o, "descriptor %d", fd);
	else
		gr__out_say(o, "a descriptor");
}

/* What is done, as in "3 goroutines wait to receive on"; and how the object is told. */
static const struct {
	const char *doing;
	void (*say)(struct gr__out *o, uintptr_t object); /* NULL: only `doing` */
	const char *noun; /* before the address, where there is no `say` */
} words[GR__WAIT_COUNT] = {
	[GR__WAIT_CHAN_SEND] = {"to send on ", say_chan, NULL},
	[GR__WAIT_CHAN_RECV] = {"to receive on ", say_chan, NULL},
	[GR__WAIT_CHAN_NIL] = {"on no channel (NULL), for ever", NULL, NULL},
	[GR__WAIT_SELECT] = {"in a select whose cases have no channel", NULL, NULL},
	[GR__WAIT_SELECT_NONE] = {"in a select without cases, for ever", NULL, NULL},
	[GR__WAIT_MUTEX] = {"to lock ", say_mutex, NULL},
	[GR__WAIT_RWMUTEX_READ] = {"to lock for reading ", NULL, "rwmutex"},
	[GR__WAIT_RWMUTEX_WRITE] = {"for the readers to leave ", NULL, "rwmutex"},
	[GR__WAIT_WG] = {"for ", say_wg, NULL},
	[GR__WAIT_SEMA] = {"for a permit of ", NULL, "semaphore"},
	[GR__WAIT_COND] = {"on ", NULL, "condition"},
	[GR__WAIT_ONCE] = {"for ", say_once, NULL},
	[GR__WAIT_SLEEP] = {"for time to pass", NULL, NULL},
	[GR__WAIT_IO_READ] = {"to read from ", say_sock, NULL},
	[GR__WAIT_IO_WRITE] = {"to write to ", say_sock, NULL},
	[GR__WAIT_IO_ACCEPT] = {"to accept from ", say_sock, NULL},
	[GR__WAIT_IO_CONNECT] = {"to connect ", say_sock, NULL},
	[GR__WAIT_IO_FILE] = {"for a file", NULL, NULL},
};

void gr__wait_say(struct gr__out *o, const struct gr__wait_for *w)
{
	if (w->reason >= GR__WAIT_COUNT || !words[w->reason].doing) {
		gr__out_say(o, "for %s", gr__wait_name(w->reason));
		return;
	}
	gr__out_say(o, "%s", words[w->reason].doing);
	if (words[w->reason].say)
		words[w->reason].say(o, w->object);
	else if (words[w->reason].noun)
		gr__out_say(o, "%s %#lx", words[w->reason].noun, (unsigned long)w->object);
}

static void say_select(struct gr__out *o, uintptr_t wait_data)
{
	struct gr__wait_for cases[8];
	size_t n = gr__waits_of(GR__WAIT_SELECT, wait_data, cases, ARRAY_LEN(cases));

	for (size_t i = 0; i < n && i < ARRAY_LEN(cases); i++) {
		gr__out_say(o, i ? ", or " : " ");
		gr__wait_say(o, &cases[i]);
	}
	if (n > ARRAY_LEN(cases))
		gr__out_say(o, ", or %zu more", n - ARRAY_LEN(cases));
}

void gr__wait_say_line(struct gr__out *o, uint32_t reason, uintptr_t wait_data, int64_t now_ns)
{
	struct gr__wait_for w;
	int64_t left_ns;

	if (reason == GR__WAIT_SELECT) {
		say_select(o, wait_data);
	} else if (reason == GR__WAIT_SLEEP) {
		left_ns = (int64_t)wait_data - now_ns;
		if (wait_data && left_ns > 0)
			gr__out_say(o, " for %lld.%03d ms more", (long long)(left_ns / 1000000),
				    (int)(left_ns / 1000 % 1000));
	} else if (gr__waits_of(reason, wait_data, &w, 1) && w.object) {
		gr__out_say(o, " ");
		gr__wait_say(o, &w);
	}
}
