// subject-go: Go's own runtime as a subject, so that the GMP model can be measured beside the original.
//
// It speaks the subject protocol (docs/subject-protocol.md) and does the same work as the C bodies, written as a Go
// programmer would: goroutines, channels, sync.Mutex, sync.WaitGroup, net. GOMAXPROCS is the cell's number of workers, and
// the garbage collector is left as it comes, unless the cell's knobs say otherwise (settings.go).
//
// Differences that a reader must know: begin and end are sent from a goroutine, because Go has no thread that is not
// the scheduler's; between them that goroutine is blocked in the work itself.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

type command struct {
	Cmd      string `json:"cmd"`
	Kind     string `json:"kind"`
	Cell     *cell  `json:"cell"`
	TargetNs int64  `json:"target_ns"`
	Trace    string `json:"trace_file"`
	line     []byte
}

type cert struct {
	Ops          uint64 `json:"ops"`
	Units        uint64 `json:"units"`
	MaxLive      uint64 `json:"max_live"`
	Messages     uint64 `json:"messages"`
	BytesRead    uint64 `json:"bytes_read"`
	BytesWritten uint64 `json:"bytes_written"`
	Locks        uint64 `json:"locks"`
	Checksum     string `json:"checksum"`
}

type usage struct {
	UserNs int64 `json:"user_ns"`
	SysNs  int64 `json:"sys_ns"`
	Vcsw   int64 `json:"vcsw"`
	Ivcsw  int64 `json:"ivcsw"`
	Minflt int64 `json:"minflt"`
	Majflt int64 `json:"majflt"`
}

func readUsage() usage {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		fail("getrusage: %v", err)
	}
	return usage{r.Utime.Nano(), r.Stime.Nano(), r.Nvcsw, r.Nivcsw, r.Minflt, r.Majflt}
}

func (a usage) since(b usage) usage {
	return usage{a.UserNs - b.UserNs, a.SysNs - b.SysNs, a.Vcsw - b.Vcsw, a.Ivcsw - b.Ivcsw, a.Minflt - b.Minflt,
		a.Majflt - b.Majflt}
}

var stdin = bufio.NewReaderSize(os.Stdin, 1<<16)

func say(message any) {
	line, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	if _, err := os.Stdout.Write(append(line, '\n')); err != nil {
		os.Exit(1)
	}
}

func fail(format string, args ...any) {
	say(map[string]any{"msg": "error", "why": fmt.Sprintf(format, args...)})
	os.Exit(1)
}

// hear reads the harness's next line. The end of the stream means that the harness is gone.
func hear() command {
	line, err := stdin.ReadBytes('\n')
	if err != nil {
		os.Exit(1)
	}
	return understood(line)
}

func understood(line []byte) (c command) {
	if err := json.Unmarshal(line, &c); err != nil {
		fail("not a command: %.100s", line)
	}
	c.line = line
	return c
}

func expect(cmd string) {
	if c := hear(); c.Cmd != cmd {
		fail("expected %s, got %q", cmd, c.Cmd)
	}
}

// run is one run of a body: what it is asked, and how it marks its region.
type run struct {
	cell
	seed    uint64
	silent  bool // calibration and warm-up: no word to the harness
	stopped chan struct{}

	cert     cert
	delays   []int64            // ns; of workloads that measure delays
	figures  map[string]float64 // told beside the metric
	regionNs int64
	rusage   usage
	started  time.Time
	begunNs  int64 // the same by the clock of nowNs
	before   usage
	helper   int   // the process that works beside the model, 0: none
	helperNs int64 // its CPU time when the region began

	metricsBefore, metricsAfter *counted // metrics.go; of a run that is told
	threadsAfter                int

	traceFile string // trace.go; "": not traced
	tracing   *os.File
}

func (r *run) param(name string) uint64 {
	value, ok := r.Params[name].(float64)
	if !ok {
		fail("parameter %s is missing or not a number", name)
	}
	return uint64(value)
}

func (r *run) begin() {
	if !r.silent {
		r.metricsBefore = readMetrics()
		r.traceBegin()
		say(map[string]any{"msg": "begin"})
		expect("ack")
	}
	r.helperNs = r.helperCPU()
	r.before = readUsage()
	r.begunNs = nowNs()
	r.started = time.Now()
}

func (r *run) end() {
	r.regionNs = time.Since(r.started).Nanoseconds()
	r.rusage = readUsage().since(r.before)
	if !r.silent {
		end := map[string]any{"msg": "end", "wall_ns": r.regionNs, "rusage": r.rusage}
		if r.helper != 0 {
			end["helper_ns"] = r.helperCPU() - r.helperNs
		}
		say(end)
		expect("ack")
		r.traceEnd()
		r.readAfter()
	}
}

func (r *run) readAfter() {
	r.metricsAfter, r.threadsAfter = readMetrics(), threads()
}

func (r *run) helperCPU() int64 {
	if r.helper == 0 {
		return 0
	}
	return clockNs(^r.helper<<3 | 2) // the kernel's number for the CPU time of a process
}

const clockMonotonic = 1

// nowNs reads the clock that the kernel's timers go by. time.Now would do for intervals, but tells no absolute value.
func nowNs() int64 {
	return clockNs(clockMonotonic)
}

func clockNs(clock int) int64 {
	var t syscall.Timespec
	if _, _, err := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&t)), 0); err != 0 {
		fail("clock_gettime: %v", err)
	}
	return t.Nano()
}

// lateness tells how long after its due time something has happened.
func lateness(dueNs int64) int64 {
	late := nowNs() - dueNs
	if late < 0 {
		fail("something happened %d ns before its time", -late)
	}
	return late
}

// delay counts how long after its due time something has happened. One goroutine at a time.
func (r *run) delay(dueNs int64) {
	r.delays = append(r.delays, lateness(dueNs))
}

// summary gives what a sample tells of delays: quantiles by nearest rank, those known beyond which ten values lie.
func summary(delays []int64) map[string]any {
	sort.Slice(delays, func(i, j int) bool { return delays[i] < delays[j] })
	n, sum := len(delays), int64(0)
	for _, d := range delays {
		sum += d
	}
	quantile := func(perMillion int) any {
		rank := (n*perMillion + 999999) / 1000000
		if rank < 1 || n-rank < 10 {
			return nil
		}
		return delays[rank-1]
	}
	return map[string]any{"kind": "delay", "unit": "ns", "count": n, "min": delays[0], "p50": quantile(500000),
		"p90": quantile(900000), "p99": quantile(990000), "p99_9": quantile(999000), "max": delays[n-1],
		"mean": sum / int64(n), "sig_digits": 19}
}

func (r *run) snapshot(name string, live uint64) {
	if !r.silent {
		say(map[string]any{"msg": "snapshot", "name": name, "live_tasks": live})
		expect("ack")
	}
}

func threads() int {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return 0
	}
	return len(entries)
}

// source is what a body took to write. The build has scripts/source_cost count it and adds a file that fills sources in.
type source struct {
	Style      string   `json:"style"`
	Lines      int      `json:"lines"`
	Shared     int      `json:"shared_lines"`
	Calls      int      `json:"calls"`
	Primitives []string `json:"primitives"`
}

var sources map[string]source

func describe() {
	offered := []map[string]any{}
	for _, w := range workloads {
		var quantum any
		if w.quantum != "" {
			quantum = w.quantum
		}
		one := map[string]any{"name": w.name, "version": w.version + 1, "summary": "", "op": "", "fairness": "",
			"scaling": w.scaling, "metric": w.metric, "smoke_ops": w.smokeOps, "ops_quantum": 1, "quantum_param": quantum,
			"offered": true, "params": w.params}
		if cost, known := sources[w.name]; known {
			one["source"] = cost
		}
		offered = append(offered, one)
	}
	version, year := release()
	say(map[string]any{"protocol": 1, "id": "go", "model": "go", "language": "Go", "version": version, "year": year,
		"build":        map[string]any{"cc": runtime.Version(), "cflags": "", "type": "release"},
		"capabilities": map[string]any{"calibrate": true, "certify": false, "workers": true, "stats": true, "native_trace": nativeTrace},
		"knobs":        []any{map[string]any{"name": "gomaxprocs", "default": "workers"}, map[string]any{"name": "gogc", "default": "100"}},
		"lacks":        map[string]string{"switch/ladder": "the parts of Go's runtime cannot be called one by one"},
		"workloads":    offered})
}

// roundOps gives ops as the workload can do them: whole multiples of its quantum, at least one.
func (r *run) roundOps(w workload, ops uint64) uint64 {
	quantum := uint64(1)
	if w.scaling == "linear" && w.quantum != "" {
		quantum = r.param(w.quantum)
	}
	if ops < quantum {
		return quantum
	}
	return ops - ops%quantum
}

func calibrate(w workload, r *run, target int64) {
	r.silent = true
	if r.Ops = r.roundOps(w, 64); w.scaling == "finite" {
		r.Ops = 0
	}
	for {
		r.cert, r.delays = cert{}, nil
		w.body(r)
		if w.scaling == "finite" || r.regionNs >= target/4 || r.Ops > 1<<40 {
			break
		}
		r.Ops *= 4
	}
	say(map[string]any{"msg": "sample", "calibration": map[string]any{"ops": r.cert.Ops, "region_ns": r.regionNs}})
}

// order is the first command, and whether this process was started once more for it.
func order() (command, bool) {
	line := takeLine()
	if line == "" {
		return hear(), false
	}
	return understood([]byte(line)), true
}

func answer() {
	c, isRestarted := order()
	if c.Cmd != "run" {
		fail("expected run, got %q", c.Cmd)
	}
	w, seed, why := c.Cell.checked()
	if why == "" && c.Trace != "" && !isRestarted {
		restartTraced(c.line, c.Trace)
	}
	if why != "" {
		say(map[string]any{"msg": "unsupported", "why": why})
		return
	}
	setup := time.Now()
	set := settingsOf(c.Cell)
	set.apply()
	r := &run{cell: *c.Cell, seed: seed, traceFile: c.Trace, stopped: make(chan struct{})}
	if w.setup != nil {
		w.setup(r)
	}
	if w.teardown != nil {
		defer w.teardown(r)
	}
	if c.Kind == "calibrate" {
		calibrate(w, r, c.TargetNs)
		return
	}
	var epochs []epoch
	if c.Cell.Warmup && (w.scaling == "linear" || w.scaling == "finite") {
		warmed := time.Now()
		epochs = warmUp(w, r)
		setup = setup.Add(time.Since(warmed)) // no part of the set-up
	}
	r.Ops = r.roundOps(w, r.Ops)
	ready := map[string]any{"msg": "ready", "threads": threads()}
	if w.scaling == "server" {
		ready["listen"] = w.listen(r)
	}
	setupNs := time.Since(setup).Nanoseconds()
	say(ready)
	if w.scaling == "server" {
		go relay(r)
	} else {
		expect("go")
	}
	if w.scaling == "state" {
		r.metricsBefore = readMetrics()
	}
	w.body(r)
	if w.scaling == "state" {
		r.readAfter()
	}
	notes := map[string]string{"go": runtime.Version()}
	if r.traceFile != "" {
		notes["schedtrace"] = filepath.Base(r.traceFile) + ".schedtrace.txt"
	}
	sample := map[string]any{"msg": "sample", "cert": r.cert, "setup_ns": setupNs, "threads": threads(),
		"knobs": set.told(), "stack": map[string]any{"bytes": startingStack(), "grows": true},
		"runtime": r.told(), "notes": notes}
	if len(r.delays) > 0 {
		sample["delays"] = summary(r.delays)
	}
	if len(r.figures) > 0 {
		sample["figures"] = r.figures
	}
	if len(epochs) > 0 {
		sample["epochs"] = epochs
	}
	say(sample)
}

// relay answers the load generator's begin and end, as the harness passes them on, until it says stop.
func relay(r *run) {
	for {
		switch c := hear(); c.Cmd {
		case "begin":
			r.metricsBefore = readMetrics()
			r.before, r.started = readUsage(), time.Now()
			say(map[string]any{"msg": "begin"})
		case "end":
			r.regionNs = time.Since(r.started).Nanoseconds()
			say(map[string]any{"msg": "end", "wall_ns": r.regionNs, "rusage": readUsage().since(r.before)})
			r.readAfter()
		case "stop":
			close(r.stopped)
			return
		case "go":
		default:
			fail("unexpected command %q", c.Cmd)
		}
	}
}

func main() {
	if help(os.Args[1:]) {
		return
	}
	switch strings.Join(os.Args[1:], " ") {
	case "--describe":
		describe()
	case "--run":
		answer()
	default:
		fmt.Fprintln(os.Stderr, "usage: subject-go --describe | --run")
		os.Exit(2)
	}
}
