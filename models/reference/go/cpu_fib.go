package main

// cpu/fib: one goroutine for fib(n-1), fib(n-2) here, a channel to join.

func init() {
	register(workload{name: "cpu/fib", scaling: "finite", metric: "wall_per_op", body: fib,
		params: []param{number("n", 32, 1, 50, 16), number("cutoff", 20, 2, 40, 8)}})
}

//go:noinline
func fibLeaf(n int) uint64 {
	if n < 2 {
		return uint64(n)
	}
	return fibLeaf(n-1) + fibLeaf(n-2)
}

type fibResult struct{ value, leaves, tasks uint64 }

func fibCall(n, cutoff int) fibResult {
	if n < cutoff {
		return fibResult{fibLeaf(n), 1, 0}
	}
	first := make(chan fibResult, 1)
	go func() {
		r := fibCall(n-1, cutoff)
		r.tasks++
		first <- r
	}()
	b := fibCall(n-2, cutoff)
	a := <-first
	return fibResult{a.value + b.value, a.leaves + b.leaves, a.tasks + b.tasks}
}

func fib(r *run) {
	n, cutoff := int(r.param("n")), int(r.param("cutoff"))
	r.begin()
	result := fibCall(n, cutoff)
	r.end()
	r.cert = cert{Ops: result.leaves, Units: result.tasks, Checksum: hex(result.value)}
}
