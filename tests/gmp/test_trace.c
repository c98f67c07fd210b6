/*
 * test_trace.c - traces: the file is JSON, the slices of a row do not overlap, an arrow has both ends, each G that ran is
 * there by its name, what is lost is counted; what is traced goes on as ever, and afterwards as fast as ever.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "internal.h"
#include "preempt.h"
#include "san.h"

enum { MS = 1000 * 1000, ROWS = 512, GS = 20, FEW = GR_TSAN ? 5 : 1 };

static char path[64];

/* ---- reading the file ------------------------------------------------------------------------------------------------ */

struct slice {
	int pid, tid;
	long long begin, end; /* ns */
};

struct file {
	char *text;
	struct slice *slices;
	size_t n_slices;
	size_t n_starts, n_ends, n_marks, n_hand_offs, n_steals;
	long long events, lost;
};

/* JSON, as strictly as its grammar. The end of the value, NULL: it is none. */
static const char *skip_value(const char *at, int depth);

static const char *skip_blank(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

static const char *skip_string(const char *at)
{
	if (*at++ != '"')
		return NULL;
	for (; *at != '"'; at++) {
		if ((unsigned char)*at < ' ' || (*at == '\\' && !strchr("\"\\/bfnrtu", *++at)))
			return NULL;
	}
	return at + 1;
}

static const char *skip_list(const char *at, char close, int depth)
{
	at = skip_blank(at + 1);
	if (*at == close)
		return at + 1;
	for (;; at++) {
		at = skip_blank(at);
		if (close == '}') {
			at = skip_string(at);
			if (!at || *(at = skip_blank(at)) != ':')
				return NULL;
			at++;
		}
		at = skip_value(skip_blank(at), depth + 1);
		if (!at)
			return NULL;
		at = skip_blank(at);
		if (*at == close)
			return at + 1;
		if (*at != ',')
			return NULL;
	}
}

static const char *skip_value(const char *at, int depth)
{
	size_t n;

	if (depth > 20)
		return NULL;
	if (*at == '"')
		return skip_string(at);
	if (*at == '{')
		return skip_list(at, '}', depth);
	if (*at == '[')
		return skip_list(at, ']', depth);
	n = strspn(at, "0123456789.-");
	return n ? at + n : NULL;
}

/* The number after the key; -1: there is no such key. */
static double number(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? strtod(at + strlen(key), NULL) : -1;
}

static bool has(const char *line, const char *text)
{
	return strstr(line, text) != NULL;
}

static int compare_slices(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid - y->pid;
	if (x->tid != y->tid)
		return x->tid - y->tid;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

static long long ns(double us)
{
	return (long long)(us * 1000 + 0.5);
}

static void read_line(struct file *f, const char *line)
{
	if (has(line, "\"ph\":\"X\"")) {
		long long begin = ns(number(line, "\"ts\":"));

		f->slices = realloc(f->slices, (f->n_slices + 1) * sizeof(f->slices[0]));
		assert_non_null(f->slices);
		f->slices[f->n_slices++] = (struct slice){(int)number(line, "\"pid\":"), (int)number(line, "\"tid\":"),
							  begin, begin + ns(number(line, "\"dur\":"))};
	} else if (has(line, "\"ph\":\"s\"")) {
		f->n_starts++;
	} else if (has(line, "\"ph\":\"f\"")) {
		f->n_ends++;
	} else if (has(line, "\"ph\":\"i\"")) {
		f->n_marks++;
		f->n_hand_offs += has(line, "\"name\":\"hand-off\"");
		f->n_steals += has(line, "\"name\":\"steal\"");
	}
}

/* An arrow's end follows its start, has its number, and is not before it. */
static void check_arrow(const char *line, const char *next)
{
	assert_true(next && has(next, "\"ph\":\"f\""));
	assert_true(number(line, "\"id\":") == number(next, "\"id\":"));
	assert_true(ns(number(line, "\"ts\":")) <= ns(number(next, "\"ts\":")));
}

static void read_lines(struct file *f)
{
	char *copy = strdup(f->text), *line, *next, *rest;

	assert_non_null(copy);
	for (line = strtok_r(copy, "\n", &rest); line; line = next) {
		next = strtok_r(NULL, "\n", &rest);
		read_line(f, line);
		if (has(line, "\"ph\":\"s\""))
			check_arrow(line, next);
	}
	free(copy);
}

static struct file read_trace(const char *at)
{
	struct file f = {0};
	struct stat st;
	int fd = open(at, O_RDONLY);
	const char *end;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	f.text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(f.text);
	assert_int_equal(read(fd, f.text, (size_t)st.st_size), st.st_size);
	close(fd);
	end = skip_value(f.text, 0);
	if (!end || *skip_blank(end))
		fail_msg("no JSON: %.200s", end ? end : f.text);
	read_lines(&f);
	f.events = (long long)number(strstr(f.text, "\"otherData\""), "\"events\":\"");
	f.lost = (long long)number(strstr(f.text, "\"otherData\""), "\"lost\":\"");
	assert_int_equal(f.n_starts, f.n_ends);
	qsort(f.slices, f.n_slices, sizeof(f.slices[0]), compare_slices);
	for (size_t i = 0; i + 1 < f.n_slices; i++) {
		const struct slice *a = &f.slices[i], *b = a + 1;

		assert_true(a->begin <= a->end);
		if (a->pid == b->pid && a->tid == b->tid && a->end > b->begin)
			fail_msg("row %d %d: slice at %lld ends at %lld, the next begins at %lld", a->pid, a->tid,
				 a->begin, a->end, b->begin);
	}
	return f;
}

static void free_trace(struct file *f)
{
	free(f->text);
	free(f->slices);
	unlink(path);
}

static size_t count(const struct file *f, const char *text)
{
	const char *end = f->text + strlen(f->text);
	size_t n = 0;

	/* Not strstr: AddressSanitizer's looks for the end of the text each time. */
	for (const char *at = f->text; (at = memmem(at, (size_t)(end - at), text, strlen(text))); at += strlen(text))
		n++;
	return n;
}

/* ---- something to be traced -------------------------------------------------------------------------------------------- */

static gr_chan *chan;
static gr_wg wg;
static int call_fds[2];
static _Atomic uint64_t sum;
static _Atomic uint32_t about_to_block;

static void produce(void *arg)
{
	for (uint64_t i = 1; i <= 50; i++)
		gr_chan_send(arg, &i);
	gr_wg_done(&wg);
}

static void consume(void *arg)
{
	uint64_t v = 0;

	for (int i = 0; i < 50; i++) {
		gr_chan_recv(arg, &v);
		fetch_add_relaxed(&sum, v);
	}
	gr_wg_done(&wg);
}

static void sleep_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++)
		gr_sleep_ns(200 * 1000);
	gr_wg_done(&wg);
}

static void block_in_call(void *arg)
{
	char c;

	(void)arg;
	gr_syscall_enter();
	gr_syscall_exit(); /* one that nobody notices */
	store_relaxed(&about_to_block, 1);
	(void)!gr_read_blocking(call_fds[0], &c, 1);
	gr_set_name("was in a call");
	gr_yield();
	gr_wg_done(&wg);
}

static void compute_a_little(void *arg)
{
	(void)arg;
	for (volatile int i = 0; i < 200000 / FEW; i++)
		;
	gr_wg_done(&wg);
}

/* 50 x 51 / 2 if nothing was lost. */
static void do_a_bit_of_all(void *arg)
{
	(void)arg;
	store_relaxed(&sum, 0);
	store_relaxed(&about_to_block, 0);
	if (pipe(call_fds) || gr_chan_new(sizeof(uint64_t), 0, &chan))
		abort();
	gr_wg_add(&wg, 4 + GS);
	gr_go_named("producer", produce, chan);
	gr_go(consume, chan);
	gr_go_named("a \"sleeper\"\\\n, with a name that is much too long for it", sleep_often, NULL);
	gr_go_named("caller", block_in_call, NULL);
	for (int i = 0; i < GS; i++)
		gr_go(compute_a_little, NULL);
	/* Not by yielding: on a busy machine that would be more events than a ring holds. */
	while (!load_relaxed(&about_to_block))
		gr_sleep_ns(100 * 1000);
	gr_sleep_ns(2 * MS);
	(void)!write(call_fds[1], "", 1);
	gr_wg_wait(&wg);
	gr_chan_free(chan);
	close(call_fds[0]);
	close(call_fds[1]);
}

static void traced_run(unsigned procs, const char *knobs)
{
	const struct gr_config c = {.procs = procs, .knobs = knobs};

	assert_int_equal(setenv("GRTRACE", path, 1), 0);
	assert_int_equal(gr_start(&c), 0);
	unsetenv("GRTRACE");
	gr_run(do_a_bit_of_all, NULL);
	gr_stop();
	assert_int_equal(load_relaxed(&sum), 50 * 51 / 2);
}

/* ---- tests ---------------------------------------------------------------------------------------------------------------- */

static void assert_all_is_there(const struct file *f)
{
	assert_int_equal(f->lost, 0);
	assert_true(f->events > 200);
	assert_true(count(f, "\"name\":\"producer\",\"args\":{\"g\":") >= 1);
	assert_true(count(f, "\"name\":\"consume\",\"args\":{\"g\":") >= 1); /* the function, for want of a name */
	assert_true(count(f, "\"name\":\"compute_a_little\",") >= GS);
	assert_true(count(f, "\"name\":\"a \\\"sleeper\\\"\\\\ , with a name that is much \",") >= 5);
	assert_true(count(f, "\"name\":\"was in a call\",") >= 1);
	assert_true(count(f, "\"name\":\"main\",") >= 2);
	assert_true(count(f, "\"left\":\"end\"") >= 4 + GS);
	assert_true(count(f, "\"left\":\"chan ") >= 5);
	assert_true(count(f, "\"left\":\"sleep\"") >= 5);
	assert_true(count(f, "\"name\":\"call\"}") >= 2);
	assert_true(count(f, "\"name\":\"P 0\"}") + count(f, "\"name\":\"P 1\"}") >= 1);
	assert_true(count(f, "\"name\":\"timers\"") >= 1);
	/* Each G came from somewhere, and slept, or waited for a channel, and was made runnable again. */
	assert_true(f->n_starts >= 4 + GS + 10);
}

static void a_run_in_full(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 4; procs *= 2) {
		struct file f;

		traced_run(procs, NULL);
		f = read_trace(path);
		assert_all_is_there(&f);
		if (procs == 1) /* the others have nothing to do otherwise */
			assert_true(f.n_hand_offs >= 1);
		free_trace(&f);
	}
}

static void knobs_and_traces_go_together(void **state)
{
	static const char *const knobs[] = {"global=1", "seed=7", "runnext=0", "newest=0,spin=0,steal=0"};

	(void)state;
	for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++) {
		struct file f;

		traced_run(2, knobs[i]);
		f = read_trace(path);
		assert_all_is_there(&f);
		free_trace(&f);
	}
}

static void yield_on(void *arg)
{
	for (int i = 0; i < 20000 / FEW; i++)
		gr_yield();
	if (arg)
		gr_wg_done(arg);
}

static void yield_along(void *arg)
{
	(void)arg;
	gr_wg_add(&wg, 2);
	gr_go(yield_on, &wg);
	gr_go(yield_on, &wg);
	gr_wg_wait(&wg);
}

static void what_is_lost_is_counted(void **state)
{
	const struct gr_config c = {.procs = 2, .knobs = "trace_kb=4"}; /* 256 events */
	struct file f;

	(void)state;
	assert_int_equal(gr_start(&c), 0);
	assert_int_equal(gr_trace_start(path), 0);
	gr_run(yield_along, NULL);
	assert_int_equal(gr_trace_stop(), 0);
	gr_stop();
	f = read_trace(path);
	assert_true(f.lost > 10000 / FEW);
	assert_true(f.events > 0 && f.events <= 257 * 256);
	assert_true(f.n_slices > 20);
	free_trace(&f);
}

/* Windows of a run that goes on, from within and from outside. */
static _Atomic uint32_t stop_yielding;

static void yield_until_told(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !load_relaxed(&stop_yielding); i++) {
		if (i % 100 == 0)
			gr_sleep_ns(10000);
		gr_yield();
	}
	gr_wg_done(&wg);
}

static void look_through_windows(void *arg)
{
	(void)arg;
	store_relaxed(&stop_yielding, 0);
	gr_wg_add(&wg, 4);
	for (int i = 0; i < 4; i++)
		gr_go_named("yielder", yield_until_told, NULL);
	for (int i = 0; i < 3; i++) {
		struct file f;

		gr_sleep_ns(2 * MS);
		if (gr_trace_start(path) != 0 || gr_trace_start("/dev/null") != -EBUSY)
			abort();
		gr_sleep_ns(5 * MS);
		if (gr_trace_stop() != 0 || gr_trace_stop() != -EAGAIN)
			abort();
		/* Reading it takes more stack than a G has. */
		(void)f;
		if (i < 2)
			unlink(path);
	}
	store_relaxed(&stop_yielding, 1);
	gr_wg_wait(&wg);
}

static bool is_fast;

static void look_whether_it_is_fast(void *arg)
{
	const struct gr_p *p;

	yield_along(arg);
	p = gr__m()->p;
	is_fast = p->due_at > 0 || load_relaxed(&p->attention);
}

static void windows(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 3; procs++) {
		const struct gr_config c = {.procs = procs};
		struct file f;

		assert_int_equal(gr_start(&c), 0);
		gr_run(look_through_windows, NULL);
		f = read_trace(path);
		/* They began before: their name is not known, their function neither. */
		assert_true(count(&f, "\"name\":\"G ") > 10);
		assert_true(f.n_slices > 20 && f.n_starts > 0);
		free_trace(&f);
		/* As fast as before. */
		assert_int_equal(load_relaxed(&gr__sched.is_plain), 1);
		assert_int_equal(load_relaxed(&gr__sched.tracing), 0);
		is_fast = false;
		gr_run(look_whether_it_is_fast, NULL);
		assert_true(is_fast);
		gr_stop();
	}
}

static _Atomic uint32_t enough;

GR_PREEMPTIBLE static void compute_marked(void *arg)
{
	(void)arg;
	while (!load_relaxed(&enough))
		;
}

static void stop_it(void *arg)
{
	(void)arg;
	gr_go_named("computer", compute_marked, NULL);
	for (int i = 0; i < 3; i++)
		gr_sleep_ns(2 * MS);
	store_relaxed(&enough, 1);
	while (gr_count() > 1)
		gr_yield();
}

static void preemption_is_there(void **state)
{
	const struct gr_config c = {.procs = 1, .knobs = "slice_us=1000"};
	struct file f;

	(void)state;
	if (strchr(gr__preempt_state(), '(')) /* cannot be here */
		skip();
	assert_int_equal(gr_start(&c), 0);
	assert_int_equal(gr_trace_start(path), 0);
	gr_run(stop_it, NULL);
	assert_int_equal(gr_trace_stop(), 0);
	gr_stop();
	f = read_trace(path);
	assert_true(count(&f, "\"name\":\"computer\",") >= 2);
	assert_true(count(&f, "\"left\":\"preempted\"") >= 1);
	assert_true(count(&f, "\"name\":\"preempted\"") >= 1);
	free_trace(&f);
}

static int order[3], n_order;

static void note(void *arg)
{
	order[n_order++] = (int)(intptr_t)arg;
}

static void spawn_three(void *arg)
{
	(void)arg;
	n_order = 0;
	for (int i = 0; i < 3; i++)
		gr_go(note, (void *)(intptr_t)i);
	while (n_order < 3)
		gr_yield();
}

static void the_order_is_the_same(void **state)
{
	static const int newest_first[] = {2, 1, 0};
	const struct gr_config c = {.procs = 1};

	(void)state;
	assert_int_equal(gr_start(&c), 0);
	assert_int_equal(gr_trace_start("/dev/null"), 0);
	gr_run(spawn_three, NULL);
	assert_memory_equal(order, newest_first, sizeof(order));
	assert_int_equal(gr_trace_stop(), 0);
	gr_stop();
}

static void what_cannot_be_is_refused(void **state)
{
	const struct gr_config c = {.procs = 1};

	(void)state;
	assert_int_equal(gr_trace_start(path), -EAGAIN);
	assert_int_equal(gr_trace_stop(), -EAGAIN);
	setenv("GRTRACE", "/nowhere/at/all", 1);
	assert_int_equal(gr_start(&c), -ENOENT);
	unsetenv("GRTRACE");
	assert_int_equal(gr_start(&c), 0);
	assert_int_equal(gr_trace_start("/nowhere/at/all"), -ENOENT);
	assert_int_equal(gr_trace_stop(), -EAGAIN);
	if (access("/dev/full", W_OK) == 0) {
		assert_int_equal(gr_trace_start("/dev/full"), 0);
		gr_run(spawn_three, NULL);
		assert_int_equal(gr_trace_stop(), -ENOSPC);
	}
	/* One that nobody stops ends with the runtime. */
	assert_int_equal(gr_trace_start(path), 0);
	gr_run(spawn_three, NULL);
	gr_stop();
	struct file f = read_trace(path);
	assert_true(count(&f, "\"name\":\"note\"") >= 3);
	free_trace(&f);
}

/* ---- the end of a process ------------------------------------------------------------------------------------------------- */

static void wait_for_ever(void *arg)
{
	gr_chan *c;

	(void)arg;
	gr_go(spawn_three, NULL);
	if (gr_chan_new(1, 0, &c) == 0)
		gr_chan_recv(c, path);
}

static void die_traced(const void *at)
{
	setenv("GRTRACE", at, 1);
	become_anew("die", NULL);
}

static void a_deadlock_leaves_its_trace(void **state)
{
	char said[8192];
	int status = child_says(die_traced, path, said, sizeof(said));
	struct file f;

	(void)state;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	f = read_trace(path);
	assert_true(count(&f, "\"left\":\"chan receive\"") == 1);
	assert_true(count(&f, "\"name\":\"note\"") == 3);
	free_trace(&f);
}

int main(int argc, char **argv)
{
	const struct gr_config c = {.procs = 1};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_in_full),
		cmocka_unit_test(knobs_and_traces_go_together),
		cmocka_unit_test(what_is_lost_is_counted),
		cmocka_unit_test(windows),
		cmocka_unit_test(preemption_is_there),
		cmocka_unit_test(the_order_is_the_same),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_deadlock_leaves_its_trace),
	};

	(void)argv;
	if (argc > 1) {
		if (gr_start(&c) == 0)
			gr_run(wait_for_ever, NULL);
		return 1;
	}
	snprintf(path, sizeof(path), "/tmp/test-gmp-trace.%d", (int)getpid());
	return cmocka_run_group_tests_name("gmp/trace", tests, NULL, NULL);
}
