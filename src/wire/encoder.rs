//! Collects an encoded message in pieces, so that records are never copied.

use bytes::{BufMut, Bytes, BytesMut};

use super::records::Records;

/// Records shorter than this are copied beside the fields: a piece of their own costs more.
const COPY_BELOW: usize = 256;

/// A part of an encoded message, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Encoded fields, or records that are in memory.
    Bytes(Bytes),
    /// A hole of `len` bytes that the sender fills with what it keeps under `index`.
    Slot {
        /// Which of the sender's sources.
        index: usize,
        /// How many bytes it has to fill.
        len: usize,
    },
}

/// Where messages are encoded into.
#[derive(Debug, Default)]
pub struct Encoder {
    pub(crate) buffer: BytesMut,
    pieces: Vec<Piece>,
    sealed: usize,
}

impl Encoder {
    /// An empty encoder with room for `capacity` bytes of fields.
    pub fn with_capacity(capacity: usize) -> Encoder {
        Encoder { buffer: BytesMut::with_capacity(capacity), pieces: Vec::new(), sealed: 0 }
    }

    /// How many bytes the message has so far, holes included.
    pub fn len(&self) -> usize {
        self.sealed + self.buffer.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The buffer that fields are appended to.
    pub fn fields(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Appends records: large ones and holes as pieces of their own.
    pub(crate) fn put_records(&mut self, records: &Records) {
        match records {
            Records::Bytes(bytes) if bytes.len() < COPY_BELOW => self.buffer.put_slice(bytes),
            Records::Bytes(bytes) => self.put_piece(Piece::Bytes(bytes.clone()), bytes.len()),
            Records::Slot { index, len } => {
                self.put_piece(Piece::Slot { index: *index, len: *len }, *len);
            }
        }
    }

    fn put_piece(&mut self, piece: Piece, len: usize) {
        self.seal();
        self.pieces.push(piece);
        self.sealed += len;
    }

    fn seal(&mut self) {
        if !self.buffer.is_empty() {
            let fields = self.buffer.split().freeze();
            self.sealed += fields.len();
            self.pieces.push(Piece::Bytes(fields));
        }
    }

    /// The message's pieces, in order.
    pub fn finish(mut self) -> Vec<Piece> {
        self.seal();
        self.pieces
    }

    /// The message as one block; `None` if it has holes.
    pub fn into_bytes(mut self) -> Option<Bytes> {
        if self.pieces.is_empty() {
            return Some(self.buffer.freeze());
        }
        self.seal();
        let mut out = BytesMut::with_capacity(self.sealed);
        for piece in &self.pieces {
            match piece {
                Piece::Bytes(bytes) => out.put_slice(bytes),
                Piece::Slot { .. } => return None,
            }
        }
        Some(out.freeze())
    }
}
