/*
 * talk.c - target: what a subject and a load generator say, and how they end (parrot.c says it).
 *
 * An input has parts with a line of its own before each but the first: what the subject says, "== loadgen" what the
 * generator says, "== errors" what the subject writes to its standard error, "== timed KIND-OF-WORKLOAD" which sample it is.
 * Whatever they say, a sample is a record with a status, and with a reason where that is not ok.
 */
#include "fuzz.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/jsonx.h"
#include "harness/plan/sample.h"

/* A cell per scaling: its parameters do not matter here. */
static struct workload_def workloads[] = {
	{.name = "talk/linear", .scaling = SCALING_LINEAR, .metric = METRIC_WALL_PER_OP},
	{.name = "talk/finite", .scaling = SCALING_FINITE, .metric = METRIC_DELAY_P99},
	{.name = "talk/server", .scaling = SCALING_SERVER, .metric = METRIC_CPU_PER_OP},
	{.name = "talk/state", .scaling = SCALING_STATE, .metric = METRIC_BYTES_PER_TASK},
};
enum { N_WORKLOADS = sizeof workloads / sizeof *workloads };

/* What stands behind the line `head`, up to the next such line; false: there is none. */
static bool find_part(const char *text, const char *head, const char **from, size_t *n)
{
	const char *at = strstr(text, head), *next;

	if (!at)
		return false;
	*from = strchr(at + strlen(head), '\n');
	*from = *from ? *from + 1 : at + strlen(at);
	next = strstr(*from, "== ");
	*n = next ? (size_t)(next - *from) : strlen(*from);
	return true;
}

static void put_part(const char *text, const char *head, const char *name)
{
	const char *from = "";
	size_t n = 0;

	(void)find_part(text, head, &from, &n);
	fuzz_put(name, from, n);
}

static void choose_sample(const char *text, struct sample_request *r, struct cell *cell)
{
	static const enum sample_kind kinds[] = {SAMPLE_CALIBRATE, SAMPLE_COUNTED, SAMPLE_SMOKE};
	char head[40];

	r->kind = SAMPLE_TIMED;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		snprintf(head, sizeof head, "== %s", sample_kind_name(kinds[i]));
		if (strstr(text, head))
			r->kind = kinds[i];
	}
	cell->workload = &workloads[0];
	for (size_t i = 1; i < N_WORKLOADS; i++)
		if (strstr(text, workloads[i].name))
			cell->workload = &workloads[i];
	r->ops = cell->workload->scaling == SCALING_LINEAR ? 1000 : 0;
}

/* What every reader of samples.jsonl relies on. */
static void check_record(const json_t *record)
{
	static const char *const objects[] = {"metric", "work", "time", "sched", "faults", "runtime", "knobs", "notes"};
	const char *status = jsonx_str(record, "status");
	char *text;

	if (!status || (strcmp(status, "ok") != 0 && !jsonx_str(record, "why")))
		fuzz_fault("a record of status %s has no reason", status ? status : "(none)");
	if (strcmp(status, "ok") != 0 && !jsonx_str(record, "why")[0])
		fuzz_fault("the reason for %s is empty", status);
	for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
		if (!json_is_object(json_object_get(record, objects[i])))
			fuzz_fault("a record has no %s", objects[i]);
	for (const char *const *key =
		     (const char *const[]){"load", "delays", "figures", "memory", "noise", "stderr_tail", "exit_code",
					   "signal", "ops", "knobs_set", NULL};
	     *key; key++)
		if (!json_object_get(record, *key))
			fuzz_fault("a record has no %s", *key);
	text = json_dumps(record, JSON_COMPACT);
	if (!text)
		fuzz_fault("a record cannot be written");
	free(text);
}

int fuzz_talk(const uint8_t *data, size_t size)
{
	static const struct subject subject = {
		.id = (char *)"parrot", .model = (char *)"parrot", .path = (char *)FUZZ_PARROT};
	char *text = fuzz_text(data, size);
	struct cell cell = {.id = (char *)"talk", .params = json_object(), .group = (char *)"talk"};
	struct sample_request r = {.cell = &cell, .subject = &subject, .region_ns = 1000000, .event_set = "basic"};
	const char *subject_end = strstr(text, "== ");
	struct sample_env env;
	json_t *record;

	setenv("FUZZ_TALK", fuzz_dir(), 1);
	if (sched_getaffinity(0, sizeof cell.placed.subject, &cell.placed.subject) != 0)
		fuzz_fault("no CPU");
	cell.placed.harness = cell.placed.subject;
	cell.placed.workers = 1;
	sample_env_defaults(&env);
	env.run_id = "fuzz";
	env.data_dir = "/var/tmp";
	env.loadgen_path = FUZZ_PARROT;
	env.settle_ns = 0;
	env.snapshot_wait_ns = 0;
	fuzz_put("subject", text, subject_end ? (size_t)(subject_end - text) : strlen(text));
	put_part(text, "== loadgen", "loadgen");
	put_part(text, "== errors", "errors");
	choose_sample(text, &r, &cell);
	record = sample_take(&env, &r);
	if (!record)
		fuzz_fault("no record");
	check_record(record);
	json_decref(record);
	json_decref(cell.params);
	free(text);
	return 0;
}
