/*
 * direct.h - the blocking style: what a direct body may call, whatever model it is compiled against.
 *
 * The build compiles each workload's direct.c once per direct model with -DSWITCHYARD_BIND="<its bind.h>".
 * Every name below is a type or a `static inline` function of that bind.h which turns into one call of the
 * model's own API: no function table, no copy per model. A bind.h includes nothing from the harness; that it
 * offers exactly this contract is checked at the end of this file, by the compiler.
 *
 * Errors are negative errno. "Blocks" below means: the calling task stops; what else stops is the model's
 * affair (GMP: the G; pthread: the thread).
 *
 *   typedef dx_task    a joinable task; storage by the caller, must outlive dx_join
 *   typedef dx_mutex   mutual exclusion; not recursive
 *   typedef dx_cond    what tasks wait on that have a mutex and need something to change
 *   typedef dx_rwlock  many may hold it for reading or one for writing; not recursive
 *   typedef dx_barrier a meeting of n tasks, again and again
 *   typedef dx_sem     a number of permits
 *   typedef dx_chan    a bounded queue of fixed-size elements; capacity 0 is a rendezvous
 *   typedef dx_set     channels that one task receives from, whichever has something
 *   typedef dx_wg      a wait group: a counter that tasks wait on to become 0
 *   typedef dx_timer   something that happens at a time and can be called off
 *   typedef dx_sock    a connected or listening stream socket, or one of datagrams; for adopt, read and close also a pipe or a timerfd
 *
 *   int  dx_spawn(dx_task *t, void (*fn)(void *), void *arg)   start fn(arg) as a new task; 0, -EAGAIN, -ENOMEM
 *   void dx_join(dx_task *t)                                    blocks until fn has returned; once per task
 *   int  dx_go(void (*fn)(void *), void *arg)                   start a detached task (use a dx_wg to await it)
 *   int  dx_go_sized(size_t stack_bytes, void (*fn)(void *), void *arg)   the same with at least so much stack for fn, whose
 *                                                               memory is touched as it is used; nearly 256 MiB can be had. Also
 *                                                               -EINVAL: not so much; -EOPNOTSUPP: stacks are as they are
 *   void dx_yield(void)                                         let other runnable tasks run
 *   void dx_sleep_ns(uint64_t ns)                               blocks at least that long
 *
 *   #define DX_PREEMPTIBLE                                      mark of a function that computes long and calls nothing, for
 *                                                               models that must be told what they may interrupt; may be
 *                                                               empty. No errno, thread-local variable or library call in it
 *
 *   int  dx_mutex_init(dx_mutex *), void dx_mutex_destroy(dx_mutex *)
 *   void dx_lock(dx_mutex *), void dx_unlock(dx_mutex *)
 *
 *   int  dx_cond_init(dx_cond *), void dx_cond_destroy(dx_cond *)
 *   void dx_cond_wait(dx_cond *, dx_mutex *)                    gives the mutex up, blocks until a broadcast (or for no reason),
 *                                                               and takes the mutex again
 *   void dx_cond_broadcast(dx_cond *)                           wakes all
 *
 *   int  dx_rwlock_init(dx_rwlock *), void dx_rwlock_destroy(dx_rwlock *)
 *   void dx_rlock(dx_rwlock *), void dx_runlock(dx_rwlock *)    for reading
 *   void dx_wlock(dx_rwlock *), void dx_wunlock(dx_rwlock *)    for writing
 *
 *   int  dx_barrier_init(dx_barrier *, unsigned n), void dx_barrier_destroy(dx_barrier *)
 *   bool dx_barrier_wait(dx_barrier *)                          blocks until n tasks are in it; true in one of them
 *
 *   int  dx_sem_init(dx_sem *, unsigned permits), void dx_sem_destroy(dx_sem *)   nobody waits any more
 *   void dx_sem_acquire(dx_sem *)                               blocks until there is a permit, and takes it
 *   void dx_sem_release(dx_sem *)                               gives one back, whoever has taken it
 *
 *   int  dx_chan_init(dx_chan *, size_t elem_bytes, size_t capacity), void dx_chan_destroy(dx_chan *)
 *   void dx_send(dx_chan *, const void *elem)                   blocks while full
 *   bool dx_recv(dx_chan *, void *elem)                         blocks while empty; false: closed and drained
 *   void dx_chan_close(dx_chan *)                               wakes all receivers
 *     A channel may be destroyed by whoever has received its last message, even while that message's sender is still
 *     on its way out of dx_send.
 *
 *   int  dx_set_init(dx_set *, dx_chan *chans, size_t n, void *elem)   channels that nobody has used yet, to be received
 *                                                               from together, by dx_select alone and by one task
 *   void dx_set_destroy(dx_set *)                               no call on its channels may be under way; before theirs
 *   int  dx_select(dx_set *)                                    blocks until one of the channels has an element, and
 *                                                               receives it into elem: its index; -1: all are closed
 *                                                               and drained
 *
 *   int  dx_wg_init(dx_wg *), void dx_wg_destroy(dx_wg *)
 *   void dx_wg_add(dx_wg *, int n), void dx_wg_done(dx_wg *), void dx_wg_wait(dx_wg *)
 *
 *   int  dx_timer_init(dx_timer *, void (*fn)(void *), void *arg)   it is not pending; fn is called in a context of the
 *                                                               model's own, must not block, may overlap with itself
 *   void dx_timer_destroy(dx_timer *)                           stops it; a call of fn may still be under way
 *   bool dx_timer_start(dx_timer *, uint64_t ns)                fn(arg) is called once, not before ns have passed. True: it
 *                                                               was pending, and is moved
 *   bool dx_timer_stop(dx_timer *)                              true: it was pending, and fn will not be called for it
 *
 *   int  dx_sock_adopt(dx_sock *, int fd)     take over a socket made by plain calls; sets the flags the model needs
 *   int  dx_accept(dx_sock *listener, dx_sock *out)             blocks; -EINVAL after dx_sock_shutdown
 *   ssize_t dx_sock_read(dx_sock *, void *, size_t)             blocks until at least one byte, 0 at end of stream
 *   ssize_t dx_sock_write(dx_sock *, const void *, size_t)      blocks until all is written; count or -errno
 *   ssize_t dx_pipe_write(dx_sock *, const void *, size_t)      the same of a pipe; SIGPIPE where nobody can read it
 *   void dx_sock_shutdown(dx_sock *)                            from any task: wakes its readers and acceptors
 *   void dx_sock_close(dx_sock *)                               closes the descriptor; no other task may use it
 *
 *   ssize_t dx_recvfrom(dx_sock *, void *, size_t, struct sockaddr *from, socklen_t *len)
 *   ssize_t dx_sendto(dx_sock *, const void *, size_t, const struct sockaddr *to, socklen_t len)
 *     One datagram; the first blocks until there is one. Several tasks may receive on one socket, and send. 0 from
 *     dx_recvfrom: an empty one, or dx_sock_shutdown, after which every call gives 0.
 *
 *   ssize_t dx_pread(int fd, void *, size_t, off_t)             a file read, the model's way of blocking in it
 *   ssize_t dx_pwrite(int fd, const void *, size_t, off_t)      likewise a write, fsync(2), open(2) and close(2) of a file
 *   int  dx_fsync(int fd)
 *   int  dx_open(const char *path, int flags, mode_t mode)      a descriptor or -errno
 *   int  dx_close(int fd)
 *   ssize_t dx_read_blocking(int fd, void *, size_t)            read(2) on any descriptor, allowed to block long
 *
 *   void dx_call(void (*fn)(void *), void *arg)                 fn(arg), which makes a call that may block in the kernel, and
 *                                                               nobody knows for how long: what is usual
 *   void dx_call_blocking(void (*fn)(void *), void *arg)        the same where it is known to block long, and a model that can
 *                                                               use that is told; say so in .fairness, not all can be
 *                                                               told. Neither calls anything of this header
 *
 *   #define DX_TASKS_ARE_THREADS true                           may be left out: each task is an OS thread of its own from its
 *                                                               beginning to its end, which can be told where to run
 *
 *   #define DX_HAS_PARTS, typedef dx_parts                      may be left out: parts of the runtime that can be run by
 *                                                               themselves, for switch/ladder and nobody else
 *   int  dx_parts_make(dx_parts *), void dx_parts_free(dx_parts *)
 *   void dx_part_swap(dx_parts *, uint64_t ops, uint64_t done[2])   one part, ops times, by two parties in
 *   void dx_part_queue(...), void dx_part_runnext(...)          turn, each of which counts its own: registers and stack; the
 *                                                               queue as a yield uses it; the queue as a wake and a park do
 *
 * For harness/subject only, not for bodies:
 *   #define DX_MODEL "gmp"                                      the model's id
 *   int  dx_runtime_start(unsigned workers, const char *knobs, const uint16_t (*nearness)[2], unsigned n)
 *                                                               knobs: "name=value,..." or ""; -EINVAL if unknown;
 *                                                               nearness: by CPU number, n of them, the last-level cache
 *                                                               and the NUMA node that it belongs to
 *   void dx_runtime_run(void (*root)(void *), void *arg)        runs root as a task; blocks the calling OS thread
 *   void dx_runtime_stop(void)                                  all threads joined, everything freed
 *   unsigned dx_runtime_pool(void)                              threads that all tasks share so that one that waits holds a
 *                                                               thread from the others; 0: any number of tasks can wait
 *   #define DX_CAN_TRACE true                                   what its scheduler does can be written into a file:
 *   int  dx_runtime_trace(const char *path)                     begins, NULL: ends and writes; in the trace format that
 *                                                               ui.perfetto.dev reads. Not by a task; 0 or -errno
 *   size_t dx_runtime_counters(const char *names[], uint64_t values[], size_t cap)   what the model counts of itself
 *   size_t dx_runtime_stack(bool *grows)      bytes of the stack that a task begins with; whether it grows by itself
 *   size_t dx_runtime_knobs(const char *names[], char values[][32], size_t cap)      every setting that matters
 *
 * Of runtimes that are somebody else's, and optional:
 *   #define DX_USES_WORKERS false                               more workers than one make no difference
 *   #define DX_HAS_COUNTERS false                               dx_runtime_counters gives none
 *   #define DX_LACKS(workload) ...                              why it cannot do the workload of this name; NULL: it can
 */
#ifndef DIRECT_H
#define DIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "harness/subject/bench.h"

#ifndef SWITCHYARD_BIND
#error "compile direct bodies with -DSWITCHYARD_BIND=\"models/<m>/bind.h\""
#endif
#include SWITCHYARD_BIND

#ifndef DX_USES_WORKERS
#define DX_USES_WORKERS true
#endif
#ifndef DX_HAS_COUNTERS
#define DX_HAS_COUNTERS true
#endif
#ifndef DX_LACKS
#define DX_LACKS(workload) NULL
#endif

#ifndef DX_PREEMPTIBLE
#error "the bind.h defines no DX_PREEMPTIBLE"
#endif

#ifndef DX_TASKS_ARE_THREADS
#define DX_TASKS_ARE_THREADS false
#endif

#define DX_HAS(name, type)                                                                                             \
	_Static_assert(__builtin_types_compatible_p(__typeof__(&name), type), #name " has another type")
DX_HAS(dx_spawn, int (*)(dx_task *, void (*)(void *), void *));
DX_HAS(dx_join, void (*)(dx_task *));
DX_HAS(dx_go, int (*)(void (*)(void *), void *));
DX_HAS(dx_go_sized, int (*)(size_t, void (*)(void *), void *));
DX_HAS(dx_yield, void (*)(void));
DX_HAS(dx_sleep_ns, void (*)(uint64_t));
DX_HAS(dx_mutex_init, int (*)(dx_mutex *));
DX_HAS(dx_mutex_destroy, void (*)(dx_mutex *));
DX_HAS(dx_lock, void (*)(dx_mutex *));
DX_HAS(dx_unlock, void (*)(dx_mutex *));
DX_HAS(dx_cond_init, int (*)(dx_cond *));
DX_HAS(dx_cond_destroy, void (*)(dx_cond *));
DX_HAS(dx_cond_wait, void (*)(dx_cond *, dx_mutex *));
DX_HAS(dx_cond_broadcast, void (*)(dx_cond *));
DX_HAS(dx_rwlock_init, int (*)(dx_rwlock *));
DX_HAS(dx_rwlock_destroy, void (*)(dx_rwlock *));
DX_HAS(dx_rlock, void (*)(dx_rwlock *));
DX_HAS(dx_runlock, void (*)(dx_rwlock *));
DX_HAS(dx_wlock, void (*)(dx_rwlock *));
DX_HAS(dx_wunlock, void (*)(dx_rwlock *));
DX_HAS(dx_barrier_init, int (*)(dx_barrier *, unsigned));
DX_HAS(dx_barrier_destroy, void (*)(dx_barrier *));
DX_HAS(dx_barrier_wait, bool (*)(dx_barrier *));
DX_HAS(dx_sem_init, int (*)(dx_sem *, unsigned));
DX_HAS(dx_sem_destroy, void (*)(dx_sem *));
DX_HAS(dx_sem_acquire, void (*)(dx_sem *));
DX_HAS(dx_sem_release, void (*)(dx_sem *));
DX_HAS(dx_chan_init, int (*)(dx_chan *, size_t, size_t));
DX_HAS(dx_chan_destroy, void (*)(dx_chan *));
DX_HAS(dx_send, void (*)(dx_chan *, const void *));
DX_HAS(dx_recv, bool (*)(dx_chan *, void *));
DX_HAS(dx_chan_close, void (*)(dx_chan *));
DX_HAS(dx_set_init, int (*)(dx_set *, dx_chan *, size_t, void *));
DX_HAS(dx_set_destroy, void (*)(dx_set *));
DX_HAS(dx_select, int (*)(dx_set *));
DX_HAS(dx_wg_init, int (*)(dx_wg *));
DX_HAS(dx_wg_destroy, void (*)(dx_wg *));
DX_HAS(dx_wg_add, void (*)(dx_wg *, int));
DX_HAS(dx_wg_done, void (*)(dx_wg *));
DX_HAS(dx_wg_wait, void (*)(dx_wg *));
DX_HAS(dx_timer_init, int (*)(dx_timer *, void (*)(void *), void *));
DX_HAS(dx_timer_destroy, void (*)(dx_timer *));
DX_HAS(dx_timer_start, bool (*)(dx_timer *, uint64_t));
DX_HAS(dx_timer_stop, bool (*)(dx_timer *));
DX_HAS(dx_sock_adopt, int (*)(dx_sock *, int));
DX_HAS(dx_accept, int (*)(dx_sock *, dx_sock *));
DX_HAS(dx_sock_read, ssize_t (*)(dx_sock *, void *, size_t));
DX_HAS(dx_sock_write, ssize_t (*)(dx_sock *, const void *, size_t));
DX_HAS(dx_pipe_write, ssize_t (*)(dx_sock *, const void *, size_t));
DX_HAS(dx_sock_shutdown, void (*)(dx_sock *));
DX_HAS(dx_sock_close, void (*)(dx_sock *));
DX_HAS(dx_recvfrom, ssize_t (*)(dx_sock *, void *, size_t, struct sockaddr *, socklen_t *));
DX_HAS(dx_sendto, ssize_t (*)(dx_sock *, const void *, size_t, const struct sockaddr *, socklen_t));
DX_HAS(dx_pread, ssize_t (*)(int, void *, size_t, off_t));
DX_HAS(dx_pwrite, ssize_t (*)(int, const void *, size_t, off_t));
DX_HAS(dx_fsync, int (*)(int));
DX_HAS(dx_open, int (*)(const char *, int, mode_t));
DX_HAS(dx_close, int (*)(int));
DX_HAS(dx_call_blocking, void (*)(void (*)(void *), void *));
DX_HAS(dx_read_blocking, ssize_t (*)(int, void *, size_t));
DX_HAS(dx_call, void (*)(void (*)(void *), void *));
DX_HAS(dx_runtime_start, int (*)(unsigned, const char *, const uint16_t (*)[2], unsigned));
DX_HAS(dx_runtime_run, void (*)(void (*)(void *), void *));
DX_HAS(dx_runtime_stop, void (*)(void));
#undef DX_HAS

#endif
