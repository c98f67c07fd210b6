/*
 * mutex.pml - the mutex whose sleepers may give up.
 *
 * Property. One holder at a time. Whoever waits without a time-out gets the lock; whoever waits with one comes back. When
 * all are through, the word is 0 and no permit is left over. A lock that is given away is given to somebody who is counted.
 *
 * Model and code (src/mutex.c):
 *   one turn      lock_until, with or without a time-out, then gr_mutex_unlock
 *   spin          spin_once: WOKEN is taken
 *   sleep         sema.c: whoever sleeps may take a permit, in any order; a time-out may pass at any time, with the permit
 *                 there or not
 *   give up       leave_sleepers: count_out, else the permit, else again
 *   woken         take_over, take_or_pass_on, or the next round
 *   unlock        unlock_slowly: the swap, then the permit
 *
 * Each swap of the word is one step. `hungry` (it has slept for long) is a matter of chance.
 *
 * Four Gs with one turn each, or three with two (TWICE).
 *
 * Left out: the clock, the order of sleepers, and memory orders: all that matters is in one word, and permits are handed on
 * under a lock.
 *
 * Mutants: LEAVE_ANYWAY (who gives up does not wait for a permit that is on its way), LEAVE_GIVEN (the same, while the lock is
 * given away), KEEP_MODE (the last sleeper that gives up leaves the mode on), KEEP_WOKEN (who is woken too late does not give
 * WOKEN back), ADD (the lock that was given is booked by what was read before).
 */
#ifdef TWICE
#define TURNS 2
#define GS 3
#else
#define TURNS 1
#define GS 4
#endif

bool locked, woken, starving;
byte count, permits, inside, done;

#ifdef MUTANT_LEAVE_GIVEN
#define MAY_LEAVE (count > 0)
#else
#define MAY_LEAVE (count > 1 || (count == 1 && (locked || !starving)))
#endif

proctype G(byte turns)
{
	bool timed, hungry, owns, late, got, gone, gives, wakes;
	byte seen;

	do
	:: turns == 0 -> break
	:: else ->
		turns--;
		hungry = false; owns = false; late = false; got = false; gone = false;
		if
		:: timed = true
		:: timed = false
		fi;
		do
		:: atomic { locked && !starving && !owns && !woken && count > 0 -> woken = true; owns = true }
		:: atomic {
				if
				:: owns -> woken = false
				:: else
				fi;
				if
				:: locked || starving ->
					count++;
					if
					:: hungry && locked -> starving = true
					:: else
					fi
				:: else -> locked = true; got = true
				fi
			};
			if
			:: got -> break
			:: else
			fi;
			/* asleep */
			if
			:: atomic { permits > 0 -> permits-- }
			:: timed ->
				do
				:: atomic {
						MAY_LEAVE -> count--; gone = true;
#ifndef MUTANT_KEEP_MODE
						if
						:: count == 0 -> starving = false
						:: else
						fi
#endif
					};
					break
				:: !MAY_LEAVE ->
#ifdef MUTANT_LEAVE_ANYWAY
					gone = true; break
#else
					if
					:: atomic { permits > 0 -> permits-- }; late = true; break
					:: permits == 0
					fi
#endif
				od
			fi;
			if
			:: gone -> break
			:: else
			fi;
			if
			:: hungry = true
			:: true
			fi;
			atomic { seen = count; gives = starving };
			if
			:: gives ->
				atomic {
					assert(!locked && count > 0);
					locked = true; count--;
#ifndef MUTANT_ADD
					seen = count + 1;
#endif
					if
					:: !hungry || seen == 1 -> starving = false
					:: else
					fi
				};
				got = true; break
			:: else
			fi;
			if
			:: late ->
				atomic {
					if
					:: !locked && !starving -> locked = true; got = true
					:: else
					fi;
#ifndef MUTANT_KEEP_WOKEN
					woken = false
#endif
				};
				break
			:: else
			fi;
			owns = true
		od;
		seen = 0; gives = false;
		if
		:: got ->
			atomic { assert(inside == 0); inside++ };
			inside--;
			atomic {
				assert(locked);
				locked = false;
				gives = starving;
				wakes = (!starving && count > 0 && !woken);
				if
				:: wakes -> count--; woken = true
				:: else
				fi
			};
			if
			:: gives || wakes -> permits++
			:: else
			fi
		:: else
		fi;
		gives = false; wakes = false
	od;
	done++
}

init
{
	atomic {
		byte i = 0;

		do
		:: i < GS -> run G(TURNS); i++
		:: else -> break
		od
	}
	done == GS;
	assert(!locked && !woken && !starving && count == 0 && permits == 0)
}
