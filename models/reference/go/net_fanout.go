package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// net/fanout: the standard library's client, a goroutine for each request.
//
// The backend is this program once more, in a process of its own (`--backend`), because Go cannot fork as the C subjects
// do. It answers as theirs does. Its CPU time is not in the metric; the wall time has it, and is not to be compared with
// that of the C subjects.

func init() {
	register(workload{name: "net/fanout", scaling: "linear", metric: "cpu_per_op", smokeOps: 10, setup: fanoutSetup,
		teardown: fanoutTeardown, body: fanout,
		params: []param{number("in_flight", 8, 1, 1000, 3), number("gets", 8, 1, 1000, 4),
			number("delay_ms", 5, 0, 1000, 1), number("body_bytes", 1024, 1, 65536, 100)}})
}

// ---- bodies of answers -----------------------------------------------------------------------------------

// fanoutWord is the i-th word of the body that belongs to a number: backend.c of the C subjects.
func fanoutWord(number, i uint64) uint64 {
	x := (number+1)*golden + i
	x = (x ^ x>>31) * 0xbf58476d1ce4e5b9
	return x ^ x>>29
}

// fanoutWrite fills a body. Its room is whole words, of which the last may be cut.
func fanoutWrite(room []byte, number uint64) {
	for i := 0; i < len(room)/8; i++ {
		binary.LittleEndian.PutUint64(room[8*i:], fanoutWord(number, uint64(i)))
	}
}

// fanoutSum adds the words of a body up, with zeros behind it up to whole words.
func fanoutSum(room []byte) uint64 {
	sum := uint64(0)
	for i := 0; i < len(room)/8; i++ {
		sum += binary.LittleEndian.Uint64(room[8*i:])
	}
	return sum
}

func wholeWords(n uint64) uint64 { return (n + 7) / 8 * 8 }

// ---- the backend -----------------------------------------------------------------------------------------

var backendProcess helper
var backendAddress string

func fanoutSetup(r *run) {
	const most = 8192
	if n := r.param("in_flight") * r.param("gets"); n > most {
		fail("%d operations of %d requests need %d connections, and %d is the most", r.param("in_flight"), r.param("gets"), n, most)
	}
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		fail("cannot listen: %v", err)
	}
	defer l.Close()
	socket, err := l.File()
	if err != nil {
		fail("cannot hand a socket over: %v", err)
	}
	defer socket.Close()
	backendAddress = l.Addr().String()
	backendProcess = startHelper(r, 1, []*os.File{socket}, "--backend", // one thread, as the C subjects' has
		strconv.FormatUint(r.param("delay_ms"), 10), strconv.FormatUint(r.param("body_bytes"), 10))
}

func fanoutTeardown(r *run) { backendProcess.stop(r) }

// backend is the process: it serves the socket that it has inherited.
func backend(delayMs, bodyBytes string) {
	delay, err1 := strconv.Atoi(delayMs)
	length, err2 := strconv.Atoi(bodyBytes)
	l, err3 := net.FileListener(os.NewFile(firstHelperFile, "listener"))
	if err1 != nil || err2 != nil || err3 != nil {
		os.Exit(1)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				os.Exit(1)
			}
			go backendServe(conn, time.Duration(delay)*time.Millisecond, length)
		}
	}()
}

func backendServe(conn net.Conn, delay time.Duration, length int) {
	defer conn.Close()
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", length)
	answer := make([]byte, len(head)+int(wholeWords(uint64(length))))
	copy(answer, head)
	request := make([]byte, 256)
	for got := 0; got < len(request); {
		n, err := conn.Read(request[got:])
		if err != nil {
			return
		}
		if got += n; !bytes.HasSuffix(request[:got], []byte("\r\n\r\n")) {
			continue
		}
		due := time.Now().Add(delay)
		if got < 32 || !bytes.HasPrefix(request, []byte("GET /")) || !bytes.HasPrefix(request[21:], []byte(" HTTP/1.1\r\n")) {
			return
		}
		number, err := strconv.ParseUint(string(request[5:21]), 16, 64)
		if err != nil {
			return
		}
		got = 0
		time.Sleep(time.Until(due))
		fanoutWrite(answer[len(head):], number)
		if _, err := conn.Write(answer[:len(head)+length]); err != nil {
			return
		}
	}
}

// ---- the client ------------------------------------------------------------------------------------------

// traffic counts what goes through a client's connections.
type traffic struct{ in, out atomic.Uint64 }

type trafficConn struct {
	net.Conn
	of *traffic
}

func (c trafficConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.of.in.Add(uint64(n))
	return n, err
}

// Write counts beforehand: the answer may have been read before Write returns. What fails ends the subject.
func (c trafficConn) Write(b []byte) (int, error) {
	c.of.out.Add(uint64(len(b)))
	return c.Conn.Write(b)
}

// dial closes its connections with a reset, as the C bodies do: else each one would stay in TIME_WAIT.
func (t *traffic) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
		return nil, err
	}
	return trafficConn{conn, t}, nil
}

// fanoutClient keeps so many connections.
func fanoutClient(t *traffic, connections uint64) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: t.dial, MaxIdleConns: int(connections),
		MaxIdleConnsPerHost: int(connections), DisableCompression: true}}
}

// get makes the request with this number, with the fields that the other subjects' requests have. The body is read into
// room, which is whole words.
func get(client *http.Client, number uint64, room []byte, length int) {
	request, err := http.NewRequest(http.MethodGet, "http://"+backendAddress+"/"+hex(number), nil)
	if err != nil {
		fail("a request failed: %v", err)
	}
	request.Host = "127.0.0.1"
	request.Header["User-Agent"] = nil
	answer, err := client.Do(request)
	if err != nil {
		fail("a request failed: %v", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.ContentLength != int64(length) {
		fail("an answer is %s with %d bytes", answer.Status, answer.ContentLength)
	}
	if _, err := io.ReadFull(answer.Body, room[:length]); err != nil {
		fail("reading an answer failed: %v", err)
	}
}

func fanout(r *run) {
	inFlight, gets, length := r.param("in_flight"), r.param("gets"), int(r.param("body_bytes"))
	connections, each := inFlight*gets, wholeWords(uint64(length))
	rooms := make([]byte, connections*each)
	var t traffic
	client := fanoutClient(&t, connections)
	defer client.CloseIdleConnections()

	// All requests of all operations at one time: after them there are as many connections.
	group := func(n, operation uint64, room []byte, sum *atomic.Uint64) {
		var answers sync.WaitGroup
		answers.Add(int(n))
		for i := uint64(0); i < n; i++ {
			go func(number uint64, room []byte) {
				defer answers.Done()
				get(client, number, room, length)
				sum.Add(fanoutSum(room) * (2*number + 1))
			}(operation*n+i, room[i*each:(i+1)*each])
		}
		answers.Wait()
	}
	var unused, sum, ops atomic.Uint64
	group(connections, 0, rooms, &unused)
	t.in.Store(0)
	t.out.Store(0)
	r.crew(inFlight, func(i uint64) {
		n := share(r.Ops, inFlight, i)
		for k := uint64(0); k < n; k++ {
			group(gets, k*inFlight+i, rooms[i*gets*each:(i+1)*gets*each], &sum)
		}
		ops.Add(n)
	})
	r.cert = cert{Ops: ops.Load(), Units: ops.Load() * gets, Messages: ops.Load() * gets, BytesRead: t.in.Load(),
		BytesWritten: t.out.Load(), Checksum: hex(sum.Load())}
}
