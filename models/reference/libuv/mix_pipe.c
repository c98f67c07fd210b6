/*
 * mix/pipe on libuv: a uv_pipe_t for each end; the two that are read read by themselves.
 */
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/mix/pipe/pipe.h"

enum { ENDS = 4, ROOM = 64 }; /* more than a word, so that a read that brings one says that it was all */

struct pair {
	struct bench *b;
	uv_pipe_t ping_in, ping_out, answer_in, answer_out;
	unsigned handles; /* that exist */
	bool has_begun; /* where not, nobody waits to hear how it ended */
	bool is_over;
	int status;
	uint64_t sent;
	struct pipe_done done;
	char room[ROOM];
};

static void closed(uv_handle_t *h)
{
	struct pair *p = h->data;
	struct bench *b = p->b;
	bool has_begun = p->has_begun;
	int status = p->status;

	if (--p->handles > 0)
		return;
	free(p);
	if (has_begun)
		bench_done(b, status);
}

static void close_all(struct pair *p)
{
	uv_pipe_t *const ends[ENDS] = {&p->ping_in, &p->ping_out, &p->answer_in, &p->answer_out};

	p->is_over = true;
	for (int i = 0; i < ENDS; i++)
		uv_close((uv_handle_t *)ends[i], closed);
}

/* `what` failed, unless it is NULL: then all is done. */
static void finish(struct pair *p, const char *what)
{
	struct bench *b = p->b;

	if (p->is_over)
		return;
	bench_end(b);
	pipe_certify(b, &p->done);
	p->status = what ? -EIO : 0;
	if (what)
		bench_fail(b, p->status, "%s failed after %llu round trips", what,
			   (unsigned long long)p->done.received);
	close_all(p);
}

static void send_word(struct pair *p, uv_pipe_t *out, pipe_word word)
{
	uv_buf_t buf = uv_buf_init((char *)&word, sizeof word);

	if (uv_try_write((uv_stream_t *)out, &buf, 1) != (int)sizeof word)
		finish(p, "a write to a pipe");
}

static void alloc(uv_handle_t *h, size_t wanted, uv_buf_t *buf)
{
	struct pair *p = h->data;

	(void)wanted;
	*buf = uv_buf_init(p->room, sizeof p->room);
}

/* What has come; false: not a word, and all is over unless nothing was there. */
static bool take_word(struct pair *p, ssize_t n, const uv_buf_t *buf, pipe_word *word)
{
	if (n == (ssize_t)sizeof *word) {
		memcpy(word, buf->base, sizeof *word);
		return true;
	}
	if (n != 0)
		finish(p, "a read from a pipe");
	return false;
}

static void answer_came(uv_stream_t *in, ssize_t n, const uv_buf_t *buf)
{
	struct pair *p = in->data;
	pipe_word word;

	if (!take_word(p, n, buf, &word))
		return;
	p->done.sum += word;
	p->done.received++;
	if (p->done.received == p->b->ops)
		finish(p, NULL);
	else
		send_word(p, &p->ping_out, pipe_ping(p->sent++));
}

static void ping_came(uv_stream_t *in, ssize_t n, const uv_buf_t *buf)
{
	struct pair *p = in->data;
	pipe_word word;

	if (!take_word(p, n, buf, &word))
		return;
	p->done.answered++;
	send_word(p, &p->answer_out, pipe_answer(word));
}

/* The four ends, which libuv then closes. 0, or < 0 and b->why, and what there is has been closed. */
static int open_ends(struct pair *p, const struct pipe_pair *fds)
{
	uv_pipe_t *const ends[ENDS] = {&p->ping_in, &p->ping_out, &p->answer_in, &p->answer_out};
	const int at[ENDS] = {fds->there[0], fds->there[1], fds->back[0], fds->back[1]};
	int status = 0;

	for (int i = 0; i < ENDS; i++) {
		int opened;

		lv_must(uv_pipe_init(&ex_loop_of(p->b)->uv, ends[i], 0), "uv_pipe_init");
		ends[i]->data = p;
		p->handles++;
		opened = uv_pipe_open(ends[i], at[i]);
		if (opened < 0) {
			close(at[i]);
			status = opened;
		}
	}
	if (status == 0)
		status = uv_read_start((uv_stream_t *)&p->ping_in, alloc, ping_came);
	if (status == 0)
		status = uv_read_start((uv_stream_t *)&p->answer_in, alloc, answer_came);
	if (status == 0)
		return 0;
	close_all(p);
	return bench_fail(p->b, status, "the loop cannot watch a pipe: %s", uv_strerror(status));
}

static int run_pipe(struct bench *b)
{
	struct pair *p = calloc(1, sizeof *p);
	struct pipe_pair fds;
	int status;

	if (!p)
		return bench_fail(b, -ENOMEM, "out of memory for two records");
	p->b = b;
	status = pipe_pair_open(b, &fds, O_NONBLOCK);
	if (status < 0) {
		free(p);
		return status;
	}
	status = open_ends(p, &fds);
	if (status < 0)
		return status;
	bench_begin(b);
	p->has_begun = true;
	send_word(p, &p->ping_out, pipe_ping(p->sent++));
	return 0;
}

static const char *stops_the_loop(const struct bench *b)
{
	return bench_param(b, "io") == PIPE_IO_BLOCKING ? "a call that blocks stops the whole loop" : NULL;
}

const struct bench_body mix_pipe_evented = {.unsupported = stops_the_loop, .run = run_pipe};
