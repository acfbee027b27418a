//! The bytes of a message being read, and how much memory it may take.

use std::ops::{Deref, DerefMut};

use bytes::Bytes;

use super::error::Fault;
use crate::base::Cursor;

/// What a message's lists may take in memory for each of its bytes. An empty string takes one byte on the wire and 32
/// in a list, so without a limit a frame could take 32 times its length; what clients send stays below 8.
const PER_BYTE: usize = 16;
/// What any message's lists may take, so that small messages are never refused.
const AT_LEAST: usize = 64 * 1024;
/// What any message's lists may take, however long it is: ten times what 100,000 partitions take.
const AT_MOST: usize = 128 << 20;

/// A message being read: its bytes, and the memory that its lists and unknown tagged fields may still take.
#[derive(Debug)]
pub struct Input {
    cursor: Cursor,
    left: usize,
}

impl Input {
    /// Starts at the first of `bytes`; lists may take 16 times their length and 64 KiB, and never more than 128 MiB.
    pub fn new(bytes: Bytes) -> Input {
        let left = bytes.len().saturating_mul(PER_BYTE).saturating_add(AT_LEAST).min(AT_MOST);
        Input { cursor: Cursor::new(bytes), left }
    }

    /// Notes that `wanted` bytes are about to be allocated.
    ///
    /// # Errors
    /// `Memory` where the message has taken too much.
    pub(crate) fn spend(&mut self, wanted: usize) -> Result<(), Fault> {
        let left = self.left;
        self.left = left.checked_sub(wanted).ok_or(Fault::Memory { wanted, left })?;
        Ok(())
    }

    /// A part of this message, which takes from the same memory: give it back by [`Input::settle`].
    pub(crate) fn inner(&self, bytes: Bytes) -> Input {
        Input { cursor: Cursor::new(bytes), left: self.left }
    }

    /// Ends the reading of a part.
    pub(crate) fn settle(&mut self, inner: &Input) {
        self.left = inner.left;
    }

    /// Back to the plain bytes.
    pub(crate) fn into_cursor(self) -> Cursor {
        self.cursor
    }
}

impl Deref for Input {
    type Target = Cursor;
    fn deref(&self) -> &Cursor {
        &self.cursor
    }
}

impl DerefMut for Input {
    fn deref_mut(&mut self) -> &mut Cursor {
        &mut self.cursor
    }
}
