/*
 * oldest.pml - the monitor wants the oldest of a nursery to be run, and the owner does it.
 *
 * Property. When nothing can move any more, nothing is due: each request has been answered, with as many of the oldest
 * as it was for. (The monitor does not ask again while one is due. An answer that does not come would be the last.)
 *
 * Model and code (src/):
 *   sysmon     sysmon.c watch_oldest: reads oldest_due; oldest_due = n, attention = 1. REQUESTS times, for one and for
 *              two; and calls for attention without anything due, as for timers
 *   owner      find.c find_with_p: attention = 0, StoreLoad; start_oldest: oldest_due - 1, and a call of its own if
 *              more are due. In between a G runs, which yields until attention is there
 *
 * Memory. Both stores of the monitor, and the clearing by the owner, stay in store buffers (sb_due, sb_call, sb_clear)
 * until `memory` or a fence drains them; the monitor's in the order in which they were made.
 *
 * Left out: other things that bring the owner to find_with_p, a P that changes its owner, and an empty nursery, which
 * answers any request.
 *
 * Mutants: NO_FENCE (the StoreLoad), UNORDERED (the monitor's stores may become visible the other way round),
 * NO_CALL_BACK (the owner does not call itself for the second one).
 */
#define REQUESTS 3

byte due, sb_due, asked, answered, requests, calls;
bool attention, sb_call, sb_clear;

#ifdef MUTANT_NO_FENCE
#define FENCE skip
#else
#define FENCE !sb_clear
#endif
#ifdef MUTANT_UNORDERED
#define IN_ORDER true
#else
#define IN_ORDER sb_due == 0
#endif

proctype sysmon()
{
end:
	do
	:: requests < REQUESTS && due == 0 && sb_due == 0 && !sb_call ->
		requests++;
		if
		:: atomic { sb_due = 1; asked++ }
		:: atomic { sb_due = 2; asked = asked + 2 }
		fi;
		sb_call = true
	:: calls < 2 && !sb_call -> calls++; sb_call = true
	od
}

proctype owner()
{
	byte d;

end_yielding:
	do
	:: atomic { attention && !sb_clear -> sb_clear = true };
		FENCE;
		d = due;
		if
		:: d > 0 ->
			atomic { due = d - 1; answered++ };
			if
#ifndef MUTANT_NO_CALL_BACK
			:: d > 1 -> atomic { !sb_clear -> attention = true }
#endif
			:: else
			fi
		:: else
		fi;
		d = 0
	od
}

proctype memory()
{
end:
	do
	:: atomic { sb_due > 0 -> due = sb_due; sb_due = 0 }
	:: atomic { sb_call && IN_ORDER -> attention = true; sb_call = false }
	:: atomic { sb_clear -> attention = false; sb_clear = false }
	od
}

init {
	atomic { run sysmon(); run owner(); run memory() };
	timeout;
	assert(due == 0 && answered == asked && requests == REQUESTS)
}
