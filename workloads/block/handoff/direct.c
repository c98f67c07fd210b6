/*
 * block/handoff in the blocking style: a task that reads from a pipe, and one that yields until it has to write.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "harness/subject/direct.h"
#include "workloads/block/handoff/handoff.h"

struct call {
	int fds[2];
	uint64_t rounds; /* immutable */
	bool told; /* immutable */
	_Atomic uint64_t begun; /* calls that the caller has begun; UINT64_MAX: there are no more */
	/* the caller's until it is joined */
	uint64_t returned, sum;
	/* the bystander's until it is joined */
	uint64_t ended;
	dx_task caller, bystander;
	dx_wg arrived; /* tasks that are not yet at the gate */
	dx_wg open; /* 1 until the region begins */
};

struct read_call {
	int fd;
	unsigned char byte;
	ssize_t result;
};

static void read_byte(void *arg)
{
	struct read_call *r = arg;

	do
		r->result = read(r->fd, &r->byte, 1);
	while (r->result < 0 && errno == EINTR);
}

static bool read_one(const struct call *c, unsigned char *byte)
{
	struct read_call r = {.fd = c->fds[0]};

	if (c->told)
		return dx_read_blocking(c->fds[0], byte, 1) == 1;
	dx_call(read_byte, &r);
	*byte = r.byte;
	return r.result == 1;
}

static void block(void *arg)
{
	struct call *c = arg;
	unsigned char byte;

	dx_wg_done(&c->arrived);
	dx_wg_wait(&c->open);
	for (uint64_t i = 1; i <= c->rounds; i++) {
		atomic_store_explicit(&c->begun, i, memory_order_release);
		if (!read_one(c, &byte))
			break;
		c->sum += byte;
		c->returned++;
	}
	atomic_store_explicit(&c->begun, UINT64_MAX, memory_order_release);
}

static void stand_by(void *arg)
{
	struct call *c = arg;

	dx_wg_done(&c->arrived);
	dx_wg_wait(&c->open);
	for (uint64_t i = 1; i <= c->rounds; i++) {
		const unsigned char byte = handoff_byte(i);
		uint64_t begun;

		while ((begun = atomic_load_explicit(&c->begun, memory_order_acquire)) < i)
			dx_yield();
		/* There is always room for one byte, so this does not block. */
		if (begun == UINT64_MAX || write(c->fds[1], &byte, 1) != 1)
			break;
		c->ended++;
	}
}

/* With the pipe made: create both tasks, let them run, join them. */
static int call_and_return(struct bench *b, struct call *c)
{
	int status;

	dx_wg_add(&c->arrived, 2);
	dx_wg_add(&c->open, 1);
	status = dx_spawn(&c->bystander, stand_by, c);
	if (status < 0)
		return bench_fail(b, status, "the model refused a task: %s", strerror(-status));
	status = dx_spawn(&c->caller, block, c);
	if (status < 0) {
		atomic_store(&c->begun, UINT64_MAX);
		dx_wg_done(&c->open);
		dx_join(&c->bystander);
		return bench_fail(b, status, "the model refused a second task: %s", strerror(-status));
	}
	dx_wg_wait(&c->arrived);
	bench_begin(b);
	dx_wg_done(&c->open);
	dx_join(&c->caller);
	bench_end(b);
	dx_join(&c->bystander);
	b->cert = (struct bench_cert){.ops = c->returned, .max_live = 2, .messages = c->ended, .checksum = c->sum};
	return 0;
}

static int run_handoff(struct bench *b)
{
	struct call c = {.rounds = b->ops, .told = bench_param(b, "told") != 0};
	int status = dx_wg_init(&c.arrived);

	if (status < 0)
		goto no_arrived;
	status = dx_wg_init(&c.open);
	if (status < 0)
		goto no_open;
	if (pipe2(c.fds, O_CLOEXEC) < 0) {
		status = -errno;
		goto no_pipe;
	}
	status = call_and_return(b, &c);
	close(c.fds[0]);
	close(c.fds[1]);
	dx_wg_destroy(&c.open);
	dx_wg_destroy(&c.arrived);
	return status;
no_pipe:
	dx_wg_destroy(&c.open);
no_open:
	dx_wg_destroy(&c.arrived);
no_arrived:
	return bench_fail(b, status, "cannot make a pipe and two wait groups: %s", strerror(-status));
}

const struct bench_body block_handoff_direct = {.run = run_handoff};
