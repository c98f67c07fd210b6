// memory.rs - memory/parked, memory/afterexit and memory/alloc.
//
// Memory of a task's own that lasts over an await is part of its future or, where its size is not known, on the heap.
use std::os::raw::c_int;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::yield_now;

use crate::bench::{crew, join, steps_work, Bench, Cert};

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

// A mark in every page of a task's block, read back when it is let go, as in C. Nothing else of it is written.
struct Block(Vec<u8>);

impl Block {
    fn touch(bytes: usize, id: u64) -> Block {
        let mut block = Vec::with_capacity(bytes);
        let first: *mut u8 = block.as_mut_ptr();

        for at in (0..bytes).step_by(PAGE) {
            unsafe { first.add(at).write_volatile((id % 251 + 1) as u8) };
        }
        Block(block)
    }

    fn sum(&self, bytes: usize) -> u64 {
        (0..bytes).step_by(PAGE).map(|at| u64::from(unsafe { self.0.as_ptr().add(at).read_volatile() })).sum()
    }
}

// ---- memory/parked and memory/afterexit: tasks that wait for a channel to be closed ---------------------------

#[derive(Default)]
struct Lot {
    touch_bytes: usize,
    uses_libc: bool,
    next: AtomicU64, // the next task's id; after all have arrived: how many did
    left: AtomicU64,
    sum: AtomicU64, // of what they read back
}

async fn park(lot: Arc<Lot>, mut gate: watch::Receiver<()>, arrived: mpsc::UnboundedSender<()>, present: mpsc::Sender<()>) {
    let id = lot.next.fetch_add(1, Relaxed);
    let mut sum = if lot.uses_libc { unsafe { parked_use_libc(id) } } else { 0 };
    let block = Block::touch(lot.touch_bytes, id);

    drop(arrived);
    while gate.changed().await.is_ok() {}
    sum += block.sum(lot.touch_bytes);
    lot.sum.fetch_add(sum, Relaxed);
    lot.left.fetch_add(1, Relaxed);
    drop(present);
}

// A handler that needs after its wait what it has written before it: the text is part of the future, and so of no other task's.
async fn park_below(lot: Arc<Lot>, mut gate: watch::Receiver<()>, arrived: mpsc::UnboundedSender<()>, present: mpsc::Sender<()>) {
    let id = lot.next.fetch_add(1, Relaxed);
    let mut text = [0u8; TEXT];

    unsafe { glue_parked_write(text.as_mut_ptr(), id) };
    let block = Block::touch(lot.touch_bytes, id);
    drop(arrived);
    while gate.changed().await.is_ok() {}
    let sum = block.sum(lot.touch_bytes) + unsafe { glue_parked_read(text.as_ptr()) };
    lot.sum.fetch_add(sum, Relaxed);
    lot.left.fetch_add(1, Relaxed);
    drop(present);
}

struct Parked {
    lot: Arc<Lot>,
    tasks: u64,
    open: watch::Sender<()>,
    all_gone: mpsc::Receiver<()>,
}

impl Parked {
    // All tasks, which have come and wait.
    async fn gather(b: Bench, lot: Lot, below: bool) -> Parked {
        let (lot, tasks) = (Arc::new(lot), b.param("tasks"));
        let (open, gate) = watch::channel(());
        let (arrived, mut all_arrived) = mpsc::unbounded_channel();
        let (present, all_gone) = mpsc::channel(1);

        b.snapshot("base", 0);
        for _ in 0..tasks {
            let (lot, gate, arrived, present) = (lot.clone(), gate.clone(), arrived.clone(), present.clone());

            if below {
                tokio::spawn(park_below(lot, gate, arrived, present));
            } else {
                tokio::spawn(park(lot, gate, arrived, present));
            }
        }
        drop((gate, arrived, present));
        all_arrived.recv().await; // None: each has dropped its end
        Parked { lot, tasks, open, all_gone }
    }

    // They go, and have gone.
    async fn release(self) -> Cert {
        let mut all_gone = self.all_gone;

        drop(self.open);
        all_gone.recv().await;
        Cert {
            ops: self.lot.left.load(Relaxed),
            units: self.tasks,
            max_live: self.lot.next.load(Relaxed),
            checksum: self.lot.sum.load(Relaxed),
            ..Cert::default()
        }
    }
}

fn lot_of(b: Bench) -> Lot {
    Lot { touch_bytes: b.param("touch_kib") as usize * 1024, ..Lot::default() }
}

const LEAST_SETTLE: Duration = Duration::from_millis(10); // AFTEREXIT_LEAST_NS

pub async fn parked(b: Bench) -> c_int {
    let libc = b.param("libc");
    let parked = Parked::gather(b, Lot { uses_libc: libc == LIBC_YES, ..lot_of(b) }, libc == LIBC_BELOW).await;

    tokio::time::sleep(Duration::from_millis(10)).await; // the last one still has to park, and this is ample
    b.snapshot("live", parked.lot.next.load(Relaxed));
    b.certify(parked.release().await)
}

pub async fn afterexit(b: Bench) -> c_int {
    let cert = Parked::gather(b, lot_of(b), false).await.release().await;

    tokio::time::sleep(LEAST_SETTLE + Duration::from_millis(b.param("settle_ms"))).await;
    b.snapshot("live", cert.ops);
    b.certify(cert)
}

// ---- memory/alloc ---------------------------------------------------------------------------------------------

#[derive(Clone, Copy)]
struct Work {
    bytes: usize,
    steps: u64,
}

impl Work {
    async fn once(self, id: u64) -> u64 {
        let block = Block::touch(self.bytes, id);

        yield_now().await;
        steps_work(id, self.steps).wrapping_add(block.sum(self.bytes))
    }
}

async fn with_new_tasks(b: Bench, work: Work, tasks: u64) -> Cert {
    let mut handles = Vec::with_capacity(tasks as usize);
    let mut cert = Cert::default();

    b.begin();
    while cert.ops < b.ops() {
        handles.extend((cert.units..cert.units + tasks).map(|id| tokio::spawn(work.once(id))));
        cert.units += tasks;
        for handle in handles.drain(..) {
            cert.checksum = cert.checksum.wrapping_add(join(handle).await);
            cert.ops += 1;
        }
    }
    b.end();
    cert
}

async fn with_old_tasks(b: Bench, work: Work, tasks: u64) -> Cert {
    let ops = b.ops();
    let jobs = crew(b, tasks, |i| async move {
        let (mut sum, mut done) = (0u64, 0u64);

        for id in (i..ops).step_by(tasks as usize) {
            sum = sum.wrapping_add(work.once(id).await);
            done += 1;
        }
        (sum, done)
    })
    .await;
    let mut cert = Cert::default();

    for (sum, done) in jobs {
        cert.ops += done;
        cert.checksum = cert.checksum.wrapping_add(sum);
    }
    cert
}

pub async fn alloc(b: Bench) -> c_int {
    let (tasks, reuses) = (b.param("tasks"), b.param("reuse") != 0);
    let work = Work { bytes: b.param("block_kib") as usize * 1024, steps: b.param("work") };
    let cert = if reuses { with_old_tasks(b, work, tasks).await } else { with_new_tasks(b, work, tasks).await };

    b.certify(cert)
}
