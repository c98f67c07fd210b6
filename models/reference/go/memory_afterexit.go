package main

import "time"

func init() {
	register(workload{name: "memory/afterexit", scaling: "state", metric: "bytes_per_task", body: afterexit,
		params: []param{number("tasks", 1000, 1, 10000000, 100), number("touch_kib", 4, 0, 64, 4),
			number("settle_ms", 500, 0, 60000, 0)}})
}

func afterexit(r *run) {
	settle := 10*time.Millisecond + time.Duration(r.param("settle_ms"))*time.Millisecond
	r.snapshot("base", 0)
	c := touchAll(r, waitOnly, func(uint64) {})
	time.Sleep(settle)
	r.snapshot("live", c.Ops)
	r.cert = c
}
