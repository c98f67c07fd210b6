/*
 * test_file.c - file reads through io_uring and through the pool: the same bytes, many in flight, errors, and a stop
 * that waits. A backend that the machine refuses is skipped, aloud.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/eventloop/ev.h"

enum { FILE_BYTES = 1 << 20, BLOCK = 4096, N_BLOCKS = FILE_BYTES / BLOCK };

static struct ev_loop *loop;
static int file = -1;
static uint32_t block_crc[N_BLOCKS];

static uint32_t crc32_of(const unsigned char *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	while (n--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

static int make_file(void **state)
{
	static unsigned char block[BLOCK];
	char path[] = "/tmp/switchyard-file-XXXXXX";
	uint32_t x = 2463534242;

	(void)state;
	file = mkstemp(path);
	if (file < 0)
		return -1;
	unlink(path);
	for (int b = 0; b < N_BLOCKS; b++) {
		for (int i = 0; i < BLOCK; i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			block[i] = (unsigned char)x;
		}
		block_crc[b] = crc32_of(block, BLOCK);
		if (write(file, block, BLOCK) != BLOCK)
			return -1;
	}
	return 0;
}

static int close_file(void **state)
{
	(void)state;
	return close(file);
}

static void open_loop(const char *knobs)
{
	int rc = ev_start(knobs, &loop);

	if (rc == -ENOSYS || rc == -EPERM || rc == -ENOMEM) {
		print_message("skipped: \"%s\" is refused here: %s\n", knobs, strerror(-rc));
		skip();
	}
	assert_int_equal(rc, 0);
}

/* ---- blocks ------------------------------------------------------------------------------------- */

struct block_read {
	struct ev_file file;
	int block;
	int calls;
	unsigned char buf[BLOCK];
};

static int in_flight, most_in_flight, next_block, wrong, done;

static void start_block(struct block_read *r);

static void block_is_read(struct ev_file *f, ssize_t result)
{
	struct block_read *r = EV_CONTAINER(f, struct block_read, file);

	in_flight--;
	done++;
	r->calls++;
	if (result != BLOCK || crc32_of(r->buf, BLOCK) != block_crc[r->block])
		wrong++;
	if (next_block < N_BLOCKS)
		start_block(r);
	else if (in_flight == 0)
		ev_break(loop);
}

static void start_block(struct block_read *r)
{
	r->block = next_block++;
	memset(r->buf, 0, sizeof(r->buf));
	assert_int_equal(ev_file_read(loop, &r->file, file, r->buf, BLOCK, (off_t)r->block * BLOCK, block_is_read), 0);
	if (++in_flight > most_in_flight)
		most_in_flight = in_flight;
}

static void read_all(const char *knobs, int depth)
{
	static struct block_read reads[N_BLOCKS];

	open_loop(knobs);
	in_flight = most_in_flight = next_block = wrong = done = 0;
	for (int i = 0; i < depth; i++)
		start_block(&reads[i]);
	assert_int_equal(done, 0); /* never from inside the call */
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(done, N_BLOCKS);
	assert_int_equal(wrong, 0);
	assert_int_equal(most_in_flight, depth);
	assert_int_equal(ev_counters_of(loop).file_reads, N_BLOCKS);
	ev_stop(loop);
}

static void test_ring_one_by_one(void **state)
{
	(void)state;
	read_all("file=io_uring", 1);
}

static void test_ring_64_in_flight(void **state)
{
	(void)state;
	read_all("file=io_uring", 64);
}

static void test_pool_one_by_one(void **state)
{
	(void)state;
	read_all("file=pool", 1);
}

static void test_pool_64_in_flight(void **state)
{
	(void)state;
	read_all("file=pool", 64);
	read_all("file=pool,pool_threads=1", 64);
}

/* ---- more than the rings hold ------------------------------------------------------------------- */

static int burst_left, burst_bytes;

static void burst_is_read(struct ev_file *f, ssize_t result)
{
	(void)f;
	if (result > 0)
		burst_bytes += (int)result;
	if (--burst_left == 0)
		ev_break(loop);
}

/* 1500 reads at once: three times the completion ring and six times the submission ring. */
static void burst(const char *knobs)
{
	enum { N = 1500, SMALL = 16 };
	static struct ev_file f[N];
	static char buf[N][SMALL];

	open_loop(knobs);
	burst_left = N;
	burst_bytes = 0;
	for (int i = 0; i < N; i++)
		assert_int_equal(ev_file_read(loop, &f[i], file, buf[i], SMALL, (off_t)i * SMALL, burst_is_read), 0);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(burst_left, 0);
	assert_int_equal(burst_bytes, N * SMALL);
	for (int i = 0; i < N; i++) {
		char expected[SMALL];

		assert_int_equal(pread(file, expected, SMALL, (off_t)i * SMALL), SMALL);
		assert_memory_equal(expected, buf[i], SMALL);
	}
	ev_stop(loop);
}

static void test_burst(void **state)
{
	(void)state;
	burst("file=auto");
	burst("file=pool");
}

/* ---- errors and edges --------------------------------------------------------------------------- */

static ssize_t last_result;

static void note_result(struct ev_file *f, ssize_t result)
{
	(void)f;
	last_result = result;
	ev_break(loop);
}

static ssize_t read_once(int fd, void *buf, size_t n, off_t offset)
{
	struct ev_file f;

	last_result = -12345;
	assert_int_equal(ev_file_read(loop, &f, fd, buf, n, offset, note_result), 0);
	assert_int_equal(ev_run(loop), 0);
	return last_result;
}

static void edges(const char *knobs)
{
	unsigned char buf[BLOCK], expected[100];
	struct ev_file f;
	int closed = dup(file);

	open_loop(knobs);
	close(closed);
	assert_int_equal(read_once(-1, buf, 10, 0), -EBADF);
	assert_int_equal(read_once(closed, buf, 10, 0), -EBADF);
	assert_int_equal(read_once(file, NULL, 10, 0), -EFAULT);
	assert_int_equal(ev_file_read(loop, &f, file, buf, 10, -1, note_result), -EINVAL);
	assert_int_equal(read_once(file, buf, 10, FILE_BYTES), 0); /* the end */
	assert_int_equal(read_once(file, buf, BLOCK, FILE_BYTES - 100), 100); /* a short count */
	assert_int_equal(pread(file, expected, 100, FILE_BYTES - 100), 100);
	assert_memory_equal(buf, expected, 100);
	assert_int_equal(read_once(file, buf, 0, 0), 0);
	ev_stop(loop);
}

/* ---- the other calls ---------------------------------------------------------------------------- */

static ssize_t run_once(int rc)
{
	assert_int_equal(rc, 0);
	last_result = -12345;
	assert_int_equal(ev_run(loop), 0);
	return last_result;
}

/* A file is made, written, synced, closed, opened again and read; then errors. */
static void all_calls(const char *knobs)
{
	char dir[] = "/tmp/switchyard-calls-XXXXXX", path[64], buf[8] = "";
	struct ev_file f;
	int fd, again;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
	open_loop(knobs);
	fd = (int)run_once(ev_file_open(loop, &f, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, note_result));
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(run_once(ev_file_write(loop, &f, fd, "abcdef", 6, 1, note_result)), 6);
	assert_int_equal(run_once(ev_file_sync(loop, &f, fd, note_result)), 0);
	assert_int_equal(run_once(ev_file_close(loop, &f, fd, note_result)), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(run_once(ev_file_close(loop, &f, fd, note_result)), -EBADF);
	assert_int_equal(run_once(ev_file_sync(loop, &f, fd, note_result)), -EBADF);
	assert_int_equal(run_once(ev_file_write(loop, &f, fd, "x", 1, 0, note_result)), -EBADF);
	assert_int_equal(ev_file_write(loop, &f, fd, "x", 1, -1, note_result), -EINVAL);
	assert_int_equal(run_once(ev_file_open(loop, &f, path, O_RDWR | O_CREAT | O_EXCL, 0600, note_result)), -EEXIST);
	again = (int)run_once(ev_file_open(loop, &f, path, O_RDONLY | O_CLOEXEC, 0, note_result));
	assert_true(again >= 0);
	assert_int_equal(read_once(again, buf, sizeof(buf), 0), 7);
	assert_memory_equal(buf, "\0abcdef", 7);
	close(again);
	ev_stop(loop);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(ev_start(knobs, &loop), 0);
	assert_int_equal(run_once(ev_file_open(loop, &f, path, O_RDONLY, 0, note_result)), -ENOENT);
	ev_stop(loop);
}

static void test_ring_all_calls(void **state)
{
	(void)state;
	all_calls("file=io_uring");
}

static void test_pool_all_calls(void **state)
{
	(void)state;
	all_calls("file=pool");
}

static void test_ring_edges(void **state)
{
	(void)state;
	edges("file=io_uring");
}

static void test_pool_edges(void **state)
{
	(void)state;
	edges("file=pool");
}

/* ---- stop with reads in flight ------------------------------------------------------------------ */

static struct ev_file pending[8];
static int late_calls;

static void count_late(struct ev_file *f, ssize_t result)
{
	(void)f;
	(void)result;
	late_calls++;
}

static void break_loop(struct ev_work *w)
{
	(void)w;
	ev_break(loop);
}

/*
 * The reads are handed over and the loop is broken in the same turn, so that they are in flight, or done and not
 * called back, when it stops. Their memory is freed right after: whoever wrote into it later would be caught.
 */
static void stop_in_flight(const char *knobs)
{
	for (int round = 0; round < 20; round++) {
		char *buf = malloc(8 * BLOCK);
		struct ev_work w;

		assert_non_null(buf);
		open_loop(knobs);
		late_calls = 0;
		for (int i = 0; i < 8; i++)
			assert_int_equal(ev_file_read(loop, &pending[i], file, buf + i * BLOCK, BLOCK, (off_t)i * BLOCK,
						      count_late),
					 0);
		ev_post(loop, &w, break_loop);
		assert_int_equal(ev_run(loop), 0);
		ev_stop(loop);
		assert_int_equal(late_calls, 0);
		memset(buf, 0xa5, 8 * BLOCK);
		free(buf);
		memset(pending, 0xa5, sizeof(pending));
	}
}

static void test_stop_in_flight(void **state)
{
	(void)state;
	stop_in_flight("file=auto");
	stop_in_flight("file=pool");
}

static void *write_late(void *arg)
{
	usleep(20000);
	if (write(*(int *)arg, "late", 4) != 4)
		abort();
	return NULL;
}

/* A read that the kernel cannot complete yet, of a pipe: ev_stop returns after the kernel has written to the buffer. */
static void test_ring_stop_waits_for_the_kernel(void **state)
{
	(void)state;
	struct ev_file f;
	struct ev_work w;
	pthread_t writer;
	char buf[4] = "";
	int fds[2];

	open_loop("file=io_uring");
	assert_int_equal(pipe(fds), 0);
	late_calls = 0;
	assert_int_equal(ev_file_read(loop, &f, fds[0], buf, sizeof(buf), 0, count_late), 0);
	ev_post(loop, &w, break_loop);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_late, &fds[1]), 0);
	ev_stop(loop);
	assert_memory_equal(buf, "late", 4);
	assert_int_equal(late_calls, 0);
	pthread_join(writer, NULL);
	close(fds[0]);
	close(fds[1]);
}

/* Break from a file callback: the other completions are not lost. */
static void test_break_keeps_completions(void **state)
{
	(void)state;
	static const char *const knobs[] = {"file=auto", "file=pool"};

	for (int k = 0; k < 2; k++) {
		struct ev_file f[8];
		char buf[8][16];
		int runs = 0;

		open_loop(knobs[k]);
		for (int i = 0; i < 8; i++)
			assert_int_equal(ev_file_read(loop, &f[i], file, buf[i], 16, 0, note_result), 0);
		while (runs < 8) {
			last_result = 0;
			assert_int_equal(ev_run(loop), 0);
			assert_int_equal(last_result, 16);
			runs++;
		}
		assert_int_equal(ev_run(loop), -EDEADLK);
		ev_stop(loop);
	}
}

/* ---- beside other work -------------------------------------------------------------------------- */

static struct ev_work a, b;
static uint64_t steps;

static void bounce_a(struct ev_work *w);

static void bounce_b(struct ev_work *w)
{
	(void)w;
	steps++;
	ev_post(loop, &a, bounce_a);
}

static void bounce_a(struct ev_work *w)
{
	(void)w;
	steps++;
	ev_post(loop, &b, bounce_b);
}

/* Two callbacks that post each other for ever do not keep a file read from being submitted and called back. */
static void test_posting_pair_does_not_starve_files(void **state)
{
	(void)state;
	static const char *const knobs[] = {"file=auto", "file=pool"};

	for (int k = 0; k < 2; k++) {
		char buf[16];

		open_loop(knobs[k]);
		steps = 0;
		ev_post(loop, &a, bounce_a);
		assert_int_equal(read_once(file, buf, sizeof(buf), 0), sizeof(buf));
		assert_true(steps > 0);
		ev_stop(loop);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_one_by_one),
		cmocka_unit_test(test_ring_64_in_flight),
		cmocka_unit_test(test_pool_one_by_one),
		cmocka_unit_test(test_pool_64_in_flight),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_ring_edges),
		cmocka_unit_test(test_pool_edges),
		cmocka_unit_test(test_ring_all_calls),
		cmocka_unit_test(test_pool_all_calls),
		cmocka_unit_test(test_stop_in_flight),
		cmocka_unit_test(test_ring_stop_waits_for_the_kernel),
		cmocka_unit_test(test_break_keeps_completions),
		cmocka_unit_test(test_posting_pair_does_not_starve_files),
	};
	return cmocka_run_group_tests(tests, make_file, close_file);
}
