package main

import (
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// The release, and the settings that a cell may change ("gogc=off,gomaxprocs=4" in its knobs).

// years are those in which each series of releases came out: https://go.dev/doc/devel/release. A series that is not here
// has no year, rather than a guessed one.
var years = map[string]int{"1.16": 2021, "1.17": 2021, "1.18": 2022, "1.19": 2022, "1.20": 2023, "1.21": 2023, "1.22": 2024,
	"1.23": 2024, "1.24": 2025, "1.25": 2025}

func release() (version string, year any) {
	version = strings.TrimPrefix(runtime.Version(), "go")
	series := strings.Join(strings.SplitN(version+".", ".", 3)[:2], ".")
	if y, known := years[series]; known {
		year = y
	}
	return version, year
}

type settings struct {
	gogc     string
	maxProcs int
}

func settingsOf(c *cell) settings {
	s := settings{"100", c.Workers}
	for _, pair := range strings.Split(c.Knobs, ",") {
		name, value, _ := strings.Cut(pair, "=")
		n, err := strconv.Atoi(value)
		switch {
		case pair == "":
		case name == "gogc" && (value == "off" || err == nil && n >= 1 && n <= 100000):
			s.gogc = value
		case name == "gomaxprocs" && (value == "workers" || err == nil && n >= 1 && n <= mostWorkers):
			if value != "workers" {
				s.maxProcs = n
			}
		case name == "gogc" || name == "gomaxprocs":
			fail("the knob %s cannot be %q", name, value)
		default:
			fail("there is no knob %q; there are gogc (1 to 100000, or off) and gomaxprocs (1 to %d, or workers)", name, mostWorkers)
		}
	}
	return s
}

func (s settings) apply() {
	percent := -1
	if s.gogc != "off" {
		percent, _ = strconv.Atoi(s.gogc)
	}
	debug.SetGCPercent(percent)
	runtime.GOMAXPROCS(s.maxProcs)
}

func (s settings) told() map[string]string {
	return map[string]string{"gomaxprocs": strconv.Itoa(s.maxProcs), "gogc": s.gogc}
}
