/*
 * sample.c - the talk with a subject, message by message.
 *
 * A sample goes through these states, and a message that does not belong to the state fails it:
 *
 *      start -> ready -> (go) -> [snapshot...] -> begin -> (ack) -> end -> (ack) -> [snapshot...] -> sample -> exit 0
 *
 * unsupported, too_slow and error may come instead of ready, error at any time. State workloads have no begin and
 * end; servers go on in sample_server.c; messages pass through sample_talk.c. Between begin and end this process sleeps in
 * one read: all that it wants to know of the machine it reads before it acknowledges begin and after it has stamped end.
 */
#include "harness/plan/sample.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/base/clock.h"
#include "harness/base/utf8.h"
#include "harness/plan/event_sets.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/sample_talk.h"
#include "harness/plan/simulate.h"
#include "harness/plan/traced.h"
#include "harness/plan/variant.h"

static const int64_t AFTER_END_TIMEOUT_NS =
	INT64_C(2000000000); /* end of stream seen: a core dump may still be written */
static const int64_t SKEW_NS = 1000000; /* by which the two clocks may differ, and 2 % more */
enum {
	PAD_MAX = 1024,
	SIMULATED_PATIENCE =
		20, /* times as long as others may take: cachegrind is 20 to 100 times slower than the CPU */
};

bool take_is_simulated(const struct take *t)
{
	return t->r->kind == SAMPLE_SIMULATED;
}

bool take_is_untimed(const struct take *t)
{
	return take_is_simulated(t) || t->r->kind == SAMPLE_TRACED;
}

void sample_env_defaults(struct sample_env *env)
{
	*env = (struct sample_env){
		.settle_ns = 20000000,
		.setup_timeout_ns = INT64_C(30000000000),
		.region_timeout_ns = INT64_C(30000000000),
		.exit_timeout_ns = INT64_C(5000000000),
		.snapshot_wait_ns = INT64_C(3000000000), /* arbitrary */
		.noise_limit = 0.05,
	};
}

void sample_key(const struct sample_request *r, char out[17])
{
	char *text = xformat("%s|%s|%d|%s|%u|%u", r->cell->id, r->subject->id, r->is_twin, sample_kind_name(r->kind),
			     r->round, r->attempt);

	snprintf(out, 17, "%016llx", (unsigned long long)order_hash(text));
	free(text);
}

uint64_t sample_scale_ops(uint64_t ops, int64_t region_ns, int64_t target_ns)
{
	double scaled, step = 1;

	/* A region that stayed far below the target did not grow with ops: more of them would be for nothing. */
	if (ops == 0 || region_ns <= 0 || region_ns < target_ns / 8)
		return ops ? ops : 1;
	scaled = (double)ops * (double)target_ns / (double)region_ns;
	if (scaled > 9e15)
		scaled = 9e15;
	while (scaled / step >= 1000) /* three digits are enough, and a round number is easier to read */
		step *= 10;
	scaled = step * (double)(uint64_t)(scaled / step + 0.5);
	return scaled < 1 ? 1 : (uint64_t)scaled;
}

/* ---- the two ends of the region -------------------------------------------------------------------------- */

static int64_t own_cpu_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void take_edge_begin(struct take *t)
{
	t->begin.run_delay_ns = noise_run_delay_ns(process_pid(t->subject));
	noise_read(&t->begin.noise);
	if (t->counters)
		counters_begin(t->counters);
	t->begin.harness_cpu_ns = own_cpu_ns();
	t->begin.stamp_ns = (int64_t)clock_now_ns();
}

/* Where all of the subject's threads may run, now. Those that did run elsewhere make the sample void. */
static void take_affinity(struct take *t)
{
	json_t *entry;
	size_t i;

	json_decref(t->outside);
	t->outside = affinity_outside(process_pid(t->subject), &t->r->cell->placed.subject);
	if (t->r->kind == SAMPLE_SMOKE) /* it has no times */
		return;
	json_array_foreach (t->outside, i, entry)
		if (jsonx_bool(entry, "ran_outside", false))
			take_fail(t, "void", "its threads %.32s ran on other CPUs than the cell's",
				  jsonx_str(entry, "name"));
}

void take_edge_end(struct take *t)
{
	t->end.stamp_ns = (int64_t)clock_now_ns();
	t->end.harness_cpu_ns = own_cpu_ns();
	if (t->counters)
		counters_end(t->counters);
	noise_read(&t->end.noise);
	t->end.run_delay_ns = noise_run_delay_ns(process_pid(t->subject));
	t->has_region = true;
	take_affinity(t);
}

void take_clocks_agree(struct take *t, const char *who, int64_t claimed_ns, int64_t least_ns, int64_t most_ns)
{
	int64_t seen_ns = claimed_ns > most_ns ? most_ns : claimed_ns < least_ns ? least_ns : claimed_ns;
	int64_t difference = claimed_ns > seen_ns ? claimed_ns - seen_ns : seen_ns - claimed_ns;

	if (claimed_ns < 0)
		take_fail(t, "failed", "the 'end' of %s has no wall_ns", who);
	else if (difference > seen_ns / 50 + SKEW_NS && t->r->kind != SAMPLE_SMOKE &&
		 !take_is_untimed(t)) /* no times */
		take_fail(t, "void",
			  "the clocks disagree: %s says that its region took %.3f ms, the harness saw %.3f ms", who,
			  (double)claimed_ns / 1e6, (double)seen_ns / 1e6);
}

/* ---- one sample ------------------------------------------------------------------------------------------ */

static json_t *make_cell(const struct take *t)
{
	const struct sample_request *r = t->r;
	enum scaling scaling = r->cell->workload->scaling;
	bool is_measured = t->r->kind == SAMPLE_TIMED || t->r->kind == SAMPLE_COUNTED;
	bool warmup = take_is_simulated(t) ? scaling == SCALING_FINITE && simulate_is_twice(r->round)
					   : is_measured && (scaling == SCALING_LINEAR || scaling == SCALING_FINITE);
	char *knobs = variant_join(jsonx_str(t->env->knobs, r->subject->model), r->subject->knobs);
	json_t *cell;

	/* The seed is that of the round: all subjects of a round work on the same data in the same order. */
	cell = json_pack("{s:s, s:i, s:O, s:i, s:I, s:o, s:s, s:s, s:b, s:O*}", "workload", r->cell->workload->name,
			 "version", r->cell->workload->version, "params", r->cell->params, "workers",
			 (int)r->cell->placed.workers, "ops", (json_int_t)r->ops, "seed",
			 jsonx_hex(order_mix(t->env->seed, r->round)), "data_dir", t->env->data_dir, "knobs", knobs,
			 "warmup", warmup, "nearness", t->env->nearness);
	free(knobs);
	return cell;
}

static void set_affinity(const cpu_set_t *cpus)
{
	/* Where it is refused the harness stays where it is: noise_judge then finds its time on the subject's CPUs. */
	if (CPU_COUNT(cpus))
		(void)sched_setaffinity(0, sizeof *cpus, cpus);
}

/* The spin tells how fast the sample's own CPU is just now, so it runs there. */
static int64_t spin_on_cell(const struct take *t)
{
	int64_t ns;

	set_affinity(&t->r->cell->placed.subject);
	ns = noise_spin();
	set_affinity(&t->r->cell->placed.harness);
	return ns;
}

static void pause_and_spin(struct take *t)
{
	struct timespec rest = {.tv_sec = t->env->settle_ns / 1000000000, .tv_nsec = t->env->settle_ns % 1000000000};
	uint64_t before = clock_now_ns();

	if (t->env->settle_ns == 0) {
		set_affinity(&t->r->cell->placed.harness);
		return;
	}
	while (nanosleep(&rest, &rest) < 0 && errno == EINTR && !sample_is_interrupted())
		;
	t->settle_ns = (int64_t)(clock_now_ns() - before);
	t->spin_before_ns = spin_on_cell(t);
}

static bool take_snapshot(struct take *t, const json_t *m)
{
	const char *name = jsonx_str(m, "name") ? jsonx_str(m, "name") : "";
	bool is_live = strcmp(name, "live") == 0, is_limit = strcmp(name, "limit") == 0;
	json_t **slot = is_live ? &t->mem_live : &t->mem_base;
	uint64_t tasks = (uint64_t)jsonx_int(m, "live_tasks", 0);

	if (!is_live && !is_limit && strcmp(name, "base") != 0) {
		take_unexpected(t, "snapshot of base, live or limit", m);
		return false;
	}
	if (is_limit) { /* it cannot have more, and has not yet let go of what it has */
		take_note_limit(t, tasks);
	} else if (t->r->kind != SAMPLE_SMOKE) {
		json_decref(*slot);
		*slot = memory_snapshot(process_pid(t->subject), tasks, t->env->snapshot_wait_ns);
	}
	if (is_live) /* a state sample has no region, whose end is where this is asked otherwise */
		take_affinity(t);
	return take_command(t, t->subject, "ack");
}

static void take_region(struct take *t)
{
	int64_t seen_ns;
	json_t *m;

	take_edge_begin(t);
	if (!take_command(t, t->subject, "ack"))
		return;
	m = take_expect(t, t->subject, "end", t->env->region_timeout_ns);
	if (!m)
		return;
	take_edge_end(t);
	t->wall_ns = jsonx_int(m, "wall_ns", -1);
	t->rusage = json_incref(json_object_get(m, "rusage"));
	t->helper_ns = jsonx_int(m, "helper_ns", 0);
	json_decref(m);
	seen_ns = t->end.stamp_ns - t->begin.stamp_ns;
	take_clocks_agree(t, "the subject", t->wall_ns, seen_ns, seen_ns);
	take_command(t, t->subject, "ack");
}

/* From `go` to `sample`. */
static void take_work(struct take *t)
{
	bool is_state = t->r->cell->workload->scaling == SCALING_STATE;

	if (!take_command(t, t->subject, "go"))
		return;
	while (!t->status || strcmp(t->status, "void") == 0) {
		bool may_end = is_state || t->has_region;
		const char *awaited = may_end ? "sample" : "begin";
		const char *void_status = t->status;
		json_t *m;

		t->status = NULL; /* a void sample is still heard out, so that the process ends as it should */
		m = take_receive(t, t->subject, awaited, t->env->region_timeout_ns, false);
		if (!m)
			return;
		t->status = void_status;
		if (take_is_message(m, "snapshot"))
			take_snapshot(t, m);
		else if (take_is_message(m, "begin") && !may_end)
			take_region(t);
		else if (take_is_message(m, "sample") && may_end)
			t->result = json_incref(m);
		else
			take_unexpected(t, awaited, m);
		json_decref(m);
		if (t->result)
			return;
	}
}

bool take_is_calibration(const struct take *t)
{
	return t->r->kind == SAMPLE_CALIBRATE && t->r->cell->workload->scaling != SCALING_SERVER;
}

static void talk(struct take *t)
{
	bool is_calibration = take_is_calibration(t);
	enum sample_kind kind = t->r->kind;
	int64_t timeout_ns = t->env->setup_timeout_ns + (is_calibration ? t->env->region_timeout_ns : 0);
	const char *awaited = is_calibration ? "sample" : "ready";
	json_t *message, *m, *listen;

	/* What this side alone observes, subjects need not know: that it is under valgrind, that its knee is looked for. */
	if (kind == SAMPLE_SIMULATED)
		kind = SAMPLE_COUNTED;
	else if (kind == SAMPLE_CALIBRATE && !is_calibration)
		kind = SAMPLE_TIMED;
	message = json_pack("{s:s, s:s, s:O}", "cmd", "run", "kind", sample_kind_name(kind), "cell", t->cell);
	if (is_calibration)
		json_object_set_new(message, "target_ns", json_integer(t->r->region_ns));
	if (t->r->kind == SAMPLE_TRACED)
		traced_ask(t, message);
	if (!take_send(t, t->subject, message))
		return;
	m = take_receive(t, t->subject, awaited, timeout_ns, true);
	if (!m)
		return;
	t->ready_ns = (int64_t)clock_now_ns();
	if (!take_is_message(m, awaited)) {
		take_unexpected(t, awaited, m);
	} else if (is_calibration) {
		t->result = json_incref(m);
		t->ready_ns = 0;
	} else {
		t->threads = jsonx_int(m, "threads", -1);
		listen = json_object_get(m, "listen");
		if (t->r->cell->workload->scaling != SCALING_SERVER)
			take_work(t);
		else if (json_is_object(listen))
			take_server(t, listen);
		else
			take_fail(t, "failed", "the 'ready' of a server has no 'listen'");
	}
	json_decref(m);
}

/* The last line of the tail: what a program that fails says last. */
static const char *last_line(const char *tail, int *length)
{
	size_t n = strlen(tail), start;

	while (n && tail[n - 1] == '\n')
		n--;
	for (start = n; start && tail[start - 1] != '\n'; start--)
		;
	*length = (int)(n - start > 200 ? 200 : n - start);
	return tail + start;
}

/* Reap the subject, and put into words how it ended. */
static void finish_subject(struct take *t)
{
	bool is_early = t->status && (strcmp(t->status, "unsupported") == 0 || strcmp(t->status, "too_slow") == 0);
	bool is_done = !t->status || is_early || t->result;
	int64_t wait_ns = is_done ? t->env->exit_timeout_ns : t->subject_ended ? AFTER_END_TIMEOUT_NS : 0;
	const char *tail;
	int tail_len;

	/* One that has reported an error is on its way out and has an exit code of its own. */
	if (t->status && strcmp(t->status, "failed") == 0 && !is_done && !t->subject_ended)
		wait_ns = 100000000;
	process_finish(t->subject, wait_ns, &t->exit);
	take_ended(t, false);
	if (t->exit.signal == SIGKILL && !t->exit.killed && !json_is_object(t->limit_hit)) {
		json_decref(t->limit_hit);
		t->limit_hit = limits_oom(t->oom_kills);
	}
	tail = last_line(t->exit.stderr_tail, &tail_len);
	if (t->subject_ended && t->exit.signal && !t->exit.killed) {
		t->status = "crashed";
		snprintf(t->why, sizeof t->why, "it died of signal %d (%s) before it said '%s'%s%.*s", t->exit.signal,
			 strsignal(t->exit.signal), t->awaited, tail_len ? "; its last words: " : "", tail_len, tail);
	} else if (t->subject_ended && !t->exit.killed) {
		t->status = "failed";
		snprintf(t->why, sizeof t->why, "it exited with code %d before it said '%s'%s%.*s", t->exit.code,
			 t->awaited, tail_len ? "; its last words: " : "", tail_len, tail);
	}
	if (!is_done)
		return;
	if (t->exit.killed)
		take_fail(t, "failed", "it did not end within %lld s of its last message",
			  (long long)(t->env->exit_timeout_ns / 1000000000));
	else if (t->exit.signal)
		take_fail(t, "crashed", "it died of signal %d (%s) after its sample%s%.*s", t->exit.signal,
			  strsignal(t->exit.signal), tail_len ? "; its last words: " : "", tail_len, tail);
	else if (t->exit.code != 0)
		take_fail(t, "failed", "it exited with code %d after its sample%s%.*s", t->exit.code,
			  tail_len ? "; its last words: " : "", tail_len, tail);
}

static void finish(struct take *t)
{
	struct process_exit ended;

	if (t->loadgen) {
		process_finish(t->loadgen, t->status ? 0 : t->env->exit_timeout_ns, &ended);
		take_ended(t, true);
		if (t->loadgen_ended || (!t->status && (ended.code != 0 || ended.killed))) {
			int n;
			const char *tail = last_line(ended.stderr_tail, &n);

			t->status = "failed";
			snprintf(t->why, sizeof t->why, "the load generator exited with code %d%s%.*s", ended.code,
				 n ? "; its last words: " : "", n, tail);
		}
	}
	if (t->counters && t->has_region)
		t->counts = counters_result(t->counters, take_ops_done(t));
	if (t->subject)
		finish_subject(t);
	if (t->env->settle_ns && !sample_is_interrupted())
		t->spin_after_ns = spin_on_cell(t);
}

/* What must be true of the certificate; outside all clocks. */
static void certify(struct take *t)
{
	json_t *cert = json_object_get(t->result, "cert"), *cell;
	struct err err = {{0}};

	if (t->status || take_is_calibration(t))
		return;
	if (!json_is_object(cert)) {
		take_fail(t, "failed", "its sample has no certificate");
		return;
	}
	if (!t->env->oracle)
		return;
	cell = json_copy(t->cell);
	json_object_set_new(cell, "knobs", json_string("")); /* how it is done does not change what is done */
	if (t->load) /* the server's certificate covers all that it was ever sent */
		json_object_set(cell, "ops", json_object_get(t->load, "requests_total"));
	if (oracle_expect(t->env->oracle, cell, &t->expected, &err) != 0)
		take_fail(t, "failed", "the work cannot be certified: %.400s", ERR_TEXT(err));
	else if (oracle_compare(t->expected, cert, &err) != 0)
		take_fail(t, "mismatch", "%.400s", ERR_TEXT(err));
	else
		t->is_certified = true;
	json_decref(cell);
}

static void take_clear(struct take *t)
{
	if (t->counters)
		counters_free(t->counters);
	json_decref(t->cell);
	json_decref(t->rusage);
	json_decref(t->result);
	json_decref(t->load);
	json_decref(t->mem_base);
	json_decref(t->mem_live);
	json_decref(t->outside);
	json_decref(t->limit_hit);
	json_decref(t->expected);
	json_decref(t->counts);
	json_decref(t->simulation);
	json_decref(t->trace);
}

static void prepare_counters(struct take *t)
{
	const char *events[EVENT_SET_MAX];
	struct err err = {{0}};
	char *held;
	size_t n;

	if (t->r->kind != SAMPLE_COUNTED)
		return;
	n = event_set_events(t->r->event_set, events, &held);
	if (counters_new(events, n, &t->counters, &err) != 0) {
		t->counters = NULL;
		take_fail(t, "failed", "the events cannot be counted: %.400s", ERR_TEXT(err));
	}
	free(held);
}

/* The limit's name belongs into the sentence that readers see. */
static void tell_limit(struct take *t)
{
	size_t used = strlen(t->why);

	if (t->status && strcmp(t->status, "void") != 0 && json_is_object(t->limit_hit))
		snprintf(t->why + used, sizeof t->why - used, "; at the limit %s = %lld",
			 jsonx_str(t->limit_hit, "name"), (long long)jsonx_int(t->limit_hit, "limit", 0));
}

static void run_subject(struct take *t)
{
	const char *argv[] = {t->r->subject->path, "--run", NULL};
	struct process_spec spec = {
		.path = t->r->subject->path,
		.argv = argv,
		.cpus = &t->r->cell->placed.subject,
		.pad_bytes = t->pad_bytes,
		.counters = t->counters,
	};
	struct simulated_start simulated = {.out_option = NULL};
	pid_t pid = 0;
	int rc;

	t->oom_kills = limits_oom_kills();
	if (take_is_simulated(t))
		simulate_start(t, &spec, &simulated);
	rc = take_start(t, &spec, false);
	simulate_started(&simulated);
	if (rc == 0) {
		pid = process_pid(t->subject);
		t->started_ns = process_started_ns(t->subject);
		talk(t);
		t->result_ns = (int64_t)clock_now_ns();
		/* At ready the model may not have made its threads yet: what counts is the end of the region. */
		t->threads = jsonx_int(t->result, "threads", t->threads);
	}
	finish(t);
	if (pid && take_is_simulated(t))
		simulate_finish(t, pid);
	if (t->r->kind == SAMPLE_TRACED)
		traced_finish(t);
	certify(t);
	tell_limit(t);
	utf8_clean(t->why); /* it may quote the subject, and may be cut in the middle of a character */
}

json_t *sample_take(const struct sample_env *env, const struct sample_request *r)
{
	struct take *t = xcalloc(1, sizeof *t); /* holds two noise points: large for a stack */
	struct sample_env patient = *env;
	struct timespec now;
	char key[17];
	json_t *record = NULL;

	patient.setup_timeout_ns *= SIMULATED_PATIENCE;
	patient.region_timeout_ns *= SIMULATED_PATIENCE;
	patient.exit_timeout_ns *= SIMULATED_PATIENCE;
	t->r = r;
	t->env = take_is_simulated(t) ? &patient : env;
	t->threads = -1;
	sample_key(r, key);
	t->pad_bytes = order_mix(env->seed, order_hash(key)) % PAD_MAX;
	t->cell = make_cell(t);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	t->started_unix_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	pause_and_spin(t);
	prepare_counters(t);
	if (!t->status && !sample_is_interrupted())
		run_subject(t);
	if (!sample_is_interrupted())
		record = take_record(t);
	take_clear(t);
	free(t);
	return record;
}
