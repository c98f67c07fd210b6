/*
 * knobs.c - settings: defaults, then gr_config's fields, then its knobs text, then GRDEBUG; the last word wins.
 *
 * The text form is "name=value,name=value". Something unknown or out of range is refused: an experiment with a misspelt
 * knob must not run as if it were set.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_uring.h"
#include "grow.h"
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

/* ---- the table -------------------------------------------------------------------------------------------------------- */

enum type { FLAG, U32, U64 };

/* Values are whole numbers in the text, stored as multiples of `unit`; what would overflow is the largest there is. */
struct knob {
	const char *name;
	size_t at;
	enum type type;
	bool is_shown; /* by gr_knobs as it is; others have a text of their own there, or say nothing of a measurement */
	uint64_t min, max, unit;
	const char *must; /* what a value out of range is told */
};

#define KNOB(name, field, type, is_shown, min, max, unit, must)                                                        \
	{                                                                                                              \
		name, offsetof(struct gr__knobs, field), type, is_shown, min, max, unit, "must be " must               \
	}
#define SWITCH(name, is_shown)                                                                                         \
	{                                                                                                              \
#name, offsetof(struct gr__knobs, name), FLAG, is_shown, 0, 1, 1, "must be 0 or 1"                     \
	}

static const struct knob knobs[] = {
	KNOB("procs", procs, U32, false, 1, GR__MAX_PROCS, 1, "from 1 to 1024"),
	KNOB("max_ms", max_ms, U32, true, 1, 1000000, 1, "from 1 to 1000000"),
	KNOB("stack_bytes", stack_bytes, U64, true, 0, GR__STACK_BYTES_MAX, 1, "at most 256 MiB"),
	KNOB("reap_ms", reap_ns, U64, true, 0, UINT64_MAX, 1000000, ""),
	KNOB("slack_us", slack_ns, U64, true, 0, 1000000, 1000, "at most 1000000"),
	SWITCH(steal, true),
	SWITCH(runnext, true),
	SWITCH(newest, true),
	SWITCH(spin, true),
	KNOB("slice_us", slice_ns, U64, true, 1, 1000000, 1000, "from 1 to 1000000"),
	SWITCH(global, true),
	KNOB("poll_us", poll_ns, U64, true, 0, 1000000, 1000, "at most 1000000"),
	SWITCH(sigquit, true),
	KNOB("seed", seed, U64, true, 0, UINT64_MAX, 1, ""),
	SWITCH(grow, false),
	KNOB("grow_mib", grow_bytes, U64, true, 1, GR__STACK_BYTES_MAX >> 20, 1 << 20, "from 1 to 256"),
	KNOB("guard", guard, U32, false, 0, 2, 1, "0 (madvise if possible), 1 (mprotect) or 2 (canary)"),
	SWITCH(preempt, false),
	KNOB("schedtrace_ms", schedtrace_ns, U64, false, 0, 1000000, 1000000, "at most 1000000"),
	KNOB("trace_kb", trace_kb, U64, false, 1, 1048576, 1, "from 1 to 1048576"),
};

_Static_assert(GR__MAX_PROCS == 1024, "what a wrong number of procs is told");

static void put(struct gr__knobs *k, const struct knob *knob, uint64_t v)
{
	void *field = (char *)k + knob->at;

	v = v > UINT64_MAX / knob->unit ? UINT64_MAX : v * knob->unit;
	switch (knob->type) {
	case FLAG:
		*(bool *)field = v;
		break;
	case U32:
		*(unsigned *)field = (unsigned)v;
		break;
	case U64:
		*(uint64_t *)field = v;
		break;
	}
}

static uint64_t value_of(const struct gr__knobs *k, const struct knob *knob)
{
	const void *field = (const char *)k + knob->at;

	switch (knob->type) {
	case FLAG:
		return *(const bool *)field;
	case U32:
		return *(const unsigned *)field / knob->unit;
	case U64:
		return *(const uint64_t *)field / knob->unit;
	}
	return 0;
}

/* ---- reading -------------------------------------------------------------------------------------------------------------- */

static int refuse(const char *what, size_t len, const char *why)
{
	fprintf(stderr, "gr: setting '%.*s': %s\n", (int)len, what, why);
	return -EINVAL;
}

static int refuse_unknown(const char *what, size_t len)
{
	fprintf(stderr, "gr: setting '%.*s': unknown; there are ", (int)len, what);
	for (size_t i = 0; i < ARRAY_LEN(knobs); i++)
		fprintf(stderr, "%s, ", knobs[i].name);
	fprintf(stderr, "files\n");
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

static const struct knob *knob_named(const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(knobs); i++)
		if (strlen(knobs[i].name) == len && !memcmp(knobs[i].name, text, len))
			return &knobs[i];
	return NULL;
}

/* One "name=value". */
static int apply(struct gr__knobs *k, const char *text, size_t len)
{
	const char *eq = memchr(text, '=', len);
	const struct knob *knob;
	uint64_t v = 0;

	if (!eq || eq + 1 == text + len)
		return refuse(text, len, "must be name=value");
	if (eq - text == 5 && !memcmp(text, "files", 5))
		return apply_files(k, text, len, eq + 1);
	knob = knob_named(text, (size_t)(eq - text));
	if (!knob)
		return refuse_unknown(text, len);
	for (const char *c = eq + 1; c < text + len; c++) {
		if (*c < '0' || *c > '9' || v > (UINT64_MAX - 9) / 10)
			return refuse(text, len, "the value must be a whole number");
		v = v * 10 + (uint64_t)(*c - '0');
	}
	if (v < knob->min || v > knob->max)
		return refuse(text, len, knob->must);
	put(k, knob, v);
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

/* Events in so many KiB, rounded down to a power of two. */
static uint64_t slots_in(uint64_t kb)
{
	uint64_t n = 1;

	while (n * 2 * sizeof(struct gr__event_slot) <= kb * 1024)
		n *= 2;
	return n;
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
			      .grow = true,
			      .grow_bytes = GR__STACK_BYTES_MAX,
			      .slice_ns = SLICE_NS_DEFAULT,
			      .uring = true,
			      .poll_ns = POLL_NS_DEFAULT,
			      .sigquit = true,
			      .trace_kb = TRACE_KB_DEFAULT};
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
	k.trace_slots = slots_in(k.trace_kb);
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
	size_t n = 0;

	if (n < cap) {
		names[n] = "procs"; /* of now */
		snprintf(values[n++], 32, "%u", gr__nprocs());
	}
	for (size_t i = 0; i < ARRAY_LEN(knobs) && n < cap; i++) {
		if (!knobs[i].is_shown)
			continue;
		names[n] = knobs[i].name;
		snprintf(values[n++], 32, "%llu", (unsigned long long)value_of(k, &knobs[i]));
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
		names[n] = "grow";
		snprintf(values[n++], 32, "%s", gr__grow_state());
	}
	if (n < cap) {
		names[n] = "files";
		say_files(values[n++], 32);
	}
	return n;
}
