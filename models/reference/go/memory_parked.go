package main

import (
	"fmt"
	"strconv"
	"strings"
)

func init() {
	register(workload{name: "memory/parked", scaling: "state", metric: "bytes_per_task", body: parked,
		params: []param{number("tasks", 1000, 1, 10000000, 100), number("touch_kib", 0, 0, 64, 4),
			choice("libc", "no", "below", "no", "yes", "below")}})
}

// What the C bodies do with the libc, with Go's own library: write numbers as text, and read one back, which gives id.
func printText(id uint64) string {
	return fmt.Sprintf("%d %.17g", id, float64(id)/3)
}

func parseText(text string) uint64 {
	number, _, _ := strings.Cut(text, " ")
	back, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		fail("%q is no number: %v", number, err)
	}
	return back
}

// The ways to wait: without more, after a call that is gone, and in a handler that needs its text again.

func waitOnly(kib, id uint64, wait func()) uint64 {
	return touch(kib, id, wait)
}

//go:noinline
func printAndParse(id uint64) uint64 {
	return parseText(printText(id))
}

func waitAfterPrinting(kib, id uint64, wait func()) uint64 {
	return printAndParse(id) + touch(kib, id, wait)
}

func waitWhilePrinting(kib, id uint64, wait func()) uint64 {
	text := printText(id)
	touched := touch(kib, id, wait)
	return touched + parseText(text)
}

func parked(r *run) {
	task := waitOnly
	switch r.Params["libc"] {
	case "yes":
		task = waitAfterPrinting
	case "below":
		task = waitWhilePrinting
	}
	r.snapshot("base", 0)
	r.cert = touchAll(r, task, func(live uint64) { r.snapshot("live", live) })
}
