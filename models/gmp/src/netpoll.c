/*
 * netpoll.c - Gs that wait for descriptors: the part that does not depend on how the kernel is asked.
 *
 * Each descriptor is registered once, for both directions, edge-triggered: no system call says "now I wait". An edge
 * sets the direction's word to READY or wakes the G that it holds; the words and their transitions are described in
 * netpoll.h.
 *
 * Why hard: an edge comes once. Whoever clears READY at the wrong moment sleeps forever on data that is there. The
 * rule is to clear before trying, never after:
 *
 *      the G                                      the kernel and the poller
 *      -----                                      -------------------------
 *      1 stores IDLE            (gr__np_clear)    1 data arrives in the socket
 *      2 StoreLoad fence                          2 the edge is queued; epoll_wait returns it
 *      3 read(2) finds nothing                    3 reads the word: not READY -> sets it (or wakes the G)
 *      4 IDLE -> PARKING -> G, or sees READY
 *
 * If read(2) missed the data, then 3 of the G came before 1 of the kernel, so the IDLE of step 1 was visible before
 * the poller's step 3, which sets READY; step 4 sees that. The fence is needed: without it the store may reach
 * other CPUs after read(2) has looked, the poller sees the old READY and does nothing, and then the store lands.
 * Data that read(2) did get may leave a READY behind whose cause is gone: one useless try, no harm.
 *
 * Closing. A descriptor's number may be used again at once after close(2), so close(2) waits until no call uses it:
 *
 *      a call                                     gr_sock_close
 *      ------                                     -------------
 *      1 takes a reference, only if OPEN          1 takes a reference, clears OPEN
 *      2 clears the word, fence                   2 fence, sets both words READY, wakes their Gs
 *      3 reads OPEN: gone -> READY, returns       3 not the only reference: waits
 *      4 tries, waits on the word                 4 drops its reference, close(2)
 *
 * Either the call's 3 sees that OPEN is gone, or it came before the close's 1, so that the READY of the close's 2
 * is not cleared by the call's 2, and the call's wait ends. The READY in the call's 3 is for the next one: several Gs
 * accept on one listener, each with a reference, and use the word one after the other. Only one of them sees the READY
 * of the close's 2; if it left IDLE behind, the next would wait for an edge that cannot come, and the close for it.
 *
 * A deadline that passes and gr_sock_cancel are the same steps, with `expired` and `cancels` in the place of OPEN, and
 * nobody waits. There the READY of 3 has one more reason: the call has cleared it without having tried, so an edge may
 * have been in it, and the descriptor is used on afterwards. How a deadline is set again is in deadline.c.
 *
 * hung_up. A short read lets the next one wait without a try, unless an edge has said that there is more to come than
 * data (net.c). The word and the flag are written and read crosswise:
 *
 *      the G                                      the poller, with an edge that has RDHUP, HUP or ERR
 *      -----                                      ---------------------------------------------------
 *      1 stores IDLE            (gr__np_clear)    1 hung_up = true
 *      2 fence                                    2 fence
 *      3 read(2), then reads hung_up              3 reads the word: IDLE or a G -> sets READY
 *
 * If 3 of the poller sees the READY that the G is about to clear, and so does nothing, 3 of the G sees hung_up.
 *
 * Invariants:
 *   I1  only the G that holds a direction (one reader, one writer at a time) clears it or waits in it.
 *   I2  who swaps a G out of a word makes it runnable, exactly once.
 *   I3  `waiters` is at least the number of words that hold a G, or are about to: counted before, uncounted after it has
 *       been taken out and before it is made runnable; by the poller those of one poll together. And of
 *       operations that file_uring.c waits for, which it counts itself (U3).
 *   I4  a slot's memory is a struct gr_sock from its first use to the end of the runtime.
 *   I5  the tag changes before a descriptor's number can be used again, so that a late event does not reach the next
 *       user. An event that is being handled while the tag changes can still set the next user's READY or hung_up:
 *       a useless try.
 *   I6  refs is not 0 from the adoption until nothing but close(2) is left to do, whatever Gs are dropped by gr_stop:
 *       so gr__netpoll_destroy knows which descriptors are still open.
 */
#include "netpoll.h"
#include "file_uring.h"
#include "plock.h"
#include "sema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Slots come in chunks of 16 KiB; the table allows 2^21 descriptors, twice the kernel's usual fs.nr_open. */
enum { CHUNK_SLOTS = 256, CHUNKS = 8192 };

enum { FILE_RETRY_NS = 1000 * 1000 }; /* the kernel has no memory for a file operation: when to ask again; arbitrary */

static _Atomic(struct gr_sock *) chunks[CHUNKS];

/* Gs that sleep in the words (I3). On a line of its own: each wait for I/O changes it twice. */
static struct {
	CACHE_ALIGNED _Atomic uint32_t n;
} waiters;

/* ---- slots ----------------------------------------------------------------------------------------- */

static struct gr_sock *find_slot(int fd)
{
	struct gr_sock *chunk;

	if (fd < 0 || fd / CHUNK_SLOTS >= CHUNKS)
		return NULL;
	chunk = load_acquire(&chunks[fd / CHUNK_SLOTS]); /* pairs with the swap in gr__np_slot */
	return chunk ? &chunk[fd % CHUNK_SLOTS] : NULL;
}

struct gr_sock *gr__np_slot(int fd)
{
	struct gr_sock *s = find_slot(fd), *chunk, *none = NULL;

	if (s || fd < 0 || fd / CHUNK_SLOTS >= CHUNKS)
		return s;
	chunk = gr__alloc(CACHE_LINE_BYTES, CHUNK_SLOTS * sizeof(*chunk));
	if (!chunk)
		return NULL;
	memset(chunk, 0, CHUNK_SLOTS * sizeof(*chunk));
	if (!cas_strong_acq_rel(&chunks[fd / CHUNK_SLOTS], &none, chunk))
		gr__free(chunk); /* another thread was first */
	return find_slot(fd);
}

bool gr__np_ref(struct gr_sock *s)
{
	uint32_t refs = load_acquire(&s->refs); /* also for who is told that it is closed */

	do {
		if (!(refs & GR__NP_OPEN))
			return false;
	} while (!gr__pcas32(&s->refs, &refs, refs + GR__NP_REF)); /* only holders of a P have calls to count */
	return true;
}

void gr__np_unref(struct gr_sock *s)
{
	/* Not open, and the one that is left is gr_sock_close's: it waits. No new ones come without OPEN: once only. */
	if (gr__padd32(&s->refs, (uint32_t)-GR__NP_REF) == 2 * GR__NP_REF)
		gr__sema_release(&s->idle, GR__SEMA_NEXT);
}

int gr__np_open(int fd, bool is_socket, bool short_is_drained, struct gr_sock **out)
{
	struct gr_sock *s = gr__np_slot(fd);
	int err;

	if (!s)
		return -ENOMEM;
	if (load_acquire(&s->refs) != 0)
		gr__fatal("gr_sock_adopt: descriptor %d was adopted before and closed by other means", fd);
	/* Orders us behind the close of the number's last user; so far only the kernel knows that it came first. */
	(void)load_acquire(&s->tag);
	s->fd = fd;
	s->is_socket = is_socket;
	s->short_is_drained = short_is_drained;
	store_relaxed(&s->hung_up, false);
	store_relaxed(&s->shut, 0);
	for (enum gr__np_dir d = GR__NP_READ; d <= GR__NP_WRITE; d++) {
		store_relaxed(&s->expired[d], false);
		store_relaxed(&s->turn[d], 1);
		store_relaxed(&s->dir[d], GR__NP_READY);
	}
	/* Release: the fields above are set for who gets s by other ways than from the caller. */
	store_release(&s->refs, GR__NP_OPEN);
	err = gr__np_backend_add(s);
	if (err) {
		store_release(&s->refs, 0);
		return err;
	}
	*out = s;
	return 0;
}

/* ---- waiting --------------------------------------------------------------------------------------- */

/* I1 does not hold: a G of the word would be forgotten. */
static __attribute__((noinline, noreturn)) void not_alone(const struct gr_sock *s, enum gr__np_dir d)
{
	gr__fatal("two goroutines %s descriptor %d at the same time", d == GR__NP_READ ? "read from" : "write to",
		  s->fd);
}

/* The rest of gr__np_clear when there is a reason not to try. */
static __attribute__((noinline)) int refuse(struct gr_sock *s, enum gr__np_dir d, uint32_t cancels)
{
	/* `expired` is not read again: the deadline may have been set again meanwhile, the others stay as they are. */
	bool is_canceled = !(load_relaxed(&s->refs) & GR__NP_OPEN) || load_relaxed(&s->cancels[d]) != cancels;

	/* As if it had not been cleared: for the edge that may have been in it, and for the others whom this concerns. */
	gr__np_set_ready(s, d);
	return is_canceled ? -ECANCELED : -ETIMEDOUT;
}

int gr__np_clear(struct gr_sock *s, enum gr__np_dir d, uint32_t cancels)
{
	uintptr_t was = load_relaxed(&s->dir[d]);

	if (unlikely(was != GR__NP_READY && was != GR__NP_IDLE))
		not_alone(s, d);
	store_relaxed(&s->dir[d], GR__NP_IDLE);
	fence_seq_cst();
	if (likely((load_acquire(&s->refs) & GR__NP_OPEN) && !load_relaxed(&s->expired[d]) &&
		   load_relaxed(&s->cancels[d]) == cancels))
		return 0;
	return refuse(s, d, cancels);
}

/* PARKING -> the G; if that fails it is ready already and the G goes on. */
static bool enter_word(struct gr_g *g, void *arg)
{
	_Atomic uintptr_t *word = arg;
	uintptr_t v = GR__NP_PARKING;

	fetch_add_seq_cst(&waiters.n, 1); /* I3: before the G can be found */
	if (cas_strong_acq_rel(word, &v, (uintptr_t)g))
		return true;
	fetch_sub_seq_cst(&waiters.n, 1);
	return false;
}

void gr__np_wait(struct gr_sock *s, enum gr__np_dir d, enum gr__wait reason)
{
	uintptr_t v = GR__NP_IDLE;

	if (!cas_strong_acq_rel(&s->dir[d], &v, GR__NP_PARKING)) {
		if (v != GR__NP_READY) /* I1 */
			not_alone(s, d);
		return;
	}
	gr__self()->wait_data = s;
	gr__park(enter_word, &s->dir[d], reason);
}

/* Set a word to READY; the G that slept in it, which is the caller's to uncount and to make runnable (I2), or NULL. */
static struct gr_g *unblock(struct gr_sock *s, enum gr__np_dir d)
{
	uintptr_t v = load_acquire(&s->dir[d]);

	do {
		if (v == GR__NP_READY)
			return NULL;
	} while (!cas_weak_acq_rel(&s->dir[d], &v, GR__NP_READY));
	return v == GR__NP_IDLE || v == GR__NP_PARKING ? NULL : (struct gr_g *)v;
}

void gr__np_wake(struct gr_sock *s, unsigned dirs)
{
	fence_seq_cst(); /* between why it wakes (see netpoll.h) and reading the words: pairs with gr__np_clear's */
	for (enum gr__np_dir d = GR__NP_READ; d <= GR__NP_WRITE; d++) {
		struct gr_g *g = dirs >> d & 1 ? unblock(s, d) : NULL;

		if (g) {
			fetch_sub_seq_cst(&waiters.n, 1);
			gr__ready_tail(g);
		}
	}
}

struct gr_g *gr__np_expire(struct gr_sock *s, enum gr__np_dir d)
{
	struct gr_g *g;

	store_relaxed(&s->expired[d], true);
	fence_seq_cst(); /* pairs with gr__np_clear's */
	g = unblock(s, d);
	if (g)
		fetch_sub_seq_cst(&waiters.n, 1);
	return g;
}

void gr__np_prefetch_slot(uint64_t data)
{
	const struct gr_sock *s = find_slot((int)(uint32_t)data);

	if (s)
		__builtin_prefetch(s, 1);
}

void gr__np_prefetch_g(uint64_t data)
{
	const struct gr_sock *s = find_slot((int)(uint32_t)data);

	if (s) /* IDLE and READY are addresses too, for all that a prefetch minds */
		__builtin_prefetch((const void *)load_relaxed(&s->dir[GR__NP_READ]), 1);
}

void gr__np_event(uint64_t data, bool readable, bool writable, bool hung_up, struct gr__glist *out)
{
	struct gr_sock *s = find_slot((int)(uint32_t)data);
	struct gr_g *g;

	if (!s || load_acquire(&s->tag) != (uint32_t)(data >> 32)) /* I5 */
		return;
	/* Before READY: who has consumed the READY of this event sees it. The fence: who has just cleared it does too. */
	if (hung_up) {
		if (!load_relaxed(&s->hung_up))
			store_relaxed(&s->hung_up, true);
		fence_seq_cst();
	}
	if (readable && (g = unblock(s, GR__NP_READ)))
		gr__glist_push(out, g);
	if (writable && (g = unblock(s, GR__NP_WRITE)))
		gr__glist_push(out, g);
}

/* ---- for the scheduler ----------------------------------------------------------------------------- */

int gr__netpoll_init(void)
{
	/* The waiting primitives have no hook of their own in gr_start: Gs that gr_stop dropped are forgotten here. */
	gr__sema_reset();
	store_relaxed(&waiters.n, 0);
	return gr__np_backend_open();
}

/* The descriptors that the runtime has taken over and that are not closed, or not yet, are closed: it owns them. */
void gr__netpoll_destroy(void)
{
	gr__np_backend_close();
	for (unsigned i = 0; i < CHUNKS; i++) {
		struct gr_sock *chunk = xchg_acq_rel(&chunks[i], NULL);

		for (unsigned k = 0; chunk && k < CHUNK_SLOTS; k++) {
			if (load_relaxed(&chunk[k].refs)) /* I6 */
				close(chunk[k].fd);
			free(load_relaxed(&chunk[k].deadlines));
		}
		free(chunk);
	}
}

bool gr__netpoll_has_waiters(void)
{
	return load_seq_cst(&waiters.n) != 0;
}

void gr__np_count_waiters(unsigned n)
{
	fetch_add_seq_cst(&waiters.n, n);
}

static void wait_counted(int64_t delay_ns, struct gr__glist *out)
{
	const size_t before = out->n;

	gr__np_backend_wait(delay_ns, out);
	if (out->n != before)
		fetch_sub_seq_cst(&waiters.n, (uint32_t)(out->n - before)); /* I3 */
}

/* With files that go through io_uring: who waits for them must not be forgotten over the wait. */
static __attribute__((noinline)) void poll_with_files(int64_t delay_ns, struct gr__glist *out)
{
	bool all = gr__uring_submit_all();

	gr__uring_reap_all(out);
	if (out->head)
		delay_ns = 0;
	else if (!all && (delay_ns < 0 || delay_ns > FILE_RETRY_NS))
		delay_ns = FILE_RETRY_NS;
	wait_counted(delay_ns, out);
	gr__uring_reap_all(out);
}

void gr__netpoll(int64_t delay_ns, struct gr__glist *out)
{
	if (unlikely(gr__uring_on))
		poll_with_files(delay_ns, out);
	else
		wait_counted(delay_ns, out);
}
