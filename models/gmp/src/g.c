/*
 * g.c - how a G comes into being, and how it ends.
 *
 * gr_go writes down what the G will be (nursery.c). Its first run gives it a stack with its descriptor, or the stack of
 * the G that has just ended: a G that comes to its end with nothing else to do for the M takes the next one of the
 * nursery and goes on as that, on the same stack, without a switch. What is between two lives on one stack:
 *
 *   L1  the old G is counted out, its canary is looked at, its descriptor is filled anew; the id is another.
 *   L2  only from g_main, when the function has returned, so nothing of the old life is on the stack. gr_exit may be
 *       called from anywhere above, so it leaves the stack.
 */
#include <errno.h>

#include "grow.h"
#include "switch.h"
#include "trace.h"

GR__FITS_SMALL_STACKS;

enum { ID_BATCH = 256 }; /* ids that a P takes at once; Go: 16; arbitrary */

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

static inline void begin_life(struct gr_p *p, struct gr_g *g, const struct gr__birth *b, enum gr__gstate state)
{
	g->fn = gr__birth_fn(b);
	g->arg = b->arg;
	store_relaxed(&g->name, b->name);
	store_relaxed(&g->label, NULL);
	store_relaxed(&g->id, new_id(p));
	store_relaxed(&g->wait, GR__WAIT_NONE);
	g->nopreempt = 0;
	store_relaxed(&g->since_ns, load_relaxed(&gr__sched.coarse_now_ns));
	store_relaxed(&g->state, state);
}

/* The newest of the nursery cannot live on a stack that is free now: it has one already, or is of the other kind. */
static __attribute__((noinline)) void make_way(struct gr_p *p, const struct gr__birth *b)
{
	struct gr_g *g = gr__g_start(p, b);

	if (g)
		gr__runq_put_next(p, g); /* empty: gr__may_take_newest */
	else
		gr__nursery_put(p, b); /* there is room: it came from there. find_with_p sees to the stack. */
}

/* The function has returned: become the next G of the nursery, if that is what the M should run now. */
static inline bool next_life(struct gr_g *g)
{
	struct gr_m *m = gr__m(); /* another one than before, maybe */
	struct gr_p *p = m->p;
	struct gr__birth b;
	enum gr__kind kind;

	if (!gr__may_take_newest(p) || !gr__nursery_take_newest(p, &b))
		return false;
	kind = gr__birth_kind(&b);
	if (unlikely(!b.fn || (kind == GR__SMALL) != (g->stack_limit != 0))) {
		make_way(p, &b);
		return false;
	}
	gr__stack_check(g);
	if (kind == GR__SMALL)
		gr__grow_next_life(g);
	gr__ctx_reset_controls();
	owner_add(&p->exits, 1);
	owner_add(&p->tick, 1);
	p->stacks[kind].credit++;
	owner_add(&p->streak, 1);
	begin_life(p, g, &b, GR__G_RUNNING);
	return true;
}

/* The first frame on a G's stack. */
static void g_main(void *arg)
{
	struct gr_g *g = arg;

	gr__switched_to(g);
	do
		g->fn(g->arg);
	while (next_life(g));
	gr__leave_forever_inline();
}

/* g gets its function: on a stack from gr__stack_get. */
static void make_g(struct gr_p *p, struct gr_g *g, const struct gr__birth *b)
{
	g->san_fake = NULL;
	g->sp = gr__ctx_make(g->stack_hi, g_main, g);
	begin_life(p, g, b, GR__G_RUNNABLE);
}

int gr__g_new(const struct gr__birth *b, struct gr_g **out)
{
	struct gr_g *g = gr__stack_get_new(gr__birth_kind(b));

	if (!g)
		return -ENOMEM;
	make_g(NULL, g, b);
	*out = g;
	return 0;
}

struct gr_g *gr__g_start(struct gr_p *p, const struct gr__birth *b)
{
	struct gr_g *g;

	if (unlikely(!b->fn)) /* gr_go_with has made it */
		return b->arg;
	g = gr__stack_get(p, gr__birth_kind(b));

	if (likely(g))
		make_g(p, g, b);
	return g;
}

/* Perturbed: as often the oldest as the newest. */
static __attribute__((noinline)) bool take_any(struct gr_p *p, struct gr__birth *b)
{
	if (gr__sched.knobs.newest && (gr__random(&p->rng) & 1))
		return gr__nursery_take_newest(p, b);
	return gr__nursery_take_oldest(p, b);
}

__attribute__((noinline)) struct gr_g *gr__g_start_next(struct gr_p *p)
{
	struct gr__birth b;
	struct gr_g *g;

	if (!(likely(gr__sched.knobs.plain_newest) ? gr__nursery_take_newest(p, &b) : take_any(p, &b)))
		return NULL;
	g = gr__g_start(p, &b);
	if (unlikely(!g))
		gr__nursery_put(p, &b); /* there is room: it came from there. find_with_p sees to the stack. */
	return g;
}

/* Put b into p's nursery; the creator has seen to the stack. 0 or -ENOMEM. */
static inline int publish(struct gr_p *p, const struct gr__birth *b)
{
	int n = gr__nursery_put(p, b);

	if (unlikely(n < 0))
		return n;
	owner_add(&p->stats.spawns, 1);
	if (gr__nprocs() > 1 && n > 1) /* the newest alone is nothing for others: gr__nursery_offered */
		gr__wake_p_after_rmw();
	return 0;
}

/* Make runnable a G that has its stack already. 0 or -ENOMEM: then the stack has gone back. */
static int publish_made(struct gr_p *p, struct gr_g *g)
{
	const struct gr__birth b = {NULL, g, NULL};
	int err;

	if (gr__tracing())
		gr__trace(GR__EV_SPAWN, p->id, 0, load_relaxed(&g->id));
	if (unlikely(gr__sched.knobs.global)) {
		owner_add(&p->stats.spawns, 1);
		gr__inject(g);
		return 0;
	}
	err = publish(p, &b);
	if (err) {
		store_relaxed(&g->state, GR__G_FREE); /* S2 */
		gr__stack_put(p, g);
	}
	return err;
}

/* p has no credit. 1: it has now. 0: it must have none (sched.credit_max), and the G has been made otherwise. -ENOMEM. */
static __attribute__((noinline)) int go_without_credit(struct gr_p *p, const struct gr__birth *b)
{
	struct gr_g *g;

	if (likely(load_relaxed(&gr__sched.credit_max)))
		return gr__stack_reserve(p, gr__birth_kind(b)) ? 1 : -ENOMEM;
	if (gr__g_new(b, &g))
		return -ENOMEM;
	return publish_made(p, g);
}

/* Take a unit of credit, and publish b. 0 or -ENOMEM. */
static inline __attribute__((always_inline)) int create(struct gr_p *p, const struct gr__birth *b, enum gr__kind kind)
{
	int err;

	if (unlikely(!p->stacks[kind].credit) && (err = go_without_credit(p, b)) <= 0)
		return err;
	err = publish(p, b);
	if (likely(!err))
		p->stacks[kind].credit--;
	return err;
}

/* In code that is built without checks. */
int gr_go_named(const char *name, void (*fn)(void *), void *arg)
{
	const struct gr__birth b = {fn, arg, name};
	struct gr_m *m = gr__m();

	if (unlikely(!fn))
		gr__fatal("gr_go: the function is NULL");
	if (unlikely(!m || !m->curg))
		return -EAGAIN;
	return create(m->p, &b, GR__PAGES);
}

/* The same in code that is built with checks (gr.h gives it this name there): what it starts may have a small stack. */
int gr_go_named_grow(const char *name, void (*fn)(void *), void *arg)
{
	const struct gr__birth b = {(void (*)(void *))((uintptr_t)fn | GR__FN_SMALL), arg, name};
	struct gr_m *m = gr__m();

	if (!m || !m->curg || !gr__grow_fits(fn))
		return gr_go_named(name, fn, arg);
	return create(m->p, &b, GR__SMALL);
}

int gr__go_on(struct gr_p *p, const struct gr__birth *b)
{
	return create(p, b, GR__PAGES);
}

int gr__go_with(const struct gr_attr *attr, void (*fn)(void *), void *arg,
		int (*usually)(const char *, void (*)(void *), void *))
{
	static const struct gr_attr usual;
	const struct gr__birth life = {fn, arg, attr ? attr->name : NULL};
	struct gr_m *m = gr__m();
	struct gr_g *g;

	if (unlikely(!fn))
		gr__fatal("gr_go: the function is NULL");
	if (unlikely(!m || !m->curg))
		return -EAGAIN; /* before there is a runtime there are no pools either */
	gr__not_in_call(m->curg);
	if (!attr)
		attr = &usual;
	if (attr->stack_bytes <= gr__sched.knobs.stack_bytes)
		return usually(attr->name, fn, arg);
	if (attr->stack_bytes > gr__stack_bytes_max())
		return -EINVAL;
	g = gr__stack_get_large(attr->stack_bytes);
	if (!g)
		return -ENOMEM;
	make_g(m->p, g, &life);
	return publish_made(m->p, g);
}

int gr_go(void (*fn)(void *), void *arg)
{
	return gr_go_named(NULL, fn, arg);
}

int gr_go_grow(void (*fn)(void *), void *arg)
{
	return gr_go_named_grow(NULL, fn, arg);
}

void gr_set_name(const char *name)
{
	struct gr_m *m = gr__m();

	if (!m || !m->curg)
		gr__fatal("gr_set_name: not called from a G");
	store_relaxed(&m->curg->name, name);
	if (gr__tracing()) {
		gr__trace(GR__EV_NAME, GR__TRACE_NO_P, 0, load_relaxed(&m->curg->id));
		gr__trace_name(m->curg);
	}
}

void gr_set_label(const char *label)
{
	struct gr_m *m = gr__m();

	if (!m || !m->curg)
		gr__fatal("gr_set_label: not called from a G");
	store_relaxed(&m->curg->label, label);
}

void gr_exit(void)
{
	struct gr_m *m = gr__m();

	if (!m || !m->curg)
		gr__fatal("gr_exit: not called from a G");
	gr__not_in_call(m->curg);
	gr__exits(m->curg);
	gr__leave_forever();
}

__attribute__((noinline)) uint64_t gr_id(void)
{
	struct gr_m *m = gr__m();

	return m && m->curg ? load_relaxed(&m->curg->id) : 0;
}
