/*
 * block/bystander - a task that computes, and others on its CPU that do nothing but wait.
 *
 * The bystander computes `ops` units of about 10 us, and only that is timed. Beside it `waiters` tasks wait for something
 * again and again, of one kind:
 *
 *	none	there are no waiters: what the computing takes by itself
 *	sleep	each sleeps for wait_us
 *	channel	each receives from a channel of its own, to which one more task sends after every wait_us of sleep
 *	mutex	all want one lock, and who has it sleeps for wait_us before passing it on: the others wait for long
 *	call	each is in a call that blocks in the kernel for wait_us, of which the runtime knows only that it is a call
 *	file	each reads 4 KiB of a file with O_DIRECT, and sleeps for wait_us
 *	socket	each reads from a socket of its own, to which one more task writes after every wait_us of sleep
 *	accept	each accepts on a listening socket of its own, to which one more task connects after every wait_us of sleep
 *	select	each receives from whichever of two channels has something, on which one more task sends in turn
 *	semaphore	each acquires a permit of its own semaphore, which one more task releases after every wait_us of sleep
 *	condition	all wait on one condition variable, on which one more task broadcasts after every wait_us of sleep
 *	barrier	all meet at a barrier, to which one more task comes after every wait_us of sleep
 *	rwlock	all read under a lock that one more task has for writing for wait_us; it takes the next of two such locks
 *		before it gives this one up, so that readers do not find it free
 *	join	each starts a task that sleeps for wait_us, and joins it
 *	group	the same, awaited by a wait group
 *
 * The difference to kind=none is what the waits take from who does not wait. A wait that is longer than the region shows
 * that a blocked task uses no CPU; short ones show what it costs to notice that it is over, to put something else aside,
 * and to go on. Every wait is checked: a sleep's and a call's time, a message's number, a block's content. The waiters go on
 * until the bystander has ended, each for one wait at least; how many waits that are is left to the model, which may favour
 * either side: the figure waits_per_op tells it.
 *
 * Rejected: a fixed number of waits beside a fixed amount of computing: whatever ends last is what is measured then.
 */
#include "workloads/block/bystander/bystander.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "workloads/descriptors.h"

enum { PARAM_KIND, PARAM_WAITERS, PARAM_WAIT_US };

enum {
	FILE_MIB = 64,
	SOCKETS_PER_WAITER = 2, /* a pair; or one that listens and one that it has accepted */
	CONNECTIONS_WAITING = 1024, /* at a listening socket; arbitrary */
};

static const char *const kinds[] = {[WAIT_NONE] = "none",           [WAIT_SLEEP] = "sleep",
				    [WAIT_CHANNEL] = "channel",     [WAIT_MUTEX] = "mutex",
				    [WAIT_CALL] = "call",           [WAIT_FILE] = "file",
				    [WAIT_SOCKET] = "socket",       [WAIT_SEMAPHORE] = "semaphore",
				    [WAIT_RWLOCK] = "rwlock",       [WAIT_BARRIER] = "barrier",
				    [WAIT_CONDITION] = "condition", [WAIT_JOIN] = "join",
				    [WAIT_GROUP] = "group",         [WAIT_SELECT] = "select",
				    [WAIT_ACCEPT] = "accept",       NULL};

static const struct bench_param params[] = {
	[PARAM_KIND] = {.name = "kind",
			.unit = "",
			.help = "what the waiters wait for",
			.kind = BENCH_CHOICE,
			.dflt = WAIT_SLEEP,
			.smoke = WAIT_NONE,
			.choices = kinds},
	[PARAM_WAITERS] = {.name = "waiters",
			   .unit = "tasks",
			   .help = "beside the one that computes",
			   .dflt = 16,
			   .min = 1,
			   .max = 1000,
			   .smoke = 3},
	[PARAM_WAIT_US] = {.name = "wait_us",
			   .unit = "us",
			   .help = "until what they wait for comes",
			   .dflt = 1000,
			   .min = 1,
			   .max = 10000000,
			   .smoke = 300},
};

static int open_data(struct bench *b)
{
	struct bystander_data *d = malloc(sizeof *d);

	if (!d)
		return bench_fail(b, -ENOMEM, "out of memory for the data file's record");
	*d = (struct bystander_data){.fd = datafile_direct(b, FILE_MIB),
				     .blocks = ((uint64_t)FILE_MIB << 20) / DATAFILE_BLOCK};
	if (d->fd < 0) {
		const int status = d->fd;

		free(d);
		return status;
	}
	b->data = d;
	return 0;
}

static int bystander_setup(struct bench *b)
{
	const struct bystander_plan p = bystander_plan_of(b);

	if (p.kind == WAIT_FILE)
		return open_data(b);
	if (p.kind == WAIT_SOCKET || p.kind == WAIT_ACCEPT)
		return descriptors_allow(b, p.waiters * SOCKETS_PER_WAITER + 1);
	return 0;
}

static void bystander_teardown(struct bench *b)
{
	struct bystander_data *d = b->data;

	if (!d)
		return;
	close(d->fd);
	free(d);
	b->data = NULL;
}

/* ---- listening sockets ------------------------------------------------------------------------------- */

int bystander_listen(struct bystander_name *name, int flags)
{
	int error, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		return -errno;
	*name = (struct bystander_name){.at.sun_family = AF_UNIX, .bytes = sizeof name->at};
	/* A family and no more asks for a name that nobody has. */
	if (bind(fd, (struct sockaddr *)&name->at, sizeof name->at.sun_family) == 0 &&
	    getsockname(fd, (struct sockaddr *)&name->at, &name->bytes) == 0 && listen(fd, CONNECTIONS_WAITING) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

int bystander_connect(const struct bystander_name *name, unsigned char *told)
{
	int status, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	status = connect(fd, (const struct sockaddr *)&name->at, name->bytes) < 0 ? -errno : 0;
	if (status == 0 && told) { /* there is room for a byte */
		++*told;
		send(fd, told, 1, MSG_NOSIGNAL);
	}
	close(fd);
	return status;
}

/* ---- the definition ----------------------------------------------------------------------------------- */

/* A message is a waiter that has waited, and got each time what it waited for. */
static void bystander_expect(const struct bench *b, struct bench_cert *out)
{
	const struct bystander_plan p = bystander_plan_of(b);

	*out = (struct bench_cert){.ops = b->ops,
				   .max_live = p.waiters + 1,
				   .messages = p.waiters,
				   .checksum = steps_jump(BYSTANDER_START, b->ops * BYSTANDER_UNIT)};
}

const struct bench_workload block_bystander_workload = {
	.name = "block/bystander",
	.version = 2,
	.summary = "what tasks that wait take from one that computes beside them",
	.op = "10000 steps, about 10 us, of a task that computes beside others that wait",
	.fairness =
		"The computing is the same inlined loop everywhere, in one task that never waits or yields, and a wait "
		"is "
		"the model's own of its kind. Who ends it is one more task where somebody has to. Threads are put "
		"aside by "
		"the kernel at once when another one is woken; a goroutine that computes is stopped by a signal, some "
		"0.5 ms after time or I/O has made another one ready, so waits end later and cost the bystander less: "
		"abuse/ready measures that side. A loop's computing is cut into pieces of about 100 us, between which "
		"waits end; how long pieces are is the programmer's bargain. How many waits there are in the region "
		"follows from that and is not equal; it is told: waits_per_op, those under way at the region's end "
		"included. join and group have a task created per wait, in them and in nobody else. GMP's barrier is a "
		"mutex and a condition variable, as in Go; Go's semaphore is a channel with room for one, and a "
		"goroutine "
		"of Go cannot be joined: that kind is group. Two tasks write for kind=rwlock, in turn, and one in Go. "
		"The loop's semaphore is a count and a flag, its barrier a "
		"count, and who waits is called back by a posted callback, as its programmers write them. It has no "
		"channels to receive or select from, its locks cannot contend, so that nothing waits for a condition "
		"under one, it has no tasks to wait for, and a blocking call would stop it: those kinds are "
		"unsupported "
		"there. A connection to accept is one within this machine; who connects makes three plain calls in "
		"every "
		"model. The serial body computes, and exists for kind=none only.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 50,
	.setup = bystander_setup,
	.teardown = bystander_teardown,
	.expect = bystander_expect,
};
