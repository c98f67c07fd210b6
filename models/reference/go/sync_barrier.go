package main

import "sync"

// sync/barrier: a mutex and a condition variable.

func init() {
	register(workload{name: "sync/barrier", scaling: "linear", metric: "wall_per_op", smokeOps: 300, body: barrier,
		params: []param{number("tasks", 8, 1, 10000, 4), number("work", 100, 0, 1000000, 10)}})
}

type meeting struct {
	lock       sync.Mutex
	complete   *sync.Cond
	n, missing uint64
	phase      uint64
}

func newMeeting(n uint64) *meeting {
	m := &meeting{n: n, missing: n}
	m.complete = sync.NewCond(&m.lock)
	return m
}

// wait blocks until n goroutines are in it; true in one of them.
func (m *meeting) wait() bool {
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.missing--; m.missing == 0 {
		m.missing = m.n
		m.phase++
		m.complete.Broadcast()
		return true
	}
	for mine := m.phase; m.phase == mine; {
		m.complete.Wait()
	}
	return false
}

type desk struct {
	note [2]uint64
	_    [112]byte // lines of its own
}

func barrier(r *run) {
	tasks, work := r.param("tasks"), r.param("work")
	m, desks := newMeeting(tasks), make([]desk, tasks)
	private, sums := make([]uint64, tasks), make([]uint64, tasks)
	passed, led := make([]uint64, tasks), make([]uint64, tasks)
	r.crew(tasks, func(i uint64) {
		neighbour := &desks[(i+1)%tasks]
		own, sum, n, leads := i, uint64(0), uint64(0), uint64(0)
		for phase := uint64(0); phase < r.Ops; phase++ {
			own = steps(own, work)
			desks[i].note[phase%2] = tallyMessage(i, phase)
			if m.wait() {
				leads++
			}
			sum += tallyDigit(tallyOf(neighbour.note[phase%2]))
			n++
		}
		private[i], sums[i], passed[i], led[i] = own, sum, n, leads
	})
	c, sum := cert{MaxLive: tasks}, uint64(0)
	for i := range private {
		c.Ops += led[i]
		c.Messages += passed[i]
		sum += sums[i] + private[i]
	}
	c.Checksum = hex(sum)
	r.cert = c
}
