/*
 * clock.h - the one clock that all parts of the harness stamp with.
 *
 * CLOCK_MONOTONIC and not _RAW: every process of a run must agree on it, and the harness compares its own interval
 * with the subject's. The call stays in the vDSO (no system call) wherever the kernel's clock source allows it.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_SEC UINT64_C(1000000000)
#define CLOCK_NS_PER_MSEC UINT64_C(1000000)

/* Nanoseconds since an arbitrary point, the same for all processes of this boot. */
static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	/* Cannot fail: the clock id is a constant that Linux always has, and ts is ours. */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * CLOCK_NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* Milliseconds from now until deadline_ns, rounded up for poll(2); 0 when it has passed. */
static inline int clock_ms_until(uint64_t deadline_ns)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t left_ms;

	if (now_ns >= deadline_ns)
		return 0;
	left_ms = (deadline_ns - now_ns + CLOCK_NS_PER_MSEC - 1) / CLOCK_NS_PER_MSEC;
	return left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
}

#endif
