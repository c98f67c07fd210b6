// memory.rs - memory/parked: tasks that wait for a channel to be closed.
use std::os::raw::c_int;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::bench::{Bench, Cert};

const PAGE: usize = 4096; // TOUCH_PAGE

extern "C" {
    fn parked_use_libc(id: u64) -> u64;
    fn glue_parked_write(text: *mut u8, id: u64);
    fn glue_parked_read(text: *const u8) -> u64;
}

// PARKED_LIBC_*, PARKED_TEXT
const LIBC_YES: u64 = 1;
const LIBC_BELOW: u64 = 2;
const TEXT: usize = 64;

struct Lot {
    touch_bytes: usize,
    uses_libc: bool,
    next: AtomicU64, // the next task's id; after all have arrived: how many did
    left: AtomicU64,
    sum: AtomicU64, // of what they read back
}

// What a task has of its own, as in C: a mark in every page of its block, read back when it is let go.
fn touch(bytes: usize, id: u64) -> Vec<u8> {
    let mut block = vec![0u8; bytes];

    for at in (0..bytes).step_by(PAGE) {
        unsafe { std::ptr::write_volatile(&mut block[at], (id % 251 + 1) as u8) };
    }
    block
}

fn touched(block: &[u8]) -> u64 {
    (0..block.len()).step_by(PAGE).map(|at| u64::from(unsafe { std::ptr::read_volatile(&block[at]) })).sum()
}

async fn park(lot: Arc<Lot>, mut gate: watch::Receiver<()>, arrived: mpsc::UnboundedSender<()>, present: mpsc::Sender<()>) {
    let id = lot.next.fetch_add(1, Relaxed);
    let mut sum = if lot.uses_libc { unsafe { parked_use_libc(id) } } else { 0 };
    let block = touch(lot.touch_bytes, id);

    drop(arrived);
    while gate.changed().await.is_ok() {}
    sum += touched(&block);
    lot.sum.fetch_add(sum, Relaxed);
    lot.left.fetch_add(1, Relaxed);
    drop(present);
}

// A handler that needs after its wait what it has written before it: the text is part of the future, and so of no other task's.
async fn park_below(lot: Arc<Lot>, mut gate: watch::Receiver<()>, arrived: mpsc::UnboundedSender<()>, present: mpsc::Sender<()>) {
    let id = lot.next.fetch_add(1, Relaxed);
    let mut text = [0u8; TEXT];

    unsafe { glue_parked_write(text.as_mut_ptr(), id) };
    let block = touch(lot.touch_bytes, id);
    drop(arrived);
    while gate.changed().await.is_ok() {}
    lot.sum.fetch_add(touched(&block) + unsafe { glue_parked_read(text.as_ptr()) }, Relaxed);
    lot.left.fetch_add(1, Relaxed);
    drop(present);
}

pub async fn parked(b: Bench) -> c_int {
    let (tasks, libc) = (b.param("tasks"), b.param("libc"));
    let lot = Arc::new(Lot {
        touch_bytes: b.param("touch_kib") as usize * 1024,
        uses_libc: libc == LIBC_YES,
        next: AtomicU64::new(0),
        left: AtomicU64::new(0),
        sum: AtomicU64::new(0),
    });
    let (open, gate) = watch::channel(());
    let (arrived, mut all_arrived) = mpsc::unbounded_channel();
    let (present, mut all_gone) = mpsc::channel(1);

    b.snapshot("base", 0);
    for _ in 0..tasks {
        let (lot, gate, arrived, present) = (lot.clone(), gate.clone(), arrived.clone(), present.clone());

        if libc == LIBC_BELOW {
            tokio::spawn(park_below(lot, gate, arrived, present));
        } else {
            tokio::spawn(park(lot, gate, arrived, present));
        }
    }
    drop((gate, arrived, present));
    all_arrived.recv().await; // None: each has dropped its end
    tokio::time::sleep(Duration::from_millis(10)).await; // the last one still has to park, and this is ample
    b.snapshot("live", lot.next.load(Relaxed));
    drop(open);
    all_gone.recv().await;
    b.certify(Cert {
        ops: lot.left.load(Relaxed),
        units: tasks,
        max_live: lot.next.load(Relaxed),
        checksum: lot.sum.load(Relaxed),
        ..Cert::default()
    })
}
