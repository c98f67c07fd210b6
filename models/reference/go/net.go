package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
)

// What the net family shares, mix, and block/overlap: connections, one listener, who serves echoes on it, and who serves HTTP.

var listener net.Listener // of the one server that a process runs

// openListener makes the socket, and gives its port.
func openListener() int {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fail("cannot listen: %v", err)
	}
	listener = l
	return l.Addr().(*net.TCPAddr).Port
}

// listen does so, and says what of the load is the same for most servers.
func listen(r *run, connections, messageBytes string) map[string]any {
	return load(r, openListener(), connections, messageBytes)
}

func load(r *run, port int, connections, messageBytes string) map[string]any {
	load := map[string]any{"port": port, "connections": r.param(connections), "message_bytes": r.param(messageBytes)}
	if r.param("rate") > 0 {
		load["rate"] = r.param("rate")
	}
	return load
}

// echo is the body of servers that send back what they read, by way of a buffer of this size for each connection.
func echo(bufferBytes int) func(*run) {
	return func(r *run) {
		var served sync.WaitGroup
		var connections, in, out atomic.Uint64
		go func() {
			<-r.stopped
			listener.Close()
		}()
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				break
			}
			if err != nil {
				fail("accept failed: %v", err)
			}
			connections.Add(1)
			served.Add(1)
			go func() {
				defer served.Done()
				defer conn.Close()
				buffer := make([]byte, bufferBytes)
				for {
					n, err := conn.Read(buffer)
					in.Add(uint64(n))
					if err != nil {
						return
					}
					n, err = conn.Write(buffer[:n])
					out.Add(uint64(n))
					if err != nil {
						return
					}
				}
			}()
		}
		served.Wait()
		r.cert = cert{Ops: in.Load() / r.param("message_bytes"), Units: connections.Load(), BytesRead: in.Load(),
			BytesWritten: out.Load(), Checksum: hex(0)}
	}
}

// ---- HTTP: the standard library's server -------------------------------------------------------------------------

// tally is a listener whose connections count what goes through them.
type tally struct {
	net.Listener
	connections, in, out atomic.Uint64
	open                 sync.WaitGroup
}

type tallyConn struct {
	net.Conn
	of   *tally
	once sync.Once
}

func (l *tally) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.connections.Add(1)
	l.open.Add(1)
	return &tallyConn{Conn: conn, of: l}, nil
}

func (c *tallyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.of.in.Add(uint64(n))
	return n, err
}

func (c *tallyConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.of.out.Add(uint64(n))
	return n, err
}

func (c *tallyConn) Close() error {
	defer c.once.Do(c.of.open.Done)
	return c.Conn.Close()
}

// httpAnswer is an answer with the fields that the other subjects' answers have, so without a Date.
type httpAnswer struct {
	body         []byte
	kind, length []string
}

func newHTTPAnswer(bodyBytes uint64) httpAnswer {
	a := httpAnswer{body: make([]byte, bodyBytes), kind: []string{"text/plain"}, length: []string{strconv.FormatUint(bodyBytes, 10)}}
	for i := range a.body {
		a.body[i] = 'a' + byte(i%26)
	}
	return a
}

// send tells whether it has been sent.
func (a httpAnswer) send(w http.ResponseWriter) bool {
	head := w.Header()
	head["Content-Type"] = a.kind
	head["Content-Length"] = a.length
	head["Date"] = nil
	_, err := w.Write(a.body)
	return err == nil
}

// serveHTTP serves the listener until the run is stopped and all connections have been closed.
func serveHTTP(r *run, handle http.HandlerFunc) *tally {
	l := &tally{Listener: listener}
	server := http.Server{Handler: handle}
	go func() {
		<-r.stopped
		listener.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, net.ErrClosed) {
		fail("serving failed: %v", err)
	}
	l.open.Wait()
	return l
}

// ---- connections within this machine -----------------------------------------------------------------------------

// halfPair gives two connected stream sockets: one that waits in the poller, and one that blocks.
func halfPair() (net.Conn, *os.File) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		fail("cannot make a pair of sockets: %v", err)
	}
	return connOf(os.NewFile(uintptr(fds[0]), "socket")), os.NewFile(uintptr(fds[1]), "socket")
}

// connOf makes a connection of a socket, which is closed.
func connOf(socket *os.File) net.Conn {
	conn, err := net.FileConn(socket) // a copy of the descriptor
	socket.Close()
	if err != nil {
		fail("cannot take over a socket: %v", err)
	}
	return conn
}

// socketPair gives two that wait in the poller.
func socketPair() (net.Conn, net.Conn) {
	a, b := halfPair()
	return a, connOf(b)
}
