/*
 * file_uring.h - waiting for files through io_uring: what file.c and the scheduler want of it.
 *
 * Built only where liburing is found (GR_HAS_URING); without it the same names say that there is no such thing.
 */
#ifndef GR_FILE_URING_H
#define GR_FILE_URING_H

#include <errno.h>
#include <sys/types.h>

#include "internal.h"

enum gr__file_kind { GR__FILE_READ, GR__FILE_WRITE, GR__FILE_FSYNC };

struct gr__ring;

/* One call that a G waits for; on its stack. */
struct gr__file_op {
	/* the G's; immutable from gr__uring_do on */
	enum gr__file_kind kind;
	int fd;
	void *buf; /* of a write only read */
	size_t n;
	off_t off;

	/* file_uring.c's: of who has taken it off the line, then of the kernel, then of who reaps it */
	struct gr__ring *ring;
	struct gr__file_op *next;
	struct gr_g *g;

	/* set by who reaps, for the G */
	int result; /* bytes or -errno */
};

/* What the kernel is asked at once at most, as with read(2): the rest is the caller's to ask for. */
#define GR__FILE_BYTES_MAX ((size_t)0x7ffff000)

#if GR_HAS_URING

extern bool gr__uring_on; /* immutable while the runtime runs */

/* Make the first ring, have the netpoller watch it. 0, or the -errno that io_uring is refused with: off then. */
int gr__uring_open(void);
/* Wait for what the kernel still writes to, forget what it has not been given. No M runs. */
void gr__uring_close(void);

/* Block the calling G until *op is done. False: do it another way, nothing has been done. */
bool gr__uring_do(struct gr__file_op *op);

/* Give the kernel what lies in p's line, and append to out who is ready. p's holder. */
void gr__uring_turn(struct gr_p *p, struct gr__glist *out);
/* Whether a turn would do anything. */
bool gr__uring_is_due(struct gr_p *p);
/* Give the kernel what lies in all lines. False: it has no memory just now, somebody has to ask again. */
bool gr__uring_submit_all(void);
/* Append to out who is ready in any ring. */
void gr__uring_reap_all(struct gr__glist *out);
/* sysmon: give the kernel what has lain in a line since the last call. True if there was something. */
bool gr__uring_watch(void);

#else

enum { gr__uring_on = 0 };

static inline int gr__uring_open(void)
{
	return -EOPNOTSUPP;
}

static inline void gr__uring_close(void)
{
}

static inline bool gr__uring_do(struct gr__file_op *op)
{
	(void)op;
	return false;
}

static inline void gr__uring_turn(struct gr_p *p, struct gr__glist *out)
{
	(void)p;
	(void)out;
}

static inline bool gr__uring_is_due(struct gr_p *p)
{
	(void)p;
	return false;
}

static inline bool gr__uring_submit_all(void)
{
	return true;
}

static inline void gr__uring_reap_all(struct gr__glist *out)
{
	(void)out;
}

static inline bool gr__uring_watch(void)
{
	return false;
}

#endif
#endif
