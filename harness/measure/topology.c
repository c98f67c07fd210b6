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
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "build_info.h"
#include "harness/measure/measure.h"
#include "harness/measure/topology_internal.h"

/* For a file of the user's; what lstopo writes of a thousand CPUs takes a hundredth of it. */
enum { XML_LIMIT_S = 5, XML_LIMIT_BYTES = 1 << 30 };

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

bool topology_cache(const struct topology *t, unsigned cpu, enum cache_kind kind, struct cache_shape *out)
{
	hwloc_obj_t pu = hwloc_get_pu_obj_by_os_index(t->hwloc, cpu), obj = NULL;

	if (!pu)
		return false;
	if (kind == CACHE_LL)
		obj = last_level_cache(pu);
	else
		obj = hwloc_get_ancestor_obj_by_type(t->hwloc,
						     kind == CACHE_I1 ? HWLOC_OBJ_L1ICACHE : HWLOC_OBJ_L1CACHE, pu);
	if (!obj || obj->attr->cache.size == 0)
		return false;
	*out = (struct cache_shape){.bytes = (int64_t)obj->attr->cache.size,
				    .ways = obj->attr->cache.associativity,
				    .line_bytes = (int)obj->attr->cache.linesize};
	return true;
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

/*
 * What counts as PU i's last-level cache, with the PUs before it known: a number per object, in order of appearance.
 * hwloc's own indices count within a level, and a hybrid machine may have last-level caches of two levels.
 */
static unsigned number_llc(const struct topology *t, unsigned i, hwloc_obj_t *above)
{
	hwloc_obj_t pu = hwloc_get_obj_by_type(t->hwloc, HWLOC_OBJ_PU, i);
	unsigned next = 0;

	above[i] = last_level_cache(pu);
	if (!above[i])
		above[i] = hwloc_get_ancestor_obj_by_type(t->hwloc, HWLOC_OBJ_PACKAGE, pu);
	for (unsigned j = 0; j < i; j++) {
		if (above[j] == above[i])
			return t->pus[j].llc;
		if (t->pus[j].llc >= next)
			next = t->pus[j].llc + 1;
	}
	return next;
}

static int fill_pus(struct topology *t, struct err *err)
{
	int n = hwloc_get_nbobjs_by_type(t->hwloc, HWLOC_OBJ_PU);
	hwloc_obj_t above[CPU_SETSIZE];

	if (n <= 0)
		return err_set(err, -ENODEV, "hwloc found no CPU that this process may use");
	if (n > CPU_SETSIZE)
		return err_set(err, -E2BIG, "%d CPUs: more than %d are not supported", n, CPU_SETSIZE);
	t->pus = calloc((size_t)n, sizeof *t->pus);
	if (!t->pus)
		return err_set(err, -ENOMEM, "no memory for %d CPUs", n);
	for (int i = 0; i < n; i++) {
		hwloc_obj_t pu = hwloc_get_obj_by_type(t->hwloc, HWLOC_OBJ_PU, (unsigned)i);
		struct pu *me = &t->pus[i];

		if (pu->os_index >= CPU_SETSIZE)
			return err_set(err, -E2BIG, "CPU %u: more than %d CPUs are not supported", pu->os_index,
				       CPU_SETSIZE);
		me->cpu = pu->os_index;
		me->package = index_above(t, pu, HWLOC_OBJ_PACKAGE, 0);
		/* A machine without core objects: every PU is one. */
		me->core = index_above(t, pu, HWLOC_OBJ_CORE, pu->logical_index);
		me->llc = number_llc(t, (unsigned)i, above);
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

/*
 * A description's CPUs, or more: the product of the numbers of its levels, what stands in brackets aside. hwloc would build a
 * machine of a billion CPUs before it could be asked how many they are. HUGE_VAL where hwloc might read a number where none is
 * seen here: behind a sign, or with a bracket where none belongs.
 */
static double described_cpus(const char *text)
{
	double product = 1;
	char *end;

	for (const char *p = text; *p;) {
		bool is_in_word = p > text && isalnum((unsigned char)p[-1]); /* "L2", and behind a number "4(size=1)" */

		if (*p == '-' || *p == '+')
			return HUGE_VAL;
		if (*p == '(' || *p == '[') {
			if (p > text && !isdigit((unsigned char)p[-1]) && !strchr(" \n)]", p[-1]))
				return HUGE_VAL;
			p = strchr(p, *p == '(' ? ')' : ']');
			if (!p)
				return HUGE_VAL;
			p++;
		} else if (isdigit((unsigned char)*p) && !is_in_word) {
			product *= strtod(p, &end);
			p = end;
		} else {
			p++;
		}
	}
	return product;
}

/*
 * hwloc trusts its XML: a file that is wrong can end the process or keep it forever, so a child reads it first, and checks what
 * came of it. Whether it got through.
 */
static bool try_xml(hwloc_topology_t hwloc, const char *path)
{
	const struct rlimit cpu = {XML_LIMIT_S, XML_LIMIT_S}, memory = {XML_LIMIT_BYTES, XML_LIMIT_BYTES},
			    core = {0, 0};
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		static const int ends[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
		int null = open("/dev/null", O_WRONLY);

		for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) /* a handler could go on, in two processes */
			(void)signal(ends[i], SIG_DFL);
		if (null >= 0)
			(void)dup2(null, STDERR_FILENO);
		(void)setrlimit(RLIMIT_CPU, &cpu);
		(void)setrlimit(RLIMIT_CORE, &core);
		if (!BUILD_SANITIZE[0]) /* sanitizers reserve more than any machine has */
			(void)setrlimit(RLIMIT_AS, &memory);
		if (hwloc_topology_set_xml(hwloc, path) != 0 || hwloc_topology_load(hwloc) != 0)
			_exit(1);
		hwloc_topology_check(hwloc); /* asserts */
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0;
}

/* A regular file is XML as lstopo writes it; anything else is a description. */
static int describe(hwloc_topology_t hwloc, const char *text, struct err *err)
{
	struct stat st;
	double cpus;

	if (stat(text, &st) == 0) {
		if (!S_ISREG(st.st_mode) || !try_xml(hwloc, text) || hwloc_topology_set_xml(hwloc, text) != 0)
			return err_set(err, -EINVAL, "%.300s is no topology: hwloc reads XML as lstopo writes it",
				       text);
		return 0;
	}
	cpus = described_cpus(text);
	if (isfinite(cpus) && cpus > CPU_SETSIZE)
		return err_set(err, -E2BIG, "\"%.200s\" has more than %d CPUs", text, CPU_SETSIZE);
	if (!isfinite(cpus) || hwloc_topology_set_synthetic(hwloc, text) != 0)
		return err_set(err, -EINVAL,
			       "hwloc does not understand the topology \"%.200s\", and no file has that name", text);
	return 0;
}

/* A topology with these flags; of this machine where there is no description. */
static int load_hwloc(const char *description, unsigned long flags, hwloc_topology_t *out, struct err *err)
{
	int rc = 0;

	*out = NULL;
	if (hwloc_topology_init(out) != 0)
		return err_set(err, -ENOMEM, "no memory for the topology");
	/* Left out by default. What is not there is no error. */
	(void)hwloc_topology_set_icache_types_filter(*out, HWLOC_TYPE_FILTER_KEEP_ALL);
	if (description)
		rc = describe(*out, description, err);
	else if (hwloc_topology_set_flags(*out, flags) != 0)
		rc = err_set(err, -errno, "hwloc refuses the topology's flags: %s", strerror(errno));
	if (rc == 0 && hwloc_topology_load(*out) != 0)
		rc = err_set(err, description ? -EINVAL : -EIO, "hwloc cannot load the topology%s%.200s: %s",
			     description ? " " : "", description ? description : "", strerror(errno));
	if (rc == 0)
		return 0;
	hwloc_topology_destroy(*out);
	*out = NULL;
	return rc;
}

int topology_load_whole(hwloc_topology_t *out)
{
	return load_hwloc(NULL,
			  HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM | HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED |
				  HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING,
			  out, NULL);
}

static int load(const char *description, struct topology **out, struct err *err)
{
	struct topology *t = calloc(1, sizeof *t);
	unsigned long flags = HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM | HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING |
			      HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING;
	int rc;

	*out = NULL;
	if (!t)
		return err_set(err, -ENOMEM, "no memory for the topology");
	rc = load_hwloc(description, flags, &t->hwloc, err);
	t->is_real = !description;
	if (rc == 0)
		rc = fill_pus(t, err);
	if (rc == 0 && t->is_real)
		rc = check_against_kernel(t, err);
	if (rc == 0)
		*out = t;
	else
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

int topology_restrict(struct topology *t, const cpu_set_t *allowed, struct err *err)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	int rc = 0;

	if (t->is_real || t->whole || !set)
		rc = err_set(err, set ? -EINVAL : -ENOMEM, "only a made-up topology is restricted, and once");
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && rc == 0; cpu++)
		if (CPU_ISSET(cpu, allowed))
			hwloc_bitmap_set(set, cpu);
	if (rc == 0 && hwloc_topology_dup(&t->whole, t->hwloc) != 0)
		rc = err_set(err, -ENOMEM, "no memory for the topology");
	if (rc == 0 && hwloc_topology_restrict(t->hwloc, set, 0) != 0)
		rc = err_set(err, -EINVAL, "none of its CPUs is allowed");
	hwloc_bitmap_free(set);
	if (rc)
		return rc;
	free(t->pus);
	t->pus = NULL;
	return fill_pus(t, err);
}

void topology_free(struct topology *t)
{
	if (!t)
		return;
	if (t->hwloc)
		hwloc_topology_destroy(t->hwloc);
	if (t->whole)
		hwloc_topology_destroy(t->whole);
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

/* Is PU i the first of its core? Choosing only those gives one PU per core. */
static bool leads_its_core(const struct topology *t, unsigned i)
{
	return i == 0 || t->pus[i - 1].core != t->pus[i].core;
}

/* PUs of one object are neighbours in logical order, but NUMA nodes need not be. */
unsigned topology_count_domains(const struct topology *t, level_of level)
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
	spare = topology_count_domains(t, core_of) - most;
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
		if (topology_count_domains(t, levels[i]) > 1)
			level = levels[i];
	if (!level)
		return err_set(err, -ENOTSUP,
			       t->n > 1 ? "no two CPUs share less than the last-level cache: cross would be the "
					  "same as cache here"
					: "this machine has one CPU: cross needs two");
	n = settle_count(PLACE_CROSS, wanted, topology_count_domains(t, core_of), needs_load, err);
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
