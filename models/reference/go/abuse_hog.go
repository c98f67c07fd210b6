package main

import (
	"runtime"
	"sync/atomic"
)

func init() {
	register(workload{name: "abuse/hog", scaling: "finite", metric: "delay_p99", body: hog,
		params: []param{number("polite", 8, 1, 1000, 3), number("events", 150, 1, 100000, 10),
			number("period_us", 977, 50, 1000000, 977), number("hogs", 2, 1, 256, 2), number("stretch_us", 0, 0, 1000000, 200)}})
}

func hog(r *run) {
	const stepsPerLook, stepsPerUs, limitFactor, limitSteps = 1000, 1000, 2, 200000000
	plan, hogs, stretch := newPolitePlan(r), r.param("hogs"), r.param("stretch_us")*stepsPerUs
	limit := limitFactor*(plan.events+1)*uint64(plan.period) + limitSteps
	tasks := plan.crowd()
	computed, values := make([]uint64, hogs), make([]uint64, hogs)
	var left atomic.Int64
	left.Store(int64(plan.tasks))
	r.crew(hogs+plan.tasks, func(i uint64) {
		if i >= hogs {
			plan.liveAlone(i-hogs, &tasks[i-hogs])
			left.Add(-1)
			return
		}
		x, n := steps(i+1, stepsPerLook), uint64(stepsPerLook)
		for next := stretch; n < limit && left.Load() > 0; n += stepsPerLook {
			if stretch > 0 && n >= next {
				runtime.Gosched()
				next = n + stretch
			}
			x = steps(x, stepsPerLook)
		}
		computed[i], values[i] = n, x
	})
	plan.report(tasks, hogs)
	all := uint64(0)
	for i, n := range computed {
		if values[i] != jump(uint64(i)+1, n) {
			fail("a hog has come to a value that its steps do not give")
		}
		all += n
	}
	r.figures["hog_megasteps"] = float64(all) / 1e6
	r.figures["hogs_jain"] = jain(computed)
}

// jump is steps in O(log n).
func jump(x, n uint64) uint64 {
	for a, c := uint64(stepFactor), uint64(stepAdd); n > 0; n >>= 1 {
		if n&1 == 1 {
			x = x*a + c
		}
		c *= a + 1
		a *= a
	}
	return x
}
