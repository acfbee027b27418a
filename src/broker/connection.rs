//! One connection: frames are admitted in order, answers leave in order. A slow answer does not keep later requests from
//! being read, up to a bound; beyond that the socket is not read any more.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::dispatch::{Admitted, dispatch};
use super::node::Node;
use crate::net::{Connection, FileSending, FrameError};
use crate::os::Chunk;

enum Pending {
    Ready(Vec<Chunk>),
    Later(oneshot::Receiver<Vec<Chunk>>),
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
    let closed = CancellationToken::new();
    let due = line.due.clone();
    let sender = tokio::spawn(send(node.clone(), connection.clone(), answers, due, closed.clone()));
    tokio::select! {
        () = receive(&node, &connection, line) => {}
        () = stopping.cancelled() => {}
        () = closed.cancelled() => {}
    }
    // What was admitted is answered still.
    let _ = sender.await;
    tracing::debug!(%peer, "disconnected");
}

async fn receive(node: &Arc<Node>, connection: &Connection, line: Line) {
    let config = &node.config;
    let peer = connection.peer();
    let idle = u64::try_from(config.idle_ms).ok().map(Duration::from_millis);
    let patience = millis(config.io_timeout_ms);
    let mut buffer = BytesMut::new();
    loop {
        // A place for the answer comes first: without one nothing is read.
        let Ok(place) = line.pending.reserve().await else { return };
        let frame = match connection
            .read_frame(&mut buffer, config.request_max_bytes, idle, patience)
            .await
        {
            Ok(Some(frame)) => frame,
            Ok(None) => return,
            Err(error @ (FrameError::Idle | FrameError::Socket(_))) => {
                tracing::debug!(%peer, %error, "connection closed");
                return;
            }
            Err(error) => {
                tracing::info!(%peer, %error, "connection closed");
                return;
            }
        };
        if buffer.is_empty() {
            buffer = BytesMut::new();
        }
        match dispatch(node, peer, frame) {
            Ok(Admitted::Ready(mut chunks)) => {
                // With no other due before it, an answer leaves from here: that spares waking the sender.
                if line.due.load(Ordering::Acquire) == 0
                    && let Err(error) = connection.send_at_once(&mut chunks)
                {
                    unsent(connection, &error);
                    return;
                }
                if !chunks.is_empty() {
                    line.due.fetch_add(1, Ordering::AcqRel);
                    place.send(Pending::Ready(chunks));
                }
            }
            Ok(Admitted::Silent) => {}
            Ok(Admitted::Later(answer)) => {
                let (done, later) = oneshot::channel();
                tokio::spawn(async move {
                    match answer.await {
                        Ok(chunks) => drop(done.send(chunks)),
                        Err(error) => {
                            tracing::error!(%peer, %error, "bug: a response could not be encoded")
                        }
                    }
                });
                line.due.fetch_add(1, Ordering::AcqRel);
                place.send(Pending::Later(later));
            }
            Err(error) => {
                tracing::info!(%peer, %error, "connection closed");
                return;
            }
        }
    }
}

async fn send(
    node: Arc<Node>,
    connection: Arc<Connection>,
    mut answers: mpsc::Receiver<Pending>,
    due: Arc<AtomicUsize>,
    closed: CancellationToken,
) {
    let _closed = closed.drop_guard();
    let files = if node.config.sendfile { FileSending::Sendfile } else { FileSending::Copy };
    let patience = millis(node.config.io_timeout_ms);
    while let Some(pending) = answers.recv().await {
        let chunks = match pending {
            Pending::Ready(chunks) => chunks,
            Pending::Later(later) => match later.await {
                Ok(chunks) => chunks,
                Err(_) => return,
            },
        };
        if let Err(error) = connection.send(&chunks, files, patience).await {
            unsent(&connection, &error);
            return;
        }
        due.fetch_sub(1, Ordering::AcqRel);
    }
}

fn unsent(connection: &Connection, error: &std::io::Error) {
    let peer = connection.peer();
    match error.kind() {
        // A client that has what it wanted goes, whatever it asked for last.
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
            tracing::debug!(%peer, %error, "an answer came too late");
        }
        _ => tracing::info!(%peer, %error, "connection closed: its answer could not be sent"),
    }
}

fn millis(count: i64) -> Duration {
    Duration::from_millis(u64::try_from(count).unwrap_or(0))
}
