// net.rs - net/echo, net/churn, net/idle, net/http and net/udp: a task per connection, which reads and writes.
use std::future::Future;
use std::io;
use std::os::raw::{c_char, c_int, c_uint, c_void};
use std::os::unix::io::FromRawFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;

use crate::bench::Bench;

const ECHO_BUFFER: usize = 65536;
const SMALL_BUFFER: usize = 4096; // CHURN_BUFFER, IDLE_BUFFER, HTTP_BUFFER
const UDP_BUFFER: usize = 8192;

// struct tcp_totals.
#[repr(C)]
#[derive(Default)]
pub struct TcpTotals {
    connections: u64,
    ops: u64,
    bytes_read: u64,
    bytes_written: u64,
}

// struct http_data.
#[repr(C)]
struct HttpData {
    sockets: *const c_void,
    answer_bytes: usize,
    answer: *const u8,
}

type Certify = unsafe extern "C" fn(*mut c_void, *const TcpTotals);

extern "C" {
    fn glue_take(b: *mut c_void, sockets: *const c_void) -> c_int;
    fn echo_certify(b: *mut c_void, totals: *const TcpTotals);
    fn churn_certify(b: *mut c_void, totals: *const TcpTotals);
    fn idle_certify(b: *mut c_void, totals: *const TcpTotals);
    fn glue_certify_http(b: *mut c_void, totals: *const TcpTotals);
    fn glue_parse_http(parser: *mut HttpParser, bytes: *const u8, n: usize, used: *mut usize) -> c_uint;
    fn glue_http_closes(parser: *const HttpParser) -> bool;
    fn glue_http_refusal(parser: *const HttpParser) -> *const c_char;
    fn udp_certify(b: *mut c_void, received: u64, bytes_read: u64, bytes_written: u64);
}

// The socket of a server whose data is nothing else: its descriptor, or < 0.
fn take_only(b: Bench) -> c_int {
    unsafe { glue_take(b.0, b.data::<c_void>()) }
}

// ---- TCP servers --------------------------------------------------------------------------------------------

// What a connection has done, and all of them together.
#[derive(Default)]
struct Served {
    ops: u64,
    bytes_read: u64,
    bytes_written: u64,
}

#[derive(Default)]
struct Done {
    connections: AtomicU64,
    ops: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
}

impl Done {
    fn add(&self, served: Served) {
        self.ops.fetch_add(served.ops, Relaxed);
        self.bytes_read.fetch_add(served.bytes_read, Relaxed);
        self.bytes_written.fetch_add(served.bytes_written, Relaxed);
    }

    fn totals(&self) -> TcpTotals {
        TcpTotals {
            connections: self.connections.load(Relaxed),
            ops: self.ops.load(Relaxed),
            bytes_read: self.bytes_read.load(Relaxed),
            bytes_written: self.bytes_written.load(Relaxed),
        }
    }
}

async fn accept_all<S, F>(listener: TcpListener, serve: S, done: Arc<Done>, open: mpsc::Sender<()>) -> io::Error
where
    S: Fn(TcpStream) -> F,
    F: Future<Output = Served> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (connection, done, open) = (serve(stream), done.clone(), open.clone());

                done.connections.fetch_add(1, Relaxed);
                tokio::spawn(async move {
                    done.add(connection.await);
                    drop(open);
                });
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return error,
        }
    }
}

// Until the word to stop, and until no connection is left.
async fn serve_all<S, F>(b: Bench, listen_fd: c_int, serve: S) -> io::Result<Arc<Done>>
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = Served> + Send + 'static,
{
    let listener = TcpListener::from_std(unsafe { std::net::TcpListener::from_raw_fd(listen_fd) })?; // does not block
    let stop = AsyncFd::with_interest(b.stop_fd(), Interest::READABLE)?;
    let done = Arc::new(Done::default());
    let (open, mut closed) = mpsc::channel::<()>(1);
    let acceptor = tokio::spawn(accept_all(listener, serve, done.clone(), open));

    b.serving(listen_fd);
    let _ = stop.readable().await?;
    acceptor.abort();
    if let Ok(error) = acceptor.await {
        return Err(error);
    }
    closed.recv().await; // None: each connection has dropped its end
    Ok(done)
}

async fn run_server<S, F>(b: Bench, fd: c_int, certify: Certify, serve: S) -> c_int
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = Served> + Send + 'static,
{
    if fd < 0 {
        return fd;
    }
    match serve_all(b, fd, serve).await {
        Err(error) => b.fail(error),
        Ok(done) => {
            unsafe { certify(b.0, &done.totals()) };
            0
        }
    }
}

// ---- net/echo, net/churn and net/idle -------------------------------------------------------------------------

// Until the end of the stream. An error is the peer's way of closing: what is lost by it is missing in the certificate.
async fn send_back(mut stream: TcpStream, buffer_bytes: usize) -> Served {
    let mut buffer = vec![0; buffer_bytes];
    let mut served = Served::default();

    while let Ok(n) = stream.read(&mut buffer).await {
        if n == 0 {
            break;
        }
        served.bytes_read += n as u64;
        if stream.write_all(&buffer[..n]).await.is_err() {
            break;
        }
        served.bytes_written += n as u64;
    }
    served
}

pub async fn echo(b: Bench) -> c_int {
    run_server(b, take_only(b), echo_certify, |stream| send_back(stream, ECHO_BUFFER)).await
}

pub async fn churn(b: Bench) -> c_int {
    run_server(b, take_only(b), churn_certify, |stream| send_back(stream, SMALL_BUFFER)).await
}

pub async fn idle(b: Bench) -> c_int {
    run_server(b, take_only(b), idle_certify, |stream| send_back(stream, SMALL_BUFFER)).await
}

// ---- net/http: the parser is the one of the C bodies ------------------------------------------------------------

#[repr(C, align(8))]
struct HttpParser([u8; 64]);

enum Parsed {
    More,
    Request { closes: bool },
    Refused(&'static [u8]), // what the client is told
}

impl HttpParser {
    // How many of the bytes are used, and what they end.
    fn take(&mut self, bytes: &[u8]) -> (usize, Parsed) {
        let mut used = 0;
        let parsed = match unsafe { glue_parse_http(self, bytes.as_ptr(), bytes.len(), &mut used) } {
            0 => Parsed::More,
            1 => Parsed::Request { closes: unsafe { glue_http_closes(self) } },
            _ => Parsed::Refused(unsafe { std::ffi::CStr::from_ptr(glue_http_refusal(self)) }.to_bytes()),
        };

        (used, parsed)
    }
}

// Answer the requests that end in these bytes; false: the connection is to end.
async fn answer_all(stream: &mut TcpStream, parser: &mut HttpParser, bytes: &[u8], answer: &[u8], served: &mut Served) -> io::Result<bool> {
    let mut at = 0;

    while at < bytes.len() {
        let (used, parsed) = parser.take(&bytes[at..]);

        at += used;
        match parsed {
            Parsed::More => {}
            Parsed::Request { closes } => {
                stream.write_all(answer).await?;
                served.bytes_written += answer.len() as u64;
                served.ops += 1;
                if closes {
                    return Ok(false);
                }
            }
            Parsed::Refused(refusal) => {
                stream.write_all(refusal).await?;
                served.bytes_written += refusal.len() as u64;
                return Ok(false);
            }
        }
    }
    Ok(true)
}

async fn serve_http(mut stream: TcpStream, answer: &'static [u8]) -> Served {
    let mut buffer = vec![0; SMALL_BUFFER];
    let mut parser = HttpParser([0; 64]);
    let mut served = Served::default();

    while let Ok(n) = stream.read(&mut buffer).await {
        if n == 0 {
            break;
        }
        served.bytes_read += n as u64;
        match answer_all(&mut stream, &mut parser, &buffer[..n], answer, &mut served).await {
            Ok(true) => {}
            _ => break,
        }
    }
    served
}

pub async fn http(b: Bench) -> c_int {
    let (fd, answer) = {
        let data: &HttpData = b.data();

        unsafe { (glue_take(b.0, data.sockets), std::slice::from_raw_parts(data.answer, data.answer_bytes)) }
    };

    run_server(b, fd, glue_certify_http, move |stream| serve_http(stream, answer)).await
}

// ---- net/udp: tasks that receive and send on one socket -----------------------------------------------------------

#[repr(align(128))] // each task's to itself
#[derive(Default)]
struct Datagrams {
    received: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
}

async fn serve_datagrams(socket: Arc<UdpSocket>, done: Arc<Datagrams>) -> io::Result<()> {
    let mut buffer = vec![0; UDP_BUFFER];

    loop {
        let (n, from) = socket.recv_from(&mut buffer).await?;

        done.received.fetch_add(1, Relaxed);
        done.bytes_read.fetch_add(n as u64, Relaxed);
        let n = socket.send_to(&buffer[..n], from).await?;
        done.bytes_written.fetch_add(n as u64, Relaxed);
    }
}

async fn serve_until_stop(b: Bench, fd: c_int, done: &[Arc<Datagrams>]) -> io::Result<()> {
    let socket = Arc::new(UdpSocket::from_std(unsafe { std::net::UdpSocket::from_raw_fd(fd) })?); // does not block
    let stop = AsyncFd::with_interest(b.stop_fd(), Interest::READABLE)?;
    let workers: Vec<_> = done.iter().map(|d| tokio::spawn(serve_datagrams(socket.clone(), d.clone()))).collect();

    b.serving(fd);
    let _ = stop.readable().await?;
    let mut all = Ok(());
    for worker in workers {
        worker.abort(); // it waits for a datagram
        if let Ok(result) = worker.await {
            all = all.and(result); // it had failed
        }
    }
    all
}

pub async fn udp(b: Bench) -> c_int {
    let fd = take_only(b);
    let done: Vec<_> = (0..b.param("tasks")).map(|_| Arc::new(Datagrams::default())).collect();
    let sum = |count: fn(&Datagrams) -> &AtomicU64| done.iter().map(|d| count(d).load(Relaxed)).sum();

    if fd < 0 {
        return fd;
    }
    match serve_until_stop(b, fd, &done).await {
        Err(error) => b.fail(error),
        Ok(()) => {
            unsafe { udp_certify(b.0, sum(|d| &d.received), sum(|d| &d.bytes_read), sum(|d| &d.bytes_written)) };
            0
        }
    }
}
