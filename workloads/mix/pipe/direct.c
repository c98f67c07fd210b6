/*
 * mix/pipe in the blocking style: two tasks, a pipe each way.
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "workloads/gate.h"
#include "workloads/mix/pipe/pipe.h"

/* One end of a pipe, in one of the two ways in which a task may wait for it. */
struct end {
	bool blocks; /* immutable */
	int fd; /* -1: closed */
	dx_sock sock; /* unless blocks */
};

struct pair {
	struct gate gate;
	uint64_t rounds; /* immutable once the gate is open; 0: there is nothing to do, the other task was refused */
	struct end there[2], back[2]; /* [0]: to be read from */
	_Atomic int failure; /* 0, or the first -errno of a task's; what the other gets because of it does not count */
	struct pipe_done done; /* `answered` is the ponger's until it is joined, the rest the pinger's */
	dx_task pinger, ponger;
};

/* n: what a call has given. False unless it is a whole word; the first failure is kept. */
static bool is_whole(struct pair *p, ssize_t n)
{
	int none = 0;

	if (n == sizeof(pipe_word))
		return true;
	atomic_compare_exchange_strong(&p->failure, &none, n < 0 ? (int)n : -EIO);
	return false;
}

static bool get(struct pair *p, struct end *e, pipe_word *word)
{
	ssize_t n =
		e->blocks ? dx_read_blocking(e->fd, word, sizeof *word) : dx_sock_read(&e->sock, word, sizeof *word);

	return is_whole(p, n);
}

/* There is always room for a word, so a plain write(2) blocks nobody. */
static bool put(struct pair *p, struct end *e, const pipe_word *word)
{
	ssize_t n;

	if (!e->blocks)
		return is_whole(p, dx_pipe_write(&e->sock, word, sizeof *word));
	n = write(e->fd, word, sizeof *word);
	return is_whole(p, n < 0 ? -errno : n);
}

/* After it the other side reads the end of the stream: it does not wait for what will never come. */
static void close_end(struct end *e)
{
	if (e->fd < 0)
		return;
	if (e->blocks)
		close(e->fd);
	else
		dx_sock_close(&e->sock);
	e->fd = -1;
}

static void ping(void *arg)
{
	struct pair *p = arg;

	gate_pass(&p->gate);
	for (uint64_t i = 0; i < p->rounds; i++) {
		pipe_word word = pipe_ping(i);

		if (!put(p, &p->there[1], &word) || !get(p, &p->back[0], &word))
			break;
		p->done.sum += word;
		p->done.received++;
	}
	close_end(&p->there[1]);
}

static void pong(void *arg)
{
	struct pair *p = arg;

	gate_pass(&p->gate);
	for (uint64_t i = 0; i < p->rounds; i++) {
		pipe_word word;

		if (!get(p, &p->there[0], &word))
			break;
		word = pipe_answer(word);
		if (!put(p, &p->back[1], &word))
			break;
		p->done.answered++;
	}
	close_end(&p->back[1]);
}

/* With the pipes made: create both tasks, let them play, join them. */
static int play(struct bench *b, struct pair *p)
{
	int status = gate_spawn(&p->gate, &p->ponger, pong, p);

	if (status < 0)
		return bench_fail(b, status, "the model refused a task: %s", strerror(-status));
	status = gate_spawn(&p->gate, &p->pinger, ping, p);
	if (status < 0) {
		p->rounds = 0;
		gate_open(&p->gate);
		dx_join(&p->ponger);
		return bench_fail(b, status, "the model refused a second task: %s", strerror(-status));
	}
	gate_gather(&p->gate);
	bench_begin(b);
	gate_open(&p->gate);
	dx_join(&p->pinger);
	bench_end(b);
	dx_join(&p->ponger);
	pipe_certify(b, &p->done);
	status = atomic_load(&p->failure);
	return status < 0 ? bench_fail(b, status, "reading or writing a pipe failed after %llu rounds: %s",
				       (unsigned long long)p->done.received, strerror(-status))
			  : 0;
}

/* Give the descriptors to the model. 0 or -errno; in either case close_all does the rest. */
static int adopt_all(struct pair *p, const struct pipe_pair *fds, bool blocks)
{
	struct end *ends[] = {&p->there[0], &p->there[1], &p->back[0], &p->back[1]};
	const int numbers[] = {fds->there[0], fds->there[1], fds->back[0], fds->back[1]};
	int first = 0;

	for (int i = 0; i < 4; i++) {
		int status = blocks ? 0 : dx_sock_adopt(&ends[i]->sock, numbers[i]);

		*ends[i] = (struct end){.blocks = blocks || status < 0, .fd = numbers[i], .sock = ends[i]->sock};
		if (first == 0)
			first = status;
	}
	return first;
}

static void close_all(struct pair *p)
{
	close_end(&p->there[0]);
	close_end(&p->there[1]);
	close_end(&p->back[0]);
	close_end(&p->back[1]);
}

static int run_pipe(struct bench *b)
{
	struct pair p = {.rounds = b->ops};
	struct pipe_pair fds;
	int status = gate_init(&p.gate);

	if (status < 0)
		return bench_fail(b, status, "cannot make a gate: %s", strerror(-status));
	status = pipe_pair_open(b, &fds, 0);
	if (status < 0)
		goto no_pipes;
	status = adopt_all(&p, &fds, bench_param(b, "io") == PIPE_IO_BLOCKING);
	if (status < 0)
		bench_fail(b, status, "the model cannot take over a pipe: %s", strerror(-status));
	else
		status = play(b, &p);
	close_all(&p);
no_pipes:
	gate_destroy(&p.gate);
	return status;
}

const struct bench_body mix_pipe_direct = {.run = run_pipe};
