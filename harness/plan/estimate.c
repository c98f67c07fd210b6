#include "harness/plan/estimate.h"

#include "harness/plan/jsonx.h"
#include "harness/plan/knee.h"

#define MS INT64_C(1000000)
#define MOST_NS 3e18
#define MOST_TASKS INT64_C(10000000) /* a foreign workload may allow any number */

/* Each with what it was measured from; virtual machine, 2 CPUs, kernel 6.18. */
static const int64_t SETTLE_NS = 20 * MS; /* the pause before a sample: fixed by the engine */
static const int64_t SPIN_NS = 3 * MS; /* two calibration spins of about 1 ms and their reads */
static const int64_t PROCESS_NS = 15 * MS; /* fork, exec, set-up, exit, reaping */
static const int64_t FINITE_NS =
	200 * MS; /* one run of a finite problem as the default plan sizes it, over all models */
static const int64_t LOADGEN_NS = 30 * MS; /* a second process, its connections, its warm-up */
static const int64_t SNAPSHOT_NS =
	250 * MS; /* the kernel's counters must be stable for 200 ms; here they mostly are at once */
static const int64_t SIMULATED_NS = 1500 * MS; /* of valgrind: its start, and a smoke sample's work a few times over */
static const int64_t SIMULATED_SLOWER = 50; /* a finite problem under cachegrind */
static const int64_t TRACED_NS = 150 * MS; /* a smoke sample's work, and writing some MB of trace */
static const int64_t STATE_TASK_NS = 25000; /* making and ending one parked thread; goroutines need a tenth */

/* An estimate of more than a hundred years is one of a hundred years. */
static int64_t bounded_ns(double ns)
{
	return ns < MOST_NS ? (int64_t)ns : (int64_t)MOST_NS;
}

/* The largest whole-number parameter named like a number of tasks: what a state workload builds. */
static int64_t state_tasks(const struct cell *cell)
{
	int64_t tasks = jsonx_int(cell->params, "tasks", 1000);

	return tasks < 0 ? 0 : tasks > MOST_TASKS ? MOST_TASKS : tasks;
}

static int64_t server_sample_ns(int64_t region_ns)
{
	return SETTLE_NS + SPIN_NS + PROCESS_NS + region_ns + region_ns / 2 + LOADGEN_NS;
}

int64_t estimate_sample_ns(const struct plan *p, const struct cell *cell)
{
	int64_t t = SETTLE_NS + SPIN_NS + PROCESS_NS, region_ns = plan_region_ns(p, cell);

	switch (cell->workload->scaling) {
	case SCALING_LINEAR: /* a warm-up of a tenth of the region; up to half of it where it does not come to rest */
		return t + region_ns + region_ns / 10;
	case SCALING_FINITE: /* a warm-up of the whole problem; of a short one several times */
		return t + 2 * (cell->region_ns ? cell->region_ns : FINITE_NS);
	case SCALING_SERVER:
		return server_sample_ns(region_ns);
	case SCALING_STATE:
		break;
	}
	return t + 2 * SNAPSHOT_NS + state_tasks(cell) * STATE_TASK_NS;
}

/* Measurements of knees: in each of the cells that share one, of the subjects that the cells before it lack. */
static unsigned knee_samples(const struct plan *p, const struct cell *cell)
{
	unsigned n = 0;

	for (size_t i = 0; knee_is_asked(cell) && i < cell->n_subjects; i++)
		if (knee_owner(p, cell, cell->subjects[i]) == cell)
			n += KNEE_SAMPLES;
	return n;
}

int64_t estimate_simulated_ns(const struct cell *cell)
{
	bool is_finite = cell->workload->scaling == SCALING_FINITE;

	return SIMULATED_NS + (is_finite ? (cell->region_ns ? cell->region_ns : FINITE_NS) * SIMULATED_SLOWER : 0);
}

int64_t estimate_traced_ns(const struct cell *cell)
{
	bool is_finite = cell->workload->scaling == SCALING_FINITE;

	return SETTLE_NS + PROCESS_NS + TRACED_NS + (is_finite ? (cell->region_ns ? cell->region_ns : FINITE_NS) : 0);
}

/* Its subjects that can be traced. */
static unsigned traced_samples(const struct cell *cell)
{
	unsigned n = 0;

	for (size_t i = 0; i < cell->n_subjects; i++)
		n += cell->subjects[i]->can_trace;
	return n * cell->traced;
}

int64_t estimate_apart_ns(const struct plan *p, const struct cell *cell)
{
	return bounded_ns((double)cell->n_subjects * cell->counted * (double)estimate_sample_ns(p, cell) +
			  (double)traced_samples(cell) * (double)estimate_traced_ns(cell) +
			  (double)cell->n_subjects * cell->simulated * (double)estimate_simulated_ns(cell));
}

void estimate_cell(const struct plan *p, const struct cell *cell, struct estimate *out)
{
	int64_t sample_ns = estimate_sample_ns(p, cell);
	unsigned knees = knee_samples(p, cell);

	*out = (struct estimate){0};
	/* Growing runs up to a quarter of the region, each up to four times as long as the one before. */
	if (cell->workload->scaling == SCALING_LINEAR && (cell->rounds || cell->counted))
		out->calibrate = (unsigned)cell->n_subjects;
	out->timed = (unsigned)cell_entries(cell) * cell->rounds;
	out->counted = (unsigned)cell->n_subjects * cell->counted;
	out->simulated = (unsigned)cell->n_subjects * cell->simulated;
	out->traced = traced_samples(cell);
	out->total_ns = bounded_ns((double)out->timed * (double)sample_ns + (double)estimate_apart_ns(p, cell) +
				   (double)out->calibrate * (double)(PROCESS_NS + SETTLE_NS + plan_region_ns(p, cell)) +
				   (double)knees * (double)server_sample_ns(knee_region_ns(plan_region_ns(p, cell))));
	out->calibrate += knees;
}

void estimate_plan(const struct plan *p, struct estimate *out)
{
	*out = (struct estimate){0};
	for (size_t i = 0; i < p->n_cells; i++) {
		struct estimate e;

		estimate_cell(p, &p->cells[i], &e);
		out->calibrate += e.calibrate;
		out->timed += e.timed;
		out->counted += e.counted;
		out->simulated += e.simulated;
		out->traced += e.traced;
		out->total_ns = bounded_ns((double)out->total_ns + (double)e.total_ns);
	}
}
