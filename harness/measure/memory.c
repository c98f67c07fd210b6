/*
 * memory.c - what a process costs in memory, seen from outside: all of it, the kernel's share too.
 *
 * A thread costs a stack in its process, a kernel stack, page tables and slab objects; a goroutine costs none of the
 * last three. RSS alone would hide the difference that a reader wants to see. RSS and page tables are the process's
 * own; kernel stacks and slab are known for the whole machine only, and are read as differences after they have come
 * to rest.
 *
 * Facts that decided the form. VmRSS lags: the kernel batches it per CPU, by up to 64 pages each; smaps_rollup walks
 * the page tables and is exact. Stacks of ended threads are given back after a grace period, and the slab is refilled
 * in batches: hence the wait. Differences of MemFree are useless on a shared machine (off by hundreds of MB). Kernel
 * stacks are computed as threads x size as well, and both are recorded; the total takes the computed one, which
 * nobody else can disturb. PSS stands beside RSS: pages that processes share, of libraries, are in it by shares. Buffers of
 * sockets are told apart and are not in the total, since part of what the kernel counts there is slab.
 *
 * Called only while the subject waits for an ack, outside the timed region, in samples of their own.
 */
#include "harness/measure/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/measure/internal.h"
#include "harness/measure/sysfile.h"

enum {
	STEP_MS = 20, /* between two looks at /proc/meminfo */
	STABLE_MS = 200, /* DESIGN: how long the three must have been at rest */
	LOOKS = STABLE_MS / STEP_MS + 1,
};

/*
 * System-wide figures that must come to rest, and how much of a move still is rest: what a few processes that come
 * and go move. Arbitrary; less never settles on a machine that runs anything else.
 */
enum { KSTACK, PAGETABLES, SLAB, N_SETTLING };

static const struct {
	const char *key;
	int64_t tolerance_bytes;
} settling[N_SETTLING] = {
	[KSTACK] = {"KernelStack:", 128 * 1024},
	[PAGETABLES] = {"PageTables:", 128 * 1024},
	[SLAB] = {"Slab:", 512 * 1024},
};

struct stats_look {
	int64_t bytes[N_SETTLING]; /* -1: unknown */
};

static void look_at_system(struct stats_look *look)
{
	char *text = sysfile_all("/proc/meminfo", NULL);

	for (int i = 0; i < N_SETTLING; i++)
		if (!text || !sysfile_field(text, settling[i].key, &look->bytes[i]))
			look->bytes[i] = -1;
	free(text);
}

static bool is_at_rest(const struct stats_look *looks)
{
	for (int f = 0; f < N_SETTLING; f++) {
		int64_t low = looks[0].bytes[f], high = low;

		for (int i = 1; i < LOOKS; i++) {
			low = looks[i].bytes[f] < low ? looks[i].bytes[f] : low;
			high = looks[i].bytes[f] > high ? looks[i].bytes[f] : high;
		}
		if (high - low > settling[f].tolerance_bytes)
			return false;
	}
	return true;
}

static void sleep_step(void)
{
	struct timespec step = {.tv_nsec = STEP_MS * 1000000L};

	while (nanosleep(&step, &step) != 0 && errno == EINTR)
		;
}

/* Look until the last STABLE_MS were at rest or the time is up. The last look is in *now. */
static bool settle(int64_t max_wait_ns, struct stats_look *now)
{
	uint64_t deadline_ns = clock_now_ns() + (uint64_t)(max_wait_ns > 0 ? max_wait_ns : 0);
	struct stats_look looks[LOOKS];
	bool at_rest = false;
	unsigned n = 0;

	for (;;) {
		look_at_system(&looks[n % LOOKS]);
		*now = looks[n % LOOKS];
		n++;
		at_rest = n >= LOOKS && is_at_rest(looks);
		if (at_rest || clock_now_ns() >= deadline_ns)
			return at_rest;
		sleep_step();
	}
}

static json_t *bytes_json(int64_t bytes)
{
	return bytes >= 0 ? json_integer(bytes) : json_null();
}

/* One number of /proc/<pid>/<file>; -1 where it cannot be read. */
static int64_t process_field(const char *text, const char *key)
{
	int64_t value;

	return text && sysfile_field(text, key, &value) ? value : -1;
}

/*
 * What the kernel has lent to the buffers of TCP and UDP sockets in this network namespace; -1 unknown. Its unit is pages. The
 * socket itself and the heads of what lies in its buffers are in the slab.
 */
static int64_t socket_bytes(void)
{
	char *text = sysfile_all("/proc/net/sockstat", NULL);
	int64_t pages = -1;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *mem, *end;

		line += *line == '\n';
		end = strchr(line, '\n');
		mem = strncmp(line, "TCP:", 4) == 0 || strncmp(line, "UDP:", 4) == 0 ? strstr(line, " mem ") : NULL;
		if (mem && (!end || mem < end))
			pages = (pages < 0 ? 0 : pages) + strtoll(mem + 5, NULL, 10);
	}
	free(text);
	return pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE);
}

json_t *memory_snapshot(pid_t pid, uint64_t live_tasks, int64_t max_wait_ns)
{
	uint64_t start_ns = clock_now_ns();
	struct stats_look now;
	bool settled = settle(max_wait_ns, &now);
	int64_t settle_ns = (int64_t)(clock_now_ns() - start_ns);
	char *rollup = sysfile_process(pid, "smaps_rollup");
	char *status = sysfile_process(pid, "status");
	int64_t rss = process_field(rollup, "Rss:"), sockets = socket_bytes();
	json_t *why = json_object(), *snapshot;

	if (rss < 0)
		rss = process_field(status, "VmRSS:"); /* no smaps_rollup before Linux 4.14, or not our process */
	if (rss < 0)
		json_object_set_new(why, "rss_bytes", json_string("the process cannot be read (has it ended?)"));
	if (process_field(rollup, "Pss:") < 0)
		json_object_set_new(why, "pss_bytes", json_string("smaps_rollup cannot be read"));
	if (sockets < 0)
		json_object_set_new(why, "sockets_bytes", json_string("/proc/net/sockstat cannot be read"));
	if (!settled)
		json_object_set_new(why, "settled",
				    json_string("the kernel's figures did not come to rest: something else "
						"is allocating on this machine"));
	snapshot = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:b, s:o}", "rss_bytes", bytes_json(rss),
		"pss_bytes", bytes_json(process_field(rollup, "Pss:")), "vmpte_bytes",
		bytes_json(process_field(status, "VmPTE:")), "threads", bytes_json(process_field(status, "Threads:")),
		"kstack_bytes", bytes_json(now.bytes[KSTACK]), "pagetables_bytes", bytes_json(now.bytes[PAGETABLES]),
		"slab_bytes", bytes_json(now.bytes[SLAB]), "sockets_bytes", bytes_json(sockets), "kstack_size_bytes",
		(json_int_t)machine_kstack_bytes(), "live_tasks", (json_int_t)live_tasks, "settle_ns",
		(json_int_t)settle_ns, "settled", settled, "why", why);
	free(rollup);
	free(status);
	return snapshot;
}

/* ---- the difference ------------------------------------------------------------------------------------ */

/* (live - base) of one field by the number of tasks; false when either is null. */
static bool slope(const json_t *base, const json_t *live, const char *field, double tasks, double *out)
{
	const json_t *from = json_object_get(base, field), *to = json_object_get(live, field);

	if (!json_is_integer(from) || !json_is_integer(to) || tasks <= 0)
		return false;
	*out = (double)(json_integer_value(to) - json_integer_value(from)) / tasks;
	return true;
}

json_t *memory_per_task(const json_t *base, const json_t *live)
{
	static const struct {
		const char *name, *field;
	} parts[] = {
		{"rss_bytes", "rss_bytes"},         {"pagetable_bytes", "vmpte_bytes"},
		{"kstack_bytes", "kstack_bytes"},   {"kstack_computed_bytes", "threads"},
		{"slab_bytes", "slab_bytes"},       {"pss_bytes", "pss_bytes"},
		{"sockets_bytes", "sockets_bytes"},
	};
	/* Not in the sum: what another of them stands for there, or what lies in one of them already. */
	static const char *const apart[] = {"kstack_bytes", "pss_bytes", "sockets_bytes"};
	double tasks = (double)(json_integer_value(json_object_get(live, "live_tasks")) -
				json_integer_value(json_object_get(base, "live_tasks")));
	double kstack_size = (double)json_integer_value(json_object_get(live, "kstack_size_bytes"));
	json_t *result = json_object(), *why = json_object();
	double total = 0;
	bool is_whole = true;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		bool is_apart = false;
		double value = 0;
		bool known = slope(base, live, parts[i].field, tasks, &value);

		if (strcmp(parts[i].name, "kstack_computed_bytes") == 0)
			value *= kstack_size;
		json_object_set_new(result, parts[i].name, known ? json_real(value) : json_null());
		if (!known)
			json_object_set_new(why, parts[i].name,
					    json_string(tasks > 0 ? "not read in both snapshots"
								  : "the number of live tasks did not grow"));
		for (size_t k = 0; k < sizeof apart / sizeof *apart; k++)
			is_apart |= strcmp(parts[i].name, apart[k]) == 0;
		if (!is_apart) {
			total += value;
			is_whole = is_whole && known;
		}
	}
	json_object_set_new(result, "total_bytes", is_whole ? json_real(total) : json_null());
	if (!is_whole)
		json_object_set_new(why, "total_bytes", json_string("a part is unknown"));
	json_object_set_new(result, "why", why);
	return result;
}
