//! What became of transactions, as the markers in a log tell: so it is known what a reader of committed records would see.
//!
//! The `.txnindex` is not asked: it has no checksum, and an entry that is lost would show an aborted record.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use bytes::Bytes;

use super::ahead::Pace;
use super::kind::FileKind;
use super::sweep::{Piece, Swept};
use super::trail::{Here, Segments, Stop, Trail};
use crate::log::{Ended, SnapshotEntry, StorageError, snapshot_entries};
use crate::os::Disk;
use crate::record::{AnyBatch, BatchHeader};

/// The transactions of one partition, told batch by batch in order of offset.
#[derive(Clone, Debug, Default)]
pub struct Fates {
    /// Where the open transaction of each producer began, as far as was seen.
    open: HashMap<i64, i64>,
    /// The same, in the order in which they began.
    in_order: BTreeSet<(i64, i64)>,
    /// Of each producer, where its aborted transactions ended and began.
    aborted: HashMap<i64, BTreeMap<i64, i64>>,
}

/// What a reader of committed records does with a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is read: it belongs to no transaction or to one that was committed.
    Visible,
    /// Its transaction was aborted.
    Aborted,
    /// It stands where, or behind where, a transaction is open.
    Undecided,
}

impl Fates {
    /// Notes a batch that is no transaction's marker.
    pub fn note(&mut self, header: &BatchHeader) {
        if header.is_transactional() && !header.is_control() {
            let (id, at) = (header.producer_id, header.base_offset);
            if let Entry::Vacant(none) = self.open.entry(id) {
                none.insert(at);
                self.in_order.insert((at, id));
            }
        }
    }

    /// Notes the transactions that were open where a snapshot was taken.
    pub fn begin_with(&mut self, snapshot: &[SnapshotEntry]) {
        for entry in snapshot.iter().filter(|entry| entry.transaction_start >= 0) {
            let (id, at) = (entry.producer_id, entry.transaction_start);
            if self.open.insert(id, at).is_none() {
                self.in_order.insert((at, id));
            }
        }
    }

    /// Notes a batch as it was found, marker or not. What is damaged, or of an old format, tells nothing.
    ///
    /// # Errors
    /// As the system says.
    pub fn note_swept(&mut self, here: Here<'_>, swept: &Swept) -> Result<(), StorageError> {
        let Some(header) = swept.found.header.filter(|_| swept.crc.is_ok()) else { return Ok(()) };
        if !header.is_control() {
            self.note(&header);
            return Ok(());
        }
        let batch = swept.batch(&**here.file).map_err(StorageError::at("read", here.path))?;
        if let AnyBatch::Batch(batch) = batch
            && let Ok(Some(ended)) = Ended::read(&batch)
        {
            self.end(&ended);
        }
        Ok(())
    }

    /// Notes a marker.
    pub fn end(&mut self, ended: &Ended) {
        let Some(began) = self.open.remove(&ended.producer_id) else { return };
        self.in_order.remove(&(began, ended.producer_id));
        if ended.aborts {
            self.aborted.entry(ended.producer_id).or_default().insert(ended.offset, began);
        }
    }

    /// Where the first open transaction began; `None` if none is open.
    pub fn first_open(&self) -> Option<i64> {
        self.in_order.first().map(|(at, _)| *at)
    }

    /// The open transactions: the producer's id and where it began, in order of the latter.
    pub fn open(&self) -> Vec<(i64, i64)> {
        self.in_order.iter().map(|(at, id)| (*id, *at)).collect()
    }

    /// How many transactions were aborted.
    pub fn aborted(&self) -> usize {
        self.aborted.values().map(BTreeMap::len).sum()
    }

    /// What becomes of a batch. All of the log must have been noted.
    pub fn of(&self, header: &BatchHeader) -> Fate {
        let at = header.base_offset;
        if self.first_open().is_some_and(|open| at >= open) {
            return Fate::Undecided;
        }
        if !header.is_transactional() || header.is_control() {
            return Fate::Visible;
        }
        let ended = self.aborted.get(&header.producer_id);
        let next = ended.and_then(|ended| ended.range(at..).next());
        if next.is_some_and(|(_, began)| *began <= at) { Fate::Aborted } else { Fate::Visible }
    }
}

/// Reads what became of transactions, and goes on as a log grows.
#[derive(Debug)]
pub struct FateReader<'a> {
    trail: Trail<'a>,
    from: i64,
    to: i64,
    fates: Fates,
}

impl<'a> FateReader<'a> {
    /// For whoever reads the batches from `from` up to `to`.
    ///
    /// It begins at the segment that holds `from` if a producer snapshot tells which transactions were open there, else at the log's start.
    ///
    /// # Errors
    /// As the system says.
    pub fn new(
        disk: &'a dyn Disk,
        segments: Segments,
        from: i64,
        to: i64,
    ) -> Result<FateReader<'a>, StorageError> {
        let mut reader = FateReader {
            trail: Trail::new(disk, segments.clone()),
            from: 0,
            to,
            fates: Fates::default(),
        };
        let files = reader.trail.files()?;
        let base = files.iter().rev().map(|(base, _)| *base).find(|base| *base <= from);
        if let (Segments::Of(folder), Some(base)) = (segments, base)
            && let Some(known) = snapshot_at(disk, &folder, base)?
        {
            reader.from = base;
            reader.fates.begin_with(&known);
        }
        Ok(reader)
    }

    /// The same of a log that a broker appends to: see [`Trail::of_a_live_log`].
    #[must_use]
    pub fn of_a_live_log(mut self) -> FateReader<'a> {
        self.trail = self.trail.of_a_live_log();
        self
    }

    /// The same, its files read ahead: see [`Trail::at`].
    #[must_use]
    pub fn at(mut self, pace: Pace) -> FateReader<'a> {
        self.trail = self.trail.at(pace);
        self
    }

    /// Reads on, until all is decided that was asked for, or to the end.
    ///
    /// # Errors
    /// As the system says.
    pub fn advance(&mut self, mut seen: impl FnMut(u64)) -> Result<&Fates, StorageError> {
        let (fates, to) = (&mut self.fates, self.to);
        self.trail.walk(self.from, i64::MAX, |here, piece| {
            seen(piece.end() - piece.position());
            let Piece::Batch(swept) = piece else { return Ok(ControlFlow::Continue(())) };
            fates.note_swept(here, swept)?;
            let open = fates.first_open().is_some_and(|open| open < to);
            let decided = swept.crc.is_ok() && swept.found.last_offset >= to && !open;
            Ok::<_, StorageError>(if decided {
                ControlFlow::Break(Stop::Behind)
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(&self.fates)
    }

    /// What is known so far.
    pub fn fates(&self) -> &Fates {
        &self.fates
    }
}

/// What the producer snapshot at `offset` says; `None` if there is none, or it is damaged.
fn snapshot_at(
    disk: &dyn Disk,
    folder: &super::Folder,
    offset: i64,
) -> Result<Option<Vec<SnapshotEntry>>, StorageError> {
    let wanted = FileKind::ProducerSnapshot { offset };
    let files = folder.files(disk)?;
    let Some(file) = files.into_iter().find(|file| file.kind == wanted) else { return Ok(None) };
    let path = folder.path.join(file.name);
    let bytes = disk.read(&path).map_err(StorageError::at("read", &path))?;
    Ok(bytes.and_then(|bytes| snapshot_entries(Bytes::from(bytes)).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, BatchOptions, BatchProducer};

    fn batch(producer: i64, offset: i64) -> BatchHeader {
        let none: [(&[u8], Option<&[u8]>); 0] = [];
        let mut builder = BatchBuilder::new(BatchOptions {
            producer: BatchProducer { id: producer, epoch: 0, base_sequence: 0 },
            transactional: producer >= 0,
            base_offset: offset,
            ..BatchOptions::default()
        });
        builder.append(1, None, Some(b"v"), none).unwrap();
        BatchHeader::parse(&builder.build().unwrap()).unwrap()
    }

    fn marker(producer: i64, offset: i64, aborts: bool) -> Ended {
        Ended {
            producer_id: producer,
            producer_epoch: 0,
            coordinator_epoch: Some(0),
            aborts,
            offset,
            timestamp: 1,
        }
    }

    #[test]
    fn a_batch_goes_the_way_of_the_next_marker_of_its_producer() {
        let mut fates = Fates::default();
        for (producer, offset) in [(1, 0), (2, 1), (-1, 2)] {
            fates.note(&batch(producer, offset));
        }
        assert_eq!(fates.first_open(), Some(0));
        fates.end(&marker(1, 3, true));
        fates.end(&marker(2, 4, false));
        fates.note(&batch(1, 5));
        fates.end(&marker(1, 6, false));
        let of = |producer, offset| fates.of(&batch(producer, offset));
        assert_eq!([of(1, 0), of(2, 1), of(-1, 2)], [Fate::Aborted, Fate::Visible, Fate::Visible]);
        assert_eq!(of(1, 5), Fate::Visible);
        assert_eq!(fates.aborted(), 1);
    }

    #[test]
    fn nothing_is_read_from_where_a_transaction_is_open() {
        let mut fates = Fates::default();
        fates.note(&batch(1, 10));
        fates.note(&batch(-1, 11));
        assert_eq!(fates.of(&batch(-1, 9)), Fate::Visible);
        assert_eq!(fates.of(&batch(-1, 11)), Fate::Undecided);
        assert_eq!(fates.open(), [(1, 10)]);
        // A marker of somebody else decides nothing.
        fates.end(&marker(2, 12, true));
        assert_eq!(fates.of(&batch(1, 10)), Fate::Undecided);
    }
}
