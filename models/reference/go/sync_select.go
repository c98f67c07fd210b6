package main

import "reflect"

func init() {
	register(workload{name: "sync/select", scaling: "linear", metric: "wall_per_op", smokeOps: 500, body: selection,
		params: []param{number("channels", 4, 1, 1024, 3), choice("senders", "each", "each", "each", "one"),
			number("capacity", 0, 0, 1024, 0)}})
}

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
