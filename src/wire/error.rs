//! Why bytes are not a message, and why a message cannot be written.

use crate::base::CursorError;

/// Why bytes are not the message that they claim to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}.{field} at byte {position}: {fault}")]
pub struct DecodeError {
    /// The structure that was being read.
    pub message: &'static str,
    /// Its field.
    pub field: &'static str,
    /// Where in the message reading stopped, in bytes from the start of the body.
    pub position: usize,
    /// What is wrong there.
    #[source]
    pub fault: Fault,
}

/// What is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes end early, or a varint does not.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// A length or count that the rest of the frame cannot hold.
    #[error("length {length} with {left} bytes left")]
    Length {
        /// What the wire says.
        length: i64,
        /// What there is.
        left: usize,
    },
    /// Null where this version has no null.
    #[error("null in a field that cannot be null")]
    Null,
    /// Lists whose elements would take far more memory than the bytes that they came in.
    #[error("lists of {wanted} bytes in memory, {left} left for the message")]
    Memory {
        /// What the next list takes.
        wanted: usize,
        /// What the message may still take.
        left: usize,
    },
    /// A string that is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// Tags that do not ascend.
    #[error("tag {tag} after tag {after}")]
    TagOrder {
        /// This tag.
        tag: u32,
        /// The one before.
        after: u32,
    },
    /// Bytes behind the end of the message or of a tagged field.
    #[error("{count} bytes too many")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// A version outside of what the message has.
    #[error("version {version} does not exist")]
    Version {
        /// The version asked for.
        version: i16,
    },
    /// A presence byte of a nullable structure other than -1 and 1.
    #[error("presence byte {byte}")]
    Presence {
        /// The byte.
        byte: i8,
    },
}

/// A fault, before it is known where.
#[derive(Debug)]
pub struct Located {
    pub(crate) message: &'static str,
    pub(crate) field: &'static str,
    pub(crate) left: usize,
    pub(crate) fault: Fault,
}

/// Why a message cannot be written in a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The field has a value that the version cannot carry.
    #[error("{message}.{field} cannot be sent in version {version}")]
    NotInVersion {
        /// The structure.
        message: &'static str,
        /// Its field.
        field: &'static str,
        /// The version.
        version: i16,
    },
    /// Null where this version has no null.
    #[error("{message}.{field} cannot be null in version {version}")]
    Null {
        /// The structure.
        message: &'static str,
        /// Its field.
        field: &'static str,
        /// The version.
        version: i16,
    },
    /// A string, list or block of bytes longer than its length field can say.
    #[error("{message}.{field} is too long: {length}")]
    TooLong {
        /// The structure.
        message: &'static str,
        /// Its field.
        field: &'static str,
        /// Its length.
        length: usize,
    },
    /// The message has no such version.
    #[error("{message} has no version {version}")]
    Version {
        /// The message.
        message: &'static str,
        /// The version.
        version: i16,
    },
}
