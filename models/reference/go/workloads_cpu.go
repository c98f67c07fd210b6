package main

import (
	"math/bits"
	"sync"
)

// The cpu family but fib, and spawn/chain.

// ---- cpu/nqueens: a goroutine per placement above the cut-off, a wait group per parent ---------------------

type board struct{ full, cols, left, right uint32 }

func (b board) open() uint32 { return b.full &^ (b.cols | b.left | b.right) }

func (b board) place(bit uint32) board {
	return board{b.full, b.cols | bit, (b.left | bit) << 1, (b.right | bit) >> 1}
}

const maxQueens = 18

func searchBoard(begin board) uint64 {
	var rows [maxQueens]board
	var open [maxQueens]uint32
	solutions := uint64(0)
	rows[0], open[0] = begin, begin.open()
	for row := 0; row >= 0; {
		bit := open[row] & -open[row]
		next := rows[row].place(bit)
		open[row] &= open[row] - 1
		switch {
		case bit == 0:
			row--
		case next.cols == next.full:
			solutions++
		default:
			row++
			rows[row], open[row] = next, next.open()
		}
	}
	return solutions
}

type queensSum struct{ solutions, leaves, tasks uint64 }

func exploreBoard(b board, depth uint64) queensSum {
	if depth == 0 {
		return queensSum{searchBoard(b), 1, 0}
	}
	kids := make([]queensSum, bits.OnesCount32(b.open()))
	var wg sync.WaitGroup
	wg.Add(len(kids))
	for i, open := 0, b.open(); open != 0; i, open = i+1, open&(open-1) {
		kid, next := &kids[i], b.place(open&-open)
		go func() {
			defer wg.Done()
			*kid = exploreBoard(next, depth-1)
			kid.tasks++
		}()
	}
	wg.Wait()
	var sum queensSum
	for _, kid := range kids {
		sum.solutions += kid.solutions
		sum.leaves += kid.leaves
		sum.tasks += kid.tasks
	}
	return sum
}

func nqueens(r *run) {
	empty := board{full: 1<<r.param("n") - 1}
	depth := r.param("depth")
	r.begin()
	sum := exploreBoard(empty, depth)
	r.end()
	r.cert = cert{Ops: sum.leaves, Units: sum.tasks, Checksum: hex(sum.solutions)}
}

// ---- cpu/mandelbrot: a goroutine per row -------------------------------------------------------------------

const fractionBits = 24

func pointAt(k, size uint64, quarters int64) int64 {
	return int64((2*k+1)*(5<<fractionBits)/(4*size)) + quarters*(1<<fractionBits)/4
}

func mandelbrotRow(size, limit, row uint64) uint64 {
	sum, ci := uint64(0), pointAt(row, size, -5)
	for column := uint64(0); column < size; column++ {
		cr := pointAt(column, size, -8)
		x, y, n := int64(0), int64(0), uint64(0)
		for ; n < limit; n++ {
			xx, yy := x*x, y*y
			if xx+yy > 4<<(2*fractionBits) {
				break
			}
			y = (x*y)>>(fractionBits-1) + ci
			x = (xx-yy)>>fractionBits + cr
		}
		sum += (n + 1) * (2*(row*size+column) + 1)
	}
	return sum
}

func mandelbrot(r *run) {
	size, limit := r.param("size"), r.param("limit")
	sums, done := make([]uint64, size), make([]uint64, size)
	c := cert{}
	var wg sync.WaitGroup
	r.begin()
	wg.Add(int(size))
	for row := uint64(0); row < size; row++ {
		c.Units++
		go func(row uint64) {
			defer wg.Done()
			sums[row] = mandelbrotRow(size, limit, row)
			done[row]++
		}(row)
	}
	wg.Wait()
	r.end()
	sum := uint64(0)
	for row := range sums {
		sum += sums[row]
		c.Ops += done[row]
	}
	c.Checksum = hex(sum)
	r.cert = c
}

// ---- cpu/matmul: a goroutine per tile ----------------------------------------------------------------------

var matrixA, matrixB, matrixC []uint32

func matrixElement(matrix, i, j uint64) uint32 {
	z := ((i*4096+j)*2 + matrix + 1) * 0x9e3779b97f4a7c15
	z ^= z >> 29
	return uint32(z * 0xbf58476d1ce4e5b9 >> 32)
}

func matmulSetup(r *run) {
	n := r.param("n")
	matrixA, matrixB, matrixC = make([]uint32, n*n), make([]uint32, n*n), make([]uint32, n*n)
	for i := uint64(0); i < n; i++ {
		for j := uint64(0); j < n; j++ {
			matrixA[i*n+j] = matrixElement(0, i, j)
			matrixB[i*n+j] = matrixElement(1, i, j)
		}
	}
}

func lower(x, y uint64) uint64 {
	if x < y {
		return x
	}
	return y
}

func naiveTile(n, top, bottom, left, right uint64) {
	for i := top; i < bottom; i++ {
		for j := left; j < right; j++ {
			sum := uint32(0)
			for k := uint64(0); k < n; k++ {
				sum += matrixA[i*n+k] * matrixB[k*n+j]
			}
			matrixC[i*n+j] += sum
		}
	}
}

func blockedTile(n, tile, top, bottom, left, right uint64) {
	for from := uint64(0); from < n; from += tile {
		to := lower(from+tile, n)
		for i := top; i < bottom; i++ {
			out := matrixC[i*n+left : i*n+right]
			for k := from; k < to; k++ {
				row := matrixB[k*n+left : k*n+right]
				factor := matrixA[i*n+k]
				for j := range out {
					out[j] += factor * row[j]
				}
			}
		}
	}
}

func matmul(r *run) {
	n, tile := r.param("n"), r.param("tile")
	across := (n + tile - 1) / tile
	done := make([]uint64, across*across)
	isNaive := r.Params["method"] == "naive"
	c := cert{}
	var wg sync.WaitGroup
	for i := range matrixC {
		matrixC[i] = 0
	}
	r.begin()
	wg.Add(len(done))
	for t := range done {
		c.Units++
		go func(t uint64) {
			defer wg.Done()
			top, left := t/across*tile, t%across*tile
			bottom, right := lower(top+tile, n), lower(left+tile, n)
			if isNaive {
				naiveTile(n, top, bottom, left, right)
			} else {
				blockedTile(n, tile, top, bottom, left, right)
			}
			done[t]++
		}(uint64(t))
	}
	wg.Wait()
	r.end()
	weight := func(i uint64) uint32 { return uint32(i*2+1) * 2654435761 }
	sum := uint32(0)
	for i := uint64(0); i < n; i++ {
		row := uint32(0)
		for j := uint64(0); j < n; j++ {
			row += matrixC[i*n+j] * weight(j)
		}
		sum += weight(i) * row
	}
	for _, d := range done {
		c.Ops += d
	}
	c.Checksum = hex(uint64(sum))
	r.cert = c
}

// ---- cpu/uts: a goroutine per node above the cut-off, a wait group per parent -------------------------------

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

// ---- spawn/chain --------------------------------------------------------------------------------------------

type chainLink struct {
	left, made, sum uint64
	_               [40]byte // a line for each: another chain's task may run on another CPU
}

func chainStep(link *chainLink, ends *sync.WaitGroup) {
	link.sum += 2*link.made + 1
	link.made++
	link.left--
	if link.left > 0 {
		go chainStep(link, ends)
	} else {
		ends.Done()
	}
}

func chain(r *run) {
	links := make([]chainLink, r.param("chains"))
	for i := range links {
		links[i].left = r.Ops / uint64(len(links))
	}
	var ends sync.WaitGroup
	r.begin()
	for i := range links {
		if links[i].left > 0 {
			ends.Add(1)
			go chainStep(&links[i], &ends)
		}
	}
	ends.Wait()
	r.end()
	c, sum := cert{}, uint64(0)
	for i, link := range links {
		c.Ops += link.made
		c.Units += link.made
		sum += uint64(i+1) * link.sum
	}
	c.Checksum = hex(sum)
	r.cert = c
}
