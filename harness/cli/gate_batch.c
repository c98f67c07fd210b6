#include "harness/cli/gate_batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/run_request.h"
#include "harness/plan/jsonx.h"
#include "harness/report/report.h"

int gate_code(enum gate_outcome o)
{
	switch (o) {
	case GATE_PASSED:
		return CLI_DONE;
	case GATE_REGRESSED:
		return CLI_CHECK_FAILED;
	case GATE_NOISY:
		return CLI_REFUSED;
	case GATE_LOST:
		return CLI_SOME_FAILED;
	case GATE_UNTRUSTED:
	case GATE_OPEN:
		break;
	}
	return CLI_UNTRUSTED;
}

/* Each cell once, whichever of its subjects are suspects. */
static json_t *cells_of(const json_t *suspects)
{
	json_t *cells = json_array(), *item, *seen;
	size_t i, j;

	json_array_foreach (suspects, i, item) {
		json_t *id = json_object_get(item, "cell");

		json_array_foreach (cells, j, seen)
			if (json_equal(seen, id))
				break;
		if (j == json_array_size(cells))
			json_array_append(cells, id);
	}
	return cells;
}

/* The request of the run with what makes it the second batch; NULL and a sentence. */
static json_t *second_request(const struct gate_order *o, uint64_t *seed, struct err *err)
{
	char *path = xformat("%s/run.json", o->of_run);
	json_t *run = json_load_file(path, 0, NULL), *request = json_deep_copy(json_object_get(run, "request"));
	json_t *cells = cells_of(o->suspects);
	bool usable = json_is_object(request) && jsonx_parse_hex(jsonx_str(run, "seed"), seed);

	if (usable) {
		json_object_set_new(request, "reversed", json_true());
		json_object_set(request, "cells", cells);
		if (o->old)
			json_object_set_new(request, "old", json_string(o->old));
	}
	if (usable && json_array_size(cells) > REQUEST_MAX_CELLS)
		err_set(err, -EINVAL, "%zu cells look slower: more than a second batch can hold (%d)",
			json_array_size(cells), REQUEST_MAX_CELLS);
	else if (!usable)
		err_set(err, -EINVAL, "%.300s has no request that could be repeated", path);
	if (!usable || json_array_size(cells) > REQUEST_MAX_CELLS) {
		json_decref(request);
		request = NULL;
	}
	json_decref(cells);
	json_decref(run);
	free(path);
	return request;
}

int gate_measure_again(const struct gate_order *o, struct err *err)
{
	struct run_order order = {.command = o->command};
	char *argv[6], out[] = "--out", quiet[] = "--quiet", budget[] = "--budget";
	int argc = 0, code;

	order.request = second_request(o, &order.seed, err);
	if (!order.request)
		return cli_usage(err);
	argv[argc++] = out;
	argv[argc++] = xstrdup(o->out);
	if (o->is_quiet)
		argv[argc++] = quiet;
	if (o->budget) {
		argv[argc++] = budget;
		argv[argc++] = (char *)o->budget;
	}
	code = run_with(argc, argv, &order);
	free(argv[1]);
	json_decref(order.request);
	return code;
}

int gate_write(const char *dir, const char *old, double margin, enum gate_outcome outcome,
	       const struct gate_batch *first, const struct gate_batch *second, struct err *err)
{
	json_t *json = json_pack("{s:s, s:s?, s:f, s:s, s:i, s:o, s:o}", "schema", "switchyard.gate/1", "old", old,
				 "margin", margin, "outcome", gate_outcome_text(outcome), "exit_code",
				 gate_code(outcome), "first", first ? gate_rows_json(first) : json_null(), "second",
				 second ? gate_rows_json(second) : json_null());
	int rc = report_json_write(dir, "gate.json", json, err);

	json_decref(json);
	return rc;
}

int gate_conclude(enum gate_outcome outcome)
{
	printf("Gate %s.\n", gate_outcome_text(outcome));
	return gate_code(outcome);
}
