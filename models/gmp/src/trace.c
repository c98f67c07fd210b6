/*
 * trace.c - noting down what happens, and when a trace begins and ends. The file is written by trace_json.c.
 *
 * Each M has a ring of events of its own, made when it has the first, so that noting one down is a time stamp and two
 * stores: no lock, nothing shared. Threads that are no M (the monitor, callers of gr_run) have few events and share one
 * ring under a lock. A ring that is full overwrites its oldest: what came last is what one wants to see. How many have been
 * lost that way is in the file. When the trace ends, whoever ends it reads all rings, while their writers may go on for a
 * moment:
 *   T1  a slot is written before n says so (release), and is overwritten only by event n + n_slots. Who reads slot i
 *       and finds n <= i + n_slots - SLACK before and after has read the truth; older ones are counted as lost.
 *   T2  rings stay until gr_stop, when no M is left; a later trace begins where n is then.
 *
 * What it costs when nothing is traced: nothing on the fast paths, which have no hook. A trace makes them slow instead:
 *   - due_at 0: each switch looks into what is due (gr__pick_local), which sends it over g0; there are the hooks (run);
 *     nor does a G that ends become the next one without a switch (gr__may_take_newest);
 *   - sched.is_plain 0: who readies a G asks what is not as usual (proc.c: queue_by_knobs);
 *   - sched.credit_max 0: gr_go makes the G at once, so that it has an id that leads from here to its first run. It
 *     waits in the nursery as it would otherwise, so the order is the same; only stacks are not passed on;
 *   - m->notices: gr_syscall_enter notes the call and sets syscall_p to a P of nobody, so that gr_syscall_exit fails in its
 *     fast part and comes to the slow one.
 * Ps get to know by a call for attention: the first switch after that is slow, and all others are until the end is told
 * the same way.
 *
 * Rejected: a thread that drains the rings into the file (needs a CPU while one is being looked at, and cannot keep up
 * with 10 M events per second anyway); names and locations in the events (they would be three times as large).
 */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/ctx.h"
#include "arch/ticks.h"
#include "backtrace.h"
#include "os.h"
#include "runq.h"

enum { IDLE = 0, CHANGING, ON };

static struct {
	_Atomic uint32_t state;
	int fd; /* who changes the state */
	struct gr__trace trace; /* likewise, but for: */
	_Atomic(struct gr__trace_buf *) bufs[GR__TRACE_BUFS]; /* atomic; [0] for threads that are no M */
	_Atomic uint32_t n_bufs; /* atomic */
	_Atomic uint64_t unbuffered; /* atomic */
	_Atomic uint32_t is_clock; /* atomic */
	struct gr__lock outside; /* writers of bufs[0]; innermost */
} t;

static uint64_t now_ticks(void)
{
	return unlikely(load_relaxed(&t.is_clock)) ? (uint64_t)gr__now_ns() : gr__ticks();
}

/* ---- buffers --------------------------------------------------------------------------------------------------------- */

static size_t buf_bytes(uint64_t n_slots)
{
	return sizeof(struct gr__trace_buf) + n_slots * sizeof(struct gr__event_slot);
}

static struct gr__trace_buf *buf_new(uint32_t m)
{
	uint64_t n_slots = gr__sched.knobs.trace_slots;
	struct gr__trace_buf *b = gr__os_scratch(buf_bytes(n_slots));

	if (!b)
		return NULL;
	b->m = m;
	b->n_slots = n_slots;
	return b;
}

static void make_buf(void *arg)
{
	struct gr_m *m = arg;
	uint32_t i = load_relaxed(&t.n_bufs);

	do {
		if (i + 1 >= GR__TRACE_BUFS)
			break;
	} while (!cas_weak_relaxed(&t.n_bufs, &i, i + 1));
	m->trace_refused = i + 1 >= GR__TRACE_BUFS || !(m->trace = buf_new(m->id));
	if (!m->trace_refused)
		store_release(&t.bufs[i + 1], m->trace); /* pairs with the acquire in collect */
}

/* The ring of m, made if need be. NULL: it has none. */
static __attribute__((noinline)) struct gr__trace_buf *buf_of(struct gr_m *m)
{
	if (!m->trace_refused)
		gr__on_g0(make_buf, m);
	return m->trace;
}

static inline void put(struct gr__trace_buf *b, uint64_t ticks, uint64_t word)
{
	uint64_t n = load_relaxed(&b->n);
	struct gr__event_slot *s = &b->slots[n & (b->n_slots - 1)];

	store_relaxed(&s->ticks, ticks);
	store_relaxed(&s->word, word);
	store_release(&b->n, n + 1); /* T1 */
}

static inline uint64_t word_of(enum gr__event event, uint32_t p, uint32_t why, uint64_t number)
{
	return (uint64_t)event | (uint64_t)(p & 2047) << 6 | (uint64_t)(why & 127) << 17 | number << 24;
}

static __attribute__((noinline)) void put_outside(uint64_t ticks, uint64_t word)
{
	struct gr__trace_buf *b;

	gr__lock(&t.outside);
	b = load_relaxed(&t.bufs[0]);
	if (!b && (b = buf_new(0)))
		store_release(&t.bufs[0], b);
	if (b)
		put(b, ticks, word);
	gr__unlock(&t.outside);
	if (!b)
		fetch_add_relaxed(&t.unbuffered, 1);
}

static inline void note(struct gr_m *m, enum gr__event event, uint32_t p, uint32_t why, uint64_t number)
{
	uint64_t ticks = now_ticks(), word = word_of(event, p, why, number);

	if (unlikely(!m)) {
		put_outside(ticks, word);
		return;
	}
	if (likely(m->trace != NULL) || buf_of(m))
		put(m->trace, ticks, word);
	else
		fetch_add_relaxed(&t.unbuffered, 1);
}

/* ---- hooks ------------------------------------------------------------------------------------------------------------ */

__attribute__((noinline)) void gr__trace(enum gr__event event, uint32_t p, uint32_t why, uint64_t number)
{
	note(gr__m(), event, p, why, number);
}

/* The name as it is now: the text may be gone when the file is written. */
void gr__trace_name(const struct gr_g *g)
{
	char text[GR__TRACE_NAME + 1] = "";
	struct gr_m *m = gr__m();

	gr__peek_text(load_relaxed(&g->name), text, sizeof(text));
	for (size_t i = 0; text[i]; i += GR__TRACE_TEXT) {
		uint64_t five = 0;

		for (size_t k = 0; k < GR__TRACE_TEXT && text[i + k]; k++)
			five |= (uint64_t)(unsigned char)text[i + k] << (8 * k);
		note(m, GR__EV_TEXT, GR__TRACE_NO_P, (uint32_t)i, five);
		if (strlen(text + i) <= GR__TRACE_TEXT)
			break;
	}
}

static __attribute__((noinline)) void note_begin(struct gr_m *m, const struct gr_g *g)
{
	uint64_t fn = (uint64_t)(uintptr_t)g->fn;

	note(m, GR__EV_BEGIN, m->p->id, 0, load_relaxed(&g->id));
	note(m, GR__EV_FN, GR__TRACE_NO_P, (uint32_t)(fn >> 40), fn & ((1ull << 40) - 1));
	gr__trace_name(g);
}

void gr__trace_run(struct gr_m *m, const struct gr_g *g)
{
	m->notices |= GR__TRACED;
	if (*(void *const *)(const void *)((const char *)g->sp + GR__CTX_PC_AT) == (void *)gr__ctx_entry)
		note_begin(m, g);
	note(m, GR__EV_RUN, m->p->id, 0, load_relaxed(&g->id));
}

void gr__trace_leave(struct gr_m *m)
{
	uint32_t why;

	switch (m->after) {
	case GR__AFTER_PARK:
		why = m->after_reason;
		break;
	case GR__AFTER_YIELD:
	case GR__AFTER_YIELD_GLOBAL:
		why = GR__LEFT_YIELD;
		break;
	case GR__AFTER_EXIT:
		why = GR__LEFT_END;
		break;
	case GR__AFTER_SYSCALL:
		why = GR__LEFT_CALL;
		break;
	case GR__AFTER_PREEMPT:
		why = GR__LEFT_PREEMPTED;
		break;
	default:
		return;
	}
	note(m, GR__EV_LEAVE, m->p ? m->p->id : GR__TRACE_NO_P, why, load_relaxed(&m->after_g->id));
}

/* ---- beginning and end -------------------------------------------------------------------------------------------------- */

/* A moment on both clocks. */
static void read_clocks(uint64_t *ticks, int64_t *ns)
{
	*ticks = now_ticks();
	*ns = gr__now_ns();
	*ticks += (now_ticks() - *ticks) / 2;
}

/* What makes paths slow; and back. */
static void set_tracing(bool on)
{
	struct gr_sched *s = &gr__sched;

	store_relaxed(&s->is_plain, !on && gr__knobs_are_plain());
	store_relaxed(&s->credit_max, on ? 0 : gr__knobs_credit());
	store_release(&s->tracing, on);
	gr__call_all_ps();
}

static void begin(void)
{
	store_relaxed(&t.is_clock, !gr__ticks_are_steady());
	store_relaxed(&t.unbuffered, 0);
	for (unsigned i = 0; i < GR__TRACE_BUFS; i++) {
		struct gr__trace_buf *b = load_acquire(&t.bufs[i]);

		if (b)
			b->from = load_acquire(&b->n); /* T2 */
	}
	read_clocks(&t.trace.begin_ticks, &t.trace.begin_ns);
	set_tracing(true);
}

static int end(void)
{
	int err;

	set_tracing(false);
	read_clocks(&t.trace.end_ticks, &t.trace.end_ns);
	t.trace.is_clock = load_relaxed(&t.is_clock);
	t.trace.n_bufs = 0;
	for (unsigned i = 0; i < GR__TRACE_BUFS; i++) {
		struct gr__trace_buf *b = load_acquire(&t.bufs[i]); /* pairs with the release in buf_of */

		if (b)
			t.trace.bufs[t.trace.n_bufs++] = b;
	}
	t.trace.unbuffered = load_relaxed(&t.unbuffered);
	err = gr__trace_write(&t.trace, t.fd);
	if (close(t.fd) && !err)
		err = -errno;
	return err;
}

int gr_trace_start(const char *path)
{
	uint32_t was = IDLE;
	int err = 0;

	if (!gr__read_begin())
		return -EAGAIN;
	if (!cas_strong_acq_rel(&t.state, &was, CHANGING)) {
		err = -EBUSY;
	} else if ((t.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) < 0) {
		err = -errno;
		store_release(&t.state, IDLE);
	} else {
		begin();
		store_release(&t.state, ON);
	}
	gr__read_end();
	return err;
}

int gr_trace_stop(void)
{
	uint32_t was = ON;
	int err;

	if (!gr__read_begin())
		return -EAGAIN;
	if (!cas_strong_acq_rel(&t.state, &was, CHANGING)) {
		gr__read_end();
		return -EAGAIN;
	}
	err = end();
	store_release(&t.state, IDLE);
	gr__read_end();
	return err;
}

int gr__trace_from_env(void)
{
	const char *path = getenv("GRTRACE");

	if (!path || !*path)
		return 0;
	t.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (t.fd < 0) {
		int err = -errno;

		fprintf(stderr, "gr: GRTRACE=%s cannot be opened for writing (error %d)\n", path, -err);
		return err;
	}
	begin();
	store_release(&t.state, ON);
	return 0;
}

void gr__trace_end(void)
{
	uint32_t was = ON;
	int err;

	if (!cas_strong_acq_rel(&t.state, &was, CHANGING))
		return;
	err = end();
	if (err)
		fprintf(stderr, "gr: the trace could not be written (error %d)\n", -err);
	store_release(&t.state, IDLE);
}

void gr__trace_rescue(void)
{
	uint32_t was = ON;

	if (cas_strong_acq_rel(&t.state, &was, CHANGING))
		end();
}

void gr__trace_destroy(void)
{
	for (unsigned i = 0; i < GR__TRACE_BUFS; i++) {
		struct gr__trace_buf *b = load_relaxed(&t.bufs[i]);

		if (b)
			gr__os_scratch_free(b, buf_bytes(b->n_slots));
		store_relaxed(&t.bufs[i], NULL);
	}
	store_relaxed(&t.n_bufs, 0);
}
