/*
 * test_work.c - a running runtime is refused things: what was accepted is done, what was not is told.
 *
 * Each case makes its n-th call of a kind fail, once and from there on, for n = 1, 2, ... until a run has no failure.
 */
#include "internal.h"
#include "trial.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

/* ---- stacks ------------------------------------------------------------------------------------------------ */

/* With stacks of 1 MiB 16 share a slab: so many Gs need many slabs, and their table grows too. */
enum { MANY_SLABS = 270, BIG_STACK = 1 << 20 };

static int spawned = MANY_SLABS;

static void keep_it(void *arg);

struct spawned {
	struct certificate *certificate;
	uint64_t number;
};

static void keep_it(void *arg)
{
	struct spawned *s = arg;

	if (s->number % 3 == 0)
		gr_yield();
	keep_promise(s->certificate, s->number);
}

/* All at once: none ends before all have been asked for, on one P. */
static void spawn_many(void *arg)
{
	struct certificate c = {0};
	struct spawned *s = calloc(MANY_SLABS, sizeof(*s));
	int accepted = 0, again = 0;

	if (!s) {
		CHECK(false);
		return;
	}
	arm(arg);
	for (uint64_t i = 0; i < (uint64_t)spawned; i++) {
		int err;

		s[i] = (struct spawned){&c, i + 1};
		err = promise(&c, i + 1, keep_it, &s[i]);
		CHECK(err == 0 || err == -ENOMEM);
		accepted += err == 0;
	}
	CHECK(accepted == spawned || inject_failed());
	check_certificate(&c);
	inject_disarm();
	/* What was refused is accepted later. */
	for (uint64_t i = 0; i < (uint64_t)spawned; i++)
		again += promise(&c, i + 1, keep_it, &s[i]) == 0;
	CHECK(again == spawned);
	check_certificate(&c);
	free(s);
}

static void spawn_without_memory(void **state)
{
	(void)state;
	spawned = MANY_SLABS / FEWER;
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config config = {.procs = procs, .stack_bytes = BIG_STACK};

		/* With two Ps stacks come back while others are asked for. */
		sweep(&config, spawn_many, INJECT_MMAP, ENOMEM, procs == 1 ? (uint32_t)spawned / 16 - 1 : 1);
		sweep(&config, spawn_many, INJECT_CALLOC, ENOMEM, procs == 1 ? (uint32_t)spawned / 16 - 1 : 1);
	}
	const struct gr_config config = {.procs = 1, .stack_bytes = BIG_STACK};

	spawned = MANY_SLABS;
	sweep(&config, spawn_many, INJECT_REALLOC, ENOMEM, 1);
}

/* ---- guards -------------------------------------------------------------------------------------------------- */

static _Atomic bool same_guard;

static void spawn_and_look(void *arg)
{
	const char *names[16];
	char values[16][32];
	size_t n;

	spawn_many(arg);
	n = gr_knobs(names, values, 16);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], "guard"))
			atomic_store(&same_guard,
				     !strcmp(values[i], ((struct trial *)arg)->err == ENOMEM ? "canary" : "mprotect"));
}

/* Guards that the kernel refuses: other ones, and none at last; the work is done all the same. */
static void guards_fall_back(void **state)
{
	(void)state;
	spawned = MANY_SLABS / FEWER;
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config mapping = {.procs = procs, .knobs = "guard=1"};
		const struct gr_config light = {.procs = procs};
		struct gr_config probe = {.procs = 1};
		bool works = false;

		for (uint32_t n = 1; n <= 40 / FEWER; n += n / 4 + 1) {
			struct trial t = {INJECT_MPROTECT, INJECT_FROM, n, ENOMEM};

			run_trial(&mapping, spawn_and_look, &t);
			assert_true(inject_failed());
			assert_true(same_guard);
		}
		/* Where the kernel has the light ones, the next best are taken when it stops having them. */
		assert_int_equal(gr_start(&probe), 0);
		const char *names[16];
		char values[16][32];
		size_t k = gr_knobs(names, values, 16);

		for (size_t i = 0; i < k; i++)
			works |= !strcmp(names[i], "guard") && !strcmp(values[i], "madvise");
		gr_stop();
		for (uint32_t n = 1; works && n <= 40 / FEWER; n += n / 4 + 1) {
			struct trial t = {INJECT_MADVISE_GUARD, INJECT_FROM, n, EINVAL};

			run_trial(&light, spawn_and_look, &t);
			assert_true(inject_failed());
			assert_true(same_guard);
		}
	}
}

/* ---- pages that the kernel does not take back ------------------------------------------------------------------ */

enum { CROWD = 12000 }; /* more free stacks than are kept with their pages */

static _Atomic unsigned come;
static gr_chan *gate; /* closed when all have come: each has its stack then */

static void keep_it_behind_gate(void *arg)
{
	atomic_fetch_add(&come, 1);
	gr_chan_recv(gate, NULL);
	keep_it(arg);
}

static void crowd_twice(void *arg)
{
	struct certificate c = {0};
	struct spawned *s = calloc(CROWD, sizeof(*s));

	if (!s) {
		CHECK(false);
		return;
	}
	arm(arg);
	for (int round = 0; round < 3; round++) {
		atomic_store(&come, 0);
		CHECK(gr_chan_new(0, 0, &gate) == 0);
		for (uint64_t i = 0; i < CROWD; i++) {
			s[i] = (struct spawned){&c, i + 1};
			CHECK(promise(&c, i + 1, keep_it_behind_gate, &s[i]) == 0);
		}
		while (atomic_load(&come) < CROWD)
			gr_yield();
		gr_chan_close(gate);
		check_certificate(&c);
		gr_chan_free(gate);
	}
	free(s);
}

static void pages_stay(void **state)
{
	(void)state;
	if (GR_TSAN || GR_ASAN)
		skip(); /* not so many stacks */
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config config = {.procs = procs};
		struct trial t = {INJECT_MADVISE, INJECT_FROM, 1, EINVAL};

		run_trial(&config, crowd_twice, &t);
		assert_true(inject_failed() > 1000 || procs == 2);
		t.when = INJECT_EVERY;
		t.n = 3;
		run_trial(&config, crowd_twice, &t);
	}
}

/* ---- threads --------------------------------------------------------------------------------------------------- */

struct team {
	struct certificate certificate;
	gr_chan *c;
	gr_mutex mutex;
	uint64_t plain; /* under mutex */
};

enum { TEAM = 12, ROUNDS = 10 };

/* Blocks its M, waits for others, computes: what makes the runtime want threads. */
static void team_worker(void *arg)
{
	struct team *t = arg;
	uint64_t v = 0;

	for (int i = 0; i < ROUNDS; i++) {
		gr_syscall_enter();
		usleep(100);
		gr_syscall_exit();
		gr_chan_recv(t->c, &v);
		gr_mutex_lock(&t->mutex);
		t->plain++;
		if (t->plain % 5 == 0)
			gr_sleep_ns(50000);
		gr_mutex_unlock(&t->mutex);
		v++;
		gr_chan_send(t->c, &v);
	}
	keep_promise(&t->certificate, 1);
}

static void do_team_work(void *arg)
{
	struct team t;
	uint64_t v = 0, sum = 0;

	memset(&t, 0, sizeof(t));
	CHECK(gr_chan_new(sizeof(v), 3, &t.c) == 0);
	arm(arg);
	for (int i = 0; i < TEAM; i++)
		CHECK(promise(&t.certificate, 1, team_worker, &t) == 0);
	for (int i = 0; i < 3; i++)
		gr_chan_send(t.c, &v);
	check_certificate(&t.certificate);
	for (int i = 0; i < 3; i++) {
		gr_chan_recv(t.c, &v);
		sum += v;
	}
	CHECK(sum == TEAM * ROUNDS && t.plain == TEAM * ROUNDS);
	gr_chan_free(t.c);
}

/*
 * Ms are not reaped here: if the last one ends at the very moment at which no other can be made, that is fatal, by design
 * (tests/misuse, no_threads).
 */
static void work_goes_on_with_fewer_threads(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 4; procs *= 2) {
		const struct gr_config config = {.procs = procs, .reap_ns = UINT64_MAX};
		bool failed = false;

		for (enum inject_when when = INJECT_ONCE; when <= INJECT_EVERY; when++) {
			for (uint32_t n = 1; n <= 6; n++) {
				struct trial t = {INJECT_THREAD, when, n, EAGAIN};

				run_trial(&config, do_team_work, &t);
				failed |= inject_failed() != 0;
			}
		}
		assert_true(failed);
	}
}

/*
 * Two threads, and no third to be had. One is in a call that does not return before the G has run that was next on its
 * P: the other thread, which has enough to do, must come by it.
 */
struct pair {
	_Atomic uint32_t present, next_ran, ended;
};

static void be_next(void *arg)
{
	struct pair *p = arg;

	atomic_store(&p->next_ran, 1);
}

/* Until both compute at the same time: so there are two Ms. */
static void meet(struct pair *p)
{
	atomic_fetch_add(&p->present, 1);
	while (atomic_load(&p->present) < 2)
		;
}

static void call_until_next_ran(void *arg)
{
	struct pair *p = arg;

	meet(p);
	while (atomic_load(&p->present) < 3)
		;
	CHECK(gr_go(be_next, p) == 0);
	gr_syscall_enter();
	while (!atomic_load(&p->next_ran))
		usleep(100);
	gr_syscall_exit();
	atomic_store(&p->ended, 1);
}

static void have_enough_to_do(void *arg)
{
	struct pair p = {0};

	CHECK(gr_go(call_until_next_ran, &p) == 0);
	meet(&p);
	arm(arg);
	atomic_fetch_add(&p.present, 1);
	while (!atomic_load(&p.ended))
		gr_yield();
}

/* Until the M that gr_start has made sleeps: else gr_run makes another one. */
static void wait_until_first_m_sleeps(void)
{
	unsigned n;

	do {
		usleep(100);
		gr__lock(&gr__sched.lock);
		n = gr__sched.n_idle_ms;
		gr__unlock(&gr__sched.lock);
	} while (n != 1);
}

static void others_do_what_is_next(void **state)
{
	const struct gr_config config = {.procs = 2, .reap_ns = UINT64_MAX};
	struct trial t = {INJECT_THREAD, INJECT_FROM, 1, EAGAIN};

	(void)state;
	/* Now and then there is a third M all the same. */
	for (int hits = 0; hits < 5; hits += inject_disarm() != 0) {
		assert_int_equal(gr_start(&config), 0);
		wait_until_first_m_sleeps();
		gr_run(have_enough_to_do, &t);
		gr_stop();
		assert_int_equal(errors, 0);
	}
}

/* ---- sleeps that end for no reason ----------------------------------------------------------------------------- */

static void no_wake_up_depends_on_sleeping_long(void **state)
{
	static const int why[] = {EINTR, EAGAIN, ETIMEDOUT, 0};
	static const char *const knobs[] = {"", "reap_ms=1", "spin=0", "max_ms=2"};

	(void)state;
	for (unsigned procs = 1; procs <= 4; procs *= 2) {
		for (unsigned i = 0; i < 4; i++) {
			const struct gr_config config = {.procs = procs, .knobs = knobs[i]};
			uint32_t failed = 0;

			for (uint32_t n = 1; n <= 20 / FEWER; n += n / 4 + 1) {
				struct trial t = {INJECT_FUTEX_WAIT, INJECT_ONCE, n, why[(i + n) % 4]};

				run_trial(&config, do_team_work, &t);
				failed += inject_failed();
				t.when = INJECT_EVERY;
				run_trial(&config, do_team_work, &t);
				failed += inject_failed();
			}
			assert_true(failed);
		}
	}
}

/* ---- sockets ----------------------------------------------------------------------------------------------------- */

struct line {
	struct certificate certificate;
	gr_sock *near, *far;
};

enum { MESSAGES = 60, MESSAGE_BYTES = 40 };

static void echo(void *arg)
{
	struct line *l = arg;
	char buf[64];
	ssize_t n;

	while ((n = gr_sock_read(l->far, buf, sizeof(buf))) > 0)
		CHECK(gr_sock_write(l->far, buf, (size_t)n) == n);
	CHECK(n == 0);
	keep_promise(&l->certificate, 1);
}

static void nap_amid(void *arg)
{
	struct line *l = arg;

	for (int i = 0; i < 10; i++)
		gr_sleep_ns(100000);
	keep_promise(&l->certificate, 2);
}

/* Requests and answers over a socket pair, some sleeping, and a file. */
static void talk(void *arg)
{
	struct line l;
	char out[MESSAGE_BYTES], in[MESSAGE_BYTES];
	int fds[2], file = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	memset(&l, 0, sizeof(l));
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	CHECK(gr_sock_adopt(fds[0], &l.near) == 0 && gr_sock_adopt(fds[1], &l.far) == 0);
	arm(arg);
	CHECK(promise(&l.certificate, 1, echo, &l) == 0);
	CHECK(promise(&l.certificate, 2, nap_amid, &l) == 0);
	for (int i = 0; i < MESSAGES; i++) {
		size_t have = 0;
		ssize_t n;

		memset(out, i, sizeof(out));
		CHECK(gr_sock_write(l.near, out, sizeof(out)) == sizeof(out));
		while (have < sizeof(in) && (n = gr_sock_read(l.near, in + have, sizeof(in) - have)) > 0)
			have += (size_t)n;
		CHECK(have == sizeof(in) && !memcmp(in, out, sizeof(in)));
		if (i % 10 == 0)
			gr_sleep_ns(100000);
		if (file >= 0) { /* not every filesystem has such files */
			CHECK(gr_pwrite(file, out, sizeof(out), 0) == sizeof(out));
			CHECK(gr_pread(file, in, sizeof(in), 0) == sizeof(in));
		}
	}
	gr_sock_shutdown(l.near);
	check_certificate(&l.certificate);
	gr_sock_close(l.near);
	gr_sock_close(l.far);
	inject_disarm(); /* from here on close is not looked at */
	if (file >= 0)
		close(file);
}

/* Interrupted calls are made again; a wait that is interrupted loses no event. */
static void interruptions(void **state)
{
	static const enum inject_kind kinds[] = {INJECT_EPOLL_WAIT, INJECT_READ,  INJECT_WRITE,
						 INJECT_SEND,       INJECT_PREAD, INJECT_PWRITE};

	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config config = {.procs = procs};

		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			uint32_t failed = 0;

			for (uint32_t n = 1; n <= 60 / FEWER; n += n / 4 + 1) {
				struct trial t = {kinds[k], INJECT_ONCE, n, EINTR};

				run_trial(&config, talk, &t);
				failed += inject_failed();
				t.when = INJECT_EVERY;
				t.n = n + 1; /* each one would be for ever */
				run_trial(&config, talk, &t);
				failed += inject_failed();
			}
			if (kinds[k] == INJECT_EPOLL_WAIT || kinds[k] == INJECT_READ || kinds[k] == INJECT_SEND)
				assert_true(failed);
		}
	}
}

/* What may refuse: nothing of the descriptor has changed then, and it can be done later. */
static void adopt_pair(void *arg)
{
	int fds[2], err;
	gr_sock *s = NULL;
	char c = 0;

	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	arm(arg);
	err = gr_sock_adopt(fds[0], &s);
	inject_disarm();
	CHECK(err == 0 || err == -((struct trial *)arg)->err);
	CHECK((err == 0) == !inject_failed());
	if (err) {
		CHECK(s == NULL);
		CHECK(!(fcntl(fds[0], F_GETFL) & O_NONBLOCK));
		CHECK(gr_sock_adopt(fds[0], &s) == 0);
	}
	CHECK(write(fds[1], "x", 1) == 1);
	CHECK(gr_sock_read(s, &c, 1) == 1 && c == 'x');
	gr_sock_close(s);
	close(fds[1]);
}

static void adoption_is_refused(void **state)
{
	const struct gr_config config = {.procs = 1};

	(void)state;
	sweep(&config, adopt_pair, INJECT_FSTAT, EBADF, 1);
	sweep(&config, adopt_pair, INJECT_FCNTL, EBADF, 2);
	sweep(&config, adopt_pair, INJECT_EPOLL_CTL, ENOSPC, 1);
	sweep(&config, adopt_pair, INJECT_ALIGNED_ALLOC, ENOMEM, 1);
}

struct server {
	struct certificate certificate;
	gr_sock *listener;
	struct sockaddr_in at;
};

/* A blocking client: only the runtime's own calls are to fail. */
static void call_server(void *arg)
{
	struct server *s = arg;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char c = 0;

	gr_syscall_enter();
	if (connect(fd, (struct sockaddr *)&s->at, sizeof(s->at)) != 0 || recv(fd, &c, 1, 0) != 1)
		c = 0;
	close(fd);
	gr_syscall_exit();
	CHECK(c == 'y');
	keep_promise(&s->certificate, 1);
}

static void serve(void *arg)
{
	const struct trial *t = arg;
	struct server s;
	socklen_t len = sizeof(s.at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), served = 0, refused = 0;

	memset(&s, 0, sizeof(s));
	s.at.sin_family = AF_INET;
	s.at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(bind(fd, (struct sockaddr *)&s.at, sizeof(s.at)) == 0 && listen(fd, 16) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&s.at, &len) == 0);
	CHECK(gr_sock_adopt(fd, &s.listener) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(promise(&s.certificate, 1, call_server, &s) == 0);
	inject_arm(t->kind, t->when, t->n, t->err);
	while (served < 4) {
		gr_sock *conn;
		int err = gr_sock_accept(s.listener, &conn);

		if (err) { /* the connection is still there, and its edge has been */
			CHECK(err == -t->err);
			if (++refused == 3)
				inject_disarm();
			continue;
		}
		CHECK(gr_sock_write(conn, "y", 1) == 1);
		gr_sock_close(conn);
		served++;
	}
	inject_disarm();
	check_certificate(&s.certificate);
	gr_sock_close(s.listener);
}

static void accept_is_refused(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config config = {.procs = procs};

		sweep(&config, serve, INJECT_ACCEPT, EMFILE, 4);
		/* These are made again by the runtime itself. */
		for (uint32_t n = 1; n <= 5; n++) {
			struct trial t = {INJECT_ACCEPT, INJECT_ONCE, n, n % 2 ? EINTR : ECONNABORTED};

			run_trial(&config, serve, &t);
			assert_true(inject_failed() || n > 4);
			t.when = INJECT_EVERY;
			t.n = n + 1;
			run_trial(&config, serve, &t);
		}
	}
}

/* ---- what is asked for by name ------------------------------------------------------------------------------------ */

static void make_channel(void *arg)
{
	gr_chan *c = NULL;
	int err;

	arm(arg);
	err = gr_chan_new(8, 4, &c);
	inject_disarm();
	CHECK(err == (inject_failed() ? -ENOMEM : 0));
	CHECK((c == NULL) == (err != 0));
	gr_chan_free(c);
}

static void make_rwmutex(void *arg)
{
	gr_rwmutex *rw = NULL;
	int err;

	arm(arg);
	err = gr_rwmutex_new(&rw);
	inject_disarm();
	CHECK(err == (inject_failed() ? -ENOMEM : 0));
	CHECK((rw == NULL) == (err != 0));
	gr_rwmutex_free(rw);
}

static void make_timer(void *arg)
{
	gr_timer *t = NULL;
	int err;

	arm(arg);
	err = gr_timer_new(NULL, NULL, &t);
	inject_disarm();
	CHECK(err == (inject_failed() ? -ENOMEM : 0));
	CHECK((t == NULL) == (err != 0));
	gr_timer_free(t);
}

static void memory_is_refused(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config config = {.procs = procs};

		sweep(&config, make_channel, INJECT_MALLOC, ENOMEM, 1);
		sweep(&config, make_rwmutex, INJECT_ALIGNED_ALLOC, ENOMEM, 1);
		sweep(&config, make_timer, INJECT_MALLOC, ENOMEM, 2); /* itself and its channel */
	}
}

/* ---- timers --------------------------------------------------------------------------------------------------------- */

enum { SLEEPERS = 300 };

static void nap(void *arg)
{
	struct spawned *s = arg;

	gr_sleep_ns(1000 * (s->number % 50));
	keep_promise(s->certificate, s->number);
}

/* Heaps that cannot grow: the sleeper takes a thread. */
static void sleep_all(void *arg)
{
	struct certificate c = {0};
	struct spawned s[SLEEPERS];

	arm(arg);
	for (uint64_t i = 0; i < SLEEPERS; i++) {
		s[i] = (struct spawned){&c, i + 1};
		CHECK(promise(&c, i + 1, nap, &s[i]) == 0);
	}
	check_certificate(&c);
}

static void heaps_do_not_grow(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config config = {.procs = procs, .stack_bytes = 64 * 1024};
		struct trial t = {INJECT_ALIGNED_ALLOC, INJECT_ONCE, 1, ENOMEM};

		/* New Ms are made with it too: then there are fewer. */
		for (; t.n <= 4; t.n++) {
			t.when = INJECT_ONCE;
			run_trial(&config, sleep_all, &t);
			t.when = INJECT_FROM;
			run_trial(&config, sleep_all, &t);
			assert_true(inject_failed() || t.n > 1);
		}
	}
}

static void ring(void *arg)
{
	atomic_fetch_add((_Atomic int *)arg, 1);
}

static void wait_at_gate(void *arg)
{
	gr_chan_recv(gate, &(int){0});
	gr_wg_done(arg);
}

static uint64_t put_off(void)
{
	struct gr_stats s;

	gr_stats_read(&s);
	return s.timers_put_off;
}

/* All stacks are taken, and no more can be had: timers that want a G have it when there is memory again. */
static void ring_without_memory(void *arg)
{
	gr_timer *once = NULL, *often = NULL;
	_Atomic int rung_once = 0, rung_often = 0;
	uint64_t before = put_off();
	gr_wg left = {0};

	CHECK(gr_chan_new(sizeof(int), 0, &gate) == 0);
	CHECK(gr_timer_new(ring, &rung_once, &once) == 0 && gr_timer_new(ring, &rung_often, &often) == 0);
	arm(arg);
	do
		gr_wg_add(&left, 1);
	while (gr_go(wait_at_gate, &left) == 0);
	gr_wg_done(&left);
	CHECK(inject_failed());
	gr_timer_start(once, 0, 0);
	gr_timer_start(often, 0, 300000);
	while (put_off() < before + 4)
		gr_sleep_ns(200000);
	CHECK(atomic_load(&rung_once) + atomic_load(&rung_often) == 0);
	inject_disarm();
	while (atomic_load(&rung_once) < 1 || atomic_load(&rung_often) < 3)
		gr_sleep_ns(200000);
	CHECK(!gr_timer_stop(once)); /* it has had its G */
	CHECK(gr_timer_stop(often));
	gr_chan_close(gate);
	gr_wg_wait(&left);
	gr_timer_free(once);
	gr_timer_free(often);
	gr_chan_free(gate);
	while (gr_count() > 1)
		gr_yield();
}

static void timers_wait_for_memory(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++) {
		const struct gr_config config = {.procs = procs, .stack_bytes = BIG_STACK};
		struct trial t = {INJECT_MMAP, INJECT_FROM, 1, ENOMEM};

		run_trial(&config, ring_without_memory, &t);
	}
}

static void sleep_interrupted(void *arg)
{
	struct timespec from, to;
	int64_t slept_ns;

	arm(arg);
	inject_too(INJECT_ALIGNED_ALLOC, ENOMEM);
	for (int i = 0; i < 5; i++) {
		clock_gettime(CLOCK_MONOTONIC, &from);
		gr_sleep_ns(1000000);
		clock_gettime(CLOCK_MONOTONIC, &to);
		slept_ns = (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec;
		CHECK(slept_ns >= 1000000);
	}
}

/* A heap that cannot be made, so that sleeping takes the thread: a signal does not cut it short. */
static void sleeping_threads_are_interrupted(void **state)
{
	const struct gr_config config = {.procs = 1};
	struct trial t = {INJECT_SLEEP, INJECT_EVERY, 2, EINTR};

	(void)state;
	assert_int_equal(gr_start(&config), 0);
	gr_run(sleep_interrupted, &t);
	assert_true(inject_disarm() >= 2);
	gr_stop();
	assert_int_equal(errors, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spawn_without_memory),
		cmocka_unit_test(guards_fall_back),
		cmocka_unit_test(pages_stay),
		cmocka_unit_test(work_goes_on_with_fewer_threads),
		cmocka_unit_test(others_do_what_is_next),
		cmocka_unit_test(no_wake_up_depends_on_sleeping_long),
		cmocka_unit_test(interruptions),
		cmocka_unit_test(adoption_is_refused),
		cmocka_unit_test(accept_is_refused),
		cmocka_unit_test(memory_is_refused),
		cmocka_unit_test(heaps_do_not_grow),
		cmocka_unit_test(timers_wait_for_memory),
		cmocka_unit_test(sleeping_threads_are_interrupted),
	};

	fault_test_begin();
	return cmocka_run_group_tests_name("fault/work", tests, NULL, NULL);
}
