/*
 * atomic.h - C11 atomics with the memory order in the name.
 *
 * Every atomic access of the models goes through these names, so that an order is a decision that a reader sees and
 * no access is sequentially consistent by accident. p points to an _Atomic object.
 */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include <stdatomic.h>
#include <stdint.h>

#define load_relaxed(p) atomic_load_explicit((p), memory_order_relaxed)
#define load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define load_seq_cst(p) atomic_load_explicit((p), memory_order_seq_cst)

#define store_relaxed(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define store_release(p, v) atomic_store_explicit((p), (v), memory_order_release)

#define xchg_relaxed(p, v) atomic_exchange_explicit((p), (v), memory_order_relaxed)
#define xchg_acquire(p, v) atomic_exchange_explicit((p), (v), memory_order_acquire)
#define xchg_release(p, v) atomic_exchange_explicit((p), (v), memory_order_release)
#define xchg_acq_rel(p, v) atomic_exchange_explicit((p), (v), memory_order_acq_rel)
#define xchg_seq_cst(p, v) atomic_exchange_explicit((p), (v), memory_order_seq_cst)

/*
 * An exchange, as amd64's compilers make of it anyway. arm64's own store of this kind (STLR) may come after a later load where
 * qemu runs it on amd64: it puts a barrier before the store and one after the load, and none between the two.
 */
#define store_seq_cst(p, v) ((void)xchg_seq_cst((p), (v)))

#define fetch_add_relaxed(p, v) atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define fetch_add_acquire(p, v) atomic_fetch_add_explicit((p), (v), memory_order_acquire)
#define fetch_add_release(p, v) atomic_fetch_add_explicit((p), (v), memory_order_release)
#define fetch_add_acq_rel(p, v) atomic_fetch_add_explicit((p), (v), memory_order_acq_rel)
#define fetch_add_seq_cst(p, v) atomic_fetch_add_explicit((p), (v), memory_order_seq_cst)
#define fetch_sub_relaxed(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_relaxed)
#define fetch_sub_release(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_release)
#define fetch_sub_acq_rel(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_acq_rel)
#define fetch_sub_seq_cst(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_seq_cst)
#define fetch_or_relaxed(p, v) atomic_fetch_or_explicit((p), (v), memory_order_relaxed)
#define fetch_or_acq_rel(p, v) atomic_fetch_or_explicit((p), (v), memory_order_acq_rel)
#define fetch_or_seq_cst(p, v) atomic_fetch_or_explicit((p), (v), memory_order_seq_cst)
#define fetch_and_relaxed(p, v) atomic_fetch_and_explicit((p), (v), memory_order_relaxed)
#define fetch_and_acq_rel(p, v) atomic_fetch_and_explicit((p), (v), memory_order_acq_rel)
#define fetch_and_seq_cst(p, v) atomic_fetch_and_explicit((p), (v), memory_order_seq_cst)

/* On failure *expected gets what was there, with the failure order that is written second in the expansion. */
#define cas_weak_relaxed(p, expected, v)                                                                               \
	atomic_compare_exchange_weak_explicit((p), (expected), (v), memory_order_relaxed, memory_order_relaxed)
#define cas_weak_acquire(p, expected, v)                                                                               \
	atomic_compare_exchange_weak_explicit((p), (expected), (v), memory_order_acquire, memory_order_relaxed)
#define cas_weak_release(p, expected, v)                                                                               \
	atomic_compare_exchange_weak_explicit((p), (expected), (v), memory_order_release, memory_order_relaxed)
#define cas_weak_acq_rel(p, expected, v)                                                                               \
	atomic_compare_exchange_weak_explicit((p), (expected), (v), memory_order_acq_rel, memory_order_acquire)
#define cas_weak_seq_cst(p, expected, v)                                                                               \
	atomic_compare_exchange_weak_explicit((p), (expected), (v), memory_order_seq_cst, memory_order_seq_cst)
#define cas_strong_relaxed(p, expected, v)                                                                             \
	atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_relaxed, memory_order_relaxed)
#define cas_strong_acquire(p, expected, v)                                                                             \
	atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_acquire, memory_order_relaxed)
#define cas_strong_release(p, expected, v)                                                                             \
	atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_release, memory_order_relaxed)
#define cas_strong_acq_rel(p, expected, v)                                                                             \
	atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_acq_rel, memory_order_acquire)
#define cas_strong_seq_cst(p, expected, v)                                                                             \
	atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_seq_cst, memory_order_seq_cst)

/*
 * A counter that one thread writes and others may read: an addition without a locked operation. Two writers would
 * lose increments.
 */
#define owner_add(p, v) store_relaxed((p), load_relaxed(p) + (v))

/*
 * The StoreLoad barrier: stores before it are visible to others before loads after it are made. On amd64 a locked
 * operation on the own stack's line is about a third of the price of mfence. Thread sanitizer knows no fences (and
 * gcc warns of them), so there a sequentially consistent read-modify-write has the same effect on the hardware.
 */
static inline void fence_seq_cst(void)
{
#if defined(__x86_64__)
	__asm__ volatile("lock; orq $0, (%%rsp)" ::: "memory", "cc");
#elif defined(__SANITIZE_THREAD__)
	static _Atomic uint32_t dummy;

	fetch_add_seq_cst(&dummy, 1);
#else
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* Tell the CPU that this is a spin loop. */
static inline void gr_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#else
	__asm__ volatile("" ::: "memory");
#endif
}

#endif
