package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// The family disk but read.

func init() {
	workloads = append(workloads,
		workload{name: "disk/log", scaling: "linear", metric: "wall_per_op", smokeOps: 30, quantum: "writers", setup: logSetup, body: log,
			params: []param{number("writers", 8, 1, 64, 3), number("record_bytes", 512, 64, 65536, 100),
				number("per_sync", 1, 1, 1000, 2)}},
		workload{name: "disk/smallfiles", scaling: "linear", metric: "wall_per_op", smokeOps: 100, quantum: "in_flight",
			setup: smallSetup, body: smallfiles, teardown: smallTeardown,
			params: []param{choice("mode", "warm", "warm", "warm"), number("in_flight", 8, 1, 64, 4),
				number("files", 1000, 1, 20000, 20), number("file_bytes", 16384, 1, 262144, 5000)}})
}

// bytesOf gives the same memory as bytes.
func bytesOf(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)
}

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

// ---- disk/log: a goroutine per writer ------------------------------------------------------------------------

const (
	logHeadWords  = 2
	logSyncDigest = 0x73796e6300000001
)

func logSetup(r *run) {
	const tmpfs, ramfs = 0x01021994, 0x858458f6
	var fs syscall.Statfs_t
	if err := syscall.Statfs(r.DataDir, &fs); err != nil {
		fail("cannot look at %s: %v", r.DataDir, err)
	}
	if fs.Type == tmpfs || fs.Type == ramfs {
		say(map[string]any{"msg": "unsupported", "why": r.DataDir + " lies in memory: nothing there can be made durable"})
		os.Exit(0)
	}
}

func logWord(writer, number, i uint64) uint64 { return readMix(writer<<56 ^ number<<16 ^ i) }

func fillRecord(words []uint64, writer, number uint64) {
	words[0], words[1] = writer, number
	for i := logHeadWords; i < len(words); i++ {
		words[i] = logWord(writer, number, uint64(i))
	}
}

// writeLog appends a writer's records, and tells how often it has called fsync.
func writeLog(file *os.File, writer, total, size, perSync uint64) (syncs uint64) {
	words := make([]uint64, (size+7)/8)
	record := bytesOf(words)[:size]
	for n := uint64(0); n < total; n++ {
		fillRecord(words, writer, n)
		if _, err := file.Write(record); err != nil {
			fail("appending to the log failed: %v", err)
		}
		if n+1 != total && (n+1)%perSync != 0 {
			continue
		}
		if err := file.Sync(); err != nil {
			fail("appending to the log failed: %v", err)
		}
		syncs++
	}
	return syncs
}

// readLog gives the number of records in the log and the sum of their digests; each writer's must be whole and in order.
func readLog(file *os.File, writers, size uint64) (records, sum uint64) {
	words, wanted := make([]uint64, (size+7)/8), make([]uint64, (size+7)/8)
	record, should := bytesOf(words)[:size], bytesOf(wanted)[:size]
	next := make([]uint64, writers)
	for ; ; records++ {
		n, err := file.ReadAt(record, int64(records*size))
		if n == 0 && errors.Is(err, io.EOF) {
			return records, sum
		}
		if uint64(n) != size {
			fail("record %d of the log is cut short: %v", records, err)
		}
		writer := words[0]
		if writer >= writers || words[1] != next[writer] {
			fail("record %d of the log is lost, double or out of order", records)
		}
		fillRecord(wanted, writer, next[writer])
		if string(record) != string(should) {
			fail("record %d of the log is damaged", records)
		}
		sum += logWord(writer, next[writer], 0)
		next[writer]++
	}
}

func log(r *run) {
	writers, size, perSync := r.param("writers"), r.param("record_bytes"), r.param("per_sync")
	checkSpace(r, r.Ops*size)
	path := scratchName(r, "log")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|syscall.O_APPEND, 0o600)
	if err != nil {
		fail("cannot make a log: %v", err)
	}
	syncs := make([]uint64, writers)
	gate := make(chan struct{})
	var arrived, ended sync.WaitGroup
	arrived.Add(int(writers))
	ended.Add(int(writers))
	for i := uint64(0); i < writers; i++ {
		go func(i uint64) {
			defer ended.Done()
			arrived.Done()
			<-gate
			syncs[i] = writeLog(file, i, share(r.Ops, writers, i), size, perSync)
		}(i)
	}
	arrived.Wait()
	r.begin()
	close(gate)
	ended.Wait()
	r.end()
	os.Remove(path)
	records, sum := readLog(file, writers, size)
	file.Close()
	for _, n := range syncs {
		sum += n * logSyncDigest
	}
	r.cert = cert{Ops: records, MaxLive: writers, BytesWritten: records * size, Checksum: hex(sum)}
}

// ---- disk/smallfiles: os.ReadFile in goroutines, which asks for the size first: a call more than the C bodies make -----

const smallSeed = 0x736d616c6c

var smallDigests []uint64

func smallPath(r *run, file uint64) string {
	return fmt.Sprintf("%s/%06d.dat", scratchName(r, "small"), file)
}

// smallDigest is that of smallfiles.h: Fletcher's sums over the words, the last one filled up with zeros.
func smallDigest(content []byte) uint64 {
	sum, sums := uint64(len(content)), uint64(0)
	whole := len(content) / 8 * 8
	add := func(word uint64) {
		sum += word
		sums += sum
	}
	for i := 0; i < whole; i += 8 {
		add(*(*uint64)(unsafe.Pointer(&content[i])))
	}
	if whole < len(content) {
		var last [8]byte
		copy(last[:], content[whole:])
		add(*(*uint64)(unsafe.Pointer(&last[0])))
	}
	return readMix(sum) ^ sums
}

func smallSetup(r *run) {
	mean := r.param("file_bytes")
	checkSpace(r, r.param("files")*(mean*3/2+4096))
	if err := os.Mkdir(scratchName(r, "small"), 0o700); err != nil {
		fail("cannot make a folder for the files: %v", err)
	}
	words := make([]uint64, mean*3/2/8+2)
	smallDigests = make([]uint64, r.param("files"))
	for file := range smallDigests {
		for i, start := 0, readMix(uint64(file))^smallSeed; i < len(words); i++ {
			words[i] = readMix(start + uint64(i))
		}
		content := bytesOf(words)[:mean/2+readMix(smallSeed^uint64(file))%(mean+1)]
		smallDigests[file] = smallDigest(content)
		if err := os.WriteFile(smallPath(r, uint64(file)), content, 0o600); err != nil {
			smallTeardown(r)
			fail("cannot write a file: %v", err)
		}
	}
	syscall.Sync()
}

func smallTeardown(r *run) { os.RemoveAll(scratchName(r, "small")) }

func smallfiles(r *run) {
	readers, files := r.param("in_flight"), uint64(len(smallDigests))
	type count struct{ ops, bytes, sum uint64 }
	counts := make([]count, readers)
	gate := make(chan struct{})
	var arrived, ended sync.WaitGroup
	arrived.Add(int(readers))
	ended.Add(int(readers))
	for i := uint64(0); i < readers; i++ {
		go func(i uint64) {
			defer ended.Done()
			var c count
			arrived.Done()
			<-gate
			for op := i; op < r.Ops; op += readers {
				content, err := os.ReadFile(smallPath(r, op%files))
				if err != nil {
					fail("reading a file failed: %v", err)
				}
				digest := smallDigest(content)
				if digest != smallDigests[op%files] {
					fail("file %d is not what was written", op%files)
				}
				c = count{c.ops + 1, c.bytes + uint64(len(content)), c.sum + digest}
			}
			counts[i] = c
		}(i)
	}
	arrived.Wait()
	r.begin()
	close(gate)
	ended.Wait()
	r.end()
	c, sum := cert{MaxLive: readers}, uint64(0)
	for _, own := range counts {
		c.Ops += own.ops
		c.BytesRead += own.bytes
		sum += own.sum
	}
	c.Checksum = hex(sum)
	r.cert = c
}
