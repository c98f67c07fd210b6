/*
 * internal.h - the loop's own state and what its files offer each other. Not for users of ev.h.
 */
#ifndef EV_INTERNAL_H
#define EV_INTERNAL_H

#include <stdatomic.h>
#include <sys/epoll.h>
#include <time.h>

#include "models/eventloop/ev.h"

enum {
	/*
	 * Posted callbacks in one turn, at most, and so the bound on how many of them a ready descriptor or a due
	 * timer waits for. 256 of a few nanoseconds each take about as long as one poll: the poll costs the ready
	 * queue one or two nanoseconds per callback, and the descriptor waits less than it takes a thread to be woken.
	 */
	EV_READY_BATCH = 256,
	/* Events taken from the kernel by one poll. Arbitrary; the rest is reported by the next one. */
	EV_IO_BATCH = 256,
	/* Submission entries, arbitrary. The completion ring has twice as many: the most reads that are in flight. */
	EV_RING_ENTRIES = 256,
	EV_POOL_THREADS_DEFAULT = 4, /* as many as libuv has */
	EV_POOL_THREADS_MAX = 64, /* arbitrary */
	EV_LOOPS_MAX = 4096, /* more than the largest machines have CPUs */
};

#define EV_FOREVER UINT64_MAX

struct ev__timer_slot {
	uint64_t at_ns; /* CLOCK_MONOTONIC; beside the pointer, so that sifting touches no timer but those it moves */
	struct ev_timer *timer;
};

struct ev__file_queue {
	struct ev_file *head; /* NULL: empty, and tail means nothing */
	struct ev_file *tail;
};

struct ev__ring; /* file.c */
struct ev__pool; /* file_pool.c */

/* struct ev_counters as the loop keeps it: written by the loop's thread only, read by any. */
struct ev__counts {
	_Atomic uint64_t turns, polls, callbacks, posted, timers_fired, file_reads;
};

/* A plain addition: there is one writer, and a reader must only not see half a number. */
static inline void ev__count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/* All of it but the counts belongs to the thread that runs the loop. */
struct ev_loop {
	bool is_running;
	unsigned loops; /* that the knobs ask for, 0: one per CPU; for ev_settings_of */
	bool is_broken; /* ev_break was called; the ev_run that it ends clears it */

	/* loop.c */
	struct ev_work *ready_head; /* NULL: empty, and the tail means nothing */
	struct ev_work *ready_tail;

	/* timer.c: a 4-ary heap; heap[0] is the next one due */
	struct ev__timer_slot *heap;
	size_t n_timers;
	size_t timer_room;
	uint64_t timer_seq; /* of the next timer to be started */

	/* io.c */
	int epoll_fd;
	bool has_pwait2; /* immutable after ev_start */
	size_t n_ios; /* started by users and not stopped */
	unsigned batch_next; /* batch[batch_next..n_batch) is still to be called back */
	unsigned n_batch;
	struct epoll_event batch[EV_IO_BATCH]; /* data.ptr: the ev_io, or NULL where it was stopped meanwhile */

	/* file.c, file_pool.c */
	struct ev__ring *ring; /* NULL: file calls go to the pool; immutable after ev_start */
	int ring_refused; /* the errno that refused io_uring, or 0; immutable after ev_start */
	bool is_file_asked; /* the knob named a backend; immutable after ev_start */
	struct ev_io ring_io; /* the ring's descriptor; not counted in n_ios */
	struct ev__file_queue ring_wait; /* not yet handed over */
	unsigned ring_in_flight; /* handed over and not yet called back */
	struct ev__pool *pool; /* with a ring: NULL before the first ev_call_start */
	unsigned pool_threads; /* as the knob says; immutable after ev_start */
	struct ev_io pool_io; /* the pool's eventfd; not counted in n_ios */
	struct ev__file_queue pool_wait, pool_done; /* not yet handed over; taken from it and not yet called back */
	bool is_pool_signalled; /* its eventfd was read and its list not yet taken */
	unsigned pool_in_flight; /* as ring_in_flight */

	struct ev__counts count;
};

/* ---- setup.c ------------------------------------------------------------------------------------ */

void ev__fatal(const char *fmt, ...) __attribute__((noreturn, cold, format(printf, 1, 2)));

static inline uint64_t ev__now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail: the clock exists and t is ours */
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- timer.c ------------------------------------------------------------------------------------ */

/* The phase: call back every timer that is due now and was started before now. */
void ev__run_timers(struct ev_loop *loop);

/* How long until the next timer is due: 0 if it is, EV_FOREVER if there is none. */
uint64_t ev__timer_wait_ns(const struct ev_loop *loop);

/* ---- io.c --------------------------------------------------------------------------------------- */

int ev__io_open(struct ev_loop *loop);
void ev__io_close(struct ev_loop *loop);

/* As ev_io_start, for the loop's own descriptors: they do not keep it turning. */
int ev__io_add(struct ev_loop *loop, struct ev_io *io, int fd, unsigned events, void (*fn)(struct ev_io *, unsigned));

/* Take what the kernel has to report; sleep at most that long for it. */
void ev__poll(struct ev_loop *loop, uint64_t wait_ns);

/* The phase: call back the batch that ev__poll took. */
void ev__run_io(struct ev_loop *loop);

/* ---- file.c ------------------------------------------------------------------------------------- */

/* What an ev_file asks for. */
enum ev__file_kind { EV_KIND_READ, EV_KIND_WRITE, EV_KIND_SYNC, EV_KIND_OPEN, EV_KIND_CLOSE, EV_KIND_CALL };

enum ev__file_choice { EV_FILE_AUTO, EV_FILE_RING, EV_FILE_POOL };

int ev__files_open(struct ev_loop *loop, enum ev__file_choice choice, unsigned pool_threads);
void ev__files_close(struct ev_loop *loop);

/* The phase: hand over what waits in line. */
void ev__submit_files(struct ev_loop *loop);

/* The phase: call back the reads that are complete. */
void ev__run_files(struct ev_loop *loop);

/* How long the loop may sleep for the files' sake: 0 where completions lie ready. */
uint64_t ev__file_wait_ns(const struct ev_loop *loop);

/* The pool tells by its eventfd what is done; a ring is looked into without asking the kernel. */
static inline bool ev__file_needs_poll(const struct ev_loop *loop)
{
	return loop->pool_in_flight;
}

static inline void ev__file_push(struct ev__file_queue *q, struct ev_file *f)
{
	f->next = NULL;
	if (q->head)
		q->tail->next = f;
	else
		q->head = f;
	q->tail = f;
}

static inline struct ev_file *ev__file_pop(struct ev__file_queue *q)
{
	struct ev_file *f = q->head;

	if (f)
		q->head = f->next;
	return f;
}

/* ---- file_pool.c -------------------------------------------------------------------------------- */

int ev__pool_open(unsigned threads, struct ev__pool **out);
void ev__pool_close(struct ev__pool *pool); /* waits for the calls that are being made, drops the others */
int ev__pool_event_fd(const struct ev__pool *pool);
unsigned ev__pool_threads(const struct ev__pool *pool);

/* Give the pool the whole queue, n calls; empties it. */
void ev__pool_submit(struct ev__pool *pool, struct ev__file_queue *q, unsigned n);

/* Read the eventfd until it is empty. Before ev__pool_take. */
void ev__pool_clear_event(struct ev__pool *pool);

/* Move all that is done to the end of *to. */
void ev__pool_take(struct ev__pool *pool, struct ev__file_queue *to);

#endif
