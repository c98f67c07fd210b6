/*
 * sample_talk.h - shared by sample*.c: a sample in the making. Functions are sample_talk.c's where nothing else is said.
 */
#ifndef SAMPLE_TALK_H
#define SAMPLE_TALK_H

#include "harness/base/err.h"
#include "harness/measure/measure.h"
#include "harness/plan/sample.h"

/* The state of the machine at one end of the region. */
struct edge {
	int64_t stamp_ns;
	struct noise_point noise;
	int64_t harness_cpu_ns; /* CPU time of this process */
	int64_t run_delay_ns; /* of the subject's live threads, -1 unknown */
};

struct take {
	const struct sample_env *env;
	const struct sample_request *r;
	struct process *subject, *loadgen; /* NULL: not started, or finished */
	struct counters *counters;
	json_t *cell; /* the object that the subject got */

	const char *status; /* NULL while all is well */
	char why[600];
	const char *awaited; /* what the process that ended early should have said; NULL: none did */
	bool subject_ended, loadgen_ended;

	int64_t started_unix_ns, settle_ns, spin_before_ns, spin_after_ns;
	int64_t started_ns, ready_ns, result_ns; /* CLOCK_MONOTONIC; 0: did not happen */
	size_t pad_bytes;
	struct edge begin, end;
	bool has_region;
	int64_t threads; /* at the end of the region; at ready where the sample does not tell */
	int64_t wall_ns; /* the subject's own; servers: the load generator's */
	uint64_t load_ops; /* servers: requests inside the region */
	int64_t load_cpu_ns; /* CPU time of the load generator inside the region */
	int64_t helper_ns; /* CPU time of a process that the subject started for the workload, likewise */
	json_t *rusage; /* the subject's, of the region */
	json_t *result; /* its `sample` message */
	json_t *load; /* the load generator's */
	json_t *mem_base, *mem_live;
	json_t *limit_hit; /* limits_hit() when it could not have more; NULL: it did not come to that */
	int64_t oom_kills; /* of the machine before it started */
	json_t *outside; /* threads that may run on other CPUs than the cell's: affinity_outside(); NULL: not looked */
	json_t *expected;
	json_t *counts;
	json_t *simulation; /* what cachegrind counted */
	json_t *trace; /* the file that it left */
	bool is_certified;
	struct process_exit exit;
};

/* Set the status; the first one stays. */
void take_fail(struct take *t, const char *status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * The next message of a process, or NULL with the status set. `awaited` names what should come, for the sentence.
 * Messages `error`, and of the subject `unsupported` and `too_slow` while `early`, end the sample here.
 */
json_t *take_receive(struct take *t, struct process *p, const char *awaited, int64_t timeout_ns, bool early);
/* The same, and it must be {"msg":`awaited`}. */
json_t *take_expect(struct take *t, struct process *p, const char *awaited, int64_t timeout_ns);
bool take_send(struct take *t, struct process *p, json_t *message); /* takes the reference */
bool take_command(struct take *t, struct process *p, const char *cmd);
bool take_is_message(const json_t *m, const char *name);
int take_start(struct take *t, const struct process_spec *spec, bool is_loadgen);
void take_ended(struct take *t, bool is_loadgen); /* it has been waited for */
/* Which limit the subject is at; the first answer stays, because later it may have let go of what it had. */
void take_note_limit(struct take *t, uint64_t live_tasks);
void take_unexpected(struct take *t, const char *awaited, const json_t *message);

/* sample.c, as the next. */
void take_edge_begin(struct take *t); /* the machine first, the stamp last */
void take_edge_end(struct take *t); /* the stamp first, the machine last */

/*
 * Does what a process says of its region's length fit in between the least and the most that it can have been by this
 * process's clock? A void sample if not by far. Messages can take long on a loaded machine: that is no lie of a clock.
 */
void take_clocks_agree(struct take *t, const char *who, int64_t claimed_ns, int64_t least_ns, int64_t most_ns);

/* sample_server.c: all that follows a server's `ready`, up to its `sample`. */
void take_server(struct take *t, const json_t *listen);

/* The name of the file in env->hdr_dir that the load generator writes; false: it writes none. */
bool take_hdr_name(const struct take *t, char out[32]);

/* Is the subject itself to find its number of operations? Of a server, kind calibrate is its knee: load like any other. */
bool take_is_calibration(const struct take *t);
bool take_is_simulated(const struct take *t);
/* Of kind simulated or traced: its times mean nothing, and nothing disturbs it. */
bool take_is_untimed(const struct take *t);

/* Operations that were really done inside the region: what is told per operation is divided by them. 0: unknown. */
uint64_t take_ops_done(const struct take *t);

/* sample_record.c: the record (new reference). */
json_t *take_record(struct take *t);

#endif
