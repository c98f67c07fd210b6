package main

import (
	"fmt"
	"hash/crc32"
	"os"
	"syscall"
	"unsafe"
)

// What the disk family shares, and what block has of it: blocks, scratch names, room, and the data file.

const (
	block       = 4096
	blockWords  = block / 8
	chunkBlocks = 1 << 20 / block
)

// bytesOf gives the same memory as bytes.
func bytesOf(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)
}

// ---- what is written is checked by its CRC-32C when it is read ------------------------------------------------------

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func crcOf(bytes []byte) uint64 { return uint64(crc32.Checksum(bytes, castagnoli)) }

// seal makes the last word the CRC of those before it.
func seal(words []uint64) {
	last := len(words) - 1
	words[last] = crcOf(bytesOf(words[:last]))
}

func isSealed(words []uint64) bool {
	last := len(words) - 1
	return words[last] == crcOf(bytesOf(words[:last]))
}

// ---- names, room, memory -----------------------------------------------------------------------------------------

// scratchName gives a name in the data directory that is this process's own.
func scratchName(r *run, what string) string {
	return fmt.Sprintf("%s/switchyard-%s-%d", r.DataDir, what, os.Getpid())
}

// checkSpace fails unless the data directory has room for so many bytes and some more.
func checkSpace(r *run, bytes uint64) {
	const spareBytes = 16 << 20
	var fs syscall.Statfs_t
	if err := syscall.Statfs(r.DataDir, &fs); err != nil {
		fail("cannot ask for the free space in %s: %v", r.DataDir, err)
	}
	if free := fs.Bavail * uint64(fs.Frsize); free < bytes+spareBytes {
		fail("%s has %d MiB free; data of %d MiB and a reserve of %d MiB do not fit", r.DataDir, free>>20, bytes>>20,
			spareBytes>>20)
	}
}

// alignedBlock is a block's memory, as bytes and as words; it starts at a multiple of its size, as O_DIRECT asks.
type alignedBlock struct {
	bytes []byte
	words []uint64
}

func alignedBlocks(n uint64) []alignedBlock {
	blocks := make([]alignedBlock, n)
	for i := range blocks {
		raw := make([]uint64, 2*blockWords)
		skip := (block - uintptr(unsafe.Pointer(&raw[0]))%block) % block / 8
		words := raw[skip : skip+blockWords]
		blocks[i] = alignedBlock{bytesOf(words), words}
	}
	return blocks
}

// writeMade writes blocks that fill makes, and brings them to the device. It does so in the same chunks as the C subjects:
// the page cache may keep a file in pieces as large as the writes that made it.
func writeMade(out *os.File, blocks uint64, fill func(words []uint64, b uint64)) error {
	chunk := make([]uint64, chunkBlocks*blockWords)
	for b := uint64(0); b < blocks; b++ {
		fill(chunk[b%chunkBlocks*blockWords:][:blockWords], b)
		if b%chunkBlocks != chunkBlocks-1 {
			continue
		}
		if _, err := out.Write(bytesOf(chunk)); err != nil {
			return err
		}
	}
	return out.Sync()
}

// ---- the data file: that of datafile.h ---------------------------------------------------------------------------

var readFile *os.File

// openReadFile sees to it that the data file of that size is there, and opens it.
func openReadFile(r *run, mib uint64, isDirect bool) {
	path := fmt.Sprintf("%s/switchyard-read-v3-%dMiB.dat", r.DataDir, mib)
	flags := os.O_RDONLY
	if isDirect {
		flags |= syscall.O_DIRECT
	}
	if info, err := os.Stat(path); err != nil || info.Size() != int64(mib)<<20 {
		makeFile(r, path, mib<<20/block)
	}
	file, err := os.OpenFile(path, flags, 0)
	if err != nil {
		fail("cannot open %s: %v", path, err)
	}
	readFile = file
}

// makeFile writes the data file that disk/read of the C subjects would: a function of the place in the file.
func makeFile(r *run, path string, blocks uint64) {
	checkSpace(r, blocks*block)
	part := path + ".go.part"
	out, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		fail("cannot create %s: %v", part, err)
	}
	err = writeMade(out, blocks, fillDataBlock)
	if err != nil {
		os.Remove(part)
		fail("cannot write %s: %v", part, err)
	}
	out.Close()
	if err := os.Rename(part, path); err != nil {
		fail("cannot rename %s: %v", part, err)
	}
}

func fillDataBlock(words []uint64, b uint64) {
	words[0] = b
	for i := uint64(1); i < blockWords-1; i++ {
		words[i] = scramble(b*blockWords + i)
	}
	seal(words)
}

// checkBlock fails unless this is block b and whole, and gives what it adds to the sum of a reader.
func checkBlock(words []uint64, b uint64) uint64 {
	if words[0] != b || !isSealed(words) {
		fail("block %d of the data file is wrong", b)
	}
	return scramble(b)
}
