/* Placements on made-up machines, and on this one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/measure/measure.h"

#define TWO_SOCKETS "pack:2 numa:1(memory=1GB) l3:1(size=33554432) l2:4(size=1048576) core:1 pu:2"
#define TWO_CPUS "pack:1 l3:1(size=33554432) core:2 pu:1"
#define TWO_CHIPLETS "pack:1 l3:2(size=16777216) core:4 pu:1"
#define PRIVATE_CACHES "pack:1 l2:4(size=1048576) core:1 pu:1"
#define BIG "pack:2 numa:2(memory=1GB) l3:1(size=33554432) core:16 pu:2"

static struct topology *synthetic(const char *description)
{
	struct topology *t;
	struct err err = {""};

	if (topology_synthetic(description, &t, &err) != 0)
		fail_msg("%s", err.why);
	assert_false(topology_is_real(t));
	return t;
}

/* "0,2,3" */
static const char *text(const cpu_set_t *set)
{
	static char out[4][2048];
	static int turn;
	char *at = out[turn = (turn + 1) % 4];
	char *start = at;

	*at = '\0';
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, set))
			at += sprintf(at, "%s%d", at == start ? "" : ",", cpu);
	return start;
}

static void expect(const struct topology *t, enum placement p, unsigned wanted, bool needs_load, const char *subject,
		   const char *load, const char *harness)
{
	struct placed placed;
	struct err err = {""};

	if (topology_place(t, p, wanted, needs_load, &placed, &err) != 0)
		fail_msg("%s: %s", placement_name(p), err.why);
	assert_string_equal(text(&placed.subject), subject);
	assert_string_equal(text(&placed.load), load);
	assert_string_equal(text(&placed.harness), harness);
	assert_int_equal(placed.workers, CPU_COUNT(&placed.subject));
}

static void refuse(const struct topology *t, enum placement p, unsigned wanted, bool needs_load, const char *because)
{
	struct placed placed;
	struct err err = {""};

	assert_int_equal(topology_place(t, p, wanted, needs_load, &placed, &err), -ENOTSUP);
	if (!strstr(err.why, because))
		fail_msg("\"%s\" does not say \"%s\"", err.why, because);
}

static void test_names(void **state)
{
	enum placement p;

	(void)state;
	for (int i = PLACE_SAME; i <= PLACE_FREE; i++) {
		assert_true(placement_parse(placement_name((enum placement)i), &p));
		assert_int_equal(p, i);
	}
	assert_false(placement_parse("somewhere", &p));
}

/* What most small virtual machines look like. */
static void test_two_cpus(void **state)
{
	struct topology *t = synthetic(TWO_CPUS);
	struct placed placed;
	struct err err;

	(void)state;
	assert_int_equal(topology_pus(t), 2);
	expect(t, PLACE_SAME, 0, true, "1", "0", "0");
	expect(t, PLACE_SAME, 1, false, "1", "0", "0");
	expect(t, PLACE_CACHE, 0, false, "0,1", "0,1", "0");
	expect(t, PLACE_FREE, 0, false, "0,1", "0,1", "0");
	expect(t, PLACE_FREE, 0, true, "1", "0", "0");
	expect(t, PLACE_FREE, 2, true, "0,1", "0,1", "0");
	refuse(t, PLACE_SMT, 0, false, "no SMT siblings");
	refuse(t, PLACE_CROSS, 0, false, "same as cache here");
	refuse(t, PLACE_CACHE, 0, true, "beside the load generator's");
	refuse(t, PLACE_CACHE, 1, false, "needs two CPUs");
	refuse(t, PLACE_FREE, 3, false, "3 were asked for");
	refuse(t, PLACE_SAME, 2, false, "1 CPU");
	assert_int_equal(topology_place(t, PLACE_SAME, 0, true, &placed, &err), 0);
	assert_true(placed.load_is_apart);
	assert_int_equal(topology_place(t, PLACE_FREE, 2, true, &placed, &err), 0);
	assert_false(placed.load_is_apart);
	topology_free(t);
}

static void test_one_cpu(void **state)
{
	struct topology *t = synthetic("pack:1 core:1 pu:1");
	struct placed placed;
	struct err err;

	(void)state;
	expect(t, PLACE_SAME, 0, true, "0", "0", "0");
	expect(t, PLACE_FREE, 0, true, "0", "0", "0");
	assert_int_equal(topology_place(t, PLACE_SAME, 0, true, &placed, &err), 0);
	assert_false(placed.load_is_apart);
	refuse(t, PLACE_SMT, 0, false, "one CPU");
	refuse(t, PLACE_CACHE, 0, false, "one CPU");
	refuse(t, PLACE_CROSS, 0, false, "one CPU");
	topology_free(t);
}

/* 2 sockets x 4 cores x 2 threads: CPUs 0,1 are core 0; 8..15 the second socket. */
static void test_two_sockets(void **state)
{
	struct topology *t = synthetic(TWO_SOCKETS);

	(void)state;
	assert_int_equal(topology_pus(t), 16);
	/* Not on the subject's sibling 14, and in its package. */
	expect(t, PLACE_SAME, 0, true, "15", "8,9,10,11,12,13", "0");
	expect(t, PLACE_SMT, 0, true, "14,15", "8,9,10,11,12,13", "0");
	expect(t, PLACE_SMT, 2, false, "14,15", "8,9,10,11,12,13", "0");
	refuse(t, PLACE_SMT, 4, false, "2 CPUs");
	/* One per core of the last socket's cache; the load generator has the other socket, so no core is given up. */
	expect(t, PLACE_CACHE, 0, true, "8,10,12,14", "1,2,3,4,5,6,7", "0");
	expect(t, PLACE_CACHE, 2, true, "12,14", "8,9,10,11", "0");
	refuse(t, PLACE_CACHE, 5, false, "has 4 CPUs here, 5 were asked for");
	expect(t, PLACE_CROSS, 2, true, "6,14", "1,2,3,4,5,8,9,10,11,12,13", "0");
	expect(t, PLACE_CROSS, 4, false, "4,6,12,14", "1,2,3,8,9,10,11", "0");
	expect(t, PLACE_CROSS, 0, false, "0,2,4,6,8,10,12,14", "3,5,7,9,11,13,15", "1");
	/* One core less for the load generator. */
	expect(t, PLACE_CROSS, 0, true, "2,4,6,8,10,12,14", "1", "0");
	expect(t, PLACE_FREE, 0, false, "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
	       "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", "0");
	topology_free(t);
}

/* One socket with two last-level caches: cross is between the caches. */
static void test_chiplets(void **state)
{
	struct topology *t = synthetic(TWO_CHIPLETS);

	(void)state;
	expect(t, PLACE_CACHE, 2, false, "6,7", "1,2,3,4,5", "0");
	expect(t, PLACE_CACHE, 0, false, "4,5,6,7", "1,2,3", "0");
	expect(t, PLACE_CROSS, 2, false, "3,7", "1,2,4,5,6", "0");
	topology_free(t);
}

/* No two cores share a cache: cache is refused, and cross is what two CPUs are. */
static void test_private_caches(void **state)
{
	struct topology *t = synthetic(PRIVATE_CACHES);

	(void)state;
	refuse(t, PLACE_CACHE, 0, false, "no two cores");
	expect(t, PLACE_CROSS, 2, false, "2,3", "1", "0");
	topology_free(t);
}

static void test_big(void **state)
{
	struct topology *t = synthetic(BIG);
	struct placed placed;
	struct err err;
	cpu_set_t common;
	json_t *facts;

	(void)state;
	assert_int_equal(topology_pus(t), 128);
	for (int p = PLACE_SAME; p <= PLACE_FREE; p++) {
		assert_int_equal(topology_place(t, (enum placement)p, 0, true, &placed, &err), 0);
		CPU_AND(&common, &placed.subject, &placed.load);
		assert_int_equal(CPU_COUNT(&common), 0);
		assert_true(placed.load_is_apart);
		assert_int_equal(CPU_COUNT(&placed.harness), 1);
	}
	/* Four wanted: one in each socket first, then again. */
	assert_int_equal(topology_place(t, PLACE_CROSS, 4, false, &placed, &err), 0);
	assert_string_equal(text(&placed.subject), "60,62,124,126");
	assert_int_equal(topology_place(t, PLACE_CACHE, 16, false, &placed, &err), 0);
	assert_int_equal(CPU_COUNT(&placed.subject), 16);
	assert_true(CPU_ISSET(126, &placed.subject));
	assert_false(CPU_ISSET(127, &placed.subject)); /* one per core */
	refuse(t, PLACE_CACHE, 17, false, "has 16 CPUs here");
	facts = topology_json(t);
	assert_int_equal(json_integer_value(json_object_get(facts, "sockets")), 2);
	assert_int_equal(json_integer_value(json_object_get(facts, "numa_nodes")), 4);
	assert_int_equal(json_integer_value(json_object_get(facts, "cores")), 64);
	assert_int_equal(json_integer_value(json_object_get(facts, "pus")), 128);
	assert_true(json_is_true(json_object_get(facts, "smt")));
	json_decref(facts);
	topology_free(t);
}

static void test_json(void **state)
{
	struct topology *t = synthetic(TWO_SOCKETS);
	json_t *facts = topology_json(t), *caches = json_object_get(facts, "caches"), *l3 = NULL, *entry;
	size_t i;

	(void)state;
	json_array_foreach (caches, i, entry) {
		if (json_integer_value(json_object_get(entry, "level")) == 3)
			l3 = entry;
	}
	assert_non_null(l3);
	assert_int_equal(json_integer_value(json_object_get(l3, "bytes")), 33554432);
	assert_int_equal(json_integer_value(json_object_get(l3, "shared_by")), 8);
	assert_int_equal(json_integer_value(json_object_get(l3, "count")), 2);
	json_decref(facts);
	topology_free(t);
}

static void test_bad_description(void **state)
{
	struct topology *t;
	struct err err;

	(void)state;
	assert_int_equal(topology_synthetic("three blind mice", &t, &err), -EINVAL);
	assert_null(t);
	assert_non_null(strstr(err.why, "three blind mice"));
}

/* This machine, and this machine with one CPU taken away: hwloc's own default would not notice. */
static void test_real(void **state)
{
	cpu_set_t allowed, one, set;
	struct topology *t;
	struct placed placed;
	struct err err = {""};

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
	if (topology_load(&t, &err) != 0)
		fail_msg("%s", err.why);
	assert_true(topology_is_real(t));
	assert_int_equal(topology_pus(t), CPU_COUNT(&allowed));
	assert_int_equal(topology_place(t, PLACE_SAME, 0, true, &placed, &err), 0);
	CPU_AND(&set, &placed.subject, &allowed);
	assert_int_equal(CPU_COUNT(&set), 1);
	assert_int_equal(placed.load_is_apart, CPU_COUNT(&allowed) > 1);
	topology_free(t);

	CPU_ZERO(&one);
	CPU_OR(&one, &one, &placed.subject);
	assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
	assert_int_equal(topology_load(&t, &err), 0);
	assert_int_equal(topology_pus(t), 1);
	assert_int_equal(topology_place(t, PLACE_FREE, 0, false, &placed, &err), 0);
	assert_true(CPU_EQUAL(&placed.subject, &one));
	topology_free(t);
	assert_int_equal(sched_setaffinity(0, sizeof allowed, &allowed), 0);
}

static void test_cpuset_json(void **state)
{
	cpu_set_t set;
	json_t *list;
	char *dump;

	(void)state;
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CPU_SET(63, &set);
	CPU_SET(64, &set);
	list = cpuset_json(&set);
	dump = json_dumps(list, JSON_COMPACT);
	assert_string_equal(dump, "[0,63,64]");
	free(dump);
	json_decref(list);
}

/* What subjects are told: two chiplets of four CPUs; two sockets with a node each. */
static void test_nearness(void **state)
{
	struct topology *t = synthetic(TWO_CHIPLETS);
	json_t *list = topology_nearness(t);
	char *dump = json_dumps(list, JSON_COMPACT);

	(void)state;
	assert_string_equal(dump, "[[0,0,0],[1,0,0],[2,0,0],[3,0,0],[4,1,0],[5,1,0],[6,1,0],[7,1,0]]");
	free(dump);
	json_decref(list);
	topology_free(t);
	t = synthetic(BIG);
	list = topology_nearness(t);
	assert_int_equal(json_array_size(list), 128);
	dump = json_dumps(json_array_get(list, 127), JSON_COMPACT);
	assert_string_equal(dump, "[127,3,3]");
	free(dump);
	json_decref(list);
	topology_free(t);
}

/* ---- every placement on every machine, whole and restricted ------------------------------------------------ */

#define SAVED(name) TEST_SOURCE_DIR "/tests/harness/topologies/" name ".xml"

/* The id of the core that a CPU is in, in topology_map()'s tree; -1: it is in none. */
static int core_in(const json_t *list, int cpu)
{
	json_t *node, *one;
	size_t i, j;

	json_array_foreach (list, i, node) {
		int below = core_in(json_object_get(node, "of"), cpu);

		if (below >= 0)
			return below;
		json_array_foreach (json_object_get(node, "cpus"), j, one)
			if (json_integer_value(one) == cpu)
				return (int)json_integer_value(json_object_get(node, "id"));
	}
	return -1;
}

/* What the CPU shares: level 1 the last-level cache, 2 the memory node. */
static int near(const json_t *nearness, int cpu, size_t level)
{
	json_t *entry;
	size_t i;

	json_array_foreach (nearness, i, entry)
		if (json_integer_value(json_array_get(entry, 0)) == cpu)
			return (int)json_integer_value(json_array_get(entry, level));
	return -1;
}

static bool has(const json_t *list, int cpu)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (json_integer_value(one) == cpu)
			return true;
	return false;
}

static void check_within(const char *what, const cpu_set_t *set, const json_t *allowed)
{
	if (CPU_COUNT(set) == 0)
		fail_msg("%s is empty", what);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, set) && !has(allowed, cpu))
			fail_msg("%s has CPU %d, which is not allowed", what, cpu);
}

/* The claim that the placement makes, pair by pair. */
static void check_claim(const struct topology *t, enum placement p, const cpu_set_t *set)
{
	json_t *map = topology_map(t), *nearness = topology_nearness(t), *tree = json_object_get(map, "tree");
	bool differs = false;

	for (int a = 0; a < CPU_SETSIZE; a++)
		for (int b = 0; b < a; b++) {
			bool one_core;

			if (!CPU_ISSET(a, set) || !CPU_ISSET(b, set) || p == PLACE_FREE)
				continue;
			one_core = core_in(tree, a) == core_in(tree, b);
			if (p == PLACE_SMT)
				assert_true(one_core);
			if (p == PLACE_CACHE || p == PLACE_CROSS)
				assert_false(one_core);
			if (p == PLACE_CACHE)
				assert_int_equal(near(nearness, a, 1), near(nearness, b, 1));
			differs |= near(nearness, a, 1) != near(nearness, b, 1) ||
				   near(nearness, a, 2) != near(nearness, b, 2);
		}
	if (p == PLACE_CROSS)
		assert_true(differs);
	json_decref(map);
	json_decref(nearness);
}

/* Every placement and number of CPUs that there is; how many placements were granted. */
static unsigned check_all(const struct topology *t)
{
	json_t *map = topology_map(t), *allowed = json_object_get(map, "allowed");
	unsigned granted = 0;

	for (int p = PLACE_SAME; p <= PLACE_FREE; p++)
		for (unsigned wanted = 0; wanted <= topology_pus(t); wanted = wanted ? wanted * 2 : 1)
			for (int load = 0; load < 2; load++) {
				struct placed placed;
				cpu_set_t common;
				struct err err = {""};

				if (topology_place(t, (enum placement)p, wanted, load, &placed, &err) != 0) {
					assert_true(strlen(err.why) > 10);
					continue;
				}
				granted++;
				check_within("the subject's set", &placed.subject, allowed);
				check_within("the load's set", &placed.load, allowed);
				check_within("the harness's set", &placed.harness, allowed);
				assert_int_equal(CPU_COUNT(&placed.harness), 1);
				assert_int_equal(placed.workers, CPU_COUNT(&placed.subject));
				if (wanted)
					assert_int_equal(placed.workers, wanted);
				CPU_AND(&common, &placed.subject, &placed.load);
				assert_int_equal(placed.load_is_apart, CPU_COUNT(&common) == 0);
				check_claim(t, (enum placement)p, &placed.subject);
			}
	json_decref(map);
	return granted;
}

static const char *const machines[] = {
	TWO_SOCKETS,         TWO_CPUS,        TWO_CHIPLETS, PRIVATE_CACHES, BIG, "pu:1", "pack:1 core:1 pu:8",
	SAVED("big_little"), SAVED("hybrid"),
};
enum { N_MACHINES = sizeof machines / sizeof *machines };

static void test_all_machines(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MACHINES; i++) {
		struct topology *t = synthetic(machines[i]);

		assert_true(check_all(t) >= 3); /* same and free there are everywhere */
		topology_free(t);
	}
}

/* The same with CPUs taken away: every other one, the first of each three, all but the last. */
static void test_restricted_machines(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MACHINES; i++)
		for (int way = 0; way < 3; way++) {
			struct topology *t = synthetic(machines[i]);
			int n = (int)topology_pus(t);
			struct err err = {""};
			cpu_set_t allowed;

			CPU_ZERO(&allowed);
			for (int cpu = 0; cpu < n; cpu++)
				if (way == 0 ? cpu % 2 == 0 : way == 1 ? cpu % 3 == 0 : cpu < n - 1 || n == 1)
					CPU_SET(cpu, &allowed);
			if (topology_restrict(t, &allowed, &err) != 0)
				fail_msg("%s", err.why);
			assert_int_equal(topology_pus(t), CPU_COUNT(&allowed));
			check_all(t);
			topology_free(t);
		}
}

static struct topology *restricted(const char *description, unsigned long long mask)
{
	struct topology *t = synthetic(description);
	struct err err = {""};
	cpu_set_t allowed;

	CPU_ZERO(&allowed);
	for (int cpu = 0; cpu < 64; cpu++)
		if (mask >> cpu & 1)
			CPU_SET(cpu, &allowed);
	if (topology_restrict(t, &allowed, &err) != 0)
		fail_msg("%s", err.why);
	return t;
}

static void test_restricted(void **state)
{
	struct topology *t = restricted(TWO_SOCKETS, 0xc000); /* both threads of the last core */
	struct err err = {""};
	cpu_set_t none;
	json_t *map;

	(void)state;
	expect(t, PLACE_SMT, 0, false, "14,15", "14,15", "14");
	refuse(t, PLACE_CACHE, 0, false, "no two cores");
	refuse(t, PLACE_CROSS, 0, false, "same as cache here");
	map = topology_map(t);
	assert_int_equal(json_array_size(json_object_get(map, "allowed")), 2);
	assert_int_equal(core_in(json_object_get(map, "tree"), 0), 0); /* what is not allowed is drawn all the same */
	json_decref(map);
	topology_free(t);
	t = restricted(TWO_SOCKETS, 0x0055); /* a thread of each core of the first socket */
	refuse(t, PLACE_SMT, 0, false, "among the allowed CPUs");
	expect(t, PLACE_CACHE, 2, true, "4,6", "2", "0");
	topology_free(t);
	t = restricted(TWO_SOCKETS, 0x0101); /* a core of each socket */
	expect(t, PLACE_CROSS, 2, false, "0,8", "0,8", "0");
	refuse(t, PLACE_CACHE, 0, false, "no two cores");
	topology_free(t);
	t = synthetic(TWO_CPUS);
	CPU_ZERO(&none);
	CPU_SET(9, &none);
	assert_int_equal(topology_restrict(t, &none, &err), -EINVAL);
	topology_free(t);
}

/* Two clusters with an L2 each: cache lies within the larger ones' cluster, cross in both. */
static void test_big_little(void **state)
{
	struct topology *t = synthetic(SAVED("big_little"));
	json_t *map = topology_map(t), *kinds = json_object_get(map, "kinds");

	(void)state;
	expect(t, PLACE_SAME, 0, true, "7", "1,2,3,4,5,6", "0");
	expect(t, PLACE_CACHE, 4, false, "4,5,6,7", "1,2,3", "0");
	expect(t, PLACE_CROSS, 2, false, "3,7", "1,2,4,5,6", "0");
	refuse(t, PLACE_SMT, 0, false, "no SMT siblings");
	assert_int_equal(json_array_size(kinds), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(kinds, 0), "name")), "LITTLE");
	assert_true(has(json_object_get(json_array_get(kinds, 1), "cpus"), 4));
	json_decref(map);
	topology_free(t);
}

/* Last-level caches of two levels: an L2 and an L3, both with hwloc's index 0, are not one. */
static void test_hybrid(void **state)
{
	struct topology *t = synthetic(SAVED("hybrid"));
	json_t *nearness = topology_nearness(t);

	(void)state;
	assert_int_equal(topology_pus(t), 10);
	assert_int_not_equal(near(nearness, 0, 1), near(nearness, 2, 1));
	assert_int_equal(near(nearness, 2, 1), near(nearness, 9, 1));
	expect(t, PLACE_SMT, 0, false, "4,5", "1,2,3,6,7,8,9", "0");
	expect(t, PLACE_CACHE, 0, false, "2,4,6,7,8,9", "1", "0");
	expect(t, PLACE_CROSS, 2, false, "1,9", "2,3,4,5,6,7,8", "0");
	json_decref(nearness);
	topology_free(t);
}

/* This machine with one CPU taken away: it is in the picture, and not among those that may be used. */
static void test_real_map(void **state)
{
	cpu_set_t allowed, one;
	struct topology *t;
	struct err err = {""};
	json_t *map;
	int first = 0, last = CPU_SETSIZE - 1;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
	while (!CPU_ISSET(first, &allowed))
		first++;
	while (!CPU_ISSET(last, &allowed))
		last--;
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
	assert_int_equal(topology_load(&t, &err), 0);
	map = topology_map(t);
	assert_true(json_is_true(json_object_get(map, "is_real")));
	assert_int_equal(json_array_size(json_object_get(map, "allowed")), 1);
	assert_true(has(json_object_get(map, "allowed"), last));
	assert_true(core_in(json_object_get(map, "tree"), first) >= 0);
	json_decref(map);
	topology_free(t);
	assert_int_equal(sched_setaffinity(0, sizeof allowed, &allowed), 0);
}

static void refuse_description(const char *description, int status, const char *because)
{
	struct topology *t;
	struct err err = {""};

	assert_int_equal(topology_synthetic(description, &t, &err), status);
	assert_null(t);
	if (!strstr(err.why, because))
		fail_msg("\"%s\" does not say \"%s\"", err.why, because);
}

static void test_bad_files(void **state)
{
	(void)state;
	refuse_description("/tmp", -EINVAL, "is no topology");
	refuse_description("/dev/zero", -EINVAL, "is no topology");
	refuse_description(TEST_SOURCE_DIR "/README.md", -EINVAL, "topology");
	refuse_description("pack:1000 core:1000 pu:1000", -E2BIG, "more than 1024 CPUs");
	refuse_description("1000 1000 1000", -E2BIG, "more than 1024 CPUs"); /* types may be left out */
	refuse_description("pack:0x1000", -E2BIG, "more than 1024 CPUs");
	refuse_description("pack: -1", -EINVAL, "does not understand");
	refuse_description("pack(:100000", -EINVAL, "does not understand");
	refuse_description("pack[:100000] ", -EINVAL, "does not understand");
	refuse_description(TEST_SOURCE_DIR "/tests/fuzz/corpus/topology/ends-hwloc.xml", -EINVAL, "is no topology");
	refuse_description("/no/such/file.xml", -EINVAL, "no file has that name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_two_cpus),
		cmocka_unit_test(test_one_cpu),
		cmocka_unit_test(test_two_sockets),
		cmocka_unit_test(test_chiplets),
		cmocka_unit_test(test_private_caches),
		cmocka_unit_test(test_big),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_bad_description),
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_cpuset_json),
		cmocka_unit_test(test_nearness),
		cmocka_unit_test(test_all_machines),
		cmocka_unit_test(test_restricted_machines),
		cmocka_unit_test(test_restricted),
		cmocka_unit_test(test_big_little),
		cmocka_unit_test(test_hybrid),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_real_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
