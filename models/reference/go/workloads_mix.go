package main

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// The mix family.

// ---- mix/pipe: a file per end, which waits in the poller; or raw descriptors, which block their thread ------

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
	gate := make(chan struct{})
	var arrived, pinger, ponger sync.WaitGroup
	var received, answered, sum uint64
	arrived.Add(2)
	pinger.Add(1)
	ponger.Add(1)
	go func() {
		defer ponger.Done()
		var word [pipeWord]byte
		arrived.Done()
		<-gate
		for ; answered < r.Ops; answered++ {
			if n, err := thereRead.Read(word[:]); n != pipeWord {
				fail("a read from a pipe failed: %v", err)
			}
			binary.LittleEndian.PutUint32(word[:], 2*binary.LittleEndian.Uint32(word[:])+1)
			if n, err := backWrite.Write(word[:]); n != pipeWord {
				fail("a write to a pipe failed: %v", err)
			}
		}
	}()
	go func() {
		defer pinger.Done()
		var word [pipeWord]byte
		arrived.Done()
		<-gate
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
	}()
	arrived.Wait()
	r.begin()
	close(gate)
	pinger.Wait()
	r.end()
	ponger.Wait()
	for _, e := range []end{thereRead, thereWrite, backRead, backWrite} {
		e.Close()
	}
	messages := received + answered
	r.cert = cert{Ops: received, Messages: messages, BytesRead: messages * pipeWord, BytesWritten: messages * pipeWord,
		Checksum: hex(sum)}
}

// ---- mix/hackbench: a connection per receiver, whose other end all senders of its group write to -----------

const hackbenchBytes = 100

// socketPair gives two connected stream sockets that wait in the poller.
func socketPair() (a, b net.Conn) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		fail("cannot make a pair of sockets: %v", err)
	}
	var conns [2]net.Conn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "socket")
		conns[i], err = net.FileConn(file) // a copy of the descriptor
		file.Close()
		if err != nil {
			fail("cannot take over a socket: %v", err)
		}
	}
	return conns[0], conns[1]
}

type party struct {
	messages, bytes, sum uint64
	_                    [40]byte // a line for each
}

func hackbenchSend(first []net.Conn, number, loops uint64, p *party) {
	var message [hackbenchBytes]byte
	for loop := uint64(0); loop < loops; loop++ {
		binary.LittleEndian.PutUint64(message[:], number*loops+loop+1)
		for _, out := range first {
			n, err := out.Write(message[:])
			if err != nil {
				fail("a send failed: %v", err)
			}
			p.messages++
			p.bytes += uint64(n)
		}
	}
}

func hackbenchReceive(in net.Conn, number, due uint64, p *party) {
	var message [hackbenchBytes]byte
	for ; p.messages < due; p.messages++ {
		n, err := io.ReadFull(in, message[:])
		if err != nil {
			fail("a receive failed: %v", err)
		}
		p.bytes += uint64(n)
		p.sum += binary.LittleEndian.Uint64(message[:]) * (2*number + 1)
	}
}

func hackbench(r *run) {
	tasks, loops := r.param("tasks"), r.param("loops")
	side := r.param("groups") * tasks
	in, out := make([]net.Conn, side), make([]net.Conn, side)
	senders, receivers := make([]party, side), make([]party, side)
	for i := range in {
		in[i], out[i] = socketPair()
	}
	r.crew(2*side, func(i uint64) {
		if i < side {
			hackbenchReceive(in[i], i, tasks*loops, &receivers[i])
			return
		}
		i -= side
		first := i - i%tasks
		hackbenchSend(out[first:first+tasks], i, loops, &senders[i])
	})
	var c cert
	sum := uint64(0)
	for i := range in {
		in[i].Close()
		out[i].Close()
		c.Ops += receivers[i].messages
		c.BytesRead += receivers[i].bytes
		c.Messages += senders[i].messages
		c.BytesWritten += senders[i].bytes
		sum += receivers[i].sum
	}
	c.Checksum = hex(sum)
	r.cert = c
}

// ---- mix/server: net/http, as a Go programmer would write it -------------------------------------------------

const (
	serverBytes      = 128 // of a request, and of an answer's body
	serverStepsPerUs = 600
	serverShareUnit  = 1000
)

func serverListen(r *run) map[string]any {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fail("cannot listen: %v", err)
	}
	listener = l
	load := map[string]any{"port": l.Addr().(*net.TCPAddr).Port, "protocol": "http", "connections": r.param("connections"),
		"message_bytes": serverBytes, "response_bytes": serverBytes}
	if percent := r.param("load_percent"); percent > 0 {
		rate := percent * uint64(r.Workers) * 10000 / r.param("cpu_us")
		if rate == 0 {
			rate = 1
		}
		load["rate"] = rate
	}
	return load
}

func server(r *run) {
	cpu, share := r.param("cpu_us")*serverStepsPerUs, r.param("block_share")
	wait, blockNs := time.Duration(r.param("wait_us"))*time.Microsecond, r.param("block_us")*1000
	body := make([]byte, serverBytes)
	for i := range body {
		body[i] = byte('a' + i%26)
	}
	var begun, answered, blocked, sum atomic.Uint64
	handle := func(w http.ResponseWriter, _ *http.Request) {
		request := begun.Add(1) - 1
		sum.Add(steps(request, cpu))
		if wait > 0 {
			time.Sleep(wait)
		}
		if (request+1)*share/serverShareUnit > request*share/serverShareUnit {
			nap(blockNs)
			blocked.Add(1)
		}
		header := w.Header()
		header.Set("Content-Type", "text/plain")
		header.Set("Content-Length", strconv.Itoa(len(body)))
		header["Date"] = nil // the other subjects' answers have none
		if _, err := w.Write(body); err == nil {
			answered.Add(1)
		}
	}
	counted := &tally{Listener: listener}
	s := http.Server{Handler: http.HandlerFunc(handle)}
	go func() {
		<-r.stopped
		listener.Close()
	}()
	if err := s.Serve(counted); !errors.Is(err, net.ErrClosed) {
		fail("serving failed: %v", err)
	}
	counted.open.Wait()
	r.cert = cert{Ops: answered.Load(), Units: counted.connections.Load(), Messages: blocked.Load(), BytesRead: counted.in.Load(),
		BytesWritten: counted.out.Load(), Checksum: hex(sum.Load())}
}
