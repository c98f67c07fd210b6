package main

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

func init() {
	register(workload{name: "abuse/ready", scaling: "finite", metric: "delay_p99", body: ready,
		params: []param{number("events", 1100, 1, 100000, 20), number("period_us", 977, 50, 1000000, 977)}})
}

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
