package main

import (
	"sync"
)

// sync/pingpong: a channel each way.

func init() {
	register(workload{name: "sync/pingpong", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, body: pingpong,
		params: []param{number("capacity", 0, 0, 1024, 0)}})
}

func pingpong(r *run) {
	capacity := r.param("capacity")
	there, back := make(chan uint64, capacity), make(chan uint64, capacity)
	gate := make(chan struct{})
	var arrived, pinger, ponger sync.WaitGroup
	var received, answered, sum uint64
	arrived.Add(2)
	pinger.Add(1)
	ponger.Add(1)
	go func() {
		defer ponger.Done()
		n := uint64(0)
		arrived.Done()
		for value := range there {
			back <- 2*value + 1
			n++
		}
		answered = n
	}()
	go func() {
		defer pinger.Done()
		n, own := uint64(0), uint64(0)
		arrived.Done()
		<-gate
		for ; n < r.Ops; n++ {
			there <- n
			own += <-back
		}
		received, sum = n, own
		close(there)
	}()
	arrived.Wait()
	r.begin()
	close(gate)
	pinger.Wait()
	r.end()
	ponger.Wait()
	r.cert = cert{Ops: received, MaxLive: 2, Messages: received + answered, Checksum: hex(sum)}
}
