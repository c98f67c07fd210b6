package main

// net/churn: as net/echo, and clients that come anew for each message.

func init() {
	register(workload{name: "net/churn", scaling: "server", metric: "cpu_per_op", listen: churnListen, body: echo(4 << 10),
		params: []param{number("clients", 16, 1, 1000, 4), number("message_bytes", 64, 1, 65536, 64),
			number("rate", 0, 0, 1000000, 0)}})
}

func churnListen(r *run) map[string]any {
	load := listen(r, "clients", "message_bytes")
	load["reconnects"] = true
	return load
}
