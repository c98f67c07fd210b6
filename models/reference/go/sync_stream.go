package main

import (
	"sync"
)

func init() {
	register(workload{name: "sync/stream", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, body: stream,
		params: []param{number("capacity", 128, 0, 65536, 4)}})
}

func stream(r *run) {
	messages := make(chan uint64, r.param("capacity"))
	gate := make(chan struct{})
	var arrived, consumer sync.WaitGroup
	var received, inTurn, sum uint64
	arrived.Add(2)
	consumer.Add(1)
	go func() {
		arrived.Done()
		<-gate
		for i := uint64(0); i < r.Ops; i++ {
			messages <- 2*i + 1
		}
		close(messages)
	}()
	go func() {
		defer consumer.Done()
		n, turns, own := uint64(0), uint64(0), uint64(0)
		arrived.Done()
		for message := range messages {
			if message == 2*n+1 {
				turns++
			}
			own += message
			n++
		}
		received, inTurn, sum = n, turns, own
	}()
	arrived.Wait()
	r.begin()
	close(gate)
	consumer.Wait()
	r.end()
	r.cert = cert{Ops: received, MaxLive: 2, Messages: inTurn, Checksum: hex(sum)}
}
