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
