package main

import "fmt"

// What a workload is, and what several families use. Each workload has a file of its own, <family>_<name>.go, in which it
// registers itself; what a family shares is in <family>.go. scripts/source_cost counts by these names.

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

var workloads []workload

func register(w workload) { workloads = append(workloads, w) }

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

// ---- numbers that the C bodies make likewise -------------------------------------------------------------------

const (
	golden     = 0x9e3779b97f4a7c15
	stepFactor = 6364136223846793005
	stepAdd    = 1442695040888963407
)

// steps is work: about a nanosecond each, one after the other.
func steps(x, n uint64) uint64 {
	for ; n > 0; n-- {
		x = x*stepFactor + stepAdd
	}
	return x
}

// mix gives the next number that looks random.
func mix(state *uint64) uint64 {
	*state += golden
	return finish(*state)
}

// scramble makes any index a number that looks random.
func scramble(z uint64) uint64 { return finish(z + golden) }

func finish(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
