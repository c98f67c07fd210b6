/*
 * test_slow_clients_long.c - ten minutes of a server whose clients are slow, mute, rude or gone: none may get stuck,
 * nothing may pile up.
 *
 * One runtime for the whole time. The server gives each connection a G, sets a deadline before each read and each write,
 * and closes what has been silent for too long. Clients, Gs of the same process, come in rounds; each is of a kind:
 *
 *	trickle     sends its request a byte at a time, with pauses, and reads the answer
 *	mute        sends nothing, or half of a request: is cut off by the server's deadline
 *	reset       goes away in the middle, with a reset
 *	half_close  sends the end of its stream behind the request, and then reads the answer
 *	slow_read   asks for more than fits in all buffers, and reads it slowly, or stops reading
 *	called_off  is called off by another G while it waits, and goes on
 *	datagram    asks by UDP, with a deadline for the answer
 *
 * After each round, when all have gone, what the process holds is sampled (held.h); it must be flat. A round that does not
 * end is a lost wake-up: an alarm dumps all Gs.
 *
 * SECONDS=n in the environment says how long (600), SEED=n repeats a run's choices, not its interleaving.
 */
#include "net_test.h"

#include "held.h"
#include "internal.h"

enum {
	CLIENTS = 120, /* of a round */
	PATIENCE_MS = 60, /* of the server, from byte to byte */
	STUCK_AFTER_S = 100, /* a round takes a second or two */
	REQUEST_BYTES = 16,
	LARGE_BYTES = 8 << 20, /* more than both sockets buffer */
};

/* X(name): a kind of client. */
#define KINDS_OF_CLIENTS(X) X(trickle) X(mute) X(reset) X(half_close) X(slow_read) X(called_off) X(datagram)

enum kind {
#define KIND_ENUM(name) KIND_##name,
	KINDS_OF_CLIENTS(KIND_ENUM)
#undef KIND_ENUM
		KIND_COUNT
};

static _Atomic uint32_t through[KIND_COUNT]; /* that were treated as they should be */
static _Atomic uint32_t cut_off; /* by the server's deadlines */
static uint32_t seed;
static struct sockaddr_in server_at, datagrams_at;
static gr_sock *listener, *datagrams;
static gr_wg servers, clients;

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* ---- the server --------------------------------------------------------------------------------------------- */

/* Read n bytes, or to the end (0), or to an error. */
static ssize_t read_patiently(gr_sock *s, char *buf, size_t n)
{
	size_t have = 0;

	while (have < n) {
		ssize_t r;

		CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, PATIENCE_MS * MS) == 0);
		r = gr_sock_read(s, buf + have, n - have);
		if (r <= 0)
			return r;
		have += (size_t)r;
	}
	return (ssize_t)have;
}

static ssize_t write_patiently(gr_sock *s, const char *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r;

		CHECK(gr_sock_set_deadline(s, GR_SOCK_WRITE, PATIENCE_MS * MS) == 0);
		r = gr_sock_write_some(s, buf + done, n - done);
		if (r <= 0)
			return r;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

static char large[LARGE_BYTES];

/* A request is 16 equal bytes; 'L' asks for the large answer, all else comes back. */
static void serve_conn(void *arg)
{
	gr_sock *s = arg;
	char request[REQUEST_BYTES];
	ssize_t r;

	while ((r = read_patiently(s, request, sizeof(request))) > 0) {
		r = request[0] == 'L' ? write_patiently(s, large, sizeof(large))
				      : write_patiently(s, request, sizeof(request));
		if (r < 0)
			break;
	}
	CHECK(r == 0 || r == -ETIMEDOUT || r == -ECONNRESET || r == -EPIPE);
	if (r == -ETIMEDOUT)
		atomic_fetch_add(&cut_off, 1);
	gr_sock_close(s);
	gr_wg_done(&servers);
}

static void serve(void *arg)
{
	gr_sock *s = NULL;
	int err;

	(void)arg;
	while ((err = gr_sock_accept(listener, &s)) == 0) {
		gr_wg_add(&servers, 1);
		CHECK(gr_go(serve_conn, s) == 0);
	}
	CHECK(err == -EINVAL);
}

static void serve_datagrams(void *arg)
{
	char buf[64];

	(void)arg;
	for (;;) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n = gr_sock_recvfrom(datagrams, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

		if (n < 0)
			break;
		/* A refusal is an answer to an earlier datagram, whose sender has gone. */
		n = gr_sock_sendto(datagrams, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
		CHECK(n > 0 || n == -ECONNREFUSED);
	}
}

/* ---- clients ------------------------------------------------------------------------------------------------- */

static gr_sock *dial(void)
{
	gr_sock *s = NULL;

	CHECK(gr_sock_open(AF_INET, SOCK_STREAM, 0, &s) == 0);
	CHECK(gr_sock_set_deadline(s, GR_SOCK_WRITE, 60 * 1000 * MS) == 0);
	CHECK(gr_sock_connect(s, (struct sockaddr *)&server_at, sizeof(server_at)) == 0);
	return s;
}

/* True: n times `byte` and nothing else. The server may have lost patience on a machine that is busy: false. */
static bool get_answer(gr_sock *s, char byte, size_t n)
{
	char buf[4096];
	size_t have = 0;
	ssize_t r;

	while (have < n && (r = gr_sock_read(s, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < r; i++)
			CHECK(buf[i] == byte);
		have += (size_t)r;
	}
	return have == n;
}

static bool be_trickle(uint32_t *random)
{
	char byte = (char)('a' + next_random(random) % 26);
	gr_sock *s = dial();
	bool ok = true;

	for (int i = 0; i < REQUEST_BYTES && ok; i++) {
		ok = gr_sock_write(s, &byte, 1) == 1;
		gr_sleep_ns((1 + next_random(random) % 20) * MS);
	}
	ok = ok && get_answer(s, byte, REQUEST_BYTES);
	gr_sock_close(s);
	return ok;
}

/* All that it gets is the end. */
static bool be_mute(uint32_t *random)
{
	gr_sock *s = dial();
	char byte = 'm';
	bool ok = true;
	ssize_t r;

	for (uint32_t i = next_random(random) % REQUEST_BYTES; i > 0; i--)
		ok = ok && gr_sock_write(s, &byte, 1) == 1;
	r = gr_sock_read(s, &byte, 1);
	ok = ok && (r == 0 || r == -ECONNRESET); /* the latter if it has closed with bytes of ours unread */
	gr_sock_close(s);
	return ok;
}

static bool be_reset(uint32_t *random)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	gr_sock *s = dial();
	char bytes[REQUEST_BYTES];

	memset(bytes, next_random(random) % 3 ? 'r' : 'L', sizeof(bytes));
	gr_sock_write(s, bytes, next_random(random) % (sizeof(bytes) + 1));
	if (next_random(random) & 1)
		gr_sleep_ns(next_random(random) % 10 * MS);
	CHECK(setsockopt(gr_sock_fd(s), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
	gr_sock_close(s);
	return true;
}

static bool be_half_close(uint32_t *random)
{
	char bytes[REQUEST_BYTES], byte = (char)('a' + next_random(random) % 26);
	gr_sock *s = dial();
	bool ok;

	memset(bytes, byte, sizeof(bytes));
	ok = gr_sock_write(s, bytes, sizeof(bytes)) == sizeof(bytes) && gr_sock_shutdown_write(s) == 0;
	gr_sleep_ns(next_random(random) % 10 * MS);
	ok = ok && get_answer(s, byte, sizeof(bytes)) && gr_sock_read(s, bytes, 1) == 0;
	gr_sock_close(s);
	return ok;
}

static bool be_slow_read(uint32_t *random)
{
	char *buf = malloc(1 << 18);
	gr_sock *s = dial();
	size_t have = 0;
	bool stops = next_random(random) & 1;
	ssize_t r = 0;

	memset(buf, 'L', REQUEST_BYTES);
	CHECK(gr_sock_write(s, buf, REQUEST_BYTES) == REQUEST_BYTES);
	while (have < LARGE_BYTES && (r = gr_sock_read(s, buf, 1 << 18)) > 0) {
		have += (size_t)r;
		gr_sleep_ns(stops && have > 1 << 20 ? 3 * PATIENCE_MS * MS : MS);
	}
	CHECK(r >= 0 || r == -ECONNRESET);
	gr_sock_close(s);
	free(buf);
	return have == LARGE_BYTES || stops;
}

struct waiter {
	gr_sock *s;
	gr_wg done;
	int canceled;
	bool ok;
};

static void wait_to_be_called_off(void *arg)
{
	struct waiter *w = arg;
	char byte;
	ssize_t r;

	while ((r = gr_sock_read(w->s, &byte, 1)) == -ECANCELED)
		w->canceled++;
	w->ok = r == 1 && byte == 'c'; /* else the server has lost patience */
	gr_wg_done(&w->done);
}

static bool be_called_off(uint32_t *random)
{
	struct waiter w = {.s = dial()};
	char bytes[REQUEST_BYTES];
	bool ok;

	memset(bytes, 'c', sizeof(bytes));
	gr_wg_add(&w.done, 1);
	CHECK(gr_go(wait_to_be_called_off, &w) == 0);
	for (uint32_t i = 1 + next_random(random) % 5; i > 0; i--) {
		gr_sleep_ns(MS);
		gr_sock_cancel(w.s, GR_SOCK_READ);
	}
	gr_sock_write(w.s, bytes, sizeof(bytes));
	gr_wg_wait(&w.done);
	ok = w.ok && get_answer(w.s, 'c', sizeof(bytes) - 1);
	gr_sock_close(w.s);
	return ok && w.canceled > 0;
}

static bool be_datagram(uint32_t *random)
{
	uint32_t out = next_random(random), in = 0;
	gr_sock *s = NULL;
	ssize_t r;

	CHECK(gr_sock_open(AF_INET, SOCK_DGRAM, 0, &s) == 0);
	CHECK(gr_sock_connect(s, (struct sockaddr *)&datagrams_at, sizeof(datagrams_at)) == 0);
	/* Datagrams may be lost. */
	do {
		CHECK(gr_sock_write(s, &out, sizeof(out)) == sizeof(out));
		CHECK(gr_sock_set_deadline(s, GR_SOCK_READ, (out % 20) * MS / 10) == 0);
	} while ((r = gr_sock_recvfrom(s, &in, sizeof(in), 0, NULL, NULL)) == -ETIMEDOUT && out % 20 > 2);
	CHECK(r == -ETIMEDOUT || (r == sizeof(in) && in == out));
	gr_sock_close(s);
	return true;
}

static bool (*const clients_of[])(uint32_t *) = {
#define CLIENT_FUNCTION(name) be_##name,
	KINDS_OF_CLIENTS(CLIENT_FUNCTION)
#undef CLIENT_FUNCTION
};

static void be_client(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg, kind;

	next_random(&random);
	kind = next_random(&random) % KIND_COUNT;
	gr_sleep_ns(next_random(&random) % 300 * MS);
	if (clients_of[kind](&random))
		atomic_fetch_add(&through[kind], 1);
	gr_wg_done(&clients);
}

/* ---- rounds --------------------------------------------------------------------------------------------------- */

static void open_server(void *arg)
{
	socklen_t len = sizeof(datagrams_at);

	(void)arg;
	listener = listen_on_loopback(&server_at);
	datagrams_at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	CHECK(gr_sock_open(AF_INET, SOCK_DGRAM, 0, &datagrams) == 0);
	CHECK(bind(gr_sock_fd(datagrams), (struct sockaddr *)&datagrams_at, len) == 0);
	CHECK(getsockname(gr_sock_fd(datagrams), (struct sockaddr *)&datagrams_at, &len) == 0);
	spawn(serve, NULL);
	for (int i = 0; i < 3; i++)
		spawn(serve_datagrams, NULL);
}

static void play_round(void *arg)
{
	const struct gr_attr attr = {.name = "client", .stack_bytes = 32 << 10};
	unsigned round = *(unsigned *)arg;

	for (unsigned i = 0; i < CLIENTS; i++) {
		uint32_t random = seed + round * 7919 + i * 104729;

		gr_wg_add(&clients, 1);
		CHECK(gr_go_with(&attr, be_client, (void *)(uintptr_t)random) == 0);
	}
	gr_wg_wait(&clients);
	gr_wg_wait(&servers); /* each ends by its client's end or by its own deadline */
}

static void close_server(void *arg)
{
	(void)arg;
	gr_sock_shutdown(listener);
	gr_sock_close(datagrams);
	await_gs(1);
	gr_sock_close(listener);
}

static void slow_clients(void **state)
{
	static const char *const names[] = {
#define KIND_NAME(name) #name,
		KINDS_OF_CLIENTS(KIND_NAME)
#undef KIND_NAME
	};
	const struct gr_config config = {.procs = 2};
	const char *given = getenv("SECONDS");
	int64_t seconds = given ? strtol(given, NULL, 10) : 600;
	int64_t until = gr__now_ns() + seconds * 1000000000;

	(void)state;
	assert_true(seconds > 0);
	assert_int_equal(gr_start(&config), 0);
	gr_run(open_server, NULL);
	for (unsigned round = 0; gr__now_ns() < until; round++) {
		alarm(STUCK_AFTER_S);
		gr_run(play_round, &round);
		if (atomic_load(&sync_failures))
			fail_msg("SEED=%u, round %u", seed, round);
		held_sample();
	}
	gr_run(close_server, NULL);
	gr_stop();
	printf("%u rounds, %u connections cut off\n", held_samples(), atomic_load(&cut_off));
	for (int k = 0; k < KIND_COUNT; k++) {
		printf("%s: %u\n", names[k], atomic_load(&through[k]));
		assert_true(atomic_load(&through[k]) > 0);
	}
	assert_true(atomic_load(&cut_off) > 0);
	/* As in test_mixed_long.c; threads come and go with what the monitor finds to do. */
	held_check_flat((long[HELD_COUNT]){[RSS_KIB] = 1024, [THREADS] = 2, [MAPPINGS] = 24, [VIRTUAL_KIB] = 4096});
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(slow_clients)};
	const char *given = getenv("SEED");

	held_begin();
	sync_test_begin();
	seed = given ? (uint32_t)strtoul(given, NULL, 10) : (uint32_t)gr__now_ns();
	printf("SEED=%u\n", seed);
	fflush(stdout);
	return cmocka_run_group_tests_name("gmp/slow_clients_long", tests, NULL, NULL);
}
