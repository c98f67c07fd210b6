package main

import (
	"fmt"
	"strconv"
	"strings"
)

func init() {
	register(workload{name: "memory/parked", scaling: "state", metric: "bytes_per_task", body: parked,
		params: []param{number("tasks", 1000, 1, 10000000, 100), number("touch_kib", 0, 0, 64, 4),
			choice("libc", "no", "yes", "no", "yes")}})
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
	before := func(uint64) uint64 { return 0 }
	if r.Params["libc"] == "yes" {
		before = printAndParse
	}
	r.snapshot("base", 0)
	r.cert = touchAll(r, before, func(live uint64) { r.snapshot("live", live) })
}
