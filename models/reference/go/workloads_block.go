package main

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// The family block but handoff, and timer/churn.

func init() {
	workloads = append(workloads,
		workload{name: "timer/churn", scaling: "linear", metric: "wall_per_op", smokeOps: 3000, body: churn,
			params: []param{number("pending", 10000, 1, 100000, 100), number("tasks", 4, 1, 1000, 3),
				choice("op", "reset", "stop", "reset", "stop"), choice("distances", "same", "spread", "same", "spread"),
				number("distance_ms", 10000, 1, 1000000, 5)}},
		workload{name: "block/call", scaling: "linear", metric: "wall_per_op", smokeOps: 60, quantum: "in_flight", body: call,
			params: []param{number("in_flight", 16, 1, 10000, 3), number("call_us", 1000, 1, 1000000, 30),
				number("work", 1000, 0, 1000000, 10), number("settle_ms", 0, 0, 60000, 0)}},
		workload{name: "block/bystander", scaling: "linear", metric: "wall_per_op", smokeOps: 50, setup: bystanderSetup, body: bystander,
			params: []param{choice("kind", "sleep", "none", "none", "sleep", "channel", "mutex", "call", "file", "socket"),
				number("waiters", 16, 1, 1000, 3), number("wait_us", 1000, 1, 10000000, 300)}})
}

// ---- timer/churn: time.AfterFunc, Reset and Stop ------------------------------------------------------------

type churnEntry struct {
	timer             *time.Timer
	starts, calledOff uint64
	fired             atomic.Uint64
	firedNs           atomic.Int64 // when it did last
}

func (e *churnEntry) start(d time.Duration) {
	if e.timer.Reset(d) {
		e.calledOff++
	}
	e.starts++
}

func (e *churnEntry) stop() {
	if e.timer.Stop() {
		e.calledOff++
	}
}

// open gives the starts that have neither been called off nor fired.
func (e *churnEntry) open() int64 {
	return int64(e.starts - e.calledOff - e.fired.Load())
}

// settle waits for the functions of timers that have fired or will.
func settle(entries []churnEntry) {
	for tries := 0; ; tries++ {
		open := int64(0)
		for i := range entries {
			open += entries[i].open()
		}
		if open <= 0 {
			return
		}
		if tries == 10000 {
			fail("%d timers have neither been called off nor fired", open)
		}
		time.Sleep(time.Millisecond)
	}
}

// checkResets resets timers while they are pending, and looks whether each fires once and at the later time. One that
// has fired before its reset is a timer that was started twice: nothing is said of it.
func checkResets(entries []churnEntry) {
	const short, long = 2 * time.Millisecond, 20 * time.Millisecond
	resets := make([]int64, len(entries))
	for i := range entries {
		e := &entries[i]
		e.start(short)
		calledOff, now := e.calledOff, nowNs()
		e.start(long)
		if e.calledOff > calledOff {
			resets[i] = now
		}
	}
	settle(entries)
	for i := range entries {
		e := &entries[i]
		if e.open() != 0 || resets[i] != 0 && e.firedNs.Load() < resets[i]+long.Nanoseconds() {
			fail("a timer was reset and did not fire once and when it should")
		}
	}
}

func churn(r *run) {
	const batch = 64
	tasks, pending, distance := r.param("tasks"), r.param("pending"), r.param("distance_ms")*1000000
	if pending < tasks {
		pending = tasks
	}
	least, stops, varies := distance, r.Params["op"] == "stop", r.Params["distances"] == "spread"
	if varies {
		least = distance / 2
	}
	earliest := nowNs() + int64(least)
	entries, dones := make([]churnEntry, pending), make([]uint64, tasks)
	var early atomic.Uint64
	for i := range entries {
		e := &entries[i]
		e.timer = time.AfterFunc(time.Hour, func() {
			now := nowNs()
			if now < earliest {
				early.Add(1)
			}
			e.firedNs.Store(now)
			e.fired.Add(1)
		})
		e.timer.Stop()
	}
	gate := make(chan struct{})
	var arrived, ended sync.WaitGroup
	arrived.Add(int(tasks))
	ended.Add(int(tasks))
	first := uint64(0)
	for i := uint64(0); i < tasks; i++ {
		mine := entries[first : first+share(pending, tasks, i)]
		first += uint64(len(mine))
		go func(i uint64) {
			defer ended.Done()
			for k := range mine {
				mine[k].start(time.Duration(distance))
			}
			x, done := steps(r.seed^i<<32, 2), uint64(0)
			arrived.Done()
			<-gate
			for left := share(r.Ops, tasks, i); left > 0; left-- {
				x = steps(x, 1)
				e, d := &mine[(x>>32)*uint64(len(mine))>>32], distance
				if varies {
					d = distance/2 + distance*(x>>16&0xffff)>>16
				}
				if stops {
					e.stop()
				}
				e.start(time.Duration(d))
				if done++; done%batch == 0 {
					runtime.Gosched()
				}
			}
			dones[i] = done
		}(i)
	}
	arrived.Wait()
	r.begin()
	close(gate)
	ended.Wait()
	r.end()
	for i := range entries {
		entries[i].stop()
	}
	settle(entries)
	if early.Load() > 0 {
		fail("%d timers fired before their time", early.Load())
	}
	c, sum := cert{}, uint64(0)
	for _, done := range dones {
		c.Ops += done
	}
	for i := range entries {
		ended := entries[i].calledOff + entries[i].fired.Load()
		c.Messages += ended
		sum += uint64(i+1) * ended
	}
	c.Checksum = hex(sum)
	r.cert = c
	earliest = 0 // no timer is pending
	if len(entries) > 64 {
		entries = entries[:64]
	}
	checkResets(entries)
}

// ---- block/call ---------------------------------------------------------------------------------------------

// nap is a system call that blocks for so long. The runtime knows that it is a call, and no more.
func nap(ns uint64) {
	left := syscall.NsecToTimespec(int64(ns))
	err := syscall.Nanosleep(&left, &left)
	for err == syscall.EINTR {
		err = syscall.Nanosleep(&left, &left)
	}
	if err != nil {
		fail("a call failed: %v", err)
	}
}

// preciseNap is a nap without the usual 50 us of timer slack. Which thread it will be on is not known, so it says so
// each time, which takes some 100 ns.
func preciseNap(ns uint64) {
	const prSetTimerslack = 29
	syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerslack, 1, 0)
	nap(ns)
}

func call(r *run) {
	inFlight, ns, work := r.param("in_flight"), r.param("call_us")*1000, r.param("work")
	type caller struct {
		done, value uint64
		slept       bool
	}
	callers := make([]caller, inFlight)
	gate, leave := make(chan struct{}), make(chan struct{})
	var arrived, working, ended sync.WaitGroup
	arrived.Add(int(inFlight))
	working.Add(int(inFlight))
	ended.Add(int(inFlight))
	for i := uint64(0); i < inFlight; i++ {
		go func(i uint64) {
			defer ended.Done()
			x, done := i, uint64(0)
			arrived.Done()
			<-gate
			began := nowNs()
			for left := share(r.Ops, inFlight, i); left > 0; left-- {
				x = steps(x, work)
				preciseNap(ns)
				done++
			}
			callers[i] = caller{done, x, uint64(nowNs()-began) >= done*ns}
			working.Done()
			<-leave
		}(i)
	}
	arrived.Wait()
	before := threads()
	r.begin()
	close(gate)
	working.Wait()
	r.end()
	end := threads()
	if !r.silent {
		time.Sleep(time.Duration(r.param("settle_ms")) * time.Millisecond)
	}
	r.figures = map[string]float64{"threads_before": float64(before), "threads_end": float64(end), "threads_settled": float64(threads())}
	close(leave)
	ended.Wait()
	c, sum := cert{MaxLive: inFlight}, uint64(0)
	for i, one := range callers {
		if !one.slept {
			fail("the calls of a goroutine did not last as long as they had to")
		}
		c.Ops += one.done
		sum += one.value + uint64(i+1)*one.done
	}
	c.Checksum = hex(sum)
	r.cert = c
}

// ---- block/bystander ----------------------------------------------------------------------------------------

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
	buffer := aligned(block)
	words := unsafe.Slice((*uint64)(unsafe.Pointer(&buffer[0])), block/8)
	for {
		at := readMix(w.id<<40^w.waits) % (bystanderMiB << 20 / block)
		_, err := readFile.ReadAt(buffer, int64(at*block))
		w.right = w.right && err == nil && words[0] == at
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
