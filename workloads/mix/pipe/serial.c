/*
 * mix/pipe without tasks: one thread is both sides, so each read finds what has been written.
 */
#include <stdbool.h>

#include "workloads/mix/pipe/pipe.h"

static bool pass(const int fds[2], pipe_word *word)
{
	return write(fds[1], word, sizeof *word) == sizeof *word && read(fds[0], word, sizeof *word) == sizeof *word;
}

static int run_pipe(struct bench *b)
{
	struct pipe_done done = {0};
	struct pipe_pair fds;
	int status = pipe_pair_open(b, &fds, 0);

	if (status < 0)
		return status;
	bench_begin(b);
	for (uint64_t i = 0; i < b->ops; i++) {
		pipe_word word = pipe_ping(i);

		if (!pass(fds.there, &word))
			break;
		word = pipe_answer(word);
		done.answered++;
		if (!pass(fds.back, &word))
			break;
		done.sum += word;
		done.received++;
	}
	bench_end(b);
	pipe_pair_close(&fds);
	pipe_certify(b, &done);
	return 0;
}

const struct bench_body mix_pipe_serial = {.run = run_pipe};
