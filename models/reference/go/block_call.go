package main

import (
	"strconv"
	"sync"
	"time"
)

func init() {
	register(workload{name: "block/call", scaling: "linear", metric: "wall_per_op", smokeOps: 60, quantum: "in_flight", body: call,
		params: []param{number("in_flight", 16, 1, 10000, 3), number("call_us", 1000, 1, 1000000, 30),
			number("work", 1000, 0, 1000000, 10), number("settle_ms", 0, 0, 60000, 0)}})
}

func call(r *run) {
	inFlight, ns, work := r.param("in_flight"), r.param("call_us")*1000, r.param("work")
	type caller struct {
		done, value uint64
		slept       bool
	}
	callers := make([]caller, inFlight)
	gate, leave := make(chan struct{}), make(chan struct{})
	var arrived, working, ended sync.WaitGroup
	arrived.Add(int(inFlight))
	working.Add(int(inFlight))
	ended.Add(int(inFlight))
	for i := uint64(0); i < inFlight; i++ {
		go func(i uint64) {
			defer ended.Done()
			x, done := i, uint64(0)
			arrived.Done()
			<-gate
			began := nowNs()
			for left := share(r.Ops, inFlight, i); left > 0; left-- {
				x = steps(x, work)
				preciseNap(ns)
				done++
			}
			callers[i] = caller{done, x, uint64(nowNs()-began) >= done*ns}
			working.Done()
			<-leave
		}(i)
	}
	arrived.Wait()
	before := threads()
	r.begin()
	close(gate)
	working.Wait()
	r.end()
	r.figures = map[string]float64{"threads_before": float64(before), "threads_end": float64(threads())}
	settle := time.Duration(r.param("settle_ms")) * time.Millisecond
	for part := 1; part < 6 && settle > 0 && !r.silent; part++ {
		time.Sleep(settle / 6)
		r.figures["threads_settling_"+strconv.Itoa(part)] = float64(threads())
	}
	if !r.silent {
		time.Sleep(settle / 6)
	}
	r.figures["threads_settled"] = float64(threads())
	close(leave)
	ended.Wait()
	c, sum := cert{MaxLive: inFlight}, uint64(0)
	for i, one := range callers {
		if !one.slept {
			fail("the calls of a goroutine did not last as long as they had to")
		}
		c.Ops += one.done
		sum += one.value + uint64(i+1)*one.done
	}
	c.Checksum = hex(sum)
	r.cert = c
}
