package main

import (
	"runtime"
	"sync"
)

// memory/alloc: slices from make, which the collector takes back.

func init() {
	register(workload{name: "memory/alloc", scaling: "linear", metric: "wall_per_op", smokeOps: 200, quantum: "tasks", body: alloc,
		params: []param{number("block_kib", 4, 0, 64, 8), choice("reuse", "no", "no", "no", "yes"),
			number("tasks", 64, 1, 10000, 8), number("work", 100, 0, 1000000, 10)}})
}

const allocPage = 4096

// allocTask is one task's work. The block is garbage when it returns.
func allocTask(bytes, work, id uint64) uint64 {
	block := make([]byte, bytes)
	for at := 0; at < len(block); at += allocPage {
		block[at] = byte(id%251 + 1)
	}
	runtime.Gosched()
	sum := steps(id, work)
	for at := 0; at < len(block); at += allocPage {
		sum += uint64(block[at])
	}
	return sum
}

type allocRecord struct {
	done, sum uint64
	_         [48]byte // a line for each
}

func allocNew(r *run, bytes, work uint64, records []allocRecord) (units uint64) {
	var wg sync.WaitGroup
	r.begin()
	for units < r.Ops {
		for i := range records {
			record, id := &records[i], units
			units++
			wg.Add(1)
			go func() {
				record.sum += allocTask(bytes, work, id)
				record.done++
				wg.Done()
			}()
		}
		wg.Wait()
	}
	r.end()
	return units
}

func allocOld(r *run, bytes, work uint64, records []allocRecord) {
	tasks := uint64(len(records))
	r.crew(tasks, func(i uint64) {
		record := &records[i]
		for id := i; id < r.Ops; id += tasks {
			record.sum += allocTask(bytes, work, id)
			record.done++
		}
	})
}

func alloc(r *run) {
	bytes, work := r.param("block_kib")*1024, r.param("work")
	records := make([]allocRecord, r.param("tasks"))
	var c cert
	if r.Params["reuse"] == "no" {
		c.Units = allocNew(r, bytes, work, records)
	} else {
		allocOld(r, bytes, work, records)
	}
	sum := uint64(0)
	for i := range records {
		c.Ops += records[i].done
		sum += records[i].sum
	}
	c.Checksum = hex(sum)
	r.cert = c
}
