//! Rank 1. Record batches: parsed, validated, stamped in place, built; the four codecs; magic 0 and 1 for reading.
//!
//! Bytes come in as one `Bytes`; [`split_batches`] cuts it into [`Batch`]es, each a slice with its header parsed.
//! [`split_any`] takes old formats too.
//! A broker then calls [`validate_produced`] once per batch and [`Stamp`]s a copy of the header; a reader calls
//! [`records()`]; a writer uses [`BatchBuilder`], compaction [`retain()`]. Decompression is always under a cap: what a length field claims is
//! never allocated. This room never touches a file, a socket or a clock, and never logs.

mod batch;
mod builder;
mod checksum;
pub mod codec;
pub mod control;
mod error;
mod fetched;
mod header;
mod layout;
pub mod legacy;
mod recompress;
mod records;
mod retain;
mod stamp;
mod validate;
mod walk;

pub use batch::{Batch, Batches, check_crc, split_batches, split_fetched};
pub use builder::{BatchBuilder, BatchOptions, BatchProducer, BuildError};
pub use checksum::Checksum;
pub use codec::{Codec, CompressError, DecompressError};
pub use error::BatchError;
pub use fetched::{AnyBatch, AnyBatches, AnyRecords, ReadAnyError, split_any};
pub use header::{Attributes, BatchHeader, Prefix, TimestampType};
pub use layout::{HEADER_LEN, PREFIX_LEN};
pub use recompress::{RecompressError, recompress};
pub use records::{Header, ReadRecordsError, Record, RecordIter, records};
pub use retain::{RetainError, Retained, Retention, date_marker, retain, without_records};
pub use stamp::Stamp;
pub use validate::{Checked, InvalidBatch, Limits, Scratch, validate_produced};
pub use walk::RecordFault;

#[cfg(test)]
mod round_trip_tests;
