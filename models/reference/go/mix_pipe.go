package main

import (
	"encoding/binary"
	"io"
	"os"
	"syscall"
)

// mix/pipe: a file per end, which waits in the poller; or raw descriptors, which block their thread.

func init() {
	register(workload{name: "mix/pipe", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, body: pipe,
		params: []param{choice("io", "own", "own", "own", "blocking")}})
}

// end is one end of a pipe.
type end interface {
	io.ReadWriteCloser
}

type rawEnd int

func (e rawEnd) Read(b []byte) (int, error)  { return syscall.Read(int(e), b) }
func (e rawEnd) Write(b []byte) (int, error) { return syscall.Write(int(e), b) }
func (e rawEnd) Close() error                { return syscall.Close(int(e)) }

func makePipe(blocking bool) (r, w end) {
	if !blocking {
		r, w, err := os.Pipe()
		if err != nil {
			fail("cannot make a pipe: %v", err)
		}
		return r, w
	}
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		fail("cannot make a pipe: %v", err)
	}
	return rawEnd(fds[0]), rawEnd(fds[1])
}

const pipeWord = 4

func pipe(r *run) {
	blocking := r.Params["io"] == "blocking"
	thereRead, thereWrite := makePipe(blocking)
	backRead, backWrite := makePipe(blocking)
	var received, answered, sum uint64
	pong := func() {
		var word [pipeWord]byte
		for ; answered < r.Ops; answered++ {
			if n, err := thereRead.Read(word[:]); n != pipeWord {
				fail("a read from a pipe failed: %v", err)
			}
			binary.LittleEndian.PutUint32(word[:], 2*binary.LittleEndian.Uint32(word[:])+1)
			if n, err := backWrite.Write(word[:]); n != pipeWord {
				fail("a write to a pipe failed: %v", err)
			}
		}
	}
	ping := func() {
		var word [pipeWord]byte
		for ; received < r.Ops; received++ {
			binary.LittleEndian.PutUint32(word[:], uint32(received)&0x7fffffff)
			if n, err := thereWrite.Write(word[:]); n != pipeWord {
				fail("a write to a pipe failed: %v", err)
			}
			if n, err := backRead.Read(word[:]); n != pipeWord {
				fail("a read from a pipe failed: %v", err)
			}
			sum += uint64(binary.LittleEndian.Uint32(word[:]))
		}
	}
	r.duet(ping, pong)
	for _, e := range []end{thereRead, thereWrite, backRead, backWrite} {
		e.Close()
	}
	messages := received + answered
	r.cert = cert{Ops: received, Messages: messages, BytesRead: messages * pipeWord, BytesWritten: messages * pipeWord,
		Checksum: hex(sum)}
}
