/*
 * topology_map.c - what a topology looks like, as JSON: for run.json, for schedulers that ask what is near, and for whoever
 * draws it (harness/report/topology_*.c), who then needs neither hwloc nor the machine.
 *
 * The tree is hwloc's with what a reader would skip left out: levels that hold one core each (private caches are told in
 * the list `caches`, by kind), groups, and devices. Memory nodes hang beside CPUs in hwloc; here a node stands around the
 * CPUs that it is local to. CPUs that the process may not use are in the tree and not in `allowed`, so that a picture
 * shows what a cgroup or taskset takes away.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure/measure.h"
#include "harness/measure/topology_internal.h"

json_t *cpuset_json(const cpu_set_t *set)
{
	json_t *list = json_array();

	for (int cpu = 0; cpu < CPU_SETSIZE && list; cpu++)
		if (CPU_ISSET(cpu, set))
			json_array_append_new(list, json_integer(cpu));
	return list;
}

json_t *topology_nearness(const struct topology *t)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < t->n && list; i++)
		json_array_append_new(
			list, json_pack("[i, i, i]", (int)t->pus[i].cpu, (int)t->pus[i].llc, (int)t->pus[i].numa));
	return list;
}

/* ---- summary ------------------------------------------------------------------------------------------- */

static const char *cache_type(hwloc_obj_t obj)
{
	if (hwloc_obj_type_is_icache(obj->type))
		return "instruction";
	return obj->attr->cache.type == HWLOC_OBJ_CACHE_UNIFIED ? "unified" : "data";
}

/* Caches of one kind are one entry with their number. */
static void add_cache(json_t *list, hwloc_obj_t obj)
{
	int shared_by = hwloc_bitmap_weight(obj->cpuset);
	json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry) {
		if (json_integer_value(json_object_get(entry, "level")) == (json_int_t)obj->attr->cache.depth &&
		    strcmp(json_string_value(json_object_get(entry, "type")), cache_type(obj)) == 0 &&
		    json_integer_value(json_object_get(entry, "bytes")) == (json_int_t)obj->attr->cache.size &&
		    json_integer_value(json_object_get(entry, "shared_by")) == shared_by) {
			json_t *count = json_object_get(entry, "count");

			json_integer_set(count, json_integer_value(count) + 1);
			return;
		}
	}
	json_array_append_new(list,
			      json_pack("{s:i, s:s, s:I, s:i, s:i, s:i}", "level", (int)obj->attr->cache.depth, "type",
					cache_type(obj), "bytes", (json_int_t)obj->attr->cache.size, "shared_by",
					shared_by, "count", 1, "line_bytes", (int)obj->attr->cache.linesize));
}

json_t *topology_json(const struct topology *t)
{
	static const hwloc_obj_type_t types[] = {HWLOC_OBJ_L1CACHE,  HWLOC_OBJ_L1ICACHE, HWLOC_OBJ_L2CACHE,
						 HWLOC_OBJ_L2ICACHE, HWLOC_OBJ_L3CACHE,  HWLOC_OBJ_L4CACHE};
	unsigned cores = topology_count_domains(t, core_of);
	json_t *caches = json_array();

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		hwloc_obj_t obj = NULL;

		while ((obj = hwloc_get_next_obj_by_type(t->hwloc, types[i], obj)))
			add_cache(caches, obj);
	}
	return json_pack("{s:i, s:i, s:i, s:b, s:i, s:o}", "sockets", (int)topology_count_domains(t, package_of),
			 "cores", (int)cores, "pus", (int)t->n, "smt", cores < t->n, "numa_nodes",
			 (int)topology_count_domains(t, numa_index_of), "caches", caches);
}

/* ---- the tree ------------------------------------------------------------------------------------------ */

static json_t *bitmap_json(hwloc_const_bitmap_t set)
{
	json_t *list = json_array();
	int cpu;

	for (cpu = hwloc_bitmap_first(set); cpu >= 0; cpu = hwloc_bitmap_next(set, cpu))
		json_array_append_new(list, json_integer(cpu));
	return list;
}

static bool is_core(hwloc_topology_t hwloc, hwloc_obj_t obj)
{
	/* A PU that is in no core is one. */
	return obj->type == HWLOC_OBJ_CORE ||
	       (obj->type == HWLOC_OBJ_PU && !hwloc_get_ancestor_obj_by_type(hwloc, HWLOC_OBJ_CORE, obj));
}

static unsigned count_cores(hwloc_topology_t hwloc, hwloc_obj_t obj)
{
	unsigned n = 0;

	if (is_core(hwloc, obj))
		return 1;
	for (hwloc_obj_t child = obj->first_child; child; child = child->next_sibling)
		n += count_cores(hwloc, child);
	return n;
}

static json_t *core_json(hwloc_obj_t obj)
{
	return json_pack("{s:s, s:i, s:o}", "type", "core", "id", (int)obj->logical_index, "cpus",
			 bitmap_json(obj->cpuset));
}

/* What the object itself is in the picture; NULL: nothing, its children stand for it. */
static json_t *node_json(hwloc_topology_t hwloc, hwloc_obj_t obj)
{
	switch (obj->type) {
	case HWLOC_OBJ_PACKAGE:
		return json_pack("{s:s, s:i}", "type", "package", "id", (int)obj->logical_index);
	case HWLOC_OBJ_DIE:
		return json_pack("{s:s, s:i}", "type", "die", "id", (int)obj->logical_index);
	case HWLOC_OBJ_L1CACHE:
	case HWLOC_OBJ_L2CACHE:
	case HWLOC_OBJ_L3CACHE:
	case HWLOC_OBJ_L4CACHE:
	case HWLOC_OBJ_L5CACHE:
		if (count_cores(hwloc, obj) < 2)
			return NULL;
		return json_pack("{s:s, s:i, s:i, s:I}", "type", "cache", "id", (int)obj->logical_index, "level",
				 (int)obj->attr->cache.depth, "bytes", (json_int_t)obj->attr->cache.size);
	default:
		return NULL;
	}
}

/* The memory nodes that are local to the object and to none below it; NULL: none. */
static json_t *memory_json(hwloc_obj_t obj)
{
	json_t *ids = json_array();
	uint64_t bytes = 0;
	int n = 0;

	for (hwloc_obj_t m = obj->memory_first_child; m; m = m->next_sibling) {
		hwloc_obj_t node = m;

		while (node && node->type != HWLOC_OBJ_NUMANODE) /* a cache in front of the memory */
			node = node->memory_first_child;
		if (!node)
			continue;
		json_array_append_new(ids, json_integer((json_int_t)node->os_index));
		bytes += node->attr->numanode.local_memory;
		n++;
	}
	if (n)
		return json_pack("{s:s, s:o, s:I}", "type", "numa", "ids", ids, "bytes", (json_int_t)bytes);
	json_decref(ids);
	return NULL;
}

static void add_object(hwloc_topology_t hwloc, hwloc_obj_t obj, json_t *siblings)
{
	json_t *node, *inner = siblings;
	json_t *levels[2];

	if (is_core(hwloc, obj)) {
		json_array_append_new(siblings, core_json(obj));
		return;
	}
	levels[0] = node_json(hwloc, obj);
	levels[1] = memory_json(obj);
	for (int i = 0; i < 2; i++) {
		node = levels[i];
		if (!node)
			continue;
		json_array_append_new(inner, node);
		inner = json_array();
		json_object_set_new(node, "of", inner);
	}
	for (hwloc_obj_t child = obj->first_child; child; child = child->next_sibling)
		add_object(hwloc, child, inner);
}

/* CPUs of one kind each, where there are several kinds; the slowest first where the machine tells. */
static json_t *kinds_json(hwloc_topology_t hwloc)
{
	int n = hwloc_cpukinds_get_nr(hwloc, 0);
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	json_t *list = json_array();

	for (int i = 0; i < n && n > 1 && set; i++) {
		struct hwloc_info_s *infos = NULL;
		unsigned n_infos = 0;
		const char *name = NULL;

		if (hwloc_cpukinds_get_info(hwloc, (unsigned)i, set, NULL, &n_infos, &infos, 0) != 0)
			continue;
		for (unsigned k = 0; k < n_infos; k++)
			if (strcmp(infos[k].name, "CoreType") == 0)
				name = infos[k].value;
		json_array_append_new(list, json_pack("{s:s?, s:o}", "name", name, "cpus", bitmap_json(set)));
	}
	hwloc_bitmap_free(set);
	return list;
}

json_t *topology_map(const struct topology *t)
{
	hwloc_topology_t whole = t->whole, own = NULL;
	json_t *tree = json_array(), *allowed, *kinds;
	cpu_set_t set;

	if (t->is_real && topology_load_whole(&own) == 0)
		whole = own;
	if (!whole)
		whole = t->hwloc;
	CPU_ZERO(&set);
	for (unsigned i = 0; i < t->n; i++)
		CPU_SET(t->pus[i].cpu, &set);
	allowed = cpuset_json(&set);
	add_object(whole, hwloc_get_root_obj(whole), tree);
	kinds = kinds_json(whole);
	if (own)
		hwloc_topology_destroy(own);
	return json_pack("{s:b, s:o, s:o, s:o}", "is_real", t->is_real, "allowed", allowed, "kinds", kinds, "tree",
			 tree);
}

json_t *topology_placements(const struct topology *t, unsigned wanted, bool needs_load)
{
	json_t *list = json_array();

	for (int p = PLACE_SAME; p <= PLACE_FREE; p++) {
		const char *name = placement_name((enum placement)p);
		struct err err = {""};
		struct placed placed;

		if (topology_place(t, (enum placement)p, wanted, needs_load, &placed, &err) < 0)
			json_array_append_new(list, json_pack("{s:s, s:s}", "placement", name, "why", err.why));
		else
			json_array_append_new(
				list, json_pack("{s:s, s:n, s:i, s:o, s:o, s:o, s:b}", "placement", name, "why",
						"workers", (int)placed.workers, "cpus", cpuset_json(&placed.subject),
						"load_cpus", cpuset_json(&placed.load), "harness_cpus",
						cpuset_json(&placed.harness), "load_is_apart", placed.load_is_apart));
	}
	return list;
}
