package main

func init() {
	register(workload{name: "sync/stream", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, body: stream,
		params: []param{number("capacity", 128, 0, 65536, 4)}})
}

func stream(r *run) {
	messages := make(chan uint64, r.param("capacity"))
	var received, inTurn, sum uint64
	produce := func() {
		for i := uint64(0); i < r.Ops; i++ {
			messages <- 2*i + 1
		}
		close(messages)
	}
	consume := func() {
		n, turns, own := uint64(0), uint64(0), uint64(0)
		for message := range messages {
			if message == 2*n+1 {
				turns++
			}
			own += message
			n++
		}
		received, inTurn, sum = n, turns, own
	}
	r.duet(consume, produce)
	r.cert = cert{Ops: received, MaxLive: 2, Messages: inTurn, Checksum: hex(sum)}
}
