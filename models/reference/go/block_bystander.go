package main

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func init() {
	register(workload{name: "block/bystander", version: 1, scaling: "linear", metric: "wall_per_op", smokeOps: 50, setup: bystanderSetup, body: bystander,
		params: []param{choice("kind", "sleep", "none", "none", "sleep", "channel", "mutex", "call", "file", "socket"),
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

// bystanderRun is what waiters and ticker share.
type bystanderRun struct {
	over    atomic.Bool
	each    time.Duration
	lock    sync.Mutex
	holders int
	chans   []chan uint64
	ours    []*os.File // sockets: the waiters' ends
	theirs  []*os.File
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
	for round := range b.chans[w.id] {
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

// tick ends a wait of each waiter after every sleep, until it is over.
func (b *bystanderRun) tick() {
	for round := uint64(1); ; round++ {
		time.Sleep(b.each)
		for _, c := range b.chans {
			c <- round
		}
		for _, s := range b.theirs {
			s.Write([]byte{byte(round)}) // what is lost is missed by its reader
		}
		if b.over.Load() {
			break
		}
	}
	for _, c := range b.chans {
		close(c)
	}
	for _, s := range b.theirs {
		s.Close()
	}
}

func bystander(r *run) {
	const unit = 10000
	n, kind := r.param("waiters"), r.Params["kind"]
	b := &bystanderRun{each: time.Duration(r.param("wait_us")) * time.Microsecond}
	way := map[any]func(*waiter){"sleep": b.sleep, "channel": b.receive, "mutex": b.passLock, "call": b.call,
		"file": b.readFile, "socket": b.readSocket}[kind]
	if kind == "none" {
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
		if kind == "channel" {
			b.chans = append(b.chans, make(chan uint64, 1))
		} else if kind == "socket" {
			b.connect()
		}
		start(func() { way(w) })
	}
	if kind == "channel" || kind == "socket" {
		start(b.tick)
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
