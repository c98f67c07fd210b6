package main

import "sync"

// cpu/uts: a goroutine per node above the cut-off, a wait group per parent.

func init() {
	register(workload{name: "cpu/uts", scaling: "finite", metric: "wall_per_op", body: uts,
		params: []param{number("root", 1000, 1, 20000, 20), number("alive", 980, 0, 990, 800), number("rounds", 10, 2, 1000, 2),
			number("cutoff", 256, 1, 256, 3)}})
}

const (
	utsKids      = 4
	utsMaxDepth  = 256
	utsRootState = 0x5ca1ab1e
)

type utsTree struct{ rootKids, liveBelow, rounds, cutoff uint64 }

type utsNode struct{ state, depth uint64 }

type utsSum struct{ nodes, tasks, states uint64 }

func (t *utsTree) child(up utsNode, i uint64) utsNode {
	x := up.state + (i+1)*0xd1342543de82ef95
	for round := t.rounds; round > 0; round-- {
		x ^= x >> 32
		x *= 0xe9846af9b1a615d5
		x ^= x >> 29
	}
	return utsNode{x, up.depth + 1}
}

func (t *utsTree) kids(node utsNode) uint64 {
	if node.depth == 0 {
		return t.rootKids
	}
	if node.state < t.liveBelow && node.depth < utsMaxDepth {
		return utsKids
	}
	return 0
}

// walk visits a node and all below it without goroutines. Stacks grow here, so it is plain recursion.
func (t *utsTree) walk(node utsNode, sum *utsSum) {
	sum.nodes++
	sum.states += node.state
	for i, n := uint64(0), t.kids(node); i < n; i++ {
		t.walk(t.child(node, i), sum)
	}
}

func (t *utsTree) visit(node utsNode) utsSum {
	var sum utsSum
	if node.depth >= t.cutoff {
		t.walk(node, &sum)
		return sum
	}
	sum = utsSum{nodes: 1, states: node.state}
	n := t.kids(node)
	if n == 0 {
		return sum
	}
	kids := make([]utsSum, n)
	var wg sync.WaitGroup
	wg.Add(int(n))
	for i := range kids {
		kid, child := &kids[i], t.child(node, uint64(i))
		go func() {
			defer wg.Done()
			*kid = t.visit(child)
			kid.tasks++
		}()
	}
	wg.Wait()
	for _, kid := range kids {
		sum.nodes += kid.nodes
		sum.tasks += kid.tasks
		sum.states += kid.states
	}
	return sum
}

func uts(r *run) {
	t := utsTree{r.param("root"), r.param("alive") * (^uint64(0) / (1000 * utsKids)), r.param("rounds"), r.param("cutoff")}
	r.begin()
	sum := t.visit(utsNode{state: utsRootState})
	r.end()
	r.cert = cert{Ops: sum.nodes, Units: sum.tasks, Checksum: hex(sum.states)}
}
