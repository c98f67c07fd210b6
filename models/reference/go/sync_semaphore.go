package main

import (
	"runtime"
	"sync/atomic"
)

// sync/semaphore: a channel as wide as there are permits.

func init() {
	register(workload{name: "sync/semaphore", scaling: "linear", metric: "wall_per_op", smokeOps: 4000, quantum: "tasks", body: semaphore,
		params: []param{number("tasks", 8, 1, 10000, 5), number("permits", 2, 1, 10000, 2), number("hold", 100, 1, 1000000, 10),
			number("think", 0, 0, 1000000, 5), choice("inside", "yield", "yield", "work", "yield")}})
}

type semaphoreTask struct {
	word, done, proper uint64
	_                  [104]byte // lines of its own
}

func semaphore(r *run) {
	tasks, hold, think := r.param("tasks"), r.param("hold"), r.param("think")
	yields := r.Params["inside"] == "yield"
	limit := int64(r.param("permits"))
	permits := make(chan struct{}, limit)
	records := make([]semaphoreTask, tasks)
	var holders atomic.Int64
	r.crew(tasks, func(i uint64) {
		own := semaphoreTask{word: i + 1}
		for left := share(r.Ops, tasks, i); left > 0; left-- {
			permits <- struct{}{}
			if holders.Add(1) <= limit {
				own.proper++
			}
			if yields {
				own.word = steps(own.word, hold/2)
				runtime.Gosched()
				own.word = steps(own.word, hold-hold/2)
			} else {
				own.word = steps(own.word, hold)
			}
			holders.Add(-1)
			<-permits
			own.done++
			own.word = steps(own.word, think)
		}
		records[i] = own
	})
	c, sum := cert{MaxLive: tasks}, uint64(0)
	for i := range records {
		c.Ops += records[i].done
		c.Locks += records[i].proper
		sum += records[i].word
	}
	c.Checksum = hex(sum)
	r.cert = c
}
