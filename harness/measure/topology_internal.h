/*
 * topology_internal.h - what topology.c (choosing CPUs) and topology_map.c (telling others what there is) share.
 */
#ifndef TOPOLOGY_INTERNAL_H
#define TOPOLOGY_INTERNAL_H

#include <stdbool.h>

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
	hwloc_topology_t hwloc; /* the allowed CPUs */
	hwloc_topology_t whole; /* with those that are not allowed; NULL: made up and not restricted, so all are */
	bool is_real;
	unsigned n; /* allowed PUs */
	struct pu *pus; /* in hwloc's logical order: neighbours share most */
};

typedef unsigned (*level_of)(const struct pu *pu);

static inline unsigned core_of(const struct pu *pu)
{
	return pu->core;
}

static inline unsigned llc_of(const struct pu *pu)
{
	return pu->llc;
}

static inline unsigned numa_index_of(const struct pu *pu)
{
	return pu->numa;
}

static inline unsigned package_of(const struct pu *pu)
{
	return pu->package;
}

/* Different values of a level. */
unsigned topology_count_domains(const struct topology *t, level_of level);

/* hwloc's view of this machine with the CPUs that this process may not use; 0 or a negative errno. */
int topology_load_whole(hwloc_topology_t *out);

#endif
