package main

// cpu/depth: calls at some depth of a goroutine's stack. A goroutine begins with 2 KiB; what needs more has the stack copied, once.

func init() {
	register(workload{name: "cpu/depth", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, body: depth,
		params: []param{number("depth", 8, 0, 64, 5)}})
}

type depthDone struct{ calls, sum uint64 }

// depthCall writes two words of a frame of a KiB. It gives 2 i + 1.
//
//go:noinline
func depthCall(i uint64) uint64 {
	var block [128]uint64
	block[i%128] = i
	block[(i+1)%128] = i + 1
	return block[i%128] + block[(i+1)%128]
}

//go:noinline
func depthWork(levels, calls uint64) depthDone {
	var block [8]uint64
	block[levels%8] = 1
	if levels > 0 {
		done := depthWork(levels-1, calls)
		done.sum += block[levels%8]
		return done
	}
	done := depthDone{}
	for done.calls < calls {
		done.sum += depthCall(done.calls)
		done.calls++
	}
	return done
}

func depth(r *run) {
	levels := r.param("depth")
	end := make(chan depthDone)
	r.begin()
	go func() { end <- depthWork(levels, r.Ops) }()
	done := <-end
	r.end()
	r.cert = cert{Ops: done.calls, Units: 1, Checksum: hex(done.sum)}
}
