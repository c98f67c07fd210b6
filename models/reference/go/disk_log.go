package main

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// disk/log: a goroutine per writer.

func init() {
	register(workload{name: "disk/log", version: 1, scaling: "linear", metric: "wall_per_op", smokeOps: 30, quantum: "writers", setup: logSetup, body: log,
		params: []param{number("writers", 8, 1, 64, 3), number("record_bytes", 512, 64, 65536, 100),
			number("per_sync", 1, 1, 1000, 2)}})
}

const (
	logCRC        = 0 // words of a record's head
	logWriter     = 1
	logNumber     = 2
	logHeadWords  = 3
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

func logWord(writer, number, i uint64) uint64 { return scramble(writer<<56 ^ number<<16 ^ i) }

func recordCRC(words []uint64, size uint64) uint64 {
	return crcOf(bytesOf(words[logWriter:])[:size-logWriter*8])
}

func fillRecord(words []uint64, size, writer, number uint64) {
	words[logWriter], words[logNumber] = writer, number
	for i := logHeadWords; i < len(words); i++ {
		words[i] = logWord(writer, number, uint64(i))
	}
	words[logCRC] = recordCRC(words, size)
}

// writeLog appends a writer's records, and tells how often it has called fsync.
func writeLog(file *os.File, writer, total, size, perSync uint64) (syncs uint64) {
	words := make([]uint64, (size+7)/8)
	record := bytesOf(words)[:size]
	for n := uint64(0); n < total; n++ {
		fillRecord(words, size, writer, n)
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
	words := make([]uint64, (size+7)/8)
	record := bytesOf(words)[:size]
	next := make([]uint64, writers)
	for ; ; records++ {
		n, err := file.ReadAt(record, int64(records*size))
		if n == 0 && errors.Is(err, io.EOF) {
			return records, sum
		}
		if uint64(n) != size {
			fail("record %d of the log is cut short: %v", records, err)
		}
		if words[logCRC] != recordCRC(words, size) {
			fail("record %d of the log is damaged", records)
		}
		writer := words[logWriter]
		if writer >= writers || words[logNumber] != next[writer] {
			fail("record %d of the log is lost, double or out of order", records)
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
	r.crew(writers, func(i uint64) {
		syncs[i] = writeLog(file, i, share(r.Ops, writers, i), size, perSync)
	})
	os.Remove(path)
	records, sum := readLog(file, writers, size)
	file.Close()
	for _, n := range syncs {
		sum += n * logSyncDigest
	}
	r.cert = cert{Ops: records, MaxLive: writers, BytesWritten: records * size, Checksum: hex(sum)}
}
