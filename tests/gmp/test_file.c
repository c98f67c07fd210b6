/*
 * Calls on files, and calls that block the M.
 */
#include "sync_test.h"

#include <errno.h>
#include <fcntl.h>

#define MS ((uint64_t)1000 * 1000)

enum { FILE_BYTES = 300 * 1000 + 123 };

static unsigned char byte_at(size_t i)
{
	return (unsigned char)(i * 31 % 253);
}

/* A file of FILE_BYTES known bytes, without a name: beside the tests, which is a real filesystem. */
static int known_file(void)
{
	char name[] = TEST_BINARY_DIR "/gr_test_file_XXXXXX";
	unsigned char *buf = malloc(FILE_BYTES);
	int fd = mkstemp(name);

	if (fd < 0 || !buf)
		abort();
	unlink(name);
	for (size_t i = 0; i < FILE_BYTES; i++)
		buf[i] = byte_at(i);
	CHECK(gr_pwrite(fd, buf, FILE_BYTES, 0) == FILE_BYTES);
	free(buf);
	return fd;
}

static size_t count_wrong(const unsigned char *buf, size_t n, size_t off)
{
	size_t wrong = 0;

	for (size_t i = 0; i < n; i++)
		wrong += buf[i] != byte_at(off + i);
	return wrong;
}

/* ---- what pread means ------------------------------------------------------------------------------ */

static void reads_what_is_there(void *arg)
{
	unsigned char *buf = malloc(FILE_BYTES + 1);
	int fd = known_file();
	size_t off = 0;

	(void)arg;
	for (int i = 0; i < 500; i++) { /* more often than the descriptor's kind is remembered for */
		size_t n = 1 + (size_t)i * 13 % 5000;

		off = (off + 77777) % (FILE_BYTES - n);
		CHECK(gr_pread(fd, buf, n, (off_t)off) == (ssize_t)n);
		CHECK(count_wrong(buf, n, off) == 0);
	}
	CHECK(gr_pread(fd, buf, FILE_BYTES + 1, 0) == FILE_BYTES); /* short at the end */
	CHECK(count_wrong(buf, FILE_BYTES, 0) == 0);
	CHECK(gr_pread(fd, buf, 100, FILE_BYTES - 7) == 7);
	CHECK(gr_pread(fd, buf, 100, FILE_BYTES) == 0);
	CHECK(gr_pread(fd, buf, 100, FILE_BYTES + 1000) == 0);
	CHECK(gr_pread(fd, buf, 0, 0) == 0);
	CHECK(gr_pread(fd, buf, 10, -1) == -EINVAL);
	close(fd);
	CHECK(gr_pread(fd, buf, 10, 0) == -EBADF);
	CHECK(gr_pread(-1, buf, 10, 0) == -EBADF);
	CHECK(gr_pwrite(-1, buf, 10, 0) == -EBADF);
	CHECK(gr_read_blocking(-1, buf, 10) == -EBADF);
	free(buf);
}

/* What the cache does not have is read all the same. */
static void cold_reads(void *arg)
{
	unsigned char *buf = malloc(FILE_BYTES);
	int fd = known_file();

	(void)arg;
	CHECK(fsync(fd) == 0);
	for (int i = 0; i < 5; i++) {
		CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
		CHECK(gr_pread(fd, buf, 10000, 50000) == 10000);
		CHECK(count_wrong(buf, 10000, 50000) == 0);
		/* Now a part is there and a part may not be. */
		CHECK(gr_pread(fd, buf, FILE_BYTES, 0) == FILE_BYTES);
		CHECK(count_wrong(buf, FILE_BYTES, 0) == 0);
	}
	close(fd);
	free(buf);
}

/*
 * Many readers at once, and somebody who always wants the P: reads lose theirs, and what gr_pread learns from that
 * about the descriptor (ask first, give the P away at once, back to plain) is gone through in all ways.
 */
struct readers {
	int fd;
	bool drop; /* what is cached, now and then */
	_Atomic size_t wrong;
	_Atomic bool stop;
	gr_wg done, keeper;
};

static void read_at_random(void *arg)
{
	struct readers *r = arg;
	unsigned char *buf = aligned_alloc(4096, 8192);
	uint32_t x = (uint32_t)gr_id();

	for (int i = 0; i < (is_slow() ? 60 : 200); i++) {
		size_t off;

		x = x * 1664525u + 1013904223u;
		off = (x >> 8) % 70 * 4096;
		if (r->drop && i % 20 == 0 && i < 150)
			posix_fadvise(r->fd, 0, 0, POSIX_FADV_DONTNEED);
		if (gr_pread(r->fd, buf, 8192, (off_t)off) != 8192 || count_wrong(buf, 8192, off) != 0)
			atomic_fetch_add(&r->wrong, 1);
	}
	free(buf);
	gr_wg_done(&r->done);
}

static void want_the_p(void *arg)
{
	struct readers *r = arg;

	while (!atomic_load(&r->stop))
		gr_yield();
	gr_wg_done(&r->keeper);
}

static void read_by_many(int fd, bool drop)
{
	enum { READERS = 16 };
	struct readers r = {.fd = fd, .drop = drop};

	gr_wg_add(&r.keeper, 1);
	gr_go(want_the_p, &r);
	gr_wg_add(&r.done, READERS);
	for (int i = 0; i < READERS; i++)
		gr_go(read_at_random, &r);
	gr_wg_wait(&r.done);
	atomic_store(&r.stop, true);
	gr_wg_wait(&r.keeper);
	CHECK(atomic_load(&r.wrong) == 0);
}

static void many_readers(void *arg)
{
	char path[64];
	int fd = known_file(), direct;

	(void)arg;
	CHECK(fsync(fd) == 0);
	read_by_many(fd, true);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	direct = open(path, O_RDONLY | O_DIRECT);
	if (direct >= 0) {
		read_by_many(direct, false);
		CHECK(dup2(fd, direct) == direct); /* what was learnt about the number is wrong now */
		read_by_many(direct, false);
		close(direct);
	}
	close(fd);
}

/* The same number, first an ordinary file, then one past the page cache, then ordinary again. */
static void direct_reads(void *arg)
{
	char path[64];
	unsigned char *buf = aligned_alloc(4096, 8192);
	int fd = known_file(), direct;

	(void)arg;
	CHECK(fsync(fd) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	direct = open(path, O_RDONLY | O_DIRECT);
	if (direct >= 0) { /* else the filesystem has no such thing, and there is nothing to check */
		for (int i = 0; i < 200; i++) {
			CHECK(gr_pread(direct, buf, 8192, (off_t)(i % 20) * 4096) == 8192);
			CHECK(count_wrong(buf, 8192, (size_t)(i % 20) * 4096) == 0);
		}
		CHECK(dup2(fd, direct) == direct);
		for (int i = 0; i < 200; i++) {
			CHECK(gr_pread(direct, buf, 5000, i * 11) == 5000);
			CHECK(count_wrong(buf, 5000, (size_t)i * 11) == 0);
		}
		close(direct);
	}
	close(fd);
	free(buf);
}

/* ---- the other calls ------------------------------------------------------------------------------- */

static void opens_and_closes(void *arg)
{
	char name[] = TEST_BINARY_DIR "/gr_test_open_XXXXXX", c = 0;
	int made = mkstemp(name), fds[2], fd;

	(void)arg;
	CHECK(made >= 0 && gr_close(made) == 0);
	fd = gr_open(name, O_RDWR | O_CLOEXEC, 0);
	CHECK(fd >= 0);
	CHECK(gr_pwrite(fd, "abc", 3, 1000) == 3);
	CHECK(gr_pwrite(fd, "abc", 0, 0) == 0);
	CHECK(gr_fsync(fd) == 0);
	CHECK(gr_pread(fd, &c, 1, 1001) == 1 && c == 'b');
	CHECK(gr_pread(fd, &c, 1, 3) == 1 && c == 0); /* the hole before it */
	CHECK(gr_pwrite(fd, "x", 1, -1) == -EINVAL);
	CHECK(gr_close(fd) == 0);
	CHECK(gr_close(fd) == -EBADF);
	CHECK(gr_fsync(fd) == -EBADF);
	CHECK(gr_pwrite(fd, "x", 1, 0) == -EBADF);
	fd = gr_open(name, O_RDONLY | O_CLOEXEC, 0);
	CHECK(gr_pwrite(fd, "x", 1, 0) == -EBADF);
	CHECK(gr_close(fd) == 0);
	CHECK(unlink(name) == 0);
	CHECK(gr_open(name, O_RDONLY, 0) == -ENOENT);
	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	CHECK(gr_pread(fds[0], &c, 1, 0) == -ESPIPE);
	CHECK(gr_fsync(fds[0]) == -EINVAL);
	CHECK(gr_close(fds[0]) == 0 && gr_close(fds[1]) == 0);
}

/*
 * A pipe under the number of a file whose reads are known to wait: as before -ESPIPE, not a wait for what may come. The
 * keeper of read_by_many makes it so that reads lose their P, which is how they become known.
 */
static void pipe_after_file(void *arg)
{
	char path[64], c = 0;
	int fd = known_file(), direct, fds[2];

	(void)arg;
	CHECK(fsync(fd) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	direct = open(path, O_RDONLY | O_DIRECT);
	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	if (direct >= 0) {
		struct readers r = {.fd = direct};

		read_by_many(direct, false);
		CHECK(dup2(fds[0], direct) == direct);
		gr_wg_add(&r.keeper, 1);
		gr_go(want_the_p, &r);
		for (int i = 0; i < 200; i++)
			CHECK(gr_pread(direct, &c, 1, 0) == -ESPIPE);
		atomic_store(&r.stop, true);
		gr_wg_wait(&r.keeper);
		close(direct);
	}
	close(fds[0]);
	close(fds[1]);
	close(fd);
}

/* Writers that wait for the disk each time, with somebody who wants their P; what they have written is there. */
struct writer {
	struct readers *all;
	int fd;
	unsigned first; /* block */
};

enum { WRITERS = 8, BLOCKS_EACH = 40, BLOCK = 4096 };

static void write_blocks(void *arg)
{
	struct writer *w = arg;
	unsigned char *buf = aligned_alloc(BLOCK, BLOCK);

	for (unsigned i = 0; i < BLOCKS_EACH; i++) {
		memset(buf, (int)(w->first + i), BLOCK);
		if (gr_pwrite(w->fd, buf, BLOCK, (off_t)(w->first + i) * BLOCK) != BLOCK)
			atomic_fetch_add(&w->all->wrong, 1);
	}
	if (gr_fsync(w->fd))
		atomic_fetch_add(&w->all->wrong, 1);
	free(buf);
	gr_wg_done(&w->all->done);
}

static void write_by_many(int flags)
{
	char name[] = TEST_BINARY_DIR "/gr_test_write_XXXXXX";
	struct writer writers[WRITERS];
	struct readers r = {0};
	unsigned char *buf = aligned_alloc(BLOCK, BLOCK);
	int plain = mkstemp(name), fd = open(name, O_RDWR | O_CLOEXEC | flags);

	unlink(name);
	if (fd >= 0) {
		gr_wg_add(&r.keeper, 1);
		gr_go(want_the_p, &r);
		gr_wg_add(&r.done, WRITERS);
		for (unsigned i = 0; i < WRITERS; i++) {
			writers[i] = (struct writer){&r, fd, i * BLOCKS_EACH};
			gr_go(write_blocks, &writers[i]);
		}
		gr_wg_wait(&r.done);
		atomic_store(&r.stop, true);
		gr_wg_wait(&r.keeper);
		for (unsigned i = 0; i < WRITERS * BLOCKS_EACH; i++) {
			CHECK(gr_pread(plain, buf, BLOCK, (off_t)i * BLOCK) == BLOCK);
			CHECK(buf[0] == (unsigned char)i && buf[BLOCK - 1] == (unsigned char)i);
		}
		close(fd);
	}
	CHECK(atomic_load(&r.wrong) == 0);
	close(plain);
	free(buf);
}

static void many_writers(void *arg)
{
	(void)arg;
	write_by_many(O_DIRECT);
	write_by_many(O_DSYNC);
	write_by_many(0);
}

/* The file gets shorter and longer under its readers: what they get was there, or is zero, or less. */
static void read_what_is_left(void *arg)
{
	struct readers *r = arg;
	unsigned char *buf = malloc(8192);

	for (int i = 0; !atomic_load(&r->stop); i++) {
		const off_t off = i * 4096 % FILE_BYTES;
		const ssize_t n = gr_pread(r->fd, buf, 8192, off);

		if (n < 0)
			atomic_fetch_add(&r->wrong, 1);
		for (ssize_t k = 0; k < n; k++)
			if (buf[k] && buf[k] != byte_at((size_t)(off + k)))
				atomic_fetch_add(&r->wrong, 1);
		gr_yield();
	}
	free(buf);
	gr_wg_done(&r->done);
}

static void truncated(void *arg)
{
	enum { READERS = 8 };
	struct readers r = {.fd = known_file()};

	(void)arg;
	gr_wg_add(&r.done, READERS);
	for (int i = 0; i < READERS; i++)
		gr_go(read_what_is_left, &r);
	for (int i = 0; i < TIMES(100); i++) {
		posix_fadvise(r.fd, 0, 0, POSIX_FADV_DONTNEED);
		CHECK(ftruncate(r.fd, FILE_BYTES / (1 + i % 4)) == 0);
		gr_sleep_ns(MS / 2);
		CHECK(ftruncate(r.fd, FILE_BYTES) == 0);
		gr_sleep_ns(MS / 2);
	}
	atomic_store(&r.stop, true);
	gr_wg_wait(&r.done);
	CHECK(atomic_load(&r.wrong) == 0);
	close(r.fd);
}

/* ---- a blocked call does not hold the others up ---------------------------------------------------- */

struct piped {
	int fds[2];
	_Atomic int arrived;
	gr_wg done;
};

static void read_blocked(void *arg)
{
	struct piped *p = arg;
	char c = 0;

	CHECK(gr_read_blocking(p->fds[0], &c, 1) == 1 && c == 'x');
	atomic_fetch_add(&p->arrived, 1);
	gr_wg_done(&p->done);
}

static void others_go_on(void *arg)
{
	enum { READERS = 4 };
	struct piped p = {0};

	(void)arg;
	CHECK(pipe2(p.fds, O_CLOEXEC) == 0);
	gr_wg_add(&p.done, READERS);
	for (int i = 0; i < READERS; i++)
		gr_go(read_blocked, &p);
	gr_sleep_ns(5 * MS); /* all of them are in the call, on one P: only a hand-off brings us back */
	CHECK(atomic_load(&p.arrived) == 0);
	CHECK(write(p.fds[1], "xxxx", READERS) == READERS);
	gr_wg_wait(&p.done);
	CHECK(atomic_load(&p.arrived) == READERS);
	close(p.fds[0]);
	close(p.fds[1]);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		ON_1_AND_2(reads_what_is_there),
		ON_1_AND_2(cold_reads),
		ON_1_AND_2(many_readers),
		ON_1_AND_2(direct_reads),
		ON_1_AND_2(opens_and_closes),
		ON_1_AND_2(pipe_after_file),
		ON_1_AND_2(many_writers),
		ON_1_AND_2(truncated),
		ON_1_AND_2(others_go_on),
	};
	/* clang-format on */

	/* In both ways of waiting; where io_uring is refused, the second is the first once more. */
	sync_test_begin();
	setenv("GRDEBUG", "files=threads", 1);
	if (cmocka_run_group_tests_name("gmp/file: threads", tests, NULL, NULL))
		return 1;
	setenv("GRDEBUG", "files=uring", 1);
	return cmocka_run_group_tests_name("gmp/file: uring", tests, NULL, NULL);
}
