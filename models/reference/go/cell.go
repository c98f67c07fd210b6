// What a cell says, and what it may leave out (docs/subject-protocol.md): checked here, before anything is set up.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

const mostWorkers = 4096 // beyond any machine, below what exhausts one by mistake

type cell struct {
	Workload string         `json:"workload"`
	Version  int            `json:"version"`
	Params   map[string]any `json:"params"`
	Workers  int            `json:"workers"`
	Ops      uint64         `json:"ops"`
	Seed     string         `json:"seed"`
	DataDir  string         `json:"data_dir"`
	Knobs    string         `json:"knobs"`
	Warmup   bool           `json:"warmup"`
}

// UnmarshalJSON begins with the protocol's defaults: keys that are not there leave them alone.
func (c *cell) UnmarshalJSON(text []byte) error {
	type plain cell // without this method
	p := plain{Params: map[string]any{}, Workers: 1, Seed: "0000000000000000", DataDir: "/var/tmp"}
	err := json.Unmarshal(text, &p)
	*c = cell(p)
	return err
}

// checked gives the workload and the seed of a cell, and why it has no body for a choice that other subjects may have. It
// does not return from a wrong cell.
func (c *cell) checked() (workload, uint64, string) {
	if c == nil {
		fail("the run has no cell")
	}
	w, found := find(c.Workload)
	if !found {
		fail("there is no workload %q", c.Workload)
	}
	if c.Version != w.version+1 {
		fail("%s is wanted in version %d, and is built in version %d", w.name, c.Version, w.version+1)
	}
	if c.Workers < 1 || c.Workers > mostWorkers {
		fail("workers is %d, it must be between 1 and %d", c.Workers, mostWorkers)
	}
	seed, err := strconv.ParseUint(c.Seed, 16, 64)
	if err != nil || len(c.Seed) != 16 {
		fail("the seed must be 16 hexadecimal digits, not %q", c.Seed)
	}
	return w, seed, c.checkParams(w)
}

func (c *cell) checkParams(w workload) (why string) {
	known := map[string]bool{}
	for _, p := range w.params {
		known[p.Name] = true
		if value, given := c.Params[p.Name]; !given {
			c.Params[p.Name] = p.fallback()
		} else if _, isName := value.(string); isName && p.Kind == "choice" && !p.allows(value) {
			why = fmt.Sprintf("subject-go has no body for %s with %s=%v", w.name, p.Name, value)
		} else if !p.allows(value) {
			fail("parameter %s of %s cannot be %v", p.Name, w.name, value)
		}
	}
	for name := range c.Params {
		if !known[name] {
			fail("%s has no parameter %q", w.name, name)
		}
	}
	return why
}

// fallback is the default, as a decoded line would hold it: all numbers of JSON are float64.
func (p param) fallback() any {
	if number, ok := p.Default.(int64); ok {
		return float64(number)
	}
	return p.Default
}

func (p param) allows(value any) bool {
	if p.Kind == "int" {
		v, ok := value.(float64)
		return ok && v == math.Trunc(v) && v >= float64(p.Min.(int64)) && v <= float64(p.Max.(int64))
	}
	for _, name := range p.Choices {
		if value == name {
			return true
		}
	}
	return false
}
