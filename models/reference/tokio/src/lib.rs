// lib.rs - the bodies of tokio (1.24, 2023): tasks of Rust that are state machines without stacks, and wait by `await`.
//
// What Rust programmers take for servers. Each body is a task of its own (tokio::spawn) of a runtime that has as many threads
// as the cell has workers: the runtime of one thread for one, the one that steals work for several, with their defaults.
// Channels, locks, semaphores and barriers are tokio::sync's, timers tokio::time's; what blocks goes to spawn_blocking. Fair because
// the work of a task is the same as everybody's, down to the C function where there is one. Whom the differences favour:
//
//   - It: a task has no stack, and is as large as what it keeps over its awaits, so making and keeping one is cheap. With one
//     worker its runtime has one thread, and still pays for the atomics of tasks and channels, which is its own choice.
//   - Us: after some 128 operations a task of tokio is made to yield by its channels, sockets and locks ("coop budget"), so
//     that one cannot starve the others. Its locks are fair: they go to who has waited longest. Its timers count whole
//     milliseconds, and nothing runs when one fires: it is a future, at which its task looks. A call that blocks goes to a
//     thread of a pool of at most 512 and comes back. Buffers are cleared, as vectors are.
//
// Channels without room are not to be had; a rendezvous is answered `unsupported`. There are no bodies for cpu/, whose work its
// manual sends to other crates (rayon), for abuse/hog, abuse/ready and block/bystander, which ask what a task that computes does
// to the others (nothing interrupts one here), for abuse/blocker (a call that is not given to the pool: nobody writes that), and
// for switch/ladder: the runtime's parts cannot be used by themselves. abuse/hoarder, the rest of disk/, mix/ and block/overlap
// could be written.
mod bench;
mod block;
mod chan;
mod fanout;
mod memory;
mod net;
mod spawn;
mod switch;
mod sync;
mod tally;
mod timer;

use std::future::Future;
use std::os::raw::{c_int, c_uint, c_void};
use std::pin::Pin;
use std::sync::Mutex;

use bench::Bench;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);

#[no_mangle]
pub extern "C" fn tokio_start(workers: c_uint) {
    let mut builder = if workers > 1 { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    if workers > 1 {
        builder.worker_threads(workers as usize);
    }
    *RUNTIME.lock().unwrap() = Some(builder.enable_all().build().expect("tokio cannot start"));
}

#[no_mangle]
pub extern "C" fn tokio_stop() {
    *RUNTIME.lock().unwrap() = None; // joins its threads
}

// Run a body as a task, so that with several workers it is on one of their threads. In a box: tokio is compiled once more for
// each kind of task, and a body is polled seldom.
fn run(body: Pin<Box<dyn Future<Output = c_int> + Send>>) -> c_int {
    let runtime = RUNTIME.lock().unwrap();

    runtime.as_ref().expect("tokio is not started").block_on(async { tokio::spawn(body).await.expect("a body panicked") })
}

macro_rules! bodies {
    ($($name:ident: $body:path,)*) => {$(
        #[no_mangle]
        pub extern "C" fn $name(b: *mut c_void) -> c_int {
            run(Box::pin($body(Bench(b))))
        }
    )*};
}

bodies! {
    tokio_spawn_flat: spawn::flat,
    tokio_spawn_skynet: spawn::skynet,
    tokio_spawn_chain: spawn::chain,
    tokio_switch_yield: switch::take_turns,
    tokio_switch_grain: switch::grain,
    tokio_switch_ring: switch::ring,
    tokio_sync_pingpong: chan::pingpong,
    tokio_sync_stream: chan::stream,
    tokio_sync_queue: chan::queue,
    tokio_sync_pipeline: chan::pipeline,
    tokio_sync_select: chan::select,
    tokio_sync_mutex: sync::mutex,
    tokio_sync_rwlock: sync::rwlock,
    tokio_sync_semaphore: sync::semaphore,
    tokio_sync_barrier: sync::barrier,
    tokio_memory_parked: memory::parked,
    tokio_memory_afterexit: memory::afterexit,
    tokio_memory_alloc: memory::alloc,
    tokio_timer_sleepers: timer::sleepers,
    tokio_timer_accuracy: timer::accuracy,
    tokio_timer_churn: timer::churn,
    tokio_block_call: block::call,
    tokio_block_handoff: block::handoff,
    tokio_disk_read: block::read,
    tokio_net_echo: net::echo,
    tokio_net_http: net::http,
    tokio_net_churn: net::churn,
    tokio_net_idle: net::idle,
    tokio_net_udp: net::udp,
    tokio_net_fanout: fanout::fanout,
}
