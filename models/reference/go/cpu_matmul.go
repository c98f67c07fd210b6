package main

import "sync"

// cpu/matmul: a goroutine per tile.

func init() {
	register(workload{name: "cpu/matmul", scaling: "finite", metric: "wall_per_op", setup: matmulSetup, body: matmul,
		params: []param{number("n", 512, 1, 2048, 50), number("tile", 64, 4, 512, 16),
			choice("method", "blocked", "blocked", "naive", "blocked")}})
}

var matrixA, matrixB, matrixC []uint32

func matrixElement(matrix, i, j uint64) uint32 {
	z := ((i*4096+j)*2 + matrix + 1) * golden
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
