//! Which transactions were aborted: the `.txnindex` of each segment names those whose marker stands in it, in Kafka's own format, in
//! order of their markers (KIP-98). A fetch looks into the segments from the one that it reads on, up to the first at whose end no
//! transaction is open that it has seen.

use std::cell::OnceCell;

use super::error::{ReadError, StorageError};
use super::index::{Entries, Entry};
use super::segment::Segment;
use super::{Log, LogSlice};
use crate::base::Offset;
use crate::os::FileSlice;
use crate::record::{BatchHeader, HEADER_LEN};

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

/// An entry of a `.txnindex`: version 0, producer id, first and last offset, last stable offset; 2 + 8 + 8 + 8 + 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AbortedEntry {
    /// The transaction.
    pub aborted: Aborted,
    /// Where the first transaction began that was open after it; the offset after its marker if none was.
    pub last_stable_offset: i64,
    /// Kafka knows of 0 only.
    pub version: i16,
}

impl AbortedEntry {
    /// An entry of the one version that there is.
    pub fn new(aborted: Aborted, last_stable_offset: i64) -> AbortedEntry {
        AbortedEntry { aborted, last_stable_offset, version: 0 }
    }

    /// Whether it can be one, by itself.
    pub fn is_sound(&self) -> bool {
        let Aborted { first_offset, last_offset, producer_id } = self.aborted;
        let begins = 0 <= first_offset && first_offset < last_offset && producer_id >= 0;
        self.version == 0 && begins && self.last_stable_offset >= 0
    }
}

impl Entry for AbortedEntry {
    const LEN: usize = 34;
    fn write(self, out: &mut Vec<u8>) {
        let Aborted { first_offset, last_offset, producer_id } = self.aborted;
        out.extend_from_slice(&self.version.to_be_bytes());
        for number in [producer_id, first_offset, last_offset, self.last_stable_offset] {
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
    fn read(bytes: &[u8]) -> AbortedEntry {
        let number = |at: usize| {
            bytes[at..at + 8].iter().fold(0i64, |number, byte| number << 8 | i64::from(*byte))
        };
        AbortedEntry {
            version: i16::from_be_bytes([bytes[0], bytes[1]]),
            aborted: Aborted {
                producer_id: number(2),
                first_offset: number(10),
                last_offset: number(18),
            },
            last_stable_offset: number(26),
        }
    }
    fn follows(self, before: AbortedEntry) -> bool {
        let ascends = self.aborted.last_offset > before.aborted.last_offset;
        ascends && self.last_stable_offset >= before.last_stable_offset
    }
}

/// The entries of an index whose transactions end at or above `from`, as far as they are an index.
pub fn entries_from(entries: &Entries<'_, AbortedEntry>, from: i64) -> Vec<AbortedEntry> {
    let below = entries.count_where(|entry| entry.aborted.last_offset < from);
    (below..entries.len()).map(|at| entries.get(at)).collect()
}

/// Whether entries can be an index.
pub fn are_sound(entries: &[AbortedEntry]) -> bool {
    let ascend = entries.windows(2).all(|pair| pair[1].follows(pair[0]));
    ascend && entries.iter().all(AbortedEntry::is_sound)
}

impl Log {
    /// The aborted transactions that reach into `slice`, which begins with the batch that holds `from`, by first offset.
    ///
    /// # Errors
    /// `Unchecked` if an index has to be held against the batches first; `Storage` as the system says.
    pub fn aborted(&self, from: Offset, slice: &LogSlice) -> Result<Vec<Aborted>, ReadError> {
        let mut found = Vec::new();
        if slice.bytes == 0 {
            return Ok(found);
        }
        let after = OnceCell::new();
        let bound = || *after.get_or_init(|| self.bound_after(slice));
        let from = from.get();
        let first = self.segments.partition_point(|segment| segment.base <= from).saturating_sub(1);
        for (at, segment) in self.segments.iter().enumerate().skip(first) {
            self.require_transactions(at, from.max(segment.base))?;
            segment.aborted.with(self.disk(), |entries| {
                let below = entries.count_where(|entry| entry.aborted.last_offset < from);
                let entries = (below..entries.len()).map(|at| entries.get(at));
                let mut stable = i64::MIN;
                // What ends after an entry began at or above its last stable offset.
                for entry in entries.take_while(|entry| {
                    let goes_on = stable < bound();
                    stable = entry.last_stable_offset;
                    goes_on
                }) {
                    found.extend((entry.aborted.first_offset < bound()).then_some(entry.aborted));
                }
            })?;
            let is_last = at + 1 == self.segments.len();
            if is_last || segment.decided.stable_at_end >= bound() {
                break;
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// An offset that nothing in `slice` reaches.
    fn bound_after(&self, slice: &LogSlice) -> i64 {
        let header = || {
            let last = slice.slices.last()?;
            let position = last.position + last.len as u64;
            let next = FileSlice { file: last.file.clone(), position, len: HEADER_LEN }.read();
            BatchHeader::parse(&next.ok()?).ok()
        };
        let next = || header().map(|header| header.base_offset);
        slice.segment_end.or_else(next).unwrap_or(self.end.get())
    }
}

/// What is known of the transactions that end in a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decided {
    /// At or above this offset the index has every transaction that was aborted, and no other.
    pub sure_from: i64,
    /// Whether the index has to be held against all batches of the segment: an aborted transaction ends in it.
    pub to_replay: bool,
    /// Where the first transaction began that is open at the segment's end, or that end; `i64::MIN` if that is not known.
    pub stable_at_end: i64,
}

impl Decided {
    /// Of a segment that this process writes from its base on.
    pub fn own(base: i64) -> Decided {
        Decided { sure_from: base, to_replay: false, stable_at_end: i64::MIN }
    }

    /// Of a segment that stood on disk.
    pub fn found() -> Decided {
        Decided { sure_from: i64::MAX, to_replay: false, stable_at_end: i64::MIN }
    }
}

impl Segment {
    /// Its aborted transactions that end at or above `from`.
    ///
    /// # Errors
    /// As the system says.
    pub fn aborted_from(
        &self,
        disk: &dyn crate::os::Disk,
        from: i64,
    ) -> Result<Vec<AbortedEntry>, StorageError> {
        self.aborted.with(disk, |entries| entries_from(&entries, from))
    }
}

#[cfg(test)]
#[path = "aborted_tests.rs"]
mod tests;
