package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// timer/churn: time.AfterFunc, Reset and Stop.

func init() {
	register(workload{name: "timer/churn", scaling: "linear", metric: "wall_per_op", smokeOps: 3000, body: churn,
		params: []param{number("pending", 10000, 1, 100000, 100), number("tasks", 4, 1, 1000, 3),
			choice("op", "reset", "stop", "reset", "stop"), choice("distances", "same", "spread", "same", "spread"),
			number("distance_ms", 10000, 1, 1000000, 5)}})
}

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
