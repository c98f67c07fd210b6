package main

import (
	"sync"
	"sync/atomic"
)

// What the memory family shares.

// touch dirties kib KiB of the stack that it is called on and calls then at the bottom. It gives the sum of a mark per
// 4 KiB, read back after then has returned. A goroutine that touches nothing has no frame of a kilobyte: of 2 KiB of stack
// that would be more than there is.
func touch(kib, id uint64, then func()) uint64 {
	if kib == 0 {
		then()
		return 0
	}
	return touchLevel(kib, 0, id, then)
}

// touchLevel has a kilobyte per level.
func touchLevel(kib, depth, id uint64, then func()) uint64 {
	if depth == kib {
		then()
		return 0
	}
	var block [1024]byte
	block[depth&1023] = byte(id%251 + 1)
	below := touchLevel(kib, depth+1, id, then)
	if depth%4 != 0 {
		return below
	}
	return below + uint64(block[depth&1023])
}

// touchAll parks goroutines below stacks that they have touched: each runs task, which calls wait. While all are parked
// whileLive is called. It gives the certificate.
func touchAll(r *run, task func(kib, id uint64, wait func()) uint64, whileLive func(live uint64)) cert {
	tasks, kib := r.param("tasks"), r.param("touch_kib")
	gate := make(chan struct{})
	var arrived, present sync.WaitGroup
	var count, left, sum atomic.Uint64
	arrived.Add(int(tasks))
	present.Add(int(tasks))
	wait := func() {
		arrived.Done()
		<-gate
	}
	for i := uint64(0); i < tasks; i++ {
		go func() {
			defer present.Done()
			sum.Add(task(kib, count.Add(1)-1, wait))
			left.Add(1)
		}()
	}
	arrived.Wait()
	whileLive(count.Load())
	close(gate)
	present.Wait()
	return cert{Ops: left.Load(), Units: tasks, MaxLive: count.Load(), Checksum: hex(sum.Load())}
}
