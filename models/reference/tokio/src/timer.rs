// timer.rs - timer/sleepers, timer/accuracy and timer/churn.
//
// The timers of tokio count whole milliseconds, in a wheel; a sleep in between is rounded up. A sleep is a future, and is nobody's
// call: who owns it looks at it. So in timer/churn a task owns its timers, and for each operation looks whether the one that it
// has chosen has run out, as the tasks of a server do with the time-out beside each read, and resets it. That it has run out is
// seen then, and not when it happens. To stop a timer is to drop it, to start it again to make another.
use std::future::Future;
use std::os::raw::{c_int, c_void};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{sleep, Instant, Sleep};

use crate::bench::{crew, join, poll_fn, share, steps_work, Bench, Cert, Gate, EPROTO};

extern "C" {
    fn bench_now_ns() -> u64;
    fn bench_delay(b: *mut c_void, due_ns: u64) -> i64;
}

// ---- timer/sleepers -----------------------------------------------------------------------------------------

pub async fn sleepers(b: Bench) -> c_int {
    let (tasks, rounds, each) = (b.param("tasks"), b.param("rounds"), Duration::from_millis(b.param("sleep_ms")));
    let sleeps = crew(b, tasks, |_| async move {
        let (began, mut done) = (Instant::now(), 0u64);

        for _ in 0..rounds {
            sleep(each).await;
            done += 1;
        }
        (done, began.elapsed() >= each * rounds as u32)
    })
    .await;
    let mut cert = Cert { max_live: tasks, ..Cert::default() };
    let early = sleeps.iter().filter(|(_, slept)| !slept).count();

    if early > 0 {
        return b.refuse(-EPROTO, &format!("{early} tasks were woken before their time"));
    }
    for (i, (done, _)) in sleeps.iter().enumerate() {
        cert.ops += done;
        cert.checksum += (i as u64 + 1) * done;
    }
    b.certify(cert)
}

// ---- timer/accuracy -----------------------------------------------------------------------------------------

pub async fn accuracy(b: Bench) -> c_int {
    let (ops, each) = (b.ops(), Duration::from_micros(b.param("sleep_us")));
    let (mut done, mut late_ns) = (0, 0);

    b.begin();
    while done < ops && late_ns >= 0 {
        let due_ns = unsafe { bench_now_ns() } + each.as_nanos() as u64;

        sleep(each).await;
        late_ns = unsafe { bench_delay(b.0, due_ns) };
        done += 1;
    }
    b.end();
    if late_ns < 0 {
        return b.refuse(-EPROTO, &format!("a sleep ended {} ns before its time", -late_ns));
    }
    b.certify(Cert { ops: done, ..Cert::default() })
}

// ---- timer/churn --------------------------------------------------------------------------------------------

const BATCH: u64 = 64; // CHURN_BATCH
const CHECKED: usize = 64; // CHURN_CHECKED, as the next two
const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_millis(20);

// struct churn_plan.
#[derive(Clone, Copy)]
struct Plan {
    distance_ns: u64,
    stops: bool,
    varies: bool,
}

impl Plan {
    // churn_distance_ns.
    fn distance(&self, x: u64) -> Duration {
        if !self.varies {
            return Duration::from_nanos(self.distance_ns);
        }
        Duration::from_nanos(self.distance_ns / 2 + (self.distance_ns * (x >> 16 & 0xffff) >> 16))
    }
}

struct Entry {
    timer: Pin<Box<Sleep>>,
    ended: u64,  // starts that were called off or seen to have run out
    early: bool, // one of these had run out before its time
}

impl Entry {
    async fn start(distance: Duration) -> Entry {
        let mut entry = Entry { timer: Box::pin(sleep(distance)), ended: 0, early: false };

        entry.is_over().await; // a sleep is in the wheel when it has been looked at
        entry
    }

    async fn is_over(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.timer.as_mut().poll(cx).is_ready())).await
    }

    // This start is over, if it has not run out it is called off now. To be followed by another one, or by nothing.
    async fn end(&mut self) {
        if self.is_over().await {
            self.early |= Instant::now() < self.timer.deadline();
        }
        self.ended += 1;
    }

    async fn put_off(&mut self, stops: bool, distance: Duration) {
        self.end().await;
        if stops {
            self.timer.set(sleep(distance)); // drops the one that there was
            self.is_over().await;
        } else {
            self.timer.as_mut().reset(Instant::now() + distance);
        }
    }
}

async fn start_all(n: u64, distance: Duration) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(n as usize);

    for _ in 0..n {
        entries.push(Entry::start(distance).await);
    }
    entries
}

async fn churn_on(plan: Plan, mut x: u64, ops: u64, mut entries: Vec<Entry>) -> (u64, Vec<Entry>) {
    let mut done = 0;

    for _ in 0..ops {
        x = steps_work(x, 1);
        let chosen = ((x >> 32) * entries.len() as u64 >> 32) as usize;
        entries[chosen].put_off(plan.stops, plan.distance(x)).await;
        done += 1;
        if done % BATCH == 0 {
            yield_now().await;
        }
    }
    (done, entries)
}

// Is a timer that was put off, as in the region, over at the later time, and not before?
async fn is_moved(stops: bool) -> bool {
    let mut entry = Entry::start(SHORT).await;
    let due = Instant::now() + LONG;

    entry.put_off(stops, LONG).await;
    entry.timer.await;
    Instant::now() >= due
}

async fn are_moved(timers: usize, stops: bool) -> bool {
    let checks: Vec<_> = (0..timers.min(CHECKED)).map(|_| tokio::spawn(is_moved(stops))).collect();
    let mut are = true;

    for check in checks {
        are &= join(check).await;
    }
    are
}

pub async fn churn(b: Bench) -> c_int {
    let tasks = b.param("tasks");
    let pending = b.param("pending").max(tasks);
    let plan = Plan {
        distance_ns: b.param("distance_ms") * 1_000_000,
        stops: b.param("op") != 0,
        varies: b.param("distances") != 0,
    };
    let (ops, seed, gate) = (b.ops(), b.seed(), Gate::new(tasks));
    let mut churners = Vec::with_capacity(tasks as usize);
    let mut all = Vec::with_capacity(pending as usize);
    let mut cert = Cert::default();

    for i in 0..tasks {
        let mine = start_all(share(pending, tasks, i), Duration::from_nanos(plan.distance_ns)).await;

        churners.push(gate.spawn(churn_on(plan, steps_work(seed ^ i << 32, 2), share(ops, tasks, i), mine)));
    }
    gate.open(b).await;
    for churner in churners {
        let (done, mut entries) = join(churner).await;

        cert.ops += done;
        all.append(&mut entries);
    }
    b.end();
    for (i, entry) in all.iter_mut().enumerate() {
        entry.end().await;
        cert.messages += entry.ended;
        cert.checksum = cert.checksum.wrapping_add((i as u64 + 1).wrapping_mul(entry.ended));
    }
    if all.iter().any(|entry| entry.early) {
        return b.refuse(-EPROTO, "a timer ran out before its time");
    }
    drop(all);
    if !are_moved(pending as usize, plan.stops).await {
        return b.refuse(-EPROTO, "a timer was reset and did not run out when it should");
    }
    b.certify(cert)
}
