// tally.rs - workloads/sync/tally.h: messages that say who sent them and the how manyth of that source each is.
const N_BITS: u32 = 48;

pub fn message(source: u64, n: u64) -> u64 {
    source << N_BITS | n
}

pub fn source(message: u64) -> u64 {
    message >> N_BITS
}

pub fn n(message: u64) -> u64 {
    message & ((1 << N_BITS) - 1)
}

// What a message adds to the sum.
pub fn digit(message: u64) -> u64 {
    let weight = (source(message) + 1).wrapping_mul(0x9e3779b97f4a7c15) | 1;

    (2 * n(message) + 1).wrapping_mul(weight)
}
