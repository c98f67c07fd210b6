#include "harness/plan/event_sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure/measure.h"
#include "harness/plan/jsonx.h"

/*
 * At most four of a set's events need a register of the PMU: most CPUs have four for a thread, and the NMI watchdog may hold one.
 * Software events, tracepoints and energy need none.
 */
static const struct named_set {
	const char *name, *events, *what;
} sets[] = {
	{"basic",
	 "cycles,instructions,cache-misses,branch-misses,context-switches,cpu-migrations,page-faults,energy:package",
	 "a bit of everything: where nothing else is said"},
	{"ipc", "cycles,instructions,branches,branch-misses", "instructions per cycle, and what the branches cost"},
	{"cache", "instructions,cache-references,cache-misses,L1-dcache-load-misses",
	 "misses of the first and the last cache"},
	{"tlb", "instructions,dTLB-load-misses,iTLB-load-misses,page-faults", "misses of address translation"},
	{"kernel", "cycles:u,cycles:k,instructions:u,instructions:k", "how much of the work is the kernel's"},
	{"sched", "context-switches,sched:sched_switch,sched:sched_wakeup,raw_syscalls:sys_enter",
	 "switches, wake-ups that it caused, system calls"},
	{"software", "task-clock,context-switches,cpu-migrations,page-faults", "what the kernel counts without a PMU"},
	{"energy", "energy:package,energy:core,energy:dram", "RAPL, of everybody on the machine"},
};
enum { N_SETS = sizeof sets / sizeof *sets };

static const struct named_set *find(const char *name)
{
	for (size_t i = 0; i < N_SETS; i++)
		if (strcmp(sets[i].name, name) == 0)
			return &sets[i];
	return NULL;
}

json_t *event_sets_default(void)
{
	return json_pack("[s]", sets[0].name);
}

size_t event_set_events(const char *set, const char *out[EVENT_SET_MAX], char **held)
{
	const struct named_set *named = find(set);
	char *save = NULL, *event;
	size_t n = 0;

	*held = xstrdup(named ? named->events : set);
	for (event = strtok_r(*held, ",", &save); event && n < EVENT_SET_MAX; event = strtok_r(NULL, ",", &save))
		out[n++] = event;
	return n;
}

static void add_once(json_t *list, const char *set)
{
	const json_t *have;
	size_t i;

	json_array_foreach (list, i, have)
		if (strcmp(json_string_value(have), set) == 0)
			return;
	json_array_append_new(list, json_string(set));
}

/* What stands between two semicolons: named sets, and one of the events that remain. */
static int parse_group(char *text, json_t *list, struct err *err)
{
	char *save = NULL, *rest = xstrdup(""), *word, *longer;
	size_t n = 0;
	int rc = 0;

	for (word = strtok_r(text, ", ", &save); word && rc == 0; word = strtok_r(NULL, ", ", &save)) {
		if (find(word)) {
			add_once(list, word);
			continue;
		}
		rc = counters_check_name(word, err);
		if (rc == 0 && ++n > EVENT_SET_MAX)
			rc = err_set(err, -EINVAL, "more than %d events in one set: ';' begins another", EVENT_SET_MAX);
		longer = xformat("%s%s%s", rest, *rest ? "," : "", word);
		free(rest);
		rest = longer;
	}
	if (rc == 0 && *rest)
		add_once(list, rest);
	free(rest);
	return rc;
}

int event_sets_parse(const char *text, json_t **out, struct err *err)
{
	char *copy = xstrdup(text ? text : ""), *save = NULL, *group;
	int rc = 0;

	*out = json_array();
	for (group = strtok_r(copy, ";", &save); group && rc == 0; group = strtok_r(NULL, ";", &save))
		rc = parse_group(group, *out, err);
	free(copy);
	if (rc) {
		json_decref(*out);
		*out = NULL;
	}
	return rc;
}

void event_sets_print(FILE *out)
{
	for (size_t i = 0; i < N_SETS; i++)
		fprintf(out, "  %-9s %s\n", sets[i].name, sets[i].what);
}
