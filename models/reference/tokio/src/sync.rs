// sync.rs - sync/mutex, sync/rwlock, sync/semaphore and sync/barrier: tokio::sync's own.
use std::os::raw::c_int;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;

use tokio::sync::{Barrier, Mutex, RwLock, Semaphore};
use tokio::task::yield_now;

use crate::bench::{crew, share, steps_work, Bench, Cert};
use crate::tally;

const SHARED_START: u64 = 0x9e3779b97f4a7c15; // of the word that a lock guards

// ---- sync/mutex ---------------------------------------------------------------------------------------------

pub async fn mutex(b: Bench) -> c_int {
    let (tasks, ops, hold, think) = (b.param("tasks"), b.ops(), b.param("hold"), b.param("think"));
    let word = Arc::new(Mutex::new(SHARED_START));
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

// ---- sync/rwlock --------------------------------------------------------------------------------------------

struct Reader {
    private: u64,
    credit: u64, // rwlock_is_read
    ops: u64,
    intact: u64, // acquisitions in which nobody else wrote
}

// As many steps of a private word, and whether the shared one has stayed what it was. Volatile: to the compiler it must have.
fn read_under_lock(shared: &u64, private: &mut u64, hold: u64) -> bool {
    let before = unsafe { std::ptr::read_volatile(shared) };

    *private = steps_work(*private, hold);
    unsafe { std::ptr::read_volatile(shared) == before }
}

pub async fn rwlock(b: Bench) -> c_int {
    let (tasks, ops, percent) = (b.param("tasks"), b.ops(), b.param("read_percent"));
    let (hold, think) = (b.param("hold"), b.param("think"));
    let word = Arc::new(RwLock::new(SHARED_START));
    let readers = crew(b, tasks, |i| {
        let word = word.clone();

        async move {
            let mut r = Reader { private: i + 1, credit: i * 37 % 100, ops: 0, intact: 0 };

            for _ in 0..share(ops, tasks, i) {
                r.credit += percent;
                if r.credit >= 100 {
                    r.credit -= 100;
                    let shared = word.read().await;
                    r.intact += u64::from(read_under_lock(&shared, &mut r.private, hold));
                } else {
                    let mut shared = word.write().await;
                    *shared = steps_work(*shared, hold);
                    r.intact += 1;
                }
                r.ops += 1;
                r.private = steps_work(r.private, think);
            }
            r
        }
    })
    .await;
    let mut cert = Cert { max_live: tasks, checksum: *word.read().await, ..Cert::default() };

    for r in readers {
        cert.ops += r.ops;
        cert.locks += r.intact;
        cert.checksum = cert.checksum.wrapping_add(r.private);
    }
    b.certify(cert)
}

// ---- sync/semaphore -----------------------------------------------------------------------------------------

pub async fn semaphore(b: Bench) -> c_int {
    let (tasks, ops, permits) = (b.param("tasks"), b.ops(), b.param("permits"));
    let (hold, think, yields) = (b.param("hold"), b.param("think"), b.param("inside") != 0);
    let shared = Arc::new((Semaphore::new(permits as usize), AtomicU64::new(0)));
    let workers = crew(b, tasks, |i| {
        let shared = shared.clone();

        async move {
            let (semaphore, holders) = &*shared;
            let (mut word, mut done, mut proper) = (i + 1, 0u64, 0u64);

            for _ in 0..share(ops, tasks, i) {
                let permit = semaphore.acquire().await.expect("nobody closes it");

                proper += u64::from(holders.fetch_add(1, Relaxed) < permits);
                if yields {
                    word = steps_work(word, hold / 2);
                    yield_now().await;
                    word = steps_work(word, hold - hold / 2);
                } else {
                    word = steps_work(word, hold);
                }
                holders.fetch_sub(1, Relaxed);
                drop(permit);
                done += 1;
                word = steps_work(word, think);
            }
            (word, done, proper)
        }
    })
    .await;
    let mut cert = Cert { max_live: tasks, ..Cert::default() };

    for (word, done, proper) in workers {
        cert.ops += done;
        cert.locks += proper;
        cert.checksum = cert.checksum.wrapping_add(word);
    }
    b.certify(cert)
}

// ---- sync/barrier -------------------------------------------------------------------------------------------

// struct barrier_desk: two places, used in turn. The barrier orders who writes and who reads them.
#[repr(align(128))]
#[derive(Default)]
struct Desk {
    note: [AtomicU64; 2],
}

struct Meeting {
    barrier: Barrier,
    desks: Vec<Desk>,
}

pub async fn barrier(b: Bench) -> c_int {
    let (tasks, phases, work) = (b.param("tasks"), b.ops(), b.param("work"));
    let meeting = Arc::new(Meeting {
        barrier: Barrier::new(tasks as usize),
        desks: (0..tasks).map(|_| Desk::default()).collect(),
    });
    let parties = crew(b, tasks, |i| {
        let meeting = meeting.clone();

        async move {
            let (own, neighbour) = (&meeting.desks[i as usize], &meeting.desks[((i + 1) % tasks) as usize]);
            let (mut private, mut sum, mut passed, mut led) = (i, 0u64, 0u64, 0u64);

            for phase in 0..phases {
                let place = (phase % 2) as usize;

                private = steps_work(private, work);
                own.note[place].store(tally::message(i, phase), Relaxed);
                led += u64::from(meeting.barrier.wait().await.is_leader());
                sum = sum.wrapping_add(tally::digit(neighbour.note[place].load(Relaxed)));
                passed += 1;
            }
            (sum.wrapping_add(private), passed, led)
        }
    })
    .await;
    let mut cert = Cert { max_live: tasks, ..Cert::default() };

    for (sum, passed, led) in parties {
        cert.ops += led;
        cert.messages += passed;
        cert.checksum = cert.checksum.wrapping_add(sum);
    }
    b.certify(cert)
}
