//! The two loops of a connection, and the way between messages and frames.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use bytestring::ByteString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::super::error::ConnectionError;
use super::{End, Line, Outgoing, Then};
use crate::wire::{Encoder, Piece, Request, decode_response_header, encode_request_header};

/// The most pieces given to one write; the system takes 1024.
const WRITE_PIECES: usize = 64;
/// What a read asks for where no frame is under way.
const READ_BYTES: usize = 16 * 1024;

/// Reads answers and hands each to the first in line.
pub(super) struct Reader {
    pub(super) read: OwnedReadHalf,
    pub(super) address: String,
    pub(super) line: Line,
    pub(super) end: Arc<End>,
    pub(super) max_bytes: usize,
    pub(super) max_idle: Duration,
}

impl Reader {
    pub(super) async fn run(mut self) {
        let token = self.end.token.clone();
        let cause = tokio::select! {
            cause = self.read_all() => cause,
            () = token.cancelled() => ConnectionError::Closed { address: self.address.clone() },
        };
        self.end.with(cause);
        *self.line.lock() = None; // whoever waits is told by the dropped sender
    }

    async fn read_all(&mut self) -> ConnectionError {
        let mut buffer = BytesMut::with_capacity(READ_BYTES);
        loop {
            match self.whole_frame(&mut buffer) {
                Ok(Some(frame)) => match self.deliver(frame) {
                    Ok(()) => continue,
                    Err(cause) => return cause,
                },
                Ok(None) => {}
                Err(cause) => return cause,
            }
            match tokio::time::timeout(self.max_idle, self.read.read_buf(&mut buffer)).await {
                Ok(Ok(0)) => return ConnectionError::Closed { address: self.address.clone() },
                Ok(Ok(_)) => {}
                Ok(Err(cause)) => return broken(&self.address, cause),
                Err(_) if self.line.lock().as_ref().is_some_and(|line| !line.is_empty()) => {}
                Err(_) => return ConnectionError::Closed { address: self.address.clone() },
            }
        }
    }

    /// Cuts a frame off the buffer's front, or makes room for the rest of it. The size is bounded before; memory is
    /// only touched as bytes arrive.
    fn whole_frame(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>, ConnectionError> {
        let Some(prefix) = buffer.first_chunk::<4>() else {
            buffer.reserve(READ_BYTES);
            return Ok(None);
        };
        let declared = i32::from_be_bytes(*prefix);
        let size = usize::try_from(declared).ok().filter(|n| (4..=self.max_bytes).contains(n));
        let Some(size) = size else {
            if let Some(protocol) = protocol_of(prefix) {
                return Err(ConnectionError::Foreign { address: self.address.clone(), protocol });
            }
            let detail = format!("an answer of {declared} bytes, at most {}", self.max_bytes);
            return Err(ConnectionError::Protocol { address: self.address.clone(), detail });
        };
        if buffer.len() < 4 + size {
            buffer.reserve(4 + size - buffer.len());
            return Ok(None);
        }
        let mut frame = buffer.split_to(4 + size);
        frame.advance(4);
        Ok(Some(frame.freeze()))
    }

    fn deliver(&self, frame: Bytes) -> Result<(), ConnectionError> {
        let correlation_id = frame.clone().get_i32(); // a frame has at least these four bytes
        let first = self.line.lock().as_mut().and_then(|line| line.pop_front());
        match first {
            Some(awaiting) if awaiting.correlation_id == correlation_id => {
                let _ = awaiting.answer.send(frame); // whoever asked may have gone
                Ok(())
            }
            other => {
                let wanted = other.map(|awaiting| awaiting.correlation_id);
                let detail = format!("answer {correlation_id} came where {wanted:?} was due");
                Err(ConnectionError::Protocol { address: self.address.clone(), detail })
            }
        }
    }
}

/// What an answer that is none of Kafka's is instead, as far as four bytes tell.
fn protocol_of(first: &[u8; 4]) -> Option<&'static str> {
    match first {
        b"HTTP" => Some("HTTP"),
        // An alert: a request was no handshake.
        [0x15, 0x03, ..] => Some("TLS"),
        b"SSH-" => Some("SSH"),
        _ => None,
    }
}

fn broken(address: &str, cause: io::Error) -> ConnectionError {
    ConnectionError::Broken { address: address.into(), cause: Arc::new(cause) }
}

/// Writes requests in the order in which they were put in line.
pub(super) async fn write_all(
    mut write: OwnedWriteHalf,
    mut requests: mpsc::UnboundedReceiver<Outgoing>,
    line: Line,
    end: Arc<End>,
    address: String,
) {
    let token = end.token.clone();
    let written = tokio::select! {
        written = write_loop(&mut write, &mut requests, &line) => written,
        () = token.cancelled() => Ok(()),
    };
    match written {
        Ok(()) => end.with(ConnectionError::Closed { address }),
        Err(cause) => end.with(broken(&address, cause)),
    }
}

async fn write_loop(
    write: &mut OwnedWriteHalf,
    requests: &mut mpsc::UnboundedReceiver<Outgoing>,
    line: &Line,
) -> io::Result<()> {
    let mut pieces = Vec::new();
    let mut silent = Vec::new();
    while let Some(first) = requests.recv().await {
        let mut next = Some(first);
        while let Some(outgoing) = next {
            match outgoing.then {
                Then::Written(written) => silent.push(written),
                Then::Answer(awaiting) => match line.lock().as_mut() {
                    Some(line) => line.push_back(awaiting),
                    None => return Ok(()),
                },
            }
            pieces.extend(outgoing.pieces);
            next = if pieces.len() < WRITE_PIECES { requests.try_recv().ok() } else { None };
        }
        write_pieces(write, &mut pieces).await?;
        for written in silent.drain(..) {
            let _ = written.send(()); // whoever asked may have gone
        }
    }
    Ok(())
}

async fn write_pieces(write: &mut OwnedWriteHalf, pieces: &mut Vec<Bytes>) -> io::Result<()> {
    let mut first = 0;
    while first < pieces.len() {
        let slices: Vec<IoSlice<'_>> =
            pieces[first..].iter().take(WRITE_PIECES).map(|p| IoSlice::new(p)).collect();
        let mut written = write.write_vectored(&slices).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while written > 0 {
            let step = written.min(pieces[first].len());
            pieces[first].advance(step);
            written -= step;
            first += usize::from(pieces[first].is_empty());
        }
        while first < pieces.len() && pieces[first].is_empty() {
            first += 1;
        }
    }
    pieces.clear();
    Ok(())
}

/// A frame with its length, header and body.
pub(super) fn encode<R: Request>(
    request: &R,
    version: i16,
    correlation_id: i32,
    client_id: &ByteString,
) -> Result<Vec<Bytes>, String> {
    let mut out = Encoder::with_capacity(256);
    encode_request_header(R::API, version, correlation_id, Some(client_id), &mut out)
        .and_then(|()| request.encode(version, &mut out))
        .map_err(|cause| cause.to_string())?;
    let mut size = BytesMut::with_capacity(4);
    size.put_i32(i32::try_from(out.len()).map_err(|_| "a request over 2 GiB".to_owned())?);
    let mut pieces = vec![size.freeze()];
    for piece in out.finish() {
        match piece {
            Piece::Bytes(bytes) => pieces.push(bytes),
            Piece::Slot { .. } => return Err("a request with records elsewhere".to_owned()),
        }
    }
    Ok(pieces)
}

/// An answer's frame: header and body.
pub(super) fn decode<R: Request>(frame: Bytes, version: i16) -> Result<R::Response, String> {
    let (_, body) =
        decode_response_header(R::API, version, frame).map_err(|cause| cause.to_string())?;
    R::decode_response(version, body).map_err(|cause| cause.to_string())
}
