// bench.rs - harness/subject/bench.h as the bodies see it, through glue.c, and what several of them do alike.
use std::arch::asm;
use std::ffi::CString;
use std::future::Future;
use std::os::raw::{c_char, c_int, c_void};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::Barrier;
use tokio::task::JoinHandle;

// struct bench_cert.
#[repr(C)]
#[derive(Default, Clone, Copy)]
pub struct Cert {
    pub ops: u64,
    pub units: u64,
    pub max_live: u64,
    pub messages: u64,
    pub bytes_read: u64,
    pub bytes_written: u64,
    pub locks: u64,
    pub checksum: u64,
}

extern "C" {
    fn bench_param(b: *const c_void, name: *const c_char) -> i64;
    fn bench_begin(b: *mut c_void);
    fn bench_end(b: *mut c_void);
    fn bench_snapshot(b: *mut c_void, name: *const c_char, live_tasks: u64);
    fn bench_serving(b: *mut c_void, listen_fd: c_int);
    fn bench_stop_fd(b: *mut c_void) -> c_int;
    fn glue_ops(b: *const c_void) -> u64;
    fn glue_seed(b: *const c_void) -> u64;
    fn glue_data(b: *const c_void) -> *const c_void;
    fn glue_certify(b: *mut c_void, cert: *const Cert);
    fn glue_fail(b: *mut c_void, status: c_int, why: *const c_char) -> c_int;
}

pub const EIO: c_int = 5;
pub const EPROTO: c_int = 71;

// A struct bench, which lives as long as its body runs.
#[derive(Clone, Copy)]
pub struct Bench(pub *mut c_void);

// The harness's calls may come from any thread.
unsafe impl Send for Bench {}
unsafe impl Sync for Bench {}

impl Bench {
    pub fn param(self, name: &str) -> u64 {
        let name = CString::new(name).unwrap();

        unsafe { bench_param(self.0, name.as_ptr()) as u64 }
    }

    pub fn ops(self) -> u64 {
        unsafe { glue_ops(self.0) }
    }

    pub fn seed(self) -> u64 {
        unsafe { glue_seed(self.0) }
    }

    // What the workload's setup() made; T is its C type.
    pub fn data<T>(self) -> &'static T {
        unsafe { &*(glue_data(self.0) as *const T) }
    }

    pub fn begin(self) {
        unsafe { bench_begin(self.0) }
    }

    pub fn end(self) {
        unsafe { bench_end(self.0) }
    }

    pub fn snapshot(self, name: &str, live_tasks: u64) {
        let name = CString::new(name).unwrap();

        unsafe { bench_snapshot(self.0, name.as_ptr(), live_tasks) }
    }

    pub fn serving(self, listen_fd: c_int) {
        unsafe { bench_serving(self.0, listen_fd) }
    }

    pub fn stop_fd(self) -> c_int {
        unsafe { bench_stop_fd(self.0) }
    }

    // The end of a body that has done its work.
    pub fn certify(self, cert: Cert) -> c_int {
        unsafe { glue_certify(self.0, &cert) }
        0
    }

    // The work has been done wrongly, or not at all: why, in one sentence.
    pub fn refuse(self, status: c_int, why: &str) -> c_int {
        let why = CString::new(why).unwrap_or_default();

        unsafe { glue_fail(self.0, status, why.as_ptr()) }
    }

    pub fn fail(self, error: std::io::Error) -> c_int {
        self.refuse(-error.raw_os_error().unwrap_or(EIO), &error.to_string())
    }
}

// Where tasks wait until the region begins.
pub struct Gate(Arc<Barrier>);

impl Gate {
    pub fn new(tasks: u64) -> Gate {
        Gate(Arc::new(Barrier::new(tasks as usize + 1)))
    }

    pub fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let gate = self.0.clone();

        tokio::spawn(async move {
            gate.wait().await; // all have come
            gate.wait().await; // and may go
            work.await
        })
    }

    // The region begins when all have come.
    pub async fn open(&self, b: Bench) {
        self.0.wait().await;
        b.begin();
        self.0.wait().await;
    }
}

// A task has ended: what it gives.
pub async fn join<T>(handle: JoinHandle<T>) -> T {
    handle.await.expect("a task panicked")
}

// Tasks that are made, come to a gate, work in the region and are awaited: what work(i) gives for each.
pub async fn crew<W, F, T>(b: Bench, tasks: u64, work: W) -> Vec<T>
where
    W: Fn(u64) -> F,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let gate = Gate::new(tasks);
    let handles: Vec<_> = (0..tasks).map(|i| gate.spawn(work(i))).collect();
    let mut results = Vec::with_capacity(handles.len());

    gate.open(b).await;
    for handle in handles {
        results.push(join(handle).await);
    }
    b.end();
    results
}

// bench_share: how many of `total` operations the i-th of `parts` tasks makes.
pub fn share(total: u64, parts: u64, i: u64) -> u64 {
    total / parts + u64::from(i < total % parts)
}

// steps_work: n steps of which each needs the one before.
pub fn steps_work(mut x: u64, n: u64) -> u64 {
    for _ in 0..n {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        // Two steps must not be folded into one.
        unsafe { asm!("/* {0} */", inout(reg) x, options(pure, nomem, nostack, preserves_flags)) };
    }
    x
}

// std::future::poll_fn, which is younger than the compiler of Debian 12.
pub struct PollFn<F>(F);

impl<F, T> Future for PollFn<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin,
{
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        (self.0)(cx)
    }
}

pub fn poll_fn<F, T>(poll: F) -> PollFn<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin,
{
    PollFn(poll)
}
