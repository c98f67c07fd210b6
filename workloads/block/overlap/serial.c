/*
 * block/overlap without tasks: one after the other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workloads/block/overlap/overlap.h"

static int read_block(int fd, uint64_t *words, uint64_t block, uint64_t *sum)
{
	int status = files_pread_all(fd, words, DATAFILE_BLOCK, (off_t)(block * DATAFILE_BLOCK));

	if (status < 0)
		return status;
	return datafile_verify(words, block, sum) ? 0 : -EIO;
}

static int ask(int fd, uint64_t request, uint64_t *sum)
{
	uint64_t answer;
	int status = files_write_all(fd, &request, sizeof request);
	ssize_t n;

	if (status < 0)
		return status;
	do
		n = recv(fd, &answer, sizeof answer, 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof answer || answer != peer_answer(request))
		return n < 0 ? -errno : -EIO;
	*sum += answer;
	return 0;
}

static int run_ops(struct bench *b, const struct overlap_plan *p, int sock, uint64_t *words, struct overlap_done *done)
{
	const struct overlap_data *d = b->data;
	int status = 0;

	bench_begin(b);
	while (done->ops < b->ops && status == 0) {
		const uint64_t n = done->ops;

		if (p->reads)
			status = read_block(d->fd, words, overlap_block(p, 0, n), &done->sum);
		if (p->asks && status == 0)
			status = ask(sock, overlap_request(0, n), &done->sum);
		if (status == 0)
			overlap_count(p, done);
	}
	bench_end(b);
	return status < 0 ? bench_fail(b, status, "an operation failed: %s", strerror(-status)) : 0;
}

static int run_overlap(struct bench *b)
{
	const struct overlap_plan p = overlap_plan_of(b);
	const struct overlap_data *d = b->data;
	uint64_t *words = aligned_alloc(DATAFILE_BLOCK, DATAFILE_BLOCK);
	struct bench_cert cert = {.max_live = p.in_flight};
	struct overlap_done done = {0};
	int status, sock = p.asks ? peer_connect(d->peer) : -1;

	if (!words)
		status = bench_fail(b, -ENOMEM, "out of memory for a block");
	else if (p.asks && sock < 0)
		status = bench_fail(b, sock, "cannot connect to the peer: %s", strerror(-sock));
	else
		status = run_ops(b, &p, sock, words, &done);
	if (sock >= 0)
		close(sock);
	free(words);
	overlap_add(&cert, &done);
	b->cert = cert;
	return status;
}

static const char *one_at_a_time(const struct bench *b)
{
	return bench_param(b, "in_flight") > 1 ? "sequential: one operation is under way" : NULL;
}

const struct bench_body block_overlap_serial = {.unsupported = one_at_a_time, .run = run_overlap};
