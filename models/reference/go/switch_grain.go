package main

import "runtime"

func init() {
	register(workload{name: "switch/grain", scaling: "linear", metric: "wall_per_op", smokeOps: 1000,
		quantum: "tasks", body: grain,
		params: []param{number("steps", 1000, 1, 1000000, 100), number("tasks", 2, 2, 1000, 3)}})
}

// fence waits until all that was begun is done, as grain.h does: in assembly, because the language has no such thing.
func fence()

func grain(r *run) {
	tasks, n := r.param("tasks"), r.param("steps")
	done, values := make([]uint64, tasks), make([]uint64, tasks)
	r.crew(tasks, func(i uint64) {
		value, grains := i+1, uint64(0)
		for left := share(r.Ops, tasks, i); left > 0; left-- {
			value = steps(value, n)
			fence()
			runtime.Gosched()
			grains++
		}
		done[i], values[i] = grains, value
	})
	c, sum := cert{MaxLive: tasks}, uint64(0)
	for i := range done {
		c.Ops += done[i]
		sum += values[i]
	}
	c.Checksum = hex(sum)
	r.cert = c
}
