/*
 * topology.c - which CPUs a cell's subject, its load generator and the harness get.
 *
 * A placement is a claim ("these two CPUs share the last-level cache"), so it is either true on this machine or
 * refused with a sentence; nothing falls back silently to something else. hwloc says what shares what. It is loaded
 * so that it shows only the CPUs that this process may use: its default view ignores taskset. It never pins anybody:
 * binding on a topology that is not this machine's succeeds and does nothing, so process.c sets the affinity itself
 * and reads it back.
 *
 * Vocabulary: a PU is what Linux calls a CPU; a core has one PU or several (SMT). A domain is the set of PUs below
 * one object of the level that a placement is about: the last-level cache for `cache`, the package (else the NUMA
 * node, else the last-level cache) for `cross`.
 *
 * Choice. One PU per core, the last cores first: the first CPUs of a machine take most of its interrupts, and the
 * harness lives on the lowest. The choice is a function of the topology and the arguments alone, so a cell gets the
 * same CPUs in every run.
 *
 *   T1  subject, load and harness are never empty and lie within the allowed CPUs.
 *   T2  load_is_apart says whether subject and load are disjoint, computed at the end from the two sets.
 */
#include "harness/measure/measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hwloc.h>

struct pu {
	unsigned cpu; /* Linux's number */
	unsigned core; /* these four: logical index of the object that the PU lies in, unique on the machine */
	unsigned llc; /* last-level cache; where the machine names no caches: the package */
	unsigned numa;
	unsigned package;
};

struct topology {
	/* immutable after loading */
	hwloc_topology_t hwloc;
	bool is_real;
	unsigned n; /* allowed PUs */
	struct pu *pus; /* in hwloc's logical order: neighbours share most */
};

static const char *const names[] = {
	[PLACE_SAME] = "same",   [PLACE_SMT] = "smt",   [PLACE_CACHE] = "cache",
	[PLACE_CROSS] = "cross", [PLACE_FREE] = "free",
};

const char *placement_name(enum placement p)
{
	return names[p];
}

bool placement_parse(const char *name, enum placement *out)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum placement)i;
			return true;
		}
	return false;
}

/* ---- loading ------------------------------------------------------------------------------------------- */

static bool is_data_cache(const hwloc_obj_t obj)
{
	return hwloc_obj_type_is_cache(obj->type) && !hwloc_obj_type_is_icache(obj->type);
}

/* The largest data cache above a PU, or NULL. */
static hwloc_obj_t last_level_cache(hwloc_obj_t pu)
{
	hwloc_obj_t found = NULL;

	for (hwloc_obj_t obj = pu->parent; obj; obj = obj->parent)
		if (is_data_cache(obj))
			found = obj;
	return found;
}

static unsigned index_above(const struct topology *t, hwloc_obj_t pu, hwloc_obj_type_t type, unsigned otherwise)
{
	hwloc_obj_t obj = hwloc_get_ancestor_obj_by_type(t->hwloc, type, pu);

	return obj ? obj->logical_index : otherwise;
}

/* NUMA nodes are not above PUs in hwloc 2: they hang beside them and are found by their CPU sets. */
static unsigned numa_of(const struct topology *t, hwloc_obj_t pu)
{
	hwloc_obj_t node = NULL;

	while ((node = hwloc_get_next_obj_by_type(t->hwloc, HWLOC_OBJ_NUMANODE, node)))
		if (hwloc_bitmap_isset(node->cpuset, pu->os_index))
			return node->logical_index;
	return 0;
}

static int fill_pus(struct topology *t, struct err *err)
{
	int n = hwloc_get_nbobjs_by_type(t->hwloc, HWLOC_OBJ_PU);

	if (n <= 0)
		return err_set(err, -ENODEV, "hwloc found no CPU that this process may use");
	t->pus = calloc((size_t)n, sizeof *t->pus);
	if (!t->pus)
		return err_set(err, -ENOMEM, "no memory for %d CPUs", n);
	for (int i = 0; i < n; i++) {
		hwloc_obj_t pu = hwloc_get_obj_by_type(t->hwloc, HWLOC_OBJ_PU, (unsigned)i);
		hwloc_obj_t llc = last_level_cache(pu);
		struct pu *me = &t->pus[i];

		if (pu->os_index >= CPU_SETSIZE)
			return err_set(err, -E2BIG, "CPU %u: more than %d CPUs are not supported", pu->os_index,
				       CPU_SETSIZE);
		me->cpu = pu->os_index;
		me->package = index_above(t, pu, HWLOC_OBJ_PACKAGE, 0);
		/* A machine without core objects: every PU is one. */
		me->core = index_above(t, pu, HWLOC_OBJ_CORE, pu->logical_index);
		/* Levels differ in their indices, but a machine's last-level caches are of one level. */
		me->llc = llc ? llc->logical_index : me->package;
		me->numa = numa_of(t, pu);
	}
	t->n = (unsigned)n;
	return 0;
}

/* HWLOC_SYNTHETIC or HWLOC_XMLFILE in the environment replace the machine, whatever the flags say: ask the kernel. */
static int check_against_kernel(const struct topology *t, struct err *err)
{
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
		return err_set(err, -errno, "the allowed CPUs cannot be read: %s", strerror(errno));
	for (unsigned i = 0; i < t->n; i++)
		if (!CPU_ISSET(t->pus[i].cpu, &allowed))
			return err_set(err, -EINVAL,
				       "hwloc shows CPU %u, which this process may not use (is HWLOC_SYNTHETIC or "
				       "HWLOC_XMLFILE set?)",
				       t->pus[i].cpu);
	return 0;
}

static int load(const char *synthetic, struct topology **out, struct err *err)
{
	struct topology *t = calloc(1, sizeof *t);
	unsigned long flags = HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM | HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING |
			      HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING;
	int rc;

	*out = NULL;
	if (!t || hwloc_topology_init(&t->hwloc) != 0) {
		free(t);
		return err_set(err, -ENOMEM, "no memory for the topology");
	}
	if (synthetic) {
		rc = hwloc_topology_set_synthetic(t->hwloc, synthetic);
		if (rc != 0) {
			rc = err_set(err, -EINVAL, "hwloc does not understand the topology \"%s\"", synthetic);
			goto fail;
		}
	} else if (hwloc_topology_set_flags(t->hwloc, flags) != 0) {
		rc = err_set(err, -errno, "hwloc refuses the topology's flags: %s", strerror(errno));
		goto fail;
	}
	if (hwloc_topology_load(t->hwloc) != 0) {
		rc = err_set(err, -EIO, "hwloc cannot load the topology: %s", strerror(errno));
		goto fail;
	}
	t->is_real = !synthetic;
	rc = fill_pus(t, err);
	if (rc == 0 && t->is_real)
		rc = check_against_kernel(t, err);
	if (rc != 0)
		goto fail;
	*out = t;
	return 0;
fail:
	topology_free(t);
	return rc;
}

int topology_load(struct topology **out, struct err *err)
{
	return load(NULL, out, err);
}

int topology_synthetic(const char *description, struct topology **out, struct err *err)
{
	return load(description, out, err);
}

void topology_free(struct topology *t)
{
	if (!t)
		return;
	hwloc_topology_destroy(t->hwloc);
	free(t->pus);
	free(t);
}

bool topology_is_real(const struct topology *t)
{
	return t->is_real;
}

unsigned topology_pus(const struct topology *t)
{
	return t->n;
}

/* ---- choosing ------------------------------------------------------------------------------------------ */

typedef unsigned (*level_of)(const struct pu *pu);

static unsigned core_of(const struct pu *pu)
{
	return pu->core;
}

static unsigned llc_of(const struct pu *pu)
{
	return pu->llc;
}

static unsigned numa_index_of(const struct pu *pu)
{
	return pu->numa;
}

static unsigned package_of(const struct pu *pu)
{
	return pu->package;
}

/* Is PU i the first of its core? Choosing only those gives one PU per core. */
static bool leads_its_core(const struct topology *t, unsigned i)
{
	return i == 0 || t->pus[i - 1].core != t->pus[i].core;
}

/* Different values of a level; PUs of one object are neighbours in logical order, but NUMA nodes need not be. */
static unsigned count_domains(const struct topology *t, level_of level)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->n; i++) {
		bool is_new = true;

		for (unsigned j = 0; j < i && is_new; j++)
			is_new = level(&t->pus[j]) != level(&t->pus[i]);
		n += is_new;
	}
	return n;
}

static unsigned cores_in_domain(const struct topology *t, level_of level, unsigned domain)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->n; i++)
		n += leads_its_core(t, i) && level(&t->pus[i]) == domain;
	return n;
}

/* How many CPUs a placement that can have several gives, of `most`; 0 and the sentence when it cannot. */
static unsigned settle_count(enum placement p, unsigned wanted, unsigned most, bool needs_load, struct err *err)
{
	unsigned n = wanted ? wanted : needs_load && most > 1 ? most - 1 : most;

	if (p != PLACE_FREE && n < 2) {
		err_set(err, -ENOTSUP, "placement %s needs two CPUs%s", names[p],
			wanted ? "" : " beside the load generator's, and this machine has not so many");
		return 0;
	}
	if (n > most) {
		err_set(err, -ENOTSUP, "placement %s has %u CPUs here, %u were asked for", names[p], most, n);
		return 0;
	}
	return n;
}

static int place_smt(const struct topology *t, unsigned wanted, cpu_set_t *subject, struct err *err)
{
	if (wanted != 0 && wanted != 2)
		return err_set(err, -ENOTSUP, "placement smt has 2 CPUs, %u were asked for", wanted);
	for (unsigned i = t->n - 1; i > 0; i--) {
		if (t->pus[i].core != t->pus[i - 1].core)
			continue;
		/* With more than two per core: the first two. */
		while (!leads_its_core(t, i - 1))
			i--;
		CPU_SET(t->pus[i].cpu, subject);
		CPU_SET(t->pus[i - 1].cpu, subject);
		return 0;
	}
	return err_set(err, -ENOTSUP, "this machine has no SMT siblings%s",
		       t->n > 1 ? " among the allowed CPUs" : ": there is one CPU");
}

static int place_cache(const struct topology *t, unsigned wanted, bool needs_load, cpu_set_t *subject, struct err *err)
{
	unsigned best = 0, most = 0, n, spare;

	for (unsigned i = 0; i < t->n; i++) {
		unsigned cores = cores_in_domain(t, llc_of, t->pus[i].llc);

		if (cores >= most) { /* of equals the last */
			most = cores;
			best = t->pus[i].llc;
		}
	}
	if (most < 2)
		return err_set(err, -ENOTSUP, "no two cores of this machine share a cache%s",
			       t->n > 1 ? "" : ": there is one CPU");
	/* A CPU outside the domain can be the load generator's as well. */
	spare = count_domains(t, core_of) - most;
	n = settle_count(PLACE_CACHE, wanted, most, needs_load && spare == 0, err);
	if (n == 0)
		return -ENOTSUP;
	for (unsigned i = t->n; i-- > 0 && n > 0;)
		if (t->pus[i].llc == best && leads_its_core(t, i)) {
			CPU_SET(t->pus[i].cpu, subject);
			n--;
		}
	return 0;
}

/* Take the last core that is not taken yet of a domain; false when the domain is used up. */
static bool take_core(const struct topology *t, level_of level, unsigned domain, cpu_set_t *subject)
{
	for (unsigned i = t->n; i-- > 0;)
		if (level(&t->pus[i]) == domain && leads_its_core(t, i) && !CPU_ISSET(t->pus[i].cpu, subject)) {
			CPU_SET(t->pus[i].cpu, subject);
			return true;
		}
	return false;
}

/* Is i the last PU of its domain? Visiting only those visits every domain once. */
static bool ends_its_domain(const struct topology *t, level_of level, unsigned i)
{
	for (unsigned j = i + 1; j < t->n; j++)
		if (level(&t->pus[j]) == level(&t->pus[i]))
			return false;
	return true;
}

static int place_cross(const struct topology *t, unsigned wanted, bool needs_load, cpu_set_t *subject, struct err *err)
{
	static const level_of levels[] = {package_of, numa_index_of, llc_of};
	level_of level = NULL;
	unsigned n;

	for (size_t i = 0; i < sizeof levels / sizeof *levels && !level; i++)
		if (count_domains(t, levels[i]) > 1)
			level = levels[i];
	if (!level)
		return err_set(err, -ENOTSUP,
			       t->n > 1 ? "no two CPUs share less than the last-level cache: cross would be the "
					  "same as cache here"
					: "this machine has one CPU: cross needs two");
	n = settle_count(PLACE_CROSS, wanted, count_domains(t, core_of), needs_load, err);
	if (n == 0)
		return -ENOTSUP;
	/* In turn from each domain, so that any two of them have cores as equal in number as they can. */
	while (n > 0)
		for (unsigned i = t->n; i-- > 0 && n > 0;)
			if (ends_its_domain(t, level, i) && take_core(t, level, level(&t->pus[i]), subject))
				n--;
	return 0;
}

static int place_free(const struct topology *t, unsigned wanted, bool needs_load, cpu_set_t *subject, struct err *err)
{
	unsigned n = settle_count(PLACE_FREE, wanted, t->n, needs_load, err);

	if (n == 0)
		return -ENOTSUP;
	for (unsigned i = t->n; n > 0; n--)
		CPU_SET(t->pus[--i].cpu, subject);
	return 0;
}

/* ---- the others' CPUs ---------------------------------------------------------------------------------- */

/* Is a PU of the same core in the set? */
static bool has_sibling_in(const struct topology *t, const struct pu *pu, const cpu_set_t *set)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->pus[i].core == pu->core && CPU_ISSET(t->pus[i].cpu, set))
			return true;
	return false;
}

static bool has_package_in(const struct topology *t, const struct pu *pu, const cpu_set_t *set)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->pus[i].package == pu->package && CPU_ISSET(t->pus[i].cpu, set))
			return true;
	return false;
}

/* The lowest CPU that shares least with the subject: no core, else no PU, else the lowest of all. */
static unsigned choose_harness(const struct topology *t, const cpu_set_t *subject)
{
	for (unsigned i = 0; i < t->n; i++)
		if (!has_sibling_in(t, &t->pus[i], subject))
			return t->pus[i].cpu;
	for (unsigned i = 0; i < t->n; i++)
		if (!CPU_ISSET(t->pus[i].cpu, subject))
			return t->pus[i].cpu;
	return t->pus[0].cpu;
}

/*
 * The load generator's CPUs: all those of the first of these sets that is not empty. Without the subject's, its
 * siblings' and the harness's, in the subject's package (a generator across sockets would be another experiment); the
 * same anywhere; without the subject's and the harness's; without the subject's; all.
 */
static void choose_load(const struct topology *t, struct placed *out)
{
	for (int step = 0; step < 5; step++) {
		CPU_ZERO(&out->load);
		for (unsigned i = 0; i < t->n; i++) {
			const struct pu *pu = &t->pus[i];

			if ((step < 4 && CPU_ISSET(pu->cpu, &out->subject)) ||
			    (step < 3 && CPU_ISSET(pu->cpu, &out->harness)) ||
			    (step < 2 && has_sibling_in(t, pu, &out->subject)) ||
			    (step < 1 && !has_package_in(t, pu, &out->subject)))
				continue;
			CPU_SET(pu->cpu, &out->load);
		}
		if (CPU_COUNT(&out->load) > 0)
			return;
	}
}

int topology_place(const struct topology *t, enum placement p, unsigned wanted, bool needs_load, struct placed *out,
		   struct err *err)
{
	cpu_set_t common;
	int rc = 0;

	memset(out, 0, sizeof *out);
	switch (p) {
	case PLACE_SAME:
		if (wanted > 1)
			return err_set(err, -ENOTSUP, "placement same has 1 CPU, %u were asked for", wanted);
		CPU_SET(t->pus[t->n - 1].cpu, &out->subject);
		break;
	case PLACE_SMT:
		rc = place_smt(t, wanted, &out->subject, err);
		break;
	case PLACE_CACHE:
		rc = place_cache(t, wanted, needs_load, &out->subject, err);
		break;
	case PLACE_CROSS:
		rc = place_cross(t, wanted, needs_load, &out->subject, err);
		break;
	case PLACE_FREE:
		rc = place_free(t, wanted, needs_load, &out->subject, err);
		break;
	}
	if (rc != 0)
		return rc;
	CPU_SET(choose_harness(t, &out->subject), &out->harness);
	choose_load(t, out);
	out->workers = (unsigned)CPU_COUNT(&out->subject);
	CPU_AND(&common, &out->subject, &out->load);
	out->load_is_apart = CPU_COUNT(&common) == 0; /* T2 */
	return 0;
}

/* ---- as JSON ------------------------------------------------------------------------------------------- */

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
	unsigned cores = count_domains(t, core_of);
	json_t *caches = json_array();

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		hwloc_obj_t obj = NULL;

		while ((obj = hwloc_get_next_obj_by_type(t->hwloc, types[i], obj)))
			add_cache(caches, obj);
	}
	return json_pack("{s:i, s:i, s:i, s:b, s:i, s:o}", "sockets", (int)count_domains(t, package_of), "cores",
			 (int)cores, "pus", (int)t->n, "smt", cores < t->n, "numa_nodes",
			 (int)count_domains(t, numa_index_of), "caches", caches);
}
