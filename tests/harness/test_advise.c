/*
 * test_advise.c - which model is advised, on reports that are made: each answer there is, what has to be refused, and where answers flip.
 * The queue's formula is held against values that are known by construction and against a simulation.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/report/advise.h"
#include "harness/stats/queue.h"
#include "harness/stats/stats.h"

#define US 1e3
#define MS 1e6
#define GIB (1024.0 * 1024 * 1024)

/* ---- a report that is made ------------------------------------------------------------------------------------- */

/* Half the width of every interval, as a share of the value. */
static double width = 0.01;

static void put_span(json_t *row, const char *low, const char *high, double value)
{
	json_object_set_new(row, low, json_real(value * (1 - width)));
	json_object_set_new(row, high, json_real(value * (1 + width)));
}

/* Values of gmp, pthread and eventloop; NAN: the cell has no such row. */
struct three {
	double of[3];
};
static const char *const names[3] = {"gmp", "pthread", "eventloop"};

static json_t *add_cell(json_t *report, const char *workload, const char *id, json_t *params, int workers,
			struct three cpu, struct three metric, struct three p99)
{
	json_t *rows = json_array(), *cell;

	for (int i = 0; i < 3; i++) {
		json_t *row = json_pack("{s:s, s:b, s:s}", "id", names[i], "is_twin", 0, "status", "ok");

		if (!isnan(cpu.of[i]))
			put_span(row, "cpu_per_op_ns_ci_low", "cpu_per_op_ns_ci_high", cpu.of[i]);
		if (!isnan(metric.of[i]))
			put_span(row, "ci_low", "ci_high", metric.of[i]);
		if (!isnan(p99.of[i]))
			put_span(row, "latency_p99_ns_ci_low", "latency_p99_ns_ci_high", p99.of[i]);
		json_array_append_new(rows, row);
	}
	cell = json_pack("{s:s, s:s, s:o, s:i, s:o}", "workload", workload, "id", id, "params", params, "workers",
			 workers, "subjects", rows);
	assert_non_null(cell);
	json_array_append_new(json_object_get(report, "cells"), cell);
	return cell;
}

static const struct three none = {{NAN, NAN, NAN}};

/* A machine with two CPUs and 16 GiB, on which all has been measured that an answer for sockets, timers and calls needs. */
static json_t *make(void)
{
	json_t *r = json_pack("{s:{s:s}, s:{s:[i, i], s:f, s:{s:i, s:i}}, s:[], s:[], s:[]}", "run", "run_id", "made",
			      "host", "allowed_cpus", 0, 1, "mem_bytes", 16 * GIB, "limits", "pid_max", 32768,
			      "threads_max", 100000, "cells", "figures", "limits");
	static const int parked[] = {1000, 10000, 100000}, ring[] = {2, 64, 1000, 100000};
	char id[60];

	assert_non_null(r);
	for (int i = 0; i < 3; i++) {
		snprintf(id, sizeof id, "memory/parked %d", parked[i]);
		add_cell(r, "memory/parked", id, json_pack("{s:i, s:i}", "tasks", parked[i], "touch_kib", 0), 1, none,
			 (struct three){{4096, i < 2 ? 36000 : NAN, 50}}, none);
	}
	for (int i = 0; i < 4; i++) {
		snprintf(id, sizeof id, "switch/ring %d", ring[i]);
		add_cell(r, "switch/ring", id, json_pack("{s:i, s:i}", "tasks", ring[i], "ws_kib", 0), 1,
			 (struct three){{30 + 70 * (i == 3), i < 3 ? 1200 + 300 * (i == 2) : NAN, 10}}, none, none);
	}
	add_cell(r, "switch/ring", "switch/ring wide", json_pack("{s:i, s:i}", "tasks", 64, "ws_kib", 0), 2,
		 (struct three){{60, 2000, NAN}}, none, none);
	add_cell(r, "net/echo", "net/echo 64", json_pack("{s:i, s:i}", "connections", 64, "rate", 0), 1,
		 (struct three){{4400, 7000, 3000}}, none, (struct three){{0.5 * MS, 0.9 * MS, 0.5 * MS}});
	add_cell(r, "timer/accuracy", "timer/accuracy", json_object(), 1, none, none,
		 (struct three){{60 * US, 57 * US, 58 * US}});
	add_cell(r, "abuse/blocker", "abuse/blocker", json_object(), 1, none, none,
		 (struct three){{0.4 * MS, 58 * US, NAN}});
	add_cell(r, "block/bystander", "bystander none",
		 json_pack("{s:s, s:i, s:i}", "kind", "none", "waiters", 16, "wait_us", 1000), 1,
		 (struct three){{13000, 13000, 13000}}, none, none);
	add_cell(r, "block/bystander", "bystander sleep",
		 json_pack("{s:s, s:i, s:i}", "kind", "sleep", "waiters", 16, "wait_us", 1000), 1,
		 (struct three){{13000 + 400, 13000 + 1000, 13000 + 200}}, none, none);
	for (int i = 0; i < 3; i++) {
		json_t *figure = json_pack("{s:s, s:s, s:s}", "cell", "bystander sleep", "subject", names[i], "name",
					   "waits_per_op");

		put_span(figure, "ci_low", "ci_high", 0.2);
		json_array_append_new(json_object_get(r, "figures"), figure);
	}
	for (int n = 16; n <= 256; n *= 16) {
		snprintf(id, sizeof id, "block/call %d", n);
		add_cell(r, "block/call", id, json_pack("{s:i, s:i, s:i}", "in_flight", n, "call_us", 10000, "work", 0),
			 1, (struct three){{20000, 6000, NAN}}, none, none);
	}
	return r;
}

static json_t *cell_of(json_t *report, const char *id)
{
	json_t *cell;
	size_t i;

	json_array_foreach (json_object_get(report, "cells"), i, cell)
		if (strcmp(json_string_value(json_object_get(cell, "id")), id) == 0)
			return cell;
	fail_msg("no cell %s", id);
	return NULL;
}

static void remove_cells(json_t *report, const char *workload)
{
	json_t *cells = json_object_get(report, "cells");

	for (size_t i = json_array_size(cells); i-- > 0;)
		if (strcmp(json_string_value(json_object_get(json_array_get(cells, i), "workload")), workload) == 0)
			json_array_remove(cells, i);
}

/* ---- asking ---------------------------------------------------------------------------------------------------- */

static struct advise_load load_of(double tasks, double cpu, double wait, double p99, enum advise_kind kind)
{
	return (struct advise_load){.axis = {tasks, cpu, wait, p99}, .kind = kind};
}

static const struct advice *ask(json_t *report, struct advise_load load)
{
	static struct advice a;
	struct err err;

	if (advise(report, &load, &a, &err) != 0)
		fail_msg("%s", err.why);
	return &a;
}

static void assert_chosen(const struct advice *a, const char *model, const char *runner_up)
{
	if (a->answer.verdict != ADVISE_CHOSEN)
		fail_msg("%s: %s", advise_verdict_name(a->answer.verdict), a->answer.sentence);
	assert_string_equal(a->answer.models[a->answer.choice].id, model);
	assert_string_equal(a->answer.runner_up < 0 ? "none" : a->answer.models[a->answer.runner_up].id, runner_up);
	assert_int_equal(a->answer.models[a->answer.choice].fit, FIT_YES);
	assert_true(a->answer.models[a->answer.choice].cells.n >= 4);
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not say '%s'", text, part);
}

/* Short callbacks and less than a CPU of work: nothing is cheaper than the loop. */
static void loop_chosen(void **state)
{
	json_t *r = make();

	(void)state;
	assert_chosen(ask(r, load_of(100, 15 * US, 10 * MS, 25 * MS, ADVISE_SOCKET)), "eventloop", "gmp");
	json_decref(r);
	width = 0.0005; /* what sleeping costs is a small difference of large values */
	r = make();
	assert_chosen(ask(r, load_of(16, 2 * US, 5 * MS, 12 * MS, ADVISE_TIMER)), "eventloop", "gmp");
	json_decref(r);
	width = 0.01;
}

/* What a request costs at a rate of its own is no part of the answer, though such a cell is as near as the other. */
static void open_loops_are_passed_over(void **state)
{
	json_t *r = make();
	const struct advice *a;

	(void)state;
	add_cell(r, "net/echo", "net/echo due",
		 json_pack("{s:i, s:i, s:i}", "connections", 100, "rate", 0, "load_percent", 70), 1,
		 (struct three){{440, 9000, 30000}}, none, (struct three){{5 * MS, 9 * MS, 5 * MS}});
	a = ask(r, load_of(100, 15 * US, 10 * MS, 25 * MS, ADVISE_SOCKET));
	assert_chosen(a, "eventloop", "gmp");
	for (size_t i = 0; i < a->answer.models[0].cells.n; i++)
		assert_string_not_equal(a->answer.models[0].cells.id[i], "net/echo due");
	json_decref(r);
}

/* More work than one CPU has: the loop cannot, and threads cost more. */
static void gmp_chosen(void **state)
{
	json_t *r = make();
	const struct advice *a = ask(r, load_of(700, 20 * US, 5 * MS, 16 * MS, ADVISE_SOCKET));

	(void)state;
	assert_chosen(a, "gmp", "pthread");
	assert_int_equal(a->answer.models[2].fit, FIT_NO);
	assert_says(a->answer.models[2].why, "all tasks share 1 CPU");
	json_decref(r);
}

/* Calls that hold their thread: the loop cannot, and goroutines take more of the CPU for each. */
static void pthread_chosen(void **state)
{
	json_t *r = make();
	json_t *row = json_array_get(json_object_get(cell_of(r, "block/call 16"), "subjects"), 2);
	const struct advice *a;

	(void)state;
	json_object_set_new(row, "status", json_string("unsupported"));
	json_object_set_new(row, "why", json_string("a call stops the loop"));
	a = ask(r, load_of(100, 5 * US, 10 * MS, 25 * MS, ADVISE_BLOCKING));
	assert_chosen(a, "pthread", "gmp");
	assert_int_equal(a->answer.models[2].fit, FIT_NO);
	assert_says(a->answer.models[2].why, "a call stops the loop");
	json_decref(r);
}

/* A CPU of work for each of thousands of tasks: sure, whatever else was measured. */
static void none_fits(void **state)
{
	json_t *r = make();
	const struct advice *a = ask(r, load_of(20000, 50 * US, 5 * MS, 20 * MS, ADVISE_SOCKET));
	bool flips = false;

	(void)state;
	assert_int_equal(a->answer.verdict, ADVISE_NONE_FITS);
	for (size_t i = 0; i < a->n_flips; i++)
		if (a->flips[i].axis == AXIS_TASKS && a->flips[i].other_from < 20000)
			flips |= a->flips[i].beyond.verdict == ADVISE_CHOSEN;
	assert_true(flips); /* with fewer tasks there is one */
	remove_cells(r, "memory/parked");
	assert_int_equal(ask(r, load_of(20000, 50 * US, 5 * MS, 20 * MS, ADVISE_SOCKET))->answer.verdict,
			 ADVISE_NONE_FITS);
	json_decref(r);
}

/* Each of the cells that an answer rests on is missed, by name, when it is gone. */
static void refused_without_cells(void **state)
{
	static const struct {
		const char *workload;
		enum advise_kind kind;
	} needs[] = {{"memory/parked", ADVISE_SOCKET},   {"switch/ring", ADVISE_SOCKET},
		     {"net/echo", ADVISE_SOCKET},        {"block/bystander", ADVISE_TIMER},
		     {"memory/parked", ADVISE_BLOCKING}, {"block/call", ADVISE_BLOCKING},
		     {"abuse/blocker", ADVISE_BLOCKING}};

	(void)state;
	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
		json_t *r = make();
		struct advise_load load = load_of(200, 20 * US, 10 * MS, 25 * MS, needs[i].kind);

		assert_int_not_equal(ask(r, load)->answer.verdict, ADVISE_REFUSED);
		remove_cells(r, needs[i].workload);
		assert_int_equal(ask(r, load)->answer.verdict, ADVISE_REFUSED);
		assert_says(ask(r, load)->answer.sentence, needs[i].workload);
		json_decref(r);
	}
}

/* A row without an interval is no evidence. */
static void refused_without_intervals(void **state)
{
	json_t *r = make(), *row;
	size_t i;

	(void)state;
	json_array_foreach (json_object_get(cell_of(r, "net/echo 64"), "subjects"), i, row)
		json_object_set_new(row, "cpu_per_op_ns_ci_high", json_null());
	assert_int_equal(ask(r, load_of(100, 20 * US, 10 * MS, 25 * MS, ADVISE_SOCKET))->answer.verdict,
			 ADVISE_REFUSED);
	json_decref(r);
}

/* Beyond the most tasks, the longest waits or the widest cells that were measured nothing is read off a curve. */
static void refused_beyond_what_was_measured(void **state)
{
	json_t *r = make();
	struct advise_load many = load_of(200000, 1 * US, 5e9, 12e9, ADVISE_SOCKET);
	struct advise_load wide = load_of(100, 20 * US, 10 * MS, 25 * MS, ADVISE_SOCKET);
	struct advise_load slow = load_of(16, 20 * US, 50 * MS, 90 * MS, ADVISE_TIMER);

	(void)state;
	assert_int_equal(ask(r, many)->answer.verdict, ADVISE_REFUSED);
	assert_says(ask(r, many)->answer.sentence, "at most 100000 tasks");
	many.axis[AXIS_TASKS] = 90000;
	assert_chosen(ask(r, many), "eventloop", "gmp");
	assert_int_equal(ask(r, slow)->answer.verdict, ADVISE_REFUSED);
	assert_says(ask(r, slow)->answer.sentence, "ten times");
	wide.cpus = 3;
	assert_says(ask(r, wide)->answer.models[0].why, "on 3 CPUs");
	assert_int_equal(ask(r, wide)->answer.models[0].fit, FIT_UNKNOWN);
	json_decref(r);
}

/* Long pieces of work make what the models take no matter; wide intervals hide which is better. */
static void undecided(void **state)
{
	json_t *r = make();
	const struct advice *a = ask(r, load_of(4, 400 * US, 5 * MS, 30 * MS, ADVISE_SOCKET));

	(void)state;
	assert_int_equal(a->answer.verdict, ADVISE_UNDECIDED);
	assert_says(a->answer.sentence, "cannot be told apart, they take the same");
	json_decref(r);
	width = 0.6;
	r = make();
	a = ask(r, load_of(64, 2 * US, 10 * MS, 25 * MS, ADVISE_SOCKET));
	assert_int_equal(a->answer.verdict, ADVISE_UNDECIDED);
	assert_says(a->answer.sentence, "spans of what they take overlap");
	json_decref(r);
	width = 0.01;
}

/* With equal CPU the memory decides, where it is enough to matter. */
static void memory_decides(void **state)
{
	json_t *r = make();
	struct advise_load load = load_of(50000, 2 * MS, 200e9, 500e9, ADVISE_SOCKET);
	const struct advice *a;

	(void)state;
	load.memory_bytes = 1 * GIB;
	a = ask(r, load);
	assert_chosen(a, "eventloop", "gmp");
	assert_says(a->answer.sentence, "of memory");
	load.memory_bytes = 0.1 * GIB; /* goroutines need 0.19 */
	a = ask(r, load);
	assert_chosen(a, "eventloop", "none");
	assert_int_equal(a->answer.models[0].fit, FIT_NO);
	assert_says(a->answer.models[0].why, "of memory");
	assert_says(a->answer.models[1].why, "more than 32768 tasks there (pid_max)");
	json_decref(r);
}

/* The answer is another one where a flip says so, and the same just before. */
static void flips_are_there(void **state)
{
	json_t *r = make();
	struct advise_load load = load_of(100, 20 * US, 10 * MS, 25 * MS, ADVISE_SOCKET);
	static struct advice a;
	unsigned axes = 0;

	(void)state;
	a = *ask(r, load);
	assert_chosen(&a, "eventloop", "gmp");
	for (size_t i = 0; i < a.n_flips; i++) {
		const struct advise_flip *f = &a.flips[i];
		struct advise_load other = load;
		const struct advice *there;

		axes |= 1u << f->axis;
		assert_true(fabs(f->same_until / f->other_from - 1) < 0.02);
		other.axis[f->axis] = f->axis == AXIS_TASKS ? round(f->other_from) : f->other_from;
		if (other.axis[AXIS_P99] <= other.axis[AXIS_WAIT])
			continue;
		there = ask(r, other);
		assert_int_equal(there->answer.verdict, f->beyond.verdict);
		assert_int_equal(there->answer.choice, f->beyond.choice);
	}
	assert_int_equal(axes, (1u << AXIS_TASKS) | (1u << AXIS_CPU) | (1u << AXIS_WAIT) | (1u << AXIS_P99));
	json_decref(r);
}

/* Wider intervals never make sure what was not (A3). */
static void wider_is_never_surer(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (int i = 0; i < 24; i++) {
		struct advise_load load = load_of(1 + rng_unit(&rng) * 2000, US * (1 + rng_unit(&rng) * 100), 0, 0,
						  (enum advise_kind)(i % ADVISE_KINDS));
		enum advise_fit narrow[ADVISE_MODELS];
		const struct advice *a;
		json_t *r = make();

		load.axis[AXIS_WAIT] = MS * (1 + rng_unit(&rng) * 8);
		load.axis[AXIS_P99] = load.axis[AXIS_WAIT] * (1.05 + 3 * rng_unit(&rng));
		a = ask(r, load);
		for (int m = 0; m < ADVISE_MODELS; m++)
			narrow[m] = a->answer.models[m].fit;
		json_decref(r);
		width = 0.3;
		r = make();
		a = ask(r, load);
		for (int m = 0; m < ADVISE_MODELS; m++) {
			enum advise_fit fit = a->answer.models[m].fit;

			assert_true(fit == narrow[m] || fit == FIT_UNKNOWN);
		}
		json_decref(r);
		width = 0.01;
	}
}

static void nonsense_is_refused(void **state)
{
	json_t *r = make();
	static struct advice a;
	struct advise_load zero = load_of(100, 0, MS, 2 * MS, ADVISE_SOCKET),
			   late = load_of(100, US, 5 * MS, 5 * MS, ADVISE_SOCKET);
	struct advise_load good = load_of(100, US, 5 * MS, 9 * MS, ADVISE_SOCKET);
	json_t *empty = json_object();
	struct err err;

	(void)state;
	assert_int_equal(advise(r, &zero, &a, &err), -EINVAL);
	assert_int_equal(advise(r, &late, &a, &err), -EINVAL);
	assert_says(err.why, "longer than --wait");
	assert_int_equal(advise(empty, &good, &a, &err), -EINVAL);
	good.cpus = 2;
	good.memory_bytes = GIB;
	assert_int_equal(advise(empty, &good, &a, &err), 0);
	assert_int_equal(a.answer.verdict, ADVISE_REFUSED);
	json_decref(empty);
	json_decref(r);
}

/* ---- the queue ------------------------------------------------------------------------------------------------- */

static void assert_close(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("got %.9g, want %.9g within %g", got, want, tolerance);
}

/* Quantile q of waits in a system that is played through, in the order of events. */
static double simulated_wait(int tasks, int cpus, double service, double think, double q)
{
	enum { TURNS = 200000, MOST = 64 };
	double back[MOST], free_at[MOST] = {0}, *waits = calloc(TURNS, sizeof *waits), result;
	struct rng rng;

	rng_seed(&rng, 7);
	for (int i = 0; i < tasks; i++)
		back[i] = -think * log(rng_unit(&rng));
	for (int t = 0; t < TURNS; t++) {
		int next = 0, cpu = 0;

		for (int i = 1; i < tasks; i++)
			next = back[i] < back[next] ? i : next;
		for (int c = 1; c < cpus; c++)
			cpu = free_at[c] < free_at[cpu] ? c : cpu;
		waits[t] = fmax(0, free_at[cpu] - back[next]);
		free_at[cpu] = back[next] + waits[t] - service * log(rng_unit(&rng));
		back[next] = free_at[cpu] - think * log(rng_unit(&rng));
	}
	stats_sort(waits, TURNS);
	result = stats_quantile(waits, TURNS, q);
	free(waits);
	return result;
}

static void queue_known_values(void **state)
{
	(void)state;
	/* One task never waits, nor do as many as there are CPUs. */
	assert_close(queue_wait(1, 1, 1, 1, 0.99), 0, 0);
	assert_close(queue_wait(4, 4, 1, 1, 0.99), 0, 0);
	/*
	 * Two tasks on one CPU: the other one is there with probability s / (s + Z), and then for an exponential time: with s = Z = 1
	 * P(wait > t) = exp(-t) / 2, which is 0.01 at ln 50.
	 */
	assert_close(queue_wait(2, 1, 1, 1, 0.99), log(50), 1e-9);
	/* So many tasks that arrivals are Poisson's: M/M/1 at a load of a half, P(wait > t) = exp(-t / 2) / 2. */
	assert_close(queue_wait(1e6, 1, 1, 2e6 - 1, 0.99), 2 * log(50), 1e-3);
	assert_true(isnan(queue_wait(0, 1, 1, 1, 0.99)));
	assert_true(isnan(queue_wait(2, 1, 0, 1, 0.99)));
	assert_true(isnan(queue_wait(1e7, 1, 1, 1, 0.99))); /* overloaded beyond its table */
}

static void queue_as_simulated(void **state)
{
	(void)state;
	assert_close(queue_wait(20, 2, 1, 12, 0.99) / simulated_wait(20, 2, 1, 12, 0.99), 1, 0.04);
	assert_close(queue_wait(6, 1, 1, 9, 0.95) / simulated_wait(6, 1, 1, 9, 0.95), 1, 0.04);
	assert_close(queue_wait(60, 4, 1, 14, 0.99) / simulated_wait(60, 4, 1, 14, 0.99), 1, 0.04);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loop_chosen),
		cmocka_unit_test(open_loops_are_passed_over),
		cmocka_unit_test(gmp_chosen),
		cmocka_unit_test(pthread_chosen),
		cmocka_unit_test(none_fits),
		cmocka_unit_test(refused_without_cells),
		cmocka_unit_test(refused_without_intervals),
		cmocka_unit_test(refused_beyond_what_was_measured),
		cmocka_unit_test(undecided),
		cmocka_unit_test(memory_decides),
		cmocka_unit_test(flips_are_there),
		cmocka_unit_test(wider_is_never_surer),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(queue_known_values),
		cmocka_unit_test(queue_as_simulated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
