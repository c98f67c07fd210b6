package main

import (
	"fmt"
	"io"
	"math/bits"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

type param struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	Unit    string   `json:"unit"`
	Help    string   `json:"help"`
	Default any      `json:"default"`
	Min     any      `json:"min,omitempty"`
	Max     any      `json:"max,omitempty"`
	Smoke   any      `json:"smoke"`
	Choices []string `json:"choices,omitempty"`
}

func choice(name, dflt, smoke string, choices ...string) param {
	return param{Name: name, Kind: "choice", Default: dflt, Smoke: smoke, Choices: choices}
}

func number(name string, dflt, min, max, smoke int64) param {
	return param{Name: name, Kind: "int", Default: dflt, Min: min, Max: max, Smoke: smoke}
}

type workload struct {
	name, scaling, metric string
	smokeOps              uint64
	version               int    // less 1
	quantum               string // the parameter whose value ops is a multiple of, or ""
	params                []param
	setup                 func(*run)
	teardown              func(*run) // undoes setup
	listen                func(*run) map[string]any
	body                  func(*run)
}

var workloads = []workload{
	{name: "cpu/fib", scaling: "finite", metric: "wall_per_op", body: fib,
		params: []param{number("n", 32, 1, 50, 16), number("cutoff", 20, 2, 40, 8)}},
	{name: "cpu/nqueens", scaling: "finite", metric: "wall_per_op", body: nqueens,
		params: []param{number("n", 13, 6, 18, 7), number("depth", 3, 1, 5, 2)}},
	{name: "cpu/mandelbrot", scaling: "finite", metric: "wall_per_op", body: mandelbrot,
		params: []param{number("size", 256, 1, 4096, 24), number("limit", 1000, 1, 100000, 50)}},
	{name: "cpu/matmul", scaling: "finite", metric: "wall_per_op", setup: matmulSetup, body: matmul,
		params: []param{number("n", 512, 1, 2048, 50), number("tile", 64, 4, 512, 16),
			choice("method", "blocked", "blocked", "naive", "blocked")}},
	{name: "cpu/uts", scaling: "finite", metric: "wall_per_op", body: uts,
		params: []param{number("root", 1000, 1, 20000, 20), number("alive", 980, 0, 990, 800), number("rounds", 10, 2, 1000, 2),
			number("cutoff", 256, 1, 256, 3)}},
	{name: "spawn/chain", scaling: "linear", metric: "wall_per_op", smokeOps: 600, quantum: "chains", body: chain,
		params: []param{number("chains", 1, 1, 10000, 3)}},
	{name: "spawn/flat", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, quantum: "batch", body: flat,
		params: []param{number("batch", 1000, 1, 1000000, 8)}},
	{name: "spawn/skynet", scaling: "finite", metric: "wall_per_op", body: skynet,
		params: []param{choice("leaves", "1000000", "100", "10", "100", "1000", "10000", "100000", "1000000")}},
	{name: "switch/yield", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, quantum: "tasks", body: yield,
		params: []param{number("tasks", 2, 2, 100000, 2)}},
	{name: "sync/pingpong", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, body: pingpong,
		params: []param{number("capacity", 0, 0, 1024, 0)}},
	{name: "sync/stream", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, body: stream,
		params: []param{number("capacity", 128, 0, 65536, 4)}},
	{name: "switch/ring", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, setup: ringSetup, body: ring,
		params: []param{number("tasks", 64, 2, 1000000, 8), number("ws_kib", 0, 0, 4096, 4)}},
	{name: "sync/mutex", scaling: "linear", metric: "wall_per_op", smokeOps: 4000, quantum: "tasks", body: mutex,
		params: []param{number("tasks", 8, 1, 10000, 4), number("hold", 10, 1, 1000000, 10), number("think", 0, 0, 1000000, 5)}},
	{name: "sync/semaphore", scaling: "linear", metric: "wall_per_op", smokeOps: 4000, quantum: "tasks", body: semaphore,
		params: []param{number("tasks", 8, 1, 10000, 5), number("permits", 2, 1, 10000, 2), number("hold", 100, 1, 1000000, 10),
			number("think", 0, 0, 1000000, 5), choice("inside", "yield", "yield", "work", "yield")}},
	{name: "sync/rwlock", scaling: "linear", metric: "wall_per_op", smokeOps: 4000, quantum: "tasks", body: rwlock,
		params: []param{number("tasks", 8, 1, 10000, 4), number("read_percent", 90, 0, 100, 70),
			number("hold", 100, 1, 1000000, 10), number("think", 0, 0, 1000000, 5)}},
	{name: "sync/queue", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, body: queue,
		params: []param{number("producers", 4, 1, 1024, 3), number("consumers", 4, 1, 1024, 2), number("capacity", 64, 0, 65536, 4)}},
	{name: "sync/pipeline", scaling: "linear", metric: "wall_per_op", smokeOps: 500, body: pipeline,
		params: []param{number("stages", 8, 1, 1024, 3), number("capacity", 64, 0, 1024, 4)}},
	{name: "sync/select", scaling: "linear", metric: "wall_per_op", smokeOps: 500, body: selection,
		params: []param{number("channels", 4, 1, 1024, 3), choice("senders", "each", "each", "each", "one"),
			number("capacity", 0, 0, 1024, 0)}},
	{name: "sync/barrier", scaling: "linear", metric: "wall_per_op", smokeOps: 300, body: barrier,
		params: []param{number("tasks", 8, 1, 10000, 4), number("work", 100, 0, 1000000, 10)}},
	{name: "memory/parked", scaling: "state", metric: "bytes_per_task", body: parked,
		params: []param{number("tasks", 1000, 1, 10000000, 100), number("touch_kib", 0, 0, 64, 4),
			choice("libc", "no", "yes", "no", "yes")}},
	{name: "disk/read", version: 1, scaling: "linear", metric: "wall_per_op", smokeOps: 400, quantum: "in_flight", setup: readSetup, body: read,
		params: []param{choice("mode", "warm", "warm", "warm", "direct"),
			choice("order", "random", "random", "random", "sequential"),
			number("in_flight", 8, 1, 64, 4), number("file_mib", 64, 1, 16384, 4)}},
	{name: "disk/mixed", scaling: "linear", metric: "wall_per_op", smokeOps: 400, quantum: "in_flight", setup: mixedSetup, body: mixed,
		params: []param{choice("mode", "buffered", "buffered", "buffered", "direct"), number("read_percent", 70, 0, 100, 60),
			number("in_flight", 8, 1, 64, 4), number("file_mib", 64, 1, 16384, 2)}},
	{name: "block/handoff", version: 1, scaling: "linear", metric: "wall_per_op", smokeOps: 100, body: handoff,
		params: []param{choice("told", "yes", "yes", "no", "yes")}},
	{name: "timer/sleepers", scaling: "finite", metric: "wall_per_op", body: sleepers,
		params: []param{number("tasks", 100000, 1, 1000000, 50), number("rounds", 10, 1, 1000, 3),
			number("sleep_ms", 10, 1, 1000, 2)}},
	{name: "timer/accuracy", scaling: "linear", metric: "delay_p50", smokeOps: 40, body: accuracy,
		params: []param{number("sleep_us", 50, 1, 1000000, 50)}},
	{name: "abuse/ready", scaling: "finite", metric: "delay_p99", body: ready,
		params: []param{number("events", 1100, 1, 100000, 20), number("period_us", 977, 50, 1000000, 977)}},
	{name: "abuse/hog", scaling: "finite", metric: "delay_p99", body: hog,
		params: []param{number("polite", 8, 1, 1000, 3), number("events", 150, 1, 100000, 10),
			number("period_us", 977, 50, 1000000, 977), number("hogs", 2, 1, 256, 2), number("stretch_us", 0, 0, 1000000, 200)}},
	{name: "abuse/blocker", scaling: "finite", metric: "delay_p99", body: blocker,
		params: []param{number("polite", 8, 1, 1000, 3), number("events", 150, 1, 100000, 10),
			number("period_us", 977, 50, 1000000, 977), number("blockers", 1, 1, 256, 2), number("block_us", 2000, 1, 1000000, 500)}},
	{name: "abuse/hoarder", scaling: "finite", metric: "delay_p99", body: hoarder,
		params: []param{number("polite", 8, 1, 1000, 3), number("events", 150, 1, 100000, 10),
			number("period_us", 977, 50, 1000000, 977), number("hoard_us", 100, 1, 100000, 50),
			choice("hoarding", "work", "work", "work", "sleep")}},
	{name: "memory/afterexit", scaling: "state", metric: "bytes_per_task", body: afterexit,
		params: []param{number("tasks", 1000, 1, 10000000, 100), number("touch_kib", 4, 0, 64, 4),
			number("settle_ms", 500, 0, 60000, 0)}},
	{name: "memory/alloc", scaling: "linear", metric: "wall_per_op", smokeOps: 200, quantum: "tasks", body: alloc,
		params: []param{number("block_kib", 4, 0, 64, 8), choice("reuse", "no", "no", "no", "yes"),
			number("tasks", 64, 1, 10000, 8), number("work", 100, 0, 1000000, 10)}},
	{name: "mix/pipe", scaling: "linear", metric: "wall_per_op", smokeOps: 1000, body: pipe,
		params: []param{choice("io", "own", "own", "own", "blocking")}},
	{name: "mix/hackbench", scaling: "finite", metric: "wall_per_op", body: hackbench,
		params: []param{number("groups", 4, 1, 1000, 2), number("tasks", 20, 1, 100, 3), number("loops", 100, 1, 1000000, 10)}},
	{name: "mix/server", scaling: "server", metric: "cpu_per_op", listen: serverListen, body: server,
		params: []param{number("connections", 128, 1, 10000, 8), number("cpu_us", 50, 1, 1000000, 20),
			number("wait_us", 1000, 0, 1000000, 500), number("block_share", 10, 0, 1000, 100),
			number("block_us", 5000, 1, 1000000, 1000), number("load_percent", 30, 0, 1000, 0)}},
	{name: "net/echo", scaling: "server", metric: "cpu_per_op", listen: echoListen, body: echo(64 << 10),
		params: []param{number("connections", 64, 1, 10000, 4), number("message_bytes", 64, 1, 65536, 64),
			number("rate", 0, 0, 10000000, 0)}},
	{name: "net/churn", scaling: "server", metric: "cpu_per_op", listen: churnListen, body: echo(4 << 10),
		params: []param{number("clients", 16, 1, 1000, 4), number("message_bytes", 64, 1, 65536, 64),
			number("rate", 0, 0, 1000000, 0)}},
	{name: "net/idle", scaling: "server", metric: "cpu_per_op", listen: idleListen, body: echo(4 << 10),
		params: []param{number("connections", 1000, 1, 100000, 30), number("active", 16, 1, 10000, 2),
			number("message_bytes", 64, 1, 4096, 64), number("rate", 0, 0, 10000000, 0)}},
	{name: "net/http", scaling: "server", metric: "cpu_per_op", listen: httpListen, body: httpServer,
		params: []param{number("connections", 64, 1, 10000, 4), number("request_bytes", 128, 64, 8192, 100),
			number("body_bytes", 128, 0, 1048576, 128), number("rate", 0, 0, 10000000, 0)}},
	{name: "net/udp", scaling: "server", metric: "cpu_per_op", listen: udpListen, body: udp,
		params: []param{number("clients", 16, 1, 10000, 4), number("message_bytes", 64, 1, udpBuffer, 64),
			number("tasks", 1, 1, 1000, 3), number("rate", 0, 0, 10000000, 0)}},
}

func find(name string) (workload, bool) {
	for _, w := range workloads {
		if w.name == name {
			return w, true
		}
	}
	return workload{}, false
}

func hex(x uint64) string { return fmt.Sprintf("%016x", x) }

// share is how many of ops task i of n does: equal shares, the first ops % n tasks one more.
func share(ops, n, i uint64) uint64 {
	if i < ops%n {
		return ops/n + 1
	}
	return ops / n
}

// ---- cpu/fib: one goroutine for fib(n-1), fib(n-2) here, a channel to join ------------------------------

//go:noinline
func fibLeaf(n int) uint64 {
	if n < 2 {
		return uint64(n)
	}
	return fibLeaf(n-1) + fibLeaf(n-2)
}

type fibResult struct{ value, leaves, tasks uint64 }

func fibCall(n, cutoff int) fibResult {
	if n < cutoff {
		return fibResult{fibLeaf(n), 1, 0}
	}
	first := make(chan fibResult, 1)
	go func() {
		r := fibCall(n-1, cutoff)
		r.tasks++
		first <- r
	}()
	b := fibCall(n-2, cutoff)
	a := <-first
	return fibResult{a.value + b.value, a.leaves + b.leaves, a.tasks + b.tasks}
}

func fib(r *run) {
	n, cutoff := int(r.param("n")), int(r.param("cutoff"))
	r.begin()
	result := fibCall(n, cutoff)
	r.end()
	r.cert = cert{Ops: result.leaves, Units: result.tasks, Checksum: hex(result.value)}
}

// ---- spawn/flat: a wait group per batch ------------------------------------------------------------------

type flatRecord struct {
	number, result uint64
	_              [48]byte // a line for each: its task may run on another CPU
}

//go:noinline
func flatTask(r *flatRecord) { r.result += 2*r.number + 1 }

func flat(r *run) {
	records := make([]flatRecord, r.param("batch"))
	var wg sync.WaitGroup
	var c cert
	sum := uint64(0)
	r.begin()
	for c.Ops < r.Ops {
		for i := range records {
			record := &records[i]
			record.number, record.result = c.Units, 0
			c.Units++
			wg.Add(1)
			go func() {
				flatTask(record)
				wg.Done()
			}()
		}
		wg.Wait()
		for i := range records {
			sum += records[i].result
			c.Ops++
		}
	}
	r.end()
	c.MaxLive, c.Checksum = uint64(len(records)), hex(sum)
	r.cert = c
}

// ---- spawn/skynet: ten goroutines and a channel per inner goroutine ---------------------------------------

const skynetFanout = 10

type skynetSum struct{ value, tasks uint64 }

func skynetGrow(up chan<- skynetSum, first, leaves uint64) {
	if leaves == 1 {
		up <- skynetSum{first, 1}
		return
	}
	sums := make(chan skynetSum, skynetFanout)
	leaves /= skynetFanout
	for i := uint64(0); i < skynetFanout; i++ {
		go skynetGrow(sums, first+i*leaves, leaves)
	}
	own := skynetSum{tasks: 1}
	for i := 0; i < skynetFanout; i++ {
		below := <-sums
		own.value += below.value
		own.tasks += below.tasks
	}
	up <- own
}

func skynet(r *run) {
	text, _ := r.Params["leaves"].(string)
	leaves, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		fail("parameter leaves is missing or not a number: %q", text)
	}
	out := make(chan skynetSum, 1)
	r.begin()
	go skynetGrow(out, 0, leaves)
	sum := <-out
	r.end()
	r.cert = cert{Ops: sum.tasks, Units: sum.tasks, Messages: sum.tasks, Checksum: hex(sum.value)}
}

// ---- switch/yield -----------------------------------------------------------------------------------------

func yield(r *run) {
	tasks := r.param("tasks")
	done := make([]uint64, tasks)
	gate := make(chan struct{})
	var arrived, ended sync.WaitGroup
	arrived.Add(int(tasks))
	ended.Add(int(tasks))
	for i := uint64(0); i < tasks; i++ {
		go func(i uint64) {
			defer ended.Done()
			n := uint64(0)
			arrived.Done()
			<-gate
			for left := share(r.Ops, tasks, i); left > 0; left-- {
				runtime.Gosched()
				n++
			}
			done[i] = n
		}(i)
	}
	arrived.Wait()
	r.begin()
	close(gate)
	ended.Wait()
	r.end()
	sum, yields := uint64(0), uint64(0)
	for i, n := range done {
		yields += n
		sum += uint64(i+1) * n
	}
	r.cert = cert{Ops: yields, MaxLive: tasks, Checksum: hex(sum)}
}

// ---- sync/pingpong: a channel each way --------------------------------------------------------------------

func pingpong(r *run) {
	capacity := r.param("capacity")
	there, back := make(chan uint64, capacity), make(chan uint64, capacity)
	gate := make(chan struct{})
	var arrived, pinger, ponger sync.WaitGroup
	var received, answered, sum uint64
	arrived.Add(2)
	pinger.Add(1)
	ponger.Add(1)
	go func() {
		defer ponger.Done()
		n := uint64(0)
		arrived.Done()
		for value := range there {
			back <- 2*value + 1
			n++
		}
		answered = n
	}()
	go func() {
		defer pinger.Done()
		n, own := uint64(0), uint64(0)
		arrived.Done()
		<-gate
		for ; n < r.Ops; n++ {
			there <- n
			own += <-back
		}
		received, sum = n, own
		close(there)
	}()
	arrived.Wait()
	r.begin()
	close(gate)
	pinger.Wait()
	r.end()
	ponger.Wait()
	r.cert = cert{Ops: received, MaxLive: 2, Messages: received + answered, Checksum: hex(sum)}
}

// ---- block/handoff ----------------------------------------------------------------------------------------

// A raw descriptor, not an os.File: that would go to the poller and block no thread.
func handoff(r *run) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		panic(err)
	}
	defer syscall.Close(fds[0])
	defer syscall.Close(fds[1])
	const over = ^uint64(0)
	var begun atomic.Uint64
	var returned, ended, sum uint64
	var arrived, caller, bystander sync.WaitGroup
	gate := make(chan struct{})
	arrived.Add(2)
	caller.Add(1)
	bystander.Add(1)
	go func() {
		defer bystander.Done()
		arrived.Done()
		<-gate
		for i := uint64(1); i <= r.Ops; i++ {
			at := begun.Load()
			for ; at < i; at = begun.Load() {
				runtime.Gosched()
			}
			if at == over {
				break
			}
			if n, _ := syscall.Write(fds[1], []byte{byte(i*7 + 1)}); n != 1 {
				break
			}
			ended++
		}
	}()
	go func() {
		defer caller.Done()
		var buf [1]byte
		arrived.Done()
		<-gate
		for i := uint64(1); i <= r.Ops; i++ {
			begun.Store(i)
			if n, _ := syscall.Read(fds[0], buf[:]); n != 1 {
				break
			}
			sum += uint64(buf[0])
			returned++
		}
		begun.Store(over)
	}()
	arrived.Wait()
	r.begin()
	close(gate)
	caller.Wait()
	r.end()
	bystander.Wait()
	r.cert = cert{Ops: returned, MaxLive: 2, Messages: ended, Checksum: hex(sum)}
}

// ---- sync/stream ------------------------------------------------------------------------------------------

func stream(r *run) {
	messages := make(chan uint64, r.param("capacity"))
	gate := make(chan struct{})
	var arrived, consumer sync.WaitGroup
	var received, inTurn, sum uint64
	arrived.Add(2)
	consumer.Add(1)
	go func() {
		arrived.Done()
		<-gate
		for i := uint64(0); i < r.Ops; i++ {
			messages <- 2*i + 1
		}
		close(messages)
	}()
	go func() {
		defer consumer.Done()
		n, turns, own := uint64(0), uint64(0), uint64(0)
		arrived.Done()
		for message := range messages {
			if message == 2*n+1 {
				turns++
			}
			own += message
			n++
		}
		received, inTurn, sum = n, turns, own
	}()
	arrived.Wait()
	r.begin()
	close(gate)
	consumer.Wait()
	r.end()
	r.cert = cert{Ops: received, MaxLive: 2, Messages: inTurn, Checksum: hex(sum)}
}

// ---- switch/ring: a token through channels of capacity 1 ------------------------------------------------

type node struct {
	next  *node
	value uint64
	_     [48]byte
}

var ringNodes [][]node

func ringSetup(r *run) {
	tasks, n := r.param("tasks"), r.param("ws_kib")*1024/64
	all := make([]node, tasks*n)
	ringNodes = make([][]node, tasks)
	state := r.seed
	for i := range ringNodes {
		nodes := all[uint64(i)*n : uint64(i+1)*n]
		ringNodes[i] = nodes
		for j := range nodes {
			nodes[j].value = (uint64(i)+1)*3 + uint64(j)
			if j == 0 {
				nodes[j].next = &nodes[0]
				continue
			}
			before := &nodes[mix(&state)%uint64(j)]
			nodes[j].next = before.next
			before.next = &nodes[j]
		}
	}
}

func mix(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	return finish(*state)
}

func finish(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func visit(nodes []node, task uint64) uint64 {
	sum := task + 1
	if len(nodes) == 0 {
		return sum
	}
	p := &nodes[0]
	for range nodes {
		sum += p.value
		p = p.next
	}
	return sum
}

type token struct{ hopsLeft, sum uint64 }

func ring(r *run) {
	n := r.param("tasks")
	visits := make([]uint64, n)
	boxes := make([]chan token, n)
	for i := range boxes {
		boxes[i] = make(chan token, 1)
	}
	arrival := make(chan token, 1)
	var arrived, ended sync.WaitGroup
	arrived.Add(int(n))
	ended.Add(int(n))
	for i := uint64(0); i < n; i++ {
		go func(self uint64) {
			defer ended.Done()
			next := boxes[(self+1)%n]
			arrived.Done()
			for t := range boxes[self] {
				t.sum += visit(ringNodes[self], self)
				visits[self]++
				if t.hopsLeft--; t.hopsLeft > 0 {
					next <- t
				} else {
					arrival <- t
				}
			}
		}(i)
	}
	arrived.Wait()
	var last token
	r.begin()
	if r.Ops > 0 {
		boxes[0] <- token{hopsLeft: r.Ops}
		last = <-arrival
	}
	r.end()
	for i := range boxes {
		close(boxes[i])
	}
	ended.Wait()
	var done uint64
	for _, v := range visits {
		done += v
	}
	r.cert = cert{Ops: done, MaxLive: n, Messages: done, Checksum: hex(last.sum)}
}

// ---- sync/mutex --------------------------------------------------------------------------------------------

func steps(x, n uint64) uint64 {
	for ; n > 0; n-- {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

func mutex(r *run) {
	tasks, hold, think := r.param("tasks"), r.param("hold"), r.param("think")
	var lock sync.Mutex
	word := uint64(0x9e3779b97f4a7c15)
	private, locks := make([]uint64, tasks), make([]uint64, tasks)
	gate := make(chan struct{})
	var arrived, ended sync.WaitGroup
	arrived.Add(int(tasks))
	ended.Add(int(tasks))
	for i := uint64(0); i < tasks; i++ {
		go func(i uint64) {
			defer ended.Done()
			own, n := i+1, uint64(0)
			arrived.Done()
			<-gate
			for left := share(r.Ops, tasks, i); left > 0; left-- {
				lock.Lock()
				word = steps(word, hold)
				lock.Unlock()
				n++
				own = steps(own, think)
			}
			private[i], locks[i] = own, n
		}(i)
	}
	arrived.Wait()
	r.begin()
	close(gate)
	ended.Wait()
	r.end()
	sum, taken := word, uint64(0)
	for i := range private {
		sum += private[i]
		taken += locks[i]
	}
	r.cert = cert{Ops: taken, MaxLive: tasks, Locks: taken, Checksum: hex(sum)}
}

// ---- memory/parked -----------------------------------------------------------------------------------------

// touch dirties kib KiB of the stack that it is called on, a kilobyte per level, and calls then at the bottom. It gives
// the sum of a mark per 4 KiB, read back after then has returned.
func touch(kib, depth, id uint64, then func()) uint64 {
	if depth == kib {
		then()
		return 0
	}
	var block [1024]byte
	block[depth&1023] = byte(id%251 + 1)
	below := touch(kib, depth+1, id, then)
	if depth%4 != 0 {
		return below
	}
	return below + uint64(block[depth&1023])
}

// printAndParse does with Go's own library what the C bodies do with the libc. It gives id.
//
//go:noinline
func printAndParse(id uint64) uint64 {
	text := fmt.Sprintf("%d %.17g", id, float64(id)/3)
	number, _, _ := strings.Cut(text, " ")
	back, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		fail("%q is no number: %v", number, err)
	}
	return back
}

func parked(r *run) {
	tasks, kib := r.param("tasks"), r.param("touch_kib")
	prints := r.Params["libc"] == "yes"
	gate := make(chan struct{})
	var arrived, present sync.WaitGroup
	var count, left, sum atomic.Uint64
	arrived.Add(int(tasks))
	present.Add(int(tasks))
	r.snapshot("base", 0)
	for i := uint64(0); i < tasks; i++ {
		go func() {
			defer present.Done()
			id := count.Add(1) - 1
			if prints {
				sum.Add(printAndParse(id))
			}
			sum.Add(touch(kib, 0, id, func() {
				arrived.Done()
				<-gate
			}))
			left.Add(1)
		}()
	}
	arrived.Wait()
	r.snapshot("live", count.Load())
	close(gate)
	present.Wait()
	r.cert = cert{Ops: left.Load(), Units: tasks, MaxLive: count.Load(), Checksum: hex(sum.Load())}
}

// ---- timer/sleepers ----------------------------------------------------------------------------------------

func sleepers(r *run) {
	tasks, rounds := r.param("tasks"), r.param("rounds")
	each := time.Duration(r.param("sleep_ms")) * time.Millisecond
	done := make([]uint64, tasks)
	gate := make(chan struct{})
	var arrived, ended sync.WaitGroup
	var early atomic.Uint64
	arrived.Add(int(tasks))
	ended.Add(int(tasks))
	for i := uint64(0); i < tasks; i++ {
		go func(i uint64) {
			defer ended.Done()
			n := uint64(0)
			arrived.Done()
			<-gate
			began := time.Now()
			for ; n < rounds; n++ {
				time.Sleep(each)
			}
			if time.Since(began) < each*time.Duration(rounds) {
				early.Add(1)
			}
			done[i] = n
		}(i)
	}
	arrived.Wait()
	r.begin()
	close(gate)
	ended.Wait()
	r.end()
	if early.Load() > 0 {
		fail("%d goroutines were woken before their time", early.Load())
	}
	c := cert{MaxLive: tasks}
	sum := uint64(0)
	for i, n := range done {
		c.Ops += n
		sum += uint64(i+1) * n
	}
	c.Checksum = hex(sum)
	r.cert = c
}

// ---- timer/accuracy ----------------------------------------------------------------------------------------

func accuracy(r *run) {
	each := time.Duration(r.param("sleep_us")) * time.Microsecond
	n := uint64(0)
	r.delays = make([]int64, 0, r.Ops)
	r.begin()
	for ; n < r.Ops; n++ {
		due := nowNs() + each.Nanoseconds()
		time.Sleep(each)
		r.delay(due)
	}
	r.end()
	r.cert = cert{Ops: n, Checksum: hex(0)}
}

// ---- abuse/ready -------------------------------------------------------------------------------------------

const clockMonotonic = 1

// timerfd gives a timer descriptor that is not armed.
func timerfd() uintptr {
	fd, _, err := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != 0 {
		fail("no timer descriptor: %v", err)
	}
	return fd
}

// arm lets the first event come one period from now, at the time that it gives to first beforehand.
func arm(fd uintptr, periodNs int64, first *atomic.Int64) {
	const absolute = 1
	at := nowNs() + periodNs
	times := [2]syscall.Timespec{syscall.NsecToTimespec(periodNs), syscall.NsecToTimespec(at)} // interval, value
	first.Store(at)
	if _, _, err := syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, fd, absolute, uintptr(unsafe.Pointer(&times)), 0, 0, 0); err != 0 {
		fail("the timer descriptor cannot be armed: %v", err)
	}
}

func ready(r *run) {
	const stepsPerLook, hogFactor = 1000, 2
	events, period := r.param("events"), int64(r.param("period_us"))*1000
	limit := hogFactor * (events + 1) * uint64(period)
	computed, values := make([]uint64, r.Workers), make([]uint64, r.Workers)
	fd := timerfd()
	timer := os.NewFile(fd, "timer") // non-blocking, so the poller takes it
	var over atomic.Uint32
	var missing atomic.Int64
	var first atomic.Int64
	var hogs, arrived, reader sync.WaitGroup
	seen, sum := uint64(0), uint64(0)
	r.delays = make([]int64, 0, events)
	missing.Store(int64(r.Workers))
	arrived.Add(1)
	reader.Add(1)
	go func() {
		defer reader.Done()
		count := make([]byte, 8)
		arrived.Done()
		for seen < events {
			if n, err := timer.Read(count); n != 8 || err != nil {
				fail("the timer descriptor cannot be read: %v", err)
			}
			came := *(*uint64)(unsafe.Pointer(&count[0]))
			for ; came > 0 && seen < events; came-- {
				r.delay(first.Load() + int64(seen)*period)
				seen++
				sum += seen
			}
		}
		over.Store(1)
	}()
	arrived.Wait()
	r.begin()
	hogs.Add(r.Workers)
	for i := 0; i < r.Workers; i++ {
		go func(i int) {
			defer hogs.Done()
			if missing.Add(-1) == 0 {
				arm(fd, period, &first)
			}
			x, n := steps(1, stepsPerLook), uint64(stepsPerLook)
			for n < limit && over.Load() == 0 {
				x = steps(x, stepsPerLook)
				n += stepsPerLook
			}
			computed[i], values[i] = n, x
		}(i)
	}
	reader.Wait()
	r.end()
	hogs.Wait()
	timer.Close()
	for _, n := range computed {
		if n == 0 {
			fail("a hog did not compute")
		}
	}
	r.cert = cert{Ops: seen, Checksum: hex(sum)}
}

// ---- disk/read ---------------------------------------------------------------------------------------------

const block = 4096

var readFile *os.File

func readSetup(r *run) {
	isDirect := r.Params["mode"] == "direct"
	openReadFile(r, r.param("file_mib"), isDirect)
	if isDirect {
		return
	}
	if _, err := io.Copy(io.Discard, readFile); err != nil {
		fail("cannot read the data file through: %v", err)
	}
}

// openReadFile sees to it that the data file of that size is there, and opens it.
func openReadFile(r *run, mib uint64, isDirect bool) {
	path := fmt.Sprintf("%s/switchyard-read-v2-%dMiB.dat", r.DataDir, mib)
	flags := os.O_RDONLY
	if isDirect {
		flags |= syscall.O_DIRECT
	}
	if info, err := os.Stat(path); err != nil || info.Size() != int64(mib)<<20 {
		makeFile(path, mib<<20/block)
	}
	file, err := os.OpenFile(path, flags, 0)
	if err != nil {
		fail("cannot open %s: %v", path, err)
	}
	readFile = file
}

// makeFile writes the data file that disk/read of the C subjects would: a function of the place in the file.
func makeFile(path string, blocks uint64) {
	part := path + ".go.part"
	out, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		fail("cannot create %s: %v", part, err)
	}
	words := make([]uint64, block/8)
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), block)
	for b := uint64(0); b < blocks; b++ {
		for w := range words {
			words[w] = readWord(b, uint64(w))
		}
		if _, err := out.Write(bytes); err != nil {
			os.Remove(part)
			fail("cannot write %s: %v", part, err)
		}
	}
	if err := out.Sync(); err != nil {
		fail("cannot write %s: %v", part, err)
	}
	out.Close()
	if err := os.Rename(part, path); err != nil {
		fail("cannot rename %s: %v", part, err)
	}
}

func readMix(z uint64) uint64 { return finish(z + 0x9e3779b97f4a7c15) }

func readWord(b, word uint64) uint64 {
	if word == 0 {
		return b
	}
	return readMix(b*(block/8) + word)
}

// readOrder gives the block at each place of the order in which the file is read: read.h of disk/read.
func readOrder(r *run, blocks uint64) func(uint64) uint64 {
	if r.Params["order"] == "sequential" {
		return func(at uint64) uint64 { return at }
	}
	width := bits.Len64(blocks - 1)
	if width == 0 {
		width = 1
	}
	key, mask, shift := readMix(r.seed), uint64(1)<<width-1, width/2+1
	return func(x uint64) uint64 {
		for {
			x = (x ^ key) & mask
			x = x * 0x9e3779b97f4a7c15 & mask
			x ^= x >> shift
			x = (x + key>>32) * 0xd6e8feb86659fd93 & mask
			x ^= x >> shift
			if x < blocks {
				return x
			}
		}
	}
}

func read(r *run) {
	readers, blocks := r.param("in_flight"), r.param("file_mib")<<20/block
	order := readOrder(r, blocks)
	gate := make(chan struct{})
	var arrived, ended sync.WaitGroup
	var done, sum atomic.Uint64
	arrived.Add(int(readers))
	ended.Add(int(readers))
	for i := uint64(0); i < readers; i++ {
		go func(i uint64) {
			defer ended.Done()
			buffer := aligned(block)
			words := unsafe.Slice((*uint64)(unsafe.Pointer(&buffer[0])), block/8)
			at, own, n := i%blocks, uint64(0), uint64(0)
			arrived.Done()
			<-gate
			for left := share(r.Ops, readers, i); left > 0; left-- {
				b := order(at)
				at = (at + readers) % blocks
				if _, err := readFile.ReadAt(buffer, int64(b*block)); err != nil {
					fail("a read of the data file failed: %v", err)
				}
				if words[0] != b {
					fail("block %d of the data file is wrong", b)
				}
				own += words[0] + words[block/8-1]
				n++
			}
			done.Add(n)
			sum.Add(own)
		}(i)
	}
	arrived.Wait()
	r.begin()
	close(gate)
	ended.Wait()
	r.end()
	r.cert = cert{Ops: done.Load(), MaxLive: readers, BytesRead: done.Load() * block, Checksum: hex(sum.Load())}
}

// aligned gives n bytes that start at a multiple of n, as O_DIRECT asks.
func aligned(n uintptr) []byte {
	raw := make([]byte, 2*n)
	skip := (n - uintptr(unsafe.Pointer(&raw[0]))%n) % n
	return raw[skip : skip+n]
}
