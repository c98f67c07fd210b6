// block.rs - block/call, block/handoff and disk/read: what blocks is given to the threads that tokio keeps for that
// (spawn_blocking), of which there may be 512.
//
// disk/read is there too because tokio has no other way to files: its own tokio::fs hands each call to those threads and has
// none that reads at an offset.
use std::io;
use std::os::raw::{c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{spawn_blocking, yield_now};

use crate::bench::{crew, join, share, steps_work, Bench, Cert, Gate, EIO, EPROTO};

extern "C" {
    fn bench_now_ns() -> u64;
    fn bench_threads() -> u32;
    fn call_tell_threads(b: *mut c_void, threads: *const Threads);
    fn glue_call_settle_ns(b: *const c_void) -> u64;
    fn glue_nap(ns: u64) -> bool;
    fn glue_pipe(fds: *mut c_int) -> c_int;
    fn glue_read_byte(fd: c_int) -> c_int;
    fn glue_write_byte(fd: c_int, byte: u8) -> bool;
    fn glue_close(fd: c_int);
    fn read_prepare(b: *mut c_void) -> c_int;
    fn glue_reader(b: *const c_void, i: u64, n: u64) -> *mut c_void;
    fn glue_read_next(reader: *mut c_void) -> c_int;
    fn glue_read_check(reader: *mut c_void, sum: *mut u64) -> c_int;
    fn glue_reader_free(reader: *mut c_void);
}

// ---- block/call -----------------------------------------------------------------------------------------------

const PARTS: usize = 6; // CALL_PARTS

// struct call_threads.
#[repr(C)]
struct Threads {
    before: u32,
    end: u32,
    settling: [u32; PARTS],
}

struct Caller {
    done: u64,
    value: u64,
    failed: u64, // calls
    slept: bool,
}

async fn make_calls(i: u64, calls: u64, call_ns: u64, work: u64) -> Caller {
    let began_ns = unsafe { bench_now_ns() };
    let mut c = Caller { done: 0, value: i, failed: 0, slept: false };

    for _ in 0..calls {
        c.value = steps_work(c.value, work);
        c.failed += u64::from(!join(spawn_blocking(move || unsafe { glue_nap(call_ns) })).await);
        c.done += 1;
    }
    c.slept = unsafe { bench_now_ns() } - began_ns >= c.done * call_ns;
    c
}

// After the region, while nothing happens.
async fn count_threads(b: Bench, before: u32) {
    let settle = Duration::from_nanos(unsafe { glue_call_settle_ns(b.0) });
    let mut threads = Threads { before, end: unsafe { bench_threads() }, settling: [0; PARTS] };

    for part in &mut threads.settling {
        if !settle.is_zero() {
            tokio::time::sleep(settle / PARTS as u32).await;
        }
        *part = unsafe { bench_threads() };
    }
    unsafe { call_tell_threads(b.0, &threads) };
}

pub async fn call(b: Bench) -> c_int {
    let (in_flight, call_ns, work) = (b.param("in_flight"), b.param("call_us") * 1000, b.param("work"));
    let gate = Gate::new(in_flight);
    let callers: Vec<_> =
        (0..in_flight).map(|i| gate.spawn(make_calls(i, share(b.ops(), in_flight, i), call_ns, work))).collect();
    let before = unsafe { bench_threads() };
    let mut done = Vec::with_capacity(callers.len());
    let mut cert = Cert { max_live: in_flight, ..Cert::default() };

    gate.open(b).await;
    for caller in callers {
        done.push(join(caller).await);
    }
    b.end();
    count_threads(b, before).await;
    for (i, c) in (1..).zip(&done) {
        cert.ops += c.done;
        cert.checksum = cert.checksum.wrapping_add(c.value.wrapping_add(i * c.done));
    }
    if done.iter().any(|c| c.failed > 0) {
        return b.refuse(-EIO, "a call failed");
    }
    if done.iter().any(|c| !c.slept) {
        return b.refuse(-EPROTO, "the calls of a task did not last as long as they had to");
    }
    b.certify(cert)
}

// ---- block/handoff --------------------------------------------------------------------------------------------

struct Pipe {
    fds: [c_int; 2],
    begun: AtomicU64, // calls that the caller has begun; OVER: there are no more
}

const OVER: u64 = u64::MAX;

impl Drop for Pipe {
    fn drop(&mut self) {
        for fd in self.fds {
            unsafe { glue_close(fd) };
        }
    }
}

async fn block(pipe: Arc<Pipe>, rounds: u64) -> (u64, u64) {
    let (fd, mut returned, mut sum) = (pipe.fds[0], 0, 0u64);

    for i in 1..=rounds {
        pipe.begun.store(i, Release);
        let byte = join(spawn_blocking(move || unsafe { glue_read_byte(fd) })).await;
        if byte < 0 {
            break;
        }
        sum += byte as u64;
        returned += 1;
    }
    pipe.begun.store(OVER, Release);
    (returned, sum)
}

async fn stand_by(pipe: Arc<Pipe>, rounds: u64) -> u64 {
    let mut ended = 0;

    for i in 1..=rounds {
        let mut begun = pipe.begun.load(Acquire);

        while begun < i {
            yield_now().await;
            begun = pipe.begun.load(Acquire);
        }
        // There is always room for one byte, so this does not block.
        if begun == OVER || !unsafe { glue_write_byte(pipe.fds[1], (i * 7 + 1) as u8) } {
            break;
        }
        ended += 1;
    }
    ended
}

// The runtime is told of every call that blocks, since there is no other way: told=no is the same.
pub async fn handoff(b: Bench) -> c_int {
    let (rounds, gate) = (b.ops(), Gate::new(2));
    let mut fds = [-1; 2];
    let status = unsafe { glue_pipe(fds.as_mut_ptr()) };

    if status < 0 {
        return b.fail(io::Error::from_raw_os_error(-status));
    }
    let pipe = Arc::new(Pipe { fds, begun: AtomicU64::new(0) });
    let bystander = gate.spawn(stand_by(pipe.clone(), rounds));
    let caller = gate.spawn(block(pipe, rounds));

    gate.open(b).await;
    let (returned, sum) = join(caller).await;
    b.end();
    let ended = join(bystander).await;
    b.certify(Cert { ops: returned, max_live: 2, messages: ended, checksum: sum, ..Cert::default() })
}

// ---- disk/read ------------------------------------------------------------------------------------------------

const BLOCK: u64 = 4096; // DATAFILE_BLOCK

// The place in the order and the buffer of the C bodies.
struct Reader(*mut c_void);

unsafe impl Send for Reader {}

impl Reader {
    // Read the next block: 0, or -errno.
    fn next(&mut self) -> c_int {
        unsafe { glue_read_next(self.0) }
    }

    // Check what was read: its digest, or -errno.
    fn check(&self) -> Result<u64, c_int> {
        let mut sum = 0;
        let status = unsafe { glue_read_check(self.0, &mut sum) };

        if status < 0 { Err(status) } else { Ok(sum) }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        unsafe { glue_reader_free(self.0) };
    }
}

// The reader goes with each call to a thread of the pool, and comes back. The block is checked here: only the call blocks.
async fn read_blocks(b: Bench, i: u64, readers: u64) -> Result<Cert, c_int> {
    let mut reader = Reader(unsafe { glue_reader(b.0, i, readers) });
    let mut cert = Cert::default();

    for _ in 0..share(b.ops(), readers, i) {
        let (same, status) = join(spawn_blocking(move || {
            let status = reader.next();

            (reader, status)
        }))
        .await;

        reader = same;
        if status < 0 {
            return Err(status);
        }
        cert.checksum = cert.checksum.wrapping_add(reader.check()?);
        cert.bytes_read += BLOCK;
        cert.ops += 1;
    }
    Ok(cert)
}

pub async fn read(b: Bench) -> c_int {
    let readers = b.param("in_flight");
    let status = unsafe { read_prepare(b.0) };
    let mut cert = Cert { max_live: readers, ..Cert::default() };

    if status < 0 {
        return status;
    }
    for done in crew(b, readers, |i| read_blocks(b, i, readers)).await {
        match done {
            Err(status) => return b.fail(io::Error::from_raw_os_error(-status)),
            Ok(done) => {
                cert.ops += done.ops;
                cert.bytes_read += done.bytes_read;
                cert.checksum = cert.checksum.wrapping_add(done.checksum);
            }
        }
    }
    b.certify(cert)
}
