/*
 * files.pml - the lines of operations for io_uring: pushed to by many, given to the kernel by one at a time.
 *
 * Property. What has been pushed is given to the kernel once, without help of the monitor, when all who push and reap have
 * gone on; never more than LIMIT at a time.
 *
 * Model and code (src/):
 *   pusher    file_uring.c push_op, then submit, as a P does that has nothing else to run: gr__uring_turn
 *   reaper    reap_locked, submit_backlog; the kernel completes what it has at once
 *   submit    submit with take_line and enter: only who has `submitting` touches the backlog (`left`)
 *
 * Memory. `submitting` = 0 and `left` are plain stores: they stay in the submitter's store buffer (sb_free, and sb_left
 * before it) until `memory`, a fence or the thread's own locked operation drains them, in that order. The line is pushed to
 * and taken by locked operations, in_flight is changed by such.
 *
 * Left out: a kernel without memory (then the poller asks again, by time), the order of the line.
 *
 * Mutants: NO_FENCE_SUBMIT (before looking again), NO_RECHECK (of the line), NO_RECHECK_LEFT (of what has become possible
 * meanwhile), NO_FENCE_REAP (`left` is read before in_flight is less, as arm64 may), TEST_AND_STORE (the CAS of
 * submitting), TAKE_STORE (the line is read and then emptied), NO_LIMIT.
 */
#define PUSHERS 2
#define EACH 2
#define THREADS 3
#define LIMIT 1

byte line, left, in_flight, pushed, given, reaped;
byte new_left[THREADS]; /* of sb_left */
bool submitting, sb_left[THREADS], sb_free[THREADS];

#define DRAINED(i) (!sb_left[i] && !sb_free[i])
/* What thread i reads in `left`: its own store first. */
#define LEFT(i) (sb_left[i] -> new_left[i] : left)

#ifdef MUTANT_NO_FENCE_SUBMIT
#define FENCE_SUBMIT(i) skip
#else
#define FENCE_SUBMIT(i) DRAINED(i)
#endif

inline set_left(i, v)
{
	atomic { !sb_left[i] && !sb_free[i] -> new_left[i] = v; sb_left[i] = true }
}

inline submit(i)
{
	do
	:: true ->
#ifdef MUTANT_TEST_AND_STORE
		got = !submitting;
		if
		:: got -> submitting = true
		:: else
		fi;
#else
		atomic { DRAINED(i); got = !submitting; submitting = true };
#endif
		if
		:: !got -> break
		:: else
		fi;
#ifdef MUTANT_TAKE_STORE
		n = line;
		line = 0;
#else
		atomic { DRAINED(i); n = line; line = 0 };
#endif
		n = n + LEFT(i);
		/* enter */
		do
#ifdef MUTANT_NO_LIMIT
		:: n > 0 ->
#else
		:: n > 0 && in_flight < LIMIT ->
#endif
			atomic { DRAINED(i); in_flight++; given++; n-- }
		:: else -> break
		od;
		set_left(i, n);
		n = 0;
		atomic { assert(submitting); sb_free[i] = true };
		FENCE_SUBMIT(i);
		if
#ifndef MUTANT_NO_RECHECK
		:: line > 0
#endif
#ifndef MUTANT_NO_RECHECK_LEFT
		:: LEFT(i) > 0 && in_flight < LIMIT
#endif
		:: else -> break
		fi
	od;
	got = false
}

proctype pusher(byte i)
{
	byte left_to_push = EACH, n;
	bool got;

	do
	:: left_to_push == 0 -> break
	:: else ->
		atomic { DRAINED(i); line++; pushed++ };
		left_to_push--;
		submit(i)
	od
}

proctype reaper(byte i)
{
	byte n;
	bool got, some_left;

	do
	:: reaped == PUSHERS * EACH -> break
	:: in_flight > 0 ->
#ifdef MUTANT_NO_FENCE_REAP
		some_left = LEFT(i) > 0;
#endif
		atomic { DRAINED(i); assert(in_flight <= LIMIT); reaped = reaped + in_flight; in_flight = 0 };
#ifndef MUTANT_NO_FENCE_REAP
		some_left = LEFT(i) > 0;
#endif
		if
		:: some_left -> submit(i)
		:: else
		fi
	od
}

proctype memory()
{
end:
	do
	:: atomic { sb_left[0] -> left = new_left[0]; sb_left[0] = false }
	:: atomic { sb_left[1] -> left = new_left[1]; sb_left[1] = false }
	:: atomic { sb_left[2] -> left = new_left[2]; sb_left[2] = false }
	:: atomic { sb_free[0] && !sb_left[0] -> submitting = false; sb_free[0] = false }
	:: atomic { sb_free[1] && !sb_left[1] -> submitting = false; sb_free[1] = false }
	:: atomic { sb_free[2] && !sb_left[2] -> submitting = false; sb_free[2] = false }
	od
}

init {
	atomic { run pusher(0); run pusher(1); run reaper(2); run memory() };
	timeout;
	assert(pushed == PUSHERS * EACH);
	assert(reaped == pushed && given == pushed && !submitting)
}
