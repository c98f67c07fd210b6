/*
 * The traps of counting, each with the test that covers it. perf_event_open is one of ours here, so that a machine with a PMU, one
 * without, and one that permits nothing are all at hand; what the kernel of this machine really does is in test_counters.c.
 *
 *      trap                                                          covered by
 *      ----                                                          ----------
 *      libpfm knows the events of a PMU that is not there            errors_have_their_names (ENOENT)
 *      each errno of perf_event_open means something else            errors_have_their_names
 *      what may be counted depends on perf_event_paranoid            errors_have_their_names (EACCES)
 *      attr must be cleared and have its size; fstr is recorded      events_are_opened_as_they_should
 *      the hypervisor would be counted                               events_are_opened_as_they_should (exclude_hv)
 *      per-CPU events count strangers                                events_are_opened_as_they_should (the child's pid)
 *      threads that are made later; threads that have ended          events_are_opened_as_they_should (inherit), test_counters: threads
 *      older kernels refuse inherit with PERF_FORMAT_GROUP           events_are_opened_as_they_should (read_format)
 *      RESET, ENABLE and DISABLE disturb; what came before counts    regions_are_differences, test_counters: region_only
 *      in user mode alone context switches and migrations are 0      the_kernels_own_events_are_never_cut
 *      ":k" cut to user mode counts nothing at all                   the_kernels_own_events_are_never_cut
 *      libpfm finds tracepoints by debugfs, which few machines mount tracepoints_are_found_by_tracefs
 *      a tracepoint's number differs between kernels                 tracepoints_are_found_by_tracefs
 *      a tracepoint's name is a path                                 test_counters: absent
 *      sched_wakeup counts in who wakes: 0 for timers' wake-ups      said in docs/method.md: nothing to correct
 *      an event that shared the PMU must be scaled                   multiplexed_events_are_scaled
 *      one that never ran is unknown, not 0                          multiplexed_events_are_scaled
 *      one that hardly ran is a guess                                multiplexed_events_are_scaled
 *      read(2) gives 0 bytes of an event in an error state           unreadable_events_are_null
 *      a ratio of two events that were counted at different times    pmu_events_are_one_group, test_report: ratios
 *      more events than a CPU has registers                          pmu_events_are_one_group, named_sets_fit
 *      the kernel's share needs both scopes from one set             named_sets_fit (kernel), test_report: ratios
 *      <linux/perf_event.h> clashes with libpfm's copy               counters.c and this file include the one: they compile
 *      rdpmc is per thread, and a goroutine changes threads          not used
 *      a wrong name shows when the run is minutes old                test_cli.sh: --events nosuch
 *      counting slows down some models and not others                counted samples are apart: test_engine, test_report
 *      RAPL's counters wrap, and are everybody's                     test_energy.c
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
#include <unistd.h>

#include <perfmon/pfmlib_perf_event.h>

#include "harness/measure/internal.h"
#include "harness/measure/measure.h"
#include "harness/measure/sysfile.h"
#include "harness/plan/event_sets.h"
#include "harness/plan/jsonx.h"
#include "tests/harness/fakes.h"

enum { CALLS_MAX = 32, CHILD = 4711 };

/* What perf_event_open was asked, and what it answers. */
static struct call {
	struct perf_event_attr attr;
	pid_t pid;
	int group_fd, fd;
} calls[CALLS_MAX];
static size_t n_calls;

static int always; /* answer each with this error; 0: none */
static bool user_only; /* as perf_event_paranoid=2 does */
static size_t group_room; /* events that fit into one group; 0: any number */
static uint64_t readings[2][3]; /* at begin and end: value, enabled, running */
static size_t n_readings;

static size_t in_group(int leader)
{
	size_t n = 1;

	for (size_t i = 0; i < n_calls; i++)
		n += calls[i].group_fd == leader && calls[i].fd >= 0;
	return n;
}

static int fake_open(struct perf_event_attr *attr, pid_t pid, int group_fd)
{
	struct call *call = &calls[n_calls];
	int ends[2];

	assert_true(n_calls < CALLS_MAX);
	*call = (struct call){.attr = *attr, .pid = pid, .group_fd = group_fd};
	if (always)
		call->fd = -always;
	else if (user_only && !attr->exclude_kernel)
		call->fd = -EACCES;
	else if (group_fd >= 0 && group_room && in_group(group_fd) >= group_room)
		call->fd = -EINVAL;
	else {
		assert_int_equal(pipe(ends), 0);
		assert_int_equal(write(ends[1], readings, n_readings * sizeof readings[0]),
				 (ssize_t)(n_readings * sizeof readings[0]));
		assert_int_equal(close(ends[1]), 0); /* so that a third read gives 0 bytes */
		call->fd = ends[0];
	}
	n_calls++;
	return call->fd;
}

static int clear(void **state)
{
	(void)state;
	n_calls = 0;
	always = 0;
	user_only = false;
	group_room = 0;
	n_readings = 2;
	memcpy(readings, (uint64_t[2][3]){{1000, 50, 50}, {1500, 150, 150}}, sizeof readings);
	sysfile_root("");
	return 0;
}

/* What is said of the events of one sample with 10 operations. */
static json_t *count(const char *const *names, size_t n)
{
	struct err err = {{0}};
	struct counters *c;
	json_t *result;

	if (counters_new(names, n, &c, &err) != 0)
		fail_msg("%s", ERR_TEXT(err));
	counters_open(c, CHILD);
	counters_begin(c);
	counters_end(c);
	result = counters_result(c, 10);
	counters_free(c);
	assert_int_equal(json_array_size(result), n);
	return result;
}

static json_t *count_one(const char *name)
{
	json_t *all = count(&name, 1), *one = json_incref(json_array_get(all, 0));

	json_decref(all);
	return one;
}

static void assert_null_because(const json_t *counter, const char *why)
{
	assert_true(json_is_null(json_object_get(counter, "value")));
	assert_true(json_is_null(json_object_get(counter, "per_op")));
	if (!jsonx_str(counter, "why") || !strstr(jsonx_str(counter, "why"), why))
		fail_msg("says '%s', not '%s'", jsonx_str(counter, "why"), why);
}

static void errors_have_their_names(void **state)
{
	static const struct {
		int error;
		const char *says;
	} errors[] = {{ENOENT, "ENOENT: no such event on this machine (no PMU"},
		      {EACCES, "EACCES: not permitted: kernel.perf_event_paranoid=3"},
		      {EPERM, "EPERM: not permitted"},
		      {ENODEV, "ENODEV: this CPU has no such event"},
		      {EOPNOTSUPP, "EOPNOTSUPP: the PMU cannot count this event in this way"},
		      {EINVAL, "EINVAL: the kernel refuses"},
		      {ENOSYS, "ENOSYS: the kernel was built without perf events"},
		      {EMFILE, "EMFILE: no descriptor"},
		      {EBUSY, "EBUSY: another user holds the PMU"}};
	char folder[256], *command;

	(void)state;
	fakes_folder(folder, sizeof folder);
	command = xformat("mkdir -p %s/proc/sys/kernel && echo 3 >%s/proc/sys/kernel/perf_event_paranoid", folder,
			  folder);
	assert_int_equal(system(command), 0);
	free(command);
	sysfile_root(folder);
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		json_t *counter;

		always = errors[i].error;
		counter = count_one("cycles");
		assert_null_because(counter, errors[i].says);
		json_decref(counter);
	}
	session_remove_tree(folder);
}

static void events_are_opened_as_they_should(void **state)
{
	static const char *const names[] = {"instructions", "context-switches", "instructions:u"};
	json_t *result = count(names, 3);
	const char *fstr = jsonx_str(json_array_get(result, 0), "fstr");

	(void)state;
	assert_true(fstr && strstr(fstr, "INSTRUCTIONS"));
	assert_int_equal(n_calls, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct perf_event_attr *attr = &calls[i].attr;

		assert_int_equal(attr->size, sizeof *attr);
		assert_int_equal(attr->inherit, 1);
		assert_int_equal(attr->disabled, 0);
		assert_int_equal(attr->exclude_hv, 1);
		assert_int_equal(attr->read_format, PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING);
		assert_int_equal(calls[i].pid, CHILD);
		assert_int_equal(attr->exclude_user, 0);
		assert_int_equal(attr->exclude_kernel, i == 2);
	}
	assert_string_equal(jsonx_str(json_array_get(result, 0), "scope"), "user+kernel");
	assert_string_equal(jsonx_str(json_array_get(result, 2), "scope"), "user");
	json_decref(result);
}

static void regions_are_differences(void **state)
{
	json_t *counter = count_one("instructions");

	(void)state;
	assert_int_equal(jsonx_int(counter, "value", -1), 500);
	assert_int_equal(jsonx_int(counter, "raw", -1), 500);
	assert_int_equal(jsonx_int(counter, "time_enabled_ns", -1), 100);
	assert_true(fabs(jsonx_real(counter, "per_op", -1) - 50) < 1e-9);
	json_decref(counter);
}

static void the_kernels_own_events_are_never_cut(void **state)
{
	static const struct {
		const char *name, *scope, *why;
	} events[] = {{"instructions", "user", NULL},     {"instructions:u", "user", NULL},
		      {"instructions:k", NULL, "EACCES"}, {"context-switches", NULL, "EACCES"},
		      {"cpu-migrations", NULL, "EACCES"}, {"context-switches:u", NULL, "would count 0"},
		      {"page-faults", "user", NULL}};

	(void)state;
	user_only = true;
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		json_t *counter = count_one(events[i].name);

		if (events[i].why)
			assert_null_because(counter, events[i].why);
		else
			assert_string_equal(jsonx_str(counter, "scope"), events[i].scope);
		assert_int_equal(events[i].why == NULL, jsonx_int(counter, "value", -1) == 500);
		json_decref(counter);
		for (size_t k = 0; k < n_calls; k++) /* nothing was opened that excludes all there is */
			assert_false(calls[k].attr.exclude_user && calls[k].attr.exclude_kernel);
	}
}

static void tracepoints_are_found_by_tracefs(void **state)
{
	char folder[256], *command;
	json_t *counter;

	(void)state;
	fakes_folder(folder, sizeof folder);
	command = xformat("d=%s/sys/kernel/tracing/events; mkdir -p $d/sched/sched_switch $d/raw_syscalls/sys_enter && "
			  "echo 41 >$d/sched/sched_switch/id && echo 42 >$d/raw_syscalls/sys_enter/id",
			  folder);
	assert_int_equal(system(command), 0);
	free(command);
	sysfile_root(folder);
	counter = count_one("sched:sched_switch");
	assert_int_equal(jsonx_int(counter, "value", -1), 500);
	json_decref(counter);
	assert_int_equal(calls[0].attr.type, PERF_TYPE_TRACEPOINT);
	assert_int_equal(calls[0].attr.config, 41);
	json_decref(count_one("raw_syscalls:sys_enter"));
	assert_int_equal(calls[1].attr.config, 42);
	assert_int_equal(calls[1].attr.inherit, 1);
	counter = count_one("sched:sched_wakeup");
	assert_null_because(counter, "no such event: neither libpfm4 nor this kernel's tracepoints have it");
	json_decref(counter);
	assert_int_equal(n_calls, 2);
	user_only = true; /* as perf_event_paranoid=2 refuses tracepoints */
	counter = count_one("sched:sched_switch");
	assert_null_because(counter, "EACCES");
	json_decref(counter);
	session_remove_tree(folder);
	sysfile_root("/nonexistent");
	counter = count_one("sched:sched_switch");
	assert_null_because(counter, "tracefs is not mounted");
	json_decref(counter);
}

static void multiplexed_events_are_scaled(void **state)
{
	static const struct {
		uint64_t enabled, running;
		int64_t value;
		const char *why;
	} shares[] = {{100, 100, 500, NULL},
		      {100, 50, 1000, NULL},
		      {100, 25, 2000, NULL},
		      {100, 24, -1, "withheld: on the PMU for only 24 % of the time"},
		      {100, 0, -1, "never on the PMU"},
		      {0, 0, -1, "no thread of the subject ran"}};

	(void)state;
	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
		json_t *counter;

		readings[1][1] = readings[0][1] + shares[i].enabled;
		readings[1][2] = readings[0][2] + shares[i].running;
		counter = count_one("cycles");
		assert_int_equal(jsonx_int(counter, "value", -1), shares[i].value);
		assert_int_equal(jsonx_int(counter, "raw", -1), 500);
		assert_int_equal(jsonx_int(counter, "time_running_ns", -1), (int64_t)shares[i].running);
		if (shares[i].why)
			assert_null_because(counter, shares[i].why);
		json_decref(counter);
	}
}

static void unreadable_events_are_null(void **state)
{
	(void)state;
	for (n_readings = 0; n_readings < 2; n_readings++) {
		json_t *counter = count_one("cycles");

		assert_null_because(counter, "cannot be read: the event is in an error state");
		json_decref(counter);
	}
}

static void pmu_events_are_one_group(void **state)
{
	static const char *const names[] = {"page-faults",   "cycles",           "instructions",
					    "branch-misses", "context-switches", "cache-misses"};

	(void)state;
	json_decref(count(names, 6));
	assert_int_equal(n_calls, 6);
	assert_int_equal(calls[0].group_fd, -1);
	assert_int_equal(calls[1].group_fd, -1);
	assert_int_equal(calls[2].group_fd, calls[1].fd);
	assert_int_equal(calls[3].group_fd, calls[1].fd);
	assert_int_equal(calls[4].group_fd, -1); /* needs no register */
	assert_int_equal(calls[5].group_fd, calls[1].fd);
	/* What does not fit is counted alone, and by turns: better than not at all, and its share tells. */
	n_calls = 0;
	group_room = 3;
	json_decref(count(names, 6));
	assert_int_equal(n_calls, 7);
	assert_int_equal(calls[5].fd, -EINVAL);
	assert_int_equal(calls[6].group_fd, -1);
	assert_true(calls[6].fd >= 0);
}

static void named_sets_fit(void **state)
{
	static const char *const sets[] = {"basic", "ipc", "cache", "tlb", "kernel", "sched", "software", "energy"};

	(void)state;
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		const char *events[EVENT_SET_MAX];
		size_t n_pmu = 0, n;
		struct err err = {{0}};
		char *held;
		json_t *parsed;

		assert_int_equal(event_sets_parse(sets[i], &parsed, &err), 0);
		assert_int_equal(json_array_size(parsed), 1);
		assert_string_equal(json_string_value(json_array_get(parsed, 0)), sets[i]);
		json_decref(parsed);
		n = event_set_events(sets[i], events, &held);
		assert_true(n > 1);
		for (size_t k = 0; k < n; k++)
			if (counters_check_name(events[k], &err) != 0)
				fail_msg("%s: %s", sets[i], ERR_TEXT(err));
		n_calls = 0;
		json_decref(count(events, n));
		for (size_t k = 0; k < n_calls; k++)
			n_pmu += calls[k].attr.type != PERF_TYPE_SOFTWARE && calls[k].attr.type != PERF_TYPE_TRACEPOINT;
		assert_true(n_pmu <= 4);
		if (strcmp(sets[i], "kernel") == 0) {
			assert_int_equal(n_pmu, 4);
			assert_true(calls[0].attr.exclude_kernel && !calls[0].attr.exclude_user);
			assert_true(!calls[1].attr.exclude_kernel && calls[1].attr.exclude_user);
		}
		free(held);
	}
}

/* What is asked for becomes sets. */
static void sets_are_parsed(void **state)
{
	static const struct {
		const char *text, *sets;
	} cases[] = {{"", "[]"},
		     {"ipc", "[\"ipc\"]"},
		     {"ipc,cache", "[\"ipc\",\"cache\"]"},
		     {"ipc; cache ;ipc", "[\"ipc\",\"cache\"]"},
		     {"cycles,page-faults", "[\"cycles,page-faults\"]"},
		     {"cycles;page-faults", "[\"cycles\",\"page-faults\"]"},
		     {"cycles,tlb,page-faults", "[\"tlb\",\"cycles,page-faults\"]"},
		     {"energy:package,cycles:u", "[\"energy:package,cycles:u\"]"}};
	static const struct {
		const char *text, *says;
	} wrong[] = {{"ipc,nosuch", "there is no event 'nosuch'"},
		     {"energy:nosuch", "there is no event 'energy:nosuch'"},
		     {"cycles,cycles,cycles,cycles,cycles,cycles,cycles,cycles,cycles,cycles,cycles,cycles,cycles,"
		      "cycles,cycles,"
		      "cycles,cycles",
		      "more than 16 events in one set"}};
	struct err err;
	json_t *parsed;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *text;

		assert_int_equal(event_sets_parse(cases[i].text, &parsed, &err), 0);
		text = json_dumps(parsed, JSON_COMPACT);
		assert_string_equal(text, cases[i].sets);
		free(text);
		json_decref(parsed);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(event_sets_parse(wrong[i].text, &parsed, &err), -EINVAL);
		assert_null(parsed);
		if (!strstr(ERR_TEXT(err), wrong[i].says))
			fail_msg("says '%s', not '%s'", ERR_TEXT(err), wrong[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(errors_have_their_names, clear),
		cmocka_unit_test_setup(events_are_opened_as_they_should, clear),
		cmocka_unit_test_setup(regions_are_differences, clear),
		cmocka_unit_test_setup(the_kernels_own_events_are_never_cut, clear),
		cmocka_unit_test_setup(tracepoints_are_found_by_tracefs, clear),
		cmocka_unit_test_setup(multiplexed_events_are_scaled, clear),
		cmocka_unit_test_setup(unreadable_events_are_null, clear),
		cmocka_unit_test_setup(pmu_events_are_one_group, clear),
		cmocka_unit_test_setup(named_sets_fit, clear),
		cmocka_unit_test_setup(sets_are_parsed, clear),
	};

	counters__open = fake_open;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
