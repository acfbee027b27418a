//! One connection: frames are admitted in order, answers leave in order. A slow answer does not keep later requests from
//! being read, up to bounds in number and in bytes; beyond them the socket is not read any more.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::counts::{self, Begun, Closing, Counts, Parked};
use super::dispatch::{Admitted, Later, Origin, Refusal, Work, dispatch};
use super::node::Node;
use super::queued::{Queued, Share, weight};
use super::turn::Turn;
use crate::net::{Connection, FileSending, Frame, FrameError, FrameLimits, Held};
use crate::os::Chunk;
use crate::wire::Request as _;
use crate::wire::produce::ProduceRequest;

/// Frames longer than this are decoded and served where small requests of others do not wait for it.
const LONG_BYTES: usize = 128 << 10;
/// The same for records, which are not looked at one by one to decode their request: a thread is too much to pay for every
/// full batch.
const LONG_WITH_RECORDS_BYTES: usize = 4 << 20;

/// An answer on its way, and its part of the queue.
struct Outgoing {
    chunks: Vec<Chunk>,
    _share: Share,
}

/// A place in line. Each connection has room for 32 of them from the start, so it is small.
enum Pending {
    Ready(Box<Outgoing>),
    /// The first in line: who sends it works it out.
    First(Box<Parking>),
    /// It is worked out while others before it are.
    Later(oneshot::Receiver<Outgoing>),
}

/// A request whose answer has to be waited for. Until it is there, the request is parked, and counts as queued.
struct Parking {
    later: Later,
    queued: Arc<Queued>,
    parked: Parked,
    _request: (Share, Held),
}

impl Parking {
    async fn finish(self, peer: SocketAddr) -> Option<Outgoing> {
        match self.later.await {
            Ok(chunks) => {
                self.parked.answered(&chunks);
                Some(outgoing(&self.queued, chunks))
            }
            Err(error) => {
                tracing::error!(%peer, %error, "bug: a response could not be encoded");
                None
            }
        }
    }
}

/// The answers that a task of its own sends, in order.
struct Line {
    pending: mpsc::Sender<Pending>,
    /// How many of them are not sent yet.
    due: Arc<AtomicUsize>,
}

/// Serves a connection until it ends or the broker stops.
pub async fn serve(node: Arc<Node>, connection: Connection, stopping: CancellationToken) {
    let connection = Arc::new(connection);
    let peer = connection.peer();
    tracing::debug!(%peer, "connected");
    let (pending, answers) = mpsc::channel(node.config.max_in_flight);
    let line = Line { pending, due: Arc::default() };
    let sender = tokio::spawn(send(node.clone(), connection.clone(), answers, line.due.clone()));
    receive(&node, &connection, line, &stopping).await;
    // What was admitted is answered still.
    let _ = sender.await;
    tracing::debug!(%peer, "disconnected");
}

async fn receive(
    node: &Arc<Node>,
    connection: &Connection,
    line: Line,
    stopping: &CancellationToken,
) {
    let config = &node.config;
    let peer = connection.peer();
    let mut limits = FrameLimits {
        usual: 0,
        max_bytes: config.request_max_bytes,
        idle: u64::try_from(config.idle_ms).ok().map(Duration::from_millis),
        patience: millis(config.io_timeout_ms),
        budget: &node.requests,
    };
    let queued = Queued::new(config.max_in_flight_bytes);
    let mut buffer = BytesMut::new();
    let mut turn = Turn::begin(Instant::now());
    loop {
        // A place for the answer comes first: without one nothing is read.
        let next = async {
            queued.room().await;
            let place = line.pending.reserve().await.ok()?;
            Some((place, connection.read_frame(&mut buffer, limits).await))
        };
        let next = tokio::select! {
            next = turn.wait_for(next) => next,
            () = stopping.cancelled() => None,
            () = line.pending.closed() => None,
        };
        let Some((place, read)) = next else { return };
        let frame = match read {
            Ok(Some(frame)) => frame,
            Ok(None) => return node.counts.closed(Closing::ByPeer),
            Err(error) => return closed(node, connection, &error),
        };
        if buffer.is_empty() {
            buffer = BytesMut::new();
        }
        let Frame { bytes, held } = frame;
        let length = bytes.len();
        limits.usual = length;
        let begun = Counts::begin(&bytes);
        turn.go_on(begun.at).await;
        let (admitted, took) = admit(node, peer, begun, bytes).await;
        match admitted {
            Ok(Admitted::Ready(mut chunks)) => {
                node.counts.answered(begun, took, counts::length(&chunks));
                // With no other due before it, an answer leaves from here: that spares waking the sender.
                if line.due.load(Ordering::Acquire) == 0
                    && let Err(error) = connection.send_at_once(&mut chunks)
                {
                    return unsent(node, connection, &error);
                }
                if !chunks.is_empty() {
                    line.due.fetch_add(1, Ordering::AcqRel);
                    place.send(Pending::Ready(Box::new(outgoing(&queued, chunks))));
                }
            }
            Ok(Admitted::Silent) => node.counts.answered(begun, took, 0),
            Ok(Admitted::Later(later)) => {
                let parked = node.counts.park(begun);
                let _request = (queued.take(length), held);
                let parking = Parking { later, queued: queued.clone(), parked, _request };
                let is_first = line.due.fetch_add(1, Ordering::AcqRel) == 0;
                place.send(match is_first {
                    true => Pending::First(Box::new(parking)),
                    false => Pending::Later(beside(parking, peer)),
                });
            }
            Ok(Admitted::Aside(_)) => unreachable!("admit follows it to its end"),
            Err(refusal) => return refused(node, connection, &refusal),
        }
    }
}

/// Serves one request as far as its place in the order needs; what takes long is done aside, and nothing else of this
/// connection meanwhile. Tells how long it took.
async fn admit(
    node: &Arc<Node>,
    peer: SocketAddr,
    begun: Begun,
    bytes: bytes::Bytes,
) -> (Result<Admitted, Refusal>, Duration) {
    let origin = Origin { peer, aside: is_long(&bytes) };
    if !origin.aside {
        let admitted = dispatch(node, origin, bytes);
        let admitted = match admitted {
            Ok(Admitted::Aside(work)) => follow(node, work).await,
            admitted => admitted,
        };
        return (admitted, begun.at.elapsed());
    }
    let served = node.clone();
    let admitted = follow(node, Box::new(move || dispatch(&served, origin, bytes))).await;
    (admitted, begun.at.elapsed())
}

/// Does work aside, and what comes of it, to its end.
async fn follow(node: &Node, mut work: Work) -> Result<Admitted, Refusal> {
    loop {
        match node.aside.run(work).await.ok_or(Refusal::Stopped)?? {
            Admitted::Aside(more) => work = more,
            admitted => return Ok(admitted),
        }
    }
}

fn is_long(frame: &[u8]) -> bool {
    let with_records = frame.starts_with(&ProduceRequest::API.key.to_be_bytes());
    frame.len() > if with_records { LONG_WITH_RECORDS_BYTES } else { LONG_BYTES }
}

fn outgoing(queued: &Arc<Queued>, chunks: Vec<Chunk>) -> Outgoing {
    Outgoing { _share: queued.take(weight(&chunks)), chunks }
}

/// Works an answer out beside the connection.
fn beside(parking: Parking, peer: SocketAddr) -> oneshot::Receiver<Outgoing> {
    let (done, receiver) = oneshot::channel();
    tokio::spawn(async move {
        if let Some(outgoing) = parking.finish(peer).await {
            drop(done.send(outgoing));
        }
    });
    receiver
}

fn closed(node: &Node, connection: &Connection, error: &FrameError) {
    node.counts.closed(error.into());
    let peer = connection.peer();
    match error {
        // The end of many an honest client.
        FrameError::Idle | FrameError::Socket(_) => {
            tracing::debug!(%peer, %error, "connection closed")
        }
        error => {
            if let Some(left_out) = node.lines.allow() {
                tracing::info!(%peer, %error, left_out, "connection closed");
            }
        }
    }
}

fn refused(node: &Node, connection: &Connection, refusal: &Refusal) {
    node.counts.closed(Closing::Refused);
    if let Some(left_out) = node.lines.allow() {
        tracing::info!(peer = %connection.peer(), error = %refusal, left_out, "connection closed");
    }
}

async fn send(
    node: Arc<Node>,
    connection: Arc<Connection>,
    mut answers: mpsc::Receiver<Pending>,
    due: Arc<AtomicUsize>,
) {
    let files = if node.config.sendfile { FileSending::Sendfile } else { FileSending::Copy };
    let patience = millis(node.config.io_timeout_ms);
    while let Some(pending) = answers.recv().await {
        let outgoing = match pending {
            Pending::Ready(outgoing) => Some(*outgoing),
            Pending::First(parking) => parking.finish(connection.peer()).await,
            Pending::Later(later) => later.await.ok(),
        };
        let Some(mut outgoing) = outgoing else { return };
        if let Err(error) = connection.send(&mut outgoing.chunks, files, patience).await {
            return unsent(&node, &connection, &error);
        }
        due.fetch_sub(1, Ordering::AcqRel);
    }
}

fn unsent(node: &Node, connection: &Connection, error: &std::io::Error) {
    let slow = error.kind() == ErrorKind::TimedOut;
    node.counts.closed(if slow { Closing::Slow } else { Closing::Lost });
    let peer = connection.peer();
    match error.kind() {
        // A client that has what it wanted goes, whatever it asked for last.
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
            tracing::debug!(%peer, %error, "an answer came too late");
        }
        _ => {
            if let Some(left_out) = node.lines.allow() {
                tracing::info!(%peer, %error, left_out, "connection closed: its answer could not be sent");
            }
        }
    }
}

fn millis(count: i64) -> Duration {
    Duration::from_millis(u64::try_from(count).unwrap_or(0))
}
