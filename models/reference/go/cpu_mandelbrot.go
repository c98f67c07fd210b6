package main

import "sync"

// cpu/mandelbrot: a goroutine per row.

func init() {
	register(workload{name: "cpu/mandelbrot", scaling: "finite", metric: "wall_per_op", body: mandelbrot,
		params: []param{number("size", 256, 1, 4096, 24), number("limit", 1000, 1, 100000, 50)}})
}

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
