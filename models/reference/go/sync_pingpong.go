package main

// sync/pingpong: a channel each way.

func init() {
	register(workload{name: "sync/pingpong", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, body: pingpong,
		params: []param{number("capacity", 0, 0, 1024, 0)}})
}

func pingpong(r *run) {
	capacity := r.param("capacity")
	there, back := make(chan uint64, capacity), make(chan uint64, capacity)
	var received, answered, sum uint64
	pong := func() {
		n := uint64(0)
		for value := range there {
			back <- 2*value + 1
			n++
		}
		answered = n
	}
	ping := func() {
		n, own := uint64(0), uint64(0)
		for ; n < r.Ops; n++ {
			there <- n
			own += <-back
		}
		received, sum = n, own
		close(there)
	}
	r.duet(ping, pong)
	r.cert = cert{Ops: received, MaxLive: 2, Messages: received + answered, Checksum: hex(sum)}
}
