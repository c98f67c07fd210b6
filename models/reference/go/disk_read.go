package main

import (
	"io"
	"math/bits"
	"sync/atomic"
)

func init() {
	register(workload{name: "disk/read", version: 2, scaling: "linear", metric: "wall_per_op", smokeOps: 400, quantum: "in_flight", setup: readSetup, body: read,
		params: []param{choice("mode", "warm", "warm", "warm", "direct"),
			choice("order", "random", "random", "random", "sequential"),
			number("in_flight", 8, 1, 64, 4), number("file_mib", 64, 1, 16384, 4)}})
}

func readSetup(r *run) {
	isDirect := r.Params["mode"] == "direct"
	openReadFile(r, r.param("file_mib"), isDirect)
	if isDirect {
		return
	}
	if _, err := io.Copy(io.Discard, readFile); err != nil {
		fail("cannot read the data file through: %v", err)
	}
}

// readOrder gives the block at each place of the order in which the file is read: read.h of disk/read.
func readOrder(r *run, blocks uint64) func(uint64) uint64 {
	if r.Params["order"] == "sequential" {
		return func(at uint64) uint64 { return at }
	}
	width := bits.Len64(blocks - 1)
	if width == 0 {
		width = 1
	}
	key, mask, shift := scramble(r.seed), uint64(1)<<width-1, width/2+1
	return func(x uint64) uint64 {
		for {
			x = (x ^ key) & mask
			x = x * golden & mask
			x ^= x >> shift
			x = (x + key>>32) * 0xd6e8feb86659fd93 & mask
			x ^= x >> shift
			if x < blocks {
				return x
			}
		}
	}
}

func read(r *run) {
	readers, blocks := r.param("in_flight"), r.param("file_mib")<<20/block
	order := readOrder(r, blocks)
	var done, sum atomic.Uint64
	own := alignedBlocks(readers)
	r.crew(readers, func(i uint64) {
		buffer, words := own[i].bytes, own[i].words
		at, digits, n := i%blocks, uint64(0), uint64(0)
		for left := share(r.Ops, readers, i); left > 0; left-- {
			b := order(at)
			at = (at + readers) % blocks
			if _, err := readFile.ReadAt(buffer, int64(b*block)); err != nil {
				fail("a read of the data file failed: %v", err)
			}
			digits += checkBlock(words, b)
			n++
		}
		done.Add(n)
		sum.Add(digits)
	})
	r.cert = cert{Ops: done.Load(), MaxLive: readers, BytesRead: done.Load() * block, Checksum: hex(sum.Load())}
}
