/*
 * trace.h - what happens when and where, noted down: for gr_trace_start, GRTRACE.
 *
 * Hooks are on slow paths only and read one word that is 0 when nothing is traced. What is fast by not coming by a slow
 * path is made to while a trace is taken: see trace.c.
 */
#ifndef GR_TRACE_H
#define GR_TRACE_H

#include "internal.h"

/*
 * What happened, with a P and a G (its id, 40 bits) or another number, and `why`, 7 bits. X(name): in a trace's buffers
 * only, so the order does not matter.
 */
#define GR__EVENTS(X)                                                                                                  \
	X(NONE)                                                                                                        \
	X(BEGIN) /* a G begins; its FN and TEXT follow */                                                              \
	X(NAME) /* a G has another name; TEXT follows */                                                               \
	X(FN) /* why and number together: the address of its function */                                               \
	X(TEXT) /* five more characters */                                                                             \
	X(RUN) /* a G runs on */                                                                                       \
	X(LEAVE) /* it does not any more; why: enum gr__wait, or the four below */                                     \
	X(WAKE) /* a G has been made runnable */                                                                       \
	X(SPAWN) /* a G has been made */                                                                               \
	X(P_GET) /* the M has a P now */                                                                               \
	X(P_PUT) /* and has none any more */                                                                           \
	X(SPIN) /* it looks for work; number: 0 no more */                                                             \
	X(SLEEP) /* it sleeps; number: 0 no more */                                                                    \
	X(POLL) /* it polls; why: 1 may block; number: 0 no more */                                                    \
	X(CALL) /* its G makes a blocking call */                                                                      \
	X(CALL_END) /* and has come back from it */                                                                    \
	X(RESUME) /* with another P */                                                                                 \
	X(RETAKE) /* the P of an M in a call has been taken; number: the M */                                          \
	X(STEAL) /* number: from which P */                                                                            \
	X(TIMERS) /* number: how many have fired */                                                                    \
	X(WAKE_M) /* number: the M that has been woken, 0: a new one */

enum gr__event {
#define GR__EVENT_ENUM(name) GR__EV_##name,
	GR__EVENTS(GR__EVENT_ENUM)
#undef GR__EVENT_ENUM
};

/* More reasons to leave than there are to wait. */
enum { GR__LEFT_YIELD = 120, GR__LEFT_END, GR__LEFT_CALL, GR__LEFT_PREEMPTED };

enum {
	GR__TRACE_NO_P = 2047,
	GR__TRACE_BUFS = 257, /* Ms that can be traced, and one for all other threads */
	GR__TRACE_TEXT = 5, /* characters in a TEXT */
	GR__TRACE_NAME = 40, /* of a name */
};

struct gr__event_slot {
	_Atomic uint64_t ticks;
	_Atomic uint64_t word; /* from the low end: event 6 bits, P 11, why 7, number 40 */
};

/* A ring with one writer. What it has written may be read at any time; who reads knows how far it may have been overtaken. */
struct gr__trace_buf {
	/* immutable */
	uint32_t m; /* whose it is; 0: of all threads that are no M */
	uint64_t n_slots; /* a power of two */
	/* who traces */
	uint64_t from; /* n at the beginning of the trace */
	/* the writer; read by anybody */
	CACHE_ALIGNED _Atomic uint64_t n; /* written so far; release */
	struct gr__event_slot slots[];
};

/* A trace in one piece, for the writer of files. */
struct gr__trace {
	struct gr__trace_buf *bufs[GR__TRACE_BUFS];
	unsigned n_bufs;
	uint64_t begin_ticks, end_ticks;
	int64_t begin_ns, end_ns; /* CLOCK_MONOTONIC */
	bool is_clock; /* ticks are ns of that clock */
	uint64_t unbuffered; /* events of Ms that got no buffer */
};

static inline bool gr__tracing(void)
{
	return unlikely(load_relaxed(&gr__sched.tracing) != 0);
}

/* The tick at which p's next G is not picked by the fast path: each, while a trace is taken. Only the owner. */
static inline void gr__set_due_at(struct gr_p *p)
{
	p->due_at = gr__tracing() ? 0 : p->look_at < p->shared_at ? p->look_at : p->shared_at;
}

/* Timers are looked at at the switch after the next: there is one that P's next look may come too late for. That look reads
 * the clock, so who arms the first of its P's timers pays for it. Only the owner. */
static inline void gr__look_soon(struct gr_p *p)
{
	p->look_at = load_relaxed(&p->tick) + 1;
	gr__set_due_at(p);
}

/* Note it down, of the calling thread. Only if gr__tracing(). May be called under any lock. */
void gr__trace(enum gr__event event, uint32_t p, uint32_t why, uint64_t number);
/* g is about to run on m; m's G, noted in m->after, has left. Likewise. */
void gr__trace_run(struct gr_m *m, const struct gr_g *g);
void gr__trace_leave(struct gr_m *m);
/* A G's name, after BEGIN or NAME. */
void gr__trace_name(const struct gr_g *g);

/* What GRTRACE says, at the start; 0 or -errno with a sentence. At the end: the trace is written. */
int gr__trace_from_env(void);
void gr__trace_end(void);
/* In a process that dies: the trace is written if that can still be done. Needs no lock and no memory of the libc. */
void gr__trace_rescue(void);
/* Free the buffers: no M is left. */
void gr__trace_destroy(void);

/* trace_json.c: write it to fd. 0 or -errno. */
int gr__trace_write(const struct gr__trace *t, int fd);

#endif
