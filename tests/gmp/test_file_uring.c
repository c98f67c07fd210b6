/*
 * Files through io_uring, from inside: what file.c sends there only when it has to wait is sent there always. Reads of
 * eventfds and pipes, which the public calls do not send, stand for reads of a disk: they last as long as the test wants.
 */
#include "sync_test.h"

#include "file_uring.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define MS ((uint64_t)1000 * 1000)

/* ---- which way it is, and that one is told --------------------------------------------------------------- */

static void value_of_files(const char *knobs, char out[32])
{
	const struct gr_config config = {.procs = 1, .knobs = knobs};
	const char *names[32];
	char values[32][32];
	size_t n;

	assert_int_equal(gr_start(&config), 0);
	n = gr_knobs(names, values, 32);
	strcpy(out, "not there");
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], "files"))
			strcpy(out, values[i]);
	gr_stop();
}

static void the_knob_says_so(void **state)
{
	char threads[32], uring[32], dflt[32];

	(void)state;
	value_of_files("files=threads", threads);
	value_of_files("files=uring", uring);
	value_of_files("", dflt);
	assert_true(strcmp(threads, "threads") == 0);
	assert_true(strcmp(uring, dflt) == 0);
	if (strcmp(uring, "uring") != 0) { /* with the reason */
		fprintf(stderr, "%s\n", uring);
		assert_true(strncmp(uring, "threads (", 9) == 0);
	}
}

static void other_values_are_refused(void **state)
{
	static const char *const wrong[] = {"files=1", "files=urin", "files=urings", "files=", "files", "file=uring"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct gr_config config = {.knobs = wrong[i]};

		assert_int_equal(gr_start(&config), -EINVAL);
	}
}

#if GR_HAS_URING

/* As containers do it. The architecture is not looked at: the filter is there to refuse, not to protect. */
static int refuse_io_uring(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void read_own_name(void *arg)
{
	char text[16] = "";
	int fd = gr_open("/proc/self/comm", O_RDONLY | O_CLOEXEC, 0);

	(void)arg;
	CHECK(gr_pread(fd, text, sizeof(text), 0) > 0);
	CHECK(gr_fsync(fd) != 0); /* is known to wait; this one says EINVAL at once */
	CHECK(gr_close(fd) == 0);
}

static void refused_by_a_filter(void **state)
{
	enum { NO_FILTER = 77 };
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct gr_config config = {.procs = 2, .knobs = "files=uring"};
		char value[32];

		if (refuse_io_uring())
			_exit(NO_FILTER);
		value_of_files("files=uring", value);
		if (strcmp(value, "threads (no io_uring: EPERM)") != 0 || gr_start(&config))
			_exit(1);
		gr_run(read_own_name, NULL);
		gr_stop();
		_exit(atomic_load(&sync_failures) ? 2 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTER)
		skip();
	assert_int_equal(status, 0);
}

/* ---- operations by themselves ------------------------------------------------------------------------------ */

static int ask(enum gr__file_kind kind, int fd, void *buf, size_t n, off_t off)
{
	struct gr__file_op op = {.kind = kind, .fd = fd, .buf = buf, .n = n, .off = off};

	return gr__uring_do(&op) ? op.result : -ECANCELED;
}

static void operations(void *arg)
{
	enum { BYTES = 1 << 20 };
	char name[] = TEST_BINARY_DIR "/gr_test_uring_XXXXXX";
	unsigned char *out = malloc(BYTES), *in = malloc(BYTES + 1);
	int fd = mkstemp(name);

	(void)arg;
	unlink(name);
	for (size_t i = 0; i < BYTES; i++)
		out[i] = (unsigned char)(i * 31 % 253);
	CHECK(ask(GR__FILE_WRITE, fd, out, BYTES, 0) == BYTES);
	CHECK(ask(GR__FILE_FSYNC, fd, NULL, 0, 0) == 0);
	CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0); /* now it has to wait */
	for (size_t n = 1; n <= BYTES; n *= 4) {
		memset(in, 0xee, BYTES + 1);
		CHECK(ask(GR__FILE_READ, fd, in, n, (off_t)(BYTES - n)) == (int)n);
		CHECK(memcmp(in, out + BYTES - n, n) == 0 && in[n] == 0xee);
	}
	CHECK(ask(GR__FILE_READ, fd, in, 100, BYTES - 7) == 7);
	CHECK(ask(GR__FILE_READ, fd, in, 100, BYTES) == 0);
	CHECK(ask(GR__FILE_READ, fd, in, 0, 0) == 0);
	close(fd); /* its number may be a new ring's now */
	CHECK(ask(GR__FILE_READ, -1, in, 1, 0) == -EBADF);
	CHECK(ask(GR__FILE_WRITE, -1, out, 1, 0) == -EBADF);
	CHECK(ask(GR__FILE_FSYNC, -1, NULL, 0, 0) == -EBADF);
	free(out);
	free(in);
}

/* ---- reads that last --------------------------------------------------------------------------------------- */

static struct {
	int fd; /* an eventfd, a semaphore: each read takes 1 of it */
	_Atomic unsigned asked, read;
	gr_wg done;
} crowd;

static void read_event(void *arg)
{
	uint64_t v = 0;
	int n;

	(void)arg;
	atomic_fetch_add(&crowd.asked, 1);
	n = ask(GR__FILE_READ, crowd.fd, &v, sizeof(v), 0);
	if (n == -ECANCELED) /* the thread that had asked has ended: file.c's block */
		n = (int)gr_read_blocking(crowd.fd, &v, sizeof(v));
	if (n == sizeof(v) && v == 1)
		atomic_fetch_add(&crowd.read, 1);
	gr_wg_done(&crowd.done);
}

static void start_crowd(unsigned n)
{
	memset(&crowd, 0, sizeof(crowd));
	crowd.fd = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
	CHECK(crowd.fd >= 0);
	gr_wg_add(&crowd.done, (int)n);
	for (unsigned i = 0; i < n; i++)
		CHECK(gr_go(read_event, NULL) == 0);
	while (atomic_load(&crowd.asked) < n)
		gr_yield();
}

static void end_crowd(unsigned n)
{
	const uint64_t all = n;

	CHECK(write(crowd.fd, &all, sizeof(all)) == sizeof(all));
	gr_wg_wait(&crowd.done);
	CHECK(atomic_load(&crowd.read) == n);
	close(crowd.fd);
}

/* More than a ring holds (U2): the rest waits in the backlog, and has its turn. */
static void more_than_fit(void *arg)
{
	enum { N = 2500 };

	(void)arg;
	start_crowd(N);
	gr_sleep_ns(5 * MS);
	CHECK(atomic_load(&crowd.read) == 0);
	end_crowd(N);
}

/* All Gs wait for files, with nobody else to look after them (U3): no deadlock, and the poller wakes. */
static void *write_later(void *arg)
{
	const uint64_t v = 1;

	usleep(100 * 1000);
	if (write(*(int *)arg, &v, sizeof(v)) < 0)
		abort();
	return NULL;
}

static void is_no_deadlock(void *arg)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	pthread_t writer;
	uint64_t v = 0;

	(void)arg;
	CHECK(pthread_create(&writer, NULL, write_later, &fd) == 0);
	CHECK(ask(GR__FILE_READ, fd, &v, sizeof(v), 0) == sizeof(v) && v == 1);
	pthread_join(writer, NULL);
	close(fd);
}

/* The number is closed, and used for something else, while the kernel reads: it reads what it began with. */
static void closed_meanwhile(void *arg)
{
	int again;

	(void)arg;
	start_crowd(10);
	gr_sleep_ns(20 * MS); /* all have been given to the kernel */
	again = dup(crowd.fd);
	CHECK(gr_close(crowd.fd) == 0);
	crowd.fd = again;
	end_crowd(10);
}

/*
 * U5: the P that has taken the read goes on with a G that computes. Only the monitor can give it to the kernel: with one
 * P it polls, with two the other one's M sleeps as the poller already, and must not steal the G that computes.
 */
static void read_pipe(void *arg)
{
	char c = 0;

	atomic_store(&crowd.asked, 1);
	CHECK(ask(GR__FILE_READ, *(int *)arg, &c, 1, 0) == 1 && c == 'x');
	gr_wg_done(&crowd.done);
}

/* Usually it has begun first, as the newest. */
static void wait_for_reader(void)
{
	while (!atomic_load(&crowd.asked))
		gr_yield();
}

static void compute_until_read(void *arg)
{
	const time_t end = time(NULL) + 20;
	int left;

	wait_for_reader();
	do {
		CHECK(ioctl(*(int *)arg, FIONREAD, &left) == 0);
	} while (left && time(NULL) < end);
	CHECK(left == 0);
	gr_wg_done(&crowd.done);
}

static void wait_for_end(void *arg)
{
	char c;

	CHECK(gr_sock_read(arg, &c, 1) == 0);
	gr_sock_close(arg);
}

static void not_held_up_by_who_computes(void *arg)
{
	int fds[2], other[2];
	gr_sock *s = NULL;

	(void)arg;
	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	CHECK(pipe2(other, O_CLOEXEC) == 0);
	CHECK(gr_sock_adopt(other[0], &s) == 0 && gr_go(wait_for_end, s) == 0);
	gr_yield();
	for (int i = 0; i < TIMES(20); i++) {
		CHECK(write(fds[1], "x", 1) == 1);
		memset(&crowd, 0, sizeof(crowd));
		gr_wg_add(&crowd.done, 2);
		usleep(3000); /* the other M has become the poller, for who waits for the end, and blocks */
		CHECK(gr_go(compute_until_read, &fds[0]) == 0);
		CHECK(gr_go(read_pipe, &fds[0]) == 0);
		gr_wg_wait(&crowd.done);
	}
	close(other[1]);
	close(fds[0]);
	close(fds[1]);
}

static void who_computes(void **state)
{
	(void)state;
	atomic_store(&sync_failures, 0);
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config config = {.procs = procs, .knobs = "steal=0"};

		assert_int_equal(gr_start(&config), 0);
		gr_run(not_held_up_by_who_computes, NULL);
		gr_stop();
	}
	assert_int_equal(atomic_load(&sync_failures), 0);
}

/* The same when the next G goes into a long call, so that the P is handed on, or becomes idle. */
static void call_until_read(void *arg)
{
	const time_t end = time(NULL) + 20;
	int left;

	wait_for_reader();
	gr_syscall_enter();
	do {
		usleep(1000);
	} while (ioctl(*(int *)arg, FIONREAD, &left) == 0 && left && time(NULL) < end);
	gr_syscall_exit();
	CHECK(left == 0);
	gr_wg_done(&crowd.done);
}

static void not_held_up_by_a_call(void *arg)
{
	int fds[2];

	(void)arg;
	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	for (int i = 0; i < 10; i++) {
		CHECK(write(fds[1], "x", 1) == 1);
		memset(&crowd, 0, sizeof(crowd));
		gr_wg_add(&crowd.done, 2);
		CHECK(gr_go(call_until_read, &fds[0]) == 0);
		CHECK(gr_go(read_pipe, &fds[0]) == 0);
		gr_wg_wait(&crowd.done);
	}
	close(fds[0]);
	close(fds[1]);
}

/* The number of Ps changes while reads are under way on all of their rings. */
static void ps_come_and_go(void *arg)
{
	enum { N = 400 };

	(void)arg;
	CHECK(gr_set_procs(6) == 0);
	start_crowd(N);
	CHECK(gr_set_procs(1) == 0);
	gr_sleep_ns(2 * MS);
	CHECK(gr_set_procs(3) == 0);
	end_crowd(N);
}

/* Files and sockets at the same time: neither makes the other wait. */
static struct {
	gr_wg done;
	_Atomic unsigned wrong;
	_Atomic bool stop;
} mix;

static void echo(void *arg)
{
	gr_sock *s = arg;
	char c;

	while (gr_sock_read(s, &c, 1) == 1)
		if (gr_sock_write(s, &c, 1) != 1)
			atomic_fetch_add(&mix.wrong, 1);
	gr_sock_close(s);
	gr_wg_done(&mix.done);
}

static void call_out(void *arg)
{
	gr_sock *s = arg;

	for (int i = 0; i < TIMES(2000); i++) {
		char c = (char)i, d = 0;

		if (gr_sock_write(s, &c, 1) != 1 || gr_sock_read(s, &d, 1) != 1 || c != d)
			atomic_fetch_add(&mix.wrong, 1);
	}
	gr_sock_close(s);
	gr_wg_done(&mix.done);
}

static void read_file(void *arg)
{
	const int fd = *(int *)arg;
	unsigned char buf[512];

	for (unsigned i = 0; i < (unsigned)TIMES(2000); i++) {
		const unsigned block = i * 7 % 100;

		if (ask(GR__FILE_READ, fd, buf, sizeof(buf), (off_t)block * 512) != 512 || buf[0] != block ||
		    buf[511] != block)
			atomic_fetch_add(&mix.wrong, 1);
	}
	gr_wg_done(&mix.done);
}

static void with_sockets(void *arg)
{
	enum { PAIRS = 4, READERS = 8 };
	char name[] = TEST_BINARY_DIR "/gr_test_mix_XXXXXX";
	int fd = mkstemp(name), fds[2];
	unsigned char block[512];
	gr_sock *s;

	(void)arg;
	unlink(name);
	memset(&mix, 0, sizeof(mix));
	for (unsigned i = 0; i < 100; i++) {
		memset(block, (int)i, sizeof(block));
		CHECK(write(fd, block, sizeof(block)) == sizeof(block));
	}
	gr_wg_add(&mix.done, 2 * PAIRS + READERS);
	for (int i = 0; i < PAIRS; i++) {
		CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
		CHECK(gr_sock_adopt(fds[0], &s) == 0 && gr_go(echo, s) == 0);
		CHECK(gr_sock_adopt(fds[1], &s) == 0 && gr_go(call_out, s) == 0);
	}
	for (int i = 0; i < READERS; i++)
		CHECK(gr_go(read_file, &fd) == 0);
	gr_wg_wait(&mix.done);
	CHECK(atomic_load(&mix.wrong) == 0);
	close(fd);
}

/* ---- threads end, and the runtime --------------------------------------------------------------------------- */

static void outlive_threads(void *arg)
{
	struct gr_stats s;

	(void)arg;
	for (int i = 0; i < 5; i++) {
		start_crowd(20);
		/* Ms that have submitted are idle, and go. */
		gr_sleep_ns(20 * MS);
		end_crowd(20);
	}
	gr_stats_read(&s);
	CHECK(s.m_reaped > 0);
}

static void threads_end(void **state)
{
	const struct gr_config config = {.procs = 4, .reap_ns = MS};

	(void)state;
	atomic_store(&sync_failures, 0);
	assert_int_equal(gr_start(&config), 0);
	gr_run(outlive_threads, NULL);
	gr_stop();
	assert_int_equal(atomic_load(&sync_failures), 0);
}

static _Atomic bool written;

static void *write_all_later(void *arg)
{
	const uint64_t n = *(unsigned *)arg;

	usleep(50 * 1000);
	atomic_store(&written, true);
	if (write(crowd.fd, &n, sizeof(n)) < 0)
		abort();
	return NULL;
}

static void leave_a_crowd(void *arg)
{
	start_crowd(*(unsigned *)arg);
	gr_sleep_ns(10 * MS);
}

/* The buffers are on stacks that gr_stop frees: not before the kernel has done with them. */
static void stop_waits(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config config = {.procs = procs};
		unsigned n = 50;
		pthread_t writer;

		atomic_store(&written, false);
		assert_int_equal(gr_start(&config), 0);
		gr_run(leave_a_crowd, &n);
		assert_int_equal(pthread_create(&writer, NULL, write_all_later, &n), 0);
		gr_stop();
		assert_true(atomic_load(&written));
		pthread_join(writer, NULL);
		close(crowd.fd);
	}
	/* One that the kernel has not been given is simply dropped, with its G: nobody waits for it. */
	const struct gr_config config = {.procs = 1};

	assert_int_equal(gr_start(&config), 0);
	gr_stop();
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		ON_1_AND_2(operations),
		ON_1_AND_2(more_than_fit),
		ON_1_AND_2(is_no_deadlock),
		ON_1_AND_2(closed_meanwhile),
		cmocka_unit_test(who_computes),
		ON_1_AND_2(not_held_up_by_a_call),
		ON_1_AND_2(ps_come_and_go),
		ON_1_AND_2(with_sockets),
		cmocka_unit_test(threads_end),
		cmocka_unit_test(stop_waits),
	};
	/* clang-format on */
	const struct CMUnitTest knobs[] = {
		cmocka_unit_test(the_knob_says_so),
		cmocka_unit_test(other_values_are_refused),
		cmocka_unit_test(refused_by_a_filter),
	};
	char value[32];

	sync_test_begin();
	if (cmocka_run_group_tests_name("gmp/file_uring: knobs", knobs, NULL, NULL))
		return 1;
	value_of_files("files=uring", value);
	if (strcmp(value, "uring") != 0) {
		fprintf(stderr, "skipped: %s\n", value);
		return 77;
	}
	return cmocka_run_group_tests_name("gmp/file_uring", tests, NULL, NULL);
}

#else

int main(void)
{
	const struct CMUnitTest knobs[] = {
		cmocka_unit_test(the_knob_says_so),
		cmocka_unit_test(other_values_are_refused),
	};

	return cmocka_run_group_tests_name("gmp/file_uring: knobs", knobs, NULL, NULL);
}

#endif
