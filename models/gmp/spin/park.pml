/*
 * park.pml - parking against readying: a G is let go of by the commit, after the switch.
 *
 * Property. No M runs a G whose registers are not saved, or that another M runs; no wake-up is lost: in the end every
 * wake-up that was given has been used, and no G is stuck on a wait list or in a word whose event has happened.
 *
 * Model and code (src/):
 *   park, switch_off   switch.h gr__park_inline, gr__switch_off: note the action, save the registers, run another G
 *   finish_switch      gr__finish_switch, GR__AFTER_PARK: the commit runs on whatever runs next; gr__park_refused
 *   by list            chan.c, sema.c: the waiter is queued under a lock that the commit releases (plock.h)
 *   by word            netpoll.c gr__np_wait, enter_word, unblock: IDLE -> PARKING -> the G; the commit may be refused
 *   ready              proc.c gr__ready: a count of how often the G is on a run queue, which is to be 0 or 1
 *
 * One G parks ROUNDS times, by list or, with -DBY_WORD, by word. Its waker is another thread that gives as many
 * wake-ups, each as soon as the one before has been used. Two Ms take the G from one run queue (stolen is as good as
 * local). What they run besides is left out: "whatever runs next" is the M's own loop.
 *
 * Memory. The saving of the registers is a store in the store buffer of the M (`sb`), which `memory` or a release
 * drains: the unlock in the commit, or the CAS in enter_word. Atomic operations are single steps.
 *
 * Mutants: COMMIT_FIRST (the lock is released, or the word filled, before the switch), RELAXED (the commit lets go of
 * the G without release), TEST_AND_STORE (the CAS of enter_word), IGNORE_REFUSAL (a commit's false is not looked at).
 */
#define ROUNDS 3
#define IDLE 0
#define READY 1
#define PARKING 2
#define THE_G 3

byte word = IDLE; /* by word */
bool lk, queued, granted; /* by list: the lock; the waiter is on the list; it has been served */
byte permits; /* by list: what the waiter waits for */
bool saved = true; /* the registers, as others see it */
bool sb[2]; /* that M's saving of them is in its store buffer */
bool running; /* an M is on the G's stack */
byte runnable = 1; /* how often the G is on the run queue */
byte given, used; /* wake-ups */

#ifdef MUTANT_RELAXED
#define RELEASE(m) skip
#else
#define RELEASE(m) !sb[m]
#endif

/* The end of the park, which has to come after the switch. ok: the G may be somebody else's now. */
inline commit(m, ok)
{
	RELEASE(m);
#ifdef BY_WORD
#ifdef MUTANT_TEST_AND_STORE
	ok = (word == PARKING);
	if
	:: ok -> word = THE_G
	:: else
	fi
#else
	atomic {
		ok = (word == PARKING);
		if
		:: ok -> word = THE_G
		:: else
		fi
	}
#endif
#else
	ok = true;
	lk = false
#endif
}

proctype M(byte m)
{
	bool ok;

end:
	atomic {
		runnable > 0 -> runnable--;
		assert(saved && !running); /* the registers are loaded; nobody else is on the stack */
		running = true; saved = false
	};
the_g:
	if
	:: used == ROUNDS -> goto end_of_g
	:: else
	fi;
#ifdef BY_WORD
	atomic {
		if
		:: word == READY -> word = IDLE; used++; goto the_g
		:: else -> assert(word == IDLE); word = PARKING
		fi
	};
#else
	if
	:: granted -> granted = false; used++; goto the_g
	:: else
	fi;
	atomic { !lk -> lk = true };
	if
	:: permits > 0 -> permits--; lk = false; used++; goto the_g
	:: else -> queued = true
	fi;
#endif
#ifdef MUTANT_COMMIT_FIRST
	commit(m, ok);
#endif
	atomic { running = false; sb[m] = true }; /* gr__ctx_switch: from here on the M is something else */
#ifndef MUTANT_COMMIT_FIRST
	commit(m, ok);
#endif
	if
#ifndef MUTANT_IGNORE_REFUSAL
	:: !ok -> RELEASE(m); runnable++ /* park_refused */
#endif
	:: else
	fi;
	ok = false;
	goto end;
end_of_g:
	false
}

proctype waker()
{
	byte v;

end:
	do
	:: given < ROUNDS && given == used -> given++;
#ifdef BY_WORD
		atomic { v = word; word = READY }; /* unblock */
		if
		:: v == THE_G -> runnable++
		:: else
		fi;
#else
		atomic { !lk -> lk = true };
		if
		:: queued -> queued = false; granted = true; lk = false; runnable++
		:: else -> permits++; lk = false
		fi;
#endif
		v = 0
	od
}

proctype memory()
{
end:
	do
	:: atomic { sb[0] -> saved = true; sb[0] = false }
	:: atomic { sb[1] -> saved = true; sb[1] = false }
	od
}

init {
	atomic { run M(0); run M(1); run waker(); run memory() };
	timeout;
	assert(used == ROUNDS && running && runnable == 0)
}
