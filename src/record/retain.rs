//! A batch without some of its records, as compaction leaves it: offsets, sequences and producer stay as they were.

use bytes::Bytes;

use super::batch::Batch;
use super::builder::{BuildError, put_header, put_record};
use super::codec::{Codec, compress};
use super::header::TimestampType;
use super::layout::{HEADER_LEN, LOG_OVERHEAD};
use super::records::{ReadRecordsError, Record, records};

/// What is left of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Retained {
    /// All of it: its bytes are kept as they are.
    Same,
    /// This batch, perhaps without any record.
    Changed(Bytes),
    /// Nothing.
    Nothing,
}

/// What is to be kept beside the records that are chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// When tombstones that stay may go, in ms: noted in a batch that has some and no such time yet (KIP-534).
    pub delete_horizon: i64,
    /// Whether the header stays where no record does: it bears the last offset, and a producer's last sequence.
    pub empty_stays: bool,
}

/// Why records could not be taken out of a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RetainError {
    /// Its records cannot be read.
    #[error(transparent)]
    Read(#[from] ReadRecordsError),
    /// What is left cannot be a batch.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Keeps the records of `batch` for which `keep` holds, compressed as they were. `cap` bounds the records decompressed, in bytes.
///
/// # Errors
/// See [`RetainError`].
pub fn retain(
    batch: &Batch,
    cap: usize,
    retention: Retention,
    mut keep: impl FnMut(&Record) -> bool,
) -> Result<Retained, RetainError> {
    let header = batch.header();
    let (mut kept, mut tombstones) = (Vec::new(), false);
    for record in records(batch, cap)? {
        let record = record?;
        if keep(&record) {
            tombstones |= record.value.is_none();
            kept.push(record);
        }
    }
    if kept.is_empty() {
        return Ok(match (retention.empty_stays, header.record_count) {
            (false, _) => Retained::Nothing,
            (true, 0) => Retained::Same,
            (true, _) => Retained::Changed(without_records(batch)),
        });
    }
    let dates = tombstones && !header.attributes.has_delete_horizon();
    if kept.len() == header.record_count as usize && !dates {
        return Ok(Retained::Same);
    }
    let horizon = dates.then_some(retention.delete_horizon);
    Ok(Retained::Changed(rebuild(batch, &kept, horizon)?))
}

/// Notes in a marker when it may go, in ms, as in a batch with tombstones (Kafka's compaction does; KIP-534).
///
/// # Errors
/// See [`RetainError`].
pub fn date_marker(batch: &Batch, delete_horizon: i64, cap: usize) -> Result<Bytes, RetainError> {
    let kept: Vec<Record> = records(batch, cap)?.collect::<Result<_, _>>()?;
    Ok(rebuild(batch, &kept, Some(delete_horizon))?)
}

/// The header of a batch: it bears the last offset, and its producer's epoch and sequence.
pub fn without_records(batch: &Batch) -> Bytes {
    let mut header = *batch.header();
    header.batch_length = (HEADER_LEN - LOG_OVERHEAD) as i32;
    header.attributes = header.attributes.with_codec(Codec::None).with_delete_horizon(false);
    header.base_timestamp = header.max_timestamp;
    header.record_count = 0;
    let mut out = vec![0; HEADER_LEN];
    put_header(&mut out, &header);
    out.into()
}

fn rebuild(batch: &Batch, kept: &[Record], horizon: Option<i64>) -> Result<Bytes, BuildError> {
    let mut header = *batch.header();
    if let Some(horizon) = horizon {
        header.base_timestamp = horizon;
        header.attributes = header.attributes.with_delete_horizon(true);
    }
    let mut out = vec![0; HEADER_LEN];
    for record in kept {
        let (timestamp, base) = (record.timestamp, header.base_timestamp);
        let delta = timestamp.checked_sub(base).ok_or(BuildError::Timestamp { timestamp, base })?;
        let deltas = (delta, (record.offset - header.base_offset) as i32);
        let headers = record.headers.iter().map(|header| (&*header.key, header.value.as_deref()));
        put_record(&mut out, deltas, record.key.as_deref(), record.value.as_deref(), headers)?;
    }
    let codec = header.codec().unwrap_or(Codec::None);
    if codec != Codec::None {
        let mut compressed = vec![0; HEADER_LEN];
        compress(codec, None, &out[HEADER_LEN..], &mut compressed)?;
        out = compressed;
    }
    header.batch_length = i32::try_from(out.len() - LOG_OVERHEAD).map_err(|_| BuildError::Full)?;
    header.record_count = i32::try_from(kept.len()).map_err(|_| BuildError::Full)?;
    if header.timestamp_type() == TimestampType::CreateTime {
        header.max_timestamp = kept.iter().map(|record| record.timestamp).max().unwrap_or(-1);
    }
    put_header(&mut out, &header);
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, BatchOptions};

    fn batch(codec: Codec) -> Batch {
        let options = BatchOptions { codec, base_offset: 70, ..BatchOptions::default() };
        let mut builder = BatchBuilder::new(options);
        builder.append(5000, Some(b"a"), Some(b"1"), []).unwrap();
        builder.append(7000, Some(b"b"), None, [(&b"h"[..], None)]).unwrap();
        builder.append(4000, Some(b"c"), Some(b"3"), []).unwrap();
        Batch::new(builder.build().unwrap()).unwrap()
    }

    const KEEP_EMPTY: Retention = Retention { delete_horizon: 99_000, empty_stays: true };

    #[test]
    fn what_stays_has_its_offset_its_time_and_its_codec_and_a_tombstone_gets_its_horizon() {
        for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            let batch = batch(codec);
            let before: Vec<Record> =
                records(&batch, 1 << 20).unwrap().map(Result::unwrap).skip(1).collect();
            let kept = retain(&batch, 1 << 20, KEEP_EMPTY, |record| record.offset > 70).unwrap();
            let Retained::Changed(bytes) = kept else { panic!("{kept:?}") };
            let after = Batch::new(bytes).unwrap();
            after.check_crc().unwrap();
            let header = after.header();
            assert_eq!((header.base_offset, header.last_offset()), (70, 72));
            assert_eq!((header.codec().unwrap(), header.record_count), (codec, 2));
            assert!(header.attributes.has_delete_horizon());
            assert_eq!((header.base_timestamp, header.max_timestamp), (99_000, 7000));
            let found: Vec<Record> =
                records(&after, 1 << 20).unwrap().map(Result::unwrap).collect();
            assert_eq!(found, before);
            // Its horizon stays as it is.
            assert_eq!(retain(&after, 1 << 20, KEEP_EMPTY, |_| true).unwrap(), Retained::Same);
        }
    }

    #[test]
    fn a_batch_without_records_keeps_its_offsets_or_goes() {
        let batch = batch(Codec::Zstd);
        let Retained::Changed(bytes) = retain(&batch, 1 << 20, KEEP_EMPTY, |_| false).unwrap()
        else {
            panic!()
        };
        let empty = Batch::new(bytes).unwrap();
        empty.check_crc().unwrap();
        assert_eq!((empty.header().last_offset(), empty.header().record_count), (72, 0));
        assert_eq!(records(&empty, 1).unwrap().count(), 0);
        assert_eq!(retain(&empty, 1, KEEP_EMPTY, |_| true).unwrap(), Retained::Same);
        let gone = Retention { empty_stays: false, ..KEEP_EMPTY };
        assert_eq!(retain(&empty, 1, gone, |_| true).unwrap(), Retained::Nothing);
    }
}
