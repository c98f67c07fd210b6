package main

import (
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
)

// The sync family but what workloads.go has of it.

// ---- sync/semaphore: a channel as wide as there are permits ------------------------------------------------

type semaphoreTask struct {
	word, done, proper uint64
	_                  [104]byte // lines of its own
}

func semaphore(r *run) {
	tasks, hold, think := r.param("tasks"), r.param("hold"), r.param("think")
	yields := r.Params["inside"] == "yield"
	limit := int64(r.param("permits"))
	permits := make(chan struct{}, limit)
	records := make([]semaphoreTask, tasks)
	var holders atomic.Int64
	r.crew(tasks, func(i uint64) {
		own := semaphoreTask{word: i + 1}
		for left := share(r.Ops, tasks, i); left > 0; left-- {
			permits <- struct{}{}
			if holders.Add(1) <= limit {
				own.proper++
			}
			if yields {
				own.word = steps(own.word, hold/2)
				runtime.Gosched()
				own.word = steps(own.word, hold-hold/2)
			} else {
				own.word = steps(own.word, hold)
			}
			holders.Add(-1)
			<-permits
			own.done++
			own.word = steps(own.word, think)
		}
		records[i] = own
	})
	c, sum := cert{MaxLive: tasks}, uint64(0)
	for i := range records {
		c.Ops += records[i].done
		c.Locks += records[i].proper
		sum += records[i].word
	}
	c.Checksum = hex(sum)
	r.cert = c
}

// ---- sync/rwlock --------------------------------------------------------------------------------------------

func rwlock(r *run) {
	tasks, percent, hold, think := r.param("tasks"), r.param("read_percent"), r.param("hold"), r.param("think")
	var lock sync.RWMutex
	word := uint64(0x9e3779b97f4a7c15)
	private, done, intact := make([]uint64, tasks), make([]uint64, tasks), make([]uint64, tasks)
	r.crew(tasks, func(i uint64) {
		own, credit, n, whole := i+1, i*37%100, uint64(0), uint64(0)
		for left := share(r.Ops, tasks, i); left > 0; left-- {
			if credit += percent; credit >= 100 {
				credit -= 100
				lock.RLock()
				before := word
				own = steps(own, hold)
				if word == before {
					whole++
				}
				lock.RUnlock()
			} else {
				lock.Lock()
				word = steps(word, hold)
				lock.Unlock()
				whole++
			}
			n++
			own = steps(own, think)
		}
		private[i], done[i], intact[i] = own, n, whole
	})
	c, sum := cert{MaxLive: tasks}, word
	for i := range private {
		c.Ops += done[i]
		c.Locks += intact[i]
		sum += private[i]
	}
	c.Checksum = hex(sum)
	r.cert = c
}

// ---- messages that tell their source and number (tally.h) ------------------------------------------------------

const tallyBits = 48

func tallyMessage(source, n uint64) uint64 { return source<<tallyBits | n }
func tallyOf(message uint64) (source, n uint64) {
	return message >> tallyBits, message & (1<<tallyBits - 1)
}
func tallyDigit(source, n uint64) uint64 { return (2*n + 1) * ((source+1)*0x9e3779b97f4a7c15 | 1) }

// ---- sync/queue -------------------------------------------------------------------------------------------------

func queue(r *run) {
	producers, consumers := r.param("producers"), r.param("consumers")
	messages := make(chan uint64, r.param("capacity"))
	received, inOrder, sums := make([]uint64, consumers), make([]uint64, consumers), make([]uint64, consumers)
	var sending sync.WaitGroup
	sending.Add(int(producers))
	r.crew(producers+consumers, func(i uint64) {
		if i >= consumers {
			id := i - consumers
			for n, own := uint64(0), share(r.Ops, producers, id); n < own; n++ {
				messages <- tallyMessage(id, n)
			}
			sending.Done()
			if id == 0 {
				sending.Wait()
				close(messages)
			}
			return
		}
		next := make([]uint64, producers)
		count, ordered, sum := uint64(0), uint64(0), uint64(0)
		for message := range messages {
			source, n := tallyOf(message)
			if n >= next[source] {
				ordered++
			}
			next[source] = n + 1
			sum += tallyDigit(source, n)
			count++
		}
		received[i], inOrder[i], sums[i] = count, ordered, sum
	})
	c, sum := cert{MaxLive: producers + consumers}, uint64(0)
	for i := range received {
		c.Ops += received[i]
		c.Messages += inOrder[i]
		sum += sums[i]
	}
	c.Checksum = hex(sum)
	r.cert = c
}

// ---- sync/pipeline ----------------------------------------------------------------------------------------------

const pipelineFactor = 6364136223846793005

func pipeline(r *run) {
	stages := r.param("stages")
	links := make([]chan uint64, stages+1)
	for i := range links {
		links[i] = make(chan uint64, r.param("capacity"))
	}
	first, step := uint64(0), uint64(1)
	for stage := uint64(0); stage < stages; stage++ {
		first, step = first*pipelineFactor+stage+1, step*pipelineFactor
	}
	passed := make([]uint64, stages)
	var received, inTurn, sum uint64
	r.crew(stages+2, func(i uint64) {
		switch {
		case i == 0: // the source
			for n := uint64(0); n < r.Ops; n++ {
				links[0] <- n
			}
			close(links[0])
		case i <= stages:
			stage, out, n := i-1, links[i], uint64(0)
			for value := range links[stage] {
				out <- value*pipelineFactor + stage + 1
				n++
			}
			close(out)
			passed[stage] = n
		default: // the sink
			due, count, turns, own := first, uint64(0), uint64(0), uint64(0)
			for value := range links[stages] {
				if value == due {
					turns++
				}
				due += step
				own += value
				count++
			}
			received, inTurn, sum = count, turns, own
		}
	})
	c := cert{Ops: received, MaxLive: stages + 2, Messages: inTurn, Checksum: hex(sum)}
	for _, n := range passed {
		c.Messages += n
	}
	r.cert = c
}

// ---- sync/select ------------------------------------------------------------------------------------------------

// receiver gives what any of the channels has next; false: all are closed and drained.
type receiver func() (channel int, message uint64, ok bool)

const literalCases = 4

// literal is what one writes for a few channels: a select statement, in which a nil channel is never chosen.
func literal(channels []chan uint64) receiver {
	var c [literalCases]chan uint64
	open := copy(c[:], channels)
	return func() (int, uint64, bool) {
		for open > 0 {
			var i int
			var message uint64
			var ok bool
			select {
			case message, ok = <-c[0]:
				i = 0
			case message, ok = <-c[1]:
				i = 1
			case message, ok = <-c[2]:
				i = 2
			case message, ok = <-c[3]:
				i = 3
			}
			if ok {
				return i, message, true
			}
			c[i] = nil
			open--
		}
		return 0, 0, false
	}
}

// reflected is the language's only way where the number of channels is known at run time alone.
func reflected(channels []chan uint64) receiver {
	cases := make([]reflect.SelectCase, len(channels))
	for i, c := range channels {
		cases[i] = reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c)}
	}
	open := len(cases)
	return func() (int, uint64, bool) {
		for open > 0 {
			i, message, ok := reflect.Select(cases)
			if ok {
				return i, message.Uint(), true
			}
			cases[i].Chan = reflect.Value{}
			open--
		}
		return 0, 0, false
	}
}

func selection(r *run) {
	n := r.param("channels")
	channels := make([]chan uint64, n)
	for i := range channels {
		channels[i] = make(chan uint64, r.param("capacity"))
	}
	senders := n
	if r.Params["senders"] == "one" {
		senders = 1
	}
	receive := literal(channels)
	if n > literalCases {
		receive = reflected(channels)
	}
	next := make([]uint64, n)
	var received, inTurn, sum uint64
	r.crew(senders+1, func(i uint64) {
		switch {
		case i == senders:
			count, turns, own := uint64(0), uint64(0), uint64(0)
			for {
				channel, message, ok := receive()
				if !ok {
					break
				}
				source, k := tallyOf(message)
				if source == uint64(channel) && k == next[channel] {
					turns++
				}
				next[channel]++
				own += tallyDigit(source, k)
				count++
			}
			received, inTurn, sum = count, turns, own
		case r.Params["senders"] == "each":
			for k, own := uint64(0), share(r.Ops, n, i); k < own; k++ {
				channels[i] <- tallyMessage(i, k)
			}
			close(channels[i])
		default:
			for k := uint64(0); k < r.Ops; k++ {
				channels[k%n] <- tallyMessage(k%n, k/n)
			}
			for _, c := range channels {
				close(c)
			}
		}
	})
	r.cert = cert{Ops: received, MaxLive: senders + 1, Messages: inTurn, Checksum: hex(sum)}
}

// ---- sync/barrier: a mutex and a condition variable --------------------------------------------------------------

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
