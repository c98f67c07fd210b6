/*
 * preempt.pml - who may use which alternate stack: Gs that are preempted within a signal handler, on threads that go on
 * without them.
 *
 * Property. A signal's frame is never written over one that is still needed, at whatever instruction a signal comes, and
 * no alternate stack is in two places. A request that is late stops nobody: what is stopped is the run of a G that it was
 * for.
 *
 * Model and code (src/preempt.c; the steps of its head):
 *   M              runs Gs: takes one off the global queue, runs it, is preempted or lets it end its run by itself
 *   strike         on_signal: looks, takes the spare or one from the pool; switch to g0
 *   finish         gr__finish_preempt: arms the other one, unblocks, queues the G
 *   resume         come_back and the return of the handler, with its last instant on A
 *   other          any other signal, at any instruction at which the mask allows it: its frame goes where the kernel puts
 *                  it (onto the thread's alternate stack, unless it is on that one) and is gone at once
 *   monitor        reads a P's tick; later requests and sends the signal
 *
 * frame[s]: what alternate stack s holds: a frame of G g (g + 1), or nothing (0). armed[m]: what the kernel has for M m.
 *
 * Left out: depth, marked code and the stack pointer's test: the strike comes only where they allow it. The M that runs
 * short of memory. The order of memory: the signal orders the request, the queue's lock the frame.
 *
 * Mutants: UNBLOCK_FIRST (signals are unblocked before the other stack is armed), QUEUE_FIRST (the G is queued before),
 * GIVE_EARLY (A goes to the pool while the handler is still on it), KEEP (the kernel is told to have A again after the
 * return, with what the M had still in its hands), NO_TICK (a request is for whatever runs).
 */
#define NM 2 /* Ms, each with its P */
#define NG 2
#define NS 5 /* alternate stacks: all that can be in use, and one */
#define NONE 15
#define STRIKES 2
#define RUNS 3 /* on each M */

byte armed[NM], spare[NM], frame[NS], at[NG]; /* at[g]: where its frame is, NONE: it has none */
bool pool[NS], queued[NG];
byte cur[NM]; /* the G that runs; NONE: g0 */
byte on[NM]; /* the alternate stack that M's thread is on; NONE: another stack */
bool blocked[NM];
byte tick[NM], want[NM]; /* strike_tick: 0 or tick + 1 */
bool pending[NM];
byte strikes;

/* The kernel delivers a signal that is not preemption's, here and now. */
inline other(m)
{
	if
	:: !blocked[m] && on[m] != armed[m] -> assert(armed[m] != NONE && frame[armed[m]] == 0)
	:: else
	fi
}

inline take(m)
{
	if
	:: spare[m] != NONE
	:: else ->
		if
		:: pool[0] -> pool[0] = false; spare[m] = 0
		:: !pool[0] && pool[1] -> pool[1] = false; spare[m] = 1
		:: !pool[0] && !pool[1] && pool[2] -> pool[2] = false; spare[m] = 2
		:: !pool[0] && !pool[1] && !pool[2] && pool[3] -> pool[3] = false; spare[m] = 3
		:: else -> assert(pool[4]); pool[4] = false; spare[m] = 4
		fi
	fi
}

proctype M(byte m)
{
	byte g, a = NONE, had = NONE, ran;

end_idle:
	/* g0: the next G */
	atomic {
		if
		:: queued[0] -> g = 0
		:: queued[1] -> g = 1
		fi;
		queued[g] = false;
		tick[m]++;
		ran = tick[m]
	};
	other(m);
	atomic { cur[m] = g; a = at[g] };
	if
	:: a == NONE
	:: else ->
		/* In the handler again, on A, signals not blocked. */
		atomic { on[m] = a; assert(frame[a] == g + 1) };
		other(m);
		atomic {
			had = spare[m];
#ifdef MUTANT_GIVE_EARLY
			pool[a] = true;
#else
			spare[m] = a;
#endif
			if
#ifdef MUTANT_GIVE_EARLY
			:: true
#endif
			:: had != NONE && had != a -> pool[had] = true
			:: else
			fi;
			had = NONE
		};
		other(m);
		/* The return: the frame has been needed to its last instant. */
		atomic {
			assert(frame[a] == g + 1 && armed[1 - m] != a);
			frame[a] = 0;
			at[g] = NONE;
			on[m] = NONE;
#ifdef MUTANT_KEEP
			armed[m] = a
#endif
		}
	fi;
	a = NONE;
	other(m);
	if
	:: atomic { pending[m] -> pending[m] = false;
			/* Its frame, on the alternate stack, as any signal's. */
			assert(frame[armed[m]] == 0) };
		atomic {
			if
#ifdef MUTANT_NO_TICK
			:: want[m] != 0
#else
			:: want[m] == tick[m] + 1
#endif
				-> assert(want[m] == ran + 1); /* for this run */
				take(m);
				a = armed[m];
				assert(a != spare[m]);
				frame[a] = g + 1;
				on[m] = a;
				at[g] = a;
				blocked[m] = true;
				want[m] = 0
			:: else -> a = NONE
			fi
		};
		if
		:: a == NONE -> goto runs_on
		:: else
		fi;
		/* g0 */
		atomic { on[m] = NONE; cur[m] = NONE };
#ifdef MUTANT_UNBLOCK_FIRST
		blocked[m] = false;
		other(m);
#endif
#ifdef MUTANT_QUEUE_FIRST
		queued[g] = true;
#endif
		atomic { armed[m] = spare[m]; spare[m] = NONE };
		blocked[m] = false;
		other(m);
#ifndef MUTANT_QUEUE_FIRST
		queued[g] = true;
#endif
		atomic { g = 0; a = NONE; ran = 0 };
		if
		:: tick[m] < RUNS -> goto end_idle
		:: else -> goto over
		fi
	:: skip
	fi;
runs_on:
	/* The run ends by itself; the next G, or the same one again, has another tick. */
	atomic { cur[m] = NONE; queued[g] = true; g = 0; a = NONE; ran = 0 };
	if
	:: tick[m] < RUNS -> goto end_idle
	:: else
	fi;
over:
	skip
}

proctype monitor()
{
	byte m, seen;

end:
	do
	:: strikes < STRIKES ->
		atomic {
			strikes++;
			if
			:: m = 0
			:: m = 1
			fi;
			seen = tick[m]
		};
		want[m] = seen + 1;
		pending[m] = true
	:: else -> break
	od
}

init {
	byte i;

	atomic {
		for (i : 0 .. NS - 1) {
			pool[i] = true
		};
		for (i : 0 .. NM - 1) {
			armed[i] = i; pool[i] = false; spare[i] = NONE; on[i] = NONE; cur[i] = NONE
		};
		for (i : 0 .. NG - 1) {
			at[i] = NONE; queued[i] = true
		};
		run M(0); run M(1); run monitor()
	}
}
