// chan.rs - sync/pingpong, sync/stream, sync/queue, sync/pipeline and sync/select: the channels of tokio::sync::mpsc.
//
// They are bounded and have one receiver. Where several receive, they share it behind a mutex, as programs do that want nothing
// but tokio. A task that waits for several channels polls each receiver, and begins behind the one that it had something of last:
// what the macro select! comes to, which needs as many branches as are written down, and begins anywhere. Senders are dropped at
// the end, which closes the channel.
use std::os::raw::c_int;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::{mpsc, Mutex};

use crate::bench::{join, poll_fn, share, Bench, Cert, Gate};
use crate::tally;

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
    let gate = Gate::new(2);
    let ponger = gate.spawn(pong(pings, back));
    let pinger = gate.spawn(ping(b.ops(), there, pongs));

    gate.open(b).await;
    let (received, sum) = join(pinger).await;
    b.end();
    let answered = join(ponger).await;

    b.certify(Cert { ops: received, max_live: 2, messages: received + answered, checksum: sum, ..Cert::default() })
}

// ---- sync/stream --------------------------------------------------------------------------------------------

async fn produce(messages: u64, out: mpsc::Sender<u64>) {
    for i in 0..messages {
        if out.send(2 * i + 1).await.is_err() {
            break;
        }
    }
}

async fn consume(mut stream: mpsc::Receiver<u64>) -> Cert {
    let mut cert = Cert { max_live: 2, ..Cert::default() };

    while let Some(message) = stream.recv().await {
        cert.messages += u64::from(message == 2 * cert.ops + 1);
        cert.checksum = cert.checksum.wrapping_add(message);
        cert.ops += 1;
    }
    cert
}

pub async fn stream(b: Bench) -> c_int {
    let (out, stream) = mpsc::channel(b.param("capacity") as usize);
    let gate = Gate::new(2);
    let consumer = gate.spawn(consume(stream));
    let producer = gate.spawn(produce(b.ops(), out));

    gate.open(b).await;
    let cert = join(consumer).await;
    b.end();
    join(producer).await;
    b.certify(cert)
}

// ---- sync/queue ---------------------------------------------------------------------------------------------

enum Inbox {
    Own(mpsc::Receiver<u64>),
    Shared(Arc<Mutex<mpsc::Receiver<u64>>>),
}

impl Inbox {
    async fn next(&mut self) -> Option<u64> {
        match self {
            Inbox::Own(receiver) => receiver.recv().await,
            Inbox::Shared(receiver) => receiver.lock().await.recv().await,
        }
    }
}

fn share_out(receiver: mpsc::Receiver<u64>, consumers: u64) -> Vec<Inbox> {
    if consumers == 1 {
        return vec![Inbox::Own(receiver)];
    }
    let shared = Arc::new(Mutex::new(receiver));

    (0..consumers).map(|_| Inbox::Shared(shared.clone())).collect()
}

// The messages of one producer must come in their order.
async fn take_all(mut inbox: Inbox, producers: u64) -> Cert {
    let mut next = vec![0; producers as usize];
    let mut cert = Cert::default();

    while let Some(message) = inbox.next().await {
        let due = &mut next[tally::source(message) as usize];

        cert.messages += u64::from(tally::n(message) >= *due);
        *due = tally::n(message) + 1;
        cert.checksum = cert.checksum.wrapping_add(tally::digit(message));
        cert.ops += 1;
    }
    cert
}

async fn send_share(id: u64, messages: u64, out: mpsc::Sender<u64>) {
    for n in 0..messages {
        if out.send(tally::message(id, n)).await.is_err() {
            break;
        }
    }
}

pub async fn queue(b: Bench) -> c_int {
    let (producers, consumers) = (b.param("producers"), b.param("consumers"));
    let (out, receiver) = mpsc::channel(b.param("capacity") as usize);
    let gate = Gate::new(producers + consumers);
    let takers: Vec<_> =
        share_out(receiver, consumers).into_iter().map(|inbox| gate.spawn(take_all(inbox, producers))).collect();
    let senders: Vec<_> =
        (0..producers).map(|id| gate.spawn(send_share(id, share(b.ops(), producers, id), out.clone()))).collect();
    let mut cert = Cert { max_live: producers + consumers, ..Cert::default() };

    drop(out);
    gate.open(b).await;
    for sender in senders {
        join(sender).await;
    }
    for taker in takers {
        let taken = join(taker).await;

        cert.ops += taken.ops;
        cert.messages += taken.messages;
        cert.checksum = cert.checksum.wrapping_add(taken.checksum);
    }
    b.end();
    b.certify(cert)
}

// ---- sync/pipeline ------------------------------------------------------------------------------------------

const FACTOR: u64 = 6364136223846793005; // PIPELINE_FACTOR

fn pass_through(value: u64, stage: u64) -> u64 {
    value.wrapping_mul(FACTOR).wrapping_add(stage + 1)
}

async fn feed(messages: u64, out: mpsc::Sender<u64>) {
    for i in 0..messages {
        if out.send(i).await.is_err() {
            break;
        }
    }
}

async fn be_a_stage(stage: u64, mut from: mpsc::Receiver<u64>, out: mpsc::Sender<u64>) -> u64 {
    let mut passed = 0;

    while let Some(value) = from.recv().await {
        if out.send(pass_through(value, stage)).await.is_err() {
            break;
        }
        passed += 1;
    }
    passed
}

// What comes out of all stages for i is first + i * step.
async fn drain(stages: u64, mut from: mpsc::Receiver<u64>) -> Cert {
    let mut due = (0..stages).fold(0, pass_through);
    let step = (0..stages).fold(1u64, |step, _| step.wrapping_mul(FACTOR));
    let mut cert = Cert { max_live: stages + 2, ..Cert::default() };

    while let Some(value) = from.recv().await {
        cert.messages += u64::from(value == due);
        due = due.wrapping_add(step);
        cert.checksum = cert.checksum.wrapping_add(value);
        cert.ops += 1;
    }
    cert
}

pub async fn pipeline(b: Bench) -> c_int {
    let (stages, capacity) = (b.param("stages"), b.param("capacity") as usize);
    let gate = Gate::new(stages + 2);
    let (first, mut from) = mpsc::channel(capacity);
    let source = gate.spawn(feed(b.ops(), first));
    let mut row = Vec::with_capacity(stages as usize);

    for stage in 0..stages {
        let (out, next) = mpsc::channel(capacity);

        row.push(gate.spawn(be_a_stage(stage, from, out)));
        from = next;
    }
    let sink = gate.spawn(drain(stages, from));

    gate.open(b).await;
    join(source).await;
    let mut passed = 0;
    for stage in row {
        passed += join(stage).await;
    }
    let mut cert = join(sink).await;
    b.end();
    cert.messages += passed;
    b.certify(cert)
}

// ---- sync/select --------------------------------------------------------------------------------------------

// Channels that one task receives from. Those that have been closed are left out.
struct Set {
    channels: Vec<Option<mpsc::Receiver<u64>>>,
    next: usize, // the one that is looked at first
}

impl Set {
    // What one of them has, and which; None: all are closed.
    async fn recv(&mut self) -> Option<(usize, u64)> {
        poll_fn(|cx| {
            let n = self.channels.len();
            let mut is_open = false;

            for k in 0..n {
                let i = if self.next + k < n { self.next + k } else { self.next + k - n };

                match self.channels[i].as_mut().map(|channel| channel.poll_recv(cx)) {
                    Some(Poll::Ready(Some(message))) => {
                        self.next = if i + 1 < n { i + 1 } else { 0 };
                        return Poll::Ready(Some((i, message)));
                    }
                    Some(Poll::Ready(None)) => self.channels[i] = None,
                    Some(Poll::Pending) => is_open = true,
                    None => {}
                }
            }
            if is_open { Poll::Pending } else { Poll::Ready(None) }
        })
        .await
    }
}

async fn select_all(mut set: Set) -> Cert {
    let mut next = vec![0; set.channels.len()];
    let mut cert = Cert::default();

    while let Some((channel, message)) = set.recv().await {
        let in_turn = tally::source(message) == channel as u64 && tally::n(message) == next[channel];

        cert.messages += u64::from(in_turn);
        next[channel] += 1;
        cert.checksum = cert.checksum.wrapping_add(tally::digit(message));
        cert.ops += 1;
    }
    cert
}

async fn send_in_turn(messages: u64, channels: Vec<mpsc::Sender<u64>>) {
    let n = channels.len() as u64;

    for k in 0..messages {
        if channels[(k % n) as usize].send(tally::message(k % n, k / n)).await.is_err() {
            break;
        }
    }
}

pub async fn select(b: Bench) -> c_int {
    let (channels, capacity) = (b.param("channels"), b.param("capacity") as usize);
    let is_each = b.param("senders") == 0;
    let n_senders = if is_each { channels } else { 1 };
    let (outs, receivers): (Vec<_>, Vec<_>) = (0..channels).map(|_| mpsc::channel(capacity)).unzip();
    let gate = Gate::new(n_senders + 1);
    let receiver = gate.spawn(select_all(Set { channels: receivers.into_iter().map(Some).collect(), next: 0 }));
    let senders: Vec<_> = if is_each {
        let each = outs.into_iter().zip(0..).map(|(out, id)| (id, share(b.ops(), channels, id), out));

        each.map(|(id, messages, out)| gate.spawn(send_share(id, messages, out))).collect()
    } else {
        vec![gate.spawn(send_in_turn(b.ops(), outs))]
    };

    gate.open(b).await;
    for sender in senders {
        join(sender).await;
    }
    let mut cert = join(receiver).await;
    b.end();
    cert.max_live = n_senders + 1;
    b.certify(cert)
}
