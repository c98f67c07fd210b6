package main

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
)

// block/overlap: in each lane a goroutine asks, and where both parts are wanted another one reads meanwhile.
//
// The peer is a process (helper.go) in which a thread for each connection waits in the kernel: a goroutine of this one would wait
// for the runtime's timers, which are no part of the work. So its CPU time is not the subject's, unlike that of the C subjects.

func init() {
	register(workload{name: "block/overlap", version: 1, scaling: "linear", metric: "wall_per_op", smokeOps: 60, quantum: "in_flight",
		setup: overlapSetup, teardown: overlapTeardown, body: overlap,
		params: []param{choice("part", "both", "both", "disk", "net", "both"), number("in_flight", 4, 1, 256, 3),
			number("delay_us", 200, 1, 1000000, 100)}})
}

const (
	overlapMiB    = 64
	overlapBlocks = overlapMiB << 20 / block
)

var (
	overlapConns []net.Conn // by lane
	overlapPeer  helper
)

func overlapSetup(r *run) {
	if r.Params["part"] != "net" {
		openReadFile(r, overlapMiB, true)
	}
	if r.Params["part"] == "disk" {
		return
	}
	n := r.param("in_flight")
	theirs := make([]*os.File, n)
	overlapConns = make([]net.Conn, n)
	for i := range theirs {
		overlapConns[i], theirs[i] = halfPair()
	}
	overlapPeer = startHelper(r, n+2, theirs, "--peer", strconv.FormatUint(r.param("delay_us"), 10), strconv.FormatUint(n, 10))
	for _, f := range theirs {
		f.Close()
	}
}

func overlapTeardown(r *run) {
	for _, c := range overlapConns {
		c.Close()
	}
	if overlapConns != nil {
		overlapPeer.stop(r)
	}
}

// ---- the peer ----------------------------------------------------------------------------------------------------

func peerAnswer(request uint64) uint64 { return scramble(^request) }

// peer is the process: it answers on so many sockets that it has inherited.
func peer(delayUs, sockets string) {
	delay, err1 := strconv.ParseUint(delayUs, 10, 64)
	n, err2 := strconv.Atoi(sockets)
	if err1 != nil || err2 != nil {
		os.Exit(1)
	}
	for i := 0; i < n; i++ {
		go answerAll(firstHelperFile+i, delay*1000)
	}
}

// answerAll answers each request so long after it has come, until the other end is closed.
func answerAll(fd int, delayNs uint64) {
	var word [8]byte
	for {
		n, err := syscall.Read(fd, word[:])
		if err == syscall.EINTR {
			continue
		}
		if n != len(word) {
			return
		}
		preciseNap(delayNs)
		binary.LittleEndian.PutUint64(word[:], peerAnswer(binary.LittleEndian.Uint64(word[:])))
		syscall.Write(fd, word[:]) // there is room for it
	}
}

// ---- the lanes ---------------------------------------------------------------------------------------------------

type lane struct {
	id     uint64
	conn   net.Conn // nil: nothing is asked
	block  alignedBlock
	reads  bool
	wanted chan uint64
	came   chan uint64 // what a block that was read adds to the sum
	ops    uint64
	sum    uint64
}

func (l *lane) read(b uint64) uint64 {
	if _, err := readFile.ReadAt(l.block.bytes, int64(b*block)); err != nil {
		fail("a read of the data file failed: %v", err)
	}
	return checkBlock(l.block.words, b)
}

func (l *lane) ask(request uint64) uint64 {
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], request)
	if _, err := l.conn.Write(word[:]); err != nil {
		fail("a request failed: %v", err)
	}
	if _, err := io.ReadFull(l.conn, word[:]); err != nil {
		fail("no answer came: %v", err)
	}
	answer := binary.LittleEndian.Uint64(word[:])
	if answer != peerAnswer(request) {
		fail("an answer is not that of its request")
	}
	return answer
}

// readFor reads the blocks that are wanted, beside the lane's own goroutine.
func (l *lane) readFor() {
	for b := range l.wanted {
		l.came <- l.read(b)
	}
}

func (l *lane) operate(seed uint64) {
	b, request := scramble(seed^l.id<<48^l.ops)%overlapBlocks, l.id<<48^l.ops
	switch {
	case l.conn == nil:
		l.sum += l.read(b)
	case !l.reads:
		l.sum += l.ask(request)
	default:
		l.wanted <- b
		l.sum += l.ask(request)
		l.sum += <-l.came
	}
	l.ops++
}

func newLane(id uint64, part any) *lane {
	l := &lane{id: id, block: alignedBlocks(1)[0], reads: part != "net"}
	if part != "disk" {
		l.conn = overlapConns[id]
	}
	if part == "both" {
		l.wanted, l.came = make(chan uint64, 1), make(chan uint64, 1)
		go l.readFor()
	}
	return l
}

// add gives what the lane has done to the certificate, and ends it.
func (l *lane) add(c *cert) {
	c.Ops += l.ops
	if l.reads {
		c.BytesRead += l.ops * block
	}
	if l.conn != nil {
		c.Messages += l.ops
		c.BytesRead += l.ops * 8
		c.BytesWritten += l.ops * 8
	}
	if l.wanted != nil {
		close(l.wanted)
	}
}

func overlap(r *run) {
	n := r.param("in_flight")
	lanes := make([]*lane, n)
	for i := range lanes {
		lanes[i] = newLane(uint64(i), r.Params["part"])
	}
	r.crew(n, func(i uint64) {
		for left := share(r.Ops, n, i); left > 0; left-- {
			lanes[i].operate(r.seed)
		}
	})
	c, sum := cert{MaxLive: n}, uint64(0)
	for _, l := range lanes {
		l.add(&c)
		sum += l.sum
	}
	c.Checksum = hex(sum)
	r.cert = c
}
