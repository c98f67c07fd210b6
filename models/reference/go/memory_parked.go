package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

func init() {
	register(workload{name: "memory/parked", scaling: "state", metric: "bytes_per_task", body: parked,
		params: []param{number("tasks", 1000, 1, 10000000, 100), number("touch_kib", 0, 0, 64, 4),
			choice("libc", "no", "yes", "no", "yes")}})
}

// printAndParse does with Go's own library what the C bodies do with the libc. It gives id.
//
//go:noinline
func printAndParse(id uint64) uint64 {
	text := fmt.Sprintf("%d %.17g", id, float64(id)/3)
	number, _, _ := strings.Cut(text, " ")
	back, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		fail("%q is no number: %v", number, err)
	}
	return back
}

func parked(r *run) {
	tasks, kib := r.param("tasks"), r.param("touch_kib")
	prints := r.Params["libc"] == "yes"
	gate := make(chan struct{})
	var arrived, present sync.WaitGroup
	var count, left, sum atomic.Uint64
	arrived.Add(int(tasks))
	present.Add(int(tasks))
	r.snapshot("base", 0)
	for i := uint64(0); i < tasks; i++ {
		go func() {
			defer present.Done()
			id := count.Add(1) - 1
			if prints {
				sum.Add(printAndParse(id))
			}
			sum.Add(touch(kib, 0, id, func() {
				arrived.Done()
				<-gate
			}))
			left.Add(1)
		}()
	}
	arrived.Wait()
	r.snapshot("live", count.Load())
	close(gate)
	present.Wait()
	r.cert = cert{Ops: left.Load(), Units: tasks, MaxLive: count.Load(), Checksum: hex(sum.Load())}
}
