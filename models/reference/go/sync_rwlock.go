package main

import "sync"

func init() {
	register(workload{name: "sync/rwlock", scaling: "linear", metric: "wall_per_op", smokeOps: 4000, quantum: "tasks", body: rwlock,
		params: []param{number("tasks", 8, 1, 10000, 4), number("read_percent", 90, 0, 100, 70),
			number("hold", 100, 1, 1000000, 10), number("think", 0, 0, 1000000, 5)}})
}

func rwlock(r *run) {
	tasks, percent, hold, think := r.param("tasks"), r.param("read_percent"), r.param("hold"), r.param("think")
	var lock sync.RWMutex
	word := uint64(golden)
	private, done, intact := make([]uint64, tasks), make([]uint64, tasks), make([]uint64, tasks)
	r.crew(tasks, func(i uint64) {
		own, credit, n, whole := i+1, i*37%100, uint64(0), uint64(0)
		for left := share(r.Ops, tasks, i); left > 0; left-- {
			if credit += percent; credit >= 100 {
				credit -= 100
				lock.RLock()
				before := word
				own = steps(own, hold)
				if word == before {
					whole++
				}
				lock.RUnlock()
			} else {
				lock.Lock()
				word = steps(word, hold)
				lock.Unlock()
				whole++
			}
			n++
			own = steps(own, think)
		}
		private[i], done[i], intact[i] = own, n, whole
	})
	c, sum := cert{MaxLive: tasks}, word
	for i := range private {
		c.Ops += done[i]
		c.Locks += intact[i]
		sum += private[i]
	}
	c.Checksum = hex(sum)
	r.cert = c
}
