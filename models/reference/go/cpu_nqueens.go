package main

import (
	"math/bits"
	"sync"
)

// cpu/nqueens: a goroutine per placement above the cut-off, a wait group per parent.

func init() {
	register(workload{name: "cpu/nqueens", scaling: "finite", metric: "wall_per_op", body: nqueens,
		params: []param{number("n", 13, 6, 18, 7), number("depth", 3, 1, 5, 2)}})
}

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
