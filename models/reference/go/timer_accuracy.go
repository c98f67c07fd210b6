package main

import "time"

func init() {
	register(workload{name: "timer/accuracy", scaling: "linear", metric: "delay_p50", smokeOps: 40, body: accuracy,
		params: []param{number("sleep_us", 50, 1, 1000000, 50)}})
}

func accuracy(r *run) {
	each := time.Duration(r.param("sleep_us")) * time.Microsecond
	n := uint64(0)
	r.delays = make([]int64, 0, r.Ops)
	r.begin()
	for ; n < r.Ops; n++ {
		due := nowNs() + each.Nanoseconds()
		time.Sleep(each)
		r.delay(due)
	}
	r.end()
	r.cert = cert{Ops: n, Checksum: hex(0)}
}
