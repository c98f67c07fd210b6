package main

import (
	"sync"
	"time"
)

func init() {
	register(workload{name: "abuse/hoarder", scaling: "finite", metric: "delay_p99", body: hoarder,
		params: []param{number("polite", 8, 1, 1000, 3), number("events", 150, 1, 100000, 10),
			number("period_us", 977, 50, 1000000, 977), number("hoard_us", 100, 1, 100000, 50),
			choice("hoarding", "work", "work", "work", "sleep")}})
}

func hoarder(r *run) {
	plan, hoardNs := newPolitePlan(r), r.param("hoard_us")*1000
	const start, politeSteps = uint64(golden), 100
	sleeps := r.Params["hoarding"] == "sleep"
	tasks, during := make([]polite, plan.tasks), make([]uint64, plan.tasks+1)
	locks := make([]uint64, plan.tasks+1)
	var lock sync.Mutex
	word, over, value := start, false, uint64(1)
	r.delays = make([]int64, 0, plan.tasks*plan.events)
	r.crew(plan.tasks+1, func(i uint64) {
		if i == 0 {
			for end, done := plan.end(), false; !done; locks[0]++ {
				lock.Lock()
				before := word
				if sleeps {
					time.Sleep(time.Duration(hoardNs))
				} else {
					value = steps(value, hoardNs)
				}
				if word != before {
					fail("somebody wrote what the hoarder had locked")
				}
				done = nowNs() >= end
				over = done
				lock.Unlock()
			}
			during[0] = locks[0]
			return
		}
		plan.live(i-1, &tasks[i-1], func(due int64) int64 {
			lock.Lock()
			late := lateness(due)
			r.delays = append(r.delays, late)
			word = steps(word, politeSteps)
			if !over {
				during[i]++
			}
			lock.Unlock()
			locks[i]++
			return late
		})
	})
	c, sum, inTime := cert{MaxLive: plan.tasks + 1}, word, uint64(0)
	for i := range tasks {
		c.Ops += tasks[i].seen
		c.Locks += locks[i+1]
		sum += tasks[i].sum
		inTime += tasks[i].inTime
	}
	if !sleeps && value != jump(1, locks[0]*hoardNs) {
		fail("the hoarder has not done its work under the lock")
	}
	c.Checksum = hex(sum)
	r.cert = c
	r.politeFigures(during, inTime)
	r.figures["hoards"] = float64(locks[0])
}
