//! What a handler gives back, and how it becomes bytes on the wire.

use std::future::Future;
use std::pin::Pin;

use bytes::{BufMut, Bytes, BytesMut};

use crate::os::{Chunk, FileSlice};
use crate::wire::{EncodeError, Encoder, Piece, Request, encode_response_header};

/// A response, and what fills its holes.
#[derive(Debug)]
pub struct Answer<T> {
    /// The response.
    pub response: T,
    /// What each slot stands for: file slices by the slot's index, in order.
    pub slots: Vec<Vec<FileSlice>>,
}

impl<T> From<T> for Answer<T> {
    fn from(response: T) -> Answer<T> {
        Answer { response, slots: Vec::new() }
    }
}

/// What a handler gives back. It is called in the order of the requests; what it does before it returns is done in that
/// order too.
pub enum Reply<T> {
    /// The answer.
    Ready(Answer<T>),
    /// The answer will come; other requests go on meanwhile, their answers wait for this one.
    Later(Pin<Box<dyn Future<Output = Answer<T>> + Send>>),
    /// The answer takes a processor for long: this makes it, where small requests of others do not wait for it. The
    /// connection admits nothing else before.
    Aside(Box<dyn FnOnce() -> Reply<T> + Send>),
    /// There is no answer: acks=0.
    Silent,
    /// The connection is to be closed.
    Close,
}

impl<T> Reply<T> {
    /// An answer that needs waiting.
    pub fn later<A: Into<Answer<T>>>(answer: impl Future<Output = A> + Send + 'static) -> Reply<T> {
        Reply::Later(Box::pin(async move { answer.await.into() }))
    }

    /// An answer that is there.
    pub fn ready(answer: impl Into<Answer<T>>) -> Reply<T> {
        Reply::Ready(answer.into())
    }
}

/// Encodes a response as a frame: its length, its header, its body with the holes filled.
///
/// # Errors
/// Where the version cannot carry a value: a bug of the handler.
pub fn frame<R: Request>(
    answer: &Answer<R::Response>,
    version: i16,
    correlation_id: i32,
) -> Result<Vec<Chunk>, EncodeError> {
    let mut out = Encoder::with_capacity(256);
    out.fields().put_i32(0);
    encode_response_header(R::API, version, correlation_id, &mut out);
    R::encode_response(&answer.response, version, &mut out)?;
    let length = (out.len() - 4) as i32;
    let mut chunks = Vec::new();
    for (at, piece) in out.finish().into_iter().enumerate() {
        match piece {
            Piece::Bytes(bytes) if at == 0 => chunks.push(Chunk::Bytes(with_length(bytes, length))),
            Piece::Bytes(bytes) => chunks.push(Chunk::Bytes(bytes)),
            Piece::Slot { index, .. } => {
                chunks.extend(answer.slots[index].iter().cloned().map(Chunk::File))
            }
        }
    }
    Ok(chunks)
}

/// Writes the frame's length over the place that was kept for it.
fn with_length(bytes: Bytes, length: i32) -> Bytes {
    let mut bytes = bytes.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes.freeze()
}
