/*
 * mix/hackbench without tasks: each message is sent and received before the next.
 */
#include "workloads/mix/hackbench/hackbench.h"

static int pass(struct bench_cert *cert, const int pair[2], unsigned char *message, uint64_t receiver)
{
	ssize_t n = hackbench_send(pair[1], message);

	if (n != HACKBENCH_BYTES)
		return n < 0 ? (int)n : -EIO;
	cert->messages++;
	cert->bytes_written += (uint64_t)n;
	for (size_t got = 0; got < HACKBENCH_BYTES; got += (size_t)n) {
		n = hackbench_receive(pair[0], message, got);
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		cert->bytes_read += (uint64_t)n;
	}
	cert->checksum += hackbench_digit(message, receiver);
	cert->ops++;
	return 0;
}

static int run_hackbench(struct bench *b)
{
	struct hackbench_shape shape = hackbench_shape(b);
	uint64_t n = hackbench_side(&shape);
	unsigned char message[HACKBENCH_BYTES] = {0};
	struct bench_cert cert = {0};
	int status, (*pairs)[2] = hackbench_open(b, n, 0, &status);

	if (!pairs)
		return status;
	bench_begin(b);
	for (uint64_t sender = 0; sender < n; sender++) {
		uint64_t first = hackbench_first_of_group(&shape, sender);

		for (uint64_t loop = 0; loop < shape.loops; loop++) {
			hackbench_number(&shape, message, sender, loop);
			for (uint64_t r = first; r < first + shape.tasks && status == 0; r++)
				status = pass(&cert, pairs[r], message, r);
		}
	}
	bench_end(b);
	hackbench_close(pairs, n);
	b->cert = cert;
	return status < 0 ? bench_fail(b, status, "sending or receiving failed: %s", strerror(-status)) : 0;
}

const struct bench_body mix_hackbench_serial = {.run = run_hackbench};
