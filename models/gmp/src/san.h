/*
 * san.h - telling sanitizers and valgrind about stacks and switches. Everything vanishes in other builds.
 *
 * AddressSanitizer wants to know the bounds of the stack that is switched to, and keeps a "fake stack" per stack.
 * ThreadSanitizer wants a fiber per stack; it allows about 8000, which bounds what tests can do under it. Valgrind
 * wants to know stacks, or takes a switch for a huge frame.
 */
#ifndef GR_SAN_H
#define GR_SAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
#define GR_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GR_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define GR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GR_TSAN 1
#endif
#endif
#ifndef GR_ASAN
#define GR_ASAN 0
#endif
#ifndef GR_TSAN
#define GR_TSAN 0
#endif

#if GR_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if GR_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define GR_VALGRIND 1
#endif
#endif
#ifndef GR_VALGRIND
#define GR_VALGRIND 0
#endif

/* About to switch to the stack [lo, lo + bytes) and fiber. *fake belongs to the stack left; NULL: left for good. */
static inline void gr__san_leave(void **fake, const void *lo, size_t bytes, void *fiber)
{
#if GR_ASAN
	__sanitizer_start_switch_fiber(fake, lo, bytes);
#endif
#if GR_TSAN
	__tsan_switch_to_fiber(fiber, 0);
#endif
	(void)fake, (void)lo, (void)bytes, (void)fiber;
}

/* Has just been switched to; fake is what gr__san_leave stored when this stack was left, NULL the first time. */
static inline void gr__san_arrive(void *fake)
{
#if GR_ASAN
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
	(void)fake;
}

static inline void *gr__san_fiber_make(void)
{
#if GR_TSAN
	return __tsan_create_fiber(0);
#else
	return NULL;
#endif
}

static inline void gr__san_fiber_free(void *fiber)
{
#if GR_TSAN
	if (fiber)
		__tsan_destroy_fiber(fiber);
#endif
	(void)fiber;
}

/*
 * The fiber for the slot's next G. Frames that are never returned from (g_main's, what is above a gr_exit) stay on the
 * fiber's stack of calls, which holds 65536: now and then it is made anew. *lives counts; it is valgrind's elsewhere.
 */
static inline void *gr__san_fiber_next(void *fiber, uint64_t *lives)
{
#if GR_TSAN
	if (++*lives % 1024 == 0) {
		gr__san_fiber_free(fiber);
		fiber = gr__san_fiber_make();
	}
#endif
	(void)lives;
	return fiber;
}

/* The calling thread's own fiber. */
static inline void *gr__san_fiber_self(void)
{
#if GR_TSAN
	return __tsan_get_current_fiber();
#else
	return NULL;
#endif
}

/* Forget what frames that never returned have left in the shadow of this memory. */
static inline void gr__san_clean(void *lo, size_t bytes)
{
#if GR_ASAN
	__asan_unpoison_memory_region(lo, bytes);
#endif
	(void)lo, (void)bytes;
}

/* Whether this runs under valgrind, which reads memory for system calls itself and dies of a guard in a page table. */
static inline bool gr__san_is_valgrind(void)
{
#if GR_VALGRIND
	return RUNNING_ON_VALGRIND;
#else
	return false;
#endif
}

static inline uint64_t gr__san_stack_known(void *lo, void *hi)
{
#if GR_VALGRIND
	return VALGRIND_STACK_REGISTER(lo, hi);
#else
	(void)lo, (void)hi;
	return 0;
#endif
}

static inline void gr__san_stack_forgotten(uint64_t id)
{
#if GR_VALGRIND
	VALGRIND_STACK_DEREGISTER(id);
#endif
	(void)id;
}

/* What has been read from memory of others, which they may not have written, counts as written. */
static inline void gr__san_defined(void *mem, size_t bytes)
{
#if GR_VALGRIND
	(void)VALGRIND_MAKE_MEM_DEFINED(mem, bytes);
#endif
	(void)mem, (void)bytes;
}

#endif
