package main

// What the sync family shares: messages that tell their source and number (tally.h).

const tallyBits = 48

func tallyMessage(source, n uint64) uint64 { return source<<tallyBits | n }
func tallyOf(message uint64) (source, n uint64) {
	return message >> tallyBits, message & (1<<tallyBits - 1)
}
func tallyDigit(source, n uint64) uint64 { return (2*n + 1) * ((source+1)*golden | 1) }
