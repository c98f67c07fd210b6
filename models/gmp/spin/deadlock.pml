/*
 * deadlock.pml - the last M that goes to sleep tells of a deadlock, also behind an M that blocks in the poller.
 *
 * Property. When nothing can move any more, either somebody still waits for I/O (which may come), or the deadlock has been
 * told. And it is told only if no G runs or is runnable and nobody waits for I/O.
 *
 * Model and code (src/find.c):
 *   run_g          a G of M m: closes the descriptor that the other waits for, which makes that one runnable, or blocks
 *                  for ever; so does the other when it has run
 *   go_idle        go_idle: P idle under the lock, then a second look
 *   block          block_in_poller
 *   sleep          gr__find_runnable from the lock on: work, is_poller_missing_locked, look_for_deadlock_locked,
 *                  gr__stop_m_unlock: one step, under the lock
 *   sysmon         gr__poll_outside, once
 *
 * One G waits for I/O at first, which may come, and one or two run. Sections under sched.lock are single steps. The StoreLoad of who makes
 * work visible and who goes idle is taken for granted (wake.pml), so are the poller's breaks (poller.pml).
 *
 * Mutants: NO_BREAK (the poller is not called back), ONLY_LAST (only an M that has run a G looks, not one that comes back
 * from the poller), UNLOCKED (the look is made before the lock is taken), AT_ONCE (told by who finds the poller in the way: that one may
 * have a G in its hands), NO_WAKE (sysmon gives up the poller and wakes nobody).
 */
#define NP 2
#define NM 3

byte n_idle, runnable, in_hand, running, waiters = 1, n_asleep, next_p[NM];
bool poller, eventfd, asleep[NM], told;

/* gr__wake_p for published work: an M that sleeps gets an idle P. */
inline wake()
{
	atomic {
		if
		:: n_idle > 0 && asleep[0] -> n_idle--; asleep[0] = false; n_asleep--; next_p[0] = 1
		:: n_idle > 0 && asleep[1] -> n_idle--; asleep[1] = false; n_asleep--; next_p[1] = 1
		:: n_idle > 0 && asleep[2] -> n_idle--; asleep[2] = false; n_asleep--; next_p[2] = 1
		:: else
		fi
	}
}

/* is_deadlock_locked */
#define DEADLOCK(awake) (n_idle == NP && runnable == 0 && n_asleep + awake == NM && waiters == 0)

inline tell()
{
	assert(running == 0 && runnable == 0 && in_hand == 0 && waiters == 0);
	told = true
}

inline look()
{
	if
	:: !poller && DEADLOCK(1) -> tell()
#ifdef MUTANT_AT_ONCE
	:: poller && DEADLOCK(2) -> tell()
#elif !defined(MUTANT_NO_BREAK)
	:: poller && DEADLOCK(2) -> eventfd = true
#endif
	:: else
	fi
}

proctype M(byte m; bool has_p)
{
	bool ran = has_p;

	if
	:: has_p -> goto run_g
	:: else -> goto block
	fi;
find:
	if
	:: atomic { runnable > 0 -> runnable--; running++ }; goto run_g
	:: runnable == 0
	fi;
	goto go_idle;
run_g:
	ran = true;
	if
	:: atomic { waiters > 0 -> waiters--; runnable++ }; wake(); goto run_g
	:: atomic { running-- }
	fi;
	goto find;
go_idle:
	atomic { n_idle++ };
	if
	:: atomic { runnable > 0 && n_idle > 0 -> n_idle-- }; goto find
	:: else
	fi;
block:
	if
	:: atomic { waiters > 0 && !poller -> poller = true };
		ran = false;
end_polling:
		if
		:: eventfd -> eventfd = false
		:: atomic { waiters > 0 -> waiters--; in_hand++ } /* what was waited for has come */
		fi;
		atomic {
			poller = false;
			runnable = runnable + in_hand;
			in_hand = 0;
			if
			:: n_idle > 0 -> n_idle--; goto find
			:: else
			fi
		}
	:: else
	fi;
sleep:
#ifdef MUTANT_UNLOCKED
	atomic { look() };
#endif
	atomic {
		if
		:: runnable > 0 && n_idle > 0 -> n_idle--; goto find
		:: n_idle > 0 && !poller && waiters > 0 -> goto block
		:: else
		fi;
#ifndef MUTANT_UNLOCKED
#ifdef MUTANT_ONLY_LAST
		if
		:: ran -> look()
		:: else
		fi;
#else
		look();
#endif
#endif
		asleep[m] = true;
		n_asleep++
	};
end_sleep:
	atomic { next_p[m] == 1 -> next_p[m] = 0 };
	goto find
}

proctype sysmon()
{
end:
	atomic { !poller -> poller = true };
	poller = false;
#ifndef MUTANT_NO_WAKE
	wake()
#endif
}

init {
	atomic {
		if
		:: running = 1; n_idle = 1; run M(0, true); run M(1, false); run M(2, false)
		:: running = 2; run M(0, true); run M(1, true); run M(2, false)
		fi;
		run sysmon()
	};
	timeout;
	assert(waiters > 0 || told)
}
