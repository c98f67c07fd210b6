/*
 * handoff.pml - Ps and blocking calls: who owns the P, and where the G is.
 *
 * Property. A P is used by one M at a time (`user`); a G is run by one M at a time and is never lost; who takes a P
 * over sees all that was put into its queue before; in the end no P is out of every hand, and `blocked` is 0.
 *
 * Model and code (src/):
 *   enter       syscall.c gr_syscall_enter: the status is SYSCALL | own id
 *   exit        gr_syscall_exit: CAS SYSCALL | id -> RUNNING; else exit_slow: the old P if it is idle, else another one,
 *               else one of an M that is in a call still (take_call_locked), else proc.c gr__leave_to_global,
 *               gr__finish_syscall
 *   retake      gr__retake: CAS SYSCALL | id -> IDLE under the lock, from sysmon.c watch_syscall with a status that was
 *               read earlier, or from gr_syscall_enter_blocking; then find.c gr__handoff
 *   back        find_p, take_call_locked: as retake, by an M that is back from its call, with a status that it has seen
 *               before it was patient; who finds others waiting lets them run first
 *   handoff     gr__handoff: to an M if there is work, else to the idle ones; m.c gr__start_m_unlock
 *   find        find.c, as little as is needed: own queue, global queue, else the P becomes idle and the M sleeps
 *
 * Two Ps, three Ms, CALLS calls in all. Each G may put another one into its P's queue (GS in all), call, and end, in
 * any order. sysmon holds a status that it has read for as long as it likes: by the time of its CAS the P may be in
 * another call, of the same M or of another one.
 *
 * Memory. The queue is its owner's memory: puts stay in the store buffer of the M (`sb`) until `memory` or a release
 * drains them. The release store at enter does, so that the taker's queue is complete. Sections under sched.lock and
 * atomic operations are single steps.
 *
 * With -DBACK, and one G less, `back` is among it.
 *
 * Left out: what tells which calls last: any may be handed on at its beginning; the look at the tick, which tells whether the
 * call has lasted and nothing else; that nothing is taken by who is back while the world stops (procs.c); stealing, wake-ups
 * for what is in a ring (wake.pml), the poller (poller.pml), and sysmon's patience: any call may be found long. Where no M
 * sleeps a P waits for one that does: a new M does the same.
 *
 * Mutants: NO_ID (the status does not say whose call it is: ABA), EXIT_TEST_AND_STORE and RETAKE_TEST_AND_STORE
 * (either CAS), BACK_TEST_AND_STORE (the same by an M that is back), BACK_UNCOUNTED (the M that it is taken from does not
 * count as blocked), RELAXED_ENTER (the store at enter is no release), NO_OLD_CHECK (exit takes its old P whether it is
 * idle or not).
 */
#define NP 2
#define NM 3
#ifndef CALLS
#define CALLS 3
#endif
#ifdef BACK
#define GS 2
#else
#define GS 3
#endif
#define NOBODY NM
#define IDLE 0
#define RUNNING 1
#ifdef MUTANT_NO_ID
#define IN_CALL(m) 2
#else
#define IN_CALL(m) (2 + m)
#endif

byte status[NP], p_m[NP], ring[NP], global, blocked, calls, born = 2, ended;
byte sb[NP]; /* puts into the P's ring that are not visible yet */
byte next_p[NM];
bool user[NP]; /* an M is using the P: holds it and is not in a call */
bool idle[NP], asleep[NM];

inline use(m, p)
{
	d_step { assert(!user[p] && sb[p] == 0); user[p] = true; p_m[p] = m; status[p] = RUNNING } /* gr__acquire_p */
}

inline take_p(q)
{
	if
	:: idle[0] -> q = 0; idle[0] = false
	:: !idle[0] && idle[1] -> q = 1; idle[1] = false
	:: else -> q = NP
	fi
}

/* CAS from `seen`; q is given to an M or made idle. */
inline retake(q, seen, ok)
{
#ifdef MUTANT_RETAKE_TEST_AND_STORE
	ok = (status[q] == seen);
	if
	:: ok -> status[q] = IDLE; blocked++; p_m[q] = NOBODY
	:: else
	fi;
#else
	atomic {
		ok = (status[q] == seen);
		if
		:: ok -> status[q] = IDLE; blocked++; p_m[q] = NOBODY
		:: else
		fi
	};
#endif
	if
	:: ok -> /* gr__handoff */
		atomic {
			if
			:: ring[q] + global > 0 && asleep[0] -> asleep[0] = false; next_p[0] = q
			:: ring[q] + global > 0 && asleep[1] -> asleep[1] = false; next_p[1] = q
			:: ring[q] + global > 0 && asleep[2] -> asleep[2] = false; next_p[2] = q
			:: ring[q] + global == 0 -> assert(sb[q] == 0 && !idle[q]); idle[q] = true
			fi
		}
	:: else
	fi;
	ok = false
}

proctype M(byte m)
{
	byte p = m, q, seen;
	bool ok;

	if
	:: p == NP -> goto sleep
	:: else
	fi;
	use(m, p);
the_g:
	if
	:: atomic { born < GS -> born++; sb[p]++ }; goto the_g
	:: atomic { calls < CALLS -> calls++ }
	:: d_step { ended++ }; goto find
	fi;
	/* enter */
#ifndef MUTANT_RELAXED_ENTER
	sb[p] == 0;
#endif
	atomic { user[p] = false; status[p] = IN_CALL(m) };
	if
	:: retake(p, IN_CALL(m), ok) /* gr_syscall_enter_blocking */
	:: skip
	fi;
	/* exit */
#ifdef MUTANT_EXIT_TEST_AND_STORE
	ok = (status[p] == IN_CALL(m));
	if
	:: ok -> status[p] = RUNNING
	:: else
	fi;
#else
	atomic {
		ok = (status[p] == IN_CALL(m));
		if
		:: ok -> status[p] = RUNNING
		:: else
		fi
	};
#endif
	if
	:: ok -> ok = false; assert(p_m[p] == m); use(m, p); goto the_g
	:: else
	fi;
	/* exit_slow */
	atomic {
		blocked--;
#ifdef MUTANT_NO_OLD_CHECK
		idle[p] = false
#else
		if
		:: idle[p] -> idle[p] = false
		:: else -> take_p(p)
		fi
#endif
#ifdef BACK /* see_call */
		if
		:: p == NP && status[0] > RUNNING -> q = 0; seen = status[0]
		:: p == NP && status[1] > RUNNING -> q = 1; seen = status[1]
		:: p < NP || (status[0] <= RUNNING && status[1] <= RUNNING) -> q = NP
		fi
#endif
	};
	if
	:: p < NP -> use(m, p); goto the_g
	:: else
	fi;
#ifdef BACK
	if
	:: q == NP -> goto finish_syscall
	:: else
	fi;
	/* take_call_locked */
#ifdef MUTANT_BACK_TEST_AND_STORE
	ok = (status[q] == seen);
#endif
	atomic {
		take_p(p);
#ifndef MUTANT_BACK_TEST_AND_STORE
		ok = (status[q] == seen);
#endif
		if
		:: p == NP && ok ->
			p = q; status[p] = IDLE; p_m[p] = NOBODY
#ifndef MUTANT_BACK_UNCOUNTED
			; blocked++
#endif
		:: else -> ok = false
		fi;
		q = 0; seen = 0
	};
	if
	:: p < NP && !ok -> use(m, p); goto the_g
	:: p < NP && ok -> ok = false; use(m, p);
		if
		:: sb[p] > 0 || ring[p] + global > 0 -> sb[p]++; goto find /* gr_yield */
		:: else -> goto the_g
		fi
	:: else
	fi;
finish_syscall:
#endif
	/* on g0 */
	atomic {
		take_p(p);
		if
		:: p == NP -> global++
		:: else
		fi
	};
	if
	:: p < NP -> use(m, p); sb[p]++; goto find
	:: else -> goto sleep
	fi;
find:
	if
	:: atomic { sb[p] == 0 && ring[p] > 0 -> ring[p]-- }; goto the_g
	:: sb[p] == 0 && ring[p] == 0
	fi;
	atomic {
		if
		:: global > 0 -> global--; goto the_g
		:: else -> user[p] = false; p_m[p] = NOBODY; status[p] = IDLE; idle[p] = true; p = NP
		fi
	};
sleep:
	asleep[m] = true;
end_sleep:
	atomic { next_p[m] < NP -> p = next_p[m]; next_p[m] = NP };
	use(m, p);
	goto find
}

proctype sysmon()
{
	byte q, seen;
	bool ok;

end:
	do
	:: atomic {
		if
		:: status[0] > RUNNING -> q = 0
		:: status[1] > RUNNING -> q = 1
		fi;
		seen = status[q]
	   };
	   retake(q, seen, ok);
	   q = 0; seen = 0
	od
}

proctype memory()
{
end:
	do
	:: atomic { sb[0] > 0 -> ring[0] = ring[0] + sb[0]; sb[0] = 0 }
	:: atomic { sb[1] > 0 -> ring[1] = ring[1] + sb[1]; sb[1] = 0 }
	od
}

init {
	byte i;

	atomic {
		for (i : 0 .. NM - 1) {
			next_p[i] = NP
		};
		p_m[0] = NOBODY; p_m[1] = NOBODY;
		run M(0); run M(1); run M(2); run sysmon(); run memory()
	};
	timeout;
	assert(ended == born && ring[0] + ring[1] + global == 0 && blocked == 0);
	assert(idle[0] && idle[1] && asleep[0] && asleep[1] && asleep[2])
}
