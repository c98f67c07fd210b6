package main

import (
	"net/http"
	"sync/atomic"
	"time"
)

// mix/server: net/http, as a Go programmer would write it.

func init() {
	register(workload{name: "mix/server", version: 1, scaling: "server", metric: "cpu_per_op", listen: serverListen, body: server,
		params: []param{number("connections", 128, 1, 10000, 8), number("cpu_us", 50, 1, 1000000, 20),
			number("wait_us", 1000, 0, 1000000, 500), number("block_share", 10, 0, 1000, 100),
			number("block_us", 5000, 1, 1000000, 1000), number("load_percent", 30, 0, 1000, 0),
			choice("load_of", "slowest", "slowest", "slowest", "own"), number("rate", 0, 0, 10000000, 0)}})
}

const (
	serverBytes      = 128 // of a request, and of an answer's body
	serverStepsPerUs = 600
	serverShareUnit  = 1000
)

func serverListen(r *run) map[string]any {
	load := map[string]any{"port": openListener(), "protocol": "http", "connections": r.param("connections"),
		"message_bytes": serverBytes, "response_bytes": serverBytes}
	if r.param("rate") > 0 { // load_percent is the harness's: it knows the knee
		load["rate"] = r.param("rate")
	}
	return load
}

func server(r *run) {
	cpu, share := r.param("cpu_us")*serverStepsPerUs, r.param("block_share")
	wait, blockNs := time.Duration(r.param("wait_us"))*time.Microsecond, r.param("block_us")*1000
	answer := newHTTPAnswer(serverBytes)
	var begun, answered, blocked, sum atomic.Uint64
	l := serveHTTP(r, func(w http.ResponseWriter, _ *http.Request) {
		request := begun.Add(1) - 1
		sum.Add(steps(request, cpu))
		if wait > 0 {
			time.Sleep(wait)
		}
		if (request+1)*share/serverShareUnit > request*share/serverShareUnit {
			nap(blockNs)
			blocked.Add(1)
		}
		if answer.send(w) {
			answered.Add(1)
		}
	})
	r.cert = cert{Ops: answered.Load(), Units: l.connections.Load(), Messages: blocked.Load(), BytesRead: l.in.Load(),
		BytesWritten: l.out.Load(), Checksum: hex(sum.Load())}
}
