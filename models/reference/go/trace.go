package main

import (
	"os"
	"runtime/trace"
	"strings"
	"syscall"
)

// A traced sample leaves two files: Go's execution trace of the region (`go tool trace FILE`), and beside it what the
// scheduler says of itself every few milliseconds (GODEBUG=schedtrace), of the whole process. The runtime reads GODEBUG
// before main, so this program starts itself once more, with that variable, with the file as its standard error, and with the
// line that it has read in another variable.

const (
	schedtraceMs = "10"
	lineVariable = "SWITCHYARD_GO_LINE"
	nativeTrace  = "go tool trace FILE"
)

// takeLine gives the line of a process that was started once more; "" in any other.
func takeLine() string {
	line := os.Getenv(lineVariable)
	os.Unsetenv(lineVariable)
	return line
}

func restartTraced(line []byte, file string) {
	beside, err := os.OpenFile(file+".schedtrace.txt", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		fail("cannot write a trace: %v", err)
	}
	self, err := os.Executable()
	if err == nil {
		err = syscall.Dup3(int(beside.Fd()), 2, 0)
	}
	env := []string{"GODEBUG=schedtrace=" + schedtraceMs, lineVariable + "=" + string(line)}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GODEBUG=") {
			env = append(env, v)
		}
	}
	if err == nil {
		err = syscall.Exec(self, os.Args, env)
	}
	fail("cannot start this program once more, to be traced: %v", err)
}

func (r *run) traceBegin() {
	if r.traceFile == "" {
		return
	}
	file, err := os.Create(r.traceFile)
	if err == nil {
		err = trace.Start(file)
	}
	if err != nil {
		fail("cannot write a trace: %v", err)
	}
	r.tracing = file
}

func (r *run) traceEnd() {
	if r.tracing == nil {
		return
	}
	trace.Stop()
	if err := r.tracing.Close(); err != nil {
		fail("cannot write a trace: %v", err)
	}
	r.tracing = nil
}
