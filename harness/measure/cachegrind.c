/*
 * cachegrind.c - see cachegrind.h.
 *
 * Why cachegrind and not callgrind: callgrind could be told from inside the subject where the region is (client requests), but
 * keeps a stack of calls for each thread, which switches of goroutines turn into nonsense; and a foreign subject would have to be
 * built with its header. The region is found from outside instead: a process is run twice, the second time with twice the
 * work, and the difference is what the work took (harness/plan/simulate.h). Cachegrind has what remains, totals.
 *
 * Versions differ: from 3.21 on the caches are off unless asked for, older ones know the option as well.
 */
#include "harness/measure/cachegrind.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build_info.h"
#include "harness/measure/sysfile.h"
#include "harness/measure/internal.h"

/* Where hwloc does not know a cache, which virtual machines may hide: usual sizes, and the records say that they are not the machine's. */
static const struct cache_shape usual_l1 = {.bytes = 32 * 1024, .ways = 8, .line_bytes = 64};
static const struct cache_shape usual_ll = {.bytes = 8 * 1024 * 1024, .ways = 16, .line_bytes = 64};

/* ---- the caches ---------------------------------------------------------------------------------------- */

static int64_t power_of_two_below(int64_t v)
{
	int64_t p = 1;

	while (p <= v / 2)
		p *= 2;
	return p;
}

struct cache_shape cachegrind_round(struct cache_shape machine, struct cache_shape otherwise)
{
	struct cache_shape s = machine;
	int64_t sets;

	if (s.bytes <= 0)
		return otherwise;
	/* 0: not told; -1: fully associative, which takes cachegrind as long as there are lines for each reference. */
	if (s.ways <= 0 || s.ways > 64)
		s.ways = otherwise.ways;
	if (s.line_bytes < 16 || power_of_two_below(s.line_bytes) != s.line_bytes)
		s.line_bytes = otherwise.line_bytes;
	sets = s.bytes / (s.line_bytes * s.ways);
	if (sets < 1)
		return otherwise;
	sets = power_of_two_below(sets);
	s.ways = (int)(s.bytes / (s.line_bytes * sets));
	s.bytes = sets * s.ways * s.line_bytes;
	return s;
}

static void choose_cache(struct cachegrind_cache *c, bool is_known, struct cache_shape otherwise, const char *name,
			 char option[64])
{
	if (!is_known)
		c->machine = (struct cache_shape){0};
	c->simulated = cachegrind_round(c->machine, otherwise);
	snprintf(option, 64, "--%s=%" PRId64 ",%d,%d", name, c->simulated.bytes, c->simulated.ways,
		 c->simulated.line_bytes);
}

static json_t *cache_json(const struct cachegrind_cache *c)
{
	return json_pack("{s:I, s:i, s:i, s:o}", "bytes", (json_int_t)c->simulated.bytes, "ways", c->simulated.ways,
			 "line_bytes", c->simulated.line_bytes, "machine_bytes",
			 c->machine.bytes > 0 ? json_integer((json_int_t)c->machine.bytes) : json_null());
}

json_t *cachegrind_caches_json(const struct cachegrind *c)
{
	return json_pack("{s:o, s:o, s:o}", "i1", cache_json(&c->i1), "d1", cache_json(&c->d1), "ll",
			 cache_json(&c->ll));
}

/* ---- the program --------------------------------------------------------------------------------------- */

static bool ask_version(const char *path, char *out, size_t size)
{
	char *command = NULL;
	FILE *f;
	bool ok;

	if (asprintf(&command, "'%s' --version 2>/dev/null", path) < 0)
		return false;
	f = strchr(path, '\'') ? NULL : popen(command, "re");
	free(command);
	if (!f)
		return false;
	ok = fgets(out, (int)size, f) != NULL;
	ok = pclose(f) == 0 && ok;
	out[strcspn(out, "\n")] = '\0';
	return ok;
}

int cachegrind_new(const struct topology *t, unsigned cpu, struct cachegrind *out, struct err *err)
{
	memset(out, 0, sizeof *out);
	if (BUILD_SANITIZE[0])
		return err_set(err, -ENOTSUP, "this build has the sanitizer %s, and valgrind cannot run its subjects",
			       BUILD_SANITIZE);
	if (!machine_program("valgrind", out->path, sizeof out->path))
		return err_set(err, -ENOENT,
			       "caches are simulated by valgrind, which is not on the PATH (apt-get install valgrind)");
	if (!ask_version(out->path, out->version, sizeof out->version))
		return err_set(err, -ENOENT, "%.300s is no valgrind: it does not tell its version", out->path);
	choose_cache(&out->i1, topology_cache(t, cpu, CACHE_I1, &out->i1.machine), usual_l1, "I1", out->options[0]);
	choose_cache(&out->d1, topology_cache(t, cpu, CACHE_D1, &out->d1.machine), usual_l1, "D1", out->options[1]);
	choose_cache(&out->ll, topology_cache(t, cpu, CACHE_LL, &out->ll.machine), usual_ll, "LL", out->options[2]);
	return 0;
}

void cachegrind_argv(const struct cachegrind *c, const char *out_option, const char *threads_option,
		     const char *subject, const char *argv[CACHEGRIND_ARGS])
{
	/* Fair scheduling: a thread that spins would keep valgrind's one lock, and the one that it waits for from running. */
	const char *const all[] = {c->path,
				   "--tool=cachegrind",
				   "-q",
				   "--fair-sched=try",
				   "--cache-sim=yes",
				   "--branch-sim=no",
				   c->options[0],
				   c->options[1],
				   c->options[2],
				   out_option,
				   threads_option,
				   subject,
				   "--run",
				   NULL};

	_Static_assert(sizeof all / sizeof *all <= CACHEGRIND_ARGS, "room for the command");
	memcpy(argv, all, sizeof all);
}

/* ---- what it wrote ------------------------------------------------------------------------------------- */

/* The number in the summary that stands where `event` stands among the events; -1: it has none. */
static int64_t count_of(const char *events, const char *summary, const char *event)
{
	size_t n = strlen(event);

	while (*events == ' ' || *summary == ' ')
		events += *events == ' ', summary += *summary == ' ';
	while (*events && *events != '\n' && *summary && *summary != '\n') {
		size_t word = strcspn(events, " \n");
		char *end;
		long long v = strtoll(summary, &end, 10);

		if (end == summary)
			return -1;
		if (word == n && strncmp(events, event, n) == 0)
			return v;
		events += word + strspn(events + word, " ");
		summary = end + strspn(end, " ");
	}
	return -1;
}

/* The text behind `key` at the start of a line, or NULL. */
static const char *line_of(const char *text, const char *key)
{
	size_t n = strlen(key);

	while (text && strncmp(text, key, n) != 0) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text ? text + n : NULL;
}

int cachegrind_read(const char *path, json_t **out, struct err *err)
{
	static const struct {
		const char *name, *events[3];
	} wanted[] = {{"instructions", {"Ir"}},
		      {"data_refs", {"Dr", "Dw"}},
		      {"i1_misses", {"I1mr"}},
		      {"d1_misses", {"D1mr", "D1mw"}},
		      {"ll_misses", {"ILmr", "DLmr", "DLmw"}}};
	size_t len;
	char *text = sysfile_all(path, &len);
	const char *events = line_of(text, "events:"), *summary = line_of(text, "summary:");
	int rc = 0;

	*out = NULL;
	if (!text)
		return err_set(err, -ENOENT,
			       "cachegrind wrote nothing: did the subject end in another way than by exit?");
	if (!events || !summary)
		rc = err_set(err, -EBADMSG, "cachegrind's file has no events and summary: it was cut off");
	*out = rc ? NULL : json_object();
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted && rc == 0; i++) {
		int64_t sum = 0;

		for (size_t k = 0; k < 3 && wanted[i].events[k] && rc == 0; k++) {
			int64_t v = count_of(events, summary, wanted[i].events[k]);

			if (v < 0)
				rc = err_set(err, -EBADMSG, "cachegrind's file does not tell %s", wanted[i].events[k]);
			else if (__builtin_add_overflow(sum, v, &sum))
				rc = err_set(err, -EBADMSG, "cachegrind's file tells more %s than there can be",
					     wanted[i].name);
		}
		json_object_set_new(*out, wanted[i].name, json_integer((json_int_t)sum));
	}
	if (rc) {
		json_decref(*out);
		*out = NULL;
	}
	free(text);
	return rc;
}
