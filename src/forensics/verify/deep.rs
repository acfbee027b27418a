//! The records inside of a batch: decompressed and counted.

use std::io;
use std::sync::Arc;

use crate::forensics::finding::Kind;
use crate::forensics::sweep::Swept;
use crate::os::{DiskFile, FileSlice};
use crate::record::legacy::{Entry, LegacyError};
use crate::record::{Batch, ReadRecordsError, records};

/// No batch is decompressed to more, in bytes.
const CAP: usize = 1 << 30;

/// What is wrong with the records of a batch whose checksum is right.
///
/// # Errors
/// As the system says.
pub fn check(file: &Arc<dyn DiskFile>, swept: &Swept) -> io::Result<Result<(), (Kind, String)>> {
    let (position, len) = (swept.found.position, swept.found.size);
    let bytes = FileSlice { file: file.clone(), position, len }.read()?;
    let checked = match swept.found.header {
        Some(_) => match Batch::new(bytes) {
            Ok(batch) => check_batch(&batch),
            Err(error) => Err((Kind::BadLength, error.to_string())),
        },
        None => match Entry::new(bytes) {
            Ok(entry) => check_entry(&entry),
            Err(error) => Err((Kind::BadLength, error.to_string())),
        },
    };
    Ok(checked)
}

fn check_batch(batch: &Batch) -> Result<(), (Kind, String)> {
    let header = batch.header();
    let announced = header.record_count;
    let wrong = |counted: i32, error: ReadRecordsError| match error {
        ReadRecordsError::Decompress(error) => (Kind::DecompressFailed, error.to_string()),
        ReadRecordsError::Frame(error) => (Kind::DecompressFailed, error.to_string()),
        error => {
            let detail = format!("{announced} records were expected; after {counted}: {error}");
            (Kind::CountMismatch, detail)
        }
    };
    let (mut counted, mut before) = (0, -1);
    for record in records(batch, CAP).map_err(|error| wrong(0, error))? {
        let record = record.map_err(|error| wrong(counted, error))?;
        let delta = record.offset - header.base_offset;
        if delta <= before || delta > i64::from(header.last_offset_delta) {
            let last = header.last_offset();
            let detail = format!(
                "offsets that ascend up to {last} were expected; record {counted} has {}",
                record.offset
            );
            return Err((Kind::CountMismatch, detail));
        }
        (counted, before) = (counted + 1, delta);
    }
    Ok(())
}

fn check_entry(entry: &Entry) -> Result<(), (Kind, String)> {
    let wrong = |error: LegacyError| match error {
        LegacyError::Decompress(error) => (Kind::DecompressFailed, error.to_string()),
        LegacyError::Frame(error) => (Kind::CrcMismatch, format!("inside: {error}")),
        error => (Kind::CountMismatch, error.to_string()),
    };
    entry.records(CAP).map_err(wrong)?.try_for_each(|record| record.map(drop).map_err(wrong))
}
