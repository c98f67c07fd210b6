package main

import (
	"sync/atomic"
	"time"
)

func init() {
	register(workload{name: "timer/sleepers", scaling: "finite", metric: "wall_per_op", body: sleepers,
		params: []param{number("tasks", 100000, 1, 1000000, 50), number("rounds", 10, 1, 1000, 3),
			number("sleep_ms", 10, 1, 1000, 2)}})
}

func sleepers(r *run) {
	tasks, rounds := r.param("tasks"), r.param("rounds")
	each := time.Duration(r.param("sleep_ms")) * time.Millisecond
	done := make([]uint64, tasks)
	var early atomic.Uint64
	r.crew(tasks, func(i uint64) {
		n := uint64(0)
		began := time.Now()
		for ; n < rounds; n++ {
			time.Sleep(each)
		}
		if time.Since(began) < each*time.Duration(rounds) {
			early.Add(1)
		}
		done[i] = n
	})
	if early.Load() > 0 {
		fail("%d goroutines were woken before their time", early.Load())
	}
	c := cert{MaxLive: tasks}
	sum := uint64(0)
	for i, n := range done {
		c.Ops += n
		sum += uint64(i+1) * n
	}
	c.Checksum = hex(sum)
	r.cert = c
}
