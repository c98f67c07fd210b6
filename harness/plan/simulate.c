#include "harness/plan/simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/plan/jsonx.h"
#include "harness/plan/sample_talk.h"

enum {
	/* Threads meet in another order each time, and valgrind moves stacks: pairs differ a little. Finite problems are long. */
	PAIRS_LINEAR = 3,
	PAIRS_FINITE = 1,
	/* Work so much that it stands out of start-up's wobble (some thousand instructions), and ends within seconds. Arbitrary. */
	SMOKES = 8,
	THREADS_USUAL = 500,
	THREADS_MOST = 30000, /* the kernel's own limit is near; each takes some KiB of valgrind's memory */
	LAPS = 4, /* of all tasks: after the first the caches are as full as they get */
};

const char *simulate_refused(const struct workload_def *w)
{
	if (w->scaling == SCALING_SERVER)
		return "not simulated: a server's work comes by the clock of its load generator";
	if (w->scaling == SCALING_STATE)
		return "not simulated: a state that is built and measured has no operation";
	return NULL;
}

unsigned simulate_samples(const struct workload_def *w)
{
	if (simulate_refused(w))
		return 0;
	return 2 * (w->scaling == SCALING_LINEAR ? PAIRS_LINEAR : PAIRS_FINITE);
}

uint64_t simulate_ops(const struct cell *cell)
{
	const struct workload_def *w = cell->workload;
	uint64_t quantum = workload_round_ops(w, cell->params, 1), ops = w->smoke_ops * SMOKES;
	uint64_t tasks = (uint64_t)jsonx_int(cell->params, "tasks", 1);

	if (ops < quantum * LAPS)
		ops = quantum * LAPS;
	if (ops < tasks * LAPS) /* a token's hop is one operation, and says nothing of the other tasks */
		ops = tasks * LAPS;
	return workload_round_ops(w, cell->params, ops);
}

/* ---- one sample ------------------------------------------------------------------------------------------ */

static char *out_path(const struct take *t)
{
	char key[17];

	sample_key(t->r, key);
	return xformat("%s/cachegrind.%s", t->env->data_dir, key);
}

/*
 * Valgrind has room for 500 threads unless told of more, and makes it at its start. How many a model will have nobody knows; no
 * more than the largest number in the cell's parameters, and its own few.
 */
static long threads_at_most(const struct cell *cell)
{
	int64_t most = 0;
	const char *name;
	json_t *value;

	json_object_foreach (cell->params, name, value)
		if (json_is_integer(value) && json_integer_value(value) > most)
			most = json_integer_value(value);
	return THREADS_USUAL + (long)(most < THREADS_MOST ? most : THREADS_MOST);
}

void simulate_start(const struct take *t, struct process_spec *spec, struct simulated_start *held)
{
	char *path = out_path(t);

	/* With its process's number in the name: one that the subject forks writes, too. */
	held->out_option = xformat("--cachegrind-out-file=%s.%%p", path);
	free(path);
	held->threads_option = xformat("--max-threads=%ld", threads_at_most(t->r->cell));
	cachegrind_argv(t->env->cachegrind, held->out_option, held->threads_option, t->r->subject->path, held->argv);
	spec->path = t->env->cachegrind->path;
	spec->argv = held->argv;
}

void simulate_started(struct simulated_start *held)
{
	free(held->out_option);
	free(held->threads_option);
}

void simulate_finish(struct take *t, pid_t pid)
{
	char *stem = out_path(t), *path = xformat("%s.%d", stem, (int)pid);
	struct err err = {{0}};

	if (!t->status && cachegrind_read(path, &t->simulation, &err) != 0)
		take_fail(t, "failed", "%.400s", ERR_TEXT(err));
	if (t->simulation) {
		json_object_set_new(t->simulation, "tool", json_string(t->env->cachegrind->version));
		json_object_set_new(t->simulation, "is_twice", json_boolean(simulate_is_twice(t->r->round)));
		json_object_set_new(t->simulation, "caches", cachegrind_caches_json(t->env->cachegrind));
	}
	(void)unlink(path); /* the others are its forked children's; they go with the folder */
	free(path);
	free(stem);
}
