package main

import "time"

// What the abuse family shares: polite goroutines (polite.h).

type politePlan struct {
	r             *run
	tasks, events uint64
	period        int64
}

func newPolitePlan(r *run) politePlan {
	return politePlan{r, r.param("polite"), r.param("events"), int64(r.param("period_us")) * 1000}
}

// end is when the last event has been due, and the abuse ends.
func (p politePlan) end() int64 { return p.r.begunNs + int64(p.events+1)*p.period }

type polite struct {
	seen, inTime, sum uint64
	delays            []int64  // of who keeps its own
	_                 [80]byte // lines of its own
}

// live waits for each event of goroutine i and lets take say how late it was.
func (p politePlan) live(i uint64, own *polite, take func(dueNs int64) int64) {
	for own.seen < p.events {
		due := p.r.begunNs + int64(own.seen+1)*p.period + int64(i)*p.period/int64(p.tasks)
		if wait := due - nowNs(); wait > 0 {
			time.Sleep(time.Duration(wait))
		}
		if take(due) < p.period {
			own.inTime++
		}
		own.seen++
		own.sum += own.seen * (i + 1)
	}
}

// crowd makes goroutines' records that keep their own delays.
func (p politePlan) crowd() []polite {
	tasks := make([]polite, p.tasks)
	for i := range tasks {
		tasks[i].delays = make([]int64, 0, p.events)
	}
	return tasks
}

// liveAlone is live of goroutine i that does nothing at an event but note how late it was.
func (p politePlan) liveAlone(i uint64, own *polite) {
	p.live(i, own, func(due int64) int64 {
		late := lateness(due)
		own.delays = append(own.delays, late)
		return late
	})
}

// report makes the run's delays, certificate and figures of a crowd beside so many others.
func (p politePlan) report(tasks []polite, others uint64) {
	c, sum, inTime, all := cert{MaxLive: others + p.tasks}, uint64(0), make([]uint64, p.tasks), uint64(0)
	for i := range tasks {
		p.r.delays = append(p.r.delays, tasks[i].delays...)
		c.Ops += tasks[i].seen
		sum += tasks[i].sum
		inTime[i] = tasks[i].inTime
		all += tasks[i].inTime
	}
	c.Checksum = hex(sum)
	p.r.cert = c
	p.r.politeFigures(inTime, all)
}

// jain is (sum of x)^2 / (n * sum of x^2).
func jain(shares []uint64) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range shares {
		sum += float64(x)
		squares += float64(x) * float64(x)
	}
	if sum == 0 {
		return 0 // nothing can be said of nothing
	}
	return sum * sum / (float64(len(shares)) * squares)
}

// politeFigures tells of the delays, and of the shares unless there is nothing to share.
func (r *run) politeFigures(shares []uint64, inTime uint64) {
	worst := int64(0)
	for _, late := range r.delays {
		if late > worst {
			worst = late
		}
	}
	r.figures = map[string]float64{"in_time_percent": 100 * float64(inTime) / float64(len(r.delays)),
		"worst_wait_us": float64(worst) / 1000}
	if index := jain(shares); index > 0 {
		r.figures["jain"] = index
	}
}
