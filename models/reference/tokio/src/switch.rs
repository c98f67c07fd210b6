// switch.rs - switch/yield, switch/grain and switch/ring.
use std::arch::asm;
use std::os::raw::c_int;

use tokio::sync::mpsc;
use tokio::task::yield_now;

use crate::bench::{crew, share, steps_work, Bench, Cert};

// ---- switch/yield ------------------------------------------------------------------------------------------

pub async fn take_turns(b: Bench) -> c_int {
    let (tasks, ops) = (b.param("tasks"), b.ops());
    let turns = crew(b, tasks, |i| async move {
        let mut done = 0u64;

        for _ in 0..share(ops, tasks, i) {
            yield_now().await;
            done += 1;
        }
        done
    })
    .await;
    let mut cert = Cert { max_live: turns.len() as u64, ..Cert::default() };

    for (i, done) in turns.iter().enumerate() {
        cert.ops += done;
        cert.checksum = cert.checksum.wrapping_add((i as u64 + 1).wrapping_mul(*done));
    }
    b.certify(cert)
}

// ---- switch/grain ------------------------------------------------------------------------------------------

// grain_fence: wait until all that was begun is done.
fn fence() {
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("lfence", options(nostack, preserves_flags));
    }
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!("dsb ish", "isb", options(nostack, preserves_flags));
    }
}

pub async fn grain(b: Bench) -> c_int {
    let (tasks, ops, steps) = (b.param("tasks"), b.ops(), b.param("steps"));
    let turns = crew(b, tasks, |i| async move {
        let (mut value, mut done) = (i + 1, 0u64);

        for _ in 0..share(ops, tasks, i) {
            value = steps_work(value, steps);
            fence();
            yield_now().await;
            done += 1;
        }
        (value, done)
    })
    .await;
    let mut cert = Cert { max_live: tasks, ..Cert::default() };

    for (value, done) in turns {
        cert.ops += done;
        cert.checksum = cert.checksum.wrapping_add(value);
    }
    b.certify(cert)
}

// ---- switch/ring: a task per place, a mailbox of one message in front of each --------------------------------

// struct ring_node and struct ring_data.
#[repr(C)]
pub struct RingNode {
    next: *const RingNode,
    value: u64,
    pad: [u8; 48],
}

#[repr(C)]
pub struct RingData {
    tasks: u64,
    nodes_per_task: u64,
    nodes: *const RingNode,
}

unsafe impl Sync for RingData {} // read-only once it is made

// ring_visit: one walk over the task's own nodes.
fn visit(data: &RingData, task: u64) -> u64 {
    let mut sum = task + 1;

    if data.nodes_per_task > 0 {
        let mut node = unsafe { data.nodes.add((task * data.nodes_per_task) as usize) };

        for _ in 0..data.nodes_per_task {
            unsafe {
                sum = sum.wrapping_add((*node).value);
                node = (*node).next;
            }
        }
    }
    sum
}

// What travels around the ring; with no hops left it sends its receiver home.
#[derive(Clone, Copy)]
struct Token {
    hops_left: u64,
    sum: u64,
}

async fn pass_on(
    data: &'static RingData,
    place: u64,
    mut mailbox: mpsc::Receiver<Token>,
    next: mpsc::Sender<Token>,
    arrival: mpsc::Sender<Token>,
) -> u64 {
    let mut visits = 0;

    while let Some(mut token) = mailbox.recv().await {
        if token.hops_left == 0 {
            break;
        }
        token.sum = token.sum.wrapping_add(visit(data, place));
        visits += 1;
        token.hops_left -= 1;
        let to = if token.hops_left > 0 { &next } else { &arrival };
        if to.send(token).await.is_err() {
            break;
        }
    }
    visits
}

pub async fn ring(b: Bench) -> c_int {
    let data: &'static RingData = b.data();
    let (arrival, mut arrived) = mpsc::channel(1);
    let (senders, mailboxes): (Vec<_>, Vec<_>) = (0..data.tasks).map(|_| mpsc::channel(1)).unzip();
    let mut token = Token { hops_left: b.ops(), sum: 0 };
    let mut handles = Vec::with_capacity(mailboxes.len());

    for (i, mailbox) in mailboxes.into_iter().enumerate() {
        let next = senders[(i + 1) % senders.len()].clone();

        handles.push(tokio::spawn(pass_on(data, i as u64, mailbox, next, arrival.clone())));
    }
    yield_now().await; // they come to their mailboxes
    b.begin();
    let _ = senders[0].send(token).await;
    if let Some(last) = arrived.recv().await {
        token = last;
    }
    b.end();
    let mut cert = Cert { max_live: data.tasks, checksum: token.sum, ..Cert::default() };

    for (sender, handle) in senders.iter().zip(handles) {
        let _ = sender.send(Token { hops_left: 0, sum: 0 }).await;
        cert.ops += handle.await.expect("a task panicked");
    }
    cert.messages = cert.ops;
    b.certify(cert)
}
