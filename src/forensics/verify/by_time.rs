//! The index by time of a segment against its batches, in one pass over both.

use std::io;
use std::path::Path;

use crate::forensics::entries::{Entries, check_length};
use crate::forensics::finding::{Findings, Kind};
use crate::forensics::sweep::Swept;
use crate::log::{IndexEntry as _, TimeEntry};
use crate::os::DiskFile;
use crate::record::BatchHeader;

/// The index by time under way.
pub struct TimeCheck<'a> {
    path: &'a Path,
    entries: Entries<'a, TimeEntry>,
    base: i64,
    /// The last entry that leads to its batch.
    before: Option<TimeEntry>,
    /// What the last entry says, right or not.
    newest: i64,
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
            newest: -1,
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
        self.pass(&header, findings)?;
        while let Some((entry, at)) = self.ascending(last, findings)? {
            let offset = self.offset_of(entry);
            let timestamp = entry.timestamp;
            let detail = if offset < header.base_offset {
                if self.after_damage {
                    continue;
                }
                format!("a batch that holds offset {offset} was expected; there is none")
            } else if timestamp != header.max_timestamp {
                let found = header.max_timestamp;
                format!(
                    "timestamp {timestamp} was expected in the batch that holds offset {offset}; its youngest record has {found}"
                )
            } else if timestamp < self.youngest {
                let (youngest, before) = (self.youngest, self.youngest_at);
                format!(
                    "timestamp {timestamp} was expected to be the youngest up to offset {offset}; the batch that ends with {before} has {youngest}"
                )
            } else {
                self.before = Some(entry);
                continue;
            };
            findings.add(self.path, Kind::TimeindexEntry, at, offset, detail);
        }
        if header.record_count > 0 && header.max_timestamp > self.youngest {
            (self.youngest, self.youngest_at) = (header.max_timestamp, last);
        }
        (self.last, self.after_damage) = (last, false);
        Ok(())
    }

    /// Steps over entries that say more than one that is right and follows them.
    fn pass(&mut self, header: &BatchHeader, findings: &mut Findings) -> io::Result<()> {
        let (base, in_it) = (self.base, header.base_offset..=header.last_offset());
        let is_its = |entry: TimeEntry| {
            let offset = base + i64::from(entry.relative_offset);
            entry.timestamp == header.max_timestamp && in_it.contains(&offset)
        };
        self.entries.peek()?;
        for _ in 0..self.entries.in_the_way_of(is_its) {
            let Some((at, entry)) = self.entries.next()? else { break };
            let (timestamp, offset) = (entry.timestamp, base + i64::from(entry.relative_offset));
            let detail = format!(
                "entries that ascend were expected; timestamp {timestamp} at offset {offset} stands before an entry that is right and says less"
            );
            findings.add(self.path, Kind::TimeindexEntry, at, offset, detail);
        }
        Ok(())
    }

    /// The next entry up to offset `last`, and where it stands; those that do not ascend are told.
    fn ascending(
        &mut self,
        last: i64,
        findings: &mut Findings,
    ) -> io::Result<Option<(TimeEntry, u64)>> {
        while let Some(entry) = self.entries.peek()? {
            let offset = self.offset_of(entry);
            let ascends = self.before.is_none_or(|before| entry.follows(before));
            if ascends && offset > last {
                break;
            }
            let at = self.entries.position();
            self.entries.skip();
            if ascends {
                self.newest = entry.timestamp;
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

    /// The offset that an entry names.
    fn offset_of(&self, entry: TimeEntry) -> i64 {
        self.base + i64::from(entry.relative_offset)
    }

    /// The segment ends. One that is `sealed` has its youngest record as the last entry.
    ///
    /// # Errors
    /// As the system says.
    pub fn end(mut self, sealed: bool, findings: &mut Findings) -> io::Result<()> {
        let end = self.last;
        while let Some((entry, at)) = self.ascending(i64::MAX, findings)? {
            let offset = self.offset_of(entry);
            if !self.after_damage {
                let detail = format!(
                    "a batch that holds offset {offset} was expected; the segment ends with {end}"
                );
                findings.add(self.path, Kind::TimeindexEntry, at, offset, detail);
            }
        }
        let newest = self.newest;
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
