/*
 * drive.c - every target with its corpus, and with inputs made from it by mutate.c.
 *
 *      fuzz-drive [--inputs N] [--seed S] [--only NAME] [--keep DIR] [--each]
 *             [--corpus DIR] [--limit SECONDS] [--memory MIB]
 *              N inputs over all targets
 *      fuzz-drive NAME FILE...
 *              these, of one target
 *
 * An input is a function of the seed, the target, its number and the corpus, and of no other input: what fails is made again
 * from its number, outside of the process that it broke, and kept as a file. Each target runs in a child, which goes on
 * behind the input that ended it.
 *
 * An input may take LIMIT_S of CPU time (--limit), which a loaded machine does not shorten, and the target's process
 * may grow by MEMORY_MIB (--memory). Leaks are looked for at the child's end; with --each after every input, which tells which one.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/plan/jsonx.h"
#include "harness/plan/order.h"

enum { LIMIT_S = 20, MEMORY_MIB = 1024 /* a sanitizer keeps what is freed for a while */, MOST_FAULTS = 20 };

/* The leak detector, where this build has one. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* Of some XML that it refuses hwloc keeps a few bytes, after hwloc_topology_destroy too. They are not ours to free. So a
 * topology of ours that is not destroyed is not found here: the tests of topologies under asan do. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libhwloc";
}

struct wish {
	uint64_t inputs, seed;
	const char *only, *keep, *corpus;
	unsigned limit_s;
	long memory_mib;
	bool is_each;
};

struct input {
	uint8_t *at;
	size_t n;
};

struct corpus {
	struct input *inputs;
	size_t n;
};

/* Shared with the child: the number of the input that it is at. */
static volatile uint64_t *at_input;

/* ---- the corpus -------------------------------------------------------------------------------------------- */

static struct input read_input(const char *path)
{
	FILE *f = fopen(path, "r");
	struct input in = {.at = xcalloc(FUZZ_MAX, 1)};

	if (!f)
		fuzz_fault("%s cannot be read: %s", path, strerror(errno));
	in.n = fread(in.at, 1, FUZZ_MAX, f);
	fclose(f);
	return in;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name); /* not as the locale has it */
}

static struct corpus read_corpus(const char *root, const char *target)
{
	char *dir = xformat("%s/%s", root, target);
	struct dirent **names;
	struct corpus c = {NULL, 0};
	int n = scandir(dir, &names, NULL, by_name);

	if (n < 0)
		fuzz_fault("%s cannot be read: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		char *path = xformat("%s/%s", dir, names[i]->d_name);

		if (names[i]->d_name[0] != '.') {
			c.inputs = xgrow(c.inputs, c.n + 1, sizeof *c.inputs);
			c.inputs[c.n++] = read_input(path);
		}
		free(path);
		free(names[i]);
	}
	free(names);
	free(dir);
	if (c.n == 0)
		fuzz_fault("target %s has no corpus", target);
	return c;
}

static void corpus_free(struct corpus *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->inputs[i].at);
	free(c->inputs);
}

/* ---- inputs ------------------------------------------------------------------------------------------------ */

/* Input number i: the corpus first, as it is. */
static size_t make_input(const struct fuzz_target *t, const struct corpus *c, uint64_t seed, uint64_t i, uint8_t *out)
{
	const struct input *in, *other;
	struct rng r;

	if (i < c->n) {
		memcpy(out, c->inputs[i].at, c->inputs[i].n);
		return c->inputs[i].n;
	}
	rng_seed(&r, order_mix(order_mix(seed, order_hash(t->name)), i));
	in = &c->inputs[rng_below(&r, c->n)];
	other = &c->inputs[rng_below(&r, c->n)];
	return fuzz_mutate(&r, t->form, in->at, in->n, other->at, other->n, out);
}

static void start_clock(unsigned limit_s)
{
	struct itimerval limit = {.it_value.tv_sec = limit_s};

	setitimer(ITIMER_PROF, &limit, NULL); /* its signal ends the process */
}

static long memory_kib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static void run_one(const struct fuzz_target *t, const uint8_t *data, size_t n, unsigned limit_s)
{
	/* Of the exact size, so that a sanitizer sees one byte more being read. */
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		fuzz_fault("out of memory");
	memcpy(copy, data, n);
	start_clock(limit_s);
	t->run(copy, n);
	free(copy);
}

static void check_leaks(void)
{
	if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
		fuzz_fault("memory is lost");
}

_Noreturn static void child(const struct fuzz_target *t, const struct corpus *c, const struct wish *w, uint64_t from,
			    uint64_t to)
{
	static uint8_t data[FUZZ_MAX];
	long before_kib = 0;

	for (uint64_t i = from; i < to; i++) {
		*at_input = i;
		run_one(t, data, make_input(t, c, w->seed, i, data), w->limit_s);
		if (i == from)
			before_kib = memory_kib();
		else if (memory_kib() > before_kib + w->memory_mib * 1024)
			fuzz_fault("the process has grown by %ld MiB", (memory_kib() - before_kib) / 1024);
		if (w->is_each)
			check_leaks();
	}
	*at_input = to;
	exit(0); /* the leak detector's turn */
}

/* ---- judging ----------------------------------------------------------------------------------------------- */

static void tell_end(const char *name, uint64_t i, int status, unsigned limit_s)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		fprintf(stderr, "FAIL: %s: input %llu takes more than %u s of CPU time\n", name, (unsigned long long)i,
			limit_s);
	else if (WIFSIGNALED(status))
		fprintf(stderr, "FAIL: %s: input %llu: signal %d (%s)\n", name, (unsigned long long)i, WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		fprintf(stderr, "FAIL: %s: input %llu: exit code %d\n", name, (unsigned long long)i,
			WEXITSTATUS(status));
}

static void keep_input(const struct fuzz_target *t, const struct corpus *c, const struct wish *w, uint64_t i)
{
	static uint8_t data[FUZZ_MAX];
	size_t n = make_input(t, c, w->seed, i, data);
	char *path = xformat("%s/%s-%llu-%llu", w->keep ? w->keep : ".", t->name, (unsigned long long)w->seed,
			     (unsigned long long)i);
	FILE *f = fopen(path, "w");

	if (f && fwrite(data, 1, n, f) == n && fclose(f) == 0)
		fprintf(stderr, "      again with: fuzz-drive %s %s\n", t->name, path);
	else
		fprintf(stderr, "      %s cannot be written: %s\n", path, strerror(errno));
	free(path);
}

/* All inputs of one target; how many are a fault. */
static unsigned run_target(const struct fuzz_target *t, const struct wish *w, uint64_t inputs)
{
	struct corpus c = read_corpus(w->corpus, t->name);
	uint64_t total = inputs > c.n ? inputs : c.n, from = 0;
	unsigned faults = 0;

	while (from < total && faults < MOST_FAULTS) {
		int status;
		pid_t pid = fork();

		if (pid < 0)
			fuzz_fault("no child can be made: %s", strerror(errno));
		if (pid == 0)
			child(t, &c, w, from, total);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (status == 0)
			break;
		faults++;
		from = *at_input + 1;
		if (*at_input == total) {
			fprintf(stderr, "FAIL: %s: memory is lost (--each tells by which input)\n", t->name);
		} else {
			tell_end(t->name, *at_input, status, w->limit_s);
			keep_input(t, &c, w, *at_input);
		}
	}
	printf("%-14s %9llu inputs, of them %zu of the corpus; %u faults\n", t->name, (unsigned long long)total, c.n,
	       faults);
	fflush(stdout);
	corpus_free(&c);
	return faults;
}

static int run_all(const struct wish *w)
{
	size_t n, shares = 0;
	const struct fuzz_target *all = fuzz_targets(&n);
	unsigned faults = 0;

	for (size_t i = 0; i < n; i++)
		shares += all[i].share;
	for (size_t i = 0; i < n; i++)
		if (!w->only)
			faults += run_target(&all[i], w, (w->inputs * all[i].share + shares - 1) / shares);
		else if (strcmp(all[i].name, w->only) == 0)
			faults += run_target(&all[i], w, w->inputs);
	return faults ? 1 : 0;
}

static int run_files(const char *name, char **paths)
{
	const struct fuzz_target *t = fuzz_target(name);

	if (!t) {
		fprintf(stderr, "there is no target '%s'\n", name);
		return 2;
	}
	for (; *paths; paths++) {
		struct input in = read_input(*paths);

		run_one(t, in.at, in.n, LIMIT_S);
		free(in.at);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct wish w = {
		.inputs = 10000, .seed = 1, .corpus = FUZZ_CORPUS, .limit_s = LIMIT_S, .memory_mib = MEMORY_MIB};
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--each") == 0) {
			w.is_each = true;
			continue;
		}
		if (i + 1 == argc)
			break;
		if (strcmp(argv[i], "--inputs") == 0)
			w.inputs = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			w.seed = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--only") == 0)
			w.only = argv[++i];
		else if (strcmp(argv[i], "--limit") == 0)
			w.limit_s = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--memory") == 0)
			w.memory_mib = strtol(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--corpus") == 0)
			w.corpus = argv[++i];
		else if (strcmp(argv[i], "--keep") == 0)
			w.keep = argv[++i];
		else
			break;
	}
	if (i < argc && argv[i][0] != '-')
		return run_files(argv[i], argv + i + 1);
	if (i < argc || (w.only && !fuzz_target(w.only))) {
		fputs("usage: fuzz-drive [--inputs N] [--seed S] [--only NAME] [--keep DIR] [--each]\n"
		      "                  [--corpus DIR] [--limit SECONDS] [--memory MIB]\n"
		      "       fuzz-drive NAME FILE...\n",
		      stderr);
		return 2;
	}
	at_input = mmap(NULL, sizeof *at_input, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at_input == MAP_FAILED)
		fuzz_fault("no memory to share: %s", strerror(errno));
	return run_all(&w);
}
