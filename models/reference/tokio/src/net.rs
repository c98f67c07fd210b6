// net.rs - net/echo: a task per connection, which reads and writes.
use std::io;
use std::os::raw::{c_int, c_void};
use std::os::unix::io::FromRawFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::bench::Bench;

const BUFFER: usize = 65536; // ECHO_BUFFER

// struct tcp_totals.
#[repr(C)]
struct TcpTotals {
    connections: u64,
    ops: u64,
    bytes_read: u64,
    bytes_written: u64,
}

extern "C" {
    fn glue_take_listener(b: *mut c_void) -> c_int;
    fn glue_certify_echo(b: *mut c_void, totals: *const TcpTotals);
}

#[derive(Default)]
struct Done {
    connections: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
}

// Until the end of the stream. An error is the peer's way of closing: what is lost by it is missing in the certificate.
async fn serve(mut stream: TcpStream, done: Arc<Done>, _open: mpsc::Sender<()>) {
    let mut buffer = vec![0; BUFFER];
    let (mut read, mut written) = (0, 0);

    while let Ok(n) = stream.read(&mut buffer).await {
        if n == 0 {
            break;
        }
        read += n as u64;
        if stream.write_all(&buffer[..n]).await.is_err() {
            break;
        }
        written += n as u64;
    }
    done.bytes_read.fetch_add(read, Relaxed);
    done.bytes_written.fetch_add(written, Relaxed);
}

async fn accept_all(listener: TcpListener, done: Arc<Done>, open: mpsc::Sender<()>) -> io::Error {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                done.connections.fetch_add(1, Relaxed);
                tokio::spawn(serve(stream, done.clone(), open.clone()));
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return error,
        }
    }
}

async fn serve_all(b: Bench, listen_fd: c_int) -> io::Result<Arc<Done>> {
    let listener = TcpListener::from_std(unsafe { std::net::TcpListener::from_raw_fd(listen_fd) })?; // does not block
    let stop = AsyncFd::with_interest(b.stop_fd(), Interest::READABLE)?;
    let done = Arc::new(Done::default());
    let (open, mut closed) = mpsc::channel(1);
    let acceptor = tokio::spawn(accept_all(listener, done.clone(), open));

    b.serving(listen_fd);
    let _ = stop.readable().await?;
    acceptor.abort();
    if let Ok(error) = acceptor.await {
        return Err(error);
    }
    closed.recv().await; // None: no connection is left
    Ok(done)
}

pub async fn echo(b: Bench) -> c_int {
    let fd = unsafe { glue_take_listener(b.0) };

    if fd < 0 {
        return fd;
    }
    match serve_all(b, fd).await {
        Err(error) => b.fail(error),
        Ok(done) => {
            let totals = TcpTotals {
                connections: done.connections.load(Relaxed),
                ops: 0,
                bytes_read: done.bytes_read.load(Relaxed),
                bytes_written: done.bytes_written.load(Relaxed),
            };

            unsafe { glue_certify_echo(b.0, &totals) };
            0
        }
    }
}
