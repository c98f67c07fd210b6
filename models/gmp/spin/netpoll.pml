/*
 * netpoll.pml - one direction of a descriptor: edges, parking, the short read's inference, close.
 *
 * Property. A G that reads does not sleep while there is data, an end of stream or a close to be told of; it is made
 * runnable once per sleep; `waiters` counts it while it sleeps; nothing is read from a descriptor that has been
 * closed.
 *
 * Model and code (src/):
 *   reader    net.c read_some with prepare_try; netpoll.c gr__np_wait, enter_word, gr__np_clear, gr__np_set_ready,
 *             gr__np_ref, gr__np_unref
 *   poller    netpoll_epoll.c gr__np_backend_wait; netpoll.c gr__np_event, unblock. Two of them: one M blocks, another
 *             one polls by time. Nobody polls when nobody waits, but for EXTRA times (a poll that had begun before)
 *   peer      the kernel: data and the end of stream arrive at any time, each with an edge. What an event says is looked
 *             at when it is handed out; one that says nothing is not
 *   closer    net.c gr_sock_close, netpoll.c gr__np_wake; the semaphore is a wait for the last reference
 *
 * One reader, or with -DLISTENER two that take turns under a lock, each with a reference of its own, as on a listener, and one poller.
 * A read gets less than it asked for, and then all there is, or all that it asked for, and then there may be more.
 *
 * Memory. The reader's clearing store and a poller's store to hung_up stay in store buffers (sb, hup_sb) until
 * `memory`, a fence or the thread's own locked operation drains them. Atomic operations are single steps.
 *
 * Left out: writing and accepting (no inference, the same words), shutdown (as close, without the references), the
 * next user of the number (it gets a useless READY at worst), park's switch (park.pml).
 *
 * Mutants: NO_FENCE_CLEAR and NO_FENCE_HUP (the StoreLoad between clearing and read(2); between hung_up and looking at
 * the word), CLEAR_AFTER (the word is cleared after read(2) has found nothing), NO_HUP (hung_up is not looked at),
 * TEST_AND_STORE (unblock's CAS), NO_OPEN_CHECK (the call does not look for a close after clearing), COUNT_LATE (the
 * waiter is counted after it can be found), NO_WAIT (close does not
 * wait for calls), LEFT_IDLE (a call that finds OPEN gone leaves the word cleared).
 */
#define IDLE 0
#define READY 1
#define PARKING 2
#define THE_G 3
#ifdef LISTENER
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
byte finished; /* readers that have been told of the end or of the close */

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
	byte v;

call:
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
	:: atomic { eof = true; edge = true } -> break
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

proctype memory()
{
end:
	do
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
#ifndef LISTENER
		run poller(1);
#endif
		run peer(); run closer(); run memory()
	};
	timeout;
	assert(finished == READERS || asleep);
	assert(waiters == asleep);
	assert(finished == READERS || (data == 0 && !eof && !closing));
	assert(!closing || fd_closed)
}
