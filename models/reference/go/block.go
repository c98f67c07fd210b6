package main

import "syscall"

// What the block family shares, and mix/server.

// nap is a system call that blocks for so long. The runtime knows that it is a call, and no more.
func nap(ns uint64) {
	left := syscall.NsecToTimespec(int64(ns))
	err := syscall.Nanosleep(&left, &left)
	for err == syscall.EINTR {
		err = syscall.Nanosleep(&left, &left)
	}
	if err != nil {
		fail("a call failed: %v", err)
	}
}

// preciseNap is a nap without the usual 50 us of timer slack. Which thread it will be on is not known, so it says so
// each time, which takes some 100 ns.
func preciseNap(ns uint64) {
	const prSetTimerslack = 29
	syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerslack, 1, 0)
	nap(ns)
}
