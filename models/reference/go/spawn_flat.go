package main

import "sync"

// spawn/flat: a wait group per batch.

func init() {
	register(workload{name: "spawn/flat", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, quantum: "batch", body: flat,
		params: []param{number("batch", 1000, 1, 1000000, 8)}})
}

type flatRecord struct {
	number, result uint64
	_              [48]byte // a line for each: its task may run on another CPU
}

//go:noinline
func flatTask(r *flatRecord) { r.result += 2*r.number + 1 }

func flat(r *run) {
	records := make([]flatRecord, r.param("batch"))
	var wg sync.WaitGroup
	var c cert
	sum := uint64(0)
	r.begin()
	for c.Ops < r.Ops {
		for i := range records {
			record := &records[i]
			record.number, record.result = c.Units, 0
			c.Units++
			wg.Add(1)
			go func() {
				flatTask(record)
				wg.Done()
			}()
		}
		wg.Wait()
		for i := range records {
			sum += records[i].result
			c.Ops++
		}
	}
	r.end()
	c.MaxLive, c.Checksum = uint64(len(records)), hex(sum)
	r.cert = c
}
