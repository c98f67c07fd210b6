/*
 * dump.c - what is going on, for people: all Gs and where they are, who waits for what, the end of a process.
 *
 * A dump is made when a program is at its worst: in a signal handler, in the middle of malloc, without memory. So it
 * calls neither the allocator nor anything else of the libc that takes a lock, waits for no lock of ours, keeps off the
 * stack that it runs on, and believes nothing that it reads (backtrace.c). What it needs comes from the kernel in one
 * piece (struct dump); if that is refused there is a small one of its own, and then fewer Gs are shown.
 *
 * The Gs go on meanwhile: a dump is a picture with a long exposure. First each G that there is gets noted down (struct
 * seen). Then they are put in order and written: the one that asks first, then those that run, are in a call, are
 * runnable, and those that wait, the longest first. Last comes who waits for what: one line for each object, which is
 * where a partial deadlock shows.
 *
 *   D1  A back-trace is written only if the G was in the same state, in the same life, before and after the walk.
 *   D2  Descriptors stay readable for the whole of it: between gr__read_begin and gr__read_end (m.c).
 */
#include "dump.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backtrace.h"
#include "os.h"
#include "out.h"
#include "symbols.h"
#include "waits.h"

enum {
	SPARE_GS = 64, /* that can be shown without memory */
	RUNNING_MAX = 1024, /* Ms whose Gs are known */
	SAID_MAX = 16, /* Gs named in a line about an object */
	CASES_MAX = 64, /* channels of one select that count for such lines */
	LOCK_TRIES = 1000,
	NAME_CHARS = 64,
};

/* A G, as it was when it was noted down. */
struct seen {
	const struct gr_g *g;
	const char *name, *label;
	uint64_t id;
	uintptr_t data, data2; /* wait_data, wake_param */
	int64_t since_ns;
	uint32_t state, wait;
};

/* A G that waits for an object; one for each case of a select. */
struct link {
	struct gr__wait_for on;
	uint32_t seen; /* index */
	bool in_select;
};

/* A G that an M runs, and which. */
struct running {
	const struct gr_g *g;
	uint32_t m;
};

struct dump {
	struct gr__out out;
	int64_t now_ns;
	size_t limit; /* this many Gs are shown */
	const struct gr_g *own; /* the G that asks, or NULL */
	struct gr__place own_at;
	struct gr__symbols symbols;
	struct gr__frames frames;
	struct running running[RUNNING_MAX];
	size_t n_running;
	struct seen *seen;
	struct link *links;
	size_t n, cap, left_out; /* seen */
	size_t n_links, cap_links;
	size_t n_births;
	size_t bytes; /* of the memory from the kernel; 0: the spare one */
};

static const char *const state_names[] = {"free", "runnable", "running", "waiting", "syscall"};

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static struct {
	_Atomic uint32_t taken;
	struct dump dump;
	struct seen seen[SPARE_GS];
	struct link links[2 * SPARE_GS];
} spare;

static void count_one(struct gr_g *g, void *arg)
{
	(void)g;
	(*(size_t *)arg)++;
}

/* NULL: no memory, and somebody else uses the spare one. */
static struct dump *dump_new(void)
{
	size_t n = 0, bytes;
	struct dump *d;
	uint32_t no = 0;

	gr__stacks_each(count_one, &n);
	n += n / 4 + SPARE_GS; /* some more may have begun until they are noted down */
	bytes = sizeof(*d) + n * sizeof(struct seen) + 2 * n * sizeof(struct link);
	d = gr__os_scratch(bytes);
	if (d) {
		d->bytes = bytes;
		d->seen = (struct seen *)(d + 1);
		d->links = (struct link *)(d->seen + n);
		d->cap = n;
		d->cap_links = 2 * n;
		return d;
	}
	if (!cas_strong_acquire(&spare.taken, &no, 1))
		return NULL;
	d = &spare.dump;
	memset(d, 0, sizeof(*d));
	d->seen = spare.seen;
	d->links = spare.links;
	d->cap = SPARE_GS;
	d->cap_links = ARRAY_LEN(spare.links);
	return d;
}

static void dump_free(struct dump *d)
{
	if (d->bytes)
		gr__os_scratch_free(d, d->bytes);
	else
		store_release(&spare.taken, 0);
}

/* ---- noting down --------------------------------------------------------------------------------------------------- */

static void note_down(struct gr_g *g, void *arg)
{
	struct dump *d = arg;
	struct seen *s;
	uint32_t state = load_relaxed(&g->state);

	if (state == GR__G_FREE || state >= ARRAY_LEN(state_names))
		return; /* ended meanwhile */
	if (d->n == d->cap) {
		d->left_out++;
		return;
	}
	s = &d->seen[d->n++];
	s->g = g;
	s->id = load_relaxed(&g->id);
	s->name = load_relaxed(&g->name);
	s->label = load_relaxed(&g->label);
	s->data = gr__word((uintptr_t)&g->wait_data);
	s->data2 = gr__word((uintptr_t)&g->wake_param);
	s->since_ns = load_relaxed(&g->since_ns);
	s->state = state;
	s->wait = load_relaxed(&g->wait);
}

/* Who runs what: the lock keeps Ms from going. Whoever holds it may be waiting for us, so it is only tried. */
static void note_running(struct dump *d)
{
	struct gr_sched *s = &gr__sched;
	bool locked = false;

	for (int i = 0; i < LOCK_TRIES && !(locked = gr__lock_try(&s->lock)); i++)
		gr_pause();
	if (!locked)
		return;
	list_for_each (link, &s->all_ms) {
		struct gr_m *m = container_of(link, struct gr_m, all_link);

		if (d->n_running == RUNNING_MAX)
			break;
		d->running[d->n_running++] =
			(struct running){(const struct gr_g *)gr__word((uintptr_t)&m->curg), m->id};
	}
	gr__unlock(&s->lock);
}

static bool machine_of(const struct dump *d, const struct gr_g *g, uint32_t *m)
{
	for (size_t i = 0; i < d->n_running; i++) {
		if (d->running[i].g == g) {
			*m = d->running[i].m;
			return true;
		}
	}
	return false;
}

/* ---- order --------------------------------------------------------------------------------------------------------- */

/* The one that asks, those that run, are in a call, are runnable, wait. */
static int rank(const struct dump *d, const struct seen *s)
{
	static const int ranks[] = {
		[GR__G_FREE] = 5, [GR__G_RUNNING] = 1, [GR__G_SYSCALL] = 2, [GR__G_RUNNABLE] = 3, [GR__G_WAITING] = 4};

	return s->g == d->own ? 0 : ranks[s->state];
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_seen(const struct dump *d, const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int by = rank(d, x) - rank(d, y);

	if (!by && (x->state == GR__G_WAITING || x->state == GR__G_SYSCALL))
		by = compare_u64((uint64_t)x->since_ns, (uint64_t)y->since_ns);
	return by ? by : compare_u64(x->id, y->id);
}

static int compare_links(const struct dump *d, const void *a, const void *b)
{
	const struct link *x = a, *y = b;
	int by = compare_u64(x->on.reason, y->on.reason);

	(void)d;
	by = by ? by : compare_u64(x->on.object, y->on.object);
	return by ? by : compare_u64(x->seen, y->seen);
}

typedef int (*compare_fn)(const struct dump *d, const void *a, const void *b);

static void swap(char *a, char *b, size_t bytes)
{
	for (; bytes; bytes--, a++, b++) {
		char was = *a;

		*a = *b;
		*b = was;
	}
}

/* The libc's qsort may allocate. A heap with the largest at the top, which goes to the end, and so on. */
static void sort(const struct dump *d, void *items, size_t n, size_t bytes, compare_fn compare)
{
	char *at = items;

	for (size_t end = n, begin = n / 2; end > 1;) {
		size_t i, child;

		if (begin)
			begin--;
		else
			swap(at, at + --end * bytes, bytes);
		for (i = begin; (child = 2 * i + 1) < end; i = child) {
			if (child + 1 < end && compare(d, at + child * bytes, at + (child + 1) * bytes) < 0)
				child++;
			if (compare(d, at + i * bytes, at + child * bytes) >= 0)
				break;
			swap(at + i * bytes, at + child * bytes, bytes);
		}
	}
}

/* ---- one G --------------------------------------------------------------------------------------------------------- */

static void say_frame(struct dump *d, uintptr_t pc, bool is_return)
{
	struct gr__symbol at = gr__symbols_find(&d->symbols, pc, is_return);

	if (at.name)
		gr__out_say(&d->out, "\tat %.200s+%#llx (%.100s)\n", at.name, (unsigned long long)at.offset, at.module);
	else if (at.module)
		gr__out_say(&d->out, "\tat %.100s+%#llx\n", at.module, (unsigned long long)at.offset);
	else
		gr__out_say(&d->out, "\tat %#lx\n", (unsigned long)pc);
}

static void say_frames(struct dump *d)
{
	const struct gr__frames *f = &d->frames;

	for (size_t i = 0; i < f->n; i++) {
		uintptr_t pc = gr__frames_pc(f, i);

		if (pc) {
			say_frame(d, pc, i > 0 || f->is_return);
			continue;
		}
		gr__out_say(&d->out, "\t... %zu more\n", f->n - GR__FRAMES_FIRST - GR__FRAMES_LAST);
		i = f->n - GR__FRAMES_LAST - 1;
	}
}

/* Where s is, if that can be told; has_begun: it is somewhere. */
static bool find_place(const struct dump *d, const struct seen *s, struct gr__place *at, bool *has_begun)
{
	*has_begun = true;
	if (s->g == d->own) {
		*at = d->own_at;
		return at->pc != 0;
	}
	if (s->state == GR__G_SYSCALL) {
		*at = (struct gr__place){s->data2, s->data, true};
		return true;
	}
	if (s->state == GR__G_RUNNING)
		return false; /* on another thread, and its registers with it */
	*has_begun = gr__place_of(s->g, at);
	if (!at->pc && s->state == GR__G_RUNNABLE) /* preempted: preempt.c */
		*at = (struct gr__place){s->data2, s->data, false};
	return true;
}

static void say_trace(struct dump *d, const struct seen *s)
{
	struct gr__place at;
	bool has_begun;

	if (!find_place(d, s, &at, &has_begun)) {
		gr__out_say(&d->out, "\tsomewhere below\n");
		at = (struct gr__place){gr__word((uintptr_t)&s->g->fn), 0, false};
	} else if (!has_begun) {
		at = (struct gr__place){gr__word((uintptr_t)&s->g->fn), 0, false};
	}
	gr__frames_walk(s->g, &at, &d->frames);
	if (s->g != d->own && (load_acquire(&s->g->state) != s->state || load_relaxed(&s->g->id) != s->id ||
			       load_relaxed(&s->g->since_ns) != s->since_ns)) { /* D1 */
		gr__out_say(&d->out, "\t(has gone on meanwhile)\n");
		return;
	}
	if (!has_begun)
		gr__out_say(&d->out, "\tnot begun\n");
	say_frames(d);
}

static void say_text(struct gr__out *o, const char *before, const char *text, const char *after)
{
	char copy[NAME_CHARS];

	if (!text)
		return;
	gr__peek_text(text, copy, sizeof(copy));
	gr__out_say(o, "%s%s%s", before, copy, after);
}

static void say_g(struct dump *d, const struct seen *s)
{
	struct gr__out *o = &d->out;
	int64_t age_ms = (d->now_ns - s->since_ns) / 1000000;
	uint32_t m;

	gr__out_say(o, "goroutine %llu", (unsigned long long)s->id);
	say_text(o, " (", s->name, ")");
	gr__out_say(o, " [%s", s->state == GR__G_WAITING ? gr__wait_name(s->wait) : state_names[s->state]);
	if ((s->state == GR__G_WAITING || s->state == GR__G_SYSCALL) && age_ms > 0)
		gr__out_say(o, ", %lld ms", (long long)age_ms);
	gr__out_say(o, "]");
	say_text(o, " {", s->label, "}");
	if (s->state == GR__G_WAITING)
		gr__wait_say_line(o, s->wait, s->data, d->now_ns);
	else if ((s->state == GR__G_RUNNING || s->state == GR__G_SYSCALL) && machine_of(d, s->g, &m))
		gr__out_say(o, " on M %u", m);
	gr__out_say(o, "\n");
	say_trace(d, s);
	gr__out_flush(o); /* whatever happens next, this much has been said */
}

/* It gets its number when it begins. */
static void say_birth(const struct gr__birth *b, void *arg)
{
	struct dump *d = arg;

	if (d->n_births++ >= d->limit)
		return;
	gr__out_say(&d->out, "goroutine new");
	say_text(&d->out, " (", b->name, ")");
	gr__out_say(&d->out, " [runnable, not begun]\n");
}

/* ---- who waits for what --------------------------------------------------------------------------------------------- */

static void note_links(struct dump *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct seen *s = &d->seen[i];
		struct gr__wait_for on[CASES_MAX];
		size_t n;

		if (s->state != GR__G_WAITING || s->wait == GR__WAIT_SLEEP)
			continue;
		n = gr__waits_of(s->wait, s->data, on, CASES_MAX);
		if (n == 0) { /* a select of nothing but NULL */
			on[0] = (struct gr__wait_for){s->wait, 0};
			n = 1;
		}
		for (size_t k = 0; k < n && k < CASES_MAX && d->n_links < d->cap_links; k++)
			d->links[d->n_links++] = (struct link){on[k], (uint32_t)i, s->wait == GR__WAIT_SELECT};
	}
	sort(d, d->links, d->n_links, sizeof(d->links[0]), compare_links);
}

/* The links from `first` to `end`, of one object. */
static void say_waiters(struct dump *d, const struct link *first, const struct link *end)
{
	struct gr__out *o = &d->out;
	size_t n = (size_t)(end - first);

	gr__out_say(o, n == 1 ? "%zu goroutine waits " : "%zu goroutines wait ", n);
	gr__wait_say(o, &first->on);
	for (size_t i = 0; i < n && i < SAID_MAX; i++) {
		const struct seen *s = &d->seen[first[i].seen];

		gr__out_say(o, "%s%llu", i ? ", " : ": ", (unsigned long long)s->id);
		say_text(o, " (", s->name, ")");
		if (first[i].in_select)
			gr__out_say(o, " in a select");
	}
	if (n > SAID_MAX)
		gr__out_say(o, " and %zu more", n - SAID_MAX);
	gr__out_say(o, "\n");
}

static void say_who_waits(struct dump *d)
{
	const struct link *at = d->links, *end = d->links + d->n_links;
	size_t lines = 0;

	while (at < end) {
		const struct link *next = at;

		while (next < end && next->on.reason == at->on.reason && next->on.object == at->on.object)
			next++;
		if (lines++ < d->limit)
			say_waiters(d, at, next);
		at = next;
	}
	if (lines > d->limit)
		gr__out_say(&d->out, "and %zu more things are waited for\n", lines - d->limit);
}

/* ---- dumps ----------------------------------------------------------------------------------------------------------- */

static void say_all(struct dump *d)
{
	size_t shown;

	gr__stacks_each(note_down, d);
	note_running(d);
	sort(d, d->seen, d->n, sizeof(d->seen[0]), compare_seen);
	gr__symbols_open(&d->symbols);
	for (shown = 0; shown < d->n && shown < d->limit; shown++)
		say_g(d, &d->seen[shown]);
	gr__symbols_close(&d->symbols);
	if (d->n > shown || d->left_out)
		gr__out_say(&d->out, "... and %zu more goroutines\n", d->n - shown + d->left_out);
	gr__births_each(say_birth, d);
	if (d->n_births > d->limit)
		gr__out_say(&d->out, "... and %zu more that have not begun\n", d->n_births - d->limit);
}

void gr__dump(int fd, enum gr__dump_kind kind, const struct gr_g *g, const struct gr__place *at)
{
	static const size_t limits[] = {[GR__DUMP_ALL] = 1000, [GR__DUMP_DEADLOCK] = 1000, [GR__DUMP_FATAL] = 100};
	struct dump *d;

	if (!gr__read_begin())
		return;
	d = dump_new();
	if (d) {
		d->out.fd = fd;
		d->now_ns = gr__now_ns();
		d->limit = limits[kind];
		d->own = g;
		if (at)
			d->own_at = *at;
		if (kind == GR__DUMP_DEADLOCK) {
			/* What matters first. */
			gr__stacks_each(note_down, d);
			sort(d, d->seen, d->n, sizeof(d->seen[0]), compare_seen);
			note_links(d);
			say_who_waits(d);
			d->n = d->left_out = 0;
			say_all(d);
		} else {
			say_all(d);
			note_links(d);
			say_who_waits(d);
		}
		gr__out_flush(&d->out);
		dump_free(d);
	}
	gr__read_end();
}

__attribute__((noinline)) void gr_dump(int fd)
{
	const struct gr__place at = GR__CALLER();
	struct gr_m *m = gr__m();

	gr__dump(fd, GR__DUMP_ALL, m ? m->curg : NULL, &at);
}
