/*
 * knobs.c - settings: defaults, then gr_config's fields, then its knobs text, then GRDEBUG; the last word wins.
 *
 * The text form is "name=value,name=value". Something unknown or out of range is refused: an experiment with a misspelt
 * knob must not run as if it were set.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_uring.h"
#include "knobs.h"
#include "os.h"
#include "preempt.h"
#include "san.h"
#include "trace.h"

enum {
	STACK_BYTES_DEFAULT = 16 * 1024, /* 32 bytes of page table each; wider costs more */
	STACK_BYTES_SAN = 128 * 1024, /* sanitizers' frames and call-backs are big */
	MAX_MS_DEFAULT = 10000, /* Go's */
	TRACE_KB_DEFAULT = 4096, /* 262144 events of each M; touched as they come */
	POLL_NS_DEFAULT = 100 * 1000, /* a busy P looks for I/O that often: one system call of 0.3 us */
};
#define REAP_NS_DEFAULT 5000000000ull
#define SLICE_NS_DEFAULT 10000000ull /* Go's */

static int refuse(const char *what, size_t len, const char *why)
{
	fprintf(stderr, "gr: setting '%.*s': %s\n", (int)len, what, why);
	return -EINVAL;
}

/* The value of `files`. */
static int apply_files(struct gr__knobs *k, const char *text, size_t len, const char *value)
{
	const size_t n = (size_t)(text + len - value);

	if (n == 5 && !memcmp(value, "uring", n))
		k->uring = true;
	else if (n == 7 && !memcmp(value, "threads", n))
		k->uring = false;
	else
		return refuse(text, len, "must be threads or uring");
	return 0;
}

/* Events in so many KiB, rounded down to a power of two. */
static uint64_t slots_in(uint64_t kb)
{
	uint64_t n = 1;

	while (n * 2 * sizeof(struct gr__event_slot) <= kb * 1024)
		n *= 2;
	return n;
}

/* The switch of that name, NULL if it is none. */
static bool *flag_named(struct gr__knobs *k, const char *text, size_t len)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{"steal", &k->steal},   {"runnext", &k->runnext}, {"spin", &k->spin},       {"newest", &k->newest},
		{"global", &k->global}, {"sigquit", &k->sigquit}, {"preempt", &k->preempt},
	};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (strlen(flags[i].name) == len && !memcmp(flags[i].name, text, len))
			return flags[i].flag;
	return NULL;
}

/* One "name=value". */
static int apply(struct gr__knobs *k, const char *text, size_t len)
{
	const char *eq = memchr(text, '=', len);
	size_t name = eq ? (size_t)(eq - text) : len;
	uint64_t v = 0;
	bool *flag;

	if (!eq || eq + 1 == text + len)
		return refuse(text, len, "must be name=value");
	if (name == 5 && !memcmp(text, "files", name))
		return apply_files(k, text, len, eq + 1);
	for (const char *c = eq + 1; c < text + len; c++) {
		if (*c < '0' || *c > '9' || v > (UINT64_MAX - 9) / 10)
			return refuse(text, len, "the value must be a whole number");
		v = v * 10 + (uint64_t)(*c - '0');
	}
#define IS(s) (name == sizeof(s) - 1 && !memcmp(text, s, sizeof(s) - 1))
	if (IS("procs")) {
		if (v < 1 || v > GR__MAX_PROCS)
			return refuse(text, len, "must be from 1 to 1024");
		k->procs = (unsigned)v;
	} else if (IS("max_ms")) {
		if (v < 1 || v > 1000000)
			return refuse(text, len, "must be from 1 to 1000000");
		k->max_ms = (unsigned)v;
	} else if (IS("stack_bytes")) {
		if (v > GR__STACK_BYTES_MAX)
			return refuse(text, len, "must be at most 256 MiB");
		k->stack_bytes = (size_t)v;
	} else if (IS("reap_ms")) {
		k->reap_ns = v > UINT64_MAX / 1000000 ? UINT64_MAX : v * 1000000;
	} else if (IS("slice_us")) {
		if (v < 1 || v > 1000000)
			return refuse(text, len, "must be from 1 to 1000000");
		k->slice_ns = v * 1000;
	} else if (IS("slack_us")) {
		if (v > 1000000)
			return refuse(text, len, "must be at most 1000000");
		k->slack_ns = v * 1000;
	} else if (IS("seed")) {
		k->seed = v;
	} else if (IS("guard")) {
		if (v > 2)
			return refuse(text, len, "must be 0 (madvise if possible), 1 (mprotect) or 2 (canary)");
		k->guard = (unsigned)v;
	} else if (IS("poll_us")) {
		if (v > 1000000)
			return refuse(text, len, "must be at most 1000000");
		k->poll_ns = (int64_t)v * 1000;
	} else if (IS("schedtrace_ms")) {
		if (v > 1000000)
			return refuse(text, len, "must be at most 1000000");
		k->schedtrace_ns = (int64_t)v * 1000000;
	} else if (IS("trace_kb")) {
		if (v < 1 || v > 1048576)
			return refuse(text, len, "must be from 1 to 1048576");
		k->trace_slots = slots_in(v);
	} else if ((flag = flag_named(k, text, name))) {
		if (v > 1)
			return refuse(text, len, "must be 0 or 1");
		*flag = v;
	} else {
		return refuse(
			text, len,
			"unknown; there are procs, max_ms, stack_bytes, reap_ms, slack_us, guard, steal, runnext, "
			"newest, spin, global, preempt, slice_us, poll_us, files, sigquit, schedtrace_ms, trace_kb, "
			"seed");
	}
#undef IS
	return 0;
}

static int apply_all(struct gr__knobs *k, const char *text)
{
	while (text && *text) {
		size_t len = strcspn(text, ",");
		int err = len ? apply(k, text, len) : 0;

		if (err)
			return err;
		text += len + (text[len] == ',');
	}
	return 0;
}

int gr__knobs_make(const struct gr_config *config, struct gr__knobs *out)
{
	static const struct gr_config none;
	const struct gr_config *c = config ? config : &none;
	size_t page = gr__os_page_bytes(), usual = GR_ASAN || GR_TSAN ? STACK_BYTES_SAN : STACK_BYTES_DEFAULT;
	struct gr__knobs k = {.procs = c->procs,
			      .max_ms = c->max_ms,
			      .stack_bytes = c->stack_bytes,
			      .reap_ns = c->reap_ns,
			      .steal = true,
			      .runnext = true,
			      .spin = true,
			      .newest = true,
			      .preempt = true,
			      .slice_ns = SLICE_NS_DEFAULT,
			      .uring = true,
			      .poll_ns = POLL_NS_DEFAULT,
			      .sigquit = true,
			      .trace_slots = slots_in(TRACE_KB_DEFAULT)};
	int err;

	if (k.procs > GR__MAX_PROCS)
		return refuse("procs", 5, "must be from 1 to 1024");
	if (k.stack_bytes > GR__STACK_BYTES_MAX)
		return refuse("stack_bytes", 11, "must be at most 256 MiB");
	if ((err = apply_all(&k, c->knobs)) || (err = apply_all(&k, getenv("GRDEBUG"))))
		return err;
	if (!k.procs) {
		k.procs = gr__os_cpus();
		if (k.procs > GR__MAX_PROCS)
			k.procs = GR__MAX_PROCS;
	}
	if (!k.max_ms)
		k.max_ms = MAX_MS_DEFAULT;
	if (!k.reap_ns)
		k.reap_ns = REAP_NS_DEFAULT;
	if (!k.slack_ns)
		k.slack_ns = gr__os_timer_slack();
	if (!k.stack_bytes)
		k.stack_bytes = usual < 4 * page ? 4 * page : usual;
	if (k.stack_bytes < 2 * page)
		return refuse("stack_bytes", 11, "must be at least two pages, guard included");
	if ((GR_ASAN || GR_TSAN) && k.stack_bytes < STACK_BYTES_SAN)
		k.stack_bytes = STACK_BYTES_SAN;
	k.stack_bytes = align_up(k.stack_bytes, page);
	k.plain_newest = k.newest && !k.seed;
	*out = k;
	return 0;
}

/* "uring", "threads", or "threads (no io_uring: EPERM)": `cap` is enough for all of them. */
static void say_files(char *text, size_t cap)
{
	const int err = gr__sched.uring_refused;
	const char *name = strerrorname_np(err);

	if (!gr__sched.knobs.uring)
		snprintf(text, cap, "threads");
	else if (!err)
		snprintf(text, cap, "uring");
	else if (!GR_HAS_URING)
		snprintf(text, cap, "threads (io_uring: not built)");
	else if (name)
		snprintf(text, cap, "threads (no io_uring: %s)", name);
	else
		snprintf(text, cap, "threads (no io_uring: %d)", err);
}

size_t gr_knobs(const char *names[], char values[][32], size_t cap)
{
	const struct gr__knobs *k = &gr__sched.knobs;
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{"procs", gr__nprocs()},
		{"max_ms", k->max_ms},
		{"stack_bytes", k->stack_bytes},
		{"reap_ms", k->reap_ns / 1000000},
		{"slack_us", k->slack_ns / 1000},
		{"steal", k->steal},
		{"runnext", k->runnext},
		{"newest", k->newest},
		{"spin", k->spin},
		{"slice_us", k->slice_ns / 1000},
		{"global", k->global},
		{"poll_us", (uint64_t)k->poll_ns / 1000},
		{"sigquit", k->sigquit},
		{"seed", k->seed},
	};
	size_t n = 0;

	for (; n < ARRAY_LEN(all) && n < cap; n++) {
		names[n] = all[n].name;
		snprintf(values[n], 32, "%llu", (unsigned long long)all[n].value);
	}
	if (n < cap) {
		names[n] = "guard";
		snprintf(values[n++], 32, "%s", gr__stack_guard());
	}
	if (n < cap) {
		names[n] = "preempt";
		snprintf(values[n++], 32, "%s", gr__preempt_state());
	}
	if (n < cap) {
		names[n] = "files";
		say_files(values[n++], 32);
	}
	return n;
}
