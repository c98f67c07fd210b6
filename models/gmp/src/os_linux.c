/*
 * os_linux.c - os.h for Linux: futexes, stack memory, guards, faults, how many CPUs there are.
 *
 * Guard pages. mprotect() splits the mapping, so every guarded stack takes two of the 65530 mappings that a process
 * gets by default: the end is at about 32000 stacks. MADV_GUARD_INSTALL (Linux 6.13) marks the page tables instead
 * and takes none. It is not in older headers, hence the number here; an older kernel answers EINVAL.
 *
 * CPUs. The cgroup quota is looked for in the process's own group and all above it, because a container's limit is
 * often set on an ancestor of the leaf that the process sees.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "arch/signal.h"
#include "grow.h"
#include "internal.h"
#include "os.h"
#include "san.h"

#define GUARD_INSTALL 102 /* MADV_GUARD_INSTALL */
#define MINSIGSTKSZ_AUX 51 /* AT_MINSIGSTKSZ; not in older headers */

static int64_t read_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void read_clock_on_g0(void *now)
{
	*(int64_t *)now = read_clock();
}

int64_t gr__now_ns(void)
{
	int64_t now;

	if (likely(!gr__limit()))
		return read_clock();
	gr__on_g0(read_clock_on_g0, &now); /* what the kernel's page needs of a stack nobody knows */
	return now;
}

size_t gr__os_page_bytes(void)
{
	static _Atomic size_t cached;
	size_t n = load_relaxed(&cached);

	if (!n) {
		n = (size_t)sysconf(_SC_PAGESIZE);
		store_relaxed(&cached, n);
	}
	return n;
}

/* ---- sleeping -------------------------------------------------------------------------------------- */

void gr__os_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
	struct timespec ts, *timeout = NULL;

	if (deadline_ns != INT64_MAX) {
		ts.tv_sec = deadline_ns / 1000000000;
		ts.tv_nsec = deadline_ns % 1000000000;
		timeout = &ts;
	}
	/* The bitset form takes an absolute time. All its errors mean "look at the word again". */
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, timeout, NULL, FUTEX_BITSET_MATCH_ANY);
}

void gr__os_futex_wake(_Atomic uint32_t *word, int n)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

uint64_t gr__os_timer_slack(void)
{
	int ns = prctl(PR_GET_TIMERSLACK, 0ul, 0ul, 0ul, 0ul);

	return ns > 0 ? (uint64_t)ns : 50000; /* the kernel's default, where it will not tell */
}

/* Where it is refused sleeps are as precise as they were. */
void gr__os_timer_slack_set(uint64_t ns)
{
	(void)prctl(PR_SET_TIMERSLACK, (unsigned long)ns, 0ul, 0ul, 0ul);
}

/*
 * Since Linux 6.12 a thread may say how long it wants to compute at a stretch, and one with a short stretch interrupts one
 * with a longer, where it would else wait for the end of that one's. Older ones take no notice. The struct is
 * linux/sched/types.h's, which cannot be included beside sched.h.
 */
void gr__os_short_slice(uint64_t ns)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {.size = sizeof(attr), .policy = SCHED_OTHER, .runtime = ns};
	int nice;

	errno = 0;
	nice = getpriority(PRIO_PROCESS, 0);
	if (nice == -1 && errno)
		return;
	attr.nice = nice;
	if (sched_getscheduler(0) == SCHED_OTHER)
		(void)syscall(SYS_sched_setattr, 0, &attr, 0u);
}

void gr__os_yield(void)
{
	sched_yield();
}

void gr__os_sleep_ns(int64_t ns)
{
	struct timespec ts = {ns / 1000000000, ns % 1000000000};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL); /* cut short by a signal: its user loops anyway */
}

/* ---- stack memory ---------------------------------------------------------------------------------- */

void *gr__os_reserve(size_t bytes)
{
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
			  -1, 0);

	if (base == MAP_FAILED)
		return NULL;
	/* A huge page would commit 2 MiB for the first stack. A kernel without huge pages says EINVAL: fine. */
	madvise(base, bytes, MADV_NOHUGEPAGE);
	return base;
}

void gr__os_unreserve(void *base, size_t bytes)
{
	munmap(base, bytes);
}

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14 */
#endif

void gr__os_populate(void *base, size_t bytes)
{
	(void)madvise(base, bytes, MADV_POPULATE_WRITE);
}

void gr__os_release(void *base, size_t bytes)
{
	madvise(base, bytes, MADV_DONTNEED);
}

int gr__os_guard_light(void *page, size_t bytes)
{
	return madvise(page, bytes, GUARD_INSTALL) ? -errno : 0;
}

bool gr__os_guard_light_works(void)
{
	size_t page = gr__os_page_bytes();
	char *mem;
	bool works;

	if (gr__san_is_valgrind())
		return false;
	mem = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return false;
	/* The kernel reads a path from a guarded page: EFAULT. Unguarded it would be the empty path: ENOENT. */
	works = !gr__os_guard_light(mem, page) && access(mem, F_OK) && errno == EFAULT;
	munmap(mem, page);
	return works;
}

int gr__os_guard_mapping(void *page, size_t bytes)
{
	return mprotect(page, bytes, PROT_NONE) ? -errno : 0;
}

/* The whole of a small file as a string; false if it cannot be read. */
static bool read_text(const char *path, char *buf, size_t cap)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return false;
	n = fread(buf, 1, cap - 1, f);
	buf[n] = '\0';
	fclose(f);
	return n > 0;
}

size_t gr__os_max_mappings(void)
{
	char text[32];

	if (gr__san_is_valgrind())
		return 25000; /* its own table has 30000 places, and it ends the process when that is full */
	if (!read_text("/proc/sys/vm/max_map_count", text, sizeof(text)))
		return 65530; /* the kernel's default */
	return strtoul(text, NULL, 10);
}

/* ---- CPUs ------------------------------------------------------------------------------------------ */

/* CPUs that "quota period" grants, rounded up; 0 for no limit. */
static unsigned quota_cpus(long long quota, long long period)
{
	if (quota <= 0 || period <= 0)
		return 0;
	return (unsigned)((quota + period - 1) / period);
}

/* The limit that one cgroup directory sets, 0 for none. */
static unsigned group_cpus(const char *dir)
{
	char path[PATH_MAX + 32], text[128], text2[64];
	long long quota, period;

	snprintf(path, sizeof(path), "%s/cpu.max", dir);
	if (read_text(path, text, sizeof(text)))
		return sscanf(text, "%lld %lld", &quota, &period) == 2 ? quota_cpus(quota, period) : 0;
	snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", dir);
	if (!read_text(path, text, sizeof(text)))
		return 0;
	snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", dir);
	if (!read_text(path, text2, sizeof(text2)))
		return 0;
	return quota_cpus(atoll(text), atoll(text2));
}

/* The smallest limit from root/path up to root. */
static unsigned ancestors_cpus(const char *root, const char *path, unsigned limit)
{
	char dir[PATH_MAX];
	size_t root_len = strlen(root);

	if (snprintf(dir, sizeof(dir), "%s%s", root, path) >= (int)sizeof(dir))
		return limit;
	for (;;) {
		unsigned n = group_cpus(dir);
		char *slash;

		if (n && n < limit)
			limit = n;
		slash = strrchr(dir, '/');
		if (!slash || (size_t)(slash - dir) < root_len)
			return limit;
		*slash = '\0';
	}
}

/* Whether the comma separated list holds "cpu". */
static bool has_cpu_controller(const char *list, const char *end)
{
	while (list < end) {
		const char *comma = memchr(list, ',', (size_t)(end - list));
		const char *stop = comma ? comma : end;

		if (stop - list == 3 && !memcmp(list, "cpu", 3))
			return true;
		list = stop + 1;
	}
	return false;
}

/* Lines of /proc/self/cgroup are "id:controllers:path"; controllers are empty for version 2. */
static unsigned cgroup_cpus(unsigned limit)
{
	char *line = NULL;
	size_t cap = 0;
	FILE *f = fopen("/proc/self/cgroup", "re");

	if (!f)
		return limit;
	while (getline(&line, &cap, f) > 0) {
		char *list = strchr(line, ':'), *path;

		line[strcspn(line, "\n")] = '\0';
		if (!list || !(path = strchr(list + 1, ':')))
			continue;
		list++;
		if (list == path) {
			limit = ancestors_cpus("/sys/fs/cgroup", path + 1, limit);
			limit = ancestors_cpus("/sys/fs/cgroup/unified", path + 1, limit);
		} else if (has_cpu_controller(list, path)) {
			limit = ancestors_cpus("/sys/fs/cgroup/cpu", path + 1, limit);
		}
	}
	free(line);
	fclose(f);
	return limit;
}

unsigned gr__os_affinity(void)
{
	cpu_set_t set;
	long online;

	if (!sched_getaffinity(0, sizeof(set), &set))
		return (unsigned)CPU_COUNT(&set);
	online = sysconf(_SC_NPROCESSORS_ONLN); /* EINVAL: more CPUs than the set has bits */
	return online > 0 ? (unsigned)online : 1;
}

unsigned gr__os_cpus(void)
{
	unsigned n = cgroup_cpus(gr__os_affinity());

	return n ? n : 1;
}

unsigned gr__os_cpu(void)
{
	int cpu = sched_getcpu();

	return cpu < 0 ? 0 : (unsigned)cpu;
}

/* ---- threads --------------------------------------------------------------------------------------- */

int gr__os_thread_start(pthread_t *thread, void *(*fn)(void *), void *arg, size_t stack_bytes)
{
	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	/* Refused when too small for the libc's own needs: then its default has to do. */
	pthread_attr_setstacksize(&attr, stack_bytes);
	err = pthread_create(thread, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	/* The libc puts thread-local storage into the stack: with much of it in the program this is too small. */
	if (err == EINVAL)
		err = pthread_create(thread, NULL, fn, arg);
	return -err;
}

void gr__os_signals_block(sigset_t *old)
{
	static const int own_faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
	sigset_t all;

	sigfillset(&all);
	for (size_t i = 0; i < ARRAY_LEN(own_faults); i++)
		sigdelset(&all, own_faults[i]);
	pthread_sigmask(SIG_BLOCK, &all, old); /* fails for a bad first argument only */
}

void gr__os_signals_restore(const sigset_t *old)
{
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

void gr__os_thread_stack(const void **lo, size_t *bytes)
{
	pthread_attr_t attr;
	void *addr = NULL;

	*bytes = 0;
	if (!pthread_getattr_np(pthread_self(), &attr)) {
		pthread_attr_getstack(&attr, &addr, bytes);
		pthread_attr_destroy(&attr);
	}
	*lo = addr;
}

/* ---- stacks for signal handlers ---------------------------------------------------------------------- */

enum {
	ALTSTACK_BYTES = 32 * 1024, /* the handler prints with snprintf; sanitizers' handlers want more than 8 KiB */
	ALTSTACK_ROOM_BYTES = 24 * 1024, /* of it, what the frame leaves; the kernel's frame is 3 to 12 KiB on amd64 */
};

size_t gr__os_altstack_bytes(void)
{
	static _Atomic size_t cached;
	size_t n = load_relaxed(&cached);

	if (!n) {
		n = getauxval(MINSIGSTKSZ_AUX) + ALTSTACK_ROOM_BYTES; /* 0 before Linux 5.14 */
		n = align_up(n > ALTSTACK_BYTES ? n : ALTSTACK_BYTES, gr__os_page_bytes());
		store_relaxed(&cached, n);
	}
	return n;
}

void *gr__os_altstack_map(void)
{
	void *mem = mmap(NULL, gr__os_altstack_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

void gr__os_altstack_unmap(void *altstack)
{
	gr__san_clean(altstack, gr__os_altstack_bytes());
	munmap(altstack, gr__os_altstack_bytes());
}

void gr__os_altstack_describe(void *altstack, stack_t *out)
{
	memset(out, 0, sizeof(*out));
	out->ss_sp = altstack;
	out->ss_size = altstack ? gr__os_altstack_bytes() : 0;
	out->ss_flags = altstack ? 0 : SS_DISABLE;
}

int gr__os_altstack_set(void *altstack)
{
	stack_t ss;

	gr__os_altstack_describe(altstack, &ss);
	return sigaltstack(&ss, NULL) ? -errno : 0;
}

/* ---- faults ---------------------------------------------------------------------------------------- */

static struct sigaction old_segv, old_bus;
static void (*fault_is_ours)(const void *addr, uintptr_t pc, uintptr_t fp);

/* What would have happened without us. */
static void as_before(int sig, siginfo_t *info, void *context)
{
	const struct sigaction *old = sig == SIGSEGV ? &old_segv : &old_bus;
	struct sigaction dfl;

	if (old->sa_flags & SA_SIGINFO) {
		old->sa_sigaction(sig, info, context);
		return;
	}
	if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) {
		old->sa_handler(sig);
		return;
	}
	if (old->sa_handler == SIG_IGN && info->si_code <= 0)
		return; /* sent by somebody; a fault cannot be ignored */
	memset(&dfl, 0, sizeof(dfl));
	dfl.sa_handler = SIG_DFL;
	sigaction(sig, &dfl, NULL);
	/* A fault comes again when the access is made again; a signal that was sent does not. */
	if (info->si_code <= 0)
		raise(sig);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	uintptr_t pc, fp;

	if (info->si_code > 0) {
		gr__context_at(context, &pc, &fp);
		fault_is_ours(info->si_addr, pc, fp);
	}
	as_before(sig, info, context);
}

int gr__os_fault_handler_on(void (*is_ours)(const void *addr, uintptr_t pc, uintptr_t fp))
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = on_fault;
	sa.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigemptyset(&sa.sa_mask);
	fault_is_ours = is_ours;
	if (sigaction(SIGSEGV, &sa, &old_segv))
		return -errno;
	if (sigaction(SIGBUS, &sa, &old_bus)) {
		int err = -errno;

		sigaction(SIGSEGV, &old_segv, NULL);
		return err;
	}
	return 0;
}

/* Put back what was there before, unless the program has set something of its own since. */
static void off_one(int sig, const struct sigaction *old)
{
	struct sigaction now;

	if (!sigaction(sig, NULL, &now) && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_fault)
		sigaction(sig, old, NULL);
}

void gr__os_fault_handler_off(void)
{
	off_one(SIGSEGV, &old_segv);
	off_one(SIGBUS, &old_bus);
}

/* ---- preemption ------------------------------------------------------------------------------------ */

/* Ignored by default, so one that comes late does no harm; hardly used (urgent data on sockets). Go's choice too. */
enum { PREEMPT_SIGNAL = SIGURG };

static struct sigaction old_preempt;
static void (*preempt)(struct gr__interrupted *at);

uint32_t gr__os_tid(void)
{
	return (uint32_t)gettid();
}

void gr__os_signals_for_ms(sigset_t *mask)
{
	sigdelset(mask, PREEMPT_SIGNAL);
}

void gr__os_thread_interrupt(uint32_t tid)
{
	tgkill(getpid(), (pid_t)tid, PREEMPT_SIGNAL); /* ESRCH: it has ended; EAGAIN: who asks asks again */
}

/* Never inlined: the address of errno must not be known from before a switch. */
static __attribute__((noinline)) void put_errno(int value)
{
	errno = value;
}

static __attribute__((noinline)) int get_errno(void)
{
	return errno;
}

static void on_preempt(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	int saved = get_errno();
	struct gr__interrupted at = {
#if defined(__x86_64__)
		.pc = (const void *)uc->uc_mcontext.gregs[REG_RIP],
		.sp = (const void *)uc->uc_mcontext.gregs[REG_RSP],
		.fp = (void *)uc->uc_mcontext.gregs[REG_RBP],
#else
		.pc = (const void *)uc->uc_mcontext.pc,
		.sp = (const void *)uc->uc_mcontext.sp,
		.fp = (void *)uc->uc_mcontext.regs[29],
#endif
		.altstack = &uc->uc_stack,
		.mask = &uc->uc_sigmask,
	};

	preempt(&at);
	/* Urgent data, or whatever the program uses it for. From nobody but itself: one of ours. */
	if (info->si_code != SI_TKILL || info->si_pid != getpid()) {
		if (old_preempt.sa_flags & SA_SIGINFO)
			old_preempt.sa_sigaction(sig, info, context);
		else if (old_preempt.sa_handler != SIG_DFL && old_preempt.sa_handler != SIG_IGN)
			old_preempt.sa_handler(sig);
	}
	put_errno(saved);
}

int gr__os_preempt_handler_on(void (*fn)(struct gr__interrupted *at))
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = on_preempt;
	sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
	sigfillset(&sa.sa_mask);
	preempt = fn;
	return sigaction(PREEMPT_SIGNAL, &sa, &old_preempt) ? -errno : 0;
}

void gr__os_preempt_handler_off(void)
{
	struct sigaction now;

	/* As off_one. */
	if (!sigaction(PREEMPT_SIGNAL, NULL, &now) && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_preempt)
		sigaction(PREEMPT_SIGNAL, &old_preempt, NULL);
}

/* ---- looking at what may be broken --------------------------------------------------------------------------- */

static void (*quit_fn)(uintptr_t pc, uintptr_t fp);

static void on_quit(int sig, siginfo_t *info, void *context)
{
	uintptr_t pc, fp;

	(void)sig, (void)info;
	gr__context_at(context, &pc, &fp);
	quit_fn(pc, fp);
}

void gr__os_quit_handler_on(void (*fn)(uintptr_t pc, uintptr_t fp))
{
	struct sigaction now, sa;

	if (sigaction(SIGQUIT, NULL, &now) || (now.sa_flags & SA_SIGINFO) || now.sa_handler != SIG_DFL)
		return;
	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = on_quit;
	sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
	sigfillset(&sa.sa_mask);
	quit_fn = fn;
	sigaction(SIGQUIT, &sa, NULL); /* refused: SIGQUIT ends the process as ever */
}

void gr__os_quit_handler_off(void)
{
	struct sigaction now, dfl;

	memset(&dfl, 0, sizeof(dfl));
	dfl.sa_handler = SIG_DFL;
	if (!sigaction(SIGQUIT, NULL, &now) && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_quit)
		sigaction(SIGQUIT, &dfl, NULL);
}

/*
 * The kernel copies the set before it looks at `how`, which is none: EFAULT where there is nothing to be copied, else
 * EINVAL, and nothing has been done. No descriptor is needed, and no sandbox forbids it.
 */
bool gr__os_is_readable(uintptr_t addr)
{
	int saved = errno;
	bool readable;

	if (gr__san_is_valgrind())
		return addr >= 4096; /* it complains of the question */
	readable = addr >= 4096 &&
		   (syscall(SYS_rt_sigprocmask, ~0, addr & ~(uintptr_t)7, NULL, 8) == 0 || errno != EFAULT);

	errno = saved;
	return readable;
}

void *gr__os_scratch(size_t bytes)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

void gr__os_scratch_free(void *mem, size_t bytes)
{
	if (mem)
		munmap(mem, bytes);
}
