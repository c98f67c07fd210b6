package main

import (
	"sync"
	"sync/atomic"
	"time"
)

func init() {
	register(workload{name: "memory/afterexit", scaling: "state", metric: "bytes_per_task", body: afterexit,
		params: []param{number("tasks", 1000, 1, 10000000, 100), number("touch_kib", 4, 0, 64, 4),
			number("settle_ms", 500, 0, 60000, 0)}})
}

func afterexit(r *run) {
	tasks, kib := r.param("tasks"), r.param("touch_kib")
	settle := 10*time.Millisecond + time.Duration(r.param("settle_ms"))*time.Millisecond
	gate := make(chan struct{})
	var arrived, present sync.WaitGroup
	var count, left, sum atomic.Uint64
	arrived.Add(int(tasks))
	present.Add(int(tasks))
	r.snapshot("base", 0)
	for i := uint64(0); i < tasks; i++ {
		go func() {
			defer present.Done()
			sum.Add(touch(kib, 0, count.Add(1)-1, func() {
				arrived.Done()
				<-gate
			}))
			left.Add(1)
		}()
	}
	arrived.Wait()
	close(gate)
	present.Wait()
	time.Sleep(settle)
	r.snapshot("live", left.Load())
	r.cert = cert{Ops: left.Load(), Units: tasks, MaxLive: count.Load(), Checksum: hex(sum.Load())}
}
