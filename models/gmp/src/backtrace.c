/*
 * backtrace.c - where a G is.
 *
 * Every function that runs on a G's stack keeps a frame pointer (-fno-omit-frame-pointer): a chain of pairs {the caller's
 * frame pointer, return address}, which begins in the saved context of a G that is switched off and ends at its entry.
 * Walking it needs no tables and no memory. Code that was compiled without (libraries of the distribution) is left out of
 * the chain, with the frame of its caller; a G rarely parks below such. So is the caller of a function that was interrupted
 * by a signal before it had a frame, or that has none because it calls nothing.
 *
 * The Gs go on meanwhile, so what is read may be changing: the saved context of one that has just been resumed is old, a
 * frame may be overwritten. That must never be worse than a wrong line:
 *   B1  nothing is read outside the stack's own slot, which stays mapped until gr_stop; nor in its guard. The same of the
 *       segments that it has grown by: slots too.
 *   B2  each frame is further out than the one before, so the walk ends; or in an older segment, and of those there are few.
 * What is not in a stack - a channel that somebody waits on, a name - may have been freed since. It is read only after the
 * kernel has said that it is there (gr__os_is_readable).
 */
#include "backtrace.h"

#include <string.h>

#include "arch/ctx.h"
#include "grow.h"
#include "os.h"
#include "san.h"

enum {
	ENTRY_BYTES = 64, /* gr__ctx_entry is a few instructions */
	PIECES_MAX = 4096, /* segments looked at; arbitrary */
};

/* Plain instructions for sanitizers too: others write there, and the frames of functions have red zones. */
__attribute__((no_sanitize_address, no_sanitize_thread, no_sanitize("undefined"), noinline)) uintptr_t
gr__word(uintptr_t addr)
{
	uintptr_t v = *(const volatile uintptr_t *)addr;

	gr__san_defined(&v, sizeof(v));
	return v;
}

__attribute__((no_sanitize_address, no_sanitize_thread, no_sanitize("undefined"), noinline)) static unsigned char
byte_at(uintptr_t addr)
{
	unsigned char v = *(const volatile unsigned char *)addr;

	gr__san_defined(&v, sizeof(v));
	return v;
}

bool gr__peek(const void *from, void *to, size_t n)
{
	uintptr_t at = (uintptr_t)from;
	unsigned char *out = to;

	if (!gr__os_is_readable(at) || !gr__os_is_readable(at + n - 1))
		return false;
	for (size_t i = 0; i < n; i++)
		out[i] = byte_at(at + i);
	return true;
}

void gr__peek_text(const char *from, char *to, size_t cap)
{
	uintptr_t at = (uintptr_t)from;
	size_t n = 0;

	for (; from && n + 1 < cap; n++) {
		if ((n == 0 || (at + n) % 4096 == 0) && !gr__os_is_readable(at + n)) {
			to[n++] = '?';
			break;
		}
		to[n] = (char)byte_at(at + n);
		if (!to[n])
			break;
		if ((unsigned char)to[n] < ' ')
			to[n] = ' ';
	}
	to[n < cap ? n : cap - 1] = '\0';
}

/* The bounds of g's stack, or of a segment. 0 both may be of one that is just being made: then there is nothing within them. */
static uintptr_t lowest(const struct gr_g *g)
{
	uintptr_t lo = gr__word((uintptr_t)&g->stack_lo);

	/* A small one has no guard. */
	return gr__word((uintptr_t)&g->stack_hi) - lo < gr__os_page_bytes() ? lo : lo + gr__os_page_bytes();
}

static uintptr_t end(const struct gr_g *g)
{
	return gr__word((uintptr_t)&g->stack_hi);
}

static const struct gr_g *newest_piece(const struct gr_g *g)
{
	const struct gr_g *seg = (const struct gr_g *)gr__word((uintptr_t)&g->seg);

	return seg ? seg : g;
}

bool gr__place_of(const struct gr_g *g, struct gr__place *out)
{
	const struct gr_g *piece = newest_piece(g);
	uintptr_t sp = gr__word((uintptr_t)&g->sp);

	*out = (struct gr__place){0, 0, false};
	if (sp < lowest(piece) || sp + GR__CTX_BYTES > end(piece) || sp % 8)
		return true; /* of no use: it is being switched */
	out->pc = gr__word(sp + GR__CTX_PC_AT);
	out->fp = gr__word(sp + GR__CTX_FP_AT);
	return out->pc != (uintptr_t)gr__ctx_entry;
}

static bool is_entry(uintptr_t pc)
{
	return pc >= (uintptr_t)gr__ctx_entry && pc <= (uintptr_t)gr__ctx_entry + ENTRY_BYTES;
}

static void add(struct gr__frames *f, uintptr_t pc)
{
	size_t i = f->n++;

	if (i >= GR__FRAMES_FIRST)
		i = GR__FRAMES_FIRST + (i - GR__FRAMES_FIRST) % GR__FRAMES_LAST;
	f->pc[i] = pc;
}

#if GR_GROWS
static const struct gr_g *older_piece(const struct gr_g *g, const struct gr_g *piece)
{
	const struct gr_g *older = (const struct gr_g *)gr__word((uintptr_t)&piece->link);

	return older ? older : g;
}
#endif

/* Whether there can be a frame's pair at fp. */
static bool is_frame(const struct gr_g *piece, uintptr_t fp)
{
	uintptr_t lo = lowest(piece), hi = end(piece);

	return hi >= lo && fp >= lo && fp <= hi - 2 * sizeof(uintptr_t) && fp % sizeof(uintptr_t) == 0;
}

void gr__frames_walk(const struct gr_g *g, const struct gr__place *at, struct gr__frames *out)
{
	const struct gr_g *piece = newest_piece(g);
	uintptr_t fp = at->fp;
#if GR_GROWS
	unsigned pieces = PIECES_MAX;
#endif

	out->n = 0;
	out->is_return = at->is_return;
	if (!at->pc)
		return;
	add(out, at->pc);
	while (is_frame(piece, fp)) { /* B1 */
		uintptr_t outer = gr__word(fp), pc = gr__word(fp + sizeof(uintptr_t));

#if GR_GROWS
		if (pc == (uintptr_t)gr__grow_back) { /* the caller is on the piece before: grow_amd64.S */
			piece = piece == g || !--pieces ? NULL : older_piece(g, piece);
			if (!piece || !is_frame(piece, outer))
				return;
			pc = gr__word(outer + 2 * sizeof(uintptr_t));
			add(out, pc);
			fp = gr__word(outer);
			continue;
		}
		if (pc == (uintptr_t)gr__grow_back_fits)
			pc = gr__word(fp + 3 * sizeof(uintptr_t));
#endif
		if (!pc || is_entry(pc))
			return;
		add(out, pc);
		if (outer <= fp) /* B2 */
			return;
		fp = outer;
	}
}

uintptr_t gr__frames_pc(const struct gr__frames *f, size_t i)
{
	if (i < GR__FRAMES_FIRST)
		return f->pc[i];
	if (f->n - i > GR__FRAMES_LAST)
		return 0;
	return f->pc[GR__FRAMES_FIRST + (i - GR__FRAMES_FIRST) % GR__FRAMES_LAST];
}
