//! What can be wrong with a batch as a frame: its lengths, its magic, its checksum. Records have errors of their own.

use crate::base::ErrorCode;

/// Why bytes are no sound record batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The bytes end before the batch does; at the end of a fetch or of a torn file that is no damage.
    #[error("the batch takes {wanted} bytes, {left} are there")]
    Short {
        /// Bytes that the header or the whole batch takes.
        wanted: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// More bytes than the one batch takes.
    #[error("{extra} bytes follow the batch")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// A length field that no batch of its format can have.
    #[error("a batch length of {length} is not possible")]
    Length {
        /// The field as it stands: bytes after the field itself.
        length: i32,
    },
    /// Not message format 2.
    #[error("message format {magic} instead of 2")]
    Magic {
        /// The format's number as it stands.
        magic: i8,
    },
    /// The content is not what was checksummed.
    #[error("the CRC is {stored:08x} in the batch, but {computed:08x} over its bytes")]
    Crc {
        /// As the batch has it.
        stored: u32,
        /// Over what is there.
        computed: u32,
    },
    /// A codec number that Kafka does not have.
    #[error("compression codec {id} is not known")]
    Codec {
        /// The number in the attributes, 5 to 7.
        id: u8,
    },
}

impl BatchError {
    /// What a broker answers to a client that sent this.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Short { .. } | Self::Length { .. } | Self::Crc { .. } => {
                ErrorCode::CorruptMessage
            }
            Self::Trailing { .. } | Self::Magic { .. } => ErrorCode::InvalidRecord,
            Self::Codec { .. } => ErrorCode::UnsupportedCompressionType,
        }
    }
}
