package main

import (
	"runtime"
	"syscall"
	"unsafe"
)

func init() {
	register(workload{name: "abuse/blocker", scaling: "finite", metric: "delay_p99", body: blocker,
		params: []param{number("polite", 8, 1, 1000, 3), number("events", 150, 1, 100000, 10),
			number("period_us", 977, 50, 1000000, 977), number("blockers", 1, 1, 256, 2), number("block_us", 2000, 1, 1000000, 500)}})
}

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
