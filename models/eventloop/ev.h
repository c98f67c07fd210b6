/*
 * ev.h - the event-loop model: one thread, callbacks, readiness from epoll, file calls through io_uring.
 *
 * Vocabulary. A loop turns; in each turn it runs the callbacks of what has become due, in the order of the phases that
 * ev_run (loop.c) lists. Work is a callback that is to run soon, a timer one that is to run at a time, an io
 * interest in a descriptor's readiness, a file one call on a file in flight, a call one that blocks a thread of a pool.
 * All five are structs that the caller embeds in its own state (EV_CONTAINER leads back) and that must stay where they
 * are while they are active. The loop allocates when it is made, and where more timers are pending than ever before;
 * never for an event.
 *
 * Everything here is called by the thread that runs the loop; only ev_start, ev_stop and the questions at the end may
 * come from another one, while the loop does not run. No callback is ever interrupted by another one.
 *
 * Objects need no initialisation, except that a timer or an io that was never started may be given to its stop
 * function only if it has been zeroed (a timer) or not at all (an io).
 *
 * Errors: what the environment refuses is a negative errno. A caller's bug ends the process with a sentence.
 */
#ifndef EV_H
#define EV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ev_loop;

/* ---- the loop (loop.c, setup.c) ----------------------------------------------------------------- */

/*
 * knobs: "" or "name=value,...": file=io_uring|pool|auto (auto: io_uring, and the pool where it is refused),
 * pool_threads=N (1..64, default 4), also of the calls that block; loops=N|cpus (see ev_loops_of). -EINVAL: a knob or a
 * value that does not exist.
 */
int ev_start(const char *knobs, struct ev_loop **out);

/*
 * How many loops the knobs ask for: loops=N (1..4096), or as many as there are CPUs; 1 where they do not say, or are wrong.
 * Loops know nothing of each other. Who can split his work among them starts so many, each in a thread of its own, and
 * gives each of them its descriptors.
 */
unsigned ev_loops_of(const char *knobs, unsigned cpus);

/*
 * Turn until ev_break: 0. -EDEADLK: nothing is left that could ever call back, so that turning on would sleep for
 * ever. What is active stays active and goes on in the next ev_run.
 */
int ev_run(struct ev_loop *loop);

/*
 * Let ev_run return after the current callback. Before ev_run, it makes the next one return at once: a body that
 * fails before the loop turns ends in the same way as one that fails later.
 */
void ev_break(struct ev_loop *loop);

/* Wait for file calls that are in flight, call nobody back, free everything. */
void ev_stop(struct ev_loop *loop);

/* ---- work (loop.c) ------------------------------------------------------------------------------ */

struct ev_work {
	struct ev_work *next; /* the loop's, while queued */
	void (*fn)(struct ev_work *);
};

/* Run fn(w) after all callbacks that were posted before. w must not be queued already. */
void ev_post(struct ev_loop *loop, struct ev_work *w, void (*fn)(struct ev_work *));

/* ---- timers (timer.c) --------------------------------------------------------------------------- */

struct ev_timer {
	void (*fn)(struct ev_timer *);
	uint64_t seq; /* order of start, decides between equal times */
	size_t slot; /* where in the heap; a claim that is verified before use, so garbage does no harm */
};

/* Run fn(t) once, not before `ns` have passed from now. A timer that is active is moved to the new time: true. */
bool ev_timer_start(struct ev_loop *loop, struct ev_timer *t, uint64_t ns, void (*fn)(struct ev_timer *));

/* True: it was active. Else nothing happens. */
bool ev_timer_stop(struct ev_loop *loop, struct ev_timer *t);

/* ---- readiness (io.c) --------------------------------------------------------------------------- */

enum {
	EV_READ = 1, /* EPOLLIN */
	EV_WRITE = 4, /* EPOLLOUT */
};

struct ev_io {
	void (*fn)(struct ev_io *, unsigned events);
	int fd; /* -1 after ev_io_stop */
	unsigned events; /* wanted; 0: paused, and not in the epoll set */
	unsigned batch_slot; /* where in the batch that is being called back; verified before use */
};

/*
 * Call fn in each turn in which fd is ready for one of `events` (level-triggered). An error or a hang-up makes it
 * ready for all of them. One io for one descriptor: -EEXIST; -EPERM: not a kind that can be polled (a plain file).
 */
int ev_io_start(struct ev_loop *loop, struct ev_io *io, int fd, unsigned events,
		void (*fn)(struct ev_io *, unsigned events));

/* Other events from now on; 0 pauses. */
int ev_io_change(struct ev_loop *loop, struct ev_io *io, unsigned events);

/*
 * fn is not called any more, not even for what the kernel has reported already: io and descriptor may be freed.
 * Call it before the descriptor is closed. A second call does nothing.
 */
void ev_io_stop(struct ev_loop *loop, struct ev_io *io);

/* ---- file calls (file.c, file_pool.c) ----------------------------------------------------------- */

struct ev_file {
	struct ev_file *next; /* in one of the queues; owner: who holds the queue */
	void (*fn)(struct ev_file *, ssize_t result);
	int kind; /* which call; the loop's */
	int flags; /* of an open */
	mode_t mode; /* of an open */
	void *buf; /* of a read; const of a write, const and a path of an open */
	size_t n;
	off_t offset;
	ssize_t result; /* pool: written by the worker, read by the loop after it took the list */
	int fd;
};

/*
 * As pread(2), with the result (a count or a negative errno, -EBADF included) given to fn in a later phase, never
 * from inside this call. Reads started in one turn are handed to the kernel together. -EINVAL: offset < 0.
 */
int ev_file_read(struct ev_loop *loop, struct ev_file *f, int fd, void *buf, size_t n, off_t offset,
		 void (*fn)(struct ev_file *, ssize_t result));

/*
 * As pwrite(2), fsync(2), open(2) and close(2), in the same way; an open's result is the descriptor. buf must stay as it
 * is and path where it is until fn is called. Nothing orders two calls that are in flight together.
 */
int ev_file_write(struct ev_loop *loop, struct ev_file *f, int fd, const void *buf, size_t n, off_t offset,
		  void (*fn)(struct ev_file *, ssize_t result));
int ev_file_sync(struct ev_loop *loop, struct ev_file *f, int fd, void (*fn)(struct ev_file *, ssize_t result));
int ev_file_open(struct ev_loop *loop, struct ev_file *f, const char *path, int flags, mode_t mode,
		 void (*fn)(struct ev_file *, ssize_t result));
int ev_file_close(struct ev_loop *loop, struct ev_file *f, int fd, void (*fn)(struct ev_file *, ssize_t result));

/* ---- calls that block (file.c, file_pool.c) ------------------------------------------------------ */

struct ev_call {
	struct ev_file file; /* the loop's: a call goes the way of a file call to the pool */
	void (*work)(struct ev_call *);
	void (*done)(struct ev_call *);
};

/*
 * Have work(c) called by a thread of the pool (pool_threads of them, shared with file calls where io_uring is not), which
 * it may block; then done(c) by the loop, in a later phase. Calls wait for a thread in their order. work may touch nothing
 * that the loop's thread touches meanwhile, and call nothing of this interface. The pool's threads are started by
 * the first call: 0, or -errno if they cannot be.
 */
int ev_call_start(struct ev_loop *loop, struct ev_call *c, void (*work)(struct ev_call *),
		  void (*done)(struct ev_call *));

/* ---- questions (setup.c) ------------------------------------------------------------------------ */

struct ev_counters {
	uint64_t turns;
	uint64_t polls; /* calls of epoll_wait or epoll_pwait2 */
	uint64_t callbacks; /* of all kinds */
	uint64_t posted;
	uint64_t timers_fired;
	uint64_t file_reads; /* started */
};

struct ev_settings {
	const char *file_backend; /* in force: "io_uring" or "pool" */
	char file_reason[32]; /* why: "asked for", "default", or what refused io_uring */
	const char *poll_call; /* "epoll_pwait2", or "epoll_wait" with time-outs rounded up to a millisecond */
	unsigned pool_threads; /* 0 without a pool; with io_uring there is one after the first ev_call_start */
	char loops[8]; /* as the knob says: a number, or "cpus" */
	unsigned ready_batch; /* posted callbacks in one turn, at most */
};

/* What the loop has counted so far. From any thread. */
struct ev_counters ev_counters_of(const struct ev_loop *loop);
void ev_settings_of(const struct ev_loop *loop, struct ev_settings *out);

/* From a pointer to a member to the struct around it. */
#define EV_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
