//! Transactions (KIP-98, KIP-890): markers end them, the last stable offset is where the first one that is open began, and those that
//! were aborted stand in `.txnindex` files.

use bytes::Bytes;

use super::append::Placed;
use super::error::{AppendError, OpenError, StorageError};
use super::files::offset_of;
use super::producers::Producer;
use super::{Log, LogSlice};
use crate::base::{Cursor, CursorError, LeaderEpoch, Millis, Offset};
use crate::os::FileSlice;
use crate::record::control::ControlRecord;
use crate::record::{Batch, BatchHeader, BatchProducer, HEADER_LEN};

/// Version, producer id, first and last offset, last stable offset.
const ENTRY_LEN: usize = 2 + 8 + 8 + 8 + 8;

/// The end of a producer's transaction, as its coordinator says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndTxn {
    /// Whose transaction it is.
    pub producer_id: i64,
    /// The epoch that the marker bears, and the producer has from then on.
    pub producer_epoch: i16,
    /// The epoch of the coordinator.
    pub coordinator_epoch: i32,
    /// Whether it is committed; else aborted.
    pub commit: bool,
    /// The transactions' version: from 2 on the marker's epoch is newer than the transaction's (KIP-890).
    pub transaction_version: i16,
}

impl EndTxn {
    /// Whether the marker's epoch is newer than its transaction's.
    pub fn bumps_epoch(&self) -> bool {
        self.transaction_version >= 2
    }
}

/// A marker as it stands in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    /// Whose transaction it ends.
    pub producer_id: i64,
    /// The epoch that it bears.
    pub producer_epoch: i16,
    /// The epoch of the coordinator; `None` where compaction has taken out the record that told.
    pub coordinator_epoch: Option<i32>,
    /// Its timestamp.
    pub timestamp: i64,
}

/// A transaction that was aborted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Aborted {
    /// Where it began.
    pub first_offset: i64,
    /// Where its marker stands.
    pub last_offset: i64,
    /// Whose it was.
    pub producer_id: i64,
}

impl Log {
    /// The aborted transactions that reach into `slice`, which begins with the batch that holds `from`, by first offset.
    pub fn aborted(&self, from: Offset, slice: &LogSlice) -> Vec<Aborted> {
        if self.aborted.is_empty() || slice.bytes == 0 {
            return Vec::new();
        }
        let bound = self.bound_after(slice);
        let within =
            |found: &&Aborted| found.last_offset >= from.get() && found.first_offset < bound;
        self.aborted.iter().filter(within).copied().collect()
    }

    /// An offset that nothing in `slice` reaches.
    fn bound_after(&self, slice: &LogSlice) -> i64 {
        let next = slice.slices.last().and_then(|last| {
            let position = last.position + last.len as u64;
            let next = FileSlice { file: last.file.clone(), position, len: HEADER_LEN }.read();
            BatchHeader::parse(&next.ok()?).ok()
        });
        next.map_or(self.end.get(), |header| header.base_offset)
    }

    /// Ends a producer's transaction: appends a marker. One that finds no transaction open is appended too, and its epoch counts.
    ///
    /// # Errors
    /// `Fenced` and `CoordinatorFenced` for old epochs; others as [`Log::append`].
    pub fn append_marker(
        &mut self,
        end: EndTxn,
        epoch: LeaderEpoch,
        now: Millis,
    ) -> Result<Placed, AppendError> {
        self.refuse_offline()?;
        self.producers.check_end(&end)?;
        let EndTxn { producer_id: id, producer_epoch, coordinator_epoch, commit, .. } = end;
        let record = match commit {
            true => ControlRecord::Commit { coordinator_epoch },
            false => ControlRecord::Abort { coordinator_epoch },
        };
        let producer = BatchProducer { id, epoch: producer_epoch, base_sequence: -1 };
        let marker = record.batch(0, 0, now, producer).expect("one small record fits a batch");
        let marker = Batch::new(marker).expect("a batch that was built is one");
        let (placed, timestamp) = self.put(&marker, now, epoch, now)?;
        let last_offset = placed.last_offset.get();
        let coordinator_epoch = Some(coordinator_epoch);
        let ended = Ended { producer_id: id, producer_epoch, coordinator_epoch, timestamp };
        if let Some(first_offset) = self.producers.end(&ended).filter(|_| !commit) {
            self.aborted.push(Aborted { first_offset, last_offset, producer_id: id });
            self.aborted.sort_unstable();
        }
        self.verifications.ended(&end);
        self.assert_invariants();
        Ok(placed)
    }

    /// Below it all transactions are decided: where the first open one began, or the end of the log.
    pub fn last_stable_offset(&self) -> Offset {
        self.stable_below(self.end)
    }

    /// The same below a high watermark. Where that is not the end, a transaction whose marker is not below it counts as open too.
    fn stable_below(&self, high_watermark: Offset) -> Offset {
        let open = self.producers.first_open().map(|start| Offset::new(start.max(0)));
        open.map_or(high_watermark, |open| open.max(self.start).min(high_watermark))
    }

    /// The open transaction that began first, by the id of its producer.
    pub fn open_transaction(&self) -> Option<(i64, &Producer)> {
        self.producers.open().next()
    }

    /// All open transactions in the order in which they began, by the ids of their producers.
    pub fn open_transactions(&self) -> impl Iterator<Item = (i64, &Producer)> {
        self.producers.open()
    }

    /// Reads the transaction indexes of all segments. One that is damaged is refused: what it names must not be served.
    pub(super) fn load_aborted(&mut self) -> Result<(), OpenError> {
        let disk = self.os.disk.clone();
        let entries = disk.list(&self.folder).map_err(StorageError::at("list", &self.folder))?;
        for entry in entries {
            let Some(base) = offset_of(&entry.name, ".txnindex") else { continue };
            let file = self.folder.join(&entry.name);
            let bytes = disk.read(&file).map_err(StorageError::at("read", &file))?;
            let found =
                parse(bytes.unwrap_or_default().into()).map_err(|detail| OpenError::Damaged {
                    file: file.clone(),
                    folder: self.folder.clone(),
                    position: 0,
                    offset: Offset::from_wire(base).unwrap_or_default(),
                    detail,
                })?;
            // What a torn tail took with it is no transaction any more.
            let end = self.end.get();
            self.aborted.extend(found.into_iter().filter(|found| found.last_offset < end));
        }
        self.aborted.sort_unstable();
        self.aborted.dedup();
        Ok(())
    }
}

fn parse(bytes: Bytes) -> Result<Vec<Aborted>, String> {
    if !bytes.len().is_multiple_of(ENTRY_LEN) {
        return Err(format!("{} bytes are no whole entries of {ENTRY_LEN}", bytes.len()));
    }
    let count = bytes.len() / ENTRY_LEN;
    let mut input = Cursor::new(bytes);
    let mut one = || -> Result<(i16, Aborted), CursorError> {
        let (version, producer_id) = (input.i16()?, input.i64()?);
        let (first_offset, last_offset, _last_stable) = (input.i64()?, input.i64()?, input.i64()?);
        Ok((version, Aborted { first_offset, last_offset, producer_id }))
    };
    (0..count)
        .map(|_| match one() {
            Ok((0, found)) if found.first_offset <= found.last_offset => Ok(found),
            Ok((0, found)) => Err(format!("a transaction that ends before it begins: {found:?}")),
            Ok((version, _)) => Err(format!("an entry of version {version}")),
            Err(error) => Err(error.to_string()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BufMut as _;

    fn entry(version: i16, producer_id: i64, first: i64, last: i64) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_i16(version);
        [producer_id, first, last, first].iter().for_each(|number| out.put_i64(*number));
        out
    }

    #[test]
    fn a_transaction_index_is_read_whole_or_refused() {
        let two = [entry(0, 7, 3, 5), entry(0, 8, 1, 9)].concat();
        let found = parse(two.clone().into()).unwrap();
        assert_eq!(found[0], Aborted { producer_id: 7, first_offset: 3, last_offset: 5 });
        assert_eq!(found.len(), 2);
        assert_eq!(parse(Bytes::new()), Ok(Vec::new()));
        assert!(parse(two[..40].to_vec().into()).unwrap_err().contains("no whole entries"));
        assert!(parse(entry(9, 7, 3, 5).into()).unwrap_err().contains("version 9"));
        assert!(parse(entry(0, 7, 5, 3).into()).unwrap_err().contains("ends before it begins"));
    }
}
