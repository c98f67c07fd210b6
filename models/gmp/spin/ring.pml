/*
 * ring.pml - a P's ring and runnext: the owner puts and takes, thieves take half of the ring.
 *
 * Property. Every G is taken once, and none is lost. A slot that is taken has been written.
 *
 * Model and code (src/):
 *   put         runq.h gr__runq_put; when full, runq.c gr__runq_overflow: half and the new one count as taken
 *   put_next    gr__runq_put_next: what was there goes to the ring
 *   pop, next   gr__runq_pop; runnext as in gr__runq_get
 *   steal       gr__runq_steal (R2): the last one stolen runs, the others are published in the thief's ring
 *   runnext     steal_runnext, whose test whether the owner is stuck may say what it likes
 *
 * Two rings of SLOTS slots and GS Gs. The owner of the first one does all that it may, in any order. A thief steals
 * from it into its own ring, which is empty then, and takes what is there; a second one, which keeps nothing, steals
 * from both, and takes runnext. With -DWIDE there are 4 slots, and two Gs can be stolen at once; without, 2, and they are
 * written again soon. Head and tail are read one after the other; they do not wrap around.
 *
 * Memory. What is written to slots before a release is seen by who reads the tail: it is in order here. Mutants have
 * the stores the other way round.
 *
 * Left out: one P (R4: there is no second process); who has to be told (wake.pml).
 *
 * Mutants: READ_LATE (a thief reads the slots after its CAS), STEAL_STORE, POP_STORE, OVERFLOW_STORE (a plain store
 * instead of a CAS of the head), PUT_EARLY (the tail is changed before the slot is written), STOLEN_EARLY (the same for
 * what has been stolen), NEXT_STORE, NEXT_PUT_STORE (the owner takes runnext, or replaces it, by a plain store).
 */
#ifdef WIDE
#define SLOTS 4
#else
#define SLOTS 2
#endif
#define GS 3
#define SLOT(v, at) slot[SLOTS * (v) + ((at) & SLOTS - 1)]

byte head[2], tail[2], slot[2 * SLOTS], runnext, born, taken; /* a bit per G */

inline take(g)
{
	d_step { assert(g > 0 && !(taken >> g & 1)); taken = taken | 1 << g; g = 0 }
}

/* ok: swapped. Else h is what is there. */
inline cas_head(v, h, n, ok)
{
	atomic {
		ok = (head[v] == h);
		if
		:: ok -> head[v] = h + n
		:: else -> h = head[v]
		fi
	}
}

inline pop(v, h, g, ok)
{
	h = head[v];
	do
	:: ok || tail[v] == h -> break
	:: else ->
		g = SLOT(v, h);
#ifdef MUTANT_POP_STORE
		head[v] = h + 1; ok = true
#else
		cas_head(v, h, 1, ok)
#endif
	od;
	if
	:: ok -> take(g)
	:: else -> g = 0
	fi;
	ok = false; h = 0
}

inline put(g)
{
	do
	:: h = head[0];
		if
		:: tail[0] - h < SLOTS ->
#ifdef MUTANT_PUT_EARLY
			tail[0]++;
			SLOT(0, tail[0] - 1) = g;
#else
			SLOT(0, tail[0]) = g;
			tail[0]++;
#endif
			g = 0; break
		:: else -> /* overflow: read after the CAS, nobody else writes here (R1) */
#ifdef MUTANT_OVERFLOW_STORE
			head[0] = h + SLOTS / 2; ok = true;
#else
			cas_head(0, h, SLOTS / 2, ok);
#endif
			if
			:: ok ->
				for (i : 0 .. SLOTS / 2 - 1) {
					old = SLOT(0, h + i);
					take(old)
				};
				take(g);
				ok = false; i = 0; break
			:: else
			fi
		fi
	od;
	h = 0
}

proctype owner()
{
	byte h, g, old, i;
	bool ok;

	do
	:: born < GS -> born++; g = born;
		if
		:: put(g)
		:: old = runnext; /* put_next */
			if
#ifdef MUTANT_NEXT_PUT_STORE
			:: old > 0 -> runnext = g; g = old; old = 0; put(g)
#else
			:: atomic { old > 0 -> old = runnext; runnext = g }; g = old; old = 0;
				if
				:: g > 0 -> put(g)
				:: else
				fi
#endif
			:: old == 0 -> runnext = g; g = 0
			fi
		fi
	:: head[0] != tail[0] -> pop(0, h, g, ok)
	:: runnext > 0 -> g = runnext;
#ifdef MUTANT_NEXT_STORE
		ok = (g > 0); runnext = 0;
#else
		atomic {
			ok = (g > 0 && runnext == g);
			if
			:: ok -> runnext = 0
			:: else -> g = 0
			fi
		};
#endif
		if
		:: ok -> take(g)
		:: else
		fi;
		ok = false
	:: born == GS && head[0] == tail[0] && runnext == 0 -> break
	od
}

proctype keeper()
{
	byte h, t, n, g, i;
	bool ok;
#ifdef MUTANT_STOLEN_EARLY
	byte r[2];
#endif

end:
	do
	:: head[0] != tail[0] ->
		t = tail[1];
		do
		:: h = head[0];
			n = tail[0] - h;
			n = n - n / 2;
			if
			:: n == 0 -> break
			:: n > SLOTS / 2 /* of different moments */
			:: else ->
				i = 0;
				do
				:: i < n ->
#ifdef MUTANT_STOLEN_EARLY
					r[i] = SLOT(0, h + i);
#else
					SLOT(1, t + i) = SLOT(0, h + i);
#endif
					i++
				:: else -> break
				od;
				i = 0;
				cas_head(0, h, n, ok);
				if
				:: ok -> break
				:: else
				fi
			fi
		od;
		if
		:: ok ->
			n--;
#ifdef MUTANT_STOLEN_EARLY
			tail[1] = t + n;
			do
			:: i <= n -> SLOT(1, t + i) = r[i]; r[i] = 0; i++
			:: else -> break
			od;
			i = 0;
#else
			if
			:: n > 0 -> tail[1] = t + n
			:: else
			fi;
#endif
			g = SLOT(1, t + n);
			take(g)
		:: else
		fi;
		ok = false; h = 0; t = 0; n = 0;
		do
		:: head[1] != tail[1] -> pop(1, h, g, ok)
		:: head[1] == tail[1] -> break
		od
	od
}

proctype eater()
{
	byte h, n, r[2], v, i;
	bool ok;

end:
	do
	:: atomic {
		if
		:: head[0] != tail[0] -> v = 0
		:: head[1] != tail[1] -> v = 1
		fi
	   };
		do
		:: h = head[v];
			n = tail[v] - h;
			n = n - n / 2;
			if
			:: n == 0 -> break
			:: n > SLOTS / 2
			:: else ->
#ifndef MUTANT_READ_LATE
				do
				:: i < n -> r[i] = SLOT(v, h + i); i++
				:: else -> break
				od;
				i = 0;
#endif
#ifdef MUTANT_STEAL_STORE
				head[v] = h + n; ok = true;
#else
				cas_head(v, h, n, ok);
#endif
				if
				:: ok -> break
				:: else
				fi
			fi
		od;
		do
		:: ok && i < n ->
#ifdef MUTANT_READ_LATE
			r[i] = SLOT(v, h + i);
#endif
			take(r[i]);
			i++
		:: else -> break
		od;
		atomic { ok = false; h = 0; n = 0; v = 0; i = 0; r[0] = 0; r[1] = 0 }
	:: runnext > 0 -> h = runnext;
		atomic {
			ok = (h > 0 && runnext == h);
			if
			:: ok -> runnext = 0
			:: else -> h = 0
			fi
		};
		if
		:: ok -> take(h)
		:: else
		fi;
		ok = false
	od
}

init {
	atomic { run owner(); run keeper(); run eater() };
	timeout;
	assert(born == GS && head[0] == tail[0] && head[1] == tail[1] && runnext == 0);
	assert(taken == (2 << GS) - 2)
}
