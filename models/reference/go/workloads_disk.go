package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// ---- disk/mixed -----------------------------------------------------------------------------------------------

const (
	blockWords  = block / 8
	chunkBlocks = 1 << 20 / block
)

// The file without a name, and by block how often it was written: since it was made, and in this run.
var (
	mixedFile     *os.File
	mixedVersions []uint32
	mixedWrites   []uint32
)

// digest is Fletcher's two sums.
func digest(words []uint64) uint64 {
	sum, sums := uint64(0), uint64(0)
	for _, word := range words {
		sum += word
		sums += sum
	}
	return readMix(sum) ^ sums
}

func fillBlock(words []uint64, b uint64, version uint32) {
	word := readMix(b<<32 | uint64(version))
	words[0], words[1] = b, uint64(version)
	for i := 2; i < blockWords-1; i++ {
		word += 0x9e3779b97f4a7c15
		words[i] = word
	}
	words[blockWords-1] = digest(words[:blockWords-1])
}

func blockIsRight(words []uint64, b uint64, version uint32) bool {
	return words[0] == b && words[1] == uint64(version) && words[blockWords-1] == digest(words[:blockWords-1])
}

func mixedDigest(b uint64, writes uint32) uint64 { return readMix(b<<32 | uint64(writes)) }

// alignedBlock gives a block's memory, as bytes and as words.
func alignedBlock() ([]byte, []uint64) {
	buffer := aligned(block)
	return buffer, unsafe.Slice((*uint64)(unsafe.Pointer(&buffer[0])), blockWords)
}

func mixedSetup(r *run) {
	checkSpace(r, r.param("file_mib")<<20)
	blocks := r.param("file_mib") << 20 / block
	path := fmt.Sprintf("%s/switchyard-mixed-%d", r.DataDir, os.Getpid())
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		fail("cannot create %s: %v", path, err)
	}
	defer os.Remove(path)
	mixedFile, mixedVersions, mixedWrites = file, make([]uint32, blocks), make([]uint32, blocks)
	// Written in the same chunks as by the C subjects: the page cache may keep it in pieces as large as the writes.
	words := make([]uint64, chunkBlocks*blockWords)
	chunk := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), chunkBlocks*block)
	for b := uint64(0); b < blocks && err == nil; b++ {
		fillBlock(words[b%chunkBlocks*blockWords:][:blockWords], b, 0)
		if b%chunkBlocks == chunkBlocks-1 {
			_, err = file.Write(chunk)
		}
	}
	if err == nil {
		err = file.Sync()
	}
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
	buffers, wordses := make([][]byte, workers), make([][]uint64, workers)
	for i := range buffers {
		buffers[i], wordses[i] = alignedBlock()
	}
	for b := range mixedWrites {
		mixedWrites[b] = 0
	}
	r.crew(workers, func(i uint64) {
		buffer, words, done := buffers[i], wordses[i], &dones[i]
		first := i * blocks / workers
		own, key := (i+1)*blocks/workers-first, readMix(readMix(r.seed)+i)
		for k, n := uint64(0), share(r.Ops, workers, i); k < n; k++ {
			x := readMix(key + k)
			b := first + x&(1<<32-1)%own
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
		if _, err := mixedFile.ReadAt(buffers[0], int64(b*block)); err != nil {
			fail("cannot read what was written: %v", err)
		}
		if !blockIsRight(wordses[0], b, mixedVersions[b]) {
			fail("block %d of the file does not hold its write number %d", b, mixedVersions[b])
		}
		sum += mixedDigest(b, mixedWrites[b])
	}
	c.Checksum = hex(sum)
	r.cert = c
}
