package main

// net/echo: a goroutine for each connection.

func init() {
	register(workload{name: "net/echo", scaling: "server", metric: "cpu_per_op", listen: echoListen, body: echo(64 << 10),
		params: []param{number("connections", 64, 1, 10000, 4), number("message_bytes", 64, 1, 65536, 64),
			number("rate", 0, 0, 10000000, 0), number("load_percent", 0, 0, 1000, 0)}})
}

func echoListen(r *run) map[string]any { return listen(r, "connections", "message_bytes") }
