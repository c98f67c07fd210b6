// fanout.rs - net/fanout: a task per operation that is in flight, which starts a task per request and awaits them. Requests and
// answers are the functions of the C bodies.
use std::io;
use std::os::raw::{c_char, c_int, c_void};
use std::os::unix::io::FromRawFd;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bench::{crew, join, share, Bench, EPROTO};

const REQUEST_BYTES: usize = 51; // FANOUT_REQUEST_BYTES

// struct fanout_get and struct fanout_count.
#[repr(C)]
struct Get {
    number: u64,
    got: usize,
    body_bytes: usize,
    buffer: *mut u8,
}

#[repr(C)]
#[derive(Default, Clone, Copy)]
struct Count {
    ops: u64,
    gets: u64,
    answers: u64,
    bytes_read: u64,
    bytes_written: u64,
    checksum: u64,
}

extern "C" {
    fn glue_connect(b: *mut c_void) -> c_int;
    fn glue_fanout_buffer_bytes(body_bytes: usize) -> usize;
    fn glue_fanout_begin(get: *mut Get, number: u64, out: *mut c_char);
    fn glue_fanout_take(get: *mut Get, n: usize, count: *mut Count) -> c_int;
    fn fanout_certify(b: *mut c_void, count: *const Count);
}

// A connection to the backend, and its place for one answer at a time.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    body_bytes: usize,
    count: Count,
}

impl Connection {
    // Connected as in every body, which blocks; afterwards it does not.
    fn open(b: Bench) -> io::Result<Connection> {
        let (fd, body_bytes) = (unsafe { glue_connect(b.0) }, b.param("body_bytes") as usize);

        if fd < 0 {
            return Err(io::Error::from_raw_os_error(-fd));
        }
        let stream = unsafe { std::net::TcpStream::from_raw_fd(fd) };

        stream.set_nonblocking(true)?;
        Ok(Connection {
            stream: TcpStream::from_std(stream)?,
            buffer: vec![0; unsafe { glue_fanout_buffer_bytes(body_bytes) }],
            body_bytes,
            count: Count::default(),
        })
    }

    fn begin(&mut self, number: u64) -> [u8; REQUEST_BYTES] {
        let mut request = [0; REQUEST_BYTES];
        let mut get = Get { number, got: 0, body_bytes: self.body_bytes, buffer: self.buffer.as_mut_ptr() };

        unsafe { glue_fanout_begin(&mut get, number, request.as_mut_ptr().cast()) };
        request
    }

    // n bytes more have come behind the first `got`. True: the answer is whole.
    fn take(&mut self, number: u64, got: usize, n: usize) -> io::Result<bool> {
        let mut get = Get { number, got, body_bytes: self.body_bytes, buffer: self.buffer.as_mut_ptr() };
        let status = unsafe { glue_fanout_take(&mut get, n, &mut self.count) };

        if status < 0 { Err(io::Error::from_raw_os_error(-status)) } else { Ok(status > 0) }
    }

    async fn get(&mut self, number: u64) -> io::Result<()> {
        let request = self.begin(number);
        let mut got = 0;

        self.stream.write_all(&request).await?;
        self.count.bytes_written += request.len() as u64;
        loop {
            let n = self.stream.read(&mut self.buffer[got..]).await?;

            if n == 0 {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            if self.take(number, got, n)? {
                return Ok(());
            }
            got += n;
        }
    }
}

// A connection goes into the task of its request, and comes back.
async fn operate(connections: &mut Vec<Connection>, first: u64) -> io::Result<()> {
    let requests: Vec<_> = connections
        .drain(..)
        .zip(first..)
        .map(|(mut connection, number)| {
            tokio::spawn(async move {
                let result = connection.get(number).await;

                (connection, result)
            })
        })
        .collect();
    let mut all = Ok(());

    for request in requests {
        let (connection, result) = join(request).await;

        connections.push(connection);
        all = all.and(result);
    }
    all
}

async fn be_a_client(ops: u64, client: u64, clients: u64, mut connections: Vec<Connection>) -> io::Result<Count> {
    let gets = connections.len() as u64;
    let mut sum = Count::default();

    for i in 0..ops {
        operate(&mut connections, (i * clients + client) * gets).await?;
        sum.gets += gets;
        sum.ops += 1;
    }
    for connection in connections {
        sum.answers += connection.count.answers;
        sum.bytes_read += connection.count.bytes_read;
        sum.bytes_written += connection.count.bytes_written;
        sum.checksum = sum.checksum.wrapping_add(connection.count.checksum);
    }
    Ok(sum)
}

async fn run_clients(b: Bench) -> io::Result<Count> {
    let (in_flight, gets, ops) = (b.param("in_flight"), b.param("gets"), b.ops());
    let mut connections = Vec::with_capacity(in_flight as usize);

    for _ in 0..in_flight {
        let of_one: io::Result<Vec<_>> = (0..gets).map(|_| Connection::open(b)).collect();

        connections.push(Some(of_one?));
    }
    let connections = std::sync::Mutex::new(connections);
    let clients = crew(b, in_flight, |i| {
        let mine = connections.lock().unwrap()[i as usize].take().expect("each has its own");

        be_a_client(share(ops, in_flight, i), i, in_flight, mine)
    })
    .await;
    let mut sum = Count::default();

    for count in clients {
        let count = count?;

        sum.ops += count.ops;
        sum.gets += count.gets;
        sum.answers += count.answers;
        sum.bytes_read += count.bytes_read;
        sum.bytes_written += count.bytes_written;
        sum.checksum = sum.checksum.wrapping_add(count.checksum);
    }
    Ok(sum)
}

pub async fn fanout(b: Bench) -> c_int {
    match run_clients(b).await {
        Err(error) if error.raw_os_error().is_none() => b.refuse(-EPROTO, &error.to_string()),
        Err(error) => b.fail(error),
        Ok(count) => {
            unsafe { fanout_certify(b.0, &count) };
            0
        }
    }
}
