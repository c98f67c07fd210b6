package main

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// net/udp: goroutines that receive and send on one socket.

func init() {
	register(workload{name: "net/udp", scaling: "server", metric: "cpu_per_op", listen: udpListen, body: udp,
		params: []param{number("clients", 16, 1, 10000, 4), number("message_bytes", 64, 1, udpBuffer, 64),
			number("tasks", 1, 1, 1000, 3), number("rate", 0, 0, 10000000, 0)}})
}

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
