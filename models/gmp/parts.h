/*
 * parts.h - single parts of the runtime, run by themselves: for who wants to know what a switch is made of. Not part of gr.h:
 * no program has a use for them.
 */
#ifndef GR_PARTS_H
#define GR_PARTS_H

#include <stdint.h>

/* What the parts work on: a second stack, and a P of their own that no scheduler knows. */
struct gr__parts;

/* 0 or -ENOMEM. Called by a G, as all of these. */
int gr__parts_make(struct gr__parts **out);
void gr__parts_free(struct gr__parts *parts);

/*
 * Do one part ops times, and add up in done[0] and done[1] how often each of two parties, of which the first begins, was found to
 * have its turn. The calling G keeps its P meanwhile and lets nobody else run on it.
 */

/* A swap of registers and stack: from the calling G's to the second one or back. Two places to switch from, taken in turn. */
void gr__part_swap(struct gr__parts *parts, uint64_t ops, uint64_t done[2]);
/* What a yield does with its run queue: takes the next G of the ring, and puts itself behind the others. */
void gr__part_queue(struct gr__parts *parts, uint64_t ops, uint64_t done[2]);
/* What a wake and a park do with it: a G is put into runnext, and taken from there. */
void gr__part_runnext(struct gr__parts *parts, uint64_t ops, uint64_t done[2]);

#endif
