package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func init() {
	register(workload{name: "block/bystander", version: 1, scaling: "linear", metric: "wall_per_op", smokeOps: 50, setup: bystanderSetup, body: bystander,
		params: []param{choice("kind", "sleep", "none", "none", "sleep", "channel", "mutex", "call", "file", "socket", "semaphore", "rwlock",
			"barrier", "condition", "group", "select", "accept"),
			number("waiters", 16, 1, 1000, 3), number("wait_us", 1000, 1, 10000000, 300)}})
}

const bystanderMiB = 64

func bystanderSetup(r *run) {
	if r.Params["kind"] == "file" {
		openReadFile(r, bystanderMiB, true)
	}
}

type waiter struct {
	id, waits uint64
	right     bool
}

// bystanderRun is what waiters and ticker share. The ticker's rounds are numbered from 1 up, and its last one says so.
type bystanderRun struct {
	over        atomic.Bool
	each        time.Duration
	round, last atomic.Uint64 // the ticker's; 0: the last one is not known
	lock        sync.Mutex
	holders     int
	told        uint64 // under lock: the round that changed tells
	changed     *sync.Cond
	turns       [2]turn // the ticker holds turns[round % 2]
	meeting     *meeting
	chans       [][2]chan uint64
	permits     []chan struct{} // full: no permit
	ours        []*os.File      // sockets: the waiters' ends
	theirs      []*os.File
	listeners   []*net.UnixListener
	made        []byte // connections to them, the lowest byte
}

// turn is a lock that is held for writing from one round to the next.
type turn struct {
	sync.RWMutex
	isWritten, isLast bool
}

// wasLast counts a wait that a round has ended, and tells whether that was the last.
func (b *bystanderRun) wasLast(w *waiter) bool {
	w.waits++
	w.right = w.right && w.waits <= b.round.Load()
	return w.waits == b.last.Load()
}

func (b *bystanderRun) sleep(w *waiter) {
	for began := nowNs(); ; began = nowNs() {
		time.Sleep(b.each)
		w.right = w.right && nowNs()-began >= b.each.Nanoseconds()
		w.waits++
		if b.over.Load() {
			return
		}
	}
}

func (b *bystanderRun) call(w *waiter) {
	for began := nowNs(); ; began = nowNs() {
		nap(uint64(b.each))
		w.right = w.right && nowNs()-began >= b.each.Nanoseconds()
		w.waits++
		if b.over.Load() {
			return
		}
	}
}

func (b *bystanderRun) receive(w *waiter) {
	for round := range b.chans[w.id][0] {
		w.waits++
		w.right = w.right && round == w.waits
	}
}

func (b *bystanderRun) passLock(w *waiter) {
	for {
		b.lock.Lock()
		w.right = w.right && b.holders == 0
		b.holders++
		if !b.over.Load() {
			time.Sleep(b.each)
		}
		b.holders--
		b.lock.Unlock()
		w.waits++
		if b.over.Load() {
			return
		}
	}
}

func (b *bystanderRun) readFile(w *waiter) {
	own := alignedBlocks(1)[0]
	for {
		at := scramble(w.id<<40^w.waits) % (bystanderMiB << 20 / block)
		_, err := readFile.ReadAt(own.bytes, int64(at*block))
		w.right = w.right && err == nil && own.words[0] == at && isSealed(own.words)
		w.waits++
		time.Sleep(b.each)
		if b.over.Load() {
			return
		}
	}
}

func (b *bystanderRun) readSocket(w *waiter) {
	var one [1]byte
	for {
		if _, err := b.ours[w.id].Read(one[:]); err != nil {
			return
		}
		w.waits++
		w.right = w.right && one[0] == byte(w.waits)
	}
}

// connect makes a pair of sockets that the poller takes, as they do not block.
func (b *bystanderRun) connect() {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		fail("no pair of sockets: %v", err)
	}
	b.ours = append(b.ours, os.NewFile(uintptr(fds[0]), "ours"))
	b.theirs = append(b.theirs, os.NewFile(uintptr(fds[1]), "theirs"))
}

// accept takes connections, each with a byte that counts them.
func (b *bystanderRun) accept(w *waiter) {
	var one [1]byte
	for {
		conn, err := b.listeners[w.id].Accept()
		if err != nil {
			fail("accept failed: %v", err)
		}
		_, err = conn.Read(one[:])
		conn.Close()
		if errors.Is(err, io.EOF) {
			return
		}
		w.waits++
		w.right = w.right && err == nil && one[0] == byte(w.waits)
	}
}

func (b *bystanderRun) selectOne(w *waiter) {
	even, odd := b.chans[w.id][0], b.chans[w.id][1]
	evens, odds := uint64(0), ^uint64(0) // the last that came, or two before the first
	for even != nil || odd != nil {
		select {
		case round, ok := <-even:
			if !ok {
				even = nil
				continue
			}
			evens += 2
			w.right = w.right && round == evens
		case round, ok := <-odd:
			if !ok {
				odd = nil
				continue
			}
			odds += 2
			w.right = w.right && round == odds
		}
		w.waits++
	}
}

func (b *bystanderRun) acquire(w *waiter) {
	for last := false; !last; last = b.wasLast(w) {
		b.permits[w.id] <- struct{}{}
	}
}

func (b *bystanderRun) meet(w *waiter) {
	for last := false; !last; last = b.wasLast(w) {
		b.meeting.wait()
	}
}

// hear waits for another round's number. Who is late finds a later one.
func (b *bystanderRun) hear(w *waiter) {
	for seen := uint64(0); seen == 0 || seen != b.last.Load(); {
		b.lock.Lock()
		for b.told == seen {
			b.changed.Wait()
		}
		seen = b.told
		b.lock.Unlock()
		w.waits++
		w.right = w.right && w.waits <= seen
	}
}

// readTurns reads under the lock that the ticker has, and then under the other one, which it has by then.
func (b *bystanderRun) readTurns(w *waiter) {
	for last := false; !last; w.waits++ {
		t := &b.turns[w.waits%2]
		t.RLock()
		w.right = w.right && !t.isWritten && w.waits < b.round.Load()
		last = t.isLast
		t.RUnlock()
	}
}

func (t *turn) take() {
	t.Lock()
	t.isWritten = true
}

func (t *turn) give(isLast bool) {
	t.isWritten, t.isLast = false, isLast
	t.Unlock()
}

// group waits for a goroutine of its own.
func (b *bystanderRun) group(w *waiter) {
	var wg sync.WaitGroup
	for began := nowNs(); ; began = nowNs() {
		wg.Add(1)
		go func() {
			time.Sleep(b.each)
			wg.Done()
		}()
		wg.Wait()
		w.right = w.right && nowNs()-began >= b.each.Nanoseconds()
		w.waits++
		if b.over.Load() {
			return
		}
	}
}

// ---- what makes waits end --------------------------------------------------------------------------------------

// bystanderKind is how waiters of a kind wait. The others are nil unless somebody has to end the waits: what one waiter
// needs, and the ticker's part: before the region, in each round, and after the last one.
type bystanderKind struct {
	wait  func(*bystanderRun, *waiter)
	make  func(b *bystanderRun, id uint64)
	ready func(b *bystanderRun, waiters uint64)
	tick  func(b *bystanderRun, round uint64)
	end   func(*bystanderRun)
}

var bystanderKinds = map[any]bystanderKind{
	"none":  {},
	"sleep": {wait: (*bystanderRun).sleep},
	"call":  {wait: (*bystanderRun).call},
	"file":  {wait: (*bystanderRun).readFile},
	"mutex": {wait: (*bystanderRun).passLock},
	"group": {wait: (*bystanderRun).group},
	"channel": {wait: (*bystanderRun).receive, make: makeChans,
		tick: func(b *bystanderRun, round uint64) {
			for _, c := range b.chans {
				c[0] <- round
			}
		}, end: closeChans},
	"select": {wait: (*bystanderRun).selectOne, make: makeChans,
		tick: func(b *bystanderRun, round uint64) {
			for _, c := range b.chans {
				c[round%2] <- round
			}
		}, end: closeChans},
	"semaphore": {wait: (*bystanderRun).acquire,
		make: func(b *bystanderRun, id uint64) {
			b.permits = append(b.permits, make(chan struct{}, 1))
			b.permits[id] <- struct{}{}
		},
		tick: func(b *bystanderRun, _ uint64) {
			for _, s := range b.permits {
				<-s
			}
		}},
	"barrier": {wait: (*bystanderRun).meet,
		ready: func(b *bystanderRun, waiters uint64) { b.meeting = newMeeting(waiters + 1) },
		tick:  func(b *bystanderRun, _ uint64) { b.meeting.wait() }},
	"condition": {wait: (*bystanderRun).hear,
		ready: func(b *bystanderRun, _ uint64) { b.changed = sync.NewCond(&b.lock) },
		tick: func(b *bystanderRun, round uint64) {
			b.lock.Lock()
			b.told = round
			b.lock.Unlock()
			b.changed.Broadcast()
		}},
	"rwlock": {wait: (*bystanderRun).readTurns,
		ready: func(b *bystanderRun, _ uint64) { b.turns[0].take() },
		tick: func(b *bystanderRun, round uint64) {
			held, next := &b.turns[(round-1)%2], &b.turns[round%2]
			isLast := round == b.last.Load()
			if !isLast {
				next.take()
			}
			held.give(isLast)
		}},
	"socket": {wait: (*bystanderRun).readSocket, make: func(b *bystanderRun, _ uint64) { b.connect() },
		tick: func(b *bystanderRun, round uint64) {
			for _, s := range b.theirs {
				s.Write([]byte{byte(round)}) // what is lost is missed by its reader
			}
		},
		end: func(b *bystanderRun) {
			for _, s := range b.theirs {
				s.Close()
			}
		}},
	"accept": {wait: (*bystanderRun).accept, make: (*bystanderRun).listen, tick: (*bystanderRun).dial,
		end: (*bystanderRun).endConnections},
}

func makeChans(b *bystanderRun, _ uint64) {
	b.chans = append(b.chans, [2]chan uint64{make(chan uint64, 1), make(chan uint64, 1)})
}

func closeChans(b *bystanderRun) {
	for _, c := range b.chans {
		close(c[0])
		close(c[1])
	}
}

// listen makes a listening socket of a name without a file.
func (b *bystanderRun) listen(id uint64) {
	name := fmt.Sprintf("@switchyard-bystander-%d-%d", os.Getpid(), id)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		fail("cannot listen: %v", err)
	}
	b.listeners, b.made = append(b.listeners, l), append(b.made, 0)
}

// connectTo makes a connection to listener i by plain calls, as the C subjects do, writes so many bytes and closes it.
func (b *bystanderRun) connectTo(i int, bytes ...byte) error {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: b.listeners[i].Addr().String()})
	if err == nil {
		_, err = syscall.Write(fd, bytes) // there is room for one
	}
	return err
}

// dial connects to all. Where a queue is full nothing is done.
func (b *bystanderRun) dial(_ uint64) {
	for i := range b.listeners {
		if b.connectTo(i, b.made[i]+1) == nil {
			b.made[i]++
		}
	}
}

// endConnections makes one without a byte, behind all that wait to be accepted.
func (b *bystanderRun) endConnections() {
	for i := range b.listeners {
		err := b.connectTo(i)
		for ; err == syscall.EAGAIN; err = b.connectTo(i) {
			time.Sleep(b.each)
		}
		if err != nil {
			fail("a connection failed: %v", err)
		}
	}
}

// tick ends a wait of each waiter after every sleep, until it is over.
func (b *bystanderRun) tick(kind bystanderKind) {
	for round, last := uint64(1), false; !last; round++ {
		time.Sleep(b.each)
		if last = b.over.Load(); last {
			b.last.Store(round)
		}
		b.round.Store(round)
		kind.tick(b, round)
	}
	if kind.end != nil {
		kind.end(b)
	}
}

func bystander(r *run) {
	const unit = 10000
	n, kind := r.param("waiters"), bystanderKinds[r.Params["kind"]]
	b := &bystanderRun{each: time.Duration(r.param("wait_us")) * time.Microsecond}
	if kind.wait == nil {
		n = 0
	}
	waiters := make([]waiter, n)
	gate := make(chan struct{})
	var arrived, ended sync.WaitGroup
	start := func(work func()) {
		arrived.Add(1)
		ended.Add(1)
		go func() {
			defer ended.Done()
			arrived.Done()
			<-gate
			work()
		}()
	}
	for i := range waiters {
		w := &waiters[i]
		*w = waiter{id: uint64(i), right: true}
		if kind.make != nil {
			kind.make(b, w.id)
		}
		start(func() { kind.wait(b, w) })
	}
	if kind.ready != nil {
		kind.ready(b, n)
	}
	if kind.tick != nil {
		start(func() { b.tick(kind) })
	}
	arrived.Wait()
	x, done := uint64(1), uint64(0)
	r.begin()
	close(gate)
	for ; done < r.Ops; done++ {
		x = steps(x, unit)
	}
	r.end()
	b.over.Store(true)
	ended.Wait()
	for _, s := range b.ours {
		s.Close()
	}
	for _, l := range b.listeners {
		l.Close()
	}
	c, waits := cert{Ops: done, MaxLive: n + 1, Checksum: hex(x)}, uint64(0)
	for _, w := range waiters {
		waits += w.waits
		if w.waits > 0 && w.right {
			c.Messages++
		}
	}
	r.cert = c
	r.figures = map[string]float64{"waits_per_op": float64(waits) / float64(r.Ops)}
}
