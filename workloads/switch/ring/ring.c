/*
 * switch/ring - a token that goes around a ring of tasks.
 *
 * Task i waits for the token, walks over its own working set once, and passes the token to task i + 1. One hop is one
 * such visit: one hand-off from a running task to a waiting one, which is a switch in every model, and ws_kib KiB of
 * memory that the task finds as the tasks before it left the caches.
 *
 * The working sets. Each task's is ws_kib KiB of 64-byte nodes linked into one random cycle, so that neither the
 * compiler nor the prefetcher can guess the next line. All lie back to back in one mapping that starts on a page: sets
 * of 4 KiB and more begin on pages of their own, and together they cover the sets of a physically indexed cache as
 * evenly as one array does; no colouring is applied. Huge pages are refused, for all bodies alike, since whether the
 * kernel has one to give would otherwise decide the TLB misses. Memory is written, thus present, before the region.
 *
 * The serial body makes the same visits in the same order with no task and no token: it says what the cache refill
 * costs by itself. A model's hop minus the serial one is the hand-off and the pollution that the hand-off causes.
 *
 * Two tasks alternate between the same two places and are the best case; more tasks than fit the caches make the
 * tasks' own descriptors and stacks cold as well, and this is meant to show.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workloads/switch/ring/ring.h"

enum { PARAM_TASKS, PARAM_WS_KIB };

static const struct bench_param params[] = {
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "length of the ring",
			 .dflt = 64,
			 .min = 2,
			 .max = 1000000,
			 .smoke = 8},
	[PARAM_WS_KIB] = {.name = "ws_kib",
			  .unit = "KiB",
			  .help = "working set that each task walks over per visit",
			  .dflt = 0,
			  .min = 0,
			  .max = 4096,
			  .smoke = 4},
};

static uint64_t nodes_per_task(const struct bench *b)
{
	return (uint64_t)b->param[PARAM_WS_KIB] * 1024 / sizeof(struct ring_node);
}

/* The value of a task's j-th node: no two tasks' sums are equal, and a node left out or visited twice changes one. */
static uint64_t node_value(uint64_t task, uint64_t j)
{
	return (task + 1) * 3 + j;
}

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/*
 * Link n nodes into one cycle. A node is inserted after one that is already in the cycle and was chosen at random,
 * which needs no second array and gives a cycle whose neighbours are far apart.
 */
static void link_cycle(struct ring_node *nodes, uint64_t n, uint64_t task, uint64_t *random)
{
	for (uint64_t j = 0; j < n; j++) {
		struct ring_node *before = j > 0 ? &nodes[next_random(random) % j] : &nodes[0];

		nodes[j].value = node_value(task, j);
		nodes[j].next = j > 0 ? before->next : &nodes[0];
		before->next = &nodes[j];
	}
}

static int map_nodes(struct bench *b, struct ring_data *d)
{
	size_t bytes = d->tasks * d->nodes_per_task * sizeof(struct ring_node);
	uint64_t half_of_ram = (uint64_t)sysconf(_SC_PHYS_PAGES) / 2 * (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t random = b->seed;
	void *map;

	if (bytes > half_of_ram)
		return bench_fail(b, -ENOMEM, "the working sets need %llu MiB, more than half of this machine's memory",
				  (unsigned long long)(bytes >> 20));
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return bench_fail(b, -errno, "cannot map %llu MiB of working sets: %s",
				  (unsigned long long)(bytes >> 20), strerror(errno));
	d->nodes = map;
	d->map_bytes = bytes;
	/* EINVAL: a kernel without huge pages, which is what is wanted. */
	if (madvise(map, bytes, MADV_NOHUGEPAGE) < 0 && errno != EINVAL)
		return bench_fail(b, -errno, "cannot refuse huge pages for the working sets: %s", strerror(errno));
	for (uint64_t i = 0; i < d->tasks; i++)
		link_cycle(d->nodes + i * d->nodes_per_task, d->nodes_per_task, i, &random);
	return 0;
}

static void ring_teardown(struct bench *b)
{
	struct ring_data *d = b->data;

	if (!d)
		return;
	if (d->nodes)
		munmap(d->nodes, d->map_bytes);
	free(d);
	b->data = NULL;
}

static int ring_setup(struct bench *b)
{
	struct ring_data *d = calloc(1, sizeof *d);
	int status = 0;

	if (!d)
		return bench_fail(b, -ENOMEM, "out of memory for the ring's record");
	b->data = d;
	d->tasks = (uint64_t)b->param[PARAM_TASKS];
	d->nodes_per_task = nodes_per_task(b);
	if (d->nodes_per_task > 0)
		status = map_nodes(b, d);
	if (status < 0)
		ring_teardown(b);
	return status;
}

/*
 * Task i is visited ops / tasks times, the first ops % tasks of them once more. With n nodes a visit adds
 * v(i) = (i + 1) + n * 3 (i + 1) + n (n - 1) / 2, and the sum over i < k of (i + 1) is k (k + 1) / 2. All modulo 2^64;
 * the halves are exact because the products stay below 2^64.
 */
static uint64_t visits_sum(uint64_t k, uint64_t n)
{
	uint64_t walk = n > 0 ? n * (n - 1) / 2 : 0;

	return k * (k + 1) / 2 * (1 + 3 * n) + k * walk;
}

static void ring_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t tasks = (uint64_t)b->param[PARAM_TASKS], n = nodes_per_task(b);
	uint64_t sum = b->ops / tasks * visits_sum(tasks, n) + visits_sum(b->ops % tasks, n);

	*out = (struct bench_cert){.ops = b->ops, .max_live = tasks, .messages = b->ops, .checksum = sum};
}

const struct bench_workload switch_ring_workload = {
	.name = "switch/ring",
	.version = 1,
	.summary = "a token passed around a ring of tasks, each with a working set of its own",
	.op = "one hop: the token is received, the working set is walked over once, the token is passed on",
	.fairness = "The memory that the tasks walk over is the same mapping with the same links in every body. Direct "
		    "tasks "
		    "pass the token through mailboxes (bounded queues of capacity 1) and block in the receive. Evented "
		    "tasks are "
		    "state records whose callback is posted to the loop's ready queue: no stack is left and none is "
		    "found, so "
		    "this is the least that a hand-off can be, and it is only possible because nothing else need be "
		    "kept. The "
		    "serial body makes the same visits in a plain loop. There is one token: one task runs at a time "
		    "however many "
		    "CPUs there are, and the placement decides whether the next one is on the same CPU.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 1000,
	.setup = ring_setup,
	.teardown = ring_teardown,
	.expect = ring_expect,
};
