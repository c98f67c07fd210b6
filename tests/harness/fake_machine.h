/*
 * fake_machine.h - for tests: a made-up machine, as files below a directory that harness/measure takes for the root.
 */
#ifndef FAKE_MACHINE_H
#define FAKE_MACHINE_H

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/measure/measure.h"
#include "harness/measure/sysfile.h"

/* Included behind cmocka.h, which wants its own headers first. */
static char fake[] = "/tmp/switchyard-machine-XXXXXX"; /* the made-up machine's root, made once */
static struct topology *topology;

/* ---- making machines up -------------------------------------------------------------------------------- */

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof full, "%s%s", fake, path);
	for (char *slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(full, 0755) != 0 && errno != EEXIST)
			fail_msg("cannot make %s: %s", full, strerror(errno));
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline int make_fake(void **state)
{
	struct err err;

	(void)state;
	if (!mkdtemp(fake) || topology_load(&topology, &err) != 0)
		return -1;
	return 0;
}

static inline int remove_fake(void **state)
{
	(void)state;
	topology_free(topology);
	return nftw(fake, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline int use_fake(void **state)
{
	(void)state;
	sysfile_root(fake);
	return 0;
}

/* Empty the made-up machine and go back to the real one. */
static inline int leave_fake(void **state)
{
	(void)state;
	sysfile_root("");
	return nftw(fake, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0 ? mkdir(fake, 0755) : -1;
}

#define WITH_FAKE(f) cmocka_unit_test_setup_teardown(f, use_fake, leave_fake)

#endif
