/*
 * bench.h - what a workload is, and what its body may ask of the subject it runs in.
 *
 * A workload is one definition of work (parameters, data, operation, expected result) and a body per
 * style: direct.c (blocking calls, compiled once against every direct model), evented.c (callbacks, for
 * the event loop) and, where the plain sequential form of the work makes sense, serial.c (the baseline
 * that every comparison shows). The three bodies do the same work: the certificate below proves it.
 *
 * Who calls what, in which thread. The subject's main OS thread speaks the protocol and never runs a
 * body, so that the model under test has no hand in what is said and when. A body runs in the model's own
 * context (a goroutine, a thread, a loop callback) and reaches the main thread through
 * bench_begin/end/snapshot, which block the calling OS thread for one futex round trip.
 *
 *      main OS thread                         body
 *      --------------                         ----
 *      setup(b)
 *      starts the model, runs the body  --->  prepares tasks and lets them wait at a gate
 *      says begin, waits for the ack    <---  bench_begin(b)
 *      lets the body go                 --->  bench_begin, released, takes rusage and the clock
 *                                             opens the gate, the work is done, tasks are joined
 *                                       <---  bench_end(b) takes the clock and rusage first of all
 *      says end, waits for the ack      --->  fills b->cert, frees what it made, returns 0
 *      teardown(b)
 *
 * The region is stamped in bench_begin and bench_end, by harness code in the body's OS thread, so that neither the
 * wake-up of a thread nor a round trip through a pipe lies in it; the harness stamps the same two points from
 * outside and withholds the sample if the two disagree.
 *
 * Rules for bodies. (1) Everything that grows with `ops` lies between begin and end, nothing else does.
 * (2) A body can be run several times in one process (calibration, warm-up): it frees all that it made.
 * (3) A body never prints, never reads the clock for a result (delays are taken by bench_delay), never includes a
 * model's header: it sees the model through direct.h or evented.h only. (4) The certificate is what was really done, counted by the
 * tasks, never copied from the plan.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- parameters ------------------------------------------------------------------------------- */

enum bench_param_kind {
	BENCH_INT, /* a whole number between min and max */
	BENCH_CHOICE, /* one of the names in `choices`; the value is the index */
};

struct bench_param {
	const char *name; /* as written in plans and filters: "tasks", "ws_kib" */
	const char *unit; /* "tasks", "KiB", "steps"; "" where there is none */
	const char *help; /* one line, shown by `switchyard list` */
	enum bench_param_kind kind; /* */
	int64_t dflt, min, max; /* BENCH_CHOICE: dflt is an index, min and max are ignored */
	int64_t smoke; /* the value that `make smoke` runs: small, a fraction of a second */
	const char *const *choices; /* BENCH_CHOICE: NULL-terminated names */
};

/* ---- the certificate: what was done ------------------------------------------------------------- */

/*
 * Equal work, as numbers. A field that means nothing for a workload stays 0 in every body. The expected
 * values are a function of (parameters, ops) alone, given by the workload's expect(); the harness asks
 * for them in a separate process and withholds a sample whose certificate differs.
 */
struct bench_cert {
	uint64_t ops; /* operations done: the unit that the metric divides by */
	uint64_t units; /* tasks created inside the region (goroutines, threads, callbacks that stand for one) */
	uint64_t max_live; /* most tasks alive at one time, where the workload fixes it */
	uint64_t messages; /* messages or tokens passed */
	uint64_t bytes_read; /* by the body's own read calls */
	uint64_t bytes_written;
	uint64_t locks; /* lock acquisitions */
	uint64_t checksum; /* of the results; order-independent */
};

/* ---- the running instance ----------------------------------------------------------------------- */

struct bench;

enum { BENCH_MAX_PARAMS = 12 };

/*
 * What a body sees. Fields above the line are read-only for bodies.
 */
struct bench {
	const struct bench_workload *workload; /* */
	int64_t param[BENCH_MAX_PARAMS]; /* values in the order of workload->params */
	uint64_t ops; /* how many operations this run does; finite workloads may ignore it */
	unsigned workers; /* CPUs that the model may use (GMP: Ps; pool sizes); >= 1 */
	const uint16_t (*nearness)[2]; /* by CPU number: last-level cache, NUMA node; the runtime's, not for bodies */
	unsigned n_nearness; /* 0: not known */
	/* Which of how many instances of the body this is that run at the same time, each in an event loop and a thread of its
	 * own, with everything in here but `data` to itself: 0 of 1, except where `loops` of the workload allows more. */
	unsigned loop, loops;
	uint64_t seed; /* for pseudo-random data and order; equal for all subjects of a round */
	const char *data_dir; /* a directory on a real filesystem, for workloads that need files */
	void *model; /* the style's own handle (evented: the loop), reached by its header */
	/* ------------------------------------------------------------------------------------------ */
	void *data; /* the workload's: made by setup(), freed by teardown() */
	/* setup()'s: a process that it started and that plays a part beside the model, as a server that is asked does;
	 * 0: none. Its CPU time is not the subject's, and no noise either. */
	int helper_pid;
	struct bench_cert cert; /* the body's: filled after bench_end(); zeroed before each run */
	char why[200]; /* the body's, when it returns < 0: one sentence */
	void *priv; /* the subject's, not for bodies */
};

/* The value of a parameter by name; a name that the workload does not have is a fatal caller's bug. */
int64_t bench_param(const struct bench *b, const char *name);

/* How many of `total` operations the i-th of `parts` tasks makes: equal shares, the first total % parts one more. */
static inline uint64_t bench_share(uint64_t total, uint64_t parts, uint64_t i)
{
	return total / parts + (i < total % parts);
}

/*
 * Begin and end of the region of interest: exactly one pair per run of a body, from any task or callback;
 * none in a BENCH_STATE workload, which is not timed, and in a BENCH_SERVER, whose load generator owns the region.
 * Blocks the calling OS thread (GMP: the M and its P) until the harness has acknowledged.
 */
void bench_begin(struct bench *b);
void bench_end(struct bench *b);

/*
 * Delays: how long after its due time something happened, of workloads whose metric is a quantile of that. A body that
 * starts a wait takes the time with bench_now_ns (CLOCK_MONOTONIC), and says bench_delay with the due time when the wait
 * is over: the ruler reads its clock, counts the difference, and gives it back. Something that happens before it is due
 * is no delay: bench_delay counts nothing and gives a negative number, which fails the run. Between begin and end, by
 * any task. Never blocks.
 */
uint64_t bench_now_ns(void);
int64_t bench_delay(struct bench *b, uint64_t due_ns);

/*
 * A figure: what a run tells beside its metric, such as how evenly something was shared. The name is in lower case, with
 * the unit behind it where there is one ("in_time_percent"), and lives for ever; the value is a finite number. The report
 * shows its median over the processes and judges nothing by it. After bench_end, by one task at a time; said twice, the
 * last one counts.
 */
enum { BENCH_MAX_FIGURES = 8 };
void bench_figure(struct bench *b, const char *name, double value);

/* How many OS threads the process has now, the harness's own included; 0: not known. Outside of begin..end: it reads a file. */
unsigned bench_threads(void);

/* Is this the run that the sample is made of? In a warm-up or a calibration nobody needs to wait for what only a figure tells. */
bool bench_is_recorded(const struct bench *b);

/*
 * A point at which the harness reads the process's memory from outside, outside begin..end.
 * `name` is "base" before the tasks exist and "live" while they do, or have been: live_tasks is their number. "limit" comes in
 * place of "live" when there cannot be as many as wanted, before those that there are go: the harness then finds out which limit
 * that was.
 * Blocks the calling OS thread until the harness has read (hundreds of ms: it waits for the kernel's
 * counters to settle). Does nothing in warm-up and calibration runs.
 */
void bench_snapshot(struct bench *b, const char *name, uint64_t live_tasks);

/*
 * Servers (BENCH_SERVER) only. Say that the listening socket made in setup() is being served: called once,
 * by the body, when it is about to accept. Does not block. Of several instances the first one's counts.
 */
void bench_serving(struct bench *b, int listen_fd);

/*
 * Servers only. A descriptor that becomes readable (and stays so, however often it is read) when the server must
 * stop. It is an eventfd: a read takes 8 bytes (dx_read_blocking(fd, &u64, 8)). Direct bodies read from it in a
 * task of its own, evented ones register it. Owned by the subject.
 */
int bench_stop_fd(struct bench *b);

/*
 * Evented bodies only: the work is over (status 0) or has failed (a negative errno, with b->why set); the
 * loop ends after the current callback. Direct and serial bodies return their status instead.
 */
void bench_done(struct bench *b, int status);

/* Set b->why (printf form) and give back `status`, for `return bench_fail(b, -ENOMEM, "...")`. */
int bench_fail(struct bench *b, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- the workload's definition (<w>.c) and its bodies ------------------------------------------- */

enum bench_scaling {
	BENCH_LINEAR, /* ops is free: calibrated per subject to a region of 100-500 ms; the metric is per op */
	BENCH_FINITE, /* one problem, its size fixed by the parameters; every subject does the same */
	BENCH_SERVER, /* ops come from the load generator, which owns begin, end and latency */
	BENCH_STATE, /* not timed: a state is built, measured from outside at snapshots, and taken down */
};

enum bench_metric {
	BENCH_WALL_PER_OP, /* ns of wall time per operation; lower is better */
	BENCH_CPU_PER_OP, /* ns of CPU time (user + system) per operation; lower is better */
	BENCH_BYTES_PER_TASK, /* all-in memory between snapshots "base" and "live", per live task; lower is better */
	BENCH_DELAY_P50, /* ns: the median of what bench_delay counted; lower is better. 20 delays at least */
	BENCH_DELAY_P99, /* ns: their 99th percentile; 1000 at least */
};

/* The load on a server; docs/subject-protocol.md, "The load generator", says what each means. */
struct bench_load {
	uint64_t connections, message_bytes; /* at least 1 */
	const char *protocol; /* "echo", "http", "udp"; NULL: echo */
	uint64_t response_bytes; /* http: of a body */
	uint64_t rate; /* requests per second; 0: closed loop */
	uint64_t active; /* connections that carry the load; 0: all */
	bool reconnects; /* a connection per request */
};

/*
 * Names of the parameters that say how much load there is; NULL: there is none such. Where the first is above 0 and the last is
 * not, the harness measures what the server can do and offers that percent of it: load() then leaves the rate at 0.
 */
struct bench_knee {
	const char *percent; /* a whole number; 0: not a percent of anything */
	const char *
		of; /* a choice of "slowest" (the knee of the cell's slowest subject: all get the same load) and "own" */
	const char *rate; /* a whole number: requests per second, which come first; 0: not given */
};

struct bench_workload {
	const char *name; /* "family/name" */
	int version; /* raised whenever the work changes: results are compared only within one */
	const char *summary; /* one line */
	const char *op; /* what one operation is, in a noun phrase: "one hop of the token" */
	const char *fairness; /* why the bodies are equal, what differs and whom that favours */
	enum bench_scaling scaling; /* */
	enum bench_metric metric; /* the primary one */
	const struct bench_param *params; /* */
	size_t n_params; /* <= BENCH_MAX_PARAMS */
	/* What a fixed pool of threads needs to run the direct body: how many of its tasks wait for something that another task
	 * does, and one more. 0: all of them wait for each other, no pool can. */
	unsigned pool_tasks;
	/* The evented body may be run by several event loops at a time (eventloop+loops=N): each serves what comes to it, and
	 * the certificates are added up. */
	bool loops;
	uint64_t smoke_ops; /* ops of a smoke sample (BENCH_LINEAR) */
	uint64_t ops_quantum; /* ops is rounded to a multiple of this times quantum_param's value; 0 = 1 */
	const char *quantum_param; /* name of an int parameter, or NULL */
	/* For BENCH_FINITE and BENCH_STATE: the number of operations that the parameters mean. NULL for linear. */
	uint64_t (*finite_ops)(const struct bench *b);
	/* The most operations that one run can do, because they use something up; more are cut down to that. NULL: any. */
	uint64_t (*max_ops)(const struct bench *b);
	/* Make what all runs of this process share (files, buffers, sockets). 0 or -errno with b->why;
	 * -EOPNOTSUPP: this machine has no such thing (a filesystem without O_DIRECT), answered `unsupported`. */
	int (*setup)(struct bench *b);
	void (*teardown)(struct bench *b); /* undoes setup; may be NULL */
	/* The certificate that (parameters, b->ops) must give. Pure; called without setup(). For servers: from
	 * `ops` requests. */
	void (*expect)(const struct bench *b, struct bench_cert *out);
	/* What the load generator has to do, for BENCH_SERVER. *out is zeroed. */
	void (*load)(const struct bench *b, struct bench_load *out);
	struct bench_knee knee; /* for BENCH_SERVER */
};

/*
 * A body in one style. Symbols are named <family>_<name>_<style>: `const struct bench_body cpu_fib_direct`.
 * A style that a workload has no body for is answered `unsupported` by the subject.
 */
struct bench_body {
	/* NULL or the reason why this model cannot do this cell ("single-threaded: a lock cannot contend"). The
	 * parameters are set; setup() has not run. May itself be NULL: everything is supported. */
	const char *(*unsupported)(const struct bench *b);
	/* Direct and serial: runs as the model's root task and returns 0 or -errno. Evented: called once inside
	 * the loop thread before the loop turns, starts the work and returns; bench_done() ends it. */
	int (*run)(struct bench *b);
	/* Estimate in ns of how long one run would take, or 0 if not known; a finite cell above 5 s is answered
	 * `too slow here`. May be NULL. */
	uint64_t (*estimate_ns)(const struct bench *b);
};

#endif
