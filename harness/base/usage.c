/* usage.c - getrusage as numbers; see usage.h. */
#include "harness/base/usage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static uint64_t timeval_ns(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * 1000000000u + (uint64_t)tv.tv_usec * 1000u;
}

void usage_now(struct usage *out)
{
	struct rusage ru = {0};

	/* Cannot fail: RUSAGE_SELF is always there, and ru is ours. */
	(void)getrusage(RUSAGE_SELF, &ru);
	out->user_ns = timeval_ns(ru.ru_utime);
	out->sys_ns = timeval_ns(ru.ru_stime);
	out->vcsw = (uint64_t)ru.ru_nvcsw;
	out->ivcsw = (uint64_t)ru.ru_nivcsw;
	out->minflt = (uint64_t)ru.ru_minflt;
	out->majflt = (uint64_t)ru.ru_majflt;
}

struct usage usage_diff(const struct usage *later, const struct usage *earlier)
{
	return (struct usage){
		.user_ns = later->user_ns - earlier->user_ns,
		.sys_ns = later->sys_ns - earlier->sys_ns,
		.vcsw = later->vcsw - earlier->vcsw,
		.ivcsw = later->ivcsw - earlier->ivcsw,
		.minflt = later->minflt - earlier->minflt,
		.majflt = later->majflt - earlier->majflt,
	};
}

json_t *usage_json(const struct usage *u)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "user_ns", (json_int_t)u->user_ns, "sys_ns",
			 (json_int_t)u->sys_ns, "vcsw", (json_int_t)u->vcsw, "ivcsw", (json_int_t)u->ivcsw, "minflt",
			 (json_int_t)u->minflt, "majflt", (json_int_t)u->majflt);
}

uint64_t usage_cpu_of(int pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

unsigned usage_threads(void)
{
	char text[1024];
	const char *at;
	ssize_t n;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The name (field 2) may hold anything; behind its last parenthesis come fields 3, 4, …, and 20 is the count. */
	at = strrchr(text, ')');
	for (int field = 2; at && field < 20; field++)
		at = strchr(at + 1, ' ');
	return at ? (unsigned)strtoul(at, NULL, 10) : 0;
}
