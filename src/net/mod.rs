//! Rank 2. Sockets: a listener with limits, frames in, chunks out. It knows bytes and file slices, no messages.
//!
//! [`Listener::accept`] hands out [`Connection`]s; one task reads frames from it, another sends chunks. Memory follows the
//! bytes that were received, never the length that was announced. A peer that is too slow, too large or no Kafka client is
//! told apart by [`FrameError`]; who called closes the connection.

mod frame;
mod limits;
mod listener;
mod send;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::net::TcpStream;

pub use frame::FrameError;
pub use limits::{Limits, Permit, TooMany};
pub use listener::{BindError, Listener};
pub use send::FileSending;

use crate::os::Chunk;

/// An open connection. One task may read while another sends.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    _permit: Permit,
}

impl Connection {
    /// Who is at the other end.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The next frame without its length; `None` once the peer has closed between two frames.
    ///
    /// `buffer` holds what was read past the frame. `idle` bounds the wait for the first byte, `patience` for the rest.
    ///
    /// # Errors
    /// See [`FrameError`].
    pub async fn read_frame(
        &self,
        buffer: &mut BytesMut,
        max_bytes: usize,
        idle: Option<Duration>,
        patience: Duration,
    ) -> Result<Option<Bytes>, FrameError> {
        frame::read(&self.stream, buffer, max_bytes, idle, patience).await
    }

    /// Sends what the socket takes without waiting, and takes it off `chunks`. Stretches of files are left to
    /// [`Connection::send`].
    ///
    /// # Errors
    /// As the socket says.
    pub fn send_at_once(&self, chunks: &mut Vec<Chunk>) -> std::io::Result<()> {
        send::at_once(&self.stream, chunks)
    }

    /// Sends all chunks, in order, within `patience`.
    ///
    /// # Errors
    /// As the socket says; `TimedOut`; `UnexpectedEof` where a file is shorter than its slice: the peer then has a part of
    /// a frame, and the connection is of no more use.
    pub async fn send(
        &self,
        chunks: &[Chunk],
        files: FileSending,
        patience: Duration,
    ) -> std::io::Result<()> {
        match tokio::time::timeout(patience, send::all(&self.stream, chunks, files)).await {
            Ok(sent) => sent,
            Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
        }
    }
}
