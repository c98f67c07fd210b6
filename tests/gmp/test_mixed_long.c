/*
 * test_mixed_long.c - ten minutes of everything at once: nothing may get stuck, nothing may pile up.
 *
 * A runtime is started, loaded for some seconds with every kind of work at the same time, and stopped, again and again,
 * each time with other settings and another number of Ps. Each kind of work counts its steps (its certificate) and
 * checks its own result when the round ends. A thread outside looks at the counts: one that has not moved for
 * STUCK_AFTER_S is a lost wake-up; it says which, dumps all Gs, and aborts.
 *
 * What the process holds after each stop (memory, descriptors, threads, mappings) must be flat: the medians of the first
 * and of the last rounds may differ by what is allowed at the end, however long the test runs.
 *
 * SECONDS=n in the environment says how long (600), SEED=n repeats a run's choices, not its interleaving.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "held.h"
#include "internal.h"
#include "runq.h"
#include "san.h"

enum {
	STUCK_AFTER_S = 60, /* far beyond what any step takes on a busy machine */
	ROUND_MS = 1500, /* the longest; the shortest is a fifth */
};

static uint32_t seed;
static _Atomic uint32_t stopping; /* workers end at their next step */
static _Atomic uint32_t errors;
static gr_wg workers;

/* In Gs: without the libc's formatting, which wants more stack than there may be left. */
#define LINE_TEXT_(line) #line
#define LINE_TEXT(line) LINE_TEXT_(line)
#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		static const char text_[] = __FILE__ ":" LINE_TEXT(__LINE__) ": not true: " #condition "\n";           \
                                                                                                                       \
		if (!(condition)) {                                                                                    \
			fetch_add_relaxed(&errors, 1);                                                                 \
			if (write(STDERR_FILENO, text_, sizeof(text_) - 1) < 0)                                        \
				abort();                                                                               \
		}                                                                                                      \
	} while (0)

/* ---- certificates ------------------------------------------------------------------------------------------ */

/* X(name): one kind of work. */
#define KINDS(X)                                                                                                       \
	X(tree)                                                                                                        \
	X(channel)                                                                                                     \
	X(select)                                                                                                      \
	X(timeout)                                                                                                     \
	X(mutex)                                                                                                       \
	X(rwmutex)                                                                                                     \
	X(cond)                                                                                                        \
	X(sleep)                                                                                                       \
	X(call)                                                                                                        \
	X(pair)                                                                                                        \
	X(pipe)                                                                                                        \
	X(tcp)                                                                                                         \
	X(yield)

enum kind {
#define KIND_ENUM(name) KIND_##name,
	KINDS(KIND_ENUM)
#undef KIND_ENUM
		KIND_COUNT
};

static const char *const kind_names[] = {
#define KIND_TEXT(name) #name,
	KINDS(KIND_TEXT)
#undef KIND_TEXT
};

static _Atomic uint64_t done[KIND_COUNT];
static _Atomic uint32_t running[KIND_COUNT]; /* workers of that kind that have not ended */
static _Atomic uint64_t rounds_done;

static void step_done(enum kind k)
{
	fetch_add_relaxed(&done[k], 1);
}

static bool go_on(void)
{
	return !load_relaxed(&stopping);
}

static uint32_t random_now(void)
{
	static _Atomic uint32_t n;
	uint32_t x = (seed + fetch_add_relaxed(&n, 1)) * 2654435761u | 1;

	gr__random(&x);
	return gr__random(&x);
}

/* ---- watching from outside ------------------------------------------------------------------------------------ */

static _Atomic uint32_t watch_ends;
static char situation[128]; /* what the round tries */

static void tell_stuck(const char *what, uint64_t count)
{
	fprintf(stderr, "SEED=%u, %s: %s has not advanced from %llu for %d s\n", seed, situation, what,
		(unsigned long long)count, STUCK_AFTER_S);
	gr_dump(STDERR_FILENO);
	abort();
}

static void *watch(void *arg)
{
	uint64_t seen[KIND_COUNT] = {0}, seen_rounds = 0;
	int64_t since[KIND_COUNT], since_round, now = gr__now_ns();

	(void)arg;
	since_round = now;
	for (int k = 0; k < KIND_COUNT; k++)
		since[k] = now;
	while (!load_acquire(&watch_ends)) {
		usleep(100 * 1000);
		now = gr__now_ns();
		for (int k = 0; k < KIND_COUNT; k++) {
			uint64_t n = load_relaxed(&done[k]);

			if (n != seen[k] || !load_relaxed(&running[k])) {
				seen[k] = n;
				since[k] = now;
			} else if (now - since[k] > (int64_t)STUCK_AFTER_S * 1000000000) {
				tell_stuck(kind_names[k], n);
			}
		}
		if (load_relaxed(&rounds_done) != seen_rounds) {
			seen_rounds = load_relaxed(&rounds_done);
			since_round = now;
		} else if (now - since_round > (int64_t)2 * STUCK_AFTER_S * 1000000000) {
			tell_stuck("the number of rounds", seen_rounds);
		}
	}
	return NULL;
}

/* ---- the work ------------------------------------------------------------------------------------------------- */

/* The last thing that a worker does. */
static void ends(enum kind k)
{
	fetch_sub_relaxed(&running[k], 1);
	gr_wg_done(&workers);
}

static void spawn(enum kind k, void (*fn)(void *), void *arg)
{
	gr_wg_add(&workers, 1);
	fetch_add_relaxed(&running[k], 1);
	if (gr_go_named(kind_names[k], fn, arg)) {
		CHECK(!"gr_go");
		ends(k);
	}
}

struct node {
	unsigned depth;
	uint64_t leaves;
	gr_wg *parent;
};

static void grow(void *arg)
{
	struct node *n = arg, below[2];
	gr_wg wg = {0};

	if (n->depth == 0) {
		n->leaves = 1;
	} else {
		gr_wg_add(&wg, 2);
		for (int i = 0; i < 2; i++) {
			below[i] = (struct node){n->depth - 1, 0, &wg};
			if (gr_go(grow, &below[i])) {
				CHECK(!"gr_go");
				gr_wg_done(&wg);
			}
		}
		gr_wg_wait(&wg);
		n->leaves = below[0].leaves + below[1].leaves;
	}
	gr_wg_done(n->parent);
}

static void grow_trees(void *arg)
{
	(void)arg;
	while (go_on()) {
		gr_wg wg = {0};
		struct node root = {4 + random_now() % 5, 0, &wg};
		const unsigned depth = root.depth;

		gr_wg_add(&wg, 1);
		grow(&root);
		gr_wg_wait(&wg);
		CHECK(root.leaves == 1ull << depth);
		step_done(KIND_tree);
		gr_yield();
	}
	ends(KIND_tree);
}

struct flow {
	gr_chan *c;
	_Atomic uint64_t sent, received;
	gr_wg senders;
	enum kind kind;
};

static void flow_send(void *arg)
{
	struct flow *f = arg;

	for (uint64_t v = 1; go_on(); v++) {
		fetch_add_relaxed(&f->sent, v);
		gr_chan_send(f->c, &v);
		step_done(f->kind);
	}
	gr_wg_done(&f->senders);
	ends(f->kind);
}

static void flow_recv(void *arg)
{
	struct flow *f = arg;
	uint64_t v;

	while (gr_chan_recv(f->c, &v))
		fetch_add_relaxed(&f->received, v);
	CHECK(v == 0);
	ends(f->kind);
}

/* When all that send have ended, those that receive see the end. */
static void flow_close(void *arg)
{
	struct flow *f = arg;

	gr_wg_wait(&f->senders);
	gr_chan_close(f->c);
	ends(f->kind);
}

static struct flow flows[2];

static void begin_flows(void)
{
	for (int i = 0; i < 2; i++) {
		struct flow *f = &flows[i];

		memset(f, 0, sizeof(*f));
		f->kind = KIND_channel;
		CHECK(gr_chan_new(sizeof(uint64_t), i ? 16 : 0, &f->c) == 0);
		gr_wg_add(&f->senders, 3);
		for (int k = 0; k < 3; k++) {
			spawn(f->kind, flow_send, f);
			spawn(f->kind, flow_recv, f);
		}
		spawn(f->kind, flow_close, f);
	}
}

static void end_flows(void)
{
	for (int i = 0; i < 2; i++) {
		CHECK(flows[i].sent == flows[i].received);
		gr_chan_free(flows[i].c);
	}
}

/* Two that pass a token to and fro by select, with a third channel on which the end comes. */
struct ring {
	gr_chan *there, *back, *end;
	uint64_t passed[2];
};

static struct ring ring;

static void ring_turn(struct ring *r, gr_chan *in, gr_chan *out, int who)
{
	uint64_t v = 0;

	for (;;) {
		gr_case cases[2];
		int c;

		gr_case_recv(&cases[0], in, &v);
		gr_case_recv(&cases[1], r->end, &v);
		c = gr_select(cases, 2);
		if (c == 1)
			break;
		CHECK(cases[0].ok);
		r->passed[who]++;
		v++;
		gr_case_send(&cases[0], out, &v);
		if (gr_select(cases, 2) == 1)
			break;
		step_done(KIND_select);
	}
	ends(KIND_select);
}

static void ring_a(void *arg)
{
	struct ring *r = arg;

	ring_turn(r, r->back, r->there, 0);
}

static void ring_b(void *arg)
{
	struct ring *r = arg;

	ring_turn(r, r->there, r->back, 1);
}

static void begin_ring(void)
{
	uint64_t token = 0;

	memset(&ring, 0, sizeof(ring));
	CHECK(gr_chan_new(sizeof(uint64_t), 1, &ring.there) == 0 && gr_chan_new(sizeof(uint64_t), 1, &ring.back) == 0 &&
	      gr_chan_new(sizeof(uint64_t), 0, &ring.end) == 0);
	spawn(KIND_select, ring_a, &ring);
	spawn(KIND_select, ring_b, &ring);
	gr_chan_send(ring.back, &token);
}

static void end_ring(void)
{
	uint64_t a = ring.passed[0], b = ring.passed[1];

	CHECK(a == b || a == b + 1); /* the token is in one place */
	gr_chan_free(ring.there);
	gr_chan_free(ring.back);
	gr_chan_free(ring.end);
}

/* A select that mostly times out, and sometimes meets its sender at that very moment. */
struct timed {
	gr_chan *c;
	_Atomic uint64_t sent, received;
};

static struct timed timed;

static void timed_recv(void *arg)
{
	struct timed *t = arg;

	while (go_on()) {
		uint64_t v = 0;
		gr_case one;
		int c;

		gr_case_recv(&one, t->c, &v);
		c = gr_select_timeout(&one, 1, 1000 + random_now() % 300000);
		CHECK(c == 0 || c == -ETIMEDOUT);
		if (c == 0)
			fetch_add_relaxed(&t->received, v);
		step_done(KIND_timeout);
	}
	ends(KIND_timeout);
}

static void timed_send(void *arg)
{
	struct timed *t = arg;

	for (uint64_t v = 1; go_on(); v++) {
		gr_sleep_ns(1000 + random_now() % 200000);
		gr_case one;

		gr_case_send(&one, t->c, &v);
		if (gr_select_timeout(&one, 1, 1000 + random_now() % 300000) == 0)
			fetch_add_relaxed(&t->sent, v);
		step_done(KIND_timeout);
	}
	ends(KIND_timeout);
}

static void begin_timed(void)
{
	memset(&timed, 0, sizeof(timed));
	CHECK(gr_chan_new(sizeof(uint64_t), 0, &timed.c) == 0);
	for (int i = 0; i < 3; i++) {
		spawn(KIND_timeout, timed_recv, &timed);
		spawn(KIND_timeout, timed_send, &timed);
	}
}

static void end_timed(void)
{
	CHECK(timed.sent == timed.received);
	gr_chan_free(timed.c);
}

static gr_mutex mutex;
static uint64_t under_mutex;
static _Atomic uint64_t locked;

static void lock_often(void *arg)
{
	(void)arg;
	while (go_on()) {
		gr_mutex_lock(&mutex);
		if (++under_mutex % 50 == 0)
			gr_sleep_ns(random_now() % 1500000); /* beyond the limit of starvation, now and then */
		else if (under_mutex % 7 == 0)
			gr_yield();
		gr_mutex_unlock(&mutex);
		fetch_add_relaxed(&locked, 1);
		step_done(KIND_mutex);
	}
	ends(KIND_mutex);
}

static gr_rwmutex *rw;
static uint64_t under_rw[2]; /* equal but inside of a writer */

static void read_and_write(void *arg)
{
	for (uint32_t i = 1; go_on(); i++) {
		if ((i + (uint32_t)(uintptr_t)arg) % 8) {
			gr_rwmutex_rlock(rw);
			CHECK(under_rw[0] == under_rw[1]);
			if (i % 16 == 0)
				gr_yield();
			CHECK(under_rw[0] == under_rw[1]);
			gr_rwmutex_runlock(rw);
		} else {
			gr_rwmutex_lock(rw);
			under_rw[0]++;
			if (i % 3 == 0)
				gr_yield();
			under_rw[1]++;
			gr_rwmutex_unlock(rw);
		}
		step_done(KIND_rwmutex);
		if (i % 4 == 0)
			gr_yield();
	}
	ends(KIND_rwmutex);
}

/* A store of goods with room for few; those that wait are signalled, or all called. */
static struct {
	gr_mutex m;
	gr_cond changed;
	uint64_t made, used;
	bool closed;
} store;

static void make_goods(void *arg)
{
	(void)arg;
	gr_mutex_lock(&store.m);
	while (go_on()) {
		while (store.made - store.used >= 4 && go_on() && !store.closed)
			gr_cond_wait(&store.changed, &store.m);
		if (!store.closed && store.made - store.used < 4)
			store.made++;
		gr_cond_broadcast(&store.changed);
		gr_mutex_unlock(&store.m);
		step_done(KIND_cond);
		gr_mutex_lock(&store.m);
	}
	store.closed = true;
	gr_cond_broadcast(&store.changed);
	gr_mutex_unlock(&store.m);
	ends(KIND_cond);
}

static void use_goods(void *arg)
{
	(void)arg;
	gr_mutex_lock(&store.m);
	for (;;) {
		while (store.made == store.used && !store.closed)
			gr_cond_wait(&store.changed, &store.m);
		if (store.made == store.used)
			break;
		store.used++;
		gr_cond_broadcast(&store.changed);
		step_done(KIND_cond);
	}
	gr_mutex_unlock(&store.m);
	ends(KIND_cond);
}

static void sleep_often(void *arg)
{
	(void)arg;
	while (go_on()) {
		uint64_t ns = random_now() % 8 ? random_now() % 200000 : random_now() % 5000000;
		int64_t from = gr__now_ns();

		gr_sleep_ns(ns);
		CHECK(gr__now_ns() - from >= (int64_t)ns);
		step_done(KIND_sleep);
	}
	ends(KIND_sleep);
}

static void call_often(void *arg)
{
	(void)arg;
	while (go_on()) {
		uint32_t r = random_now();

		gr_syscall_enter();
		if (r % 4 == 0)
			usleep(r >> 8 & 0x3ff);
		gr_syscall_exit();
		step_done(KIND_call);
	}
	ends(KIND_call);
}

static void yield_often(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; go_on(); i++) {
		gr_yield();
		if (i % 1024 == 0)
			for (int k = 0; k < 20000; k++)
				gr_pause(); /* computes, and holds up its P */
		step_done(KIND_yield);
	}
	ends(KIND_yield);
}

/* ---- sockets --------------------------------------------------------------------------------------------------- */

static bool read_all(gr_sock *s, char *buf, size_t n)
{
	size_t have = 0;
	ssize_t r;

	while (have < n && (r = gr_sock_read(s, buf + have, n - have)) > 0)
		have += (size_t)r;
	return have == n;
}

struct talk {
	gr_sock *s;
	enum kind kind;
};

static void echo(void *arg)
{
	struct talk *t = arg;
	char buf[512];
	ssize_t n;

	while ((n = gr_sock_read(t->s, buf, sizeof(buf))) > 0)
		if (gr_sock_write(t->s, buf, (size_t)n) != n)
			break;
	gr_sock_close(t->s);
	enum kind k = t->kind;

	free(t);
	ends(k);
}

/* `times` messages of up to 3000 bytes, there and back; 0: until the end of the round. */
static void ask(gr_sock *s, enum kind k, unsigned times)
{
	char out[3000], in[3000];

	for (unsigned i = 0; times ? i < times : go_on(); i++) {
		size_t n = 1 + random_now() % (i % 16 ? 100 : sizeof(out));

		memset(out, (int)i, n);
		CHECK(gr_sock_write(s, out, n) == (ssize_t)n);
		memset(in, ~(int)i, n);
		CHECK(read_all(s, in, n) && !memcmp(in, out, n));
		step_done(k);
	}
}

static void spawn_echo(gr_sock *s, enum kind k)
{
	struct talk *t = malloc(sizeof(*t));

	if (!t)
		abort();
	*t = (struct talk){s, k};
	spawn(k, echo, t);
}

static void talk_over_pairs(void *arg)
{
	(void)arg;
	while (go_on()) {
		gr_sock *near, *far;
		int fds[2];

		CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
		CHECK(gr_sock_adopt(fds[0], &near) == 0 && gr_sock_adopt(fds[1], &far) == 0);
		spawn_echo(far, KIND_pair);
		ask(near, KIND_pair, 1 + random_now() % 300);
		if (random_now() & 1)
			gr_sock_shutdown(near);
		gr_sock_close(near);
	}
	ends(KIND_pair);
}

static void drain_pipe(void *arg)
{
	struct talk *t = arg;
	unsigned char buf[5000], next = 0;
	ssize_t n;

	while ((n = gr_sock_read(t->s, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			CHECK(buf[i] == next++);
	CHECK(n == 0);
	gr_sock_close(t->s);
	free(t);
	ends(KIND_pipe);
}

/* More than a pipe holds: the writer waits. */
static void fill_pipes(void *arg)
{
	static _Atomic uint32_t once;
	static unsigned char bytes[70 * 1024]; /* written before it is shared: the same at every round */

	(void)arg;
	if (!load_relaxed(&once)) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (unsigned char)i;
		store_relaxed(&once, 1);
	}
	while (go_on()) {
		struct talk *t = malloc(sizeof(*t));
		gr_sock *to;
		int fds[2];

		if (!t)
			abort();
		CHECK(pipe2(fds, O_CLOEXEC) == 0);
		t->kind = KIND_pipe;
		CHECK(gr_sock_adopt(fds[0], &t->s) == 0 && gr_sock_adopt(fds[1], &to) == 0);
		spawn(KIND_pipe, drain_pipe, t);
		for (int i = 0; i < 3 && go_on(); i++) {
			/* A multiple of 256 and an odd end: the sequence goes on. */
			size_t n = 256 * (1 + random_now() % 256);

			CHECK(gr_sock_write(to, bytes, n) == (ssize_t)n);
			step_done(KIND_pipe);
		}
		gr_sock_close(to);
	}
	ends(KIND_pipe);
}

static struct sockaddr_in server_at;
static gr_sock *listener;
static gr_wg callers; /* the listener is shut down after them: else it resets those that it has not accepted */

static void serve(void *arg)
{
	gr_sock *s;

	(void)arg;
	while (gr_sock_accept(listener, &s) == 0)
		spawn_echo(s, KIND_tcp);
	ends(KIND_tcp);
}

static void call_server(void *arg)
{
	(void)arg;
	while (go_on()) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;
		struct linger at_once = {1, 0}; /* no TIME_WAIT: ports would run out */
		gr_sock *s;

		gr_syscall_enter();
		r = connect(fd, (struct sockaddr *)&server_at, sizeof(server_at));
		gr_syscall_exit();
		CHECK(r == 0);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		CHECK(gr_sock_adopt(fd, &s) == 0);
		ask(s, KIND_tcp, 1 + random_now() % 50);
		gr_sock_close(s);
	}
	gr_wg_done(&callers);
	ends(KIND_tcp);
}

static void begin_tcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(server_at);

	memset(&server_at, 0, sizeof(server_at));
	server_at.sin_family = AF_INET;
	server_at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(bind(fd, (struct sockaddr *)&server_at, sizeof(server_at)) == 0 && listen(fd, 64) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&server_at, &len) == 0);
	CHECK(gr_sock_adopt(fd, &listener) == 0);
	spawn(KIND_tcp, serve, NULL);
	spawn(KIND_tcp, serve, NULL);
	memset(&callers, 0, sizeof(callers));
	gr_wg_add(&callers, 3);
	for (int i = 0; i < 3; i++)
		spawn(KIND_tcp, call_server, NULL);
}

/* ---- a round ---------------------------------------------------------------------------------------------------- */

/* The G of gr_run. Its argument is how long, in ns. */
static void everything(void *arg)
{
	memset(&mutex, 0, sizeof(mutex));
	memset(&store, 0, sizeof(store));
	under_mutex = 0;
	store_relaxed(&locked, 0);
	CHECK(gr_rwmutex_new(&rw) == 0);
	under_rw[0] = under_rw[1] = 0;

	begin_flows();
	begin_ring();
	begin_timed();
	begin_tcp();
	spawn(KIND_pipe, fill_pipes, NULL);
	for (uintptr_t i = 0; i < 3; i++) {
		spawn(KIND_tree, grow_trees, NULL);
		spawn(KIND_mutex, lock_often, NULL);
		spawn(KIND_rwmutex, read_and_write, (void *)i);
		spawn(KIND_cond, make_goods, NULL);
		spawn(KIND_cond, use_goods, NULL);
		spawn(KIND_sleep, sleep_often, NULL);
		spawn(KIND_call, call_often, NULL);
		spawn(KIND_pair, talk_over_pairs, NULL);
		spawn(KIND_yield, yield_often, NULL);
	}
	gr_sleep_ns(*(uint64_t *)arg);
	store_relaxed(&stopping, 1);
	gr_wg_wait(&callers);
	gr_sock_shutdown(listener);
	gr_chan_close(ring.end);
	gr_wg_wait(&workers);

	gr_sock_close(listener);
	end_flows();
	end_ring();
	end_timed();
	CHECK(under_mutex == load_relaxed(&locked));
	CHECK(under_rw[0] == under_rw[1]);
	CHECK(store.made == store.used);
	gr_rwmutex_free(rw);
}

static void play_round(unsigned round)
{
	static const char *const knobs[] = {"",          "steal=0",  "runnext=0", "spin=0",
					    "reap_ms=1", "max_ms=6", "seed=%u",   "guard=1"};
	static const unsigned procs[] = {1, 2, 4};
	uint64_t ns = (ROUND_MS / 5 + random_now() % (ROUND_MS * 4 / 5)) * 1000000ull;
	char text[64];
	struct gr_config config = {.procs = procs[round % 3], .knobs = text};

	snprintf(text, sizeof(text), knobs[round / 3 % ARRAY_LEN(knobs)], random_now());
	snprintf(situation, sizeof(situation), "round %u, %u Ps, '%s'", round, config.procs, text);
	memset(&workers, 0, sizeof(workers));
	store_relaxed(&stopping, 0);
	assert_int_equal(gr_start(&config), 0);
	gr_run(everything, &ns);
	gr_stop();
	fetch_add_relaxed(&rounds_done, 1);
	if (load_relaxed(&errors))
		fail_msg("SEED=%u, %s", seed, situation);
}

static void mixed_load(void **state)
{
	const char *given = getenv("SECONDS");
	int64_t seconds = given ? strtol(given, NULL, 10) : 600;
	int64_t until = gr__now_ns() + seconds * 1000000000;
	pthread_t watcher;

	(void)state;
	assert_true(seconds > 0);
	assert_int_equal(pthread_create(&watcher, NULL, watch, NULL), 0);
	for (unsigned round = 0; gr__now_ns() < until; round++) {
		play_round(round);
		held_sample();
	}
	store_release(&watch_ends, 1);
	pthread_join(watcher, NULL);
	printf("%u rounds\n", held_samples());
	for (int k = 0; k < KIND_COUNT; k++) {
		printf("%s: %llu\n", kind_names[k], (unsigned long long)load_relaxed(&done[k]));
		assert_true(load_relaxed(&done[k]) > 0);
	}
	/*
	 * Of the full ten minutes 7 and some 400 rounds lie between what is compared: so what is allowed is a slope of 2.5 KiB
	 * of memory in a round, and of mappings and address space the stacks of a few threads, which the libc keeps.
	 */
	held_check_flat((long[]){[RSS_KIB] = 1024, [MAPPINGS] = 24, [VIRTUAL_KIB] = 4096});
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(mixed_load)};
	const char *given = getenv("SEED");

	held_begin();
	seed = given ? (uint32_t)strtoul(given, NULL, 10) : (uint32_t)gr__now_ns();
	printf("SEED=%u\n", seed);
	fflush(stdout);
	return cmocka_run_group_tests_name("gmp/mixed_long", tests, NULL, NULL);
}
