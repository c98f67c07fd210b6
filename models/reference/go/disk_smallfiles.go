package main

import (
	"fmt"
	"os"
	"syscall"
)

// disk/smallfiles: os.ReadFile in goroutines, which asks for the size first: a call more than the C bodies make.

func init() {
	register(workload{name: "disk/smallfiles", version: 1, scaling: "linear", metric: "wall_per_op", smokeOps: 100, quantum: "in_flight",
		setup: smallSetup, body: smallfiles, teardown: smallTeardown,
		params: []param{choice("mode", "warm", "warm", "warm"), number("in_flight", 8, 1, 64, 4),
			number("files", 1000, 1, 20000, 20), number("file_bytes", 16384, 1, 262144, 5000)}})
}

const smallSeed = 0x736d616c6c

var smallCRCs []uint64

func smallPath(r *run, file uint64) string {
	return fmt.Sprintf("%s/%06d.dat", scratchName(r, "small"), file)
}

func smallSetup(r *run) {
	mean := r.param("file_bytes")
	checkSpace(r, r.param("files")*(mean*3/2+4096))
	if err := os.Mkdir(scratchName(r, "small"), 0o700); err != nil {
		fail("cannot make a folder for the files: %v", err)
	}
	words := make([]uint64, mean*3/2/8+2)
	smallCRCs = make([]uint64, r.param("files"))
	for file := range smallCRCs {
		for i, start := 0, scramble(uint64(file))^smallSeed; i < len(words); i++ {
			words[i] = scramble(start + uint64(i))
		}
		content := bytesOf(words)[:mean/2+scramble(smallSeed^uint64(file))%(mean+1)]
		smallCRCs[file] = crcOf(content)
		if err := os.WriteFile(smallPath(r, uint64(file)), content, 0o600); err != nil {
			smallTeardown(r)
			fail("cannot write a file: %v", err)
		}
	}
	syscall.Sync()
}

func smallTeardown(r *run) { os.RemoveAll(scratchName(r, "small")) }

func smallfiles(r *run) {
	readers, files := r.param("in_flight"), uint64(len(smallCRCs))
	type count struct{ ops, bytes, sum uint64 }
	counts := make([]count, readers)
	r.crew(readers, func(i uint64) {
		var c count
		for op := i; op < r.Ops; op += readers {
			content, err := os.ReadFile(smallPath(r, op%files))
			if err != nil {
				fail("reading a file failed: %v", err)
			}
			crc := crcOf(content)
			if crc != smallCRCs[op%files] {
				fail("file %d is not what was written", op%files)
			}
			c = count{c.ops + 1, c.bytes + uint64(len(content)), c.sum + crc}
		}
		counts[i] = c
	})
	c, sum := cert{MaxLive: readers}, uint64(0)
	for _, own := range counts {
		c.Ops += own.ops
		c.BytesRead += own.bytes
		sum += own.sum
	}
	c.Checksum = hex(sum)
	r.cert = c
}
