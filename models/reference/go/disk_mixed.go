package main

import (
	"os"
	"syscall"
)

func init() {
	register(workload{name: "disk/mixed", version: 1, scaling: "linear", metric: "wall_per_op", smokeOps: 400, quantum: "in_flight", setup: mixedSetup, body: mixed,
		params: []param{choice("mode", "buffered", "buffered", "buffered", "direct"), number("read_percent", 70, 0, 100, 60),
			number("in_flight", 8, 1, 64, 4), number("file_mib", 64, 1, 16384, 2)}})
}

// The file without a name, and by block how often it was written: since it was made, and in this run.
var (
	mixedFile     *os.File
	mixedVersions []uint32
	mixedWrites   []uint32
)

func fillBlock(words []uint64, b uint64, version uint32) {
	word := scramble(b<<32 | uint64(version))
	words[0], words[1] = b, uint64(version)
	for i := 2; i < blockWords-1; i++ {
		word += golden
		words[i] = word
	}
	seal(words)
}

func blockIsRight(words []uint64, b uint64, version uint32) bool {
	return words[0] == b && words[1] == uint64(version) && isSealed(words)
}

func mixedDigest(b uint64, writes uint32) uint64 { return scramble(b<<32 | uint64(writes)) }

func mixedSetup(r *run) {
	checkSpace(r, r.param("file_mib")<<20)
	blocks := r.param("file_mib") << 20 / block
	path := scratchName(r, "mixed")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		fail("cannot create %s: %v", path, err)
	}
	defer os.Remove(path)
	mixedFile, mixedVersions, mixedWrites = file, make([]uint32, blocks), make([]uint32, blocks)
	err = writeMade(file, blocks, func(words []uint64, b uint64) { fillBlock(words, b, 0) })
	if err == nil && r.Params["mode"] == "direct" {
		file.Close()
		mixedFile, err = os.OpenFile(path, os.O_RDWR|syscall.O_DIRECT, 0)
	}
	if err != nil {
		os.Remove(path)
		fail("cannot make %s: %v", path, err)
	}
}

func mixed(r *run) {
	workers, percent, blocks := r.param("in_flight"), r.param("read_percent"), uint64(len(mixedVersions))
	dones := make([]struct {
		reads, writes, sum uint64
		_                  [104]byte // lines of its own
	}, workers)
	own := alignedBlocks(workers)
	for b := range mixedWrites {
		mixedWrites[b] = 0
	}
	r.crew(workers, func(i uint64) {
		buffer, words, done := own[i].bytes, own[i].words, &dones[i]
		first := i * blocks / workers
		part, key := (i+1)*blocks/workers-first, scramble(scramble(r.seed)+i)
		for k, n := uint64(0), share(r.Ops, workers, i); k < n; k++ {
			x := scramble(key + k)
			b := first + x&(1<<32-1)%part
			if (x>>32)%100 < percent {
				if _, err := mixedFile.ReadAt(buffer, int64(b*block)); err != nil {
					fail("a read of the file failed: %v", err)
				}
				if !blockIsRight(words, b, mixedVersions[b]) {
					fail("block %d was read and is not what was written there", b)
				}
				done.sum += mixedDigest(b, mixedWrites[b])
				done.reads++
				continue
			}
			fillBlock(words, b, mixedVersions[b]+1)
			if _, err := mixedFile.WriteAt(buffer, int64(b*block)); err != nil {
				fail("a write of the file failed: %v", err)
			}
			mixedVersions[b]++
			mixedWrites[b]++
			done.writes++
		}
	})
	c, sum := cert{MaxLive: workers}, uint64(0)
	for i := range dones {
		c.Ops += dones[i].reads + dones[i].writes
		c.BytesRead += dones[i].reads * block
		c.BytesWritten += dones[i].writes * block
		sum += dones[i].sum
	}
	for b := uint64(0); b < blocks; b++ {
		if _, err := mixedFile.ReadAt(own[0].bytes, int64(b*block)); err != nil {
			fail("cannot read what was written: %v", err)
		}
		if !blockIsRight(own[0].words, b, mixedVersions[b]) {
			fail("block %d of the file does not hold its write number %d", b, mixedVersions[b])
		}
		sum += mixedDigest(b, mixedWrites[b])
	}
	c.Checksum = hex(sum)
	r.cert = c
}
