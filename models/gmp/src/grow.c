/*
 * grow.c - stacks that grow: less than a page at first, more only while it is needed. For ten million Gs that wait.
 *
 * C cannot move a stack, as Go does, but it can continue one elsewhere. Code that is compiled with -fsplit-stack compares its
 * stack pointer with a limit at the start of each function, and calls __morestack (arch/grow_amd64.S) where there is no room.
 * That has the function run on a *segment*, a slot of one of the pools of stack.c for larger stacks, and takes it back on the
 * function's return. So a G that waits near its entry has 960 bytes; one that computes far down has what it needs.
 *
 * Why hard: a small stack has no guard, and most of the code that a program calls does not ask. Therefore:
 *
 *   W1  The limit at %fs:0x70 is that of the G that runs, before anything but the runtime runs: set at each arrival on a
 *       stack (gr__switched_to; a notice of the M, GR__LIMITS, so that others pay nothing), by __morestack before the segment
 *       is used and after it has been left. 0, in whose presence no check ever fails, on page stacks and on all threads
 *       that are not Ms. On the scheduler's stack it is that of the last G: nothing there asks.
 *   W2  A G has a small stack only if who starts it has been compiled so (gr.h then calls gr_go_grow) and the function that
 *       it begins with asks (gr__grow_fits looks at its instructions). All others have page stacks, as ever.
 *   W3  What does not ask has GR__FOREIGN_BYTES: the linker has those ask that call it (gold and lld; bfd does not), which a
 *       function of ours that was linked along shows (grow_probe.c). A call through a pointer cannot be seen: gr_foreign.
 *   W4  What does not ask and is called from where nothing is told of it, fits into GR__OWN_BYTES: the functions of the
 *       runtime in objects that say GR__FITS_SMALL_STACKS, a few of the libc's (memcpy, system calls). The dynamic linker's
 *       first look-up of a function does not fit: the program must have been linked with -z now.
 *   W5  g->seg is the piece of stack that g runs on, or NULL: its slot. Who returns from a piece has it as the newest, but
 *       after a jump (W7).
 *   W6  What is at %fs:0x70 may be more than g->stack_limit, never less: raised, as below. Whatever switches to the G sets
 *       the real one again, and __morestack puts back what it has found only if the mark that it has set says that nobody has.
 *   W7  Whoever leaves a segment in another way than by its function's return makes both limits GR__LIMIT_LOST, with which every
 *       check fails: then __morestack looks where the stack pointer is (gr__grow_lost). So do the return from a segment, and
 *       the end of the G. These are longjmp in code that is compiled so, and exceptions (gr__grow_personality).
 *
 * Where 2 to 4 cannot be, all stacks are page stacks, and gr_knobs says why.
 *
 * A loop that calls a function at the limit takes and gives a segment each time ("hot split"). So the M keeps one, which
 * costs no lock and no call (the assembly), and the P some more; a G that waits keeps what it stands on and nothing else.
 * In a recursion most calls are far down; if that is where the edge lies, nearly each call meets it. So the edge moves: who has
 * met it often without waiting has its limit raised, so that the function that meets it would have met it itself; its
 * next call then has all below it on the segment, and the edge is met as much less often as there are calls below
 * (gr__grow_hot). That goes on as long as it helps. Where it does not (a loop in a function that stays), the limit becomes what it
 * was: else the small calls of that loop would meet the edge too. What remains is a loop at the edge: 8 ns for each call.
 * Rejected: to leave the segment with the G until it parks: each park would have to look; and a frame that is there already
 * cannot go on elsewhere.
 *
 * alloca beside the stack: the compiler asks for memory if a frame of unknown size does not fit (gr__grow_alloca). It is
 * to be freed when that frame is gone, of which nobody tells. So the frame's return address is taken, and leads here first.
 *
 * Not possible: longjmp in code that is compiled otherwise, to a function on an older piece (nobody tells); exceptions through
 * a frame with alloca beside the stack (no table tells where it goes on).
 */
#include "grow.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <unwind.h>
#endif

#include "arch/grow.h"
#include "os.h"

#if GR_GROWS
#include <cpuid.h>
#include <elf.h>
#include <link.h>
#endif

GR__FITS_SMALL_STACKS;

enum { SEGS_KEEP = 16 }; /* usual segments that a P keeps; arbitrary */

static const char *state = "0"; /* written by gr__grow_start */
static bool is_on;

bool gr__grow_is_on(void)
{
	return is_on;
}

const char *gr__grow_state(void)
{
	return state;
}

#if defined(__x86_64__)
/* Called by the assembly, on the scheduler's stack, with m->on_g0. */
struct gr_g *gr__grow_slow(size_t frame, size_t args);
void gr__grow_put(struct gr_g *seg);
void *gr__grow_alloca(size_t bytes, uintptr_t *frame);
void gr__grow_no_alloca(void) __attribute__((noreturn));
void gr__grow_lost(uintptr_t at);
/* The same on the G's own stack: without vector registers, and small. */
void gr__grow_hot(struct gr_m *m, struct gr_g *g, uintptr_t *limit, uintptr_t sp, uintptr_t fp);
_Unwind_Reason_Code gr__grow_personality(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
					 struct _Unwind_Exception *exception, struct _Unwind_Context *context);
uintptr_t gr__grow_undyn(uintptr_t *frame);

uint32_t gr__grow_xmask; /* what XSAVE is to keep; 0: there is none */
#endif

#if GR_GROWS

_Static_assert(offsetof(struct gr_g, link) == GR__G_LINK && offsetof(struct gr_g, wait_data) == GR__G_OWNER &&
		       offsetof(struct gr_g, stack_limit) == GR__G_LIMIT && offsetof(struct gr_g, seg) == GR__G_SEG &&
		       offsetof(struct gr_g, stack_lo) == GR__G_LO && offsetof(struct gr_g, is_usual) == GR__G_USUAL &&
		       offsetof(struct gr_g, dyn) == GR__G_DYN,
	       "arch/grow.h");
_Static_assert(offsetof(struct gr_m, curg) == GR__M_CURG && offsetof(struct gr_m, g0_sp) == GR__M_G0_SP &&
		       offsetof(struct gr_m, seg) == GR__M_SEG && offsetof(struct gr_m, on_g0) == GR__M_ON_G0 &&
		       offsetof(struct gr_m, splits) == GR__M_SPLITS,
	       "arch/grow.h");

extern const char gr__grow_unalloca[];

/* In grow_probe.c. */
int gr__grow_probe(void);

/* ---- whether ----------------------------------------------------------------------------------------------------- */

/* A comparison with the limit: of rsp, of r11 or r10 (rsp less the frame), or what the linker has made of it. */
static bool asks(const unsigned char *at)
{
	static const unsigned char branch[] = {0xf3, 0x0f, 0x1e, 0xfa}, rsp[] = {0x64, 0x48, 0x3b, 0x24, 0x25, 0x70},
				   r11[] = {0x64, 0x4c, 0x3b, 0x1c, 0x25, 0x70},
				   r10[] = {0x64, 0x4c, 0x3b, 0x14, 0x25, 0x70}, always[] = {0xf9, 0x0f, 0x1f, 0x84};
	size_t lea;

	if (!memcmp(at, branch, sizeof(branch))) /* endbr64 */
		at += sizeof(branch);
	if (!memcmp(at, rsp, sizeof(rsp)) || !memcmp(at, always, sizeof(always)))
		return true;
	if (at[0] != 0x4c || at[1] != 0x8d || at[3] != 0x24)
		return false;
	lea = at[2] == 0x9c || at[2] == 0x94 ? 8 : at[2] == 0x5c || at[2] == 0x54 ? 5 : 0;
	return lea && (!memcmp(at + lea, r11, sizeof(r11)) || !memcmp(at + lea, r10, sizeof(r10)));
}

bool gr__grow_fits(void (*fn)(void *))
{
	return is_on && fn && asks((const unsigned char *)(uintptr_t)fn);
}

#pragma weak _DYNAMIC /* a static program has none */

/* Whether the dynamic linker has looked up all functions of the program before it began: W4. */
static bool is_bound(void)
{
	const char *now = getenv("LD_BIND_NOW");

	if (!_DYNAMIC || (now && *now))
		return true;
	for (const ElfW(Dyn) *d = _DYNAMIC; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_BIND_NOW || (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_BIND_NOW) ||
		    (d->d_tag == DT_FLAGS_1 && d->d_un.d_val & DF_1_NOW))
			return true;
	return false;
}

static uint32_t vector_state(void)
{
	uint32_t a, b, c, d, lo, hi;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return 0;
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo & 0xe7; /* x87, SSE, AVX, AVX-512 */
}

void gr__grow_start(void)
{
	gr__grow_xmask = vector_state();
	if (!gr__sched.knobs.grow)
		state = "0";
	else if (gr__san_is_valgrind())
		state = "0 (valgrind)";
	else if (gr__os_page_bytes() != 4096 || gr__stack_bytes_max() < GR__SEG_BYTES ||
		 gr__sched.knobs.stack_bytes >= GR__STACK_BYTES_MAX)
		state = "0 (sizes of pages or stacks)";
	else if (((const unsigned char *)(uintptr_t)gr__grow_probe)[0] != 0xf9)
		state = "0 (program not linked for it)";
	else if (!is_bound())
		state = "0 (not linked with -z now)";
	else
		state = "1";
	is_on = state[0] == '1';
}

uintptr_t gr__grow_limit(const struct gr_g *g)
{
	/* Above the guard, or the canary. */
	return (uintptr_t)g->stack_lo + (gr__stack_is_small(g) ? 8 : gr__os_page_bytes()) + GR__SLACK;
}

/* ---- segments ---------------------------------------------------------------------------------------------------- */

/* What g's stack has grown to. */
static size_t grown(const struct gr_g *g)
{
	size_t bytes = 0;

	for (const struct gr_g *seg = g->seg; seg; seg = seg->link)
		bytes += gr__stack_bytes(seg);
	return bytes;
}

/* The P of the calling M, if it is there for us: not in a blocking call, where it may be taken away any time. */
static struct gr_p *own_p(const struct gr_m *m, const struct gr_g *g)
{
	return load_relaxed(&g->state) == GR__G_SYSCALL ? NULL : m->p;
}

static struct gr_g *take(struct gr_p *p, size_t bytes)
{
	struct gr_g *seg = p && bytes <= GR__SEG_ROOM ? p->segs.head : NULL;

	if (seg) {
		p->segs.head = seg->link;
		p->segs.n--;
		return seg;
	}
	seg = gr__stack_get_large(bytes <= GR__SEG_ROOM ? GR__SEG_BYTES : bytes + GR__SEG_BYTES - GR__SEG_ROOM);
	if (!seg)
		return NULL;
	seg->is_usual = bytes <= GR__SEG_ROOM;
	seg->stack_limit = gr__grow_limit(seg);
	return seg;
}

struct gr_g *gr__grow_slow(size_t frame, size_t args)
{
	struct gr_m *m = gr__m();
	struct gr_g *g = m->curg, *seg = NULL;

	if (frame + args <= GR__STACK_BYTES_MAX && grown(g) + frame + args <= gr__sched.knobs.grow_bytes)
		seg = take(own_p(m, g), frame + args);
	else
		gr__fatal("stack overflow of goroutine %llu: it has grown to %zu bytes and wants %zu more, of %zu at "
			  "most",
			  (unsigned long long)load_relaxed(&g->id), grown(g), frame + args,
			  (size_t)gr__sched.knobs.grow_bytes);
	if (!seg)
		gr__fatal("the stack of goroutine %llu cannot grow by %zu bytes: no memory",
			  (unsigned long long)load_relaxed(&g->id), frame + args);
	seg->wait_data = g;
	seg->link = g->seg;
	g->seg = seg;
	return seg;
}

/* ---- alloca beside the stack ------------------------------------------------------------------------------------- */

struct gr__dyn {
	struct gr__dyn *next; /* older, so of a frame further out or of the same */
	uintptr_t *frame; /* whose */
	uintptr_t back; /* its return address; 0: another one of the same frame has it */
	size_t pad;
};
_Static_assert(sizeof(struct gr__dyn) % 16 == 0, "alignment of what comes behind");

static void drop_newest(struct gr_g *g)
{
	struct gr__dyn *d = g->dyn;

	g->dyn = d->next;
	free(d);
}

void *gr__grow_alloca(size_t bytes, uintptr_t *frame)
{
	struct gr_g *g = gr__self();
	struct gr__dyn *d;

	if (g->stack_limit == (uintptr_t)GR__LIMIT_LOST)
		gr__grow_lost((uintptr_t)frame); /* with what frames had there that a jump has left: W7 */
	/* Of an earlier life of the frame, if that was left in another way than by its return. */
	while (g->dyn && g->dyn->frame == frame && frame[1] != (uintptr_t)gr__grow_unalloca)
		drop_newest(g);
	d = bytes <= GR__STACK_BYTES_MAX ? malloc(sizeof(*d) + bytes) : NULL;
	if (!d)
		gr__fatal("the stack of goroutine %llu cannot grow by %zu bytes for alloca: no memory",
			  (unsigned long long)load_relaxed(&g->id), bytes);
	d->frame = frame;
	d->back = 0;
	if (frame[1] != (uintptr_t)gr__grow_unalloca) {
		d->back = frame[1];
		frame[1] = (uintptr_t)gr__grow_unalloca;
	}
	d->next = g->dyn;
	g->dyn = d;
	return d + 1;
}

void gr__grow_no_alloca(void)
{
	gr__fatal("alloca of more than there is, in code with stack checks on a stack that does not grow");
}

uintptr_t gr__grow_undyn(uintptr_t *frame)
{
	struct gr_g *g = gr__self();
	uintptr_t back = 0;

	while (g->dyn && g->dyn->frame != frame) /* of frames that were left in another way than by their return */
		drop_newest(g);
	while (g->dyn && g->dyn->frame == frame) {
		if (g->dyn->back)
			back = g->dyn->back;
		drop_newest(g);
	}
	if (!back)
		gr__throw("a frame with alloca has lost its return address");
	return back;
}

/* ---- edges that are met often -------------------------------------------------------------------------------------- */

/* All arbitrary. */
enum {
	HOT = 32, /* so many seams lie between two looks */
	TRIES = 16, /* looks at an edge that has been raised, until that was in vain */
	REST = 256, /* looks from then on to the next try */
};

/* The limit with which the function that meets the edge, at sp, would have met it itself; 0: that is of no use. */
static inline uintptr_t limit_above(const struct gr_g *piece, uintptr_t sp, uintptr_t fp)
{
	uintptr_t end = (uintptr_t)piece;

	if (fp <= sp || fp + 32 > end) /* no frame pointer, or nobody is above it */
		return fp <= sp || fp > end ? sp + 256 : 0;
	if (*(const uintptr_t *)fp + 32 == end) /* the G's first function (gr__ctx_make, g_main) is not called again */
		return 0;
	return fp + 16;
}

/*
 * See W6. *limit is that of the piece of stack that is left, as it will be when it is come back to; sp and fp are those of the
 * function that meets the edge by a call. Runs on that piece.
 */
__attribute__((target("general-regs-only"), noinline)) void gr__grow_hot(struct gr_m *m, struct gr_g *g,
									 uintptr_t *limit, uintptr_t sp, uintptr_t fp)
{
	uintptr_t above;

	m->splits = HOT - 1;
	if (!(*limit & GR__LIMIT_IS_HOT)) { /* others may have met the edges before */
		*limit |= GR__LIMIT_IS_HOT;
		m->hot_sp = m->hot_tries = m->hot_rest = 0;
		return;
	}
	if (m->hot_rest) {
		m->hot_rest--;
		return;
	}
	if (m->hot_sp && sp <= m->hot_sp) { /* it comes from there still */
		if (++m->hot_tries == TRIES) {
			*limit = m->hot_before;
			m->hot_sp = 0;
			m->hot_rest = REST;
		}
		return;
	}
	above = limit_above(g->seg->link ? g->seg->link : g, sp, fp);
	if (above <= *limit)
		return;
	m->hot_before = *limit;
	m->hot_sp = sp;
	m->hot_tries = 0;
	*limit = (above & ~(uintptr_t)7) | (*limit & 7);
}

/* ---- giving back ------------------------------------------------------------------------------------------------- */

static void put(struct gr_p *p, struct gr_g *seg)
{
	if (p && seg->is_usual && p->segs.n < SEGS_KEEP) {
		seg->link = p->segs.head;
		p->segs.head = seg;
		p->segs.n++;
	} else {
		gr__stack_put(p, seg);
	}
}

static bool is_within(const struct gr_g *seg, const void *at)
{
	return (const char *)at >= seg->stack_lo && (const char *)at < seg->stack_hi;
}

void gr__grow_put(struct gr_g *seg)
{
	struct gr_m *m = gr__m();
	struct gr_g *g = m->curg;

	while (g->dyn && is_within(seg, g->dyn->frame))
		drop_newest(g);
	if (!m->seg && seg->is_usual)
		m->seg = seg;
	else
		put(own_p(m, g), seg);
}

/* at: on the stack of the calling G. What it has grown by since is left, and the limit is again that of where it is. */
void gr__grow_lost(uintptr_t at)
{
	struct gr_g *g = gr__self(), *seg;

	while ((seg = g->seg) && !is_within(seg, (const void *)at)) {
		g->seg = seg->link;
		gr__grow_put(seg);
	}
	g->stack_limit = seg ? seg->stack_limit : gr__grow_limit(g);
	gr__limit_set(g->stack_limit);
}

/* An exception leaves a segment, and lands on an older piece. It has no handler here. */
_Unwind_Reason_Code gr__grow_personality(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
					 struct _Unwind_Exception *exception, struct _Unwind_Context *context)
{
	struct gr_g *g = gr__self();

	(void)version, (void)class, (void)exception, (void)context;
	if ((actions & _UA_CLEANUP_PHASE) && g->seg) {
		g->stack_limit = (uintptr_t)GR__LIMIT_LOST;
		gr__limit_set(g->stack_limit);
	}
	return _URC_CONTINUE_UNWIND;
}

void gr__grow_drop(void *arg)
{
	struct gr_p *p = gr__m()->p;
	struct gr_g *g = arg;

	while (g->dyn)
		drop_newest(g);
	for (struct gr_g *seg; (seg = g->seg);) {
		g->seg = seg->link;
		put(p, seg);
	}
	if (g->stack_limit)
		g->stack_limit = gr__grow_limit(g);
}

void gr__grow_m_ends(struct gr_m *m)
{
	if (m->seg)
		gr__stack_put(NULL, m->seg);
	m->seg = NULL;
}

struct gr_g *gr__grow_owner(const struct gr_g *seg)
{
	struct gr_g *g = seg->wait_data;

	if (!g || !seg->slab)
		return NULL;
	for (const struct gr_g *s = g->seg; s; s = s->link)
		if (s == seg)
			return g;
	return NULL;
}

#else

void gr__grow_start(void)
{
#if GR_ASAN
	state = "0 (address sanitizer)";
#elif GR_TSAN
	state = "0 (thread sanitizer)";
#elif !defined(__x86_64__) || !defined(__LP64__)
	state = "0 (not amd64)";
#elif defined(__clang__)
	state = "0 (runtime built by clang)";
#else
	state = "0 (this build of the runtime)";
#endif
	is_on = false;
}

bool gr__grow_fits(void (*fn)(void *))
{
	(void)fn;
	return is_on;
}

uintptr_t gr__grow_limit(const struct gr_g *g)
{
	(void)g;
	return 0;
}

void gr__grow_drop(void *g)
{
	(void)g;
}

void gr__grow_m_ends(struct gr_m *m)
{
	(void)m;
}

struct gr_g *gr__grow_owner(const struct gr_g *seg)
{
	(void)seg;
	return NULL;
}

#if defined(__x86_64__) /* never called: there is no limit that a check could fail at */
struct gr_g *gr__grow_slow(size_t frame, size_t args)
{
	(void)frame, (void)args;
	return NULL;
}

void gr__grow_put(struct gr_g *seg)
{
	(void)seg;
}

void gr__grow_lost(uintptr_t at)
{
	(void)at;
}

void gr__grow_hot(struct gr_m *m, struct gr_g *g, uintptr_t *limit, uintptr_t sp, uintptr_t fp)
{
	(void)m, (void)g, (void)limit, (void)sp, (void)fp;
}

_Unwind_Reason_Code gr__grow_personality(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
					 struct _Unwind_Exception *exception, struct _Unwind_Context *context)
{
	(void)version, (void)actions, (void)class, (void)exception, (void)context;
	return _URC_CONTINUE_UNWIND;
}

void *gr__grow_alloca(size_t bytes, uintptr_t *frame)
{
	(void)bytes, (void)frame;
	return NULL;
}

void gr__grow_no_alloca(void)
{
	abort();
}

uintptr_t gr__grow_undyn(uintptr_t *frame)
{
	(void)frame;
	return 0;
}
#endif

#endif
