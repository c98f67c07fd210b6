package main

import "sync"

func init() {
	register(workload{name: "spawn/chain", scaling: "linear", metric: "wall_per_op", smokeOps: 600, quantum: "chains", body: chain,
		params: []param{number("chains", 1, 1, 10000, 3)}})
}

type chainLink struct {
	left, made, sum uint64
	_               [40]byte // a line for each: another chain's task may run on another CPU
}

func chainStep(link *chainLink, ends *sync.WaitGroup) {
	link.sum += 2*link.made + 1
	link.made++
	link.left--
	if link.left > 0 {
		go chainStep(link, ends)
	} else {
		ends.Done()
	}
}

func chain(r *run) {
	links := make([]chainLink, r.param("chains"))
	for i := range links {
		links[i].left = r.Ops / uint64(len(links))
	}
	var ends sync.WaitGroup
	r.begin()
	for i := range links {
		if links[i].left > 0 {
			ends.Add(1)
			go chainStep(&links[i], &ends)
		}
	}
	ends.Wait()
	r.end()
	c, sum := cert{}, uint64(0)
	for i, link := range links {
		c.Ops += link.made
		c.Units += link.made
		sum += uint64(i+1) * link.sum
	}
	c.Checksum = hex(sum)
	r.cert = c
}
