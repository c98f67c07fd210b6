package main

import (
	"math"
	"time"
)

// The warm-up, by the rules of the C subjects (harness/subject/warmup.c): runs of a sixtieth of the operations until the
// last five are at rest, at least a tenth of the operations, and no more than 30 runs or 100 ms. Their times are told.

const (
	mostEpochs   = 30
	restWindow   = 5
	leastEpochs  = restWindow + 1
	warmupShare  = 10
	warmupMostNs = 100e6
)

type epoch struct {
	Ops    uint64 `json:"ops"`
	WallNs int64  `json:"wall_ns"`
}

// atRest is harness/base/rest.h.
func atRest(window []epoch) bool {
	var mean, square, moved, apart float64
	perOp := make([]float64, len(window))
	for i, e := range window {
		if e.Ops == 0 || e.WallNs == 0 {
			return false
		}
		perOp[i] = float64(e.WallNs) / float64(e.Ops)
		mean += perOp[i] / restWindow
	}
	for i, v := range perOp {
		at := float64(i) - (restWindow-1)/2.0
		square += (v - mean) * (v - mean)
		moved += at * v
		apart += at * at
	}
	cov := math.Sqrt(square/(restWindow-1)) / mean
	return cov <= 0.02 || cov <= 0.10 && math.Abs(moved/apart)*restWindow < 0.01*mean
}

func warmUp(w workload, r *run) []epoch {
	ops, isLinear := r.Ops, w.scaling == "linear"
	var epochs []epoch
	one := func() {
		w.body(r)
		epochs = append(epochs, epoch{r.cert.Ops, r.regionNs})
		r.cert, r.delays = cert{}, nil
	}
	isOver := func(spent, last int64) bool {
		n := len(epochs)
		switch {
		case n == mostEpochs:
			return true
		case n >= leastEpochs:
			return atRest(epochs[n-restWindow:]) || spent+last > warmupMostNs
		case n == 1:
			return spent > warmupMostNs/2
		}
		return spent+last*int64(leastEpochs-n) > warmupMostNs
	}
	r.silent = true
	if isLinear {
		r.Ops = r.roundOps(w, ops/(warmupShare*leastEpochs))
	}
	start := time.Now()
	for before := start; ; {
		one()
		now := time.Now()
		if isOver(now.Sub(start).Nanoseconds(), now.Sub(before).Nanoseconds()) {
			break
		}
		before = now
	}
	least, n := r.roundOps(w, ops/warmupShare), len(epochs)
	if done := r.Ops * uint64(n); isLinear && n < leastEpochs && done < least {
		r.Ops = r.roundOps(w, least-done)
		one()
	}
	r.silent, r.Ops = false, ops
	return epochs
}
