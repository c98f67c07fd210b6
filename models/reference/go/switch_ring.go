package main

import "sync"

// switch/ring: a token through channels of capacity 1.

func init() {
	register(workload{name: "switch/ring", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, setup: ringSetup, body: ring,
		params: []param{number("tasks", 64, 2, 1000000, 8), number("ws_kib", 0, 0, 4096, 4)}})
}

type node struct {
	next  *node
	value uint64
	_     [48]byte
}

var ringNodes [][]node

func ringSetup(r *run) {
	tasks, n := r.param("tasks"), r.param("ws_kib")*1024/64
	all := make([]node, tasks*n)
	ringNodes = make([][]node, tasks)
	state := r.seed
	for i := range ringNodes {
		nodes := all[uint64(i)*n : uint64(i+1)*n]
		ringNodes[i] = nodes
		for j := range nodes {
			nodes[j].value = (uint64(i)+1)*3 + uint64(j)
			if j == 0 {
				nodes[j].next = &nodes[0]
				continue
			}
			before := &nodes[mix(&state)%uint64(j)]
			nodes[j].next = before.next
			before.next = &nodes[j]
		}
	}
}

func visit(nodes []node, task uint64) uint64 {
	sum := task + 1
	if len(nodes) == 0 {
		return sum
	}
	p := &nodes[0]
	for range nodes {
		sum += p.value
		p = p.next
	}
	return sum
}

type token struct{ hopsLeft, sum uint64 }

func ring(r *run) {
	n := r.param("tasks")
	visits := make([]uint64, n)
	boxes := make([]chan token, n)
	for i := range boxes {
		boxes[i] = make(chan token, 1)
	}
	arrival := make(chan token, 1)
	var arrived, ended sync.WaitGroup
	arrived.Add(int(n))
	ended.Add(int(n))
	for i := uint64(0); i < n; i++ {
		go func(self uint64) {
			defer ended.Done()
			next := boxes[(self+1)%n]
			arrived.Done()
			for t := range boxes[self] {
				t.sum += visit(ringNodes[self], self)
				visits[self]++
				if t.hopsLeft--; t.hopsLeft > 0 {
					next <- t
				} else {
					arrival <- t
				}
			}
		}(i)
	}
	arrived.Wait()
	var last token
	r.begin()
	if r.Ops > 0 {
		boxes[0] <- token{hopsLeft: r.Ops}
		last = <-arrival
	}
	r.end()
	for i := range boxes {
		close(boxes[i])
	}
	ended.Wait()
	var done uint64
	for _, v := range visits {
		done += v
	}
	r.cert = cert{Ops: done, MaxLive: n, Messages: done, Checksum: hex(last.sum)}
}
