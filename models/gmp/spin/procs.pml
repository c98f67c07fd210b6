/*
 * procs.pml - the number of Ps changes: the world stops, wherever its Ps are, and goes on.
 *
 * Property. The number is changed only when no other M holds a P, none is on its way between two Ms, and none is on the
 * idle list (W1, W2). A stop ends. A P is used by one M at a time and none is lost; one that is out of use has nothing
 * to do (W3). What has been queued stays runnable: in the end no P is idle while there is work for it.
 *
 * Model and code (src/):
 *   stop, change, start  procs.c stop_world, take_from_calls, change, start_world; by a G of any M, to one P or two
 *   find                 find.c find_with_p: the answer to a call for attention, procs.c gr__stop_with_world, queues
 *   go_idle, put_idle    find.c go_idle; m.c gr__pidle_put_locked
 *   call                 syscall.c, as in handoff.pml: enter, exit, exit_slow, proc.c gr__finish_syscall. At most one
 *                        call never returns
 *   sysmon               gr__retake with a status that it has read at any time before; then gr__handoff. Between
 *                        the two the P is in its hands. Once, or never
 *   stopper              m.c gr_stop: all Ms have to end, but in a call
 *
 * Two Ps, three Ms, two changes and a call; with -DWORK one change and one more G; with -DSTOP one change, the stopper
 * and no sysmon. A change may find no memory and change nothing. Each P has been called for attention before, by
 * whoever. A G that yields, yields until it is called for attention: nothing else happens while it does. The caller
 * looks again only when a P is in a call: an M that has not heard its call for attention is not called twice, and
 * sysmon need not come.
 *
 * Memory. That a P has been called is cleared in the store buffer of its M (sb_clear); that the world stops is seen by
 * who takes sched.lock afterwards, and by others when the store buffer (sb_world) has been drained. `memory` or a fence
 * does. Sections under sched.lock and atomic operations are single steps.
 *
 * Left out: spinning, stealing, and the poller (a waker wakes one M for one idle P); Ms that cannot be made, so that
 * where no M sleeps a P waits for one that does; timers and caches, which go where the ring goes.
 *
 * Mutants: NO_FENCE_CALLER, NO_FENCE_M (either StoreLoad), NO_LOOK_AGAIN (calls that begin later are not looked at),
 * TEST_AND_STORE (the taking of a P in a call), IDLE_ANYWAY (a P that becomes idle does so while the world stops),
 * NO_DRAIN (what a P has that goes out of use is not moved), NO_WAKE (nobody is woken for the global queue at the
 * restart), DEAF (gr_stop is not looked at while waiting).
 */
#define NP 2
#define NM 3
#define NOBODY NP
#if defined(WORK) || defined(STOP)
#define CHANGES 1
#else
#define CHANGES 2
#endif
#ifdef WORK
#define GS 1 /* besides those that run at first */
#else
#define GS 0
#endif
#define CALLS 1
#define IDLE 0
#define RUNNING 1
#define STOPPED 2
#define IN_CALL(m) (3 + m)

byte status[NP], ring[NP], global, nprocs = NP, next_p[NM];
byte calls, lasting, born, ended, changes, n_to_stop, gone;
bool user[NP]; /* an M is using the P: holds it and is not in a call */
bool idle[NP], asleep[NM], attention[NP], sb_clear[NP], world, sb_world, changing, stopping;

#ifdef MUTANT_NO_FENCE_CALLER
#define FENCE_CALLER skip
#else
#define FENCE_CALLER !sb_world
#endif
#ifdef MUTANT_NO_FENCE_M
#define FENCE_M skip
#else
#define FENCE_M !sb_clear[p]
#endif

inline use(q)
{
	d_step { assert(!user[q] && !idle[q]); user[q] = true; status[q] = RUNNING } /* gr__acquire_p */
}

/* These under the lock. */
inline take_p(q)
{
	if
	:: idle[0] -> q = 0; idle[0] = false
	:: !idle[0] && idle[1] -> q = 1; idle[1] = false
	:: else -> q = NOBODY
	fi
}

inline p_stopped(q)
{
	assert(world && n_to_stop > 0 && q < nprocs && !idle[q]);
	status[q] = STOPPED; user[q] = false; n_to_stop--
}

inline put_idle(q)
{
	if
#ifndef MUTANT_IDLE_ANYWAY
	:: world -> p_stopped(q)
#endif
	:: else -> user[q] = false; status[q] = IDLE; idle[q] = true
	fi
}

inline start_m(q)
{
	if
	:: asleep[0] -> asleep[0] = false; next_p[0] = q
	:: asleep[1] -> asleep[1] = false; next_p[1] = q
	:: asleep[2] -> asleep[2] = false; next_p[2] = q
#ifdef STOP
	:: stopping && !asleep[0] && !asleep[1] && !asleep[2] -> /* give_up_p */
		global = global + ring[q]; ring[q] = 0; idle[q] = true
#endif
	fi
}

proctype M(byte m)
{
	byte p = m, q, seen;

	if
	:: p == NOBODY -> goto sleep
	:: else -> use(p)
	fi;
run_g:
	if
	:: atomic { born < GS -> born++; ring[p]++ }; goto run_g
	:: atomic { calls < CALLS -> calls++ }; goto call
	:: atomic { changes < CHANGES && !changing -> changing = true; changes++ }; goto stop
	:: ended++; goto find
	:: goto end_yielding
	fi;
end_yielding:
	atomic { attention[p] && !sb_clear[p] || stopping -> ring[p]++ };
find:
	if
	:: stopping -> goto end_of_m
	:: !stopping && attention[p] && !sb_clear[p] ->
		sb_clear[p] = true; /* 1 */
		FENCE_M; /* 2 */
		if
		:: stopping -> goto end_of_m
		:: !stopping && world && !sb_world -> /* 3: gr__stop_with_world */
			atomic {
				!sb_clear[p];
				if
				:: world -> p_stopped(p); p = NOBODY; goto sleep
				:: else
				fi
			}
		:: else
		fi
	:: else
	fi;
	if
	:: atomic { ring[p] > 0 -> ring[p]-- }; goto run_g
	:: ring[p] == 0
	fi;
	atomic {
		!sb_clear[p];
		if
		:: global > 0 -> global--; goto run_g
		:: else -> put_idle(p); p = NOBODY /* go_idle */
		fi
	};
sleep:
	atomic {
		if
		:: stopping -> goto end_of_m
		:: !stopping && global > 0 -> take_p(p)
		:: else
		fi;
		if
		:: p == NOBODY -> asleep[m] = true
		:: else -> goto got_p
		fi
	};
end_sleep:
	atomic { !asleep[m] -> p = next_p[m]; next_p[m] = NOBODY };
	if
	:: p == NOBODY -> goto end_of_m
	:: else
	fi;
got_p:
	use(p);
	goto find;
call: /* enter */
	atomic { !sb_clear[p] -> user[p] = false; status[p] = IN_CALL(m) };
	if
	:: atomic { lasting == 0 -> lasting++ }; goto end_lasting
	:: skip
	fi;
	atomic { /* exit */
		if
		:: status[p] == IN_CALL(m) -> use(p); goto run_g
		:: else
		fi
	};
	atomic { /* exit_slow */
		if
		:: stopping -> p = NOBODY
		:: !stopping && idle[p] -> idle[p] = false
		:: else -> take_p(p)
		fi
	};
	if
	:: p < NP -> use(p); goto run_g
	:: else
	fi;
	atomic { /* finish_syscall */
		take_p(p);
		if
		:: p == NOBODY -> global++; goto sleep
		:: else
		fi
	};
	use(p);
	ring[p]++;
	goto find;
stop: /* stop_world; q is the other P from here on */
	q = 1 - p;
	atomic {
		n_to_stop = nprocs; world = true; sb_world = true;
		if
		:: idle[q] -> idle[q] = false; p_stopped(q)
		:: else
		fi;
		n_to_stop--;
		if
		:: n_to_stop == 0 -> goto stopped
		:: else
		fi
	};
	if
	:: stopping -> goto restart
	:: else
	fi;
	FENCE_CALLER;
	attention[q] = true;
look: /* take_from_calls */
	seen = status[q];
	if
	:: seen >= IN_CALL(0) ->
#ifdef MUTANT_TEST_AND_STORE
		if
		:: status[q] == seen -> atomic { p_stopped(q) }
		:: else
		fi
#else
		atomic {
			if
			:: status[q] == seen -> p_stopped(q)
			:: else
			fi
		}
#endif
	:: else
	fi;
	seen = 0;
	if
	:: n_to_stop == 0
#ifndef MUTANT_NO_LOOK_AGAIN
	:: status[q] >= IN_CALL(0) -> goto look
#endif
#ifndef MUTANT_DEAF
	:: stopping -> goto restart
#endif
	fi;
stopped: /* change */
	assert(!user[q] && status[q] == STOPPED && !idle[q]);
	assert(next_p[0] != q && next_p[1] != q && next_p[2] != q);
	if
	:: nprocs == 1 -> assert(ring[1] == 0); nprocs = 2
	:: nprocs == 2 -> skip /* -ENOMEM */
	:: nprocs == 2 ->
#ifndef MUTANT_NO_DRAIN
		atomic { global = global + ring[1]; ring[1] = 0 };
#endif
		if
		:: p == 1 -> d_step { user[1] = false; status[1] = STOPPED; attention[1] = false }; p = 0; q = 1; use(p)
		:: else
		fi;
		nprocs = 1
	fi;
restart: /* start_world */
	atomic {
		world = false; sb_world = false;
		if
		:: q < nprocs && status[q] == STOPPED ->
			if
			:: ring[q] == 0 -> put_idle(q); q = NOBODY
			:: else -> status[q] = IDLE
			fi
		:: else -> q = NOBODY
		fi
	};
	if
	:: q < NP -> atomic { start_m(q) }
	:: else
	fi;
#ifndef MUTANT_NO_WAKE
	atomic { /* wake_p */
		take_p(q);
		if
		:: q < NP -> start_m(q)
		:: else
		fi
	};
#endif
	q = 0;
	atomic { changing = false; ring[p]++ };
	goto find;
end_lasting:
	false;
end_of_m:
	gone++
}

proctype sysmon()
{
	byte q, seen;

end:
	atomic {
		if
		:: status[0] >= IN_CALL(0) -> q = 0
		:: status[1] >= IN_CALL(0) -> q = 1
		:: goto end_of_it
		fi;
		seen = status[q]
	};
	atomic {
		if
		:: status[q] == seen -> status[q] = IDLE
		:: else -> goto end_of_it
		fi
	};
	atomic { /* gr__handoff */
		if
		:: ring[q] + global > 0 -> start_m(q)
		:: else -> put_idle(q)
		fi
	};
end_of_it:
	skip
}

#ifdef STOP
proctype stopper()
{
	stopping = true;
	attention[0] = true; attention[1] = true; /* again and again, in join_all: so end_yielding looks at stopping */
	d_step { asleep[0] = false; asleep[1] = false; asleep[2] = false } /* wake_idle_ms */
}
#endif

proctype memory()
{
end:
	do
	:: atomic { sb_clear[0] -> attention[0] = false; sb_clear[0] = false }
	:: atomic { sb_clear[1] -> attention[1] = false; sb_clear[1] = false }
	:: sb_world -> sb_world = false
	od
}

init {
	atomic {
		next_p[0] = NOBODY; next_p[1] = NOBODY; next_p[2] = NOBODY;
		attention[0] = true; attention[1] = true;
#ifdef STOP
		run stopper();
#endif
		#ifndef STOP
		run sysmon();
#endif
		run M(0); run M(1); run M(2); run memory()
	};
	timeout;
#ifdef STOP
	assert(gone + lasting == NM)
#else
	assert(!changing && !world);
	assert(idle[0] + user[0] + (status[0] >= IN_CALL(0)) == 1);
	assert(nprocs == 2 && idle[1] + user[1] + (status[1] >= IN_CALL(0)) == 1 ||
	       nprocs == 1 && status[1] == STOPPED && !user[1] && !idle[1]);
	assert(!idle[0] || ring[0] == 0);
	assert(status[1] != STOPPED && !idle[1] || ring[1] == 0);
	assert(!idle[0] && !idle[1] || global == 0);
	assert(ring[0] + ring[1] + global + user[0] + user[1] + ended + lasting == 2 + born)
#endif
}
