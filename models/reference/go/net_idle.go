package main

// net/idle: as net/echo, with connections that say nothing.

func init() {
	register(workload{name: "net/idle", scaling: "server", metric: "cpu_per_op", listen: idleListen, body: echo(4 << 10),
		params: []param{number("connections", 1000, 1, 100000, 30), number("active", 16, 1, 10000, 2),
			number("message_bytes", 64, 1, 4096, 64), number("rate", 0, 0, 10000000, 0)}})
}

func idleListen(r *run) map[string]any {
	load := listen(r, "connections", "message_bytes")
	load["active"] = r.param("active")
	if r.param("active") > r.param("connections") {
		load["active"] = r.param("connections")
	}
	return load
}
