//! The two sparse indexes of a segment against its batches, in one pass over both.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use super::entries::Entries;
use crate::forensics::finding::{Findings, Kind};
use crate::forensics::sweep::Swept;
use crate::log::{IndexEntry, OffsetEntry, TimeEntry};
use crate::os::DiskFile;

/// The index by offset under way.
pub struct OffsetCheck<'a> {
    path: &'a Path,
    entries: Entries<'a, OffsetEntry>,
    base: i64,
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
            let wanted = self.base + i64::from(entry.relative_offset);
            if last == wanted {
                self.open = None;
            }
        }
        let Some(entry) = self.entries.peek()? else { return Ok(()) };
        if u64::from(entry.position) != position {
            return Ok(());
        }
        self.settle(findings);
        let at = self.entries.position();
        self.entries.skip();
        self.before = Some(entry);
        let wanted = self.base + i64::from(entry.relative_offset);
        if it.crc.is_ok() && last < wanted {
            self.open = Some((entry, at, last));
        } else if it.crc.is_ok() && last > wanted {
            findings.add(self.path, Kind::IndexEntry, at, wanted, astray(entry, wanted, last));
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
            let offset = self.base + i64::from(entry.relative_offset);
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
            self.before = Some(entry);
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
            let wanted = self.base + i64::from(entry.relative_offset);
            findings.add(self.path, Kind::IndexEntry, at, wanted, astray(entry, wanted, last));
        }
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
            let offset = self.base + i64::from(entry.relative_offset);
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

/// The index by time under way.
pub struct TimeCheck<'a> {
    path: &'a Path,
    entries: Entries<'a, TimeEntry>,
    base: i64,
    before: Option<TimeEntry>,
    /// The last offset so far, and whether damage came since.
    last: i64,
    after_damage: bool,
    youngest: i64,
    youngest_at: i64,
}

impl<'a> TimeCheck<'a> {
    /// Of the index at `path`.
    ///
    /// # Errors
    /// As the system says.
    pub fn new(
        path: &'a Path,
        file: &'a dyn DiskFile,
        base: i64,
        findings: &mut Findings,
    ) -> io::Result<TimeCheck<'a>> {
        check_length::<TimeEntry>(path, file, Kind::TimeindexEntry, findings)?;
        Ok(TimeCheck {
            path,
            entries: Entries::new(file)?,
            base,
            before: None,
            last: base - 1,
            after_damage: false,
            youngest: -1,
            youngest_at: base,
        })
    }

    /// Something was damaged: what entries say of it cannot be told.
    pub fn hole(&mut self) {
        self.after_damage = true;
    }

    /// The next batch that is in order.
    ///
    /// # Errors
    /// As the system says.
    pub fn batch(&mut self, it: &Swept, findings: &mut Findings) -> io::Result<()> {
        let Some(header) = it.found.header else {
            // Old formats do not say how young the records inside are.
            self.hole();
            return Ok(());
        };
        let last = it.found.last_offset;
        while let Some((entry, at)) = self.ascending(last, findings)? {
            let offset = self.base + i64::from(entry.relative_offset);
            let timestamp = entry.timestamp;
            if offset < header.base_offset {
                if !self.after_damage {
                    let detail =
                        format!("a batch that holds offset {offset} was expected; there is none");
                    findings.add(self.path, Kind::TimeindexEntry, at, offset, detail);
                }
            } else if timestamp != header.max_timestamp {
                let found = header.max_timestamp;
                let detail = format!(
                    "timestamp {timestamp} was expected in the batch that holds offset {offset}; its youngest record has {found}"
                );
                findings.add(self.path, Kind::TimeindexEntry, at, offset, detail);
            } else if timestamp < self.youngest {
                let (youngest, before) = (self.youngest, self.youngest_at);
                let detail = format!(
                    "timestamp {timestamp} was expected to be the youngest up to offset {offset}; the batch that ends with {before} has {youngest}"
                );
                findings.add(self.path, Kind::TimeindexEntry, at, offset, detail);
            }
        }
        if header.record_count > 0 && header.max_timestamp > self.youngest {
            (self.youngest, self.youngest_at) = (header.max_timestamp, last);
        }
        (self.last, self.after_damage) = (last, false);
        Ok(())
    }

    /// The next entry up to offset `last`, and where it stands; those that do not ascend are told.
    fn ascending(
        &mut self,
        last: i64,
        findings: &mut Findings,
    ) -> io::Result<Option<(TimeEntry, u64)>> {
        while let Some(entry) = self.entries.peek()? {
            let offset = self.base + i64::from(entry.relative_offset);
            let ascends = self.before.is_none_or(|before| entry.follows(before));
            if ascends && offset > last {
                break;
            }
            let at = self.entries.position();
            self.entries.skip();
            if ascends {
                self.before = Some(entry);
                return Ok(Some((entry, at)));
            }
            let before = self.before.map_or(-1, |before| before.timestamp);
            let detail = format!(
                "entries that ascend were expected; timestamp {} at offset {offset} follows timestamp {before}",
                entry.timestamp
            );
            findings.add(self.path, Kind::TimeindexEntry, at, offset, detail);
        }
        Ok(None)
    }

    /// The segment ends. One that is `sealed` has its youngest record as the last entry.
    ///
    /// # Errors
    /// As the system says.
    pub fn end(mut self, sealed: bool, findings: &mut Findings) -> io::Result<()> {
        let end = self.last;
        while let Some((entry, at)) = self.ascending(i64::MAX, findings)? {
            let offset = self.base + i64::from(entry.relative_offset);
            if !self.after_damage {
                let detail = format!(
                    "a batch that holds offset {offset} was expected; the segment ends with {end}"
                );
                findings.add(self.path, Kind::TimeindexEntry, at, offset, detail);
            }
        }
        let newest = self.before.map_or(-1, |entry| entry.timestamp);
        if sealed && self.youngest > newest {
            let (youngest, at) = (self.youngest, self.youngest_at);
            let detail = format!(
                "the segment's youngest record, of {youngest}, was expected as the last entry; the last one says {newest}"
            );
            findings.add(self.path, Kind::TimeindexEntry, self.entries.position(), at, detail);
        }
        Ok(())
    }
}

fn check_length<E: IndexEntry>(
    path: &Path,
    file: &dyn DiskFile,
    kind: Kind,
    findings: &mut Findings,
) -> io::Result<()> {
    let length = file.len()?;
    let left = length % E::LEN as u64;
    if left != 0 {
        let detail =
            format!("entries of {} bytes were expected; the file ends with {left} bytes", E::LEN);
        findings.add(path, kind, length - left, None, detail);
    }
    Ok(())
}
