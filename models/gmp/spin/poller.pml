/*
 * poller.pml - who waits for the timers: a deadline that is set against the M that blocks in the poller.
 *
 * Property. When nothing can move any more and a P is idle, no timer is set: the poller knew of it (and then it comes
 * due), or somebody has told the poller, or has become the poller. With all Ps at work they look by time themselves.
 *
 * Model and code (src/):
 *   run            a G of M m: others fall asleep meanwhile (timer.c gr_sleep_ns), it calls, ends, or computes for ever
 *   look_after     proc.c gr__look_after_waiter, after the switch away from the one that fell asleep
 *   block          find.c block_in_poller: become the poller, or break it if it does not know of a timer
 *   handoff        find.c gr__handoff, for a call that lasts: at most LASTING calls never return
 *   sleep          gr__find_runnable before gr__stop_m_unlock: is_poller_missing_locked, which matters,
 *                  and is modelled, where Ms run short (FEW_MS)
 *   sysmon         gr__poll_outside, once: waits as an M does, but its time is up at some moment
 *   changer        procs.c stop_world, change, start_world, as far as Ps are idle or become it; gr__timers_move: for a
 *                  moment a timer is on neither heap. Once
 *   break_poller   netpoll_epoll.c gr__netpoll_break, take_break: the eventfd and break_sent
 *
 * Two Ps without calls; with -DFEW_MS there are no more Ms than Ps, and a P for which none sleeps is given up; with
 * -DCALLER one P and calls; with -DCHANGER the world stops meanwhile. There is always somebody who waits for I/O, which
 * never comes: so an idle M always wants to be the poller. One deadline T is enough; `until` is T or NEVER. That T
 * passes is a step that can be made whenever somebody waits for it.
 *
 * Memory. A timer that has just been set is in the M's store buffer (sb) until `memory` or a fence drains it; the
 * poller's missing fence is modelled by its looking at the timers early. Sections under sched.lock, and atomic
 * operations, are single steps.
 *
 * Left out: spinning and the rings (wake.pml; here the publisher's wake-up wakes one M for an idle P), which P's heap
 * the timer is in, and what sysmon would repair.
 *
 * Mutants: NO_FENCE_WAITER, NO_FENCE_POLLER (either StoreLoad), NO_BREAK_WAITER, NO_BREAK_IDLE, NO_BREAK_HANDOFF (who
 * finds that the poller does not know does not tell it), RESET_FIRST (break_sent is reset before the eventfd is
 * read), NO_LAST_LOOK (an M that saw a poller goes to sleep though that one has left the role since), NO_WAKE (nobody
 * is woken when the world goes on, although those who were to poll had no idle P to do it for).
 */
#ifdef CALLER
#define NP 1
#define NM 4 /* one runs, one polls, one is in a lasting call, one is left to be woken */
#define CALLS 2
#define TIMERS 2
#elif defined(CHANGER)
#define NP 2
#define NM 3
#define CALLS 0
#define TIMERS 1
#elif defined(FEW_MS)
#define NP 2
#define NM 2
#define CALLS 0
#define TIMERS 2
#else
#define NP 2
#define NM 3
#define CALLS 0
#define TIMERS 2
#endif
#define LASTING 1

#ifdef CHANGER
bool world, stopped[NP], moving;
#endif
byte n_idle, set, calls, lasting, next_p[NM];
bool idle[NP], asleep[NM], timer, sb[NM], poller, until_t;
#if defined(CALLER) || defined(FEW_MS) || defined(CHANGER)
bool eventfd, break_sent;
#else
bool eventfd = true, break_sent = true; /* a break that met nobody is left */
#endif

#ifdef MUTANT_NO_FENCE_WAITER
#define FENCE(m) skip
#else
#define FENCE(m) !sb[m]
#endif

inline take_p(q)
{
	if
	:: idle[0] -> q = 0; idle[0] = false; n_idle--
#if NP > 1
	:: !idle[0] && idle[1] -> q = 1; idle[1] = false; n_idle--
#endif
	:: else -> q = NP
	fi
}

inline break_poller()
{
	if
	:: atomic { !break_sent -> break_sent = true }; eventfd = true
	:: break_sent
	fi
}

/* gr__start_m_unlock. Where no M sleeps, q waits for one that does: a new M does the same; or it is given up. */
inline start_m(q)
{
	if
	:: atomic { asleep[0] -> asleep[0] = false; next_p[0] = q }
	:: atomic { asleep[1] -> asleep[1] = false; next_p[1] = q }
#if NM > 2
	:: atomic { asleep[2] -> asleep[2] = false; next_p[2] = q }
#endif
#if NM > 3
	:: atomic { asleep[3] -> asleep[3] = false; next_p[3] = q }
#endif
#ifdef FEW_MS
	:: atomic { !asleep[0] && !asleep[1] -> idle[q] = true; n_idle++ };
		if
		:: poller -> break_poller()
		:: else
		fi
#endif
	fi;
	q = NP
}

proctype M(byte m)
{
	byte p = m, q = NP;
	bool early;

	if
	:: p >= NP -> p = NP; goto sleep
	:: else
	fi;
run_g:
	if
	:: atomic { set < TIMERS -> set++ }; sb[m] = true; goto look_after
	:: atomic { calls < CALLS -> calls++ }; goto call
	:: goto go_idle
	:: goto end_computing
	fi;
look_after:
	FENCE(m);
	if
	:: n_idle == 0
	:: else ->
		if
		:: !poller ->
			atomic { take_p(q) };
			if
			:: q < NP -> start_m(q)
			:: else
			fi
		:: else ->
#ifndef MUTANT_NO_BREAK_WAITER
			if
			:: !until_t -> break_poller()
			:: else
			fi
#else
			skip
#endif
		fi
	fi;
	goto run_g;
call: /* the P is taken and handed off */
	!sb[m];
	atomic {
		if
		:: poller -> idle[p] = true; n_idle++; q = NP
		:: else -> q = p
		fi;
		p = NP
	};
	if
	:: q < NP -> start_m(q)
	:: else ->
#ifndef MUTANT_NO_BREAK_HANDOFF
		if
		:: poller && timer && !until_t -> break_poller()
		:: else
		fi
#else
		skip
#endif
	fi;
	if
	:: atomic { lasting < LASTING -> lasting++ }; goto end_lasting
	:: skip
	fi;
	atomic { take_p(p) }; /* exit_slow; without a P the G goes to the global queue: not followed here */
	if
	:: p < NP -> goto run_g
	:: else -> goto sleep
	fi;
go_idle:
	atomic {
		!sb[m];
		if
#ifdef CHANGER
		:: world -> stopped[p] = true
#endif
		:: else -> idle[p] = true; n_idle++
		fi;
		p = NP
	};
block:
#ifdef MUTANT_NO_FENCE_POLLER
	early = timer;
#endif
	if
	:: atomic { !poller -> poller = true };
		until_t = false;
#ifndef MUTANT_NO_FENCE_POLLER
		early = timer;
#endif
		atomic { until_t = early; early = false };
end_polling:
		if
		:: until_t /* T has come */
		:: eventfd ->
#ifdef MUTANT_RESET_FIRST
			break_sent = false; eventfd = false
#else
			eventfd = false; break_sent = false
#endif
		fi;
		atomic { take_p(p); poller = false };
		if
		:: p < NP -> goto find
		:: else -> goto sleep
		fi
	:: poller ->
#ifndef MUTANT_NO_BREAK_IDLE
		if
		:: timer && !until_t -> break_poller()
		:: else
		fi
#endif
	fi;
	early = false;
sleep:
	atomic {
		if
#if defined(FEW_MS) && !defined(MUTANT_NO_LAST_LOOK)
		:: n_idle > 0 && !poller -> goto block
#endif
		:: else -> asleep[m] = true
		fi
	};
end_sleep:
	atomic { next_p[m] < NP -> p = next_p[m]; next_p[m] = NP };
find:
	if
	:: atomic { timer -> timer = false }; goto run_g /* run_timers: as if it were due; if not, `until` is seen to */
	:: skip
	fi;
	goto go_idle;
end_lasting: end_computing:
	false
}

proctype sysmon() /* gr__poll_outside */
{
	byte q = NP;
	bool early;

end:
	atomic { !poller -> poller = true };
	until_t = false;
	early = timer;
	atomic { until_t = early; early = false };
	if
	:: eventfd -> eventfd = false; break_sent = false
	:: true /* the tick is over, or T has come */
	fi;
	poller = false;
	if
	:: n_idle > 0 ->
		atomic { take_p(q) };
		if
		:: q < NP -> start_m(q)
		:: else
		fi
	:: else
	fi
}

#ifdef CHANGER
proctype changer()
{
	byte q = NP;

	atomic {
		world = true;
		stopped[0] = idle[0]; stopped[1] = idle[1]; idle[0] = false; idle[1] = false; n_idle = 0
	};
	atomic { moving = timer; timer = false };
	atomic { timer = timer || moving; moving = false };
	atomic {
		world = false;
		idle[0] = stopped[0]; idle[1] = stopped[1]; n_idle = idle[0] + idle[1];
		stopped[0] = false; stopped[1] = false
	};
#ifndef MUTANT_NO_WAKE
	if
	:: n_idle > 0 ->
		atomic { take_p(q) };
		if
		:: q < NP -> start_m(q)
		:: else
		fi
	:: else
	fi
#endif
}
#endif

proctype memory()
{
end:
	do
	:: atomic { sb[0] -> timer = true; sb[0] = false }
	:: atomic { sb[1] -> timer = true; sb[1] = false }
#if NM > 2
	:: atomic { sb[2] -> timer = true; sb[2] = false }
#endif
#if NM > 3
	:: atomic { sb[3] -> timer = true; sb[3] = false }
#endif
	od
}

init {
	byte i;

	atomic {
		for (i : 0 .. NM - 1) {
			next_p[i] = NP
		};
		run M(0); run M(1);
#if NM > 2
		run M(2);
#endif
#if NM > 3
		run M(3);
#endif
#ifdef FEW_MS
		run sysmon();
#endif
#ifdef CHANGER
		run changer();
#endif
		run memory()
	};
	timeout;
	assert(n_idle == 0 || !timer)
}
