//! Rank 2. Sockets: a listener with limits, frames in, chunks out. It knows bytes and file slices, no messages.
//!
//! [`Listener::accept`] hands out [`Connection`]s; one task reads frames from it, another sends chunks. Memory follows the
//! bytes that were received, never the length that was announced. A peer that is too slow, too large or no Kafka client is
//! told apart by [`FrameError`]; who called closes the connection.

mod budget;
mod descriptors;
mod frame;
mod limits;
mod listener;
mod pace;
mod seldom;
mod send;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use tokio::net::TcpStream;

pub use budget::{Budget, Held};
pub use descriptors::{Shares, raise_limit, share};
pub use frame::{Frame, FrameError, FrameLimits};
pub use limits::{Limits, Load, Permit, TooMany};
pub use listener::{BindError, Listener};
pub use pace::Pace;
pub use seldom::Seldom;
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
    /// `buffer` holds what was read past the frame.
    ///
    /// # Errors
    /// See [`FrameError`].
    pub async fn read_frame(
        &self,
        buffer: &mut BytesMut,
        limits: FrameLimits<'_>,
    ) -> Result<Option<Frame>, FrameError> {
        frame::read(&self.stream, buffer, limits).await
    }

    /// Sends what the socket takes without waiting, and takes it off `chunks`. Longer stretches of files are left to
    /// [`Connection::send`].
    ///
    /// # Errors
    /// As the socket and the files say.
    pub fn send_at_once(&self, chunks: &mut Vec<Chunk>) -> std::io::Result<()> {
        send::at_once(&self.stream, chunks)
    }

    /// Sends all chunks, in order; each MiB of them has to leave within `patience`.
    ///
    /// # Errors
    /// As the socket says; `TimedOut`; `UnexpectedEof` where a file is shorter than its slice: the peer then has a part of
    /// a frame, and the connection is of no more use.
    pub async fn send(
        &self,
        chunks: &mut [Chunk],
        files: FileSending,
        patience: Duration,
    ) -> std::io::Result<()> {
        send::all(&self.stream, chunks, files, patience).await
    }
}
