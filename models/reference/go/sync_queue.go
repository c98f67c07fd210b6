package main

import "sync"

func init() {
	register(workload{name: "sync/queue", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, body: queue,
		params: []param{number("producers", 4, 1, 1024, 3), number("consumers", 4, 1, 1024, 2), number("capacity", 64, 0, 65536, 4)}})
}

func queue(r *run) {
	producers, consumers := r.param("producers"), r.param("consumers")
	messages := make(chan uint64, r.param("capacity"))
	received, inOrder, sums := make([]uint64, consumers), make([]uint64, consumers), make([]uint64, consumers)
	var sending sync.WaitGroup
	sending.Add(int(producers))
	r.crew(producers+consumers, func(i uint64) {
		if i >= consumers {
			id := i - consumers
			for n, own := uint64(0), share(r.Ops, producers, id); n < own; n++ {
				messages <- tallyMessage(id, n)
			}
			sending.Done()
			if id == 0 {
				sending.Wait()
				close(messages)
			}
			return
		}
		next := make([]uint64, producers)
		count, ordered, sum := uint64(0), uint64(0), uint64(0)
		for message := range messages {
			source, n := tallyOf(message)
			if n >= next[source] {
				ordered++
			}
			next[source] = n + 1
			sum += tallyDigit(source, n)
			count++
		}
		received[i], inOrder[i], sums[i] = count, ordered, sum
	})
	c, sum := cert{MaxLive: producers + consumers}, uint64(0)
	for i := range received {
		c.Ops += received[i]
		c.Messages += inOrder[i]
		sum += sums[i]
	}
	c.Checksum = hex(sum)
	r.cert = c
}
