/*
 * spawn/skynet in the blocking style: ten detached tasks and a channel per inner task.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/spawn/skynet/skynet.h"

struct tree {
	_Atomic int status; /* why the model refused a task or a channel, the first of the reasons; 0: it has not */
};

/* A task's orders. They lie on the parent's stack, which stands until the task's sum has been received. */
struct node {
	struct tree *tree;
	dx_chan *up;
	uint64_t first, leaves; /* the numbers of its leaves */
};

static void grow(void *arg);

static void refuse(struct tree *tree, int status)
{
	int none = 0;

	atomic_compare_exchange_strong(&tree->status, &none, status);
}

/*
 * Create the ten children of `self` and add up what they send. A child that cannot be created is left out, and once
 * one was, no others are begun: the tree ends early, in good order, and the run fails.
 */
static void branch(const struct node *self, struct skynet_sum *own)
{
	struct node kids[SKYNET_FANOUT];
	struct skynet_sum below;
	uint64_t leaves = self->leaves / SKYNET_FANOUT;
	dx_chan sums;
	int status, n;

	if (atomic_load_explicit(&self->tree->status, memory_order_relaxed) < 0)
		return;
	status = dx_chan_init(&sums, sizeof(struct skynet_sum), SKYNET_FANOUT);
	if (status < 0) {
		refuse(self->tree, status);
		return;
	}
	for (n = 0; n < SKYNET_FANOUT; n++) {
		kids[n] = (struct node){
			.tree = self->tree, .up = &sums, .first = self->first + (uint64_t)n * leaves, .leaves = leaves};
		status = dx_go(grow, &kids[n]);
		if (status < 0) {
			refuse(self->tree, status);
			break;
		}
	}
	while (n-- > 0) {
		dx_recv(&sums, &below);
		own->value += below.value;
		own->tasks += below.tasks;
	}
	dx_chan_destroy(&sums);
}

static void grow(void *arg)
{
	const struct node *self = arg;
	struct skynet_sum own = {.tasks = 1};

	if (self->leaves == 1)
		own.value = self->first;
	else
		branch(self, &own);
	dx_send(self->up, &own); /* from here on the orders may be gone */
}

static int run_skynet(struct bench *b)
{
	struct tree tree = {0};
	struct node root = {.tree = &tree, .leaves = skynet_leaves(b)};
	struct skynet_sum sum = {0};
	dx_chan out;
	int status = dx_chan_init(&out, sizeof sum, 1);

	if (status < 0)
		return bench_fail(b, status, "cannot make a channel: %s", strerror(-status));
	root.up = &out;
	bench_begin(b);
	status = dx_go(grow, &root);
	if (status == 0)
		dx_recv(&out, &sum);
	bench_end(b);
	dx_chan_destroy(&out);
	if (status == 0)
		status = atomic_load(&tree.status);
	if (status < 0)
		return bench_fail(b, status,
				  "cannot hold the tasks of %llu leaves: the model refused one after %llu (%s)",
				  (unsigned long long)root.leaves, (unsigned long long)sum.tasks, strerror(-status));
	/* A task is counted where its message is received, so the messages are as many. */
	b->cert =
		(struct bench_cert){.ops = sum.tasks, .units = sum.tasks, .messages = sum.tasks, .checksum = sum.value};
	return 0;
}

const struct bench_body spawn_skynet_direct = {.run = run_skynet};
