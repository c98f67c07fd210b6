/*
 * test_litmus_ring.c - a P's queue under threads that put and take as fast as they can: nothing is lost, nothing comes
 * twice. No runtime is started: the threads are the Ms.
 *
 * Every item carries whether it is queued. Who puts sets it, who takes clears it and must have found it set: else the
 * item came twice. In the end all queues are emptied, and an item that is still marked was lost.
 *
 * SEED=n repeats a run's choices, not its interleaving.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ps_fixture.h"
#include "san.h"

enum {
	MAX_PS = 4,
	ITEMS = 700, /* of each P: two rings full and more, so that they overflow */
	STEPS = GR_TSAN   ? 30000
		: GR_ASAN ? 100000
			  : 500000, /* of each thread, at least */
};

struct item {
	struct gr_g g;
	_Atomic uint32_t queued;
};

struct actor {
	struct gr_p *p;
	struct item *items; /* ITEMS; only this one puts them */
	uint32_t rng;
	bool is_owner; /* puts and takes; else it only steals, with an empty ring */
	uint64_t put, taken, twice, stolen;
};

static struct actor actors[MAX_PS];
static uint32_t seed;
static _Atomic uint32_t ready, go, any_stolen;

static void take(struct actor *a, struct gr_g *g)
{
	struct item *item = container_of(g, struct item, g);

	a->taken++;
	if (!xchg_acq_rel(&item->queued, 0))
		a->twice++;
}

/* One of the own items that is not queued, now queued in name; NULL if a few tries find none. */
static struct gr_g *own_free(struct actor *a)
{
	for (int i = 0; i < 8; i++) {
		struct item *item = &a->items[gr__random(&a->rng) % ITEMS];

		if (load_acquire(&item->queued))
			continue;
		store_release(&item->queued, 1);
		a->put++;
		return &item->g;
	}
	return NULL;
}

static void put_some(struct actor *a, uint32_t n, bool next)
{
	struct gr_g *g;

	while (n-- && (g = own_free(a))) {
		if (next)
			gr__runq_put_next(a->p, g);
		else
			gr__runq_put(a->p, g);
	}
}

static void take_some(struct actor *a, uint32_t n)
{
	struct gr_g *g;

	while (n-- && (g = gr__runq_get(a->p)))
		take(a, g);
}

/* Into a ring that is empty, as the runtime does; what comes with it is taken too. */
static void steal_some(struct actor *a, unsigned n_ps, uint32_t r)
{
	struct gr_p *victim = ps[r % n_ps];
	struct gr_g *g;

	if (victim == a->p)
		return;
	take_some(a, UINT32_MAX);
	g = gr__runq_steal(a->p, victim, r >> 8 & 1);
	if (!g)
		return;
	a->stolen++;
	if (!load_relaxed(&any_stolen))
		store_relaxed(&any_stolen, 1);
	take(a, g);
	if (!a->is_owner || (r >> 9 & 1))
		take_some(a, UINT32_MAX);
}

static void owner_step(struct actor *a)
{
	uint32_t r = gr__random(&a->rng);
	struct gr_g *g;

	switch (r >> 28) {
	case 0 ... 3:
		put_some(a, 1 + (r & 3), false);
		break;
	case 4 ... 6:
		put_some(a, 1, true);
		store_relaxed(&a->p->tick, load_relaxed(&a->p->tick) + 1);
		break;
	case 7:
		put_some(a, r & 511, false); /* overflows, sometimes */
		break;
	case 8 ... 11:
		take_some(a, 1 + (r & 7));
		break;
	case 12:
		if ((g = gr__global_get(a->p, 1 + (r & 127))))
			take(a, g);
		break;
	case 13:
		if ((r & 63) == 0) {
			gr__lock(&gr__sched.lock);
			gr__runq_drain_locked(a->p);
			gr__unlock(&gr__sched.lock);
		}
		break;
	default:
		steal_some(a, gr__sched.nprocs, r);
	}
}

static void *act(void *arg)
{
	struct actor *a = arg;

	fetch_add_seq_cst(&ready, 1);
	while (!load_acquire(&go))
		gr_pause();
	/* With few CPUs one may be through before the others have begun. */
	for (int i = 0; i < STEPS || !load_relaxed(&any_stolen); i++) {
		if (a->is_owner)
			owner_step(a);
		else
			steal_some(a, gr__sched.nprocs, gr__random(&a->rng));
	}
	return NULL;
}

static void set_up(unsigned n, unsigned owners)
{
	make_ps(n);
	memset(actors, 0, sizeof(actors));
	for (unsigned i = 0; i < n; i++) {
		store_relaxed(&ps[i]->status, GR__P_RUNNING);
		actors[i].p = ps[i];
		actors[i].items = calloc(ITEMS, sizeof(struct item));
		assert_non_null(actors[i].items);
		actors[i].rng = (seed * 2654435761u + i * 40503u) | 1;
		actors[i].is_owner = i < owners;
	}
	store_relaxed(&ready, 0);
	store_relaxed(&go, 0);
	store_relaxed(&any_stolen, 0);
}

/* All threads have ended: what is in the queues comes out, and then nothing may be marked. */
static void check_and_tear_down(unsigned n)
{
	uint64_t put = 0, taken = 0, twice = 0, lost = 0, stolen = 0;
	struct gr_g *g;

	for (unsigned i = 0; i < n; i++)
		take_some(&actors[i], UINT32_MAX);
	while ((g = gr__glist_pop(&gr__sched.global)))
		take(&actors[0], g);
	for (unsigned i = 0; i < n; i++) {
		for (int k = 0; k < ITEMS; k++)
			lost += load_relaxed(&actors[i].items[k].queued);
		put += actors[i].put;
		taken += actors[i].taken;
		twice += actors[i].twice;
		stolen += actors[i].stolen;
		free(actors[i].items);
	}
	free_ps(n);
	if (twice || lost || put != taken)
		fail_msg("SEED=%u, %u threads: %llu put, %llu taken, %llu twice, %llu lost", seed, n,
			 (unsigned long long)put, (unsigned long long)taken, (unsigned long long)twice,
			 (unsigned long long)lost);
	assert_true(put > 0 && stolen > 0); /* else nothing was shown */
}

static void race(unsigned n, unsigned owners)
{
	pthread_t threads[MAX_PS];

	set_up(n, owners);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, act, &actors[i]), 0);
	while (load_acquire(&ready) < n)
		gr_pause();
	store_release(&go, 1);
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	check_and_tear_down(n);
}

static void one_owner_one_thief(void **state)
{
	(void)state;
	race(2, 1);
}

static void one_owner_many_thieves(void **state)
{
	(void)state;
	race(3, 1);
	race(4, 1);
}

static void all_own_and_steal(void **state)
{
	(void)state;
	for (unsigned n = 2; n <= MAX_PS; n++)
		race(n, n);
}

static void on_alarm(int sig)
{
	(void)sig;
	fprintf(stderr, "SEED=%u: does not end\n", seed);
	abort();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_owner_one_thief),
		cmocka_unit_test(one_owner_many_thieves),
		cmocka_unit_test(all_own_and_steal),
	};
	const char *given = getenv("SEED");

	seed = given ? (uint32_t)strtoul(given, NULL, 10) : (uint32_t)time(NULL);
	printf("SEED=%u\n", seed);
	fflush(stdout);
	signal(SIGALRM, on_alarm);
	alarm(110);
	return cmocka_run_group_tests_name("gmp/litmus_ring", tests, NULL, NULL);
}
