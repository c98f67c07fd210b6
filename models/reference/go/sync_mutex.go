package main

import "sync"

func init() {
	register(workload{name: "sync/mutex", scaling: "linear", metric: "wall_per_op", smokeOps: 4000, quantum: "tasks", body: mutex,
		params: []param{number("tasks", 8, 1, 10000, 4), number("hold", 10, 1, 1000000, 10), number("think", 0, 0, 1000000, 5)}})
}

func mutex(r *run) {
	tasks, hold, think := r.param("tasks"), r.param("hold"), r.param("think")
	var lock sync.Mutex
	word := uint64(golden)
	private, locks := make([]uint64, tasks), make([]uint64, tasks)
	r.crew(tasks, func(i uint64) {
		own, n := i+1, uint64(0)
		for left := share(r.Ops, tasks, i); left > 0; left-- {
			lock.Lock()
			word = steps(word, hold)
			lock.Unlock()
			n++
			own = steps(own, think)
		}
		private[i], locks[i] = own, n
	})
	sum, taken := word, uint64(0)
	for i := range private {
		sum += private[i]
		taken += locks[i]
	}
	r.cert = cert{Ops: taken, MaxLive: tasks, Locks: taken, Checksum: hex(sum)}
}
