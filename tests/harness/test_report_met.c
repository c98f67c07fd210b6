/*
 * test_report_met.c - what samples met beside their work, and on what machine: limits, threads elsewhere, the picture.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"

#define CELL "memory/x tasks=100 cache w2"

static json_t *sample(const char *subject, const char *kind, int round, const char *rest)
{
	json_t *s = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:[i,i]}", "cell", CELL, "workload", "memory/x",
			      "subject", subject, "kind", kind, "round", round, "attempt", 0, "cpus", 2, 3);
	json_t *more = json_loads(rest, 0, NULL);

	assert_non_null(more);
	json_object_update(s, more);
	json_decref(more);
	return s;
}

#define OK "\"status\":\"ok\",\"metric\":{\"name\":\"bytes_per_task\",\"unit\":\"B\",\"value\":9.5}"
#define HIT(tasks)                                                                                                     \
	"{\"status\":\"failed\",\"why\":\"no more\",\"memory\":{\"base\":null,\"live\":null,\"per_task\":null,"        \
	"\"limit_hit\":{\"name\":\"cgroup "                                                                            \
	"pids.max\",\"limit\":64,\"used\":64,\"where\":\"/cg/pids.max\",\"live_tasks\":" #tasks "}}}"

static struct report *make_report(void)
{
	json_t *host = json_loads(
		"{\"sockets\":1,\"cores\":4,\"pus\":4,\"numa_nodes\":1,\"caches\":[],\"topology\":{"
		"\"is_real\":true,\"allowed\":[1,2,3],\"kinds\":[],\"tree\":[{\"type\":\"package\",\"id\":0,"
		"\"of\":[{\"type\":\"core\",\"id\":0,\"cpus\":[0,1]},{\"type\":\"core\",\"id\":1,\"cpus\":[2]},"
		"{\"type\":\"core\",\"id\":2,\"cpus\":[3]}]}]}}",
		0, NULL);
	json_t *run =
		json_pack("{s:s, s:s, s:b, s:o, s:{s:s, s:i, s:[{s:s, s:s, s:{s:i}, s:s, s:i, s:s, s:s, s:s, s:s, "
			  "s:s, s:[i,i], s:[i], s:[s,s]}]}}",
			  "schema", "switchyard.run/1", "run_id", "r", "complete", 1, "host", host, "plan", "name", "p",
			  "rounds", 3, "cells", "id", CELL, "workload", "memory/x", "params", "tasks", 100, "placement",
			  "cache", "workers", 2, "group", "x", "metric", "bytes_per_task", "unit", "B", "scaling",
			  "state", "base", "aa", "cpus", 2, 3, "load_cpus", 1, "subjects", "aa", "bb");
	json_t *samples = json_array(), *warnings = json_array();
	struct report *r;
	struct err err;

	json_array_append_new(samples, sample("aa", "timed", 0, HIT(60)));
	json_array_append_new(samples, sample("aa", "timed", 1, HIT(63)));
	json_array_append_new(samples, sample("aa", "timed", 2, "{" OK "}"));
	json_array_append_new(samples, sample("aa", "calibrate", 0, HIT(9))); /* no sample that anyone waits for */
	json_array_append_new(samples, sample("bb", "timed", 0, "{" OK ",\"sched\":{\"outside\":[]}}"));
	json_array_append_new(samples, sample("bb", "timed", 1,
					      "{" OK ",\"sched\":{\"outside\":[{\"name\":\"iou-wrk-7\",\"threads\":2,"
					      "\"cpus\":[0,1,2,3],\"ran_outside\":false}]}}"));
	if (report_build(run, samples, warnings, &r, &err) != 0)
		fail_msg("%s", err.why);
	json_decref(run);
	json_decref(samples);
	json_decref(warnings);
	return r;
}

static char *page_of(const struct report *r, const struct doc_format *format, const char *dir)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct doc d;

	assert_non_null(out);
	assert_int_equal(doc_open(&d, format, dir, out), 0);
	content_write(&d, r);
	assert_int_equal(doc_close(&d), 0);
	fclose(out);
	return text;
}

static void test_limits(void **state)
{
	struct report *r = make_report();
	char *page = page_of(r, &doc_markdown, "/nowhere");
	json_t *json = report_json(r);

	(void)state;
	assert_int_equal(r->n_limits, 1);
	assert_int_equal(r->limits[0].n, 2);
	assert_int_equal(r->limits[0].of, 3);
	assert_true(r->limits[0].least_tasks == 60 && r->limits[0].most_tasks == 63);
	assert_non_null(
		strstr(page, "aa: 2 of 3 samples stopped at 60 to 63 tasks. The limit: **cgroup pids.max = 64** (used "
			     "64; `/cg/pids.max`)."));
	assert_int_equal(json_array_size(json_object_get(json, "limits")), 1);
	json_decref(json);
	free(page);
	report_free(r);
}

/* Told once, with where the threads may run and what the cell has. */
static void test_outside(void **state)
{
	struct report *r = make_report();
	char *page = page_of(r, &doc_markdown, "/nowhere");
	const char *told = strstr(page, "iou-wrk-7");

	(void)state;
	assert_non_null(told);
	assert_null(strstr(told + 1, "iou-wrk-7"));
	assert_non_null(strstr(page, "may run on CPUs 0-3, where the cell has 2-3"));
	free(page);
	report_free(r);
}

/* Drawn out of the record alone, and in both pages. */
static void test_picture(void **state)
{
	struct report *r = make_report();
	char dir[] = "/tmp/switchyard-met-XXXXXX", plots[64], svg_path[96], *svg, *page;
	struct err err = {""};
	size_t size;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(plots, sizeof plots, "%s/plots", dir);
	assert_int_equal(mkdir(plots, 0755), 0);
	if (report_topology(r, dir, &err) != 0)
		fail_msg("%s", err.why);
	assert_int_equal(report_file_read(dir, "plots/topology.svg", &svg, &size, &err), 0);
	assert_non_null(strstr(svg, ">cache w2</text>"));
	assert_non_null(strstr(svg, ">2-3</text>"));
	assert_non_null(strstr(svg, "Broken outline")); /* CPU 0 */
	assert_null(strstr(svg, ">load</text>")); /* no server */
	page = page_of(r, &doc_markdown, dir);
	assert_non_null(strstr(page, "](plots/topology.svg)"));
	free(page);
	page = page_of(r, &doc_html, dir);
	assert_non_null(strstr(page, "aria-label=\"The machine: 1 package, 1 NUMA node, 4 cores, 4 CPUs\""));
	assert_non_null(strstr(page, ">cache w2</text>"));
	free(page);
	free(svg);
	report_free(r);
	snprintf(svg_path, sizeof svg_path, "%s/topology.svg", plots);
	assert_int_equal(unlink(svg_path) | rmdir(plots) | rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_picture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
