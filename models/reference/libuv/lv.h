/*
 * lv.h - a loop of libuv, and what programs on it write for themselves: a queue of callbacks that are to run soon.
 *
 * The subject `libuv` is the loop under Node, with libuv's own thread pool for files. It is made of two kinds of bodies:
 *
 *  - Where a callback that is posted, a file call or a call for the pool is all that a workload asks for, the evented body
 *    (workloads/<family>/<name>/evented.c) is bound to libuv by bind.h: its records hold a uv_fs_t or a uv_work_t, and nothing lies
 *    between.
 *  - Where connections, datagrams, pipes or many timers are the point, the body is a program of libuv's own style, in
 *    <family>_<name>.c beside this file: streams that read by themselves (uv_read_start into a buffer of the connection),
 *    uv_try_write first and uv_write for the rest, handles that live in the record and are closed before it is freed. The
 *    evented bodies wait for readiness and call recv and send; on libuv that would be uv_poll_t, which its manual keeps for
 *    descriptors of other libraries.
 *
 * What differs from our event loop, and whom it favours:
 *
 *  - libuv has no call that posts a callback to its own thread. Node has a list and an idle handle for that (setImmediate);
 *    so has this file. The list is the program's and not libuv's, so it follows the same rule as our loop's: in the order of posting,
 *    and a turn of the loop after LV_READY_BATCH callbacks. What is measured there is libuv's turn, divided by that.
 *    Favours nobody: both are a list, and one turn more or less in 256 callbacks.
 *  - libuv's timers count whole milliseconds, and no workload allows one to run out early: lv_timeout_ms rounds up. That
 *    costs up to two milliseconds where ours costs the kernel's 50 us: favours ours in all that waits (timer/accuracy,
 *    mix/server, block/..., abuse/...). A program that needs more would watch a timerfd; it would not measure libuv's timers.
 *  - File calls go to a pool of four threads, as in Node; ours are handed to io_uring where the kernel has it
 *    (`eventloop:file=pool` has threads, too). UV_THREADPOOL_SIZE (here: the knob pool_threads) makes the pool larger.
 *  - libuv reads the clock once a turn and keeps the time; ours reads it at each start of a timer. Favours libuv.
 *  - UV_UDP_RECVMMSG stays off, as it is by default: no body takes several datagrams by one call.
 *
 * In bind.h alone: the evented contract has no close and lets a record be freed when its timer is stopped, and a libuv handle
 * must outlive its close callback. So there a timer or a watched descriptor is a small heap block that is used again. It is so in
 * block/bystander and abuse only, whose timers are few.
 */
#ifndef LV_H
#define LV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uv.h>

enum {
	LV_READY_BATCH = 256, /* posted callbacks in one turn, as in models/eventloop */
	LV_LOOPS_MAX = 4096,
	LV_POOL_THREADS_MAX = 1024, /* libuv's own limit */
	LV_POOL_THREADS_DEFAULT = 4, /* libuv's own */
};

#define LV_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* All of it belongs to the thread that runs the loop. */
struct lv_loop {
	uv_loop_t uv;
	uv_idle_t ready; /* active while the queue is not empty: the loop then does not sleep */
	struct lv_work *head, *tail; /* the queue; NULL: empty, and the tail means nothing */
	bool is_broken; /* lv_break was called in this run */
	struct lv_timer_handle *spare; /* of timers that are not pending */
	unsigned loops; /* as the knob says, 0: one per CPU */
};

/* ---- the loop (lv.c) ---------------------------------------------------------------------------- */

/* knobs: "" or "loops=N|cpus,pool_threads=N". 0, -EINVAL for another one, or what libuv says. */
int lv_start(const char *knobs, struct lv_loop **out);
unsigned lv_loops_of(const char *knobs, unsigned cpus);
unsigned lv_pool_threads(void);

/* The year in which the series of the libuv that runs came out; 0: not known here. */
unsigned lv_year(void);

/* Turn until lv_break, or until nothing is left that could call back. */
void lv_run(struct lv_loop *loop);
void lv_break(struct lv_loop *loop);

/* Handles that are being closed are waited for; one that nobody has closed is a bug, and ends the process. */
void lv_stop(struct lv_loop *loop);

_Noreturn void lv_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What libuv answers to a call that can only fail by a mistake in this program. */
static inline void lv_must(int status, const char *call)
{
	if (status < 0)
		lv_fatal("%s: %s", call, uv_strerror(status));
}

/* ---- posted callbacks ----------------------------------------------------------------------------- */

struct lv_work {
	struct lv_work *next; /* the loop's, while queued */
	void (*fn)(struct lv_work *);
};

/* Run fn(w) after all that were posted before. */
void lv_post(struct lv_loop *loop, struct lv_work *w, void (*fn)(struct lv_work *));

/* ---- time ----------------------------------------------------------------------------------------- */

/*
 * The time-out with which a timer that is started now runs out at the first millisecond of the loop's clock that is not
 * before `ns` from now. libuv counts from the time that the loop has noted, which is never ahead.
 */
static inline uint64_t lv_timeout_ms(const uv_loop_t *loop, uint64_t ns)
{
	return ns ? (uv_hrtime() + ns + 999999) / 1000000 - uv_now(loop) : 0;
}

/* ---- for bind.h ------------------------------------------------------------------------------------ */

/* Zeroed before its first start. */
struct lv_timer {
	void (*fn)(struct lv_timer *);
	struct lv_timer_handle *handle; /* NULL: not pending */
};

/* Once, not before ns have passed; 0 ns: in the loop's next turn, by an idle handle. True: it was pending, and is moved. */
bool lv_timer_start(struct lv_loop *loop, struct lv_timer *t, uint64_t ns, void (*fn)(struct lv_timer *));
bool lv_timer_stop(struct lv_loop *loop, struct lv_timer *t);

struct lv_io {
	void (*fn)(struct lv_io *, unsigned events);
	int fd;
	struct lv_poll *poll; /* NULL: stopped */
};

int lv_io_start(struct lv_loop *loop, struct lv_io *io, int fd, unsigned events,
		void (*fn)(struct lv_io *, unsigned events));
int lv_io_change(struct lv_io *io, unsigned events);
void lv_io_stop(struct lv_io *io);

struct lv_file {
	uv_fs_t req;
	void (*fn)(struct lv_file *, ssize_t result);
};

/* The callback of all file calls: gives the result to fn. */
void lv_file_done(uv_fs_t *req);

struct lv_call {
	uv_work_t req;
	void (*work)(struct lv_call *);
	void (*done)(struct lv_call *);
};

int lv_call_start(struct lv_loop *loop, struct lv_call *c, void (*work)(struct lv_call *),
		  void (*done)(struct lv_call *));

#endif
