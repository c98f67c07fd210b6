package main

import (
	"runtime"
	"sync/atomic"
	"syscall"
)

func init() {
	register(workload{name: "block/handoff", version: 1, scaling: "linear", metric: "wall_per_op", smokeOps: 100, body: handoff,
		params: []param{choice("told", "yes", "yes", "no", "yes")}})
}

// A raw descriptor, not an os.File: that would go to the poller and block no thread.
func handoff(r *run) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		panic(err)
	}
	defer syscall.Close(fds[0])
	defer syscall.Close(fds[1])
	const over = ^uint64(0)
	var begun atomic.Uint64
	var returned, ended, sum uint64
	end := func() {
		for i := uint64(1); i <= r.Ops; i++ {
			at := begun.Load()
			for ; at < i; at = begun.Load() {
				runtime.Gosched()
			}
			if at == over {
				break
			}
			if n, _ := syscall.Write(fds[1], []byte{byte(i*7 + 1)}); n != 1 {
				break
			}
			ended++
		}
	}
	call := func() {
		var buf [1]byte
		for i := uint64(1); i <= r.Ops; i++ {
			begun.Store(i)
			if n, _ := syscall.Read(fds[0], buf[:]); n != 1 {
				break
			}
			sum += uint64(buf[0])
			returned++
		}
		begun.Store(over)
	}
	r.duet(call, end)
	r.cert = cert{Ops: returned, MaxLive: 2, Messages: ended, Checksum: hex(sum)}
}
