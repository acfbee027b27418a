//! Another codec for the same records: where a topic's `compression.type` is not what the producer chose.

use bytes::Bytes;

use super::batch::Batch;
use super::builder::{BuildError, put_header};
use super::codec::{Codec, DecompressError, compress, decompress};
use super::error::BatchError;
use super::layout::{HEADER_LEN, LOG_OVERHEAD};

/// Why a batch could not be compressed anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecompressError {
    /// The frame is wrong.
    #[error(transparent)]
    Frame(#[from] BatchError),
    /// The records are broken as compressed data, or over the cap.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
    /// The result cannot be a batch.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// `batch` with its records compressed by `codec`; all else, the record encoding too, stays as it is.
///
/// `cap` bounds the records decompressed, in bytes.
///
/// # Errors
/// `Frame` for an unknown codec, `Decompress`, `Build`.
pub fn recompress(
    batch: &Batch,
    codec: Codec,
    level: Option<i32>,
    cap: usize,
) -> Result<Batch, RecompressError> {
    let mut records = Vec::new();
    decompress(batch.header().codec()?, &batch.bytes()[HEADER_LEN..], cap, &mut records)?;
    let mut out = Vec::with_capacity(HEADER_LEN + records.len());
    out.resize(HEADER_LEN, 0);
    compress(codec, level, &records, &mut out).map_err(BuildError::from)?;
    let mut header = *batch.header();
    header.batch_length = i32::try_from(out.len() - LOG_OVERHEAD).map_err(|_| BuildError::Full)?;
    header.attributes = header.attributes.with_codec(codec);
    put_header(&mut out, &header);
    Ok(Batch::new(Bytes::from(out))?)
}
