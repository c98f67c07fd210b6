/*
 * fakes.h - for tests: a folder of subjects that are links to fake_subject under names that say how they behave.
 */
#ifndef FAKES_H
#define FAKES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/plan/session.h"

#define FAKE_BINARY TEST_BINARY_DIR "/tests/fake_subject"
#define FAKE_SERVER TEST_BINARY_DIR "/tests/fake_server"

/* A new folder; removed by session_remove_tree. */
static inline void fakes_folder(char *path, size_t size)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(path, size, "%s/switchyard-test-XXXXXX", tmp && *tmp ? tmp : "/var/tmp");
	if (!mkdtemp(path))
		abort();
}

static inline void fakes_link(const char *folder, const char *binary, const char *way)
{
	char path[512];

	snprintf(path, sizeof path, "%s/subject-%s", folder, way);
	if (symlink(binary, path) < 0)
		abort();
}

static inline void fakes_add(const char *folder, const char *way)
{
	fakes_link(folder, FAKE_BINARY, way);
}

#endif
