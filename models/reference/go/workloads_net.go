package main

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
)

var listener net.Listener // of the one server that a process runs

// listen makes the socket, and says what of the load is the same for all servers.
func listen(r *run, connections, messageBytes string) map[string]any {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fail("cannot listen: %v", err)
	}
	listener = l
	return load(r, l.Addr().(*net.TCPAddr).Port, connections, messageBytes)
}

func load(r *run, port int, connections, messageBytes string) map[string]any {
	load := map[string]any{"port": port, "connections": r.param(connections), "message_bytes": r.param(messageBytes)}
	if r.param("rate") > 0 {
		load["rate"] = r.param("rate")
	}
	return load
}

// ---- net/echo, net/churn, net/idle: a goroutine for each connection ----------------------------------------

func echoListen(r *run) map[string]any { return listen(r, "connections", "message_bytes") }

func churnListen(r *run) map[string]any {
	load := listen(r, "clients", "message_bytes")
	load["reconnects"] = true
	return load
}

func idleListen(r *run) map[string]any {
	load := listen(r, "connections", "message_bytes")
	load["active"] = r.param("active")
	if r.param("active") > r.param("connections") {
		load["active"] = r.param("connections")
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

// ---- net/http: the standard library's server ---------------------------------------------------------------

func httpListen(r *run) map[string]any {
	load := listen(r, "connections", "request_bytes")
	load["protocol"] = "http"
	load["response_bytes"] = r.param("body_bytes")
	return load
}

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

// httpServer answers with the fields that the other subjects' answers have, so without a Date.
func httpServer(r *run) {
	var ops atomic.Uint64
	body := make([]byte, r.param("body_bytes"))
	for i := range body {
		body[i] = 'a' + byte(i%26)
	}
	length := strconv.Itoa(len(body))
	l := &tally{Listener: listener}
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		head := w.Header()
		head["Content-Type"] = []string{"text/plain"}
		head["Content-Length"] = []string{length}
		head["Date"] = nil
		if _, err := w.Write(body); err == nil {
			ops.Add(1)
		}
	})}
	go func() {
		<-r.stopped
		listener.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, net.ErrClosed) {
		fail("serving failed: %v", err)
	}
	l.open.Wait()
	r.cert = cert{Ops: ops.Load(), Units: l.connections.Load(), BytesRead: l.in.Load(), BytesWritten: l.out.Load(),
		Checksum: hex(0)}
}

// ---- net/udp: goroutines that receive and send on one socket -----------------------------------------------

const udpBuffer = 8192

var udpSocket *net.UDPConn

// receiveBuffer gives the size of the socket's receive buffer, by the kernel's count.
func receiveBuffer(conn *net.UDPConn) (size int) {
	raw, err := conn.SyscallConn()
	if err == nil {
		if failed := raw.Control(func(fd uintptr) {
			size, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
		}); failed != nil {
			err = failed
		}
	}
	if err != nil {
		fail("cannot ask for the size of the receive buffer: %v", err)
	}
	return size
}

// makeRoom has the kernel keep a datagram of each client, by the same sum as the C subjects.
func makeRoom(r *run, conn *net.UDPConn) {
	const datagramOverhead = 1280
	need := int(r.param("clients") * (2*r.param("message_bytes") + datagramOverhead) * 3 / 2)
	if receiveBuffer(conn) >= need {
		return
	}
	// The kernel doubles what it is told, and cuts it to a limit without an error.
	if err := conn.SetReadBuffer(need / 2); err != nil {
		fail("cannot set the size of the receive buffer: %v", err)
	}
	if has := receiveBuffer(conn); has < need-1 {
		fail("the receive buffer would have to be %d bytes and can be %d: raise net.core.rmem_max to %d", need, has, need/2)
	}
}

func udpListen(r *run) map[string]any {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		fail("cannot make a socket: %v", err)
	}
	makeRoom(r, conn)
	udpSocket = conn
	load := load(r, conn.LocalAddr().(*net.UDPAddr).Port, "clients", "message_bytes")
	load["protocol"] = "udp"
	return load
}

func udp(r *run) {
	var serving sync.WaitGroup
	var received, in, out atomic.Uint64
	for i := uint64(0); i < r.param("tasks"); i++ {
		serving.Add(1)
		go func() {
			defer serving.Done()
			buffer := make([]byte, udpBuffer)
			for {
				n, from, err := udpSocket.ReadFromUDPAddrPort(buffer)
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err != nil {
					fail("a datagram failed: %v", err)
				}
				received.Add(1)
				in.Add(uint64(n))
				n, err = udpSocket.WriteToUDPAddrPort(buffer[:n], from)
				if err != nil {
					fail("a datagram failed: %v", err)
				}
				out.Add(uint64(n))
			}
		}()
	}
	<-r.stopped
	udpSocket.Close()
	serving.Wait()
	r.cert = cert{Ops: received.Load(), Messages: received.Load(), BytesRead: in.Load(), BytesWritten: out.Load(),
		Checksum: hex(0)}
}
