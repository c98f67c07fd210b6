/*
 * lock.pml - the short lock: given back without a barrier, `sleepers` read before.
 *
 * Property. One holder at a time, who sees what the one before has written. Whoever wants the lock gets it, at worst
 * when the limit of its sleep has passed. Nobody touches the lock after somebody else has freed it.
 *
 * Model and code (src/):
 *   try           internal.h gr__lock_try, gr__lock_inline: the CAS of `held`
 *   sleep         lock.c gr__lock_slow: sleepers++, try, else futex_wait, for which the kernel compares `held` as it is
 *                 for everybody. The limit may pass at any time
 *   unlock        internal.h gr__unlock_inline: reads sleepers, held = 0, gr__lock_wake
 *   the object    what the lock lies in is freed by the last one that has held it
 *
 * Three threads, one of which takes the lock twice; the data under the lock is one word.
 *
 * Memory. A store to the data, and the release of the lock behind it, stay in the thread's store buffer (sb_data,
 * sb_held) until `memory` or a locked operation of the thread drains them, in that order. `sleepers` is changed by
 * locked operations only.
 *
 * Left out: spinning, which is a try (and waiting between tries). A wake-up that comes after the object has been freed
 * meets nobody here; else it would make somebody look again who sleeps at that address now.
 *
 * Mutants: NO_LIMIT (of the sleep), LATE_READ (`sleepers` is read after the release), RELAXED (the release may overtake
 * the data), TEST_AND_SET (the CAS of `held`).
 */
#define NT 3
#define TURNS 4

byte held, sleepers, data, written, inside, left = TURNS;
bool asleep[NT], sb_data[NT], sb_held[NT], freed;

#define DRAINED(i) (!sb_data[i] && !sb_held[i])
#ifdef MUTANT_RELAXED
#define IN_ORDER(i) true
#else
#define IN_ORDER(i) !sb_data[i]
#endif

inline try(i, ok)
{
#ifdef MUTANT_TEST_AND_SET
	atomic { assert(!freed); ok = (held == 0) };
	if
	:: ok -> atomic { DRAINED(i) -> held = 1 }
	:: else
	fi
#else
	atomic {
		DRAINED(i);
		assert(!freed);
		ok = (held == 0);
		if
		:: ok -> held = 1
		:: else
		fi
	}
#endif
}

proctype T(byte i; byte turns)
{
	byte s;
	bool ok, is_last;

	do
	:: turns == 0 -> break
	:: else ->
		turns--;
		try(i, ok);
		if
		:: ok
		:: else ->
			atomic { assert(!freed); sleepers++ };
			do
			:: try(i, ok);
				if
				:: ok -> break
				:: else
				fi;
				atomic {
					assert(!freed);
					if
					:: held == 1 -> asleep[i] = true
					:: else
					fi
				};
				if
				:: !asleep[i]
#ifndef MUTANT_NO_LIMIT
				:: atomic { asleep[i] -> asleep[i] = false }
#endif
				fi
			od;
			atomic { assert(!freed && sleepers > 0); sleepers-- }
		fi;
		d_step { assert(inside == 0); inside++ };
		d_step { assert(data == written); written++; sb_data[i] = true; left--; is_last = (left == 0) };
		inside--;
#ifndef MUTANT_LATE_READ
		d_step { assert(!freed); s = sleepers };
#endif
		d_step { assert(!freed); sb_held[i] = true };
#ifdef MUTANT_LATE_READ
		d_step { assert(!freed); s = sleepers };
#endif
		if
		:: s == 0
		:: s > 0 && asleep[0] -> asleep[0] = false
		:: s > 0 && asleep[1] -> asleep[1] = false
		:: s > 0 && asleep[2] -> asleep[2] = false
		:: s > 0 && !asleep[0] && !asleep[1] && !asleep[2]
		fi;
		s = 0;
		if
		:: is_last -> atomic { DRAINED(i) -> assert(sleepers == 0 && held == 0); freed = true }
		:: else
		fi
	od
}

proctype memory()
{
	byte i;

end:
	do
	:: atomic { sb_data[0] -> data++; sb_data[0] = false }
	:: atomic { sb_data[1] -> data++; sb_data[1] = false }
	:: atomic { sb_data[2] -> data++; sb_data[2] = false }
	:: atomic { sb_held[0] && IN_ORDER(0) -> held = 0; sb_held[0] = false }
	:: atomic { sb_held[1] && IN_ORDER(1) -> held = 0; sb_held[1] = false }
	:: atomic { sb_held[2] && IN_ORDER(2) -> held = 0; sb_held[2] = false }
	od
}

init {
	atomic { run T(0, 1); run T(1, 1); run T(2, 2); run memory() };
	timeout;
	assert(freed)
}
