/*
 * file_uring.c - Gs that wait for files without a thread each: io_uring, through liburing.
 *
 * The default where the kernel has it (GRDEBUG=files=uring|threads), by measurement: 64 Gs that read 4 KiB with O_DIRECT
 * on two Ps, a device of about 110 000 reads a second, CPU per read 2.8 us where threads take 9 us, 101 000 reads a
 * second where threads get 82 000, and 4 threads instead of 66. With 4 Gs the two are equal; one alone blocks (file.c).
 *
 * A call that is known to wait (file.c finds out) becomes an operation on the G's stack. It is put into a line, handed to
 * the kernel together with others, and whoever looks into the completion ring makes the G runnable. Rings belong to Ps,
 * so that Ps do not meet on one; there are RINGS_MAX at most (a descriptor and 28 KiB of rings each), made when a P first needs
 * its own, and Ps beyond that share.
 *
 * Why hard.
 *   - One io_uring_enter for each read costs as much as the thread that it saves: several have to go together. But what
 *     is not handed over is not under way, and the G that runs on after a park may compute for a second. So the line is
 *     given to the kernel when the P has nothing else to run, when BATCH of them lie there, every 61 switches, by whoever
 *     is about to sleep, and by sysmon if it finds the same line twice.
 *   - The kernel completes on the thread that submitted: it interrupts it, or wakes it if it sleeps. That may be any M,
 *     also one that has no P any more, or that is waiting in epoll: epoll_wait then says EINTR, and the completion lies in
 *     the ring. So who comes back from epoll looks into the rings, whatever it was told.
 *   - A thread that exits (Ms are reaped) takes along what it has submitted, if the kernel had put that aside for a
 *     worker of its own: it ends with -ECANCELED. Such an operation is done again by a blocking call.
 *   - Buffers are the Gs', often on their stacks: gr_stop waits until the kernel has let go of all of them.
 *
 * Rejected: one ring for all, the submission under a lock, is one line of cache for all Ps and one mutex in the kernel.
 * A ring for each P without a limit takes 1024 descriptors. A thread of the kernel that polls for submissions (SQPOLL)
 * takes a CPU. COOP_TASKRUN spares a thread that computes the interruption, and leaves the completion to its next call of
 * the kernel or tick; CPU per read was the same. An eventfd that the ring signals costs a read per wake-up and tells nothing that the ring's own
 * descriptor does not, which is readable exactly while there are completions. Pushing before the park, with a state word
 * that says whether the G sleeps already, as netpoll.c has to: here nothing can complete before the push, so pushing in
 * the park's commit needs no word.
 *
 * The line is a stack that is only pushed to and taken as a whole, so no node is looked at by two. One at a time fills
 * and submits a ring (`submitting`); others do not wait for it:
 *
 *	who has something to submit             who submits
 *	---------------------------             -----------
 *	1 pushes onto `line`                    1 takes the line, enters the kernel
 *	2 StoreLoad (the CAS)                   2 submitting = 0
 *	3 submitting is 1: leaves it to them    3 StoreLoad; line is not empty, or something is left and
 *	                                          in_flight is below its limit: begins again
 *	who reaps: 1 in_flight -= n             (what is left was stored before 2)
 *	2 StoreLoad
 *	3 something is left: submits, as above
 *
 * If one's 3 finds submitting or nothing left, its 1 and 2 came before the other's 3. spin/files.pml.
 *
 * Invariants:
 *   U1  An operation is in one place: a line, a backlog, the kernel, or it is done. Its G is off its stack until then.
 *   U2  in_flight <= the completion ring's size, so that cannot overflow; the rest waits in the backlog.
 *   U3  Each operation in a line, a backlog or the kernel is counted among the netpoller's waiters: somebody polls, and
 *       it is no deadlock.
 *   U4  A ring that has been made stays to the end.
 *   U5  What is in a line is submitted, without further switches, after two ticks of sysmon at the latest. Before its
 *       deep sleep it looks too.
 */
#include "file_uring.h"

#if GR_HAS_URING

#include <liburing.h>
#include <stdlib.h>
#include <string.h>

#include "netpoll.h"

enum {
	RINGS_MAX = 16, /* descriptors that are taken at most; arbitrary */
	ENTRIES = 128, /* submitted at once at most */
	IN_FLIGHT_MAX = 1024, /* completions that fit; 16 bytes each */
	BATCH = 32, /* so many do not wait for more; 4 costs as much, 1 costs 0.5 to 1 us more for each read */
};

struct gr__ring {
	/* atomic: pushed to by Ps, taken by who submits */
	CACHE_ALIGNED _Atomic(struct gr__file_op *) line; /* newest first */
	_Atomic uint32_t line_n; /* about how many, for BATCH */

	/* atomic: 1 while somebody submits, who owns what follows */
	CACHE_ALIGNED _Atomic uint32_t submitting;
	struct gr__file_op *head, *tail; /* the backlog, oldest first */
	_Atomic uint32_t left; /* in the backlog, or in the ring but refused by the kernel; others read */
	_Atomic uint32_t turns; /* how often it was submitted; sysmon reads */
	_Atomic uint32_t in_flight; /* U2: added to by who submits, taken from by who reaps */
	uint32_t seen_turns; /* sysmon's */
	bool seen_waiting; /* sysmon's */

	CACHE_ALIGNED struct gr__lock reaping; /* the completion ring */
	struct io_uring uring; /* the submission side is `submitting`'s */
};

bool gr__uring_on;

static struct gr__lock making; /* the two that follow are changed under it */
static _Atomic(struct gr__ring *) rings[RINGS_MAX]; /* [0 .. n_rings) */
static _Atomic(struct gr__ring *) ring_of[RINGS_MAX]; /* by P's id modulo that; NULL: not made yet */
static _Atomic uint32_t n_rings;

/* ---- making rings ---------------------------------------------------------------------------------------- */

static int open_uring(struct io_uring *uring)
{
	struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE, .cq_entries = IN_FLIGHT_MAX};
	struct io_uring_probe *probe;
	bool can_read;
	int err = io_uring_queue_init_params(ENTRIES, uring, &params);

	if (err)
		return err;
	probe = io_uring_get_probe_ring(uring);
	can_read = probe && io_uring_opcode_supported(probe, IORING_OP_READ) &&
		   io_uring_opcode_supported(probe, IORING_OP_WRITE) &&
		   io_uring_opcode_supported(probe, IORING_OP_FSYNC);
	io_uring_free_probe(probe);
	if (can_read)
		return 0;
	io_uring_queue_exit(uring);
	return probe ? -ENOSYS : -ENOMEM;
}

static int make_ring(struct gr__ring **out)
{
	struct gr__ring *r = aligned_alloc(CACHE_LINE_BYTES, align_up(sizeof(*r), CACHE_LINE_BYTES));
	int err;

	if (!r)
		return -ENOMEM;
	memset(r, 0, sizeof(*r));
	err = open_uring(&r->uring);
	if (err)
		goto fail;
	err = gr__np_backend_watch(r->uring.ring_fd);
	if (err)
		goto fail_uring;
	*out = r;
	return 0;

fail_uring:
	io_uring_queue_exit(&r->uring);
fail:
	free(r);
	return err;
}

static int add_ring_locked(uint32_t slot)
{
	uint32_t n = load_relaxed(&n_rings);
	struct gr__ring *r;
	int err = make_ring(&r);

	if (err)
		return err;
	store_relaxed(&rings[n], r);
	store_release(&n_rings, n + 1); /* pairs with the acquire in all loops over rings */
	store_release(&ring_of[slot], r);
	return 0;
}

/* On g0: it makes mappings. */
static void find_ring(void *arg)
{
	struct gr__file_op *op = arg;
	uint32_t slot = gr__m()->p->id % RINGS_MAX;

	gr__lock(&making);
	/* Refused (descriptors, locked memory): the first one's, from now on. */
	if (!load_relaxed(&ring_of[slot]) && add_ring_locked(slot))
		store_release(&ring_of[slot], load_relaxed(&rings[0]));
	op->ring = load_relaxed(&ring_of[slot]);
	gr__unlock(&making);
}

int gr__uring_open(void)
{
	int err;

	memset(&making, 0, sizeof(making));
	gr__lock(&making);
	err = add_ring_locked(0);
	gr__unlock(&making);
	gr__uring_on = !err;
	return err;
}

void gr__uring_close(void)
{
	for (uint32_t i = 0, n = load_acquire(&n_rings); i < n; i++) {
		struct gr__ring *r = load_relaxed(&rings[i]);
		uint32_t unsent = io_uring_sq_ready(&r->uring), left = load_relaxed(&r->in_flight) - unsent;
		struct io_uring_cqe *cqe;

		while (left) {
			int err = io_uring_wait_cqe(&r->uring, &cqe);

			if (err == -EINTR || err == -EAGAIN)
				continue;
			if (err)
				gr__throw("io_uring_wait_cqe: errno %d", -err);
			io_uring_cqe_seen(&r->uring, cqe);
			left--;
		}
		io_uring_queue_exit(&r->uring);
		free(r);
		store_relaxed(&rings[i], NULL);
	}
	store_relaxed(&n_rings, 0);
	memset(ring_of, 0, sizeof(ring_of));
	gr__uring_on = false;
}

/* ---- submitting -------------------------------------------------------------------------------------------- */

/* All that is in the line, behind the backlog, in the order in which it came. */
static void take_line(struct gr__ring *r)
{
	struct gr__file_op *op = xchg_acq_rel(&r->line, NULL), *first = NULL, *last = op;
	uint32_t n = 0;

	if (!op)
		return;
	while (op) {
		struct gr__file_op *older = op->next;

		op->next = first;
		first = op;
		op = older;
		n++;
	}
	fetch_sub_relaxed(&r->line_n, n);
	if (r->tail)
		r->tail->next = first;
	else
		r->head = first;
	r->tail = last;
	owner_add(&r->left, n);
}

static void fill_entry(struct io_uring_sqe *sqe, struct gr__file_op *op)
{
	switch (op->kind) {
	case GR__FILE_READ:
		io_uring_prep_read(sqe, op->fd, op->buf, (unsigned)op->n, (uint64_t)op->off);
		break;
	case GR__FILE_WRITE:
		io_uring_prep_write(sqe, op->fd, op->buf, (unsigned)op->n, (uint64_t)op->off);
		break;
	case GR__FILE_FSYNC:
		io_uring_prep_fsync(sqe, op->fd, 0);
		break;
	}
	io_uring_sqe_set_data(sqe, op);
}

/* From the backlog to the kernel, as much as goes. False: it has no memory just now. */
static bool enter(struct gr__ring *r)
{
	int n;

	do {
		struct io_uring_sqe *sqe;

		while (r->head && load_relaxed(&r->in_flight) < IN_FLIGHT_MAX && (sqe = io_uring_get_sqe(&r->uring))) {
			struct gr__file_op *op = r->head;

			r->head = op->next;
			if (!r->head)
				r->tail = NULL;
			fill_entry(sqe, op);
			/* The kernel orders what is in *op before its completion; this says so to who cannot see that. */
			fetch_add_release(&r->in_flight, 1);
		}
		if (!io_uring_sq_ready(&r->uring))
			return true;
		n = io_uring_submit(&r->uring);
		if (n > 0)
			owner_add(&r->left, -(uint32_t)n);
	} while (n > 0 || n == -EINTR);
	if (n < 0 && n != -EAGAIN && n != -EBUSY && n != -ENOMEM)
		gr__throw("io_uring_submit: errno %d", -n);
	return false; /* what is left is tried again by who polls next */
}

static bool is_waiting(struct gr__ring *r)
{
	return load_relaxed(&r->line) || load_relaxed(&r->left);
}

/* After a StoreLoad: something has come for which there is room, while others could not submit. */
static bool has_come(struct gr__ring *r)
{
	return load_relaxed(&r->line) || (load_relaxed(&r->left) && load_relaxed(&r->in_flight) < IN_FLIGHT_MAX);
}

static __attribute__((noinline)) void submit(struct gr__ring *r)
{
	bool goes_on;

	do {
		uint32_t nobody = 0;

		if (!cas_strong_acquire(&r->submitting, &nobody, 1))
			return; /* step 3 on the left */
		take_line(r);
		goes_on = enter(r);
		owner_add(&r->turns, 1);
		store_release(&r->submitting, 0);
		fence_seq_cst(); /* step 3 on the right */
	} while (goes_on && has_come(r));
}

bool gr__uring_submit_all(void)
{
	bool done = true;

	for (uint32_t i = 0, n = load_acquire(&n_rings); i < n; i++) {
		struct gr__ring *r = load_relaxed(&rings[i]);

		if (is_waiting(r))
			submit(r);
		done &= !load_relaxed(&r->left);
	}
	return done;
}

bool gr__uring_watch(void)
{
	bool useful = false;

	for (uint32_t i = 0, n = load_acquire(&n_rings); i < n; i++) {
		struct gr__ring *r = load_relaxed(&rings[i]);
		bool waiting = is_waiting(r);

		if (waiting && r->seen_waiting && r->seen_turns == load_relaxed(&r->turns)) {
			submit(r);
			useful = true;
		}
		r->seen_waiting = waiting;
		r->seen_turns = load_relaxed(&r->turns);
	}
	return useful;
}

/* ---- completions -------------------------------------------------------------------------------------------- */

static bool has_completions(struct gr__ring *r)
{
	return IO_URING_READ_ONCE(*r->uring.cq.khead) != io_uring_smp_load_acquire(r->uring.cq.ktail);
}

static __attribute__((noinline)) void reap_locked(struct gr__ring *r, struct gr__glist *out)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	io_uring_for_each_cqe(&r->uring, head, cqe)
	{
		struct gr__file_op *op = io_uring_cqe_get_data(cqe);

		load_acquire(&r->in_flight); /* pairs with the release in enter, of this very operation */
		op->result = cqe->res;
		gr__glist_push(out, op->g);
		n++;
	}
	io_uring_cq_advance(&r->uring, n);
	fetch_sub_release(&r->in_flight, n); /* step 1 of who reaps */
	gr__np_count_waiters(-n); /* U3 */
}

/* U2 may have held something back. */
static void submit_backlog(struct gr__ring *r)
{
	fence_seq_cst(); /* step 2 of who reaps; pairs with the one in submit */
	if (load_relaxed(&r->left))
		submit(r);
}

void gr__uring_reap_all(struct gr__glist *out)
{
	for (uint32_t i = 0, n = load_acquire(&n_rings); i < n; i++) {
		struct gr__ring *r = load_relaxed(&rings[i]);

		if (!has_completions(r))
			continue;
		/* Waits for another reaper: else a poller would be woken at once by what that one has not taken yet. */
		gr__lock(&r->reaping);
		reap_locked(r, out);
		gr__unlock(&r->reaping);
		submit_backlog(r);
	}
}

void gr__uring_turn(struct gr_p *p, struct gr__glist *out)
{
	struct gr__ring *r = load_acquire(&ring_of[p->id % RINGS_MAX]);

	if (!r)
		return;
	if (is_waiting(r))
		submit(r);
	if (!has_completions(r) || !gr__lock_try(&r->reaping))
		return;
	reap_locked(r, out);
	gr__unlock(&r->reaping);
	submit_backlog(r);
}

bool gr__uring_is_due(struct gr_p *p)
{
	struct gr__ring *r = load_acquire(&ring_of[p->id % RINGS_MAX]);

	return r && (is_waiting(r) || has_completions(r));
}

/* ---- a G waits ----------------------------------------------------------------------------------------------- */

/* The park's commit: from the swap on, the G may be running again (U1). */
static bool push_op(struct gr_g *g, void *arg)
{
	struct gr__file_op *op = arg, *newest;
	struct gr__ring *r = op->ring;
	uint32_t n;

	op->g = g;
	gr__np_count_waiters(1); /* U3: before anybody can find it */
	n = fetch_add_relaxed(&r->line_n, 1) + 1;
	newest = load_relaxed(&r->line);
	do {
		op->next = newest;
	} while (!cas_weak_acq_rel(&r->line, &newest, op));
	if (n >= BATCH)
		submit(r);
	return true;
}

bool gr__uring_do(struct gr__file_op *op)
{
	struct gr_p *p = gr__self_p();

	op->ring = load_acquire(&ring_of[p->id % RINGS_MAX]);
	if (unlikely(!op->ring))
		gr__on_g0(find_ring, op);
	if (op->n > GR__FILE_BYTES_MAX)
		op->n = GR__FILE_BYTES_MAX;
	gr__self()->wait_data = op;
	gr__park(push_op, op, GR__WAIT_IO_FILE);
	/*
	 * ECANCELED: the submitting thread has ended. EAGAIN: the kernel would have to wait and may not (O_NONBLOCK), or has
	 * no memory. EOPNOTSUPP: the file is of a kind that cannot be asked in this way.
	 */
	return op->result != -ECANCELED && op->result != -EAGAIN && op->result != -EINTR && op->result != -EOPNOTSUPP;
}

#endif
