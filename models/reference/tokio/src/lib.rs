// lib.rs - the bodies of tokio (1.24, 2023): tasks of Rust that are state machines without stacks, and wait by `await`.
//
// What Rust programmers take for servers. Each body is a task of its own (tokio::spawn) of a runtime that has as many threads
// as the cell has workers: the runtime of one thread for one, the one that steals work for several, with their defaults.
// Channels, mutexes and barriers are tokio::sync's. Fair because the work of a task is the same as everybody's, down to the C
// function where there is one. Whom the differences favour:
//
//   - It: a task has no stack, and is as large as what it keeps over its awaits, so making and keeping one is cheap. With one
//     worker its runtime has one thread, and still pays for the atomics of tasks and channels, which is its own choice.
//   - Us: after some 128 operations a task of tokio is made to yield by its channels, sockets and locks ("coop budget"), so
//     that one cannot starve the others. A mutex of tokio is fair: it goes to who has waited longest.
//
// Channels without room are not to be had; a rendezvous is answered `unsupported`.
mod bench;
mod memory;
mod net;
mod spawn;
mod switch;
mod sync;

use std::future::Future;
use std::os::raw::{c_int, c_uint, c_void};
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

// Run a body as a task, so that with several workers it is on one of their threads.
fn run<F>(body: F) -> c_int
where
    F: Future<Output = c_int> + Send + 'static,
{
    let runtime = RUNTIME.lock().unwrap();

    runtime.as_ref().expect("tokio is not started").block_on(async { tokio::spawn(body).await.expect("a body panicked") })
}

macro_rules! bodies {
    ($($name:ident: $body:path,)*) => {$(
        #[no_mangle]
        pub extern "C" fn $name(b: *mut c_void) -> c_int {
            run($body(Bench(b)))
        }
    )*};
}

bodies! {
    tokio_spawn_flat: spawn::flat,
    tokio_spawn_skynet: spawn::skynet,
    tokio_spawn_chain: spawn::chain,
    tokio_switch_yield: switch::take_turns,
    tokio_switch_ring: switch::ring,
    tokio_sync_pingpong: sync::pingpong,
    tokio_sync_mutex: sync::mutex,
    tokio_memory_parked: memory::parked,
    tokio_net_echo: net::echo,
}
