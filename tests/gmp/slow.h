/*
 * slow.h - whether the program runs ten to fifty times slower than it would by itself: under a sanitizer, or under
 * something that has set TEST_SLOW (test_valgrind.sh and tests/arm64/run.sh do).
 */
#ifndef SLOW_H
#define SLOW_H

#include <stdbool.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

static inline bool is_slow(void)
{
	return IS_SANITIZED || getenv("TEST_SLOW");
}

/* Repetitions: a twentieth where everything is slow. */
#define TIMES(n) (is_slow() ? ((n) + 19) / 20 : (n))

#endif
