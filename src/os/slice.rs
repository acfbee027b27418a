//! What goes out to a socket: bytes, or a stretch of a file.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::disk::DiskFile;

/// A stretch of an open file; holding it keeps the file readable after it was deleted.
#[derive(Clone, Debug)]
pub struct FileSlice {
    /// The file.
    pub file: Arc<dyn DiskFile>,
    /// Where the stretch begins, in bytes.
    pub position: u64,
    /// How long it is, in bytes.
    pub len: usize,
}

impl FileSlice {
    /// Reads all of it.
    ///
    /// # Errors
    /// As the system says; `UnexpectedEof` where the file is shorter.
    pub fn read(&self) -> io::Result<Bytes> {
        let mut bytes = BytesMut::zeroed(self.len);
        self.file.read_exact_at(&mut bytes, self.position)?;
        Ok(bytes.freeze())
    }
}

/// A part of a response, in order.
#[derive(Clone, Debug)]
pub enum Chunk {
    /// Encoded fields.
    Bytes(Bytes),
    /// Whole batches, for sendfile.
    File(FileSlice),
}

impl Chunk {
    /// How many bytes it sends.
    pub fn len(&self) -> usize {
        match self {
            Chunk::Bytes(bytes) => bytes.len(),
            Chunk::File(slice) => slice.len,
        }
    }

    /// Whether it sends none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
