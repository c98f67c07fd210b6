package main

import (
	"io"
	"os"
	"os/exec"
	"strconv"
)

// A helper is this program once more, in a process that plays a part beside the work: `subject-go --backend` or `--peer`. It
// finds the files that it is given from descriptor 3 on, and ends when its standard input does, so with the subject.

const firstHelperFile = 3

type helper struct {
	process *exec.Cmd
	life    io.Closer // the pipe's end that it lives by
}

func startHelper(r *run, maxProcs uint64, files []*os.File, args ...string) helper {
	self, err := os.Executable()
	if err != nil {
		fail("cannot find this program: %v", err)
	}
	h := helper{process: exec.Command(self, args...)}
	h.process.Env = append(os.Environ(), "GOMAXPROCS="+strconv.FormatUint(maxProcs, 10))
	h.process.ExtraFiles = files
	if h.life, err = h.process.StdinPipe(); err == nil {
		err = h.process.Start()
	}
	if err != nil {
		fail("cannot start a helper: %v", err)
	}
	r.helper = h.process.Process.Pid
	return h
}

func (h helper) stop(r *run) {
	r.helper = 0
	h.life.Close()
	h.process.Process.Kill()
	h.process.Wait()
}

// help does what a helper is for. False: these are no helper's arguments.
func help(args []string) bool {
	switch {
	case len(args) == 3 && args[0] == "--backend":
		backend(args[1], args[2])
	case len(args) == 3 && args[0] == "--peer":
		peer(args[1], args[2])
	default:
		return false
	}
	io.Copy(io.Discard, os.Stdin)
	return true
}
