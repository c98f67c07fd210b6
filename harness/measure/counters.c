/*
 * counters.c - perf events on a child, as differences of two reads.
 *
 * What is hard is not opening an event but never inventing a number. libpfm4 encodes hardware events by CPUID, so it
 * succeeds in virtual machines that have no PMU at all; only perf_event_open tells. A software event that may not
 * look into the kernel counts 0 context switches, for they happen in the kernel. A multiplexed event that never ran
 * reads 0. Each of these is a null with its reason here, never a 0.
 *
 * Each event is its own descriptor: opened on the child before exec with inherit=1, so that every thread that it
 * creates later is counted and threads that have ended stay in the sum. Nothing is ever reset or toggled: the region
 * is the difference of two reads, at its begin and its end.
 *
 * The hardware events of a set are one group of the kernel's: they are on the PMU together or not at all, so that a ratio of
 * two of them is of one time, whoever else uses the PMU. One that does not fit into the group any more is opened alone.
 * Each is still read by itself: older kernels refuse inherit together with PERF_FORMAT_GROUP.
 *
 * `energy:NAME` is no perf event but RAPL's counter of the machine, read at the same two points (energy.c).
 *
 * Rejected: rdpmc (per thread, and a goroutine changes threads), per-CPU events (count strangers and need privilege).
 *
 * <linux/perf_event.h> must not be included here: libpfm brings its own, clashing, copy.
 */
#include "harness/measure/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <perfmon/pfmlib.h>
#include <perfmon/pfmlib_perf_event.h>

#include "harness/measure/energy.h"
#include "harness/measure/internal.h"
#include "harness/measure/sysfile.h"

/* Below this share of its time on the PMU a scaled count is a guess. From benchmark-method; arbitrary but usual. */
#define MIN_RUNNING_SHARE 0.25

#define OPS_UNKNOWN "per operation it is not known: the sample does not say how many were done"

/* What read(2) gives with the read_format that we ask for; the order is the kernel's. */
struct reading {
	uint64_t value;
	uint64_t enabled_ns;
	uint64_t running_ns;
};

struct event {
	/* immutable after counters_new */
	char *name; /* as asked for */
	char *fstr; /* libpfm's fully qualified name; NULL for tracepoints and unknown events */
	struct perf_event_attr attr; /* valid if is_encoded */
	bool is_encoded;
	struct energy *energy; /* not NULL: this is one of RAPL's, and has no descriptor */

	/* set by counters_open and by the two reads */
	int fd; /* -1: not open */
	const char *scope; /* NULL: not open */
	bool has_begin, has_end;
	struct reading begin, end;
	char why[200]; /* the reason for having no value; "" while there is none */
};

struct counters {
	size_t n;
	struct event event[];
};

/* ---- encoding ------------------------------------------------------------------------------------------ */

static void set_scope_all(struct perf_event_attr *attr)
{
	attr->exclude_user = 0;
	attr->exclude_kernel = 0;
	attr->exclude_hv = 1;
}

/* A tracepoint "group:name" by the id file of tracefs. libpfm does it too, but looks for debugfs only. */
static void encode_tracepoint(struct event *e)
{
	static const char *const roots[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	const char *colon = strchr(e->name, ':');
	char path[256];
	int64_t id;
	int rc = -ENOENT;

	for (size_t i = 0; i < sizeof roots / sizeof *roots && rc != 0; i++) {
		snprintf(path, sizeof path, "%s/events/%.*s/%s/id", roots[i], (int)(colon - e->name), e->name,
			 colon + 1);
		rc = sysfile_int(path, &id);
		if (rc == -EACCES || rc == -EPERM)
			break;
	}
	if (rc == 0) {
		memset(&e->attr, 0, sizeof e->attr);
		e->attr.size = sizeof e->attr;
		e->attr.type = PERF_TYPE_TRACEPOINT;
		e->attr.config = (uint64_t)id;
		set_scope_all(&e->attr);
		e->is_encoded = true;
	} else if (rc == -EACCES || rc == -EPERM) {
		snprintf(e->why, sizeof e->why, "not permitted: tracefs can be read by root only (%s)", strerror(-rc));
	} else if (!sysfile_exists("/sys/kernel/tracing/events") &&
		   !sysfile_exists("/sys/kernel/debug/tracing/events")) {
		snprintf(e->why, sizeof e->why,
			 "tracepoints cannot be seen: tracefs is not mounted on /sys/kernel/tracing");
	} else {
		snprintf(e->why, sizeof e->why, "no such event: neither libpfm4 nor this kernel's tracepoints have it");
	}
}

/* Whether a name can be a tracepoint's: "group:name" of plain characters, so that it cannot leave tracefs. */
static bool is_tracepoint_name(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t group = strspn(name, plain);
	size_t rest = name[group] == ':' ? strspn(name + group + 1, plain) : 0;

	return group > 0 && rest > 0 && name[group + 1 + rest] == '\0';
}

/* 0, or what libpfm says of a name that it does not know. */
static int encode(struct event *e)
{
	pfm_perf_encode_arg_t arg = {.attr = &e->attr, .fstr = &e->fstr, .size = sizeof arg};
	int rc;

	memset(&e->attr, 0, sizeof e->attr);
	if (strncmp(e->name, ENERGY_PREFIX, strlen(ENERGY_PREFIX)) == 0) {
		e->energy = energy_new(e->name + strlen(ENERGY_PREFIX), e->why, sizeof e->why);
		return e->energy ? PFM_SUCCESS : PFM_ERR_NOTFOUND;
	}
	e->attr.size = sizeof e->attr;
	/* User and kernel: a modifier in the name ("cycles:u") overrides. */
	rc = pfm_get_os_event_encoding(e->name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT_EXT, &arg);
	if (rc == PFM_SUCCESS)
		e->is_encoded = true;
	else if (is_tracepoint_name(e->name))
		encode_tracepoint(e);
	else
		snprintf(e->why, sizeof e->why, "no such event: libpfm4 says %s", pfm_strerror(rc));
	if (!e->is_encoded)
		return rc;
	/* libpfm leaves it open for some events; ":h" alone is asked for by name. */
	if (!e->attr.exclude_user || !e->attr.exclude_kernel)
		e->attr.exclude_hv = 1;
	e->attr.inherit = 1;
	e->attr.disabled = 0;
	e->attr.enable_on_exec = 0;
	e->attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	return 0;
}

/* libpfm is set up once for the process. 0 or -ENODEV. */
static int start_libpfm(struct err *err)
{
	static bool is_started;
	int rc;

	if (is_started)
		return 0;
	rc = pfm_initialize();
	if (rc != PFM_SUCCESS)
		return err_set(err, -ENODEV, "libpfm4 cannot be set up: %s", pfm_strerror(rc));
	is_started = true;
	return 0;
}

int counters_new(const char *const *names, size_t n, struct counters **out, struct err *err)
{
	struct counters *c;
	int rc = start_libpfm(err);

	*out = NULL;
	if (rc != 0)
		return rc;
	c = calloc(1, sizeof *c + n * sizeof c->event[0]);
	if (!c)
		return err_set(err, -ENOMEM, "no memory for %zu counters", n);
	c->n = n;
	for (size_t i = 0; i < n; i++)
		c->event[i].fd = -1;
	for (size_t i = 0; i < n; i++) {
		c->event[i].name = strdup(names[i]);
		if (!c->event[i].name) {
			counters_free(c);
			return err_set(err, -ENOMEM, "no memory for %zu counters", n);
		}
		(void)encode(&c->event[i]); /* the reason is in its why */
	}
	*out = c;
	return 0;
}

int counters_check_name(const char *name, struct err *err)
{
	struct event e = {.name = (char *)name, .fd = -1};
	int rc = start_libpfm(err);

	if (rc != 0)
		return rc;
	rc = encode(&e);
	free(e.fstr);
	energy_free(e.energy);
	if (rc == PFM_SUCCESS)
		return 0;
	if (rc == PFM_ERR_ATTR ||
	    rc == PFM_ERR_ATTR_VAL) /* has the form of a tracepoint, but its first part is an event */
		return err_set(err, -EINVAL, "there is no event '%.80s': libpfm4 says %s", name, pfm_strerror(rc));
	/* Known but not to be had here (no permission, no tracefs, no PMU): a null with its reason in the records. */
	if (e.is_encoded || rc == PFM_ERR_NOTSUPP || strncmp(e.why, "no such event", 13) != 0)
		return 0;
	return err_set(err, -EINVAL, "there is no event '%.80s': %.200s", name, e.why);
}

/* ---- opening ------------------------------------------------------------------------------------------- */

/* The errno of perf_event_open in words. */
static void explain(int error, char *why, size_t size)
{
	int64_t paranoid;

	switch (error) {
	case ENOENT:
		snprintf(why, size,
			 "ENOENT: no such event on this machine (no PMU is exposed, e.g. in a virtual machine)");
		break;
	case EACCES:
	case EPERM:
		if (sysfile_int("/proc/sys/kernel/perf_event_paranoid", &paranoid) != 0)
			paranoid = -9;
		if (paranoid == -9)
			snprintf(why, size, "%s: not permitted (seccomp or a missing CAP_PERFMON)",
				 error == EPERM ? "EPERM" : "EACCES");
		else
			snprintf(why, size,
				 "%s: not permitted: kernel.perf_event_paranoid=%" PRId64
				 " (or seccomp, in a container)",
				 error == EPERM ? "EPERM" : "EACCES", paranoid);
		break;
	case ENODEV:
	case ENXIO:
		snprintf(why, size, "ENODEV: this CPU has no such event");
		break;
	case EOPNOTSUPP:
		snprintf(why, size,
			 "EOPNOTSUPP: the PMU cannot count this event in this way (common in virtual machines)");
		break;
	case ENOSYS:
		snprintf(why, size, "ENOSYS: the kernel was built without perf events, or seccomp hides them");
		break;
	case EMFILE:
	case ENFILE:
		snprintf(why, size, "EMFILE: no descriptor is left");
		break;
	case EBUSY:
		snprintf(why, size, "EBUSY: another user holds the PMU for itself");
		break;
	case EINVAL:
		snprintf(why, size, "EINVAL: the kernel refuses this event's settings");
		break;
	default:
		snprintf(why, size, "%s", strerror(error));
	}
}

static int ask_kernel(struct perf_event_attr *attr, pid_t pid, int group_fd)
{
	int fd = (int)syscall(SYS_perf_event_open, attr, pid, -1, group_fd, (unsigned long)PERF_FLAG_FD_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

int (*counters__open)(struct perf_event_attr *attr, pid_t pid, int group_fd) = ask_kernel;

/* In the group of `leader` (-1: there is none yet) or, when it does not fit there, by itself. */
static int open_event(struct perf_event_attr *attr, pid_t pid, int leader)
{
	int fd = counters__open(attr, pid, leader);

	return fd == -EINVAL && leader >= 0 ? counters__open(attr, pid, -1) : fd;
}

/* Events that want a register of the PMU, of which there are few. */
static bool needs_pmu(const struct perf_event_attr *attr)
{
	return attr->type != PERF_TYPE_SOFTWARE && attr->type != PERF_TYPE_TRACEPOINT;
}

/*
 * Whether an event means anything when it may not look into the kernel. Context switches and migrations are counted
 * by the kernel in the kernel: user-only, they read 0 for ever. A tracepoint fires there as well.
 */
static bool counts_in_user_mode(const struct perf_event_attr *attr)
{
	if (attr->type == PERF_TYPE_TRACEPOINT)
		return false;
	return attr->type != PERF_TYPE_SOFTWARE ||
	       (attr->config != PERF_COUNT_SW_CONTEXT_SWITCHES && attr->config != PERF_COUNT_SW_CPU_MIGRATIONS);
}

static void open_on(struct event *e, pid_t pid, int leader)
{
	struct perf_event_attr attr = e->attr;
	int fd = open_event(&attr, pid, leader);

	/* Not of an event that is about the kernel alone (":k"): without the kernel nothing is left of it, and it would read 0. */
	if ((fd == -EACCES || fd == -EPERM) && !attr.exclude_kernel && !attr.exclude_user &&
	    counts_in_user_mode(&attr)) {
		attr.exclude_kernel = 1;
		attr.exclude_hv = 1;
		fd = open_event(&attr, pid, leader);
	}
	if (fd < 0) {
		explain(-fd, e->why, sizeof e->why);
		return;
	}
	if (attr.exclude_kernel && (attr.exclude_user || !counts_in_user_mode(&attr))) {
		snprintf(e->why, sizeof e->why,
			 "would count 0: this event happens in the kernel, and its scope was cut to user");
		(void)close(fd);
		return;
	}
	e->fd = fd;
	e->scope = attr.exclude_kernel ? "user" : attr.exclude_user ? "kernel" : "user+kernel";
}

static void close_event(struct event *e)
{
	if (e->fd >= 0)
		(void)close(e->fd);
	e->fd = -1;
}

void counters_open(struct counters *c, pid_t pid)
{
	int leader = -1;

	for (size_t i = 0; i < c->n; i++)
		close_event(&c->event[i]); /* the set may be used for one child after another */
	for (size_t i = 0; i < c->n; i++) {
		struct event *e = &c->event[i];

		e->has_begin = e->has_end = false;
		e->scope = NULL;
		if (!e->is_encoded)
			continue;
		e->why[0] = '\0';
		open_on(e, pid, needs_pmu(&e->attr) ? leader : -1);
		if (leader < 0 && e->fd >= 0 && needs_pmu(&e->attr))
			leader = e->fd;
	}
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static bool read_event(struct event *e, struct reading *r)
{
	ssize_t n;

	if (e->fd < 0)
		return false;
	do
		n = read(e->fd, r, sizeof *r);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof *r)
		return true;
	snprintf(e->why, sizeof e->why, "cannot be read: %s",
		 n < 0 ? strerror(errno) : "the event is in an error state");
	return false;
}

void counters_begin(struct counters *c)
{
	for (size_t i = 0; i < c->n; i++) {
		energy_begin(c->event[i].energy);
		c->event[i].has_begin = read_event(&c->event[i], &c->event[i].begin);
	}
}

void counters_end(struct counters *c)
{
	for (size_t i = 0; i < c->n; i++) {
		c->event[i].has_end = read_event(&c->event[i], &c->event[i].end);
		energy_end(c->event[i].energy);
	}
}

/* A number that JSON can carry exactly; beyond 2^53 a region does not count. */
static json_t *count_json(uint64_t value)
{
	return json_integer((json_int_t)value);
}

/* RAPL counts always, and for everybody: it has no times of its own, and its scope is the machine. */
static json_t *energy_json(const struct event *e, uint64_t ops)
{
	const char *why = NULL;
	int64_t uj = energy_result(e->energy, &why);
	bool is_known = !why;

	if (is_known && ops == 0)
		why = OPS_UNKNOWN;
	return json_pack("{s:s, s:n, s:o, s:o, s:n, s:n, s:s, s:o, s:s?}", "name", e->name, "fstr", "value",
			 is_known ? json_integer((json_int_t)uj) : json_null(), "raw",
			 is_known ? json_integer((json_int_t)uj) : json_null(), "time_enabled_ns", "time_running_ns",
			 "scope", "machine", "per_op", why ? json_null() : json_real((double)uj / (double)ops), "why",
			 why);
}

static json_t *event_json(const struct event *e, uint64_t ops)
{
	bool is_read = e->has_begin && e->has_end;
	uint64_t raw = is_read ? e->end.value - e->begin.value : 0;
	uint64_t enabled_ns = is_read ? e->end.enabled_ns - e->begin.enabled_ns : 0;
	uint64_t running_ns = is_read ? e->end.running_ns - e->begin.running_ns : 0;
	double share = enabled_ns ? (double)running_ns / (double)enabled_ns : 0;
	const char *why = NULL;
	char text[200];
	double scaled = 0;
	bool is_known;

	if (!is_read)
		why = e->why[0] ? e->why : "not read at both ends of the region";
	else if (enabled_ns == 0)
		why = "no thread of the subject ran between the two reads";
	else if (running_ns == 0)
		why = "the event was never on the PMU (more events were asked for than it has counters)";
	else if (share < MIN_RUNNING_SHARE) {
		snprintf(text, sizeof text, "withheld: on the PMU for only %.0f %% of the time", share * 100);
		why = text;
	} else {
		scaled = (double)raw * ((double)enabled_ns / (double)running_ns);
	}
	is_known = !why;
	if (is_known && ops == 0)
		why = OPS_UNKNOWN;
	return json_pack("{s:s, s:s?, s:o, s:o, s:o, s:o, s:s?, s:o, s:s?}", "name", e->name, "fstr", e->fstr, "value",
			 is_known ? count_json((uint64_t)(scaled + 0.5)) : json_null(), "raw",
			 is_read ? count_json(raw) : json_null(), "time_enabled_ns",
			 is_read ? count_json(enabled_ns) : json_null(), "time_running_ns",
			 is_read ? count_json(running_ns) : json_null(), "scope", e->scope, "per_op",
			 why ? json_null() : json_real(scaled / (double)ops), "why", why);
}

json_t *counters_result(const struct counters *c, uint64_t ops)
{
	json_t *all = json_array();

	for (size_t i = 0; all && i < c->n; i++)
		if (json_array_append_new(all, c->event[i].energy ? energy_json(&c->event[i], ops)
								  : event_json(&c->event[i], ops)) != 0) {
			json_decref(all);
			return NULL;
		}
	return all;
}

void counters_free(struct counters *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++) {
		close_event(&c->event[i]);
		free(c->event[i].name);
		free(c->event[i].fstr); /* libpfm's, by asprintf */
		energy_free(c->event[i].energy);
	}
	free(c);
}

bool counters_pmu_available(char *why, size_t why_size)
{
	struct perf_event_attr attr;
	int fd;

	memset(&attr, 0, sizeof attr);
	attr.size = sizeof attr;
	attr.type = PERF_TYPE_HARDWARE;
	attr.config = PERF_COUNT_HW_CPU_CYCLES;
	attr.exclude_kernel = 1; /* what an unprivileged user may do: whether there is a PMU, not how far it may look */
	attr.exclude_hv = 1;
	fd = open_event(&attr, 0, -1);
	if (fd < 0) {
		explain(-fd, why, why_size);
		return false;
	}
	(void)close(fd);
	snprintf(why, why_size, "hardware events can be opened");
	return true;
}
