/*
 * measure.h - what the harness can observe of a subject and of the machine, from outside.
 *
 * The engine (harness/plan/engine.c) decides what to run; this library runs one process and reads. Nothing here
 * knows a workload or a model. Functions return 0 or a negative errno and then fill the caller's struct err with a
 * sentence. JSON results follow docs/records.md.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <jansson.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/base/err.h"

/* ---- process.c: one child process that speaks JSON lines ----------------------------------------------- */

struct counters; /* counters.c */

struct process_spec {
	const char *path; /* the executable */
	const char *const *argv; /* NULL-terminated, argv[0] included */
	const cpu_set_t *cpus; /* affinity set before exec and verified by reading it back; NULL: inherited */
	size_t pad_bytes; /* length of SWITCHYARD_PAD in its environment */
	struct counters *counters; /* opened on the child between fork and exec; NULL: none */
	size_t max_line; /* longest line taken from it, newline included; 0: 64 KiB */
};

struct process; /* one running child, its two pipes and the tail of its standard error */

/*
 * Fork and exec. The child gets its own process group, default signal dispositions, and dies with the calling thread
 * (PR_SET_PDEATHSIG: call it from the main thread). Returns when exec has succeeded or said why not. SIGPIPE is
 * ignored in the calling process from then on. Free the counters only after process_finish.
 */
int process_start(const struct process_spec *spec, struct process **out, struct err *err);
pid_t process_pid(const struct process *p);
int64_t process_started_ns(const struct process *p); /* CLOCK_MONOTONIC at fork */

/* Send one JSON object as a line. -EPIPE when the child is gone; -ETIMEDOUT when it has not read for 10 s. */
int process_send(struct process *p, const json_t *message, struct err *err);

/*
 * Wait for the next line. 0 and *out (a new reference, an object); -ETIMEDOUT; -EPIPE at end of stream;
 * -EBADMSG with the offending line quoted in err (at most 200 bytes of it) when it is not a JSON object or is
 * longer than 64 KiB. One sleeping poll: while it waits, the harness does nothing else. After -EBADMSG the next call
 * goes on with the next line; a piece without its newline at the end of the stream is -EBADMSG once, then -EPIPE.
 */
int process_receive(struct process *p, int64_t timeout_ns, json_t **out, struct err *err);

struct process_exit {
	int code; /* exit code, or -1 */
	int signal; /* signal that ended it, or 0 */
	bool killed; /* by process_finish, after its time-out */
	int64_t ended_ns; /* CLOCK_MONOTONIC when wait4 returned */
	int64_t user_ns, sys_ns; /* whole life, from wait4's rusage */
	char stderr_tail[4096]; /* NUL-terminated, valid UTF-8 */
};

/*
 * Close the child's standard input, wait up to timeout_ns for its end while draining its output, then SIGKILL what is
 * left of its process group; reap; free p. Never fails.
 */
void process_finish(struct process *p, int64_t timeout_ns, struct process_exit *out);

/* ---- counters.c: perf events by libpfm4 name ----------------------------------------------------------- */

/*
 * A set of events, given by libpfm4 names ("cycles", "context-switches", "cache-misses"...) or tracepoints
 * ("sched:sched_switch", by tracefs). Each event is opened inherited on the child; what cannot be opened keeps its
 * reason in words.
 */
int counters_new(const char *const *names, size_t n, struct counters **out, struct err *err);
/* 0 for a name that libpfm4 knows or that can be a tracepoint's here; -EINVAL with a sentence for one that is not. */
int counters_check_name(const char *name, struct err *err);
void counters_open(struct counters *c, pid_t pid); /* called by process_start */
void counters_begin(struct counters *c); /* read all: at the begin message */
void counters_end(struct counters *c); /* read all again: at the end message */
json_t *counters_result(const struct counters *c, uint64_t ops); /* docs/records.md "counters" */
void counters_free(struct counters *c);
/* Whether hardware events can be counted here; the reason in `why` when not. */
bool counters_pmu_available(char *why, size_t why_size);

/* ---- topology.c: placements ---------------------------------------------------------------------------- */

enum placement {
	PLACE_SAME, /* one PU */
	PLACE_SMT, /* two PUs of one core */
	PLACE_CACHE, /* PUs of different cores that share the last-level cache */
	PLACE_CROSS, /* PUs that share as little as the machine offers */
	PLACE_FREE, /* every allowed CPU, the kernel places */
};
const char *placement_name(enum placement p);
bool placement_parse(const char *name, enum placement *out);

struct topology; /* hwloc's view, restricted to the CPUs that this process may use */
int topology_load(struct topology **out, struct err *err);
/*
 * Another machine, to look at and for tests: an hwloc synthetic description ("pack:2 core:4 pu:2"), or the name of a file
 * of hwloc's XML. Nothing is pinned to it: its CPUs are not here.
 */
int topology_synthetic(const char *description, struct topology **out, struct err *err);
/* Of a made-up one: only these CPUs are allowed from now on. -EINVAL where it has none of them. */
int topology_restrict(struct topology *t, const cpu_set_t *allowed, struct err *err);
bool topology_is_real(const struct topology *t); /* whether it is this machine's, so that pinning means something */
void topology_free(struct topology *t);
unsigned topology_pus(const struct topology *t);

struct placed {
	cpu_set_t subject; /* the CPUs of the subject */
	cpu_set_t load; /* the CPUs of the load generator: apart where there is a CPU for it */
	cpu_set_t harness; /* the CPUs of the harness itself */
	unsigned workers; /* CPUs in `subject` */
	bool load_is_apart; /* subject and load generator share no CPU */
};
/*
 * Choose CPUs. `wanted` is the number of subject CPUs for the placements that can have several (cache, cross, free);
 * 0 = as many as the placement allows, less one for the load generator if needs_load. -ENOTSUP with a sentence
 * ("this machine has no SMT siblings") when the machine cannot. The harness goes to a CPU of its own where there is
 * one.
 */
int topology_place(const struct topology *t, enum placement p, unsigned wanted, bool needs_load, struct placed *out,
		   struct err *err);
/* A cache as hwloc tells it; 0: not told, ways -1: fully associative. */
struct cache_shape {
	int64_t bytes;
	int ways, line_bytes;
};
enum cache_kind { CACHE_I1, CACHE_D1, CACHE_LL };
/* One of the caches above a CPU; LL is the last level that holds data. False: the machine does not tell. */
bool topology_cache(const struct topology *t, unsigned cpu, enum cache_kind kind, struct cache_shape *out);
json_t *topology_json(const struct topology *t); /* sockets, cores, pus, smt, numa_nodes, caches[] */
/*
 * All that a picture needs (docs/records.md "topology"): what lies in what down to the CPUs, those that are not allowed
 * with it. New reference.
 */
json_t *topology_map(const struct topology *t);
/* Every placement's CPUs, or why there is none: arguments as above (docs/records.md "topology"). New reference. */
json_t *topology_placements(const struct topology *t, unsigned wanted, bool needs_load);
/* What CPUs share, for a scheduler that asks: [[cpu, last-level cache, NUMA node], ...] of the allowed ones. */
json_t *topology_nearness(const struct topology *t);
/* Hash-free text of cpu_set_t as a JSON list of numbers. */
json_t *cpuset_json(const cpu_set_t *set);
/*
 * Are two CPUs that the topology calls cores really two (siblings.c)? {"cpus","ratio","siblings","why"}: siblings null, and
 * why, where it cannot be told. About 20 ms of computing on both of them.
 */
json_t *topology_probe(const struct topology *t);

/* ---- affinity.c: where threads may run ------------------------------------------------------------------ */

/*
 * The threads of a process that may run on other CPUs than these, helpers that the kernel made for it included:
 * [{"name","threads","cpus","ran_outside"}], empty when there are none; null when the process cannot be read.
 */
json_t *affinity_outside(pid_t pid, const cpu_set_t *cpus);

/* ---- memory.c: a process's memory from outside --------------------------------------------------------- */

/* Wait (at most max_wait_ns) until KernelStack, PageTables and Slab have been stable for 200 ms, then read. */
json_t *memory_snapshot(pid_t pid, uint64_t live_tasks, int64_t max_wait_ns);
/* Per-task difference of two snapshots: docs/records.md "memory.per_task". */
json_t *memory_per_task(const json_t *base, const json_t *live);

/* ---- limits.c: why a process cannot have more ------------------------------------------------------------ */

/*
 * The limit that a process is at now, while it has all that it got: {"name","limit","used","where","live_tasks"}, or null
 * where no known one is used up.
 */
json_t *limits_hit(pid_t pid, uint64_t live_tasks);
/* Processes that the kernel has killed for lack of memory since it started; -1 unknown. */
int64_t limits_oom_kills(void);
/* The same as limits_hit for a process that was killed and is gone: null unless the count has grown. */
json_t *limits_oom(int64_t kills_before);

/* ---- noise.c: what others did -------------------------------------------------------------------------- */

struct noise_point {
	int64_t mono_ns;
	/* per CPU, from /proc/stat: all but idle, iowait and steal */
	int64_t busy_ns[CPU_SETSIZE > 512 ? 512 : CPU_SETSIZE];
	int64_t steal_ns[CPU_SETSIZE > 512 ? 512 : CPU_SETSIZE];
	int64_t psi_some_us; /* /proc/pressure/cpu, -1 if absent */
	double loadavg1;
};
void noise_read(struct noise_point *p);
/*
 * Judge the time between two points on `cpus`. own_ns is the CPU time that subject, load generator and harness used
 * on those CPUs in it. Fills docs/records.md "noise" but for the spins. Contaminated when (busy - own + steal) /
 * (wall x CPUs) is above the limit, after allowing for the 10 ms granularity of /proc/stat.
 */
json_t *noise_judge(const struct noise_point *a, const struct noise_point *b, const cpu_set_t *cpus, int64_t own_ns,
		    double limit);
/* A fixed amount of dependent arithmetic, about 1 ms: its duration in ns, before and after a sample. */
int64_t noise_spin(void);
/*
 * Of the time that threads of a process were runnable and waited: what others can have caused. That is at most the time that
 * its CPUs were not with the process itself (left_ns); the rest its threads waited for each other, as the one that gives a
 * signal does for the one that it wakes, for a slice of some milliseconds. -1 stays -1.
 */
int64_t noise_waited_for_others_ns(int64_t delay_ns, int64_t left_ns);
/* run_delay (time runnable but waiting) of all live threads of pid; -1 where it cannot be read or threads > 256. */
int64_t noise_run_delay_ns(pid_t pid);

/* ---- environment.c, doctor.c --------------------------------------------------------------------------- */

/* docs/records.md "host". data_dir may be NULL. */
json_t *environment_json(const struct topology *t, const char *data_dir);

/*
 * The findings of `switchyard doctor`, one per check in a fixed order: what is, why it matters, the exact fix and its
 * undo. Changes nothing. [{code, severity("ok|note|warn|bad"), text, fix|null, undo|null}]
 */
json_t *environment_doctor(const struct topology *t, const char *data_dir);

#endif
