/*
 * energy.c - RAPL by /sys/class/powercap, the one interface that all kernels with RAPL have.
 *
 * intel-rapl:0 is a package ("package-0"), intel-rapl:0:1 a part of it ("dram"); AMD's are named alike. Since 2020 the files are
 * root's, because fine readings tell secrets of other processes. What cannot be read is null with its reason, and so is a sum of
 * which one part cannot be read: half of a machine's energy would look like less.
 *
 * Rejected: perf's power/energy-pkg/ (needs privilege for the whole CPU, too, and is not inherited by a process); MSRs (root, and a
 * driver).
 */
#include "harness/measure/energy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure/sysfile.h"

#define POWERCAP "/sys/class/powercap"

enum {
	PACKAGES_MAX = 16, /* numbers are without gaps; of a machine with more sockets there is no sum */
	PARTS_MAX = 8,
};

struct zone {
	char path[64];
	int64_t begin, end, range; /* microjoules; range: the counter goes back to 0 above it */
};

struct energy {
	struct zone zone[PACKAGES_MAX * (PARTS_MAX + 1)];
	size_t n;
	int has_begin, has_end;
	char why[200]; /* "": all is well so far */
};

static const char *const domains[] = {"package", "core", "uncore", "dram", "psys"};

/* "package-0" is the domain package, "dram" the domain dram. */
static int is_of(const char *name, const char *domain)
{
	size_t n = strlen(domain);

	return strncmp(name, domain, n) == 0 && (name[n] == '\0' || name[n] == '-');
}

static void add_zone(struct energy *e, const char *zone, const char *domain)
{
	struct zone *z = &e->zone[e->n];
	char path[128], name[64];

	snprintf(path, sizeof path, POWERCAP "/%s/name", zone);
	if (sysfile_text(path, name, sizeof name) < 0 || !is_of(name, domain))
		return;
	snprintf(z->path, sizeof z->path, POWERCAP "/%s", zone);
	snprintf(path, sizeof path, "%s/max_energy_range_uj", z->path);
	if (sysfile_int(path, &z->range) != 0)
		z->range = 0; /* then a counter that has gone back cannot be told */
	e->n++;
}

struct energy *energy_new(const char *domain, char *why, size_t size)
{
	struct energy *e;
	size_t known = 0;

	while (known < sizeof domains / sizeof *domains && strcmp(domains[known], domain) != 0)
		known++;
	if (known == sizeof domains / sizeof *domains) {
		snprintf(why, size, "no such event: RAPL's are energy:package, core, uncore, dram and psys");
		return NULL;
	}
	e = calloc(1, sizeof *e);
	if (!e) {
		snprintf(why, size, "out of memory");
		return NULL;
	}
	for (int p = 0; p < PACKAGES_MAX; p++) {
		char zone[40];

		snprintf(zone, sizeof zone, "intel-rapl:%d", p);
		add_zone(e, zone, domain);
		for (int k = 0; k < PARTS_MAX; k++) {
			snprintf(zone, sizeof zone, "intel-rapl:%d:%d", p, k);
			add_zone(e, zone, domain);
		}
	}
	if (sysfile_exists(POWERCAP "/intel-rapl:16")) {
		e->n = 0;
		snprintf(e->why, sizeof e->why, "more than %d packages: not all of them would be in the sum",
			 PACKAGES_MAX);
	} else if (e->n == 0 && !sysfile_exists(POWERCAP "/intel-rapl:0"))
		snprintf(e->why, sizeof e->why, "this machine offers no RAPL (no %s; usual in virtual machines)",
			 POWERCAP "/intel-rapl:0");
	else if (e->n == 0)
		snprintf(e->why, sizeof e->why, "this machine's RAPL has no domain %s", domain);
	return e;
}

/* All zones, or none. */
static int read_zones(struct energy *e, int is_end)
{
	for (size_t i = 0; i < e->n; i++) {
		struct zone *z = &e->zone[i];
		char path[128];
		int rc;

		snprintf(path, sizeof path, "%s/energy_uj", z->path);
		rc = sysfile_int(path, is_end ? &z->end : &z->begin);
		if (rc == 0)
			continue;
		if (rc == -EACCES || rc == -EPERM)
			snprintf(e->why, sizeof e->why, "not permitted: %s is for root only", path);
		else
			snprintf(e->why, sizeof e->why, "%s cannot be read: %s", path, strerror(-rc));
		return 0;
	}
	return e->n > 0;
}

void energy_begin(struct energy *e)
{
	if (!e)
		return;
	e->has_begin = read_zones(e, 0);
	e->has_end = 0;
}

void energy_end(struct energy *e)
{
	if (e)
		e->has_end = read_zones(e, 1);
}

int64_t energy_result(const struct energy *e, const char **why)
{
	int64_t sum = 0;

	*why = NULL;
	if (!e->has_begin || !e->has_end) {
		*why = e->why[0] ? e->why : "not read at both ends of the region";
		return 0;
	}
	for (size_t i = 0; i < e->n; i++) {
		const struct zone *z = &e->zone[i];
		int64_t used = z->end - z->begin;

		if (used < 0)
			used += z->range;
		if (used < 0) {
			*why = "the counter went back, and its range is not told";
			return 0;
		}
		sum += used;
	}
	return sum;
}

void energy_free(struct energy *e)
{
	free(e);
}
