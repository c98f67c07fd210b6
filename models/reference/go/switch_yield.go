package main

import "runtime"

func init() {
	register(workload{name: "switch/yield", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, quantum: "tasks", body: yield,
		params: []param{number("tasks", 2, 2, 100000, 2)}})
}

func yield(r *run) {
	tasks := r.param("tasks")
	done := make([]uint64, tasks)
	r.crew(tasks, func(i uint64) {
		n := uint64(0)
		for left := share(r.Ops, tasks, i); left > 0; left-- {
			runtime.Gosched()
			n++
		}
		done[i] = n
	})
	sum, yields := uint64(0), uint64(0)
	for i, n := range done {
		yields += n
		sum += uint64(i+1) * n
	}
	r.cert = cert{Ops: yields, MaxLive: tasks, Checksum: hex(sum)}
}
