package main

import (
	"encoding/binary"
	"io"
	"net"
)

// mix/hackbench: a connection per receiver, whose other end all senders of its group write to.

func init() {
	register(workload{name: "mix/hackbench", scaling: "finite", metric: "wall_per_op", body: hackbench,
		params: []param{number("groups", 4, 1, 1000, 2), number("tasks", 20, 1, 100, 3), number("loops", 100, 1, 1000000, 10)}})
}

const hackbenchBytes = 100

type party struct {
	messages, bytes, sum uint64
	_                    [40]byte // a line for each
}

func hackbenchSend(first []net.Conn, number, loops uint64, p *party) {
	var message [hackbenchBytes]byte
	for loop := uint64(0); loop < loops; loop++ {
		binary.LittleEndian.PutUint64(message[:], number*loops+loop+1)
		for _, out := range first {
			n, err := out.Write(message[:])
			if err != nil {
				fail("a send failed: %v", err)
			}
			p.messages++
			p.bytes += uint64(n)
		}
	}
}

func hackbenchReceive(in net.Conn, number, due uint64, p *party) {
	var message [hackbenchBytes]byte
	for ; p.messages < due; p.messages++ {
		n, err := io.ReadFull(in, message[:])
		if err != nil {
			fail("a receive failed: %v", err)
		}
		p.bytes += uint64(n)
		p.sum += binary.LittleEndian.Uint64(message[:]) * (2*number + 1)
	}
}

func hackbench(r *run) {
	tasks, loops := r.param("tasks"), r.param("loops")
	side := r.param("groups") * tasks
	in, out := make([]net.Conn, side), make([]net.Conn, side)
	senders, receivers := make([]party, side), make([]party, side)
	for i := range in {
		in[i], out[i] = socketPair()
	}
	r.crew(2*side, func(i uint64) {
		if i < side {
			hackbenchReceive(in[i], i, tasks*loops, &receivers[i])
			return
		}
		i -= side
		first := i - i%tasks
		hackbenchSend(out[first:first+tasks], i, loops, &senders[i])
	})
	var c cert
	sum := uint64(0)
	for i := range in {
		in[i].Close()
		out[i].Close()
		c.Ops += receivers[i].messages
		c.BytesRead += receivers[i].bytes
		c.Messages += senders[i].messages
		c.BytesWritten += senders[i].bytes
		sum += receivers[i].sum
	}
	c.Checksum = hex(sum)
	r.cert = c
}
