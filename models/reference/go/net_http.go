package main

import (
	"net/http"
	"sync/atomic"
)

// net/http: the standard library's server.

func init() {
	register(workload{name: "net/http", scaling: "server", metric: "cpu_per_op", listen: httpListen, body: httpServer,
		params: []param{number("connections", 64, 1, 10000, 4), number("request_bytes", 128, 64, 8192, 100),
			number("body_bytes", 128, 0, 1048576, 128), number("rate", 0, 0, 10000000, 0), number("load_percent", 0, 0, 1000, 0)}})
}

func httpListen(r *run) map[string]any {
	load := listen(r, "connections", "request_bytes")
	load["protocol"] = "http"
	load["response_bytes"] = r.param("body_bytes")
	return load
}

func httpServer(r *run) {
	var ops atomic.Uint64
	answer := newHTTPAnswer(r.param("body_bytes"))
	l := serveHTTP(r, func(w http.ResponseWriter, _ *http.Request) {
		if answer.send(w) {
			ops.Add(1)
		}
	})
	r.cert = cert{Ops: ops.Load(), Units: l.connections.Load(), BytesRead: l.in.Load(), BytesWritten: l.out.Load(),
		Checksum: hex(0)}
}
