/*
 * Runs of the engine that end early: when the time is up, when a verdict is there, by an interrupt; and that one that is killed
 * again and again ends with the same keys as one that is not.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "harness/base/clock.h"
#include "tests/harness/engine_run.h"

static void test_budget(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *samples;

	(void)state;
	make(&f, two, "{\"workload\":\"fake/once\",\"rounds\":500}");
	f.budget_ns = 1; /* over before the first round: that one is done nevertheless */
	assert_int_equal(run(&f, &result), 0);
	assert_true(result.is_out_of_time);
	assert_false(result.is_complete);
	samples = samples_of(&f);
	assert_rounds(samples, "aa", false, 1);
	assert_rounds(samples, "bb", false, 1);
	assert_int_equal(count(samples, "aa", false, "timed", 1), 0);
	json_decref(samples);
	assert_int_equal(run(&f, &result), 0); /* going on makes progress, too */
	samples = samples_of(&f);
	assert_rounds(samples, "aa", false, 2);
	assert_int_equal(count(samples, "aa", false, "timed", 2), 0);
	json_decref(samples);
	drop(&f);
}

/* Calibration does not eat the budget: every cell has its first round, calibrated just before it. */
static void test_budget_and_calibration(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *samples;
	const char *last = "";
	const json_t *s;
	size_t i;

	(void)state;
	make(&f, two, "{\"workload\":\"fake/work\",\"rounds\":50,\"params\":{\"size\":[1,2,3]}}");
	f.budget_ns = 1;
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	assert_int_equal(count(samples, "aa", false, "timed", 0), 3);
	assert_int_equal(count(samples, "bb", false, "timed", 0), 3);
	assert_int_equal(count(samples, "aa", false, "timed", 1), 0); /* rounds are missing in all cells alike */
	assert_int_equal(count(samples, "aa", false, "calibrate", -1), 3);
	json_array_foreach (samples, i, s) {
		if (is(s, "kind", "calibrate"))
			last = jsonx_str(s, "cell");
		else if (jsonx_int(s, "attempt", 0) == 0)
			assert_string_equal(jsonx_str(s, "cell"), last);
	}
	json_decref(samples);
	drop(&f);
}

/* What the engine would do, without doing it; the caller frees. */
static json_t *missing_of(const struct fixture *f, struct engine_result *result)
{
	struct progress progress;
	struct engine_config config = {.plan = f->plan, .progress = &progress, .missing = json_object()};
	struct err err = {{0}};

	progress_init(&progress, NULL, 0);
	config.env.seed = 7;
	assert_int_equal(store_peek(f->dir, &config.store, &err), 0);
	assert_int_equal(engine_run(&config, result, &err), 0);
	store_close(config.store);
	return config.missing;
}

/* What is missing is told, and nothing is run for it. */
static void test_missing(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *before, *after, *missing, *of_cell;

	(void)state;
	make(&f, two, SMALL);
	f.budget_ns = 1;
	assert_int_equal(run(&f, &result), 0); /* the first round of the three cells, and four calibrations */
	before = samples_of(&f);
	missing = missing_of(&f, &result);
	assert_false(result.is_complete);
	/* timed: of the cell with the twin, of its neighbour, of the finite one; counted: two cells */
	assert_int_equal(result.n_missing, 3 * 3 + 3 * 2 + 1 * 2 + 2 * 2);
	assert_true(result.missing_ns > 0);
	of_cell = json_object_get(missing, f.plan->cells[0].id);
	assert_int_equal(jsonx_int(of_cell, "timed", 0), 3 * 3);
	assert_int_equal(jsonx_int(of_cell, "counted", 0), 2);
	assert_int_equal(jsonx_int(of_cell, "calibrate", 0), 0);
	json_decref(missing);
	after = samples_of(&f);
	assert_true(json_equal(before, after));
	json_decref(after);
	json_decref(before);
	f.budget_ns = 0;
	assert_int_equal(run(&f, &result), 0);
	missing = missing_of(&f, &result);
	assert_int_equal(result.n_missing, 0);
	assert_int_equal(json_object_size(missing), 0);
	assert_true(result.is_complete);
	json_decref(missing);
	drop(&f);
}

static bool is_good(const json_t *samples, const char *subject, unsigned round)
{
	const json_t *s;
	size_t i;

	json_array_foreach (samples, i, s)
		if (is(s, "subject", subject) && is(s, "kind", "timed") && is(s, "status", "ok") &&
		    jsonx_int(s, "round", -1) == round)
			return true;
	return false;
}

/* The first look with enough pairs for an interval, of two that differ thirtyfold: a loaded machine voids some. */
static unsigned rounds_that_decide(const json_t *samples, const char *a, const char *b)
{
	static const struct {
		unsigned rounds, pairs;
	} looks[] = {{12, 9}, {20, 8}, {40, 8}, {80, 8}, {120, 8}};
	unsigned pairs = 0, round = 0, i = 0;

	for (;; i++) {
		for (; round < looks[i].rounds; round++)
			pairs += is_good(samples, a, round) && is_good(samples, b, round);
		if (pairs >= looks[i].pairs || looks[i].rounds == 120)
			return looks[i].rounds;
	}
}

/*
 * With looks the rounds go where verdicts are open: a cell in which one needs thirty times as much ends at the first
 * look; one in which two are alike and noisy goes on. A tree of both in one plan; then the same once more finds nothing
 * to do: resuming comes to the same decisions.
 */
static void test_looks(void **state)
{
	static const char *const ways[] = {"aa", "slow", "jitter", "jitter2", NULL};
	static const struct plan_options rigorous = {.is_rigorous = true};
	struct fixture f;
	struct engine_result result, again;
	json_t *samples, *after;
	unsigned n;

	(void)state;
	make_with(&f, ways,
		  "{\"workload\":\"fake/once\",\"subjects\":[\"aa\",\"slow\"],\"base\":\"aa\",\"counted\":1},"
		  "{\"workload\":\"fake/work\",\"subjects\":[\"jitter\",\"jitter2\"],\"base\":\"jitter\"}",
		  &rigorous);
	assert_int_equal(f.plan->cells[0].rounds, 120);
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	assert_keys_unique(samples);
	n = rounds_that_decide(samples, "aa", "slow");
	assert_rounds(samples, "aa", false, n);
	assert_rounds(samples, "slow", false, n);
	assert_int_equal(count(samples, "aa", false, "timed", -1), n);
	assert_int_equal(count(samples, "slow", false, "timed", -1), n);
	assert_int_equal(count(samples, "slow", false, "counted", -1), 1);
	n = count(samples, "jitter", false, "timed", -1);
	assert_true(n == 20 || n == 40 || n == 80 || n == 120); /* 12 in one of two thousand: 2 x 2^-12 */
	assert_int_equal(count(samples, "jitter2", false, "timed", -1), n);
	assert_true(result.is_complete);
	assert_int_equal(run(&f, &again), 0);
	after = samples_of(&f);
	assert_true(json_equal(samples, after));
	json_decref(samples);
	json_decref(after);
	drop(&f);
}

/* A round that was void when the time was up stands: who goes on does not measure it again. */
static void test_void_and_budget(void **state)
{
	static const char *const ways[] = {"lies", NULL};
	struct fixture f;
	struct engine_result result;
	json_t *samples;

	(void)state;
	make(&f, ways, "{\"workload\":\"fake/once\",\"rounds\":3}");
	f.budget_ns = 1;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	assert_true(is(json_array_get(samples, 0), "status", "void"));
	assert_rounds(samples, "lies", false, 2);
	assert_int_equal(json_array_size(samples), 2);
	json_decref(samples);
	drop(&f);
}

/* Time that is up in the middle leaves a run that is gone on with, and that ends as one in one piece. */
static void test_looks_and_budget(void **state)
{
	static const char *const ways[] = {"aa", "slow", NULL};
	static const struct plan_options rigorous = {.is_rigorous = true};
	struct fixture f;
	struct engine_result result;
	json_t *samples;

	(void)state;
	make_with(&f, ways, "{\"workload\":\"fake/once\",\"base\":\"aa\"}", &rigorous);
	f.budget_ns = 1;
	for (unsigned i = 1; i <= 12; i++) { /* a round each time */
		assert_int_equal(run(&f, &result), 0);
		samples = samples_of(&f);
		assert_rounds(samples, "aa", false, i);
		assert_int_equal(count(samples, "aa", false, "timed", i), 0);
		json_decref(samples);
		assert_int_equal(result.n_undecided, i < 12 || !result.is_complete);
	}
	f.budget_ns = 0;
	assert_int_equal(run(&f, &result), 0);
	assert_true(result.is_complete);
	assert_int_equal(result.n_undecided, 0);
	samples = samples_of(&f);
	assert_keys_unique(samples);
	assert_int_equal(count(samples, "aa", false, "timed", -1), rounds_that_decide(samples, "aa", "slow"));
	json_decref(samples);
	drop(&f);
}

/* The end is never told later than the budget allows. */
static void test_deadline(void **state)
{
	struct progress p;

	(void)state;
	progress_init(&p, NULL, INT64_C(1000000000000));
	assert_true(progress_left_s(&p) == 1000);
	p.deadline_ns = clock_now_ns() + UINT64_C(20000000000);
	assert_true(progress_left_s(&p) <= 20);
	p.deadline_ns = 1;
	assert_true(progress_left_s(&p) == 0);
}

/* ---- killing --------------------------------------------------------------------------------------------- */

static void sleep_ms(unsigned ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

/* Run in a child, killed after so many ms (0: not). True if it came to its end. */
static bool run_and_kill(const struct fixture *f, unsigned after_ms)
{
	struct engine_result result;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run(f, &result) == 0 && result.is_complete ? 0 : 1);
	if (after_ms) {
		sleep_ms(after_ms);
		kill(pid, SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The complete lines of the file. */
static char *complete_lines(const struct fixture *f)
{
	char *path = xformat("%s/samples.jsonl", f->dir), *text = xcalloc(1, 1 << 22), *end;
	FILE *file = fopen(path, "r");
	size_t n = file ? fread(text, 1, (1 << 22) - 1, file) : 0;

	text[n] = '\0';
	end = strrchr(text, '\n');
	text[end ? end + 1 - text : 0] = '\0';
	if (file)
		fclose(file);
	free(path);
	return text;
}

static void test_kills(void **state)
{
	struct fixture f;
	json_t *samples;
	struct rng rng;
	bool is_done = false;

	(void)state;
	make(&f, two, SMALL);
	rng_seed(&rng, (uint64_t)getpid()); /* any moment is a good one */
	for (unsigned i = 0; i < 10 && !is_done; i++) {
		char *before = complete_lines(&f), *after;

		is_done = run_and_kill(&f, 5 + (unsigned)rng_below(&rng, 80));
		after = complete_lines(&f);
		assert_int_equal(strncmp(before, after, strlen(before)),
				 0); /* nothing that was there is lost or changed */
		free(before);
		free(after);
	}
	assert_true(run_and_kill(&f, 0));
	samples = samples_of(&f);
	assert_keys_unique(samples);
	assert_int_equal(count(samples, "aa", false, "calibrate", -1), 2);
	assert_int_equal(count(samples, "bb", false, "calibrate", -1), 2);
	assert_int_equal(count(samples, "aa", false, "timed", -1), 2 * 4 + 2);
	assert_int_equal(count(samples, "bb", false, "timed", -1), 2 * 4 + 2);
	assert_int_equal(count(samples, "aa", true, "timed", -1), 4);
	assert_int_equal(count(samples, "aa", false, "counted", -1), 2);
	json_decref(samples);
	drop(&f);
}

static void on_alarm(int signo)
{
	(void)signo;
	sample_interrupt();
}

/* An interrupt in the middle of a hanging sample ends the run at once and leaves no record of it. */
static void test_interrupt(void **state)
{
	static const char *const hanging[] = {"hangregion", NULL};
	struct fixture f;
	struct engine_result result;
	json_t *samples;
	struct timespec a, b;

	(void)state;
	make(&f, hanging, "{\"workload\":\"fake/once\",\"rounds\":3}");
	signal(SIGALRM, on_alarm);
	alarm(1);
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(run(&f, &result), 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	sample_reset_interrupt();
	assert_true(result.is_interrupted);
	assert_false(result.is_complete);
	assert_true(b.tv_sec - a.tv_sec < 25); /* its own time-out is 30 s */
	samples = samples_of(&f);
	assert_int_equal(json_array_size(samples), 0);
	json_decref(samples);
	drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budget),          cmocka_unit_test(test_budget_and_calibration),
		cmocka_unit_test(test_missing),         cmocka_unit_test(test_looks),
		cmocka_unit_test(test_void_and_budget), cmocka_unit_test(test_looks_and_budget),
		cmocka_unit_test(test_deadline),        cmocka_unit_test(test_kills),
		cmocka_unit_test(test_interrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
