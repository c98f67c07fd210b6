package main

import "strconv"

// spawn/skynet: ten goroutines and a channel per inner goroutine.

func init() {
	register(workload{name: "spawn/skynet", scaling: "finite", metric: "wall_per_op", body: skynet,
		params: []param{choice("leaves", "1000000", "100", "10", "100", "1000", "10000", "100000", "1000000")}})
}

const skynetFanout = 10

type skynetSum struct{ value, tasks uint64 }

func skynetGrow(up chan<- skynetSum, first, leaves uint64) {
	if leaves == 1 {
		up <- skynetSum{first, 1}
		return
	}
	sums := make(chan skynetSum, skynetFanout)
	leaves /= skynetFanout
	for i := uint64(0); i < skynetFanout; i++ {
		go skynetGrow(sums, first+i*leaves, leaves)
	}
	own := skynetSum{tasks: 1}
	for i := 0; i < skynetFanout; i++ {
		below := <-sums
		own.value += below.value
		own.tasks += below.tasks
	}
	up <- own
}

func skynet(r *run) {
	text, _ := r.Params["leaves"].(string)
	leaves, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		fail("parameter leaves is missing or not a number: %q", text)
	}
	out := make(chan skynetSum, 1)
	r.begin()
	go skynetGrow(out, 0, leaves)
	sum := <-out
	r.end()
	r.cert = cert{Ops: sum.tasks, Units: sum.tasks, Messages: sum.tasks, Checksum: hex(sum.value)}
}
