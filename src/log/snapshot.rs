//! Producer snapshots, in Kafka's own format: version, CRC-32C of the rest, then entries of one batch each.
//!
//! Kafka writes one entry per producer, and so forgets all but the last batch over a restart: a producer that repeats an
//! earlier one is refused. klog writes an entry per remembered batch, the last one last: Kafka reads the entries in order
//! and keeps a producer's last.

use std::collections::VecDeque;
use std::path::Path;

use bytes::{BufMut, Bytes};

use super::error::StorageError;
use super::producers::{Producer, Producers, Remembered};
use crate::base::{Cursor, CursorError};
use crate::os::Disk;

const VERSION: i16 = 1;
/// The CRC covers what follows it.
const CRC_END: usize = 6;
const ENTRY_LEN: usize = 8 + 2 + 4 + 8 + 4 + 8 + 4 + 8;

/// Writes all producers to `path`, durably.
///
/// # Errors
/// As the system says.
pub fn write(disk: &dyn Disk, path: &Path, producers: &Producers) -> Result<(), StorageError> {
    let mut body = Vec::new();
    let mut count = 0i32;
    for (id, producer) in producers.iter() {
        let none = Remembered {
            last_sequence: -1,
            last_offset: -1,
            offset_delta: 0,
            timestamp: producer.last_timestamp,
        };
        let nothing = producer.batches.is_empty().then_some(&none);
        for batch in producer.batches.iter().chain(nothing) {
            count += 1;
            body.put_i64(id);
            body.put_i16(producer.epoch);
            body.put_i32(batch.last_sequence);
            body.put_i64(batch.last_offset);
            body.put_i32(batch.offset_delta);
            body.put_i64(batch.timestamp);
            body.put_i32(producer.coordinator_epoch);
            body.put_i64(producer.transaction_start.unwrap_or(-1));
        }
    }
    let mut rest = Vec::with_capacity(body.len() + 4);
    rest.put_i32(count);
    rest.put_slice(&body);
    let mut bytes = Vec::with_capacity(rest.len() + CRC_END);
    bytes.put_i16(VERSION);
    bytes.put_u32(crc32c::crc32c(&rest));
    bytes.put_slice(&rest);
    disk.replace(path, &bytes).map_err(StorageError::at("write", path))
}

/// Reads a snapshot; `None` if it is missing or damaged and the log has to be read instead.
///
/// # Errors
/// As the system says.
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Producers>, StorageError> {
    let Some(bytes) = disk.read(path).map_err(StorageError::at("read", path))? else {
        return Ok(None);
    };
    Ok(parse(Bytes::from(bytes)).ok().flatten())
}

fn parse(bytes: Bytes) -> Result<Option<Producers>, CursorError> {
    let mut input = Cursor::new(bytes);
    let (version, crc) = (input.i16()?, input.u32()?);
    if version != VERSION || crc != crc32c::crc32c(input.rest()) {
        return Ok(None);
    }
    let count = input.i32()?;
    if usize::try_from(count).ok().and_then(|count| count.checked_mul(ENTRY_LEN))
        != Some(input.remaining())
    {
        return Ok(None);
    }
    let mut producers = Producers::default();
    for _ in 0..count {
        let (id, epoch, last_sequence) = (input.i64()?, input.i16()?, input.i32()?);
        let (last_offset, offset_delta, timestamp) = (input.i64()?, input.i32()?, input.i64()?);
        let (coordinator_epoch, transaction_start) = (input.i32()?, input.i64()?);
        let last = Remembered { last_sequence, last_offset, offset_delta, timestamp };
        let batches = if last_offset >= 0 { VecDeque::from([last]) } else { VecDeque::new() };
        let transaction_start = (transaction_start >= 0).then_some(transaction_start);
        let last_timestamp = timestamp;
        let producer =
            Producer { epoch, batches, last_timestamp, coordinator_epoch, transaction_start };
        producers.restore(id, producer);
    }
    Ok(Some(producers))
}
