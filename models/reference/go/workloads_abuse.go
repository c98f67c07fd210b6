package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// The abuse family but abuse/ready.

// ---- polite goroutines (polite.h) -----------------------------------------------------------------------------

type politePlan struct {
	r             *run
	tasks, events uint64
	period        int64
}

func newPolitePlan(r *run) politePlan {
	return politePlan{r, r.param("polite"), r.param("events"), int64(r.param("period_us")) * 1000}
}

// end is when the last event has been due, and the abuse ends.
func (p politePlan) end() int64 { return p.r.begunNs + int64(p.events+1)*p.period }

type polite struct {
	seen, inTime, sum uint64
	delays            []int64  // of who keeps its own
	_                 [80]byte // lines of its own
}

// live waits for each event of goroutine i and lets take say how late it was.
func (p politePlan) live(i uint64, own *polite, take func(dueNs int64) int64) {
	for own.seen < p.events {
		due := p.r.begunNs + int64(own.seen+1)*p.period + int64(i)*p.period/int64(p.tasks)
		if wait := due - nowNs(); wait > 0 {
			time.Sleep(time.Duration(wait))
		}
		if take(due) < p.period {
			own.inTime++
		}
		own.seen++
		own.sum += own.seen * (i + 1)
	}
}

// crowd makes goroutines' records that keep their own delays.
func (p politePlan) crowd() []polite {
	tasks := make([]polite, p.tasks)
	for i := range tasks {
		tasks[i].delays = make([]int64, 0, p.events)
	}
	return tasks
}

// liveAlone is live of goroutine i that does nothing at an event but note how late it was.
func (p politePlan) liveAlone(i uint64, own *polite) {
	p.live(i, own, func(due int64) int64 {
		late := lateness(due)
		own.delays = append(own.delays, late)
		return late
	})
}

// report makes the run's delays, certificate and figures of a crowd beside so many others.
func (p politePlan) report(tasks []polite, others uint64) {
	c, sum, inTime, all := cert{MaxLive: others + p.tasks}, uint64(0), make([]uint64, p.tasks), uint64(0)
	for i := range tasks {
		p.r.delays = append(p.r.delays, tasks[i].delays...)
		c.Ops += tasks[i].seen
		sum += tasks[i].sum
		inTime[i] = tasks[i].inTime
		all += tasks[i].inTime
	}
	c.Checksum = hex(sum)
	p.r.cert = c
	p.r.politeFigures(inTime, all)
}

// jain is (sum of x)^2 / (n * sum of x^2).
func jain(shares []uint64) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range shares {
		sum += float64(x)
		squares += float64(x) * float64(x)
	}
	if sum == 0 {
		return 0 // nothing can be said of nothing
	}
	return sum * sum / (float64(len(shares)) * squares)
}

// politeFigures tells of the delays, and of the shares unless there is nothing to share.
func (r *run) politeFigures(shares []uint64, inTime uint64) {
	worst := int64(0)
	for _, late := range r.delays {
		if late > worst {
			worst = late
		}
	}
	r.figures = map[string]float64{"in_time_percent": 100 * float64(inTime) / float64(len(r.delays)),
		"worst_wait_us": float64(worst) / 1000}
	if index := jain(shares); index > 0 {
		r.figures["jain"] = index
	}
}

// ---- abuse/blocker ----------------------------------------------------------------------------------------------

// blockThread sleeps by a system call that the runtime is not told of. Its signals end it early; then it is made again.
func blockThread(ns int64) {
	const absolute = 1
	until := nowNs() + ns
	at := syscall.NsecToTimespec(until)
	for nowNs() < until {
		syscall.RawSyscall6(syscall.SYS_CLOCK_NANOSLEEP, clockMonotonic, absolute, uintptr(unsafe.Pointer(&at)), 0, 0, 0)
	}
}

func blocker(r *run) {
	plan, blockers, blockNs := newPolitePlan(r), r.param("blockers"), int64(r.param("block_us"))*1000
	tasks, blocks := plan.crowd(), make([]uint64, blockers)
	r.crew(blockers+plan.tasks, func(i uint64) {
		if i < blockers {
			for end := plan.end(); blocks[i] == 0 || nowNs() < end; blocks[i]++ {
				blockThread(blockNs)
				runtime.Gosched()
			}
			return
		}
		plan.liveAlone(i-blockers, &tasks[i-blockers])
	})
	plan.report(tasks, blockers)
	calls := uint64(0)
	for _, n := range blocks {
		calls += n
	}
	r.figures["blocks"] = float64(calls)
}

// ---- abuse/hog --------------------------------------------------------------------------------------------------

func hog(r *run) {
	const stepsPerLook, stepsPerUs, limitFactor, limitSteps = 1000, 1000, 2, 200000000
	plan, hogs, stretch := newPolitePlan(r), r.param("hogs"), r.param("stretch_us")*stepsPerUs
	limit := limitFactor*(plan.events+1)*uint64(plan.period) + limitSteps
	tasks := plan.crowd()
	computed, values := make([]uint64, hogs), make([]uint64, hogs)
	var left atomic.Int64
	left.Store(int64(plan.tasks))
	r.crew(hogs+plan.tasks, func(i uint64) {
		if i >= hogs {
			plan.liveAlone(i-hogs, &tasks[i-hogs])
			left.Add(-1)
			return
		}
		x, n := steps(i+1, stepsPerLook), uint64(stepsPerLook)
		for next := stretch; n < limit && left.Load() > 0; n += stepsPerLook {
			if stretch > 0 && n >= next {
				runtime.Gosched()
				next = n + stretch
			}
			x = steps(x, stepsPerLook)
		}
		computed[i], values[i] = n, x
	})
	plan.report(tasks, hogs)
	all := uint64(0)
	for i, n := range computed {
		if values[i] != jump(uint64(i)+1, n) {
			fail("a hog has come to a value that its steps do not give")
		}
		all += n
	}
	r.figures["hog_megasteps"] = float64(all) / 1e6
	r.figures["hogs_jain"] = jain(computed)
}

// jump is steps in O(log n).
func jump(x, n uint64) uint64 {
	for a, c := uint64(6364136223846793005), uint64(1442695040888963407); n > 0; n >>= 1 {
		if n&1 == 1 {
			x = x*a + c
		}
		c *= a + 1
		a *= a
	}
	return x
}

// ---- abuse/hoarder ----------------------------------------------------------------------------------------------

func hoarder(r *run) {
	plan, hoardNs := newPolitePlan(r), r.param("hoard_us")*1000
	const start, politeSteps = uint64(0x9e3779b97f4a7c15), 100
	sleeps := r.Params["hoarding"] == "sleep"
	tasks, during := make([]polite, plan.tasks), make([]uint64, plan.tasks+1)
	locks := make([]uint64, plan.tasks+1)
	var lock sync.Mutex
	word, over, value := start, false, uint64(1)
	r.delays = make([]int64, 0, plan.tasks*plan.events)
	r.crew(plan.tasks+1, func(i uint64) {
		if i == 0 {
			for end, done := plan.end(), false; !done; locks[0]++ {
				lock.Lock()
				before := word
				if sleeps {
					time.Sleep(time.Duration(hoardNs))
				} else {
					value = steps(value, hoardNs)
				}
				if word != before {
					fail("somebody wrote what the hoarder had locked")
				}
				done = nowNs() >= end
				over = done
				lock.Unlock()
			}
			during[0] = locks[0]
			return
		}
		plan.live(i-1, &tasks[i-1], func(due int64) int64 {
			lock.Lock()
			late := lateness(due)
			r.delays = append(r.delays, late)
			word = steps(word, politeSteps)
			if !over {
				during[i]++
			}
			lock.Unlock()
			locks[i]++
			return late
		})
	})
	c, sum, inTime := cert{MaxLive: plan.tasks + 1}, word, uint64(0)
	for i := range tasks {
		c.Ops += tasks[i].seen
		c.Locks += locks[i+1]
		sum += tasks[i].sum
		inTime += tasks[i].inTime
	}
	if !sleeps && value != jump(1, locks[0]*hoardNs) {
		fail("the hoarder has not done its work under the lock")
	}
	c.Checksum = hex(sum)
	r.cert = c
	r.politeFigures(during, inTime)
	r.figures["hoards"] = float64(locks[0])
}
