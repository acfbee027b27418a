//! Producer snapshots, in Kafka's own format: version, CRC-32C of the rest, then entries of one batch each.
//!
//! Kafka writes one entry per producer, and so forgets all but the last batch over a restart: a producer that repeats an
//! earlier one is refused. klog writes an entry per remembered batch, the last one last: Kafka reads the entries in order
//! and keeps a producer's last.

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
    disk.replace(path, &bytes_of(producers)).map_err(StorageError::at("write", path))
}

/// The same in place and without waiting for the disk: one that is torn is found out by its CRC.
///
/// # Errors
/// As the system says.
pub fn write_unsynced(
    disk: &dyn Disk,
    path: &Path,
    producers: &Producers,
) -> Result<(), StorageError> {
    let written = disk.write(path, &bytes_of(producers));
    written.map(drop).map_err(StorageError::at("write", path))
}

fn bytes_of(producers: &Producers) -> Vec<u8> {
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
    bytes
}

/// One entry of a snapshot, as it stands: a batch of a producer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotEntry {
    /// Whose batch it was.
    pub producer_id: i64,
    /// The producer's epoch.
    pub producer_epoch: i16,
    /// The batch's last sequence number; -1 for none.
    pub last_sequence: i32,
    /// The batch's last offset; -1 for none.
    pub last_offset: i64,
    /// The batch's last offset less its first.
    pub offset_delta: i32,
    /// Its youngest timestamp, in ms.
    pub timestamp: i64,
    /// The epoch of the coordinator that wrote the producer's last marker; -1 if none did.
    pub coordinator_epoch: i32,
    /// Where the producer's open transaction began; -1 if none is open.
    pub transaction_start: i64,
}

impl SnapshotEntry {
    /// The batch that it remembers; `None` of a producer that only wrote markers.
    pub fn batch(&self) -> Option<Remembered> {
        let SnapshotEntry { last_sequence, last_offset, offset_delta, timestamp, .. } = *self;
        let batch = Remembered { last_sequence, last_offset, offset_delta, timestamp };
        (last_offset >= 0).then_some(batch)
    }
}

/// Why bytes are no snapshot.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SnapshotFault {
    /// They end early.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Of a version that nobody has defined.
    #[error("version {0} of a producer snapshot is not known")]
    Version(i16),
    /// The content is not what was checksummed.
    #[error("the CRC is {stored:08x} in the snapshot, but {computed:08x} over its bytes")]
    Crc {
        /// As the file has it.
        stored: u32,
        /// Over what is there.
        computed: u32,
    },
    /// It announces more or fewer entries than there are bytes for.
    #[error("{count} entries are announced in {bytes} bytes")]
    Count {
        /// As the file has it.
        count: i32,
        /// What there is.
        bytes: usize,
    },
}

/// Reads a snapshot; `None` if it is missing or damaged and the log has to be read instead.
///
/// # Errors
/// As the system says.
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Producers>, StorageError> {
    let Some(bytes) = disk.read(path).map_err(StorageError::at("read", path))? else {
        return Ok(None);
    };
    Ok(entries(Bytes::from(bytes)).ok().map(|entries| restored(&entries)))
}

/// The entries of a snapshot in the order in which they stand.
///
/// # Errors
/// See [`SnapshotFault`].
pub fn entries(bytes: Bytes) -> Result<Vec<SnapshotEntry>, SnapshotFault> {
    let mut input = Cursor::new(bytes);
    let (version, stored) = (input.i16()?, input.u32()?);
    if version != VERSION {
        return Err(SnapshotFault::Version(version));
    }
    let computed = crc32c::crc32c(input.rest());
    if stored != computed {
        return Err(SnapshotFault::Crc { stored, computed });
    }
    let (count, bytes) = (input.i32()?, input.remaining());
    if usize::try_from(count).ok().and_then(|count| count.checked_mul(ENTRY_LEN)) != Some(bytes) {
        return Err(SnapshotFault::Count { count, bytes });
    }
    (0..count).map(|_| Ok(entry(&mut input)?)).collect()
}

fn entry(input: &mut Cursor) -> Result<SnapshotEntry, CursorError> {
    Ok(SnapshotEntry {
        producer_id: input.i64()?,
        producer_epoch: input.i16()?,
        last_sequence: input.i32()?,
        last_offset: input.i64()?,
        offset_delta: input.i32()?,
        timestamp: input.i64()?,
        coordinator_epoch: input.i32()?,
        transaction_start: input.i64()?,
    })
}

fn restored(entries: &[SnapshotEntry]) -> Producers {
    let mut producers = Producers::default();
    for entry in entries {
        let producer = Producer {
            epoch: entry.producer_epoch,
            batches: entry.batch().into_iter().collect(),
            last_timestamp: entry.timestamp,
            coordinator_epoch: entry.coordinator_epoch,
            transaction_start: (entry.transaction_start >= 0).then_some(entry.transaction_start),
        };
        producers.restore(entry.producer_id, producer);
    }
    producers
}
