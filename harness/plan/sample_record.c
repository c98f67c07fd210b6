/*
 * sample_record.c - from what was seen of a sample to its record (docs/records.md).
 *
 * Noise is what others did: the busy time of the sample's CPUs, less the CPU time of subject, load generator and this
 * process. A subject that disturbs itself (more threads than CPUs) must not be called contaminated for it, so
 * run delay judges only subjects with at most one thread per CPU beside the main one, and only as far as their CPUs were
 * not with the subject itself: the main thread wakes the one that works, and waits for a slice until it can go to sleep.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/plan/jsonx.h"
#include "harness/plan/sample_talk.h"
#include "harness/stats/steady.h"

static int64_t cpu_time_ns(const struct take *t)
{
	return jsonx_int(t->rusage, "user_ns", 0) + jsonx_int(t->rusage, "sys_ns", 0);
}

uint64_t take_ops_done(const struct take *t)
{
	if (t->load)
		return t->load_ops;
	return (uint64_t)jsonx_int(json_object_get(t->result, "cert"), "ops", 0);
}

static bool is_ok(const struct take *t)
{
	return t->status == NULL;
}

static json_t *per_task(const struct take *t)
{
	return t->mem_base && t->mem_live ? memory_per_task(t->mem_base, t->mem_live) : NULL;
}

static json_t *metric_value(const struct take *t, const json_t *memory_each)
{
	enum metric metric = t->r->cell->workload->metric;
	uint64_t ops = take_ops_done(t);
	const json_t *total;

	if (!is_ok(t) || t->r->kind != SAMPLE_TIMED)
		return json_null();
	if (metric == METRIC_BYTES_PER_TASK) {
		total = json_object_get(memory_each, "total_bytes");
		return json_is_number(total) ? json_deep_copy(total) : json_null();
	}
	if (metric == METRIC_DELAY_P50 || metric == METRIC_DELAY_P99)
		return jsonx_copy_or_null(json_object_get(t->result, "delays"),
					  metric == METRIC_DELAY_P50 ? "p50" : "p99");
	if (!t->has_region || ops == 0)
		return json_null();
	return json_real((double)(metric == METRIC_WALL_PER_OP ? t->wall_ns : cpu_time_ns(t)) / (double)ops);
}

static json_t *metric_json(const struct take *t, const json_t *memory_each)
{
	enum metric metric = t->r->cell->workload->metric;

	return json_pack("{s:s, s:s, s:o, s:s}", "name", metric_name(metric), "unit", metric_unit(metric), "value",
			 metric_value(t, memory_each), "better", "lower");
}

static json_t *work_json(const struct take *t)
{
	json_t *ok = t->expected ? json_boolean(t->is_certified) : json_null();

	return json_pack("{s:o, s:o, s:o}", "cert", jsonx_copy_or_null(t->result, "cert"), "expected",
			 t->expected ? json_incref(t->expected) : json_null(), "ok", ok);
}

static json_t *span(int64_t from_ns, int64_t to_ns)
{
	return from_ns && to_ns ? json_integer(to_ns - from_ns) : json_null();
}

/* A calibration's region is that of its last run. */
static json_t *wall_json(const struct take *t)
{
	const json_t *calibration = json_object_get(t->result, "calibration");

	if (calibration)
		return jsonx_copy_or_null(calibration, "region_ns");
	return t->has_region ? json_integer(t->wall_ns) : json_null();
}

/* What was told of the warm-up: by the subject, of servers by the load generator. NULL: nothing. */
static json_t *told_epochs(const struct take *t)
{
	json_t *list = json_object_get(t->load ? t->load : t->result, "epochs");

	return json_array_size(list) ? list : NULL;
}

/* Wall time per operation of each epoch, into `out`; 0: they are no list of such. */
static size_t read_epochs(const json_t *list, double *out)
{
	const json_t *epoch;
	size_t i;

	if (json_array_size(list) > STEADY_MAX_EPOCHS)
		return 0;
	json_array_foreach (list, i, epoch) {
		json_int_t ops = jsonx_int(epoch, "ops", 0), wall_ns = jsonx_int(epoch, "wall_ns", 0);

		if (ops < 1 || wall_ns < 0)
			return 0;
		out[i] = (double)wall_ns / (double)ops;
	}
	return i;
}

/* The class of the warm-up, or NULL with the reason. */
static const char *steady_class(const struct take *t, const json_t *epochs, size_t n, const double *per_op, char *why,
				size_t size)
{
	enum metric metric = t->r->cell->workload->metric;
	struct steady s;

	why[0] = '\0';
	if (t->r->cell->workload->scaling == SCALING_STATE)
		snprintf(why, size, "a state sample is not timed");
	else if (!epochs && t->load && json_object_get(t->load, "rate"))
		snprintf(why, size, "an open loop: what is done in a time is what is asked for");
	else if (!epochs)
		snprintf(why, size, "no epochs were told");
	else if (n == 0)
		snprintf(why, size, "its epochs are no list of ops and wall_ns");
	else if (metric == METRIC_DELAY_P50 || metric == METRIC_DELAY_P99)
		snprintf(why, size, "the metric is a delay, and epochs tell the time per operation");
	if (why[0])
		return NULL;
	s = steady_classify(per_op, n);
	if (s.class != STEADY_TOO_FEW)
		return steady_name(s.class);
	snprintf(why, size, n > STEADY_WINDOW ? "an epoch took no time" : "one run takes too long: %zu of them", n);
	return NULL;
}

static void add_steady(const struct take *t, json_t *time)
{
	json_t *epochs = told_epochs(t), *why = json_object();
	double *per_op = xcalloc(STEADY_MAX_EPOCHS, sizeof *per_op);
	size_t n = read_epochs(epochs, per_op);
	char text[120];
	const char *class = steady_class(t, epochs, n, per_op, text, sizeof text);

	if (!class)
		json_object_set_new(why, "steady", json_string(text));
	json_object_set_new(time, "warmup_epochs", n ? json_integer((json_int_t)n) : json_null());
	json_object_set_new(time, "steady", class ? json_string(class) : json_null());
	json_object_set_new(time, "epochs", n ? json_incref(epochs) : json_null());
	json_object_set_new(time, "why", why);
	free(per_op);
}

static json_t *time_json(const struct take *t)
{
	bool has_spin = t->env->settle_ns != 0;
	json_t *time = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "process_ns", span(t->started_ns, t->exit.ended_ns),
		"ready_ns", span(t->started_ns, t->ready_ns), "wall_ns", wall_json(t), "harness_wall_ns",
		t->has_region ? span(t->begin.stamp_ns, t->end.stamp_ns) : json_null(), "user_ns",
		jsonx_copy_or_null(t->rusage, "user_ns"), "sys_ns", jsonx_copy_or_null(t->rusage, "sys_ns"), "exit_ns",
		t->result ? span(t->result_ns, t->exit.ended_ns) : json_null(), "settle_ns", (json_int_t)t->settle_ns,
		"spin_ns", has_spin ? json_integer(t->spin_before_ns + t->spin_after_ns) : json_null());

	add_steady(t, time);
	return time;
}

/* Run delay inside the region, or -1. */
static int64_t run_delay_ns(const struct take *t)
{
	if (!t->has_region || t->begin.run_delay_ns < 0 || t->end.run_delay_ns < t->begin.run_delay_ns)
		return -1;
	return t->end.run_delay_ns - t->begin.run_delay_ns;
}

static json_t *sched_json(const struct take *t)
{
	int64_t delay = run_delay_ns(t);
	json_t *why = json_object();

	if (t->has_region && delay < 0)
		json_object_set_new(why, "run_delay_ns",
				    json_string("threads ended in the region, or there are more than 256"));
	if (t->has_region && t->threads < 0)
		json_object_set_new(why, "threads", json_string("the subject did not say"));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "vcsw", jsonx_copy_or_null(t->rusage, "vcsw"), "ivcsw",
			 jsonx_copy_or_null(t->rusage, "ivcsw"), "run_delay_ns", jsonx_count(delay), "threads",
			 jsonx_count(t->threads), "outside", t->outside ? json_incref(t->outside) : json_null(), "why",
			 why);
}

/* Waiting for a CPU that long is no sign of others: every wake-up waits a little. Arbitrary; a quarter of a tick. */
#define RUN_DELAY_FLOOR_NS 1000000

/* Add what only a subject without self-made contention can be judged by. */
static void judge_run_delay(const struct take *t, json_t *noise)
{
	int64_t wall = t->end.stamp_ns - t->begin.stamp_ns, cpus = t->r->cell->placed.workers;
	int64_t delay = noise_waited_for_others_ns(run_delay_ns(t), wall * cpus - cpu_time_ns(t) - t->helper_ns);
	char text[120];

	if (delay < RUN_DELAY_FLOOR_NS)
		return;
	if (t->threads < 0 || t->threads - 1 > cpus)
		return;
	if ((double)delay <= t->env->noise_limit * (double)wall * (double)cpus)
		return;
	snprintf(text, sizeof text, "its threads were ready to run and waited for %.1f %% of the time",
		 100.0 * (double)delay / (double)wall);
	json_object_set_new(noise, "verdict", json_string("contaminated"));
	json_array_append_new(json_object_get(noise, "reasons"), json_string(text));
}

/* Whether a snapshot was read while the kernel's figures still moved. */
static bool is_unsettled(const json_t *snapshot)
{
	return snapshot && !jsonx_bool(snapshot, "settled", true);
}

/*
 * Of a state sample: it has no region in which others could have run, but memory that others took or gave back
 * while it was read is counted as its own.
 */
static json_t *memory_noise_json(const struct take *t)
{
	static const char *const unmeasured[] = {"wall_ns",      "busy_ns", "own_ns", "steal_ns",        "foreign_ns",
						 "allowance_ns", "rate",    "limit",  "psi_cpu_some_us", "loadavg1"};
	json_t *noise = json_object(), *reasons = json_array();
	bool base = is_unsettled(t->mem_base), live = is_unsettled(t->mem_live);
	char text[160];

	if (base || live) {
		snprintf(text, sizeof text,
			 "the kernel's memory figures did not come to rest before the snapshot%s %s%s%s",
			 base && live ? "s" : "", base ? "base" : "", base && live ? " and " : "", live ? "live" : "");
		json_array_append_new(reasons, json_string(text));
	}
	for (size_t i = 0; i < sizeof unmeasured / sizeof *unmeasured; i++)
		json_object_set_new(noise, unmeasured[i], json_null());
	json_object_set_new(noise, "why", json_string("a state sample has no timed region"));
	json_object_set_new(noise, "verdict", json_string(base || live ? "contaminated" : "clean"));
	json_object_set_new(noise, "reasons", reasons);
	return noise;
}

static void add_spins(const struct take *t, json_t *noise)
{
	json_object_set_new(noise, "spin_before_ns", t->env->settle_ns ? json_integer(t->spin_before_ns) : json_null());
	json_object_set_new(noise, "spin_after_ns", t->env->settle_ns ? json_integer(t->spin_after_ns) : json_null());
}

static json_t *noise_json(const struct take *t)
{
	const struct placed *placed = &t->r->cell->placed;
	int64_t own_ns = cpu_time_ns(t) + t->helper_ns;
	cpu_set_t cpus = placed->subject, shared;
	json_t *noise;

	if (!t->has_region && t->mem_base && t->mem_live) {
		noise = memory_noise_json(t);
		add_spins(t, noise);
		return noise;
	}
	if (!t->has_region || take_is_untimed(t))
		return json_null();
	if (t->load) {
		CPU_OR(&cpus, &cpus, &placed->load);
		own_ns += t->load_cpu_ns;
	}
	CPU_AND(&shared, &cpus, &placed->harness);
	if (CPU_COUNT(&shared) || CPU_COUNT(&placed->harness) == 0)
		own_ns += t->end.harness_cpu_ns - t->begin.harness_cpu_ns;
	noise = noise_judge(&t->begin.noise, &t->end.noise, &cpus, own_ns, t->env->noise_limit);
	if (!noise)
		return json_null();
	judge_run_delay(t, noise);
	add_spins(t, noise);
	return noise;
}

static json_t *memory_json(const struct take *t, json_t *memory_each)
{
	if (!t->mem_base && !t->mem_live && !json_is_object(t->limit_hit))
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "base", t->mem_base ? json_incref(t->mem_base) : json_null(), "live",
			 t->mem_live ? json_incref(t->mem_live) : json_null(), "per_task",
			 memory_each ? json_incref(memory_each) : json_null(), "limit_hit",
			 t->limit_hit ? json_incref(t->limit_hit) : json_null());
}

static json_t *per_s(double knee)
{
	return knee > 0 ? json_real(knee) : json_null();
}

static json_t *knee_json(const struct knee_load *l)
{
	return json_pack("{s:I, s:s, s:o, s:o, s:s?, s:s}", "percent", (json_int_t)l->percent, "of",
			 l->is_own ? "own" : "slowest", "own_per_s", per_s(l->own_per_s), "base_per_s",
			 per_s(l->base_per_s), "base", l->base, "cell", l->cell);
}

static json_t *load_json(const struct take *t)
{
	char name[32], *path;
	json_t *load;

	if (!t->load)
		return json_null();
	load = json_copy(t->load);
	json_object_del(load, "msg");
	json_object_del(load, "epochs"); /* under `time`, as everybody's */
	json_object_set_new(load, "cpus", cpuset_json(&t->r->cell->placed.load));
	if (t->r->load)
		json_object_set_new(load, "knee", knee_json(t->r->load));
	if (take_hdr_name(t, name)) { /* written: it comes before the generator's sample */
		path = xformat("hdr/%s", name); /* in the run's folder */
		json_object_set_new(load, "hdr_file", json_string(path));
		free(path);
	}
	return load;
}

static json_t *object_or_empty(const json_t *parent, const char *key)
{
	json_t *v = json_object_get(parent, key);

	return json_is_object(v) ? json_incref(v) : json_object();
}

/* Operations as planned; of a calibration those that it found, of finite problems and servers those done. */
static json_t *ops_json(const struct take *t)
{
	const json_t *calibration = json_object_get(t->result, "calibration");

	if (calibration)
		return jsonx_copy_or_null(calibration, "ops");
	if (t->r->ops)
		return json_integer((json_int_t)t->r->ops);
	return t->result ? json_integer((json_int_t)take_ops_done(t)) : json_null();
}

/* A state sample without its two readings says nothing. */
static void check_memory(struct take *t, const json_t *memory_each)
{
	if (t->r->cell->workload->scaling != SCALING_STATE || t->r->kind != SAMPLE_TIMED)
		return;
	if (!t->mem_base || !t->mem_live)
		take_fail(t, "failed", "it took no snapshot '%s'", t->mem_base ? "live" : "base");
	else if (!json_is_number(json_object_get(memory_each, "total_bytes")))
		take_fail(t, "failed", "the memory per task cannot be told from its snapshots");
}

/* Every operation of a delay workload is one delay. What is too few for a quantile is no failure: its value is null. */
static void check_delays(struct take *t)
{
	enum metric metric = t->r->cell->workload->metric;
	const json_t *delays = json_object_get(t->result, "delays");

	if ((metric != METRIC_DELAY_P50 && metric != METRIC_DELAY_P99) || take_is_calibration(t) || !is_ok(t))
		return;
	if (jsonx_int(delays, "count", -1) != (int64_t)take_ops_done(t))
		take_fail(t, "failed", "it did %llu operations and tells %lld delays",
			  (unsigned long long)take_ops_done(t), (long long)jsonx_int(delays, "count", 0));
}

static void check_calibration(struct take *t)
{
	const json_t *calibration = json_object_get(t->result, "calibration");

	if (take_is_calibration(t) &&
	    (jsonx_int(calibration, "ops", 0) < 1 || jsonx_int(calibration, "region_ns", -1) < 0))
		take_fail(t, "failed", "its calibration has no ops and region_ns");
}

json_t *take_record(struct take *t)
{
	const struct sample_request *r = t->r;
	const struct cell *cell = r->cell;
	json_t *each = per_task(t), *record;
	char key[17];

	check_memory(t, each);
	check_calibration(t);
	check_delays(t);
	sample_key(r, key);
	record = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:b, s:s, s:i, s:i, s:i, s:I, s:s, s:s?}", "schema",
			   "switchyard.sample/1", "key", key, "run_id", t->env->run_id, "seq", 0, "cell", cell->id,
			   "subject", r->subject->id, "is_twin", r->is_twin, "kind", sample_kind_name(r->kind), "round",
			   (int)r->round, "attempt", (int)r->attempt, "position", (int)r->position, "started_unix_ns",
			   (json_int_t)t->started_unix_ns, "status", t->status ? t->status : "ok", "why",
			   t->status ? t->why : NULL);
	json_object_set_new(record, "workload", json_string(cell->workload->name));
	json_object_set(record, "params", cell->params);
	json_object_set_new(record, "placement", json_string(placement_name(cell->placement)));
	json_object_set_new(record, "cpus", cpuset_json(&cell->placed.subject));
	json_object_set_new(record, "workers", json_integer(cell->placed.workers));
	json_object_set_new(record, "ops", ops_json(t));
	json_object_set_new(record, "env_pad_bytes", json_integer((json_int_t)t->pad_bytes));
	json_object_set_new(record, "metric", metric_json(t, each));
	json_object_set_new(record, "work", work_json(t));
	json_object_set_new(record, "time", time_json(t));
	json_object_set_new(record, "sched", sched_json(t));
	json_object_set_new(record, "faults",
			    json_pack("{s:o, s:o}", "minflt", jsonx_copy_or_null(t->rusage, "minflt"), "majflt",
				      jsonx_copy_or_null(t->rusage, "majflt")));
	json_object_set_new(record, "setup_ns", jsonx_copy_or_null(t->result, "setup_ns"));
	json_object_set_new(record, "runtime", object_or_empty(t->result, "runtime"));
	json_object_set_new(record, "knobs", object_or_empty(t->result, "knobs"));
	json_object_set_new(record, "knobs_set", json_string(jsonx_str(t->cell, "knobs")));
	json_object_set_new(record, "stack", jsonx_copy_or_null(t->result, "stack"));
	json_object_set_new(record, "notes", object_or_empty(t->result, "notes"));
	json_object_set_new(record, "load", load_json(t));
	json_object_set_new(record, "delays", jsonx_copy_or_null(t->result, "delays"));
	json_object_set_new(record, "figures", jsonx_copy_or_null(t->result, "figures"));
	json_object_set_new(record, "memory", memory_json(t, each));
	json_object_set_new(record, "event_set", r->event_set ? json_string(r->event_set) : json_null());
	json_object_set_new(record, "counters", t->counts ? json_incref(t->counts) : json_null());
	json_object_set_new(record, "simulation", t->simulation ? json_incref(t->simulation) : json_null());
	json_object_set_new(record, "trace", t->trace ? json_incref(t->trace) : json_null());
	json_object_set_new(record, "noise", noise_json(t));
	json_object_set_new(record, "exit_code", t->started_ns ? json_integer(t->exit.code) : json_null());
	json_object_set_new(record, "signal", t->exit.signal ? json_integer(t->exit.signal) : json_null());
	json_object_set_new(record, "stderr_tail",
			    t->exit.stderr_tail[0] ? json_string(t->exit.stderr_tail) : json_null());
	json_decref(each);
	return record;
}
