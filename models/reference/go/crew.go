package main

import "sync"

// crew runs the region: n goroutines that begin together, each with its number, until all have returned.
func (r *run) crew(n uint64, work func(i uint64)) {
	gate := make(chan struct{})
	var arrived, ended sync.WaitGroup
	arrived.Add(int(n))
	ended.Add(int(n))
	for i := uint64(0); i < n; i++ {
		go func(i uint64) {
			defer ended.Done()
			arrived.Done()
			<-gate
			work(i)
		}(i)
	}
	arrived.Wait()
	r.begin()
	close(gate)
	ended.Wait()
	r.end()
}

// duet runs the region in which two goroutines begin together. It ends when the first has returned; duet waits for both.
func (r *run) duet(first, second func()) {
	gate := make(chan struct{})
	var arrived, firstEnded, secondEnded sync.WaitGroup
	start := func(work func(), ended *sync.WaitGroup) {
		arrived.Add(1)
		ended.Add(1)
		go func() {
			defer ended.Done()
			arrived.Done()
			<-gate
			work()
		}()
	}
	start(second, &secondEnded)
	start(first, &firstEnded)
	arrived.Wait()
	r.begin()
	close(gate)
	firstEnded.Wait()
	r.end()
	secondEnded.Wait()
}
