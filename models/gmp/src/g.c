/*
 * g.c - goroutines: making them, their first and last steps, and small questions.
 */
#include <errno.h>

#include "arch/ctx.h"
#include "os.h"
#include "runq.h"
#include "san.h"

enum { ID_BATCH = 256 }; /* ids that a P takes at once; arbitrary */

/* The first frame on a G's stack. */
static void g_main(void *arg)
{
	struct gr_g *g = arg;

	gr__switched_to(g);
	g->fn(g->arg);
	gr__leave_forever();
}

static uint64_t new_id(struct gr_p *p)
{
	struct gr_sched *s = &gr__sched;

	if (!p)
		return fetch_add_relaxed(&s->next_g_id, 1) + 1;
	if (unlikely(p->id_next == p->id_end)) {
		p->id_next = fetch_add_relaxed(&s->next_g_id, ID_BATCH) + 1;
		p->id_end = p->id_next + ID_BATCH;
	}
	return p->id_next++;
}

int gr__g_new(struct gr_p *p, const char *name, void (*fn)(void *), void *arg, struct gr_g **out)
{
	struct gr_g *g = gr__stack_get(p);

	if (unlikely(!g))
		return -ENOMEM;
	g->fn = fn;
	g->arg = arg;
	g->san_fake = NULL;
	g->sp = gr__ctx_make(g->stack_hi, g_main, g);
	store_relaxed(&g->name, name);
	store_relaxed(&g->id, new_id(p));
	store_relaxed(&g->wait, GR__WAIT_NONE);
	store_relaxed(&g->since_ns, load_relaxed(&gr__sched.coarse_now_ns));
	store_relaxed(&g->state, GR__G_RUNNABLE);
	*out = g;
	return 0;
}

int gr_go_named(const char *name, void (*fn)(void *), void *arg)
{
	struct gr_m *m = gr__m();
	struct gr_g *g;
	int err;

	if (unlikely(!m || !m->curg))
		return -EAGAIN;
	err = gr__g_new(m->p, name, fn, arg, &g);
	if (unlikely(err))
		return err;
	owner_add(&m->p->stats.spawns, 1);
	gr__queue_new(m->p, g);
	return 0;
}

int gr_go(void (*fn)(void *), void *arg)
{
	return gr_go_named(NULL, fn, arg);
}

void gr_exit(void)
{
	struct gr_m *m = gr__m();

	if (!m || !m->curg)
		gr__fatal("gr_exit: not called from a G");
	gr__exits(m->curg);
	gr__leave_forever();
}

__attribute__((noinline)) uint64_t gr_id(void)
{
	struct gr_m *m = gr__m();

	return m && m->curg ? load_relaxed(&m->curg->id) : 0;
}
