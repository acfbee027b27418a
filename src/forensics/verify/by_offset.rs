//! The index by offset of a segment against its batches, in one pass over both.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::io;
use std::path::Path;

use crate::forensics::entries::{Entries, check_length};
use crate::forensics::finding::{Findings, Kind};
use crate::forensics::sweep::Swept;
use crate::log::{IndexEntry as _, OffsetEntry};
use crate::os::DiskFile;

/// The index by offset under way.
pub struct OffsetCheck<'a> {
    path: &'a Path,
    entries: Entries<'a, OffsetEntry>,
    base: i64,
    /// The last entry that leads to its batch.
    before: Option<OffsetEntry>,
    /// An entry whose batch ends below its offset, and where it stands: older Kafkas noted the end of all that was appended at once.
    open: Option<(OffsetEntry, u64, i64)>,
    /// Damaged stretches of the segment that entries may point into.
    holes: VecDeque<(u64, u64)>,
}

/// So many damaged stretches are remembered.
const HOLES: usize = 1024;

impl<'a> OffsetCheck<'a> {
    /// Of the index at `path`.
    ///
    /// # Errors
    /// As the system says.
    pub fn new(
        path: &'a Path,
        file: &'a dyn DiskFile,
        base: i64,
        findings: &mut Findings,
    ) -> io::Result<OffsetCheck<'a>> {
        check_length::<OffsetEntry>(path, file, Kind::IndexEntry, findings)?;
        let entries = Entries::new(file)?;
        Ok(OffsetCheck { path, entries, base, before: None, open: None, holes: VecDeque::new() })
    }

    /// A damaged stretch of the segment.
    pub fn hole(&mut self, from: u64, to: u64) {
        if self.holes.len() == HOLES {
            self.holes.pop_front();
        }
        self.holes.push_back((from, to));
        // The batch that it names may have stood there.
        self.open = None;
    }

    /// The next batch; of one whose checksum is wrong, only its position is believed.
    ///
    /// # Errors
    /// As the system says.
    pub fn batch(&mut self, it: &Swept, findings: &mut Findings) -> io::Result<()> {
        let (position, last) = (it.found.position, it.found.last_offset);
        self.pass(position, findings)?;
        if let Some((entry, ..)) = self.open {
            let wanted = self.offset_of(entry);
            if last == wanted {
                (self.open, self.before) = (None, Some(entry));
            }
        }
        let base = self.base;
        let is_its = |entry: OffsetEntry| {
            let wanted = base + i64::from(entry.relative_offset);
            (u64::from(entry.position), wanted) == (position, last)
        };
        for _ in 0..self.entries.in_the_way_of(is_its) {
            self.too_far(findings)?;
        }
        let Some(entry) = self.entries.peek()? else { return Ok(()) };
        if u64::from(entry.position) != position {
            return Ok(());
        }
        self.settle(findings);
        let at = self.entries.position();
        self.entries.skip();
        let wanted = self.offset_of(entry);
        match last.cmp(&wanted) {
            _ if it.crc.is_err() => {}
            Ordering::Equal => self.before = Some(entry),
            Ordering::Less => self.open = Some((entry, at, last)),
            Ordering::Greater => {
                findings.add(self.path, Kind::IndexEntry, at, wanted, astray(entry, wanted, last));
            }
        }
        Ok(())
    }

    /// Steps over an entry that points behind where one that is right does that follows it.
    fn too_far(&mut self, findings: &mut Findings) -> io::Result<()> {
        if let Some((at, entry)) = self.entries.next()? {
            let (offset, there) = (self.offset_of(entry), entry.position);
            let detail = format!(
                "entries that ascend were expected; offset {offset} at byte {there} stands before an entry that is right and of a lower byte"
            );
            findings.add(self.path, Kind::IndexEntry, at, offset, detail);
        }
        Ok(())
    }

    /// Entries that point to bytes before `position`, where no batch begins.
    fn pass(&mut self, position: u64, findings: &mut Findings) -> io::Result<()> {
        while let Some(entry) = self.entries.peek()? {
            let (there, at) = (u64::from(entry.position), self.entries.position());
            let ascends = self.before.is_none_or(|before| entry.follows(before));
            if ascends && there >= position {
                break;
            }
            self.entries.skip();
            let offset = self.offset_of(entry);
            let in_hole = self.holes.iter().any(|(from, to)| (*from..*to).contains(&there));
            if !ascends {
                let before = self.before.map_or(0, |before| before.position);
                let detail = format!(
                    "entries that ascend were expected; offset {offset} at byte {there} follows one at byte {before}"
                );
                findings.add(self.path, Kind::IndexEntry, at, offset, detail);
                continue;
            }
            self.settle(findings);
            if !in_hole {
                let detail = format!(
                    "the batch that ends with offset {offset} was expected at byte {there} of the segment; no batch begins there"
                );
                findings.add(self.path, Kind::IndexEntry, at, offset, detail);
            }
        }
        Ok(())
    }

    /// The next entry is reached: what the one before says must have come.
    fn settle(&mut self, findings: &mut Findings) {
        if let Some((entry, at, last)) = self.open.take() {
            let wanted = self.offset_of(entry);
            findings.add(self.path, Kind::IndexEntry, at, wanted, astray(entry, wanted, last));
        }
    }

    /// The offset that an entry names.
    fn offset_of(&self, entry: OffsetEntry) -> i64 {
        self.base + i64::from(entry.relative_offset)
    }

    /// The segment ends at `size`.
    ///
    /// # Errors
    /// As the system says.
    pub fn end(mut self, size: u64, findings: &mut Findings) -> io::Result<()> {
        self.pass(size, findings)?;
        self.settle(findings);
        while let Some(entry) = self.entries.peek()? {
            let (at, there) = (self.entries.position(), entry.position);
            let offset = self.offset_of(entry);
            let detail = format!(
                "a batch was expected at byte {there} of the segment, which ends at {size}"
            );
            findings.add(self.path, Kind::IndexEntry, at, offset, detail);
            self.entries.skip();
        }
        Ok(())
    }
}

fn astray(entry: OffsetEntry, wanted: i64, last: i64) -> String {
    let there = entry.position;
    format!(
        "the batch at byte {there} was expected to end with offset {wanted}; it ends with {last}"
    )
}
