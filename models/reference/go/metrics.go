package main

import (
	"math"
	"runtime"
	"runtime/metrics"
	"time"
)

// What Go's runtime counts of itself: in the region, as differences; what is a state, as it is at the region's end. All is read
// outside the region, before `begin` is said and after `end` is acknowledged, because runtime.ReadMemStats stops the world.
//
// The CPU time of the collector is /cpu/classes/gc/total where the runtime has it (Go 1.20), which is brought up to date at
// each collection's end. Before that there is only GCCPUFraction, the collector's share of all CPU time from the start of the
// program until the last collection ended: with that time it gives the same sum. With the time until now it would grow while
// nothing is collected.

const (
	latencies   = "/sched/latencies:seconds" // how long goroutines were runnable before they ran
	gcPauses    = "/gc/pauses:seconds"
	gcCycles    = "/gc/cycles/total:gc-cycles"
	heapGoal    = "/gc/heap/goal:bytes"
	goroutines  = "/sched/goroutines:goroutines"
	stackBytes  = "/gc/stack/starting-size:bytes"
	stacksBytes = "/memory/classes/heap/stacks:bytes"
	gcCPU       = "/cpu/classes/gc/total:cpu-seconds"
)

var processStart = time.Now()

type counted struct {
	values map[string]metrics.Value
	counts map[string][]uint64 // of the histograms: their arrays are the runtime's to use again
	mem    runtime.MemStats
	gcNs   float64
}

func readMetrics() *counted {
	samples := []metrics.Sample{{Name: latencies}, {Name: gcPauses}, {Name: gcCycles}, {Name: heapGoal}, {Name: goroutines},
		{Name: stackBytes}, {Name: stacksBytes}, {Name: gcCPU}}
	c := &counted{values: map[string]metrics.Value{}, counts: map[string][]uint64{}}
	metrics.Read(samples)
	for _, s := range samples {
		c.values[s.Name] = s.Value
		if s.Value.Kind() == metrics.KindFloat64Histogram {
			c.counts[s.Name] = append([]uint64{}, s.Value.Float64Histogram().Counts...)
		}
	}
	runtime.ReadMemStats(&c.mem)
	if c.has(gcCPU) {
		c.gcNs = c.values[gcCPU].Float64() * 1e9
	} else if c.mem.LastGC != 0 {
		untilThen := float64(int64(c.mem.LastGC) - processStart.UnixNano())
		c.gcNs = c.mem.GCCPUFraction * untilThen * float64(runtime.GOMAXPROCS(0))
	}
	return c
}

func (c *counted) has(name string) bool { return c.values[name].Kind() != metrics.KindBad }

func (c *counted) number(name string) uint64 {
	if !c.has(name) {
		return 0
	}
	return c.values[name].Uint64()
}

// spread tells of the values of a histogram that came since `before`: how many, their sum (by the middle of their buckets),
// and quantiles by nearest rank, as the upper end of a bucket. A quantile is known beyond which ten values lie.
type spread struct {
	n            uint64
	sumNs, maxNs float64
	at           func(share float64) any
}

func (c *counted) since(before *counted, name string) spread {
	if !c.has(name) {
		return spread{at: func(float64) any { return nil }}
	}
	edges, counts := c.values[name].Float64Histogram().Buckets, append([]uint64{}, c.counts[name]...)
	var s spread
	top := func(i int) float64 {
		if math.IsInf(edges[i+1], 1) {
			return edges[i] * 1e9
		}
		return edges[i+1] * 1e9
	}
	for i := range counts {
		counts[i] -= before.counts[name][i]
		if counts[i] > 0 {
			s.n += counts[i]
			s.maxNs = top(i)
			s.sumNs += float64(counts[i]) * (math.Max(edges[i]*1e9, 0) + top(i)) / 2
		}
	}
	s.at = func(share float64) any {
		rank := uint64(math.Ceil(share * float64(s.n)))
		if rank < 1 || s.n-rank < 10 {
			return nil
		}
		for i, seen := 0, uint64(0); ; i++ {
			if seen += counts[i]; seen >= rank {
				return math.Round(top(i))
			}
		}
	}
	return s
}

// told is `runtime` of the sample.
func (r *run) told() map[string]any {
	a, b := r.metricsBefore, r.metricsAfter
	if a == nil || b == nil {
		return map[string]any{}
	}
	waits, pauses := b.since(a, latencies), b.since(a, gcPauses)
	known := func(n uint64, v float64) any { // of no values there is no greatest
		if n == 0 {
			return nil
		}
		return math.Round(v)
	}
	var goal any // of a collector that is off there is none: the runtime tells the greatest number there is
	if bytes := b.number(heapGoal); bytes < 1<<53 {
		goal = bytes
	}
	return map[string]any{
		"sched_latencies": waits.n, "sched_latency_sum_ns": math.Round(waits.sumNs), "sched_latency_p50_ns": waits.at(0.5),
		"sched_latency_p99_ns": waits.at(0.99), "sched_latency_max_ns": known(waits.n, waits.maxNs),
		"gc_cycles": b.number(gcCycles) - a.number(gcCycles), "gc_cpu_ns": math.Round(math.Max(b.gcNs-a.gcNs, 0)),
		"gc_cpu_share": r.gcShare(b.gcNs - a.gcNs), "gc_pauses": pauses.n, "gc_pause_sum_ns": b.mem.PauseTotalNs - a.mem.PauseTotalNs,
		"gc_pause_p50_ns": pauses.at(0.5), "gc_pause_max_ns": known(pauses.n, pauses.maxNs),
		"mallocs": b.mem.Mallocs - a.mem.Mallocs, "alloc_bytes": b.mem.TotalAlloc - a.mem.TotalAlloc,
		"heap_bytes": b.mem.HeapAlloc, "heap_goal_bytes": goal, "stacks_bytes": b.number(stacksBytes),
		"goroutines": b.number(goroutines), "threads": r.threadsAfter,
	}
}

// startingStack is what new goroutines begin with now: the runtime adapts it to what goroutines have used.
func startingStack() any {
	if bytes := readMetrics().number(stackBytes); bytes > 0 {
		return bytes
	}
	return 2048 // what it was before it adapted, and before it was told
}

// gcShare is the collector's share of the CPU time that GOMAXPROCS allows in the region; null where there is no region.
func (r *run) gcShare(gcNs float64) any {
	if r.regionNs <= 0 {
		return nil
	}
	return math.Max(gcNs, 0) / float64(r.regionNs) / float64(runtime.GOMAXPROCS(0))
}
