package main

func init() {
	register(workload{name: "sync/pipeline", scaling: "linear", metric: "wall_per_op", smokeOps: 500, body: pipeline,
		params: []param{number("stages", 8, 1, 1024, 3), number("capacity", 64, 0, 1024, 4)}})
}

func pipeline(r *run) {
	stages := r.param("stages")
	links := make([]chan uint64, stages+1)
	for i := range links {
		links[i] = make(chan uint64, r.param("capacity"))
	}
	first, step := uint64(0), uint64(1)
	for stage := uint64(0); stage < stages; stage++ {
		first, step = first*stepFactor+stage+1, step*stepFactor
	}
	passed := make([]uint64, stages)
	var received, inTurn, sum uint64
	r.crew(stages+2, func(i uint64) {
		switch {
		case i == 0: // the source
			for n := uint64(0); n < r.Ops; n++ {
				links[0] <- n
			}
			close(links[0])
		case i <= stages:
			stage, out, n := i-1, links[i], uint64(0)
			for value := range links[stage] {
				out <- value*stepFactor + stage + 1
				n++
			}
			close(out)
			passed[stage] = n
		default: // the sink
			due, count, turns, own := first, uint64(0), uint64(0), uint64(0)
			for value := range links[stages] {
				if value == due {
					turns++
				}
				due += step
				own += value
				count++
			}
			received, inTurn, sum = count, turns, own
		}
	})
	c := cert{Ops: received, MaxLive: stages + 2, Messages: inTurn, Checksum: hex(sum)}
	for _, n := range passed {
		c.Messages += n
	}
	r.cert = c
}
