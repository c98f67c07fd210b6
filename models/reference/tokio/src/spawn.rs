// spawn.rs - spawn/flat, spawn/skynet and spawn/chain.
use std::os::raw::c_int;

use tokio::sync::mpsc;

use crate::bench::{Bench, Cert};

// ---- spawn/flat: a task's handle gives what it has computed -------------------------------------------

// struct flat_record.
#[repr(C)]
struct FlatRecord {
    number: u64,
    result: u64,
}

extern "C" {
    fn flat_task(record: *mut FlatRecord);
}

pub async fn flat(b: Bench) -> c_int {
    let batch = b.param("batch");
    let mut handles = Vec::with_capacity(batch as usize);
    let mut cert = Cert { max_live: batch, ..Cert::default() };

    b.begin();
    while cert.ops < b.ops() {
        for number in cert.units..cert.units + batch {
            handles.push(tokio::spawn(async move {
                let mut record = FlatRecord { number, result: 0 };

                unsafe { flat_task(&mut record) };
                record.result
            }));
        }
        cert.units += batch;
        for handle in handles.drain(..) {
            cert.checksum = cert.checksum.wrapping_add(handle.await.expect("a task panicked"));
            cert.ops += 1;
        }
    }
    b.end();
    b.certify(cert)
}

// ---- spawn/skynet: ten tasks and a channel per inner task ----------------------------------------------

const FANOUT: u64 = 10;

struct Sum {
    value: u64,
    tasks: u64,
}

fn grow(up: mpsc::Sender<Sum>, first: u64, leaves: u64) {
    tokio::spawn(async move {
        let mut own = Sum { value: first, tasks: 1 };

        if leaves > 1 {
            let (sender, mut sums) = mpsc::channel(FANOUT as usize);

            own.value = 0;
            for i in 0..FANOUT {
                grow(sender.clone(), first + i * (leaves / FANOUT), leaves / FANOUT);
            }
            drop(sender);
            while let Some(below) = sums.recv().await {
                own.value += below.value;
                own.tasks += below.tasks;
            }
        }
        let _ = up.send(own).await; // somebody waits for it
    });
}

pub async fn skynet(b: Bench) -> c_int {
    let leaves = FANOUT.pow(b.param("leaves") as u32 + 1); // the parameter is the index of a choice: 10, 100, ...
    let (sender, mut out) = mpsc::channel(1);

    b.begin();
    grow(sender, 0, leaves);
    let sum = out.recv().await.expect("a task panicked");
    b.end();
    b.certify(Cert { ops: sum.tasks, units: sum.tasks, messages: sum.tasks, checksum: sum.value, ..Cert::default() })
}

// ---- spawn/chain: each task makes the next one ------------------------------------------------------------

struct Link {
    number: u64,
    left: u64,
    made: u64,
    sum: u64,
}

fn link_on(mut link: Link, ends: mpsc::UnboundedSender<Link>) {
    tokio::spawn(async move {
        link.sum += 2 * link.made + 1;
        link.made += 1;
        link.left -= 1;
        if link.left > 0 {
            link_on(link, ends);
        } else {
            let _ = ends.send(link); // somebody waits for it
        }
    });
}

pub async fn chain(b: Bench) -> c_int {
    let chains = b.param("chains");
    let (sender, mut ends) = mpsc::unbounded_channel();
    let mut ended = Vec::with_capacity(chains as usize);
    let mut cert = Cert::default();

    b.begin();
    for number in 0..chains {
        if b.ops() / chains > 0 {
            link_on(Link { number, left: b.ops() / chains, made: 0, sum: 0 }, sender.clone());
        }
    }
    drop(sender);
    while let Some(link) = ends.recv().await {
        ended.push(link);
    }
    b.end();
    for link in ended {
        cert.ops += link.made;
        cert.units += link.made;
        cert.checksum = cert.checksum.wrapping_add((link.number + 1).wrapping_mul(link.sum));
    }
    b.certify(cert)
}
