/*
 * nursery.pml - the nursery: its owner inserts and takes the newest, thieves take half from the old end.
 *
 * Property. Every birth is taken once, and none is lost: what is taken has not been taken before, and in the end all
 * have been. A slot that is taken has been written.
 *
 * Model and code (src/):
 *   put           nursery.h gr__nursery_put
 *   newest        gr__nursery_take_newest: also of a thief, from what it has stolen
 *   oldest        nursery.c gr__nursery_take_oldest, and move_oldest for a spill of one: read before or after the CAS
 *   steal         gr__nursery_steal: N2. All of one only where the owner seems to be stuck: here at any time
 *   word          one word that is read and swapped as a whole: head, tail, count (N3). Head and tail wrap around, at
 *                 twice the number of slots, the count does not
 *
 * Two nurseries and BIRTHS births. The owner of the first one does all that it may, in any order, and a put into a full
 * one moves the oldest out. A thief steals from it into its own nursery, which is empty then, and takes what is there,
 * the newest first; a second thief, which keeps nothing, steals from both. With -DWIDE there are 4 slots, and two
 * births can be stolen at once; without, 2, which are soon full and written again.
 *
 * Memory. What is written to slots before a release is seen by who takes the word: it is in order here. Mutants have
 * the stores the other way round.
 *
 * Left out: one P (N4: there is no second process), the list of chunks, and that a birth is three words, which may be
 * of two different ones in a read whose CAS fails.
 *
 * Mutants: NO_COUNT, NO_COUNT_STOLEN (an insertion, or the storing of what has been stolen, does not count: ABA),
 * READ_LATE (a thief reads the slots after its CAS), STEAL_STORE, TAKE_STORE, PUT_STORE (a plain store instead of the
 * CAS by a thief; by the owner, who takes or puts), PUT_EARLY (the word is changed before the slot is written),
 * STOLEN_EARLY (the same for what has been stolen), NOT_EMPTY (a thief steals though its nursery is not empty, as where
 * no stack can be had for what is there).
 */
#ifdef WIDE
#define SLOTS 4
#else
#define SLOTS 2
#endif
#define BIRTHS 3

/* From the low end: head and tail, 3 bits each, free-running up to twice the slots; count. */
#define MASK (2 * SLOTS - 1)
#define HEAD(w) (w & MASK)
#define TAIL(w) (w >> 3 & MASK)
#define N(w) (TAIL(w) - HEAD(w) & MASK)
#define WORD(w, head, tail) (w >> 6 << 6 | ((tail) & MASK) << 3 | (head) & MASK)
#define COUNTED(n) ((n) << 6)
#define HALF(w) (N(w) - N(w) / 2)
#define SLOT(v, at) slot[SLOTS * (v) + ((at) & SLOTS - 1)]

short word[2];
byte slot[2 * SLOTS], born, taken; /* a bit per birth */

/* ok: swapped. Else w is what is there. */
inline cas(v, w, next, ok)
{
	atomic {
		ok = (word[v] == w);
		if
		:: ok -> word[v] = next
		:: else -> w = word[v]
		fi
	}
}

inline take(b)
{
	d_step { assert(b > 0 && !(taken >> b & 1)); taken = taken | 1 << b; b = 0 }
}

inline newest(v, w, b, ok)
{
	w = word[v];
	ok = false;
	if
	:: N(w) > 0 -> b = SLOT(v, TAIL(w) - 1)
	:: else
	fi;
	do
	:: ok || N(w) == 0 -> break
	:: else ->
#ifdef MUTANT_TAKE_STORE
		word[v] = WORD(w, HEAD(w), TAIL(w) - 1); ok = true
#else
		cas(v, w, WORD(w, HEAD(w), TAIL(w) - 1), ok)
#endif
	od;
	if
	:: ok -> take(b)
	:: else -> b = 0
	fi
}

proctype owner()
{
	short w;
	byte b;
	bool ok;

	do
	:: born < BIRTHS -> /* put */
		w = word[0];
		if
		:: N(w) == SLOTS -> /* to the spill: read after the CAS, nobody else writes here (N1) */
			do
			:: atomic { ok || N(w) == 0 -> break }
			:: else -> b = HEAD(w); cas(0, w, WORD(w, HEAD(w) + 1, TAIL(w)), ok)
			od;
			if
			:: ok -> b = SLOT(0, b); take(b)
			:: else -> b = 0
			fi;
			w = word[0]
		:: else
		fi;
		born++;
		ok = false;
#ifndef MUTANT_PUT_EARLY
		SLOT(0, TAIL(w)) = born;
#endif
		do
		:: ok -> break
		:: else ->
#ifdef MUTANT_NO_COUNT
			cas(0, w, WORD(w, HEAD(w), TAIL(w) + 1), ok)
#elif defined(MUTANT_PUT_STORE)
			word[0] = WORD(w, HEAD(w), TAIL(w) + 1) + COUNTED(1); ok = true
#else
			cas(0, w, WORD(w, HEAD(w), TAIL(w) + 1) + COUNTED(1), ok)
#endif
		od;
#ifdef MUTANT_PUT_EARLY
		SLOT(0, TAIL(w)) = born;
#endif
		ok = false; w = 0
	:: N(word[0]) > 0 -> newest(0, w, b, ok); ok = false; w = 0
	:: N(word[0]) > 0 -> /* oldest */
		w = word[0];
		do
		:: ok || N(w) == 0 -> break
		:: else -> b = SLOT(0, HEAD(w)); cas(0, w, WORD(w, HEAD(w) + 1, TAIL(w)), ok)
		od;
		if
		:: ok -> take(b)
		:: else -> b = 0
		fi;
		ok = false; w = 0
	:: born == BIRTHS && N(word[0]) == 0 -> break
	od
}

proctype keeper()
{
	short w, own;
	byte b, i;
#ifdef MUTANT_STOLEN_EARLY
	byte r[2];
#endif
	bool ok;

end:
	do
	:: atomic { N(word[0]) > 0 -> w = word[0] };
		own = word[1];
		do
		:: ok || N(w) == 0 -> break
		:: else ->
			i = 0;
			do
			:: i < HALF(w) ->
#ifdef MUTANT_STOLEN_EARLY
				r[i] = SLOT(0, HEAD(w) + i);
#else
				SLOT(1, TAIL(own) + i) = SLOT(0, HEAD(w) + i);
#endif
				i++
			:: else -> break
			od;
			cas(0, w, WORD(w, HEAD(w) + i, TAIL(w)), ok)
		od;
		if
		:: ok ->
#ifdef MUTANT_NO_COUNT_STOLEN
			word[1] = WORD(own, HEAD(own), TAIL(own) + i);
#else
			word[1] = WORD(own, HEAD(own), TAIL(own) + i) + COUNTED(i);
#endif
#ifdef MUTANT_STOLEN_EARLY
			do
			:: i > 0 -> i--; SLOT(1, TAIL(own) + i) = r[i]; r[i] = 0
			:: else -> break
			od
#endif
		:: else
		fi;
		ok = false; w = 0; own = 0; i = 0;
		do
		:: N(word[1]) > 0 -> newest(1, w, b, ok); ok = false; w = 0
		:: N(word[1]) == 0 -> break
#ifdef MUTANT_NOT_EMPTY
		:: break /* as if no stack could be had */
#endif
		od
	od
}

proctype eater()
{
	short w;
	byte r[2], v, i;
	bool ok;

end:
	do
	:: atomic {
		if
		:: N(word[0]) > 0 -> v = 0
		:: N(word[1]) > 0 -> v = 1
		fi;
		w = word[v]
	   };
		do
		:: ok || N(w) == 0 -> break
		:: else ->
			i = 0;
			do
			:: i < HALF(w) ->
#ifndef MUTANT_READ_LATE
				r[i] = SLOT(v, HEAD(w) + i);
#endif
				i++
			:: else -> break
			od;
#ifdef MUTANT_STEAL_STORE
			word[v] = WORD(w, HEAD(w) + i, TAIL(w)); ok = true
#else
			cas(v, w, WORD(w, HEAD(w) + i, TAIL(w)), ok)
#endif
		od;
		do
		:: ok && i > 0 ->
			i--;
#ifdef MUTANT_READ_LATE
			r[i] = SLOT(v, HEAD(w) + i);
#endif
			take(r[i])
		:: else -> break
		od;
		atomic { ok = false; w = 0; v = 0; i = 0; r[0] = 0; r[1] = 0 }
	od
}

init {
	atomic { run owner(); run keeper(); run eater() };
	timeout;
	assert(born == BIRTHS && N(word[0]) == 0 && N(word[1]) == 0);
	assert(taken == (2 << BIRTHS) - 2)
}
