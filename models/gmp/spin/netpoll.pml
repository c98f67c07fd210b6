/*
 * netpoll.pml - one direction of a descriptor: edges, parking, the short read's inference, close, deadlines, calling off.
 *
 * Property. A G that reads does not sleep while there is data, an end of stream or a close to be told of; it is made
 * runnable once per sleep; `waiters` counts it while it sleeps; nothing is read from a descriptor that has been
 * closed. Nor does it sleep when its deadline has passed or it has been called off; no call ends for a deadline that has
 * not passed; and in the end `expired` says whether the last deadline has.
 *
 * Model and code (src/):
 *   reader    net.c read_some with prepare_try; netpoll.c gr__np_wait, enter_word, gr__np_clear, gr__np_set_ready,
 *             gr__np_ref, gr__np_unref
 *   poller    netpoll_epoll.c gr__np_backend_wait; netpoll.c gr__np_event, unblock. Two of them: one M blocks, another
 *             one polls by time. Nobody polls when nobody waits, but for EXTRA times (a poll that had begun before)
 *   peer      the kernel: data and the end of stream arrive at any time, each with an edge. What an event says is looked
 *             at when it is handed out; one that says nothing is not
 *   closer    net.c gr_sock_close, netpoll.c gr__np_wake; the semaphore is a wait for the last reference
 *   timer     timer.c take_locked, deadline.c fire, netpoll.c gr__np_expire
 *   setter    deadline.c set_locked with timer.c gr__timer_move: a deadline of 1 is set anew, to 0 (it has passed), 2 or
 *             never. `now` is the clock
 *   caller    net.c gr_sock_cancel
 *
 * One reader, or with -DLISTENER two that take turns under a lock, each with a reference of its own, as on a listener, and one poller.
 * With -DDEADLINE timer and setter, no closer and no end of stream, with -DCANCEL the caller in its place.
 * A read gets less than it asked for, and then all there is, or all that it asked for, and then there may be more.
 *
 * Memory. The reader's clearing store, a poller's store to hung_up, those to `expired` (of the timer: ex_sb, of the setter:
 * cl_sb) and the count of cancels (ca_sb) stay in store buffers until `memory`, a fence or the thread's own locked operation
 * drains them. Atomic operations are single steps.
 *
 * Left out: writing and accepting (no inference, the same words), shutdown (as close, without the references), the
 * next user of the number (it gets a useless READY at worst), park's switch (park.pml).
 *
 * Mutants: NO_FENCE_CLEAR and NO_FENCE_HUP (the StoreLoad between clearing and read(2); between hung_up and looking at
 * the word), CLEAR_AFTER (the word is cleared after read(2) has found nothing), NO_HUP (hung_up is not looked at),
 * TEST_AND_STORE (unblock's CAS), NO_OPEN_CHECK (the call does not look for a close after clearing), COUNT_LATE (the
 * waiter is counted after it can be found), NO_WAIT (close does not
 * wait for calls), LEFT_IDLE (a call that finds that it must not try leaves the word cleared), NO_FENCE_EXPIRE and
 * NO_FENCE_CANCEL (the StoreLoad between the reason and looking at the word), NO_FENCE_RESET (between wiping out `expired`
 * and reading the clock), NO_EXPIRED_CHECK and NO_CANCEL_CHECK (after clearing), NO_RESET (`expired` of the deadline before
 * stays), NO_SECOND_LOOK (the setter does not look whether its own deadline has passed meanwhile), NO_WANTED (`fire` does
 * not look at what is wanted).
 */
#define IDLE 0
#define READY 1
#define PARKING 2
#define THE_G 3
#define NEVER 9
#if defined(DEADLINE) || defined(CANCEL)
#define READERS 1
#define SENDS 1
#define EXTRA 1
#elif defined(LISTENER)
#define READERS 2
#define SENDS 1
#define EXTRA 1
#else
#define READERS 1
#define SENDS 2
#define EXTRA 2
#endif

byte word = READY, waiters, data, sent, refs, extra = EXTRA;
bool hung_up, eof, edge, open = true, fd_closed, granted, asleep, lk, closing, sb, hup_sb[2];
byte finished; /* readers that have been told of the end or of the close, or of a deadline for good */

bool expired, ex_sb, cl_sb, has_set, armed = true, heap_lock;
byte now, wanted = 1, when = 1; /* the deadline; where its timer is in the heap */
byte cancels, cancels_seen; /* the latter: by the call in progress */
bool ca_sb;

#ifdef MUTANT_NO_FENCE_CLEAR
#define FENCE_CLEAR skip
#else
#define FENCE_CLEAR !sb
#endif
#ifdef MUTANT_NO_FENCE_HUP
#define FENCE_HUP(k) skip
#else
#define FENCE_HUP(k) !hup_sb[k]
#endif

#ifdef MUTANT_NO_FENCE_EXPIRE
#define FENCE_EXPIRE skip
#else
#define FENCE_EXPIRE !ex_sb
#endif
#ifdef MUTANT_NO_FENCE_CANCEL
#define FENCE_CANCEL skip
#else
#define FENCE_CANCEL !ca_sb
#endif
#ifdef MUTANT_NO_FENCE_RESET
#define FENCE_RESET skip
#else
#define FENCE_RESET !cl_sb
#endif

/* unblock, and gr__ready. `drained`: what the own store buffer has to be for a locked operation. */
inline unblock(v, drained)
{
	v = word;
	if
	:: v == READY
	:: else ->
#ifdef MUTANT_TEST_AND_STORE
		word = READY;
#else
		atomic { drained -> v = word; word = READY };
#endif
		if
		:: v == THE_G ->
			atomic { assert(waiters > 0); waiters-- };
			d_step { assert(asleep && !granted); granted = true }
		:: else
		fi
	fi;
	v = 0
}

inline clear()
{
	sb = true;
	FENCE_CLEAR
}

proctype reader()
{
	bool ok, is_open;
	byte v, refused;

call:
	cancels_seen = cancels; /* gr__np_begin */
	atomic {
		if
		:: !open -> goto end_of_g
		:: else -> refs++
		fi
	};
end_waits:
	atomic { !lk -> lk = true };
try:
	v = (sb -> IDLE : word); /* prepare_try */
	if
	:: v == READY
	:: else -> /* gr__np_wait */
		atomic {
			!sb;
			ok = (word == IDLE);
			if
			:: ok -> word = PARKING
			:: else -> assert(word == READY)
			fi
		};
		if
		:: ok -> /* parked: enter_word */
#ifndef MUTANT_COUNT_LATE
			waiters++;
#endif
			atomic {
				ok = (word == PARKING);
				if
				:: ok -> word = THE_G; asleep = true
				:: else
				fi
			};
			if
			:: ok ->
#ifdef MUTANT_COUNT_LATE
				waiters++;
#endif
end_parked:
				atomic { granted -> granted = false; asleep = false }
			:: else ->
#ifndef MUTANT_COUNT_LATE
				waiters--
#endif
			fi
		:: else
		fi
	fi;
	v = 0; ok = false;
#ifndef MUTANT_CLEAR_AFTER
	clear();
#endif
	is_open = open;
#ifndef MUTANT_NO_OPEN_CHECK
	if
	:: !is_open -> goto canceled
	:: else
	fi;
#endif
	is_open = false;
#if defined(DEADLINE) && !defined(MUTANT_NO_EXPIRED_CHECK)
	if
	:: expired -> goto timed_out
	:: else
	fi;
#endif
#if defined(CANCEL) && !defined(MUTANT_NO_CANCEL_CHECK)
	if
	:: cancels != cancels_seen -> goto called_off
	:: else
	fi;
#endif
	atomic { /* read(2) */
		assert(!fd_closed);
		if
		:: data > 0 -> data = 0; v = 1
		:: data > 0 -> data--; v = 2
		:: data == 0 && eof -> v = 3
		:: data == 0 && !eof -> v = 0
		fi
	};
	if
	:: v == 0 -> /* EAGAIN */
#ifdef MUTANT_CLEAR_AFTER
		clear();
#endif
		goto try
	:: v == 1 -> /* short: drained, unless an edge has said that no more comes */
#ifdef MUTANT_NO_HUP
		ok = false;
#else
		ok = hung_up;
#endif
#ifdef MUTANT_CLEAR_AFTER
		if
		:: !ok -> clear()
		:: else
		fi;
#endif
		if
		:: ok -> atomic { !sb -> word = READY }
		:: else
		fi
	:: v >= 2 -> atomic { !sb -> word = READY } /* gr__np_set_ready: behind the clearing, whoever sees it */
	fi;
	ok = false;
	atomic { !sb -> lk = false }; refs--;
	if
	:: v == 3 -> goto end_of_g
	:: else -> v = 0; goto call
	fi;
#ifdef DEADLINE
timed_out:
	assert(now >= 1 || wanted == 0);
#ifndef MUTANT_LEFT_IDLE
	atomic { !sb -> word = READY };
#endif
	atomic { !sb -> lk = false }; refs--;
	/* Until a deadline has been set again; if that one has passed too, it is for good. */
	atomic { has_set -> refused++ };
	if
	:: refused == 2 -> goto end_of_g
	:: else -> goto call
	fi;
#endif
#ifdef CANCEL
called_off:
#ifndef MUTANT_LEFT_IDLE
	atomic { !sb -> word = READY };
#endif
	atomic { !sb -> lk = false }; refs--;
	goto call;
#endif
canceled:
#ifndef MUTANT_LEFT_IDLE
	atomic { !sb -> word = READY }; /* for the next one that has a reference */
#endif
	atomic { !sb -> lk = false }; refs--;
end_of_g:
	finished++
}

proctype poller(byte k)
{
	byte v;
	bool hup, any;

end:
	do
	:: atomic {
		edge && !fd_closed && waiters + extra > 0;
		extra = (waiters == 0 -> extra - 1 : extra);
		edge = false; hup = eof; any = (data > 0 || eof)
	   };
	   if
	   :: any ->
		if
		:: hup && !hung_up -> hup_sb[k] = true; FENCE_HUP(k)
		:: else
		fi;
		unblock(v, !hup_sb[k])
	   :: else
	   fi;
	   hup = false; any = false
	od
}

proctype peer()
{
end:
	do
	:: atomic { sent < SENDS -> sent++; data++; edge = true }
#ifndef DEADLINE
	:: atomic { eof = true; edge = true } -> break
#endif
	:: break
	od
}

proctype closer()
{
	byte v;

	if
	:: true
	:: goto keeps_open
	fi;
	closing = true;
	open = false; /* 1; its own reference it takes and drops */
	unblock(v, true); /* 2 */
#ifndef MUTANT_NO_WAIT
	refs == 0; /* 3 */
#endif
	fd_closed = true; /* 4 */
keeps_open:
	skip
}

/* The P's heap, with one timer. */
proctype timer()
{
	byte v, t;

end:
	do
	:: atomic { armed && !heap_lock && when <= now -> heap_lock = true; armed = false; t = now };
	   if
#ifndef MUTANT_NO_WANTED
	   :: wanted > t -> d_step { when = wanted; armed = (wanted != NEVER) }
#endif
	   :: else -> /* gr__np_expire */
		ex_sb = true;
		FENCE_EXPIRE;
		unblock(v, !ex_sb)
	   fi;
	   t = 0;
	   atomic { !ex_sb -> heap_lock = false }
	od
}

proctype clock()
{
end:
	do
	:: now < 2 -> now++
	od
}

proctype setter()
{
	byte new, v;
	bool stays;

	if
	:: new = 2
	:: new = NEVER
	:: new = 0
	fi;
	atomic { /* gr__timer_move, under the lock; 0 goes nowhere */
		!heap_lock;
		wanted = new;
		stays = (armed && new != 0 && new != NEVER && new >= when);
		armed = stays
	};
	if
	:: !stays && new == 2 -> atomic { !heap_lock -> armed = true; when = new }
	:: else
	fi;
	if
	:: new == 0 -> ex_sb = true; FENCE_EXPIRE; unblock(v, !ex_sb)
	:: else ->
#ifndef MUTANT_NO_RESET
		if
		:: expired -> /* 2 */
			cl_sb = true; /* 3 */
			FENCE_RESET; /* 4 */
#ifndef MUTANT_NO_SECOND_LOOK
			if
			:: now >= new -> /* 5 */
				atomic { !cl_sb -> ex_sb = true }; FENCE_EXPIRE; unblock(v, !ex_sb)
			:: else
			fi
#endif
		:: else
		fi
#else
		skip
#endif
	fi;
	atomic { !ex_sb && !cl_sb -> has_set = true; stays = false; new = 0 }
}

proctype caller()
{
	byte v;

	ca_sb = true;
	FENCE_CANCEL;
	unblock(v, !ca_sb)
}

proctype memory()
{
end:
	do
	:: atomic { ex_sb -> expired = true; ex_sb = false }
	:: atomic { cl_sb -> expired = false; cl_sb = false }
	:: atomic { ca_sb -> cancels++; ca_sb = false }
	:: atomic { sb -> word = IDLE; sb = false }
	:: atomic { hup_sb[0] -> hung_up = true; hup_sb[0] = false }
	:: atomic { hup_sb[1] -> hung_up = true; hup_sb[1] = false }
	od
}

init {
	atomic {
		run reader();
#ifdef LISTENER
		run reader();
#endif
		run poller(0);
#ifdef DEADLINE
		run timer(); run clock(); run setter();
#endif
#ifdef CANCEL
		run caller();
#endif
#if !defined(LISTENER) && !defined(DEADLINE) && !defined(CANCEL)
		run poller(1);
#endif
#if !defined(DEADLINE) && !defined(CANCEL)
		run closer();
#endif
		run peer(); run memory()
	};
	timeout;
	assert(finished == READERS || asleep);
	assert(waiters == asleep);
	assert(finished == READERS || (data == 0 && !eof && !closing));
	assert(!closing || fd_closed);
#ifdef DEADLINE
	assert(finished == READERS || wanted > now);
	assert(expired == (wanted <= now));
#endif
#ifdef CANCEL
	assert(finished == READERS || cancels_seen == cancels);
#endif
}
