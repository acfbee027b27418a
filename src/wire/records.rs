//! Record batches as this room sees them: opaque.

use bytes::Bytes;

/// Record batches inside of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Records {
    /// In memory; of a decoded message, a slice of its frame.
    Bytes(Bytes),
    /// Elsewhere: the sender fills the hole when it writes the message. Never decoded.
    Slot {
        /// Which of the sender's sources.
        index: usize,
        /// How many bytes it fills.
        len: usize,
    },
}

impl Records {
    /// How many bytes they take.
    pub fn len(&self) -> usize {
        match self {
            Records::Bytes(bytes) => bytes.len(),
            Records::Slot { len, .. } => *len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes; empty for a hole.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Records::Bytes(bytes) => bytes,
            Records::Slot { .. } => Bytes::new(),
        }
    }
}
