/*
 * trace_json.c - a trace as a file that Perfetto (ui.perfetto.dev) and Chrome (chrome://tracing) read.
 *
 *   process "P", a row for each P: which G runs there, by name; its id, its M and why it left are arguments
 *   process "M", a row for each M: the P that it has, or what it does instead: spinning, polling, asleep, in a call
 *   arrows from where a G was made runnable to where it then ran
 *   marks on the M's row: steals, timers, wake-ups of other Ms, Ps taken from calls, preemptions
 *
 * The rings are merged by time. Events come in the order in which they happened but for the difference of two CPUs'
 * clocks, some ns; so nothing is believed that does not fit: a slice ends where the next one of its row begins, an arrow is
 * drawn when its end is found. A row's slices never overlap, an arrow has both ends.
 *
 * Rings that are full have lost their oldest events, each up to another time; the trace begins where all are whole. What
 * is before that is read for the names of Gs only, and counts as lost.
 *
 * No memory of the libc: a process that dies writes its trace too.
 */
#include "trace.h"

#include <errno.h>
#include <string.h>

#include "os.h"
#include "out.h"
#include "symbols.h"
#include "waits.h"

enum { TEXTS_BYTES = 1 << 20, MS_ROWS = GR__TRACE_BUFS };

enum { PID_P = 1, PID_M = 2 };

/* What an M does; the row shows the first of these that is so. */
enum doing { CALL, POLL, SPIN, SLEEP, HOLD, NOTHING };

struct row_m {
	uint32_t id;
	uint32_t p; /* that it has, or GR__TRACE_NO_P */
	uint64_t g; /* that runs on it, or 0 */
	bool is[HOLD]; /* by enum doing */
	enum doing shown;
	uint32_t shown_p;
	uint64_t since;
};

struct row_p {
	uint64_t g; /* 0: none */
	uint32_t m;
	uint64_t since;
	bool seen;
};

/* A G, from its first event on. */
struct known {
	uint64_t id; /* 0: a free place */
	uint64_t fn;
	uint32_t text; /* its name: offset in texts, 0: none */
	bool running, woken; /* woken: and has not run yet */
	bool by_p; /* the waker's row */
	uint32_t by; /* likewise */
	uint64_t woken_at;
};

struct writer {
	const struct gr__trace *t;
	struct gr__out out;
	struct gr__symbols symbols;
	uint64_t next[GR__TRACE_BUFS], end[GR__TRACE_BUFS]; /* of each ring: what has not been read */
	uint64_t cut; /* ticks; what is before is not shown */
	uint64_t lost, n_events, n_flows;
	struct row_m ms[MS_ROWS]; /* as t->bufs */
	struct row_p ps[GR__MAX_PROCS];
	struct known *known; /* a hash table of n_known places */
	uint64_t n_known;
	struct known *naming[GR__TRACE_BUFS]; /* of each ring: whose name comes */
	uint32_t texts_n;
	size_t bytes;
	char texts[TEXTS_BYTES];
};

/* ---- parts ------------------------------------------------------------------------------------------------------------ */

static struct known *known(struct writer *w, uint64_t id)
{
	uint64_t i = id * 0x9e3779b97f4a7c15ull >> 20;

	for (;; i++) {
		struct known *k = &w->known[i & (w->n_known - 1)];

		if (k->id == id)
			return k;
		if (!k->id) {
			k->id = id;
			return k;
		}
	}
}

/* A time since the beginning, rounded: the ends of slices are computed from such, or roundings would make them overlap. */
static uint64_t ns_of(const struct writer *w, uint64_t ticks)
{
	const struct gr__trace *t = w->t;
	double ns = ticks > t->begin_ticks ? (double)(ticks - t->begin_ticks) : 0;

	if (!t->is_clock && t->end_ticks > t->begin_ticks)
		ns = ns * (double)(t->end_ns - t->begin_ns) / (double)(t->end_ticks - t->begin_ticks);
	return (uint64_t)ns;
}

static void say_ns(struct writer *w, const char *before, uint64_t ns)
{
	gr__out_say(&w->out, "%s%llu.%03llu", before, (unsigned long long)(ns / 1000), (unsigned long long)(ns % 1000));
}

/* The beginning of an event's line. The name is closed by who calls. */
static void begin_event(struct writer *w, const char *ph, int pid, uint32_t tid, uint64_t ticks)
{
	gr__out_say(&w->out, ",\n{\"ph\":\"%s\",\"pid\":%d,\"tid\":%u", ph, pid, tid);
	say_ns(w, ",\"ts\":", ns_of(w, ticks));
}

static void say_json_text(struct writer *w, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			gr__out_say(&w->out, "\\%c", c);
		else if (c < ' ' || c >= 127)
			gr__out_say(&w->out, "\\u%04x", c);
		else
			gr__out_put(&w->out, text, 1);
	}
}

static void say_g_name(struct writer *w, const struct known *k)
{
	struct gr__symbol at = {0};

	if (k->text) {
		say_json_text(w, w->texts + k->text);
		return;
	}
	if (k->fn)
		at = gr__symbols_find(&w->symbols, (uintptr_t)k->fn, false);
	if (at.name)
		say_json_text(w, at.name);
	else if (k->fn)
		gr__out_say(&w->out, "%#llx", (unsigned long long)k->fn);
	else
		gr__out_say(&w->out, "G %llu", (unsigned long long)k->id);
}

static bool is_shown(const struct writer *w, uint64_t ticks)
{
	return ticks >= w->cut;
}

/* ---- rows of Ps ---------------------------------------------------------------------------------------------------------- */

static const char *left_name(uint32_t why)
{
	switch (why) {
	case GR__LEFT_YIELD:
		return "yield";
	case GR__LEFT_END:
		return "end";
	case GR__LEFT_CALL:
		return "call";
	case GR__LEFT_PREEMPTED:
		return "preempted";
	case GR__WAIT_NONE:
		return "";
	default:
		return gr__wait_name(why);
	}
}

static void end_slice_p(struct writer *w, uint32_t p, uint64_t ticks, const char *why)
{
	struct row_p *r = &w->ps[p];
	uint64_t from = r->since > w->cut ? r->since : w->cut;
	struct known *k;

	if (!r->g)
		return;
	k = known(w, r->g);
	k->running = false;
	if (is_shown(w, ticks)) {
		begin_event(w, "X", PID_P, p, from);
		say_ns(w, ",\"dur\":", ns_of(w, ticks) - ns_of(w, from));
		gr__out_say(&w->out, ",\"name\":\"");
		say_g_name(w, k);
		gr__out_say(&w->out, "\",\"args\":{\"g\":%llu,\"m\":%u,\"left\":\"%s\"}}", (unsigned long long)r->g,
			    r->m, why);
	}
	r->g = 0;
}

/* The arrow to where k begins to run now. */
static void say_flow(struct writer *w, struct known *k, uint32_t p, uint64_t ticks)
{
	uint64_t id;

	if (!k->woken)
		return;
	k->woken = false;
	if (!is_shown(w, k->woken_at) || k->woken_at > ticks)
		return;
	id = ++w->n_flows;
	begin_event(w, "s", k->by_p ? PID_P : PID_M, k->by, k->woken_at);
	gr__out_say(&w->out, ",\"id\":%llu,\"cat\":\"wake\",\"name\":\"wake\"}", (unsigned long long)id);
	begin_event(w, "f", PID_P, p, ticks);
	gr__out_say(&w->out, ",\"id\":%llu,\"cat\":\"wake\",\"name\":\"wake\",\"bp\":\"e\",\"args\":{\"g\":%llu}}",
		    (unsigned long long)id, (unsigned long long)k->id);
}

static void begin_slice_p(struct writer *w, struct row_m *m, uint32_t p, uint64_t g, uint64_t ticks)
{
	struct known *k = known(w, g);

	if (p >= GR__MAX_PROCS)
		return;
	end_slice_p(w, p, ticks, "");
	if (is_shown(w, ticks))
		say_flow(w, k, p, ticks);
	w->ps[p] = (struct row_p){g, m->id, ticks, true};
	k->running = true;
	m->g = g;
}

/* ---- rows of Ms ---------------------------------------------------------------------------------------------------------- */

static void say_slice_m(struct writer *w, const struct row_m *m, uint64_t ticks)
{
	static const char *const names[] = {"call", "polling", "spinning", "asleep"};
	uint64_t from = m->since > w->cut ? m->since : w->cut;

	if (m->shown == NOTHING || !is_shown(w, ticks))
		return;
	begin_event(w, "X", PID_M, m->id, from);
	say_ns(w, ",\"dur\":", ns_of(w, ticks) - ns_of(w, from));
	if (m->shown == HOLD)
		gr__out_say(&w->out, ",\"name\":\"P %u\"}", m->shown_p);
	else
		gr__out_say(&w->out, ",\"name\":\"%s\"}", names[m->shown]);
}

/* Show what m does now, if that has changed. */
static void show_m(struct writer *w, struct row_m *m, uint64_t ticks)
{
	enum doing now = 0;

	while (now < HOLD && !m->is[now])
		now++;
	if (now == HOLD && m->p == GR__TRACE_NO_P)
		now = NOTHING;
	if (now == m->shown && (now != HOLD || m->p == m->shown_p))
		return;
	say_slice_m(w, m, ticks);
	m->shown = now;
	m->shown_p = m->p;
	m->since = ticks;
}

static void mark(struct writer *w, const struct row_m *m, uint64_t ticks, const char *what, uint64_t number)
{
	if (!is_shown(w, ticks))
		return;
	begin_event(w, "i", PID_M, m->id, ticks);
	gr__out_say(&w->out, ",\"s\":\"t\",\"name\":\"%s\",\"args\":{\"n\":%llu}}", what, (unsigned long long)number);
}

/* The row of the M of that number; NULL: it has none. */
static struct row_m *row_of(struct writer *w, uint64_t id)
{
	for (unsigned i = 0; i < w->t->n_bufs; i++)
		if (w->ms[i].id == id)
			return &w->ms[i];
	return NULL;
}

/* ---- events -------------------------------------------------------------------------------------------------------------- */

struct event {
	uint64_t ticks, number;
	uint32_t what, p, why;
};

static struct event event_at(const struct gr__trace_buf *b, uint64_t i)
{
	const struct gr__event_slot *s = &b->slots[i & (b->n_slots - 1)];
	uint64_t word = load_relaxed(&s->word);

	return (struct event){load_relaxed(&s->ticks), word >> 24, word & 63, word >> 6 & 2047, word >> 17 & 127};
}

/* G is runnable from here on. */
static void wake(struct writer *w, const struct row_m *m, const struct event *e)
{
	struct known *k = known(w, e->number);

	if (k->running && e->what == GR__EV_WAKE && w->ps[m->p < GR__MAX_PROCS ? m->p : 0].g == e->number)
		return; /* clocks that differ: it has run already */
	k->woken = true;
	k->woken_at = e->ticks;
	k->by_p = m->p < GR__MAX_PROCS && w->ps[m->p].g && w->ps[m->p].m == m->id;
	k->by = k->by_p ? m->p : m->id;
}

static void add_text(struct writer *w, unsigned ring, const struct event *e)
{
	struct known *k = w->naming[ring];

	if (!k || w->texts_n + GR__TRACE_NAME + 2 > TEXTS_BYTES)
		return;
	if (e->why == 0)
		k->text = ++w->texts_n; /* behind the end of the one before */
	else if (!k->text)
		return; /* its beginning has been lost */
	for (unsigned i = 0; i < GR__TRACE_TEXT; i++) {
		char c = (char)(e->number >> (8 * i));

		if (!c)
			break;
		w->texts[w->texts_n++] = c;
	}
}

/* What tells of names. False: it is something else. */
static bool take_naming(struct writer *w, unsigned ring, const struct event *e)
{
	switch (e->what) {
	case GR__EV_BEGIN:
	case GR__EV_NAME:
		w->naming[ring] = known(w, e->number);
		w->naming[ring]->text = 0;
		return true;
	case GR__EV_FN:
		if (w->naming[ring])
			w->naming[ring]->fn = (uint64_t)e->why << 40 | e->number;
		return true;
	case GR__EV_TEXT:
		add_text(w, ring, e);
		return true;
	default:
		return false;
	}
}

/* What is about a G on a P. False: it is something else. */
static bool take_running(struct writer *w, struct row_m *m, const struct event *e)
{
	struct row_m *other;

	switch (e->what) {
	case GR__EV_RUN:
	case GR__EV_RESUME:
		m->p = e->p;
		begin_slice_p(w, m, e->p, e->number, e->ticks);
		return true;
	case GR__EV_LEAVE:
		if (e->p < GR__MAX_PROCS && w->ps[e->p].g == e->number)
			end_slice_p(w, e->p, e->ticks, left_name(e->why));
		if (e->why == GR__LEFT_PREEMPTED)
			mark(w, m, e->ticks, "preempted", e->number);
		m->g = 0;
		return true;
	case GR__EV_RETAKE:
		if (e->p < GR__MAX_PROCS && w->ps[e->p].m == e->number)
			end_slice_p(w, e->p, e->ticks, "call");
		other = row_of(w, e->number);
		if (other && other->p == e->p) {
			other->p = GR__TRACE_NO_P;
			show_m(w, other, e->ticks);
		}
		mark(w, m, e->ticks, "hand-off", e->p);
		return true;
	case GR__EV_WAKE:
	case GR__EV_SPAWN:
		wake(w, m, e);
		return true;
	default:
		return false;
	}
}

static void take(struct writer *w, unsigned ring, const struct event *e)
{
	struct row_m *m = &w->ms[ring];

	if (take_naming(w, ring, e))
		return;
	if (!take_running(w, m, e)) {
		switch (e->what) {
		case GR__EV_P_GET:
			m->p = e->p;
			break;
		case GR__EV_P_PUT:
			m->p = GR__TRACE_NO_P;
			break;
		case GR__EV_SPIN:
			m->is[SPIN] = e->number;
			break;
		case GR__EV_SLEEP:
			m->is[SLEEP] = e->number;
			break;
		case GR__EV_POLL:
			m->is[POLL] = e->number;
			break;
		case GR__EV_CALL:
		case GR__EV_CALL_END:
			m->is[CALL] = e->what == GR__EV_CALL;
			break;
		case GR__EV_STEAL:
			mark(w, m, e->ticks, "steal", e->number);
			break;
		case GR__EV_TIMERS:
			mark(w, m, e->ticks, "timers", e->number);
			break;
		case GR__EV_WAKE_M:
			mark(w, m, e->ticks, "wake M", e->number);
			break;
		default:
			break;
		}
	}
	show_m(w, m, e->ticks);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------ */

/* Where each ring begins and ends, and from when on all are whole (T1 of trace.c). */
static void survey(struct writer *w)
{
	const struct gr__trace *t = w->t;

	w->lost = t->unbuffered;
	w->cut = t->begin_ticks;
	for (unsigned i = 0; i < t->n_bufs; i++) {
		const struct gr__trace_buf *b = t->bufs[i];
		uint64_t first = b->from;
		struct event e;

		w->end[i] = load_acquire(&b->n);
		if (w->end[i] - first >= b->n_slots)
			first = w->end[i] - b->n_slots + b->n_slots / 16 + 1; /* room for who still writes */
		w->next[i] = first;
		w->lost += first - b->from;
		w->n_events += w->end[i] - first;
		if (first == b->from || first >= w->end[i])
			continue;
		e = event_at(b, first);
		if (e.ticks > w->cut)
			w->cut = e.ticks;
	}
}

static void say_head(struct writer *w)
{
	const struct gr__trace *t = w->t;

	gr__out_say(&w->out, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
			     "{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"P\"}},\n"
			     "{\"ph\":\"M\",\"pid\":2,\"name\":\"process_name\",\"args\":{\"name\":\"M\"}}");
	for (unsigned i = 0; i < t->n_bufs; i++) {
		gr__out_say(&w->out,
			    ",\n{\"ph\":\"M\",\"pid\":2,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":\"",
			    t->bufs[i]->m);
		gr__out_say(&w->out, t->bufs[i]->m ? "M %u\"}}" : "no M\"}}", t->bufs[i]->m);
	}
}

static void say_tail(struct writer *w)
{
	for (unsigned i = 0; i < GR__MAX_PROCS; i++)
		if (w->ps[i].seen)
			gr__out_say(&w->out,
				    ",\n{\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":"
				    "\"P %u\"}}",
				    i, i);
	gr__out_say(&w->out, "\n],\"otherData\":{\"events\":\"%llu\",\"lost\":\"%llu\",\"clock\":\"%s\"}}\n",
		    (unsigned long long)w->n_events, (unsigned long long)w->lost, w->t->is_clock ? "monotonic" : "cpu");
	gr__out_flush(&w->out);
}

/* All events in their order. */
static void merge(struct writer *w)
{
	const struct gr__trace *t = w->t;
	bool shown = false;

	for (;;) {
		unsigned first = GR__TRACE_BUFS;
		struct event e = {.ticks = UINT64_MAX};

		for (unsigned i = 0; i < t->n_bufs; i++) {
			struct event other;

			if (w->next[i] >= w->end[i])
				continue;
			other = event_at(t->bufs[i], w->next[i]);
			if (other.ticks < e.ticks) {
				e = other;
				first = i;
			}
		}
		if (first == GR__TRACE_BUFS)
			return;
		w->next[first]++;
		if (!shown && e.ticks < w->cut) {
			w->lost++;
			w->n_events--;
		} else {
			shown = true;
		}
		if (e.ticks > t->end_ticks)
			e.ticks = t->end_ticks;
		take(w, first, &e);
	}
}

static struct writer *writer_new(const struct gr__trace *t, int fd)
{
	uint64_t n = 1024;
	struct writer *w = gr__os_scratch(sizeof(*w));

	if (!w)
		return NULL;
	w->t = t;
	w->out.fd = fd;
	for (unsigned i = 0; i < t->n_bufs; i++) {
		w->ms[i].id = t->bufs[i]->m;
		w->ms[i].p = GR__TRACE_NO_P;
		w->ms[i].shown = NOTHING;
	}
	survey(w);
	while (n < 2 * w->n_events)
		n *= 2;
	w->n_known = n;
	w->bytes = n * sizeof(struct known);
	w->known = gr__os_scratch(w->bytes);
	if (!w->known) {
		gr__os_scratch_free(w, sizeof(*w));
		return NULL;
	}
	return w;
}

int gr__trace_write(const struct gr__trace *t, int fd)
{
	struct writer *w = writer_new(t, fd);
	int err;

	if (!w)
		return -ENOMEM;
	gr__symbols_open(&w->symbols);
	say_head(w);
	merge(w);
	for (uint32_t p = 0; p < GR__MAX_PROCS; p++)
		end_slice_p(w, p, t->end_ticks, "");
	for (unsigned i = 0; i < t->n_bufs; i++)
		say_slice_m(w, &w->ms[i], t->end_ticks);
	say_tail(w);
	gr__symbols_close(&w->symbols);
	err = w->out.err;
	gr__os_scratch_free(w->known, w->bytes);
	gr__os_scratch_free(w, sizeof(*w));
	return err;
}
