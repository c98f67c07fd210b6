package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// The memory family but parked.

// ---- memory/afterexit ----------------------------------------------------------------------------------------

func afterexit(r *run) {
	tasks, kib := r.param("tasks"), r.param("touch_kib")
	settle := 10*time.Millisecond + time.Duration(r.param("settle_ms"))*time.Millisecond
	gate := make(chan struct{})
	var arrived, present sync.WaitGroup
	var count, left, sum atomic.Uint64
	arrived.Add(int(tasks))
	present.Add(int(tasks))
	r.snapshot("base", 0)
	for i := uint64(0); i < tasks; i++ {
		go func() {
			defer present.Done()
			sum.Add(touch(kib, 0, count.Add(1)-1, func() {
				arrived.Done()
				<-gate
			}))
			left.Add(1)
		}()
	}
	arrived.Wait()
	close(gate)
	present.Wait()
	time.Sleep(settle)
	r.snapshot("live", left.Load())
	r.cert = cert{Ops: left.Load(), Units: tasks, MaxLive: count.Load(), Checksum: hex(sum.Load())}
}

// ---- memory/alloc: slices from make, which the collector takes back ------------------------------------------

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
