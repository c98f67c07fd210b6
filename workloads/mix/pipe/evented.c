/*
 * mix/pipe in the callback style: a record for each side, called back when there is a word for it.
 */
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/mix/pipe/pipe.h"

struct pair {
	struct bench *b;
	struct pipe_pair fds;
	ex_io pinger; /* reads what comes back */
	ex_io ponger; /* reads what goes there */
	uint64_t sent;
	struct pipe_done done;
};

/* `what` failed, unless it is NULL: then all is done. */
static void finish(struct pair *p, const char *what)
{
	struct bench *b = p->b;
	ex_loop *loop = ex_loop_of(b);
	int status = what ? -EIO : 0;

	bench_end(b);
	ex_io_stop(loop, &p->pinger);
	ex_io_stop(loop, &p->ponger);
	pipe_pair_close(&p->fds);
	pipe_certify(b, &p->done);
	if (what)
		bench_fail(b, status, "%s failed after %llu round trips", what, (unsigned long long)p->done.received);
	free(p);
	bench_done(b, status);
}

static void send_ping(struct pair *p)
{
	pipe_word word = pipe_ping(p->sent++);

	if (write(p->fds.there[1], &word, sizeof word) != sizeof word)
		finish(p, "a write to a pipe");
}

static void answer_came(ex_io *io, unsigned events)
{
	struct pair *p = EX_CONTAINER(io, struct pair, pinger);
	pipe_word word;

	(void)events;
	if (read(p->fds.back[0], &word, sizeof word) != sizeof word) {
		finish(p, "a read from a pipe");
		return;
	}
	p->done.sum += word;
	p->done.received++;
	if (p->done.received == p->b->ops)
		finish(p, NULL);
	else
		send_ping(p);
}

static void ping_came(ex_io *io, unsigned events)
{
	struct pair *p = EX_CONTAINER(io, struct pair, ponger);
	pipe_word word;

	(void)events;
	if (read(p->fds.there[0], &word, sizeof word) != sizeof word) {
		finish(p, "a read from a pipe");
		return;
	}
	word = pipe_answer(word);
	p->done.answered++;
	if (write(p->fds.back[1], &word, sizeof word) != sizeof word)
		finish(p, "a write to a pipe");
}

static int run_pipe(struct bench *b)
{
	struct pair *p = calloc(1, sizeof *p);
	ex_loop *loop = ex_loop_of(b);
	int status;

	if (!p)
		return bench_fail(b, -ENOMEM, "out of memory for two records");
	p->b = b;
	status = pipe_pair_open(b, &p->fds, O_NONBLOCK);
	if (status < 0)
		goto no_pipes;
	status = ex_io_start(loop, &p->ponger, p->fds.there[0], EX_READ, ping_came);
	if (status < 0)
		goto no_ponger;
	status = ex_io_start(loop, &p->pinger, p->fds.back[0], EX_READ, answer_came);
	if (status < 0)
		goto no_pinger;
	bench_begin(b);
	send_ping(p);
	return 0;
no_pinger:
	ex_io_stop(loop, &p->ponger);
no_ponger:
	bench_fail(b, status, "the loop cannot watch a pipe: %s", strerror(-status));
	pipe_pair_close(&p->fds);
no_pipes:
	free(p);
	return status;
}

static const char *stops_the_loop(const struct bench *b)
{
	return bench_param(b, "io") == PIPE_IO_BLOCKING ? "a call that blocks stops the whole loop" : NULL;
}

const struct bench_body mix_pipe_evented = {.unsupported = stops_the_loop, .run = run_pipe};
