//! Goes through a segment file batch by batch, past whatever is damaged, in bounded memory.

use std::io;
use std::sync::Arc;

use super::ahead::{Ahead, Pace};
use super::content::{Inside, Unreadable};
use super::seek::{self, Wanted};
use crate::log::{Fault, Found, Walk};
use crate::os::DiskFile;
use crate::record::{BatchError, BatchHeader, HEADER_LEN, Prefix};

/// A batch that stands in a file.
#[derive(Clone, Debug)]
pub struct Swept {
    /// Where it stands and what its header says.
    pub found: Found,
    /// Its first bytes: a whole header, or all of an old entry that is shorter.
    pub head: [u8; HEADER_LEN],
    /// What is wrong, where its checksum is; its length leads to the next batch or to the file's end all the same.
    pub crc: Result<(), BatchError>,
    /// What is inside of it, where that was read ahead; see [`Swept::inside`].
    pub(super) inside: Option<Box<Result<Inside, Unreadable>>>,
}

impl Swept {
    /// Its first offset; of an old entry, which does not say, its last.
    pub fn first_offset(&self) -> i64 {
        self.found.first_offset()
    }
}

/// Bytes that are no batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Its first byte.
    pub position: u64,
    /// Behind its last byte: there the next batch stands, or the file ends.
    pub end: u64,
    /// Why no batch stands at its first byte.
    pub why: BatchError,
    /// Whether no batch follows it.
    pub is_tail: bool,
    /// Whether all of its bytes are zero: what a file system leaves of a write that never reached the disk.
    pub is_zero: bool,
}

/// What comes next in a file.
#[derive(Clone, Debug)]
pub enum Piece {
    /// A batch, whole or with a wrong checksum.
    Batch(Swept),
    /// What no batch can be made out of.
    Gap(Gap),
}

impl Piece {
    /// Its first byte.
    pub fn position(&self) -> u64 {
        match self {
            Piece::Batch(swept) => swept.found.position,
            Piece::Gap(gap) => gap.position,
        }
    }

    /// Behind its last byte.
    pub fn end(&self) -> u64 {
        match self {
            Piece::Batch(swept) => swept.found.end(),
            Piece::Gap(gap) => gap.end,
        }
    }
}

/// A walk over all of a segment file.
///
/// Where no batch stands, it goes on at the next place where one does: at the end of the batch before, if its length leads to one, else
/// at the first byte from which a header, its length and its checksum hold. There, batches are only taken whose offsets come after those
/// of the batch before, so that one that was produced as the content of a record is not mistaken for the log's own.
pub struct Sweep<'a> {
    file: &'a dyn DiskFile,
    walk: Walk<'a>,
    ahead: Option<Ahead>,
    end: u64,
    /// The offset behind the last batch.
    expected: i64,
    /// The same before that batch: its own offset may be what is damaged.
    floor: i64,
    /// No batch of the segment reaches this offset.
    limit: i64,
}

impl<'a> Sweep<'a> {
    /// Over `file` from `position` to `end`; no batch there begins below offset `base`.
    pub fn new(file: &'a dyn DiskFile, position: u64, end: u64, base: i64) -> Sweep<'a> {
        let walk = Walk::new(file, position, end);
        Sweep { file, walk, ahead: None, end, expected: base, floor: base, limit: i64::MAX }
    }

    /// The same of a file that is read ahead on other threads, at this pace.
    pub fn ahead(
        file: &'a Arc<dyn DiskFile>,
        position: u64,
        end: u64,
        base: i64,
        pace: Pace,
    ) -> Sweep<'a> {
        let ahead = Ahead::new(file.clone(), position, end, pace);
        Sweep { ahead: Some(ahead), ..Sweep::new(&**file, position, end, base) }
    }

    /// The same of a segment of which no batch reaches offset `limit`.
    #[must_use]
    pub fn below(self, limit: i64) -> Sweep<'a> {
        Sweep { limit, ..self }
    }

    /// Where the next piece begins.
    pub fn position(&self) -> u64 {
        self.walk.position()
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// As the system says.
    #[expect(clippy::should_implement_trait, reason = "each step may fail")]
    pub fn next(&mut self) -> io::Result<Option<Piece>> {
        let position = self.walk.position();
        if let Some(swept) = self.ahead.as_mut().and_then(|ahead| ahead.next(position)) {
            self.note(&swept.found);
            self.walk.jump(swept.found.end());
            return Ok(Some(Piece::Batch(swept)));
        }
        match self.walk.next() {
            Ok(None) => Ok(None),
            Ok(Some(found)) => {
                self.note(&found);
                let head = self.head(&found)?;
                Ok(Some(Piece::Batch(Swept { found, head, crc: Ok(()), inside: None })))
            }
            Err(Fault::Io(error)) => Err(error),
            Err(Fault::Batch(why)) => {
                if let Some(swept) = self.with_wrong_crc(position, &why)? {
                    self.walk.jump(swept.found.end());
                    return Ok(Some(Piece::Batch(swept)));
                }
                self.gap(position, why).map(|gap| Some(Piece::Gap(gap)))
            }
        }
    }

    /// An offset is not under the checksum: one that does not come after those before it says that one of the two is wrong.
    fn note(&mut self, found: &Found) {
        let first = found.first_offset();
        let after = found.last_offset.saturating_add(1);
        if first >= self.expected && after <= self.limit {
            (self.floor, self.expected) = (self.expected, after);
        } else if after <= self.limit {
            self.expected = after.max(self.floor);
        }
    }

    fn head(&mut self, found: &Found) -> io::Result<[u8; HEADER_LEN]> {
        let mut head = [0; HEADER_LEN];
        let wanted = found.size.min(HEADER_LEN);
        match found.header {
            Some(header) => head = header.to_bytes(),
            None => self.file.read_exact_at(&mut head[..wanted], found.position)?,
        }
        Ok(head)
    }

    /// The batch at `position` whose checksum alone is wrong: what its header says leads to the next batch or to the end.
    fn with_wrong_crc(&mut self, position: u64, why: &BatchError) -> io::Result<Option<Swept>> {
        if !matches!(why, BatchError::Crc { .. }) {
            return Ok(None);
        }
        let mut head = [0; HEADER_LEN];
        let left = usize::try_from(self.end - position).unwrap_or(usize::MAX);
        let wanted = left.min(HEADER_LEN);
        self.file.read_exact_at(&mut head[..wanted], position)?;
        let Ok(prefix) = Prefix::parse(&head[..wanted]) else { return Ok(None) };
        let header = (prefix.magic >= 2).then(|| BatchHeader::parse(&head)).transpose();
        let Ok(header) = header else { return Ok(None) };
        let last_offset = header.map_or(prefix.offset, |header| header.last_offset());
        let found = Found { position, size: prefix.size, last_offset, header };
        let wanted = self.wanted(self.floor);
        let follows = found.end() == self.end
            || seek::stands_at(self.file, found.end(), self.end, wanted)?
            // Two damaged batches in a row: the second goes on where the first one says that it ends.
            || seek::begins_at(self.file, found.end(), self.end, last_offset.saturating_add(1))?;
        Ok(follows.then_some(Swept { found, head, crc: Err(why.clone()), inside: None }))
    }

    fn wanted(&self, first: i64) -> Wanted {
        Wanted { first, limit: self.limit }
    }

    /// The bytes from `position` to the next batch.
    fn gap(&mut self, position: u64, why: BatchError) -> io::Result<Gap> {
        let next = self.resume(position)?;
        let end = next.unwrap_or(self.end);
        let is_zero = seek::is_zero(self.file, position, end)?;
        self.walk.jump(end);
        Ok(Gap { position, end, why, is_tail: next.is_none(), is_zero })
    }

    /// Where the next batch stands behind `position`. One below the offset that is expected counts if the offset of the batch before
    /// may be what is wrong: if another batch follows it, or none stands further on.
    fn resume(&self, position: u64) -> io::Result<Option<u64>> {
        let low = self.wanted(self.floor);
        let found = seek::next_batch(self.file, position + 1, self.end, low)?;
        let Some(at) = found.filter(|_| self.floor < self.expected) else { return Ok(found) };
        let mut walk = Walk::new(self.file, at, self.end);
        let is_low = matches!(walk.peek()?, Some(first) if first < self.expected);
        if !is_low || !matches!(walk.next(), Ok(Some(_))) {
            return Ok(Some(at));
        }
        let end = walk.position();
        if end == self.end || seek::stands_at(self.file, end, self.end, low)? {
            return Ok(Some(at));
        }
        let high = self.wanted(self.expected);
        Ok(seek::next_batch(self.file, at + 1, self.end, high)?.or(Some(at)))
    }
}
