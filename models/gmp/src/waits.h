/*
 * waits.h - what a G waits for, in words. For dumps, of Gs that go on meanwhile.
 */
#ifndef GR_WAITS_H
#define GR_WAITS_H

#include "internal.h"
#include "out.h"

/* One thing that a G waits for. */
struct gr__wait_for {
	uint32_t reason; /* enum gr__wait; a case of a select as the operation that it is */
	uintptr_t object; /* 0: nothing that could be named */
};

/* "chan receive", as in the dump's brackets; "?" for what is no reason. */
const char *gr__wait_name(uint32_t reason);
/* All that a G waits for, of its reason and wait_data: one, or a select's channels. How many there are; cap are filled in. */
size_t gr__waits_of(uint32_t reason, uintptr_t wait_data, struct gr__wait_for *out, size_t cap);
/* "to receive on channel 0x1234 (capacity 2, 1 in it)". */
void gr__wait_say(struct gr__out *o, const struct gr__wait_for *w);
/* What follows the brackets in a G's line: nothing, " on channel ...", " until ...". */
void gr__wait_say_line(struct gr__out *o, uint32_t reason, uintptr_t wait_data, int64_t now_ns);

#endif
