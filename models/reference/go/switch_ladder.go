package main

import "syscall"

// switch/ladder: what a program in Go can do of it. A swap of registers and the run queues are in the runtime, where no
// program gets at them; threads are none of its objects.

func init() {
	register(workload{name: "switch/ladder", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, body: ladder,
		params: []param{choice("rung", "call", "call", "call", "channel", "syscall", "sched_yield")}})
}

//go:noinline
func oneMore(done uint64) uint64 { return done + 1 }

var callee = oneMore

type parcel struct{ number, size uint64 } // as much as the ring's token

func ladder(r *run) {
	rung, done, messages := r.Params["rung"], uint64(0), uint64(0)
	parcels := make(chan parcel, 1)
	number := map[any]uintptr{"syscall": syscall.SYS_GETPPID, "sched_yield": syscall.SYS_SCHED_YIELD}[rung]
	r.begin()
	switch rung {
	case "call":
		for i := uint64(0); i < r.Ops; i++ {
			done = callee(done)
		}
	case "channel":
		for i := uint64(0); i < r.Ops; i++ {
			parcels <- parcel{number: i}
			if got := <-parcels; got.number == i {
				done++
			}
		}
		messages = done
	default:
		for i := uint64(0); i < r.Ops; i++ {
			if _, _, errno := syscall.RawSyscall(number, 0, 0, 0); errno == 0 {
				done++
			}
		}
	}
	r.end()
	r.cert = cert{Ops: done, Messages: messages, Checksum: hex(done)}
}
