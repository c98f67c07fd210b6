/*
 * wake.pml - publishing work against going idle: no wake-up is lost.
 *
 * Property. When nothing can move any more, there is no work in a ring or on the global queue while a P is idle; no M
 * is counted as spinning; every P and every G is accounted for. (An idle P implies an M that sleeps: the others hold
 * Ps.)
 *
 * Model and code (src/):
 *   wake_p          proc.c gr__wake_p, gr__wake_p_slow; switch.h gr__wake_if_idle; m.c gr__start_m_unlock, give_up_p
 *   run_g           a G that ends, or publishes another one (proc.c queue_next; g.c publish), or computes for ever
 *   find, found     find.c find_with_p, steal, found_work; runq.c gr__global_get, gr__runq_steal; nursery.c
 *                   gr__spill_get, gr__nursery_steal
 *   go_idle, look   find.c go_idle, is_work_published; the step lists are in proc.c
 *   last_look       find.c gr__find_runnable before gr__stop_m_unlock
 *   back            syscall.c exit_slow, proc.c gr__finish_syscall: an M that comes for an idle P unasked
 *   injector        proc.c gr__inject from a thread that is no M
 *
 * Configurations: two Ps and two Ms that both run a G, GS more Gs, an injector. With -DFEW_MS there can be no more Ms,
 * and a P for which none sleeps is given up; otherwise it waits for one that comes to sleep, as a new M does the same
 * as that one. With -DCALLER a third M comes back from a call instead of the injector. With -DNURSERY all is the same
 * with births: `ring` is the nursery, `global` the spill, one chunk of it. The newest of a nursery is not offered: who
 * puts it there alone tells nobody, who looks does not count it, who steals leaves it (or finds its owner stuck). In
 * the end it may be there while a P is idle: its owner comes to it, or sysmon sees to it.
 *
 * Memory. A put into a ring stays in the M's store buffer (sb) until the process `memory` or a fence drains it; one
 * into a nursery is a locked operation, but for what has been stolen. The idle side's missing fence is modelled by its
 * looking early, which is what a CPU does then. Atomic operations and sections under sched.lock are single steps: each
 * changes at most one thing that is read without the lock. `lk` is the lock where a section reads what the lock does
 * not protect.
 *
 * Left out: runnext and a yielding G's own re-queueing (sysmon looks after both), yields, Ms that exit, timers and I/O
 * (poller.pml), and sysmon: what it would repair is not to need repair here.
 *
 * Mutants: NO_FENCE_PUBLISHER, NO_FENCE_IDLE (one StoreLoad each), NO_RECHECK (no step 3 of the idle side),
 * TEST_AND_SET (the CAS of `spinning`), PHANTOM (a waker that found no P counts as spinning after it has let go of the
 * lock, though it will not look: who publishes meanwhile relies on it), BATCH (what an M that does not spin takes from
 * the global queue is for a moment in no queue, because it reaches the ring after the lock is free), GLOBAL_ONLY (the
 * last look before the sleep is at the global queue only, although a waker may have given up for want of a sleeping
 * M), UNTOLD (the birth that makes two of one in a nursery is not told).
 */
#define NP 2
#ifdef CALLER
#define NM 3
#define GS 1 /* besides those that run at first */
#elif defined(NURSERY)
#define NM 2
#define GS 5
#define SLOTS 2
#else
#define NM 2
#define GS 2
#endif

byte ring[NP], sb[NM + 1], global, n_idle, spinning, born, done;
byte holds[NM], next_p[NM];
bool idle[NP], asleep[NM], next_spin[NM], lk;

#ifdef MUTANT_NO_FENCE_PUBLISHER
#define FENCE(i) skip
#else
#define FENCE(i) sb[i] == 0
#endif

#ifdef NURSERY
#define OFFERED(p) (ring[p] > 1)
#else
#define OFFERED(p) (ring[p] > 0)
#endif

#ifdef CALLER
#define ANY_ASLEEP (asleep[0] || asleep[1] || asleep[2])
#else
#define ANY_ASLEEP (asleep[0] || asleep[1])
#endif

/* An idle P into q, or NP. Under the lock. */
inline take_p(q)
{
	if
	:: idle[0] -> q = 0; idle[0] = false; n_idle--
	:: !idle[0] && idle[1] -> q = 1; idle[1] = false; n_idle--
	:: else -> q = NP
	fi
}

/* Have an idle M run P q. Under the lock. The order of idle Ms does not matter. */
inline start_m(q, spin)
{
	if
	:: asleep[0] -> asleep[0] = false; next_spin[0] = spin; next_p[0] = q; q = NP
	:: asleep[1] -> asleep[1] = false; next_spin[1] = spin; next_p[1] = q; q = NP
#ifdef CALLER
	:: asleep[2] -> asleep[2] = false; next_spin[2] = spin; next_p[2] = q; q = NP
#endif
	:: else
	fi
}

inline wake_p(i, q)
{
	FENCE(i); /* step 2 */
	wake_if_idle(i, q)
}

inline wake_if_idle(i, q)
{
	if
	:: n_idle == 0 /* step 3 */
	:: else ->
		if
#ifdef MUTANT_TEST_AND_SET
		:: spinning == 0 -> spinning = 1;
#else
		:: atomic { spinning == 0 -> spinning = 1 };
#endif
			atomic {
				!lk;
				take_p(q);
				if
				:: q < NP -> start_m(q, true)
#ifdef MUTANT_PHANTOM
				:: else -> q = NP + 1
#else
				:: else -> spinning--
#endif
				fi
			};
#ifdef MUTANT_PHANTOM
			if
			:: q == NP + 1 -> spinning--; q = NP
			:: else
			fi;
#endif
			if
			:: q < NP -> /* no M sleeps */
#ifdef FEW_MS
				atomic { /* and there can be no other: give_up_p */
					!lk;
					start_m(q, true);
					if
					:: q < NP ->
						global = global + ring[q]; ring[q] = 0;
						idle[q] = true; n_idle++; q = NP;
						spinning--
					:: else
					fi
				}
#else
				/* A new one does what one does that has just gone to sleep. */
				atomic { !lk && ANY_ASLEEP; start_m(q, true) }
#endif
			:: else
			fi
		:: spinning != 0
		fi
	fi
}

/* Step 3 of the idle side: w, is there work? Three reads at three moments. */
inline look(w)
{
	w = (global > 0);
	w = w || OFFERED(0);
	w = w || OFFERED(1)
}

proctype M(byte i)
{
	byte p, q = NP, k;
	bool spin, w;

	p = holds[i];
	if
	:: p == NP -> goto back
	:: else
	fi;
run_g:
	do
#ifdef NURSERY
	:: atomic { born < GS -> born++ };
		if
		:: ring[p] == SLOTS -> /* the older half goes to the spill */
			atomic { !lk && sb[i] == 0 -> lk = true; k = (ring[p] == SLOTS -> SLOTS / 2 : 0); ring[p] = ring[p] - k };
			atomic { global = global + k; k = 0; lk = false }
		:: else
		fi;
#ifdef MUTANT_NO_FENCE_PUBLISHER
		d_step { sb[i]++; k = ring[p] + sb[i] };
#else
		d_step { ring[p]++; k = ring[p] }; /* steps 1 and 2 */
#endif
		if
#ifdef MUTANT_UNTOLD
		:: k > 2 -> k = 0; wake_if_idle(i, q)
#else
		:: k > 1 -> k = 0; wake_if_idle(i, q)
#endif
		:: else -> k = 0
		fi
#else
	:: atomic { born < GS -> born++ }; sb[i] = 1; wake_p(i, q) /* step 1, then the others */
#endif
	:: goto end_of_g
	:: goto end_computing
	od;
end_of_g:
	done++;
find: /* the M's own puts are drained: it sees them in any case */
	if
	:: atomic { sb[i] == 0 && ring[p] > 0 -> ring[p]-- }; goto found
	:: sb[i] == 0 && ring[p] == 0
	fi;
	atomic {
		!lk;
#ifdef NURSERY
		k = global; /* one chunk */
#else
		k = (global > 0 -> global / NP + 1 : 0);
#endif
		if
		:: k > global -> k = global
		:: else
		fi;
		global = global - k
#ifndef MUTANT_BATCH
		; ring[p] = ring[p] + (k > 0 -> k - 1 : 0)
#endif
	};
	if
	:: k > 0 ->
#ifdef MUTANT_BATCH
		sb[i] = k - 1;
#endif
		k = 0; goto found
	:: else
	fi;
	if
	:: !spin ->
		if
		:: 2 * spinning >= NP - n_idle -> goto go_idle
		:: else -> d_step { spin = true; spinning++ }
		fi
	:: else
	fi;
	if
	:: !idle[1 - p] ->
		atomic {
			k = ring[1 - p];
#ifdef NURSERY
			if
			:: k == 1 -> k = 0
			:: k > 0 /* one alone only if its owner seems to be stuck */
			:: k == 0
			fi;
#endif
			k = k - k / 2; ring[1 - p] = ring[1 - p] - k
		};
		if
		:: d_step { k > 0 -> sb[i] = k - 1; k = 0 }; goto found
		:: else
		fi
	:: else
	fi;
go_idle:
#ifdef MUTANT_NO_FENCE_IDLE
	look(w);
#endif
	atomic {
		!lk;
		if
		:: global > 0 -> goto find
		:: else -> idle[p] = true; n_idle++; p = NP; holds[i] = NP /* step 1 */
		fi
	};
	if
	:: spin -> d_step { spin = false; assert(spinning > 0); spinning-- }
	:: else
	fi;
#ifdef MUTANT_NO_RECHECK
	w = false;
#endif
#if !defined(MUTANT_NO_FENCE_IDLE) && !defined(MUTANT_NO_RECHECK)
	look(w);
#endif
	if
	:: !w -> goto last_look
	:: else
	fi;
	atomic { !lk; take_p(p); holds[i] = p };
	if
	:: p == NP -> goto last_look
	:: else
	fi;
	atomic { w = false; spin = true; spinning++ };
	goto find;
last_look:
	atomic { !lk -> lk = true };
#if defined(FEW_MS) && !defined(MUTANT_GLOBAL_ONLY)
	look(w);
#else
	w = (global > 0);
#endif
	atomic {
		lk = false;
		if
		:: w -> take_p(p); holds[i] = p
		:: else
		fi;
		if
		:: p < NP -> w = false; goto find
		:: else -> asleep[i] = true; w = false
		fi
	};
end_wait:
	atomic {
		next_p[i] < NP -> p = next_p[i]; holds[i] = p; next_p[i] = NP;
		spin = next_spin[i]; next_spin[i] = false
	};
	goto find;
found:
	if
	:: spin ->
		d_step { spin = false; assert(spinning > 0); spinning-- };
		wake_p(i, q) /* the next one may look for more */
	:: else
	fi;
	goto run_g;
back: /* from a call, without a P */
	p = NP;
	atomic { !lk; take_p(p); holds[i] = p };
	if
	:: p < NP -> goto run_g
	:: else
	fi;
	atomic {
		!lk;
		take_p(p); holds[i] = p;
		if
		:: p == NP -> global++; goto last_look
		:: else -> ring[p]++; goto find
		fi
	};
end_computing:
	false
}

proctype injector()
{
	byte q = NP;

end:
	do
	:: atomic { born < GS -> born++ }; atomic { !lk; global++ }; wake_p(NM, q)
	od
}

proctype memory()
{
end:
	do
	:: atomic { sb[0] > 0 -> ring[holds[0]] = ring[holds[0]] + sb[0]; sb[0] = 0 }
	:: atomic { sb[1] > 0 -> ring[holds[1]] = ring[holds[1]] + sb[1]; sb[1] = 0 }
#ifdef CALLER
	:: atomic { sb[2] > 0 -> ring[holds[2]] = ring[holds[2]] + sb[2]; sb[2] = 0 }
#endif
	od
}

init {
	byte computing, i;

	atomic {
		holds[0] = 0; holds[1] = 1;
#ifdef CALLER
		holds[2] = NP;
#endif
		for (i : 0 .. NM - 1) {
			next_p[i] = NP
		};
#ifdef CALLER
		run M(2);
#elif !defined(NURSERY)
		run injector();
#endif
		run M(0); run M(1); run memory()
	};
	timeout;
	for (i : 0 .. NM - 1) {
		computing = computing + (holds[i] < NP -> 1 : 0)
	};
	assert(spinning == 0);
	assert(n_idle + computing == NP);
	assert(ring[0] + ring[1] + global + computing + done == born + NM);
	assert(n_idle == 0 || global == 0 && !OFFERED(0) && !OFFERED(1))
}
