package main

// What the memory family shares.

// touch dirties kib KiB of the stack that it is called on, a kilobyte per level, and calls then at the bottom. It gives
// the sum of a mark per 4 KiB, read back after then has returned.
func touch(kib, depth, id uint64, then func()) uint64 {
	if depth == kib {
		then()
		return 0
	}
	var block [1024]byte
	block[depth&1023] = byte(id%251 + 1)
	below := touch(kib, depth+1, id, then)
	if depth%4 != 0 {
		return below
	}
	return below + uint64(block[depth&1023])
}
