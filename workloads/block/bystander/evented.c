/*
 * block/bystander in the callback style: computing that is cut into pieces, a piece per turn of the loop, and records with
 * something under way. A piece is a timer of 0 ns, as in abuse/ready: descriptors and completions are looked at in between.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/subject/evented.h"
#include "workloads/block/bystander/bystander.h"

struct run;

struct waiter {
	struct run *run;
	uint64_t id;
	ex_timer timer;
	uint64_t began_ns; /* of a sleep */
	ex_file file;
	uint64_t *block; /* DATAFILE_BLOCK bytes, aligned to it */
	ex_io io;
	int fds[2]; /* a pair of sockets: read, written; or one that is accepted on and -1; -1: none */
	struct bystander_name name; /* of the one that is accepted on */
	unsigned char told; /* connections made to it, the lowest byte */
	ex_work work; /* a permit or the barrier's end */
	uint64_t permits; /* of its semaphore */
	bool lacks; /* a permit, for which it waits */
	uint64_t waits;
	bool right; /* so far each wait has brought what it had to */
};

struct run {
	struct bench *b;
	struct bystander_plan plan;
	ex_timer piece, tick;
	uint64_t round; /* of the ticker */
	uint64_t missing; /* at the barrier: waiters, and the ticker */
	bool was_last; /* the barrier's last phase: all leave with the same one */
	uint64_t done, value; /* the bystander's */
	bool is_over; /* the bystander has ended: each waiter ends with the wait that it is in */
	uint64_t active; /* waiters that have not ended */
	uint64_t n; /* waiters that have been made */
	struct waiter waiters[]; /* plan.waiters */
};

static void wait_again(struct waiter *w);

static void free_run(struct run *r)
{
	for (uint64_t i = 0; i < r->n; i++) {
		struct waiter *w = &r->waiters[i];

		free(w->block);
		for (int k = 0; k < 2; k++)
			if (w->fds[k] >= 0)
				close(w->fds[k]);
	}
	free(r);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;
	uint64_t waits = 0;

	ex_timer_stop(ex_loop_of(b), &r->tick);
	b->cert = (struct bench_cert){.ops = r->done, .max_live = r->plan.waiters + 1, .checksum = r->value};
	for (uint64_t i = 0; i < r->n; i++) {
		b->cert.messages += r->waiters[i].waits > 0 && r->waiters[i].right;
		waits += r->waiters[i].waits;
	}
	bystander_tell(b, waits);
	free_run(r);
	bench_done(b, 0);
}

/* A waiter's wait is over, and brought what it had to or not. */
static void waited(struct waiter *w, bool right)
{
	struct run *r = w->run;

	w->waits++;
	w->right &= right;
	if (r->plan.kind == WAIT_BARRIER ? !r->was_last : !r->is_over) {
		wait_again(w);
		return;
	}
	if (w->fds[0] >= 0)
		ex_io_stop(ex_loop_of(r->b), &w->io);
	if (--r->active == 0)
		finish(r);
}

/* ---- the kinds of waits ---------------------------------------------------------------------------- */

static void slept(ex_timer *timer)
{
	struct waiter *w = EX_CONTAINER(timer, struct waiter, timer);

	waited(w, bench_now_ns() - w->began_ns >= w->run->plan.wait_ns);
}

static void rested(ex_timer *timer)
{
	waited(EX_CONTAINER(timer, struct waiter, timer), true);
}

static void is_read(ex_file *file, ssize_t result)
{
	struct waiter *w = EX_CONTAINER(file, struct waiter, file);
	struct run *r = w->run;
	uint64_t sum = 0;

	w->right &= result == DATAFILE_BLOCK &&
		    datafile_verify(w->block, bystander_block(r->b->data, w->id, w->waits), &sum);
	ex_timer_start(ex_loop_of(r->b), &w->timer, r->plan.wait_ns, rested);
}

static void came(ex_io *io, unsigned events)
{
	struct waiter *w = EX_CONTAINER(io, struct waiter, io);
	unsigned char byte;
	ssize_t n;

	(void)events; /* an error shows in the call */
	do
		n = read(w->fds[0], &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return;
	waited(w, n == 1 && byte == (unsigned char)(w->waits + 1));
}

static void connected(ex_io *io, unsigned events)
{
	struct waiter *w = EX_CONTAINER(io, struct waiter, io);
	unsigned char byte;
	ssize_t n;
	int fd;

	(void)events;
	do
		fd = accept4(w->fds[0], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0 && errno == EAGAIN)
		return;
	do
		n = read(fd, &byte, 1); /* it was written when the connection was made */
	while (n < 0 && errno == EINTR);
	if (fd >= 0)
		close(fd);
	waited(w, n == 1 && byte == (unsigned char)(w->waits + 1));
}

static void connect_to_all(struct run *r)
{
	for (uint64_t i = 0; i < r->n; i++)
		bystander_connect(&r->waiters[i].name, &r->waiters[i].told);
}

/* A permit that was missing, or the barrier's last party, has come. */
static void is_there(ex_work *work)
{
	struct waiter *w = EX_CONTAINER(work, struct waiter, work);

	waited(w, w->waits < w->run->round);
}

static void take_permit(struct waiter *w)
{
	w->lacks = w->permits == 0;
	if (w->lacks)
		return;
	w->permits--;
	ex_post(ex_loop_of(w->run->b), &w->work, is_there);
}

static void give_permits(struct run *r)
{
	for (uint64_t i = 0; i < r->n; i++) {
		struct waiter *w = &r->waiters[i];

		w->permits++;
		if (w->lacks)
			take_permit(w);
	}
}

static void come_to_the_barrier(struct run *r)
{
	if (--r->missing > 0)
		return;
	r->missing = r->n + 1;
	r->was_last = r->is_over;
	for (uint64_t i = 0; i < r->n; i++)
		ex_post(ex_loop_of(r->b), &r->waiters[i].work, is_there);
}

/* Nothing is done about a full socket: it would show in what its reader finds. */
static void write_to_all(struct run *r)
{
	const unsigned char byte = (unsigned char)r->round;
	ssize_t n;

	for (uint64_t i = 0; i < r->n; i++)
		do
			n = write(r->waiters[i].fds[1], &byte, 1);
		while (n < 0 && errno == EINTR);
}

/* Another round, of those kinds whose waits somebody has to end. */
static void go_round(ex_timer *tick)
{
	struct run *r = EX_CONTAINER(tick, struct run, tick);

	r->round++;
	switch (r->plan.kind) {
	case WAIT_SOCKET:
		write_to_all(r);
		break;
	case WAIT_ACCEPT:
		connect_to_all(r);
		break;
	case WAIT_SEMAPHORE:
		give_permits(r);
		break;
	default:
		come_to_the_barrier(r);
		break;
	}
	ex_timer_start(ex_loop_of(r->b), &r->tick, r->plan.wait_ns, go_round);
}

static bool has_sockets(const struct run *r)
{
	return r->plan.kind == WAIT_SOCKET || r->plan.kind == WAIT_ACCEPT;
}

static bool has_ticker(const struct run *r)
{
	return has_sockets(r) || r->plan.kind == WAIT_SEMAPHORE || r->plan.kind == WAIT_BARRIER;
}

static void wait_again(struct waiter *w)
{
	struct run *r = w->run;
	const struct bystander_data *d = r->b->data;
	ex_loop *loop = ex_loop_of(r->b);
	int status;

	switch (r->plan.kind) {
	case WAIT_SLEEP:
		w->began_ns = bench_now_ns();
		ex_timer_start(loop, &w->timer, r->plan.wait_ns, slept);
		break;
	case WAIT_FILE:
		status = ex_file_read(loop, &w->file, d->fd, w->block, DATAFILE_BLOCK,
				      (off_t)(bystander_block(d, w->id, w->waits) * DATAFILE_BLOCK), is_read);
		if (status < 0) /* it waits for nothing, and is wrong */
			is_read(&w->file, status);
		break;
	case WAIT_SEMAPHORE:
		take_permit(w);
		break;
	case WAIT_BARRIER:
		come_to_the_barrier(r);
		break;
	default: /* a socket stays watched */
		break;
	}
}

/* ---- the computing --------------------------------------------------------------------------------- */

static void compute(ex_timer *piece)
{
	struct run *r = EX_CONTAINER(piece, struct run, piece);

	for (unsigned n = 0; n < BYSTANDER_PIECE && r->done < r->b->ops; n++, r->done++)
		r->value = steps_work(r->value, BYSTANDER_UNIT);
	if (r->done < r->b->ops) {
		ex_timer_start(ex_loop_of(r->b), &r->piece, 0, compute);
		return;
	}
	bench_end(r->b);
	r->is_over = true;
	if (r->active == 0)
		finish(r);
}

static int make_sockets(struct waiter *w)
{
	if (w->run->plan.kind == WAIT_ACCEPT) {
		w->fds[0] = bystander_listen(&w->name, SOCK_NONBLOCK);
		return w->fds[0] < 0 ? w->fds[0] : 0;
	}
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, w->fds) < 0 ? -errno : 0;
}

static int make_waiter(struct run *r, struct waiter *w)
{
	int status;

	if (r->plan.kind == WAIT_FILE) {
		w->block = aligned_alloc(DATAFILE_BLOCK, DATAFILE_BLOCK);
		return w->block ? 0 : -ENOMEM;
	}
	if (!has_sockets(r))
		return 0;
	status = make_sockets(w);
	if (status < 0)
		return status;
	status = ex_io_start(ex_loop_of(r->b), &w->io, w->fds[0], EX_READ,
			     r->plan.kind == WAIT_ACCEPT ? connected : came);
	for (int k = 0; status < 0 && k < 2; k++)
		if (w->fds[k] >= 0)
			close(w->fds[k]);
	return status;
}

static int make_waiters(struct run *r)
{
	for (; r->n < r->plan.waiters; r->n++) {
		struct waiter *w = &r->waiters[r->n];
		int status;

		*w = (struct waiter){.run = r, .id = r->n, .right = true, .fds = {-1, -1}};
		status = make_waiter(r, w);
		if (status < 0)
			return status;
	}
	return 0;
}

static int run_bystander(struct bench *b)
{
	const struct bystander_plan plan = bystander_plan_of(b);
	struct run *r = calloc(1, sizeof *r + plan.waiters * sizeof r->waiters[0]);
	int status;

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %llu waiters", (unsigned long long)plan.waiters);
	r->b = b;
	r->plan = plan;
	r->value = BYSTANDER_START;
	r->active = plan.waiters;
	status = make_waiters(r);
	if (status < 0) {
		bench_fail(b, status, "cannot make what waiter %llu waits for: %s", (unsigned long long)r->n,
			   strerror(-status));
		for (uint64_t i = 0; i < r->n && has_sockets(r); i++)
			ex_io_stop(ex_loop_of(b), &r->waiters[i].io);
		free_run(r);
		return status;
	}
	r->missing = r->n + 1;
	bench_begin(b);
	for (uint64_t i = 0; i < r->n; i++)
		wait_again(&r->waiters[i]);
	if (has_ticker(r))
		ex_timer_start(ex_loop_of(b), &r->tick, plan.wait_ns, go_round);
	ex_timer_start(ex_loop_of(b), &r->piece, 0, compute);
	return 0;
}

static const char *not_in_a_loop(const struct bench *b)
{
	switch (bystander_plan_of(b).kind) {
	case WAIT_CHANNEL:
	case WAIT_SELECT:
		return "the loop has no channels: a posted callback has no capacity";
	case WAIT_MUTEX:
	case WAIT_RWLOCK:
		return "single-threaded: a lock cannot contend";
	case WAIT_CONDITION:
		return "single-threaded: there is no lock under which something could change";
	case WAIT_JOIN:
	case WAIT_GROUP:
		return "the loop has no tasks to wait for: what is over calls back";
	case WAIT_CALL:
		return "a call that blocks stops the whole loop";
	default:
		return NULL;
	}
}

const struct bench_body block_bystander_evented = {.unsupported = not_in_a_loop, .run = run_bystander};
