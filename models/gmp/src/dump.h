/*
 * dump.h - all Gs and where they are, for who ends the process over it.
 */
#ifndef GR_DUMP_H
#define GR_DUMP_H

#include "backtrace.h"

enum gr__dump_kind {
	GR__DUMP_ALL, /* all Gs, then who waits for what */
	GR__DUMP_DEADLOCK, /* who waits for what, then all Gs */
	GR__DUMP_FATAL, /* as the first, but not so many: what is looked for is among the first lines */
};

/*
 * Write them to fd. g: which comes first, and is at `at`; NULL: none in particular. From anywhere, in a signal handler too; waits for
 * nobody. Without memory for it, while another thread is at it, nothing is written.
 */
void gr__dump(int fd, enum gr__dump_kind kind, const struct gr_g *g, const struct gr__place *at);

#endif
