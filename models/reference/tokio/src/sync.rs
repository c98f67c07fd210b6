// sync.rs - sync/pingpong and sync/mutex.
use std::arch::asm;
use std::os::raw::c_int;
use std::sync::Arc;

use tokio::sync::{mpsc, Mutex};

use crate::bench::{crew, share, Bench, Cert};

// ---- sync/pingpong ------------------------------------------------------------------------------------------

async fn pong(mut there: mpsc::Receiver<u64>, back: mpsc::Sender<u64>) -> u64 {
    let mut answered = 0;

    while let Some(value) = there.recv().await {
        if back.send(2 * value + 1).await.is_err() {
            break;
        }
        answered += 1;
    }
    answered
}

async fn ping(rounds: u64, there: mpsc::Sender<u64>, mut back: mpsc::Receiver<u64>) -> (u64, u64) {
    let (mut received, mut sum) = (0, 0u64);

    for i in 0..rounds {
        let _ = there.send(i).await;
        match back.recv().await {
            Some(answer) => sum = sum.wrapping_add(answer),
            None => break,
        }
        received += 1;
    }
    (received, sum)
}

pub async fn pingpong(b: Bench) -> c_int {
    let capacity = b.param("capacity") as usize;
    let (there, pings) = mpsc::channel(capacity);
    let (back, pongs) = mpsc::channel(capacity);
    let ponger = tokio::spawn(pong(pings, back));
    let mut ends = Some((there, pongs));
    let rounds = b.ops();
    // Two tasks: the one that answers waits already, the other waits at the gate.
    let played = {
        let pinger = std::sync::Mutex::new(&mut ends);

        crew(b, 1, |_| {
            let (there, pongs) = pinger.lock().unwrap().take().expect("one pinger");

            ping(rounds, there, pongs)
        })
        .await
    };
    let (received, sum) = played[0];
    let answered = ponger.await.expect("a task panicked");

    b.certify(Cert { ops: received, max_live: 2, messages: received + answered, checksum: sum, ..Cert::default() })
}

// ---- sync/mutex ---------------------------------------------------------------------------------------------

// steps_work: n steps of which each needs the one before.
fn steps_work(mut x: u64, n: u64) -> u64 {
    for _ in 0..n {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        // Two steps must not be folded into one.
        unsafe { asm!("/* {0} */", inout(reg) x, options(pure, nomem, nostack, preserves_flags)) };
    }
    x
}

pub async fn mutex(b: Bench) -> c_int {
    let (tasks, ops, hold, think) = (b.param("tasks"), b.ops(), b.param("hold"), b.param("think"));
    let word = Arc::new(Mutex::new(0x9e3779b97f4a7c15u64));
    let workers = crew(b, tasks, |i| {
        let word = word.clone();

        async move {
            let (mut private, mut locks) = (i + 1, 0u64);

            for _ in 0..share(ops, tasks, i) {
                {
                    let mut shared = word.lock().await;

                    *shared = steps_work(*shared, hold);
                }
                locks += 1;
                private = steps_work(private, think);
            }
            (private, locks)
        }
    })
    .await;
    let mut cert = Cert { max_live: tasks, checksum: *word.lock().await, ..Cert::default() };

    for (private, locks) in workers {
        cert.locks += locks;
        cert.checksum = cert.checksum.wrapping_add(private);
    }
    cert.ops = cert.locks;
    b.certify(cert)
}
