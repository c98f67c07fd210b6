/*
 * bf.h - Boost.Fiber behind names that C can call: each function is one call of the library, in bf.cpp.
 *
 * Objects are the library's own, made in storage of the caller; bf.cpp checks that they fit. Errors are negative errno.
 */
#ifndef BF_H
#define BF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define BF_ALIGNED alignas(16)
extern "C" {
#else
#define BF_ALIGNED _Alignas(16)
#endif

struct bf_fiber {
	BF_ALIGNED unsigned char room[16]; /* boost::fibers::fiber */
};
struct bf_mutex {
	BF_ALIGNED unsigned char room[64]; /* boost::fibers::mutex */
};
struct bf_cond {
	BF_ALIGNED unsigned char room[64]; /* boost::fibers::condition_variable */
};
struct bf_barrier {
	BF_ALIGNED unsigned char room[160]; /* boost::fibers::barrier */
};
struct bf_chan;

/*
 * Once before anything else. knobs: "name=value,..." of these, or "":
 *   stack_kib=N                       the stack of a fiber; without it what Boost.Context gives
 *   stack=fixed | protected | pooled  the allocator of stacks: malloc, the library's default; mmap and a guard page; a pool,
 *                                     which only one worker can have
 *   launch=post | dispatch            whether a new fiber waits for its turn, the library's default, or runs at once and its
 *                                     maker waits
 *   suspend=0 | 1                     whether a thread that finds nothing to steal sleeps; 0 is the library's default
 */
int bf_start(unsigned workers, const char *knobs);
void bf_run(void (*root)(void *), void *arg);
const char *bf_stack(void);
size_t bf_stack_bytes(void);
bool bf_suspends(void);
const char *bf_launch(void);
const char *bf_algorithm(void);

int bf_spawn(struct bf_fiber *f, void (*fn)(void *), void *arg);
void bf_join(struct bf_fiber *f);
int bf_go(void (*fn)(void *), void *arg);
int bf_go_sized(size_t stack_bytes, void (*fn)(void *), void *arg);
void bf_yield(void);
void bf_sleep_ns(uint64_t ns);

void bf_mutex_init(struct bf_mutex *m);
void bf_mutex_destroy(struct bf_mutex *m);
void bf_lock(struct bf_mutex *m);
void bf_unlock(struct bf_mutex *m);

void bf_cond_init(struct bf_cond *c);
void bf_cond_destroy(struct bf_cond *c);
void bf_cond_wait(struct bf_cond *c, struct bf_mutex *m); /* with m locked */
void bf_cond_signal(struct bf_cond *c);
void bf_cond_broadcast(struct bf_cond *c);

void bf_barrier_init(struct bf_barrier *b, unsigned n);
void bf_barrier_destroy(struct bf_barrier *b);
bool bf_barrier_wait(struct bf_barrier *b);

/* -EOPNOTSUPP: elements of this size, for which bf.cpp has no instance of the library's template. */
int bf_chan_new(size_t elem_bytes, size_t capacity, struct bf_chan **out);
void bf_chan_free(struct bf_chan *c);
void bf_send(struct bf_chan *c, const void *elem);
bool bf_recv(struct bf_chan *c, void *elem);
void bf_close(struct bf_chan *c);

#ifdef __cplusplus
}
#endif

#endif
